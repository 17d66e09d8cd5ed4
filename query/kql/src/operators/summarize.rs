//! `summarize`, `distinct`, `count`.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use datafusion::functions_aggregate::expr_fn::{count, first_value};
use datafusion::logical_expr::{
    Expr as Plan, Filter, LogicalPlan, LogicalPlanBuilder, Projection, lit,
};
use kql_syntax::ast::{Argument, Call, Expr, ExprKind, Name, NamedExpr, Type};
use kql_values::Value;

use super::project::Unnamed;
use crate::aggregates::{Aggregate, Aggregation, Finish, is_aggregate, lower};
use crate::bind::{Binder, Row, Scope};
use crate::bound::{Bound, Kind};
use crate::error::{Bind, Refusal};
use crate::lower::column;
use crate::names;
use crate::relation::Relation;

/// Aggregates to which the order of the rows means nothing.
const ANY_ORDER: [&str; 14] = [
    "count",
    "countif",
    "sum",
    "sumif",
    "min",
    "minif",
    "max",
    "maxif",
    "avg",
    "avgif",
    "dcount",
    "dcountif",
    "count_distinct",
    "count_distinctif",
];

/// The rows without a sort that stands above all that could depend on it. The engine would take it away too, but for
/// the one partition that the sort needs, and that an aggregate is planned for.
#[recursive::recursive]
fn unsorted(plan: LogicalPlan) -> Bind<LogicalPlan> {
    Ok(match plan {
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => {
            unsorted(Arc::unwrap_or_clone(sort.input))?
        }
        LogicalPlan::Projection(projection) => {
            let input = Arc::new(unsorted(Arc::unwrap_or_clone(projection.input))?);
            let (exprs, schema) = (projection.expr, projection.schema);
            LogicalPlan::Projection(Projection::try_new_with_schema(exprs, input, schema)?)
        }
        LogicalPlan::Filter(filter) => {
            let input = Arc::new(unsorted(Arc::unwrap_or_clone(filter.input))?);
            LogicalPlan::Filter(Filter::try_new(filter.predicate, input)?)
        }
        other => other,
    })
}

fn has_sort(mut plan: &LogicalPlan) -> bool {
    loop {
        plan = match plan {
            LogicalPlan::Sort(sort) => return sort.fetch.is_none(),
            LogicalPlan::Projection(projection) => &projection.input,
            LogicalPlan::Filter(filter) => &filter.input,
            _ => return false,
        }
    }
}

/// What `summarize` computes: keys, aggregates, and the columns that are made of them.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) keys: Vec<(String, Bound)>,
    pub(super) aggregation: Aggregation,
    /// The engine's own aggregates that are no functions of KQL (`arg_max` of each column).
    pub(super) raw: Vec<(String, Type, Plan)>,
    pub(super) results: Vec<(String, Bound)>,
}

impl Summary {
    /// Columns by which the rows are grouped.
    pub(super) fn key_columns(&self) -> Vec<String> {
        let column = |(_, key): &(String, Bound)| match &key.kind {
            Kind::Column(name) => Some(name.clone()),
            _ => None,
        };
        let named = self.keys.iter().map(|(name, _)| name.clone());
        named.chain(self.keys.iter().filter_map(column)).collect()
    }

    /// Whether it gives the same however the rows are ordered.
    fn is_of_any_order(&self) -> bool {
        let is_known = |one: &Aggregate| ANY_ORDER.contains(&one.name.as_str());
        self.raw.is_empty() && self.aggregation.0.iter().all(is_known)
    }

    fn is_taken(&self, name: &str) -> bool {
        self.keys.iter().any(|(key, _)| key == name)
            || self.results.iter().any(|(result, _)| result == name)
    }

    /// `Column1`, `Column2`: the first that is free.
    fn unnamed(&self) -> String {
        let names = (1_usize..).map(|number| format!("Column{number}"));
        let mut free = names.filter(|name| !self.is_taken(name));
        free.next().unwrap_or_default()
    }

    pub(super) fn add(&mut self, name: &str, value: Bound) {
        let name = names::unique(name, |name| self.is_taken(name));
        self.results.push((name, value));
    }
}

impl Binder<'_> {
    pub(super) fn summarize(
        &self,
        input: Relation,
        aggregates: &[NamedExpr],
        by: &[NamedExpr],
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let summary = self.summary(&input, aggregates, by, scope)?;
        self.apply_summary(input, summary)
    }

    pub(super) fn summary(
        &self,
        input: &Relation,
        aggregates: &[NamedExpr],
        by: &[NamedExpr],
        scope: &Rc<Scope>,
    ) -> Bind<Summary> {
        let row = Row::of(&input.columns);
        let mut summary = Summary {
            keys: self.named(by, &row, scope, Unnamed::Column)?,
            ..Summary::default()
        };
        for aggregate in aggregates {
            if self.several_columns(input, aggregate, scope, &mut summary)? {
                continue;
            }
            self.one_aggregate(input, aggregate, scope, &mut summary)?;
        }
        Ok(summary)
    }

    fn one_aggregate(
        &self,
        input: &Relation,
        aggregate: &NamedExpr,
        scope: &Rc<Scope>,
        summary: &mut Summary,
    ) -> Bind<()> {
        let bound = gather(input, summary, |row| {
            self.named(std::slice::from_ref(aggregate), row, scope, Unnamed::Column)
        });
        let implied = names::implied(&aggregate.value);
        for (name, value) in bound? {
            check_grouped(&value, aggregate, summary)?;
            let is_bare = aggregate.names.is_empty() && implied.is_none();
            let name = match &aggregate.value.kind {
                ExprKind::Call(call)
                    if is_bare && is_aggregate(self.environment.language, &call.name.text) =>
                {
                    format!("{}_", call.name.text)
                }
                _ if is_bare && name.starts_with("Column") => summary.unnamed(),
                _ => name,
            };
            summary.add(&name, value);
        }
        Ok(())
    }

    /// Aggregates that give several columns; false if the call is none of them.
    fn several_columns(
        &self,
        input: &Relation,
        named: &NamedExpr,
        scope: &Rc<Scope>,
        summary: &mut Summary,
    ) -> Bind<bool> {
        let call = match &named.value.kind {
            ExprKind::Call(call) if scope.find(&call.name.text).is_none() => call,
            _ => return Ok(false),
        };
        let is_star = |argument: &Argument| matches!(argument.value.kind, ExprKind::Wildcard(_));
        let arguments: Vec<&Expr> = call
            .arguments
            .iter()
            .map(|argument| &argument.value)
            .collect();
        match (call.name.text.as_str(), arguments.as_slice()) {
            ("arg_max" | "argmax" | "arg_min" | "argmin", [_, ..]) => {
                self.extreme(input, (named, call), scope, summary)?;
            }
            ("take_any" | "any", _)
                if call.arguments.len() > 1 || call.arguments.iter().any(is_star) =>
            {
                self.any_row(input, (named, call), scope, summary)?;
            }
            ("take_any" | "any", [_]) if named.names.is_empty() => {
                let Some(name) = call.arguments.first().and_then(|first| first.name.as_ref())
                else {
                    return Ok(false);
                };
                let renamed = NamedExpr {
                    names: vec![name.clone()],
                    value: named.value.clone(),
                };
                self.one_aggregate(input, &renamed, scope, summary)?;
            }
            ("percentiles" | "percentilesw", [value, rest @ ..]) => {
                self.percentiles(input, named, call, value, rest, scope, summary)?;
            }
            ("percentile" | "percentilew", [value, .., at]) => {
                let bound = self.constant(at, scope)?;
                let result = gather(input, summary, |row| self.scalar(&named.value, row, scope));
                let name = named
                    .names
                    .first()
                    .map_or_else(|| percentile_name(value, &bound), |name| name.text.clone());
                summary.add(&name, result?);
            }
            ("percentiles_array" | "percentilesw_array", [value, ..]) if named.names.is_empty() => {
                let result = gather(input, summary, |row| self.scalar(&named.value, row, scope));
                let name = format!("percentile_{}", names::implied(value).unwrap_or_default());
                summary.add(&name, result?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "percentiles are told by all of these"
    )]
    fn percentiles(
        &self,
        input: &Relation,
        named: &NamedExpr,
        call: &Call,
        value: &Expr,
        rest: &[&Expr],
        scope: &Rc<Scope>,
        summary: &mut Summary,
    ) -> Bind<()> {
        let row = Row::of(&input.columns);
        let bound = self.scalar(value, &row, scope)?;
        let (weight, ranks) = match (call.name.text.as_str(), rest) {
            ("percentilesw", [weight, ranks @ ..]) => {
                (Some(self.scalar(weight, &row, scope)?), ranks)
            }
            (_, ranks) => (None, ranks),
        };
        let single = if weight.is_some() {
            "percentilew"
        } else {
            "percentile"
        };
        for (place, rank) in ranks.iter().enumerate() {
            let rank_bound = self.constant(rank, scope)?;
            let mut arguments = vec![bound.clone()];
            arguments.extend(weight.clone());
            arguments.push(rank_bound.clone());
            let (arguments, ty) = self.aggregate_types(single, arguments, call.name.span)?;
            let column = self.fresh("percentile");
            summary.aggregation.0.push(Aggregate {
                name: single.to_owned(),
                arguments,
                column: column.clone(),
                ty,
            });
            let name = match named.names.get(place) {
                Some(name) => name.text.clone(),
                None => percentile_name(value, &rank_bound),
            };
            summary.add(&name, Bound::column(column, ty));
        }
        Ok(())
    }

    /// The plan of a summary.
    pub(super) fn apply_summary(&self, mut input: Relation, summary: Summary) -> Bind<Relation> {
        if summary.is_of_any_order() && has_sort(&input.plan) {
            input.plan = unsorted(input.plan)?;
        }
        let lowering = input.lowering(self.frame());
        let mut groups = Vec::new();
        let mut visible = Vec::new();
        for (name, key) in &summary.keys {
            groups.push(lowering.key(key)?.alias(name.clone()));
            visible.push((name.clone(), key.ty));
        }
        let mut aggregates = Vec::new();
        let mut finishes = Vec::new();
        for aggregate in &summary.aggregation.0 {
            let lowered = lower(aggregate, &lowering, &input.order)?;
            aggregates.push((aggregate.column.clone(), lowered.aggregate));
            finishes.push((aggregate.column.clone(), aggregate.ty, lowered.finish));
        }
        for (name, ty, expr) in summary.raw {
            aggregates.push((name.clone(), expr));
            finishes.push((name, ty, Finish::Keep));
        }
        let (mut aggregates, sources) = aliased(aggregates);
        let keys = input.keys();
        let is_grouped = !keys.is_empty();
        let mut hidden = Vec::new();
        if is_grouped {
            for column_hidden in &input.hidden {
                let expr = column(&column_hidden.name);
                if column_hidden.is_key {
                    groups.push(expr);
                } else {
                    aggregates
                        .push(first_value(expr, Vec::new()).alias(column_hidden.name.clone()));
                }
                hidden.push(column_hidden.clone());
            }
        }
        let plan = LogicalPlanBuilder::from(input.plan.clone())
            .aggregate(groups, aggregates)?
            .build()?;
        let mut relation = Relation::new(plan, visible.clone());
        let mut columns = relation.as_they_are();
        for ((name, ty, finish), source) in finishes.into_iter().zip(sources) {
            let expr = finish.apply(column(&source));
            columns.push((name, ty, expr));
        }
        relation.hidden = hidden;
        relation.name = input.name;
        let finished = relation.project_lowered(columns)?;
        let mut results: Vec<_> = visible
            .into_iter()
            .map(|(name, ty)| (name.clone(), Bound::column(name, ty)))
            .collect();
        results.extend(summary.results);
        finished.project(self.frame(), results)
    }

    pub(super) fn distinct(
        &self,
        input: Relation,
        columns: &[NamedExpr],
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        self.summarize(input, &[], columns, scope)
    }

    pub(super) fn count_rows(&self, input: Relation, name: Option<&Name>) -> Bind<Relation> {
        let mut summary = Summary::default();
        let raw = self.fresh("count");
        summary
            .raw
            .push((raw.clone(), Type::Long, count(lit(1_i64))));
        summary.results.push((
            name.map_or("Count", |name| &name.text).to_owned(),
            Bound::column(raw, Type::Long),
        ));
        self.apply_summary(input, summary)
    }
}

/// Aggregates under their names, and the columns in which their results are. Where distinct values are counted they
/// stand without an alias, each once: the engine makes groups of such only as they are written in SQL.
fn aliased(aggregates: Vec<(String, Plan)>) -> (Vec<Plan>, Vec<String>) {
    let is_distinct =
        |expr: &Plan| matches!(expr, Plan::AggregateFunction(call) if call.params.distinct);
    if !aggregates.iter().any(|(_, expr)| is_distinct(expr)) {
        let alias = |(name, expr): (String, Plan)| (expr.alias(name.clone()), name);
        return aggregates.into_iter().map(alias).unzip();
    }
    let mut exprs: Vec<Plan> = Vec::new();
    let mut sources = Vec::with_capacity(aggregates.len());
    for (_, expr) in aggregates {
        sources.push(expr.schema_name().to_string());
        if !exprs.contains(&expr) {
            exprs.push(expr);
        }
    }
    (exprs, sources)
}

/// Binds something in which aggregates may stand; they go to the summary.
fn gather<T>(input: &Relation, summary: &mut Summary, bind: impl FnOnce(&Row<'_>) -> T) -> T {
    let gathered = RefCell::new(std::mem::take(&mut summary.aggregation));
    let row = Row {
        aggregation: Some(&gathered),
        ..Row::of(&input.columns)
    };
    let bound = bind(&row);
    summary.aggregation = gathered.into_inner();
    bound
}

/// A column may only stand outside an aggregate if it is a key.
fn check_grouped(value: &Bound, aggregate: &NamedExpr, summary: &Summary) -> Bind<()> {
    let mut loose = None;
    visit(value, &mut |name| {
        let is_known = name.starts_with('\u{1}') || summary.keys.iter().any(|(key, _)| key == name);
        if !is_known && loose.is_none() {
            loose = Some(name.to_owned());
        }
    });
    match loose {
        Some(name) => {
            let text = format!(
                "'{name}' differs within a group: put it into an aggregate such as take_any(), or after by"
            );
            Err(Refusal::at(aggregate.value.span, text))
        }
        None => Ok(()),
    }
}

fn percentile_name(value: &Expr, rank: &Bound) -> String {
    let rank = match rank.constant() {
        Some(value) => value.to_text().replace('.', "_"),
        None => Value::Null.to_text(),
    };
    format!(
        "percentile_{}_{rank}",
        names::implied(value).unwrap_or_default()
    )
}

/// Names of the columns that an expression reads.
pub(crate) fn visit(bound: &Bound, found: &mut impl FnMut(&str)) {
    match &bound.kind {
        Kind::Literal(_) => {}
        Kind::Column(name) => found(name),
        Kind::Call(_, arguments) => {
            for argument in arguments {
                visit(argument, found);
            }
        }
        Kind::Result(inner, _) | Kind::Convert(inner) => visit(inner, found),
        Kind::Path(base, steps) => {
            visit(base, found);
            for step in steps {
                visit(step, found);
            }
        }
    }
}
