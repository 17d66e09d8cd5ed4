//! `mv-expand` and `mv-apply`: a row for each element of an array.
//!
//! `mv-apply` is the engine's own work too: each row gets a key, its elements become rows, and the operators of the
//! body treat the rows of a key each by itself ([`Relation::hidden`]).

use std::rc::Rc;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Int64Builder, ListArray, StringBuilder, StructArray};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{Column, UnnestOptions};
use datafusion::error::{DataFusionError, Result};
use datafusion::functions::core::expr_fn::get_field;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr as Plan, LogicalPlanBuilder, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};
use kql_syntax::ast::{MvColumn, MvExpand, Operator, OperatorKind, Type};
use kql_values::Value;
use kql_values::dynamic::expand;

use super::window::row_number;
use super::word;
use crate::arrays::Reader;
use crate::bind::{Binder, Row, Scope};
use crate::bound::{Bound, Kind};
use crate::error::{Bind, Refusal};
use crate::lower::column;
use crate::names;
use crate::relation::{Hidden, Relation};

impl Binder<'_> {
    pub(super) fn mv_expand(
        &self,
        input: Relation,
        expand: &MvExpand,
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let lowering = input.lowering(self.frame());
        let mut arguments = Vec::new();
        let mut targets = Vec::new();
        for (place, part) in expand.columns.iter().enumerate() {
            let (name, bound) = self.expanded(&input, part, place, scope)?;
            arguments.push(lowering.expr(&bound)?);
            targets.push((name, part.to.unwrap_or(Type::Dynamic)));
        }
        let rows_max = match &expand.limit {
            Some(limit) => self.count(limit, scope)?,
            None => ROWS_MAX,
        };
        let kind =
            word(&expand.properties, "kind").or_else(|| word(&expand.properties, "bagexpansion"));
        let as_array = kind.is_some_and(|kind| kind.eq_ignore_ascii_case("array"));
        let list = self.fresh("list");
        let call = expansion(arguments, as_array, rows_max);
        let hidden = Hidden {
            name: list.clone(),
            ty: Type::Dynamic,
            is_key: false,
        };
        let mut listed = input.add_hidden(hidden, call)?;
        let options = UnnestOptions::new().with_preserve_nulls(false);
        listed.plan = LogicalPlanBuilder::from(listed.plan)
            .unnest_column_with_options(Column::new_unqualified(&list), options)?
            .build()?;
        let index = word(&expand.properties, "with_itemindex");
        self.take_fields(listed, &list, &targets, index.as_deref())
    }

    /// What one part of `mv-expand` expands, and the name that its elements get.
    fn expanded(
        &self,
        input: &Relation,
        part: &MvColumn,
        place: usize,
        scope: &Rc<Scope>,
    ) -> Bind<(String, Bound)> {
        let bound = self.scalar(&part.value.value, &Row::of(&input.columns), scope)?;
        let bound = match bound.ty {
            Type::Dynamic => bound,
            Type::String => bound.convert(Type::Dynamic),
            other => {
                let text = format!(
                    "mv-expand takes arrays and property bags, and this is a {}",
                    other.name()
                );
                return Err(Refusal::at(part.value.value.span, text));
            }
        };
        let name = match part.value.names.first() {
            Some(name) => name.text.clone(),
            None => match &bound.kind {
                Kind::Column(name) => name.clone(),
                _ => names::implied(&part.value.value)
                    .unwrap_or_else(|| format!("Column{}", place + 1)),
            },
        };
        Ok((name, bound))
    }

    /// The fields of the unnested struct as columns.
    fn take_fields(
        &self,
        listed: Relation,
        list: &str,
        targets: &[(String, Type)],
        index: Option<&str>,
    ) -> Bind<Relation> {
        let mut columns = listed.as_they_are();
        let mut typed: Vec<(String, Type)> = Vec::new();
        for (place, (name, ty)) in targets.iter().enumerate() {
            let field = get_field(column(list), format!("v{place}"));
            match columns.iter_mut().find(|(taken, _, _)| taken == name) {
                Some(slot) => *slot = (name.clone(), Type::Dynamic, field),
                None => columns.push((name.clone(), Type::Dynamic, field)),
            }
            if *ty != Type::Dynamic {
                typed.push((name.clone(), *ty));
            }
        }
        if let Some(index) = index {
            columns.push((
                index.to_owned(),
                Type::Long,
                get_field(column(list), "index"),
            ));
        }
        let mut expanded = listed.project_lowered(columns)?;
        expanded.hidden.retain(|hidden| hidden.name != list);
        if typed.is_empty() {
            return Ok(expanded);
        }
        let converted = typed
            .into_iter()
            .map(|(name, ty)| (name.clone(), Bound::column(name, Type::Dynamic).convert(ty)))
            .collect();
        expanded.extend(self.frame(), converted)
    }

    pub(super) fn mv_apply(
        &self,
        input: Relation,
        expand: &MvExpand,
        body: &[Operator],
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        if body.iter().any(looks_at_other_rows) {
            return self.apply_to(input, expand, (body, true), scope);
        }
        let before = self.windows.get();
        let applied = self.apply_to(input.clone(), expand, (body, false), scope)?;
        // A function in it that looks at other rows looks at those of its own row's elements only.
        if self.windows.get() == before {
            return Ok(applied);
        }
        self.apply_to(input, expand, (body, true), scope)
    }

    /// `mv-apply` whose rows have a key, by which the elements of a row are told from those of others, or have none.
    fn apply_to(
        &self,
        input: Relation,
        expand: &MvExpand,
        (body, is_keyed): (&[Operator], bool),
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let outer = input.columns.clone();
        let outside = input.hidden.clone();
        let mut keyed = input;
        if is_keyed {
            let name = self.fresh("row");
            let hidden = Hidden {
                name,
                ty: Type::Long,
                is_key: true,
            };
            keyed = number_rows(keyed, hidden)?;
        }
        let copies = outer.iter().map(|(_, ty)| Hidden {
            name: self.fresh("outer"),
            ty: *ty,
            is_key: false,
        });
        let copies: Vec<Hidden> = copies.collect();
        keyed = keyed.add_copies(&copies)?;
        let inner_scope = Scope::within(scope);
        let mut rows = self.mv_expand(keyed, expand, scope)?;
        for operator in body {
            rows = self.operator_on(rows, operator, &inner_scope)?;
        }
        // The source's columns come first, from the subquery where it still has them, then what the subquery adds. A
        // column that is expanded under its own name is the subquery's alone.
        let is_expanded = |name: &str| {
            let mut columns = expand.columns.iter().map(|column| &column.value);
            columns.any(|one| {
                one.names.is_empty()
                    && matches!(&one.value.kind, kql_syntax::ast::ExprKind::Name(own) if own.text == name)
            })
        };
        let carried = outer.iter().zip(&copies);
        let carried: Vec<_> = carried
            .filter(|((name, _), _)| !is_expanded(name))
            .collect();
        let mut columns: Vec<(String, Type, Plan)> = Vec::new();
        for ((name, ty), copy) in &carried {
            match rows.type_of(name) {
                Some(now) => columns.push((name.clone(), now, column(name))),
                None => columns.push((name.clone(), *ty, column(&copy.name))),
            }
        }
        for (name, ty) in &rows.columns {
            if !carried.iter().any(|((taken, _), _)| taken == name) {
                columns.push((name.clone(), *ty, column(name)));
            }
        }
        rows.hidden = outside;
        rows.order = Vec::new();
        rows.project_lowered(columns)
    }
}

/// Gives each row a number, as a hidden column.
fn number_rows(input: Relation, hidden: Hidden) -> Bind<Relation> {
    let number = row_number(Vec::new(), Vec::new())?;
    let plan = LogicalPlanBuilder::from(input.plan.clone())
        .window(vec![number.alias(hidden.name.clone())])?
        .build()?;
    let mut numbered = Relation { plan, ..input };
    numbered.hidden.push(hidden);
    let columns = numbered.as_they_are();
    numbered.project_lowered(columns)
}

/// Most rows that one row is expanded to.
const ROWS_MAX: usize = 1 << 20;

/// What the elements of the rows of a batch may take: they are made at once.
const BYTES_MAX: usize = 512 << 20;

/// What an element takes besides its text.
const ELEMENT_BYTES: usize = 16;

/// Whether an operator in the body of `mv-apply` needs to know which rows belong together.
fn looks_at_other_rows(operator: &Operator) -> bool {
    !matches!(
        operator.kind,
        OperatorKind::Where(_)
            | OperatorKind::Extend(_)
            | OperatorKind::Project(_)
            | OperatorKind::ProjectAway(_)
            | OperatorKind::ProjectKeep(_)
            | OperatorKind::ProjectRename(_)
            | OperatorKind::ProjectReorder(_)
            | OperatorKind::MvExpand(_)
            | OperatorKind::Parse(_)
            | OperatorKind::ParseKv { .. }
    )
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Expansion {
    count: usize,
    as_array: bool,
    rows_max: usize,
    signature: Signature,
}

/// A call that gives the list of the elements of several JSON texts, side by side.
fn expansion(arguments: Vec<Plan>, as_array: bool, rows_max: usize) -> Plan {
    let function = ScalarUDF::from(Expansion {
        count: arguments.len(),
        as_array,
        rows_max,
        signature: Signature::any(arguments.len(), Volatility::Immutable),
    });
    Plan::ScalarFunction(ScalarFunction::new_udf(Arc::new(function), arguments))
}

impl Expansion {
    fn fields(&self) -> Fields {
        let values =
            (0..self.count).map(|place| Field::new(format!("v{place}"), DataType::Utf8, true));
        values
            .chain([Field::new("index", DataType::Int64, true)])
            .collect()
    }

    fn item(&self) -> FieldRef {
        Arc::new(Field::new("item", DataType::Struct(self.fields()), true))
    }

    /// The elements of a value; null is one null, something that is no collection is itself.
    fn elements(&self, value: Value) -> Vec<Option<String>> {
        let Value::Dynamic(json) = value else {
            return vec![None];
        };
        let elements = expand(json, self.as_array).into_iter();
        elements
            .map(|element| (!element.is_null()).then(|| element.to_string()))
            .collect()
    }
}

impl ScalarUDFImpl for Expansion {
    fn name(&self) -> &'static str {
        "expand"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(self.item()))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let arrays = arguments
            .args
            .iter()
            .map(|argument| argument.to_array(rows))
            .collect::<Result<Vec<_>>>()?;
        let readers = arrays
            .iter()
            .map(|array| Reader::new(array, Type::Dynamic))
            .collect::<Result<Vec<_>>>()?;
        let mut values: Vec<StringBuilder> =
            (0..self.count).map(|_| StringBuilder::new()).collect();
        let mut indexes = Int64Builder::new();
        let mut lengths = Vec::with_capacity(rows);
        let mut bytes = 0_usize;
        for row in 0..rows {
            let parts: Vec<_> = readers
                .iter()
                .map(|reader| self.elements(reader.value(row)))
                .collect();
            let length = parts
                .iter()
                .map(Vec::len)
                .max()
                .unwrap_or(0)
                .min(self.rows_max);
            lengths.push(length);
            let texts = parts.iter().flatten().flatten();
            bytes = bytes
                .saturating_add(texts.map(String::len).sum())
                .saturating_add(length.saturating_mul(ELEMENT_BYTES));
            if bytes > BYTES_MAX {
                let text = "mv-expand makes more than 512 MiB of some thousand rows: expand fewer, or filter first";
                return Err(DataFusionError::ResourcesExhausted(text.to_owned()));
            }
            for (builder, part) in values.iter_mut().zip(&parts) {
                for place in 0..length {
                    builder.append_option(part.get(place).and_then(Option::as_deref));
                }
            }
            for place in 0..length {
                indexes.append_value(i64::try_from(place).unwrap_or(i64::MAX));
            }
        }
        let mut columns: Vec<ArrayRef> = values
            .iter_mut()
            .map(|builder| Arc::new(builder.finish()) as ArrayRef)
            .collect();
        columns.push(Arc::new(indexes.finish()));
        let elements = StructArray::try_new(self.fields(), columns, None)?;
        let offsets = OffsetBuffer::from_lengths(lengths);
        let lists = ListArray::try_new(self.item(), offsets, Arc::new(elements), None)?;
        Ok(ColumnarValue::Array(Arc::new(lists)))
    }
}
