//! Order and number of rows: `sort`, `top`, `take`, `sample`, `count`, `getschema`.

use std::rc::Rc;
use std::sync::Arc;

use datafusion::logical_expr::{LogicalPlanBuilder, SortExpr, lit};
use kql_syntax::ast::{Expr, Nulls, SortKey, SortOrder, Type};
use kql_values::Value;
use kql_values::rows::Rows;

use super::source::in_memory;
use super::window::{is_placed, row_number};
use crate::bind::{Binder, Row, Scope};
use crate::bound::Kind;
use crate::error::{Bind, Refusal};
use crate::lower::column;
use crate::node::Run;
use crate::relation::{Hidden, Relation};

impl Binder<'_> {
    pub(super) fn sort(
        &self,
        input: Relation,
        keys: &[SortKey],
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let (mut input, order) = self.sort_keys(input, keys, scope)?;
        if input.keys().is_empty() {
            input.plan = LogicalPlanBuilder::from(input.plan)
                .sort(order.clone())?
                .build()?;
        }
        input.order = order;
        Ok(input)
    }

    /// Keys as columns; what is no column becomes a hidden one.
    pub(super) fn sort_keys(
        &self,
        mut input: Relation,
        keys: &[SortKey],
        scope: &Rc<Scope>,
    ) -> Bind<(Relation, Vec<SortExpr>)> {
        let mut order = Vec::with_capacity(keys.len());
        for key in keys {
            let bound = self.scalar(&key.value, &Row::of(&input.columns), scope)?;
            if bound.ty == Type::Dynamic {
                let text = "a dynamic value has no order; convert it, for example by tostring() or tolong()";
                return Err(Refusal::at(key.value.span, text));
            }
            let ascending = key.order == Some(SortOrder::Ascending);
            let nulls_first = match key.nulls {
                Some(nulls) => nulls == Nulls::First,
                None => ascending,
            };
            if bound.constant().is_some() {
                continue;
            }
            let name = match &bound.kind {
                Kind::Column(name) => name.clone(),
                _ => {
                    let name = self.fresh("key");
                    let expr = input.lowering(self.frame()).expr(&bound)?;
                    let hidden = Hidden {
                        name: name.clone(),
                        ty: bound.ty,
                        is_key: false,
                    };
                    input = input.add_hidden(hidden, expr)?;
                    name
                }
            };
            // Missing text is the empty text, which comes before all other.
            let nulls_first = if bound.ty == Type::String {
                ascending
            } else {
                nulls_first
            };
            order.push(column(&name).sort(ascending, nulls_first));
        }
        Ok((input, order))
    }

    pub(super) fn top(
        &self,
        input: Relation,
        count: &Expr,
        by: &SortKey,
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let count = self.count(count, scope)?;
        let sorted = self.sort(input, std::slice::from_ref(by), scope)?;
        self.first_rows(sorted, count)
    }

    pub(super) fn take(&self, input: Relation, count: &Expr, scope: &Rc<Scope>) -> Bind<Relation> {
        let count = self.count(count, scope)?;
        self.first_rows(input, count)
    }

    /// The first rows in the order that there is; of each group if there are groups.
    pub(super) fn first_rows(&self, input: Relation, count: usize) -> Bind<Relation> {
        let keys = input.keys();
        if keys.is_empty() {
            let mut plan = LogicalPlanBuilder::from(input.plan);
            if is_placed(&input.order) {
                plan = plan.sort(input.order.clone())?;
            }
            let plan = plan.limit(0, Some(count))?.build()?;
            return Ok(Relation { plan, ..input });
        }
        let place = self.fresh("first");
        let window = row_number(keys, input.order.clone())?;
        let columns = input.columns.clone();
        let plan = LogicalPlanBuilder::from(input.plan.clone())
            .window(vec![window.alias(place.clone())])?;
        let last = i64::try_from(count).unwrap_or(i64::MAX);
        let plan = plan
            .filter(
                datafusion::logical_expr::cast(
                    column(&place),
                    datafusion::arrow::datatypes::DataType::Int64,
                )
                .lt_eq(lit(last)),
            )?
            .build()?;
        let kept = Relation { plan, ..input };
        let same = columns
            .into_iter()
            .map(|(name, ty)| (name.clone(), ty, column(&name)))
            .collect();
        kept.project_lowered(same)
    }

    pub(super) fn sample_distinct(
        &self,
        input: Relation,
        count: &Expr,
        of: &Expr,
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let count = self.count(count, scope)?;
        let distinct = self.distinct(input, &[of.clone().into()], scope)?;
        self.first_rows(distinct, count)
    }
}

/// Names and types of the columns, as rows.
pub(super) fn get_schema(input: Relation) -> Bind<Relation> {
    let columns = [
        ("ColumnName", Type::String),
        ("ColumnOrdinal", Type::Long),
        ("DataType", Type::String),
        ("ColumnType", Type::String),
    ];
    let rows = (0_i64..)
        .zip(&input.columns)
        .map(|(place, (name, ty))| {
            vec![
                Value::String(name.clone()),
                Value::Long(place),
                Value::String(ty.dotnet_name().to_owned()),
                Value::String(ty.name().to_owned()),
            ]
        })
        .collect::<Vec<_>>();
    let columns = columns.map(|(name, ty)| (name.to_owned(), ty)).to_vec();
    if input.keys().is_empty() {
        return in_memory(columns, &rows);
    }
    let run: Run = Arc::new(move |_| {
        Ok(Rows {
            columns: Vec::new(),
            rows: rows.clone(),
        })
    });
    super::evaluate::through(input, "getschema", columns, run)
}
