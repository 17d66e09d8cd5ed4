//! A tabular value while it is bound: a plan, its columns with KQL's types, and what is known of their order.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::Column;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, SortExpr};
use kql_syntax::ast::Type;

use crate::bound::Bound;
use crate::error::Bind;
use crate::language::Language;
use crate::lower::{Lowering, column};
use crate::node::Key;
use crate::projection::project;

/// Rows.
#[derive(Clone, Debug)]
pub(crate) struct Relation {
    pub(crate) plan: LogicalPlan,
    /// The columns that a query sees, in order; names are unique.
    pub(crate) columns: Vec<(String, Type)>,
    /// Columns that it does not see, carried along for the operator that put them there.
    pub(crate) hidden: Vec<Hidden>,
    /// The order of the rows, if they were sorted: columns, hidden ones among them.
    pub(crate) order: Vec<SortExpr>,
    /// Its name, for `withsource`.
    pub(crate) name: Option<String>,
    /// Whether nobody knows yet what columns it will have: a watchlist that is not there.
    pub(crate) is_open: bool,
}

/// A column that the query does not see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hidden {
    pub(crate) name: String,
    pub(crate) ty: Type,
    /// Whether it tells groups of rows apart that operators treat each by itself; else it is the same within one.
    pub(crate) is_key: bool,
}

/// What lowering and binding of one query share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) language: &'a Language,
    pub(crate) now: i64,
}

impl Relation {
    pub(crate) fn new(plan: LogicalPlan, columns: Vec<(String, Type)>) -> Self {
        Self {
            plan,
            columns,
            hidden: Vec::new(),
            order: Vec::new(),
            name: None,
            is_open: false,
        }
    }

    pub(crate) fn type_of(&self, name: &str) -> Option<Type> {
        let found = self.columns.iter().find(|(column, _)| column == name);
        found.map(|(_, ty)| *ty)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.type_of(name).is_some()
    }

    /// Whether any column, hidden ones too, has the name.
    pub(crate) fn is_taken(&self, name: &str) -> bool {
        self.has(name) || self.hidden.iter().any(|hidden| hidden.name == name)
    }

    pub(crate) fn lowering<'a>(&'a self, frame: Frame<'a>) -> Lowering<'a> {
        Lowering {
            language: frame.language,
            now: frame.now,
            schema: self.plan.schema(),
        }
    }

    pub(crate) fn builder(&self) -> LogicalPlanBuilder {
        LogicalPlanBuilder::from(self.plan.clone())
    }

    /// Its columns, as a projection takes them over.
    pub(crate) fn as_they_are(&self) -> Vec<(String, Type, Expr)> {
        let columns = self.columns.iter();
        columns
            .map(|(name, ty)| (name.clone(), *ty, column(name)))
            .collect()
    }

    /// What orders the rows, for a node that puts them in order itself: the hidden columns that it needs behind those
    /// that the query sees, and where the keys stand among both.
    pub(crate) fn order_places(&self) -> (Vec<Hidden>, Vec<Key>) {
        let orders = |name: &str| self.order.iter().any(|key| is_column(&key.expr, name));
        let mut hidden = self.hidden.clone();
        hidden.retain(|hidden| orders(&hidden.name) && !self.has(&hidden.name));
        let names = self.columns.iter().map(|(name, _)| name);
        let names = names.chain(hidden.iter().map(|hidden| &hidden.name));
        let place = |key: &SortExpr| {
            let found = names.clone().position(|name| is_column(&key.expr, name));
            found.map(|place| (place, key.asc, key.nulls_first))
        };
        let keys = self.order.iter().filter_map(place).collect();
        (hidden, keys)
    }

    /// The rows in no order, without hidden columns: what takes part in a join or a union.
    pub(crate) fn unordered(mut self) -> Self {
        self.hidden.clear();
        self.order.clear();
        self
    }

    /// The hidden columns that tell groups apart.
    pub(crate) fn keys(&self) -> Vec<Expr> {
        let keys = self.hidden.iter().filter(|hidden| hidden.is_key);
        keys.map(|key| column(&key.name)).collect()
    }

    /// Other columns, each from an expression; hidden ones stay.
    pub(crate) fn project(self, frame: Frame<'_>, columns: Vec<(String, Bound)>) -> Bind<Self> {
        let lowering = self.lowering(frame);
        let mut lowered = Vec::with_capacity(columns.len());
        for (name, bound) in columns {
            let expr = lowering.expr(&bound)?;
            lowered.push((name, bound.ty, expr));
        }
        self.project_lowered(lowered)
    }

    /// The same, from expressions of the engine. What orders the rows is carried along, hidden where the query drops or
    /// overwrites it.
    pub(crate) fn project_lowered(self, columns: Vec<(String, Type, Expr)>) -> Bind<Self> {
        let mut types = Vec::with_capacity(columns.len());
        let mut exprs = Vec::with_capacity(columns.len());
        let mut kept = HashSet::with_capacity(columns.len());
        for (name, ty, expr) in columns {
            let is_same = matches!(&expr, Expr::Column(column) if column.name == name);
            if is_same {
                kept.insert(name.clone());
                exprs.push(expr);
            } else {
                exprs.push(expr.alias(name.clone()));
            }
            types.push((name, ty));
        }
        let mut hidden = self.hidden.clone();
        exprs.extend(hidden.iter().map(|hidden| column(&hidden.name)));
        let mut order = Vec::with_capacity(self.order.len());
        for mut key in self.order.iter().cloned() {
            let Expr::Column(Column { name, .. }) = &key.expr else {
                break;
            };
            if !self.is_taken(name) {
                break;
            }
            if let Some(ty) = self.type_of(name)
                && !kept.contains(name)
            {
                let carried = Hidden {
                    name: free_name(&hidden),
                    ty,
                    is_key: false,
                };
                exprs.push(column(name).alias(carried.name.clone()));
                key.expr = column(&carried.name);
                hidden.push(carried);
            }
            order.push(key);
        }
        let plan = project(exprs, Arc::new(self.plan))?;
        Ok(Self {
            plan,
            columns: types,
            hidden,
            order,
            name: self.name,
            is_open: self.is_open,
        })
    }

    /// The columns as they are, with others added or put in place of those that have their name.
    pub(crate) fn extend(self, frame: Frame<'_>, added: Vec<(String, Bound)>) -> Bind<Self> {
        let mut columns: Vec<(String, Bound)> = self
            .columns
            .iter()
            .map(|(name, ty)| (name.clone(), Bound::column(name, *ty)))
            .collect();
        for (name, bound) in added {
            match columns.iter_mut().find(|(column, _)| *column == name) {
                Some(slot) => slot.1 = bound,
                None => columns.push((name, bound)),
            }
        }
        self.project(frame, columns)
    }

    /// Only some columns, in the given order.
    pub(crate) fn select(self, names: &[String]) -> Bind<Self> {
        let columns = names
            .iter()
            .filter_map(|name| {
                self.type_of(name)
                    .map(|ty| (name.clone(), ty, column(name)))
            })
            .collect();
        self.project_lowered(columns)
    }

    pub(crate) fn filter(mut self, frame: Frame<'_>, condition: &Bound) -> Bind<Self> {
        let predicate = self.lowering(frame).predicate(condition)?;
        self.plan = LogicalPlanBuilder::from(self.plan)
            .filter(predicate)?
            .build()?;
        Ok(self)
    }

    /// A hidden column becomes a visible one or the other way round without a change of the plan.
    pub(crate) fn hide(mut self, name: &str, is_key: bool) -> Self {
        if let Some(place) = self.columns.iter().position(|(column, _)| column == name) {
            let (name, ty) = self.columns.remove(place);
            self.hidden.push(Hidden { name, ty, is_key });
        }
        self
    }

    /// Adds copies of the columns under other names, hidden.
    pub(crate) fn add_copies(self, copies: &[Hidden]) -> Bind<Self> {
        let mut columns = self.as_they_are();
        for (place, copy) in copies.iter().enumerate() {
            if let Some((name, ty)) = self.columns.get(place) {
                columns.push((copy.name.clone(), *ty, column(name)));
            }
        }
        let mut added = self.project_lowered(columns)?;
        added
            .columns
            .truncate(added.columns.len().saturating_sub(copies.len()));
        added.hidden.extend(copies.iter().cloned());
        Ok(added)
    }

    /// Adds a column from an expression of the engine, hidden.
    pub(crate) fn add_hidden(self, hidden: Hidden, expr: Expr) -> Bind<Self> {
        let mut columns = self.as_they_are();
        let Hidden { name, ty, is_key } = hidden;
        columns.push((name.clone(), ty, expr));
        let added = self.project_lowered(columns)?;
        Ok(added.hide(&name, is_key))
    }

    /// Without the hidden columns of these names.
    pub(crate) fn drop_hidden(mut self, names: &[String]) -> Bind<Self> {
        self.hidden.retain(|hidden| !names.contains(&hidden.name));
        let columns = self.as_they_are();
        self.project_lowered(columns)
    }
}

fn is_column(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::Column(column) if column.name == name)
}

/// A name that no query can write and no hidden column has.
fn free_name(hidden: &[Hidden]) -> String {
    let mut number = hidden.len();
    loop {
        let name = format!("\u{1}order{number}");
        if hidden.iter().all(|hidden| hidden.name != name) {
            return name;
        }
        number += 1;
    }
}
