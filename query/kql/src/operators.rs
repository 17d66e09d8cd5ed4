//! Tabular operators: each takes a relation and gives another.

mod ahead;
mod each;
mod evaluate;
mod expand;
mod extremes;
mod groups;
mod join;
mod kept;
mod lookup;
mod order;
mod parse;
mod partition;
mod project;
mod sample;
mod scan;
mod series;
mod source;
mod summarize;
mod top;
mod union;
mod window;

use std::rc::Rc;

use kql_syntax::ast::{Expr, ExprKind, Operator, OperatorKind, PartitionBody, Property, Type};
use kql_values::Value;

use crate::bind::{Binder, Row, Scope};
use crate::error::{Bind, Refusal};
use crate::plan::Render;
use crate::relation::Relation;

pub(crate) use kept::kept;
pub(crate) use project::matches_wildcard;
pub(crate) use summarize::visit;
pub(crate) use window::Windows;

/// Graph operators and others that are known and not served.
const GRAPH: &str = "graphs are not served: tables, joins and mv-apply are";

impl Binder<'_> {
    /// An operator without rows before it.
    pub(crate) fn source_operator(&self, operator: &Operator, scope: &Rc<Scope>) -> Bind<Relation> {
        self.count_operator(operator.span)?;
        match &operator.kind {
            OperatorKind::Print(columns) => self.print(columns, scope),
            OperatorKind::Range {
                name,
                from,
                to,
                step,
            } => self.range(&name.text, (from, to), step, scope),
            OperatorKind::Union(union) => self.union(None, union, operator.span, scope),
            OperatorKind::Find(find) => self.find(find, operator.span, scope),
            OperatorKind::Search {
                properties,
                tables,
                predicate,
            } => self.search(None, (properties, tables), predicate, scope),
            OperatorKind::Opaque { keyword, .. } => Err(Refusal::at(keyword.span, GRAPH)),
            OperatorKind::Evaluate { call, .. } if evaluate::is_outward(&call.name.text) => {
                Err(evaluate::outward(call))
            }
            _ => Err(Refusal::at(
                operator.span,
                "this operator needs rows before it, as in `Table | ...`",
            )),
        }
    }

    /// An operator over rows.
    pub(crate) fn operator_on(
        &self,
        input: Relation,
        operator: &Operator,
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        self.count_operator(operator.span)?;
        match &operator.kind {
            OperatorKind::Where(condition) => self.filter(input, condition, scope),
            OperatorKind::Extend(columns) => self.extend(input, columns, scope),
            OperatorKind::Serialize(columns) => self.extend(input, columns, scope),
            OperatorKind::Project(columns) => self.project(input, columns, scope),
            OperatorKind::ProjectAway(columns) => project::project_away(input, columns),
            OperatorKind::ProjectKeep(columns) => self.project_keep(input, columns),
            OperatorKind::ProjectRename(columns) => self.project_rename(input, columns),
            OperatorKind::ProjectReorder(keys) => self.project_reorder(input, keys),
            OperatorKind::ProjectByNames(names) => self.project_by_names(input, names, scope),
            OperatorKind::Summarize { aggregates, by, .. } => {
                self.summarize(input, aggregates, by, scope)
            }
            OperatorKind::Distinct(columns) => self.distinct(input, columns, scope),
            OperatorKind::Count(name) => self.count_rows(input, name.as_ref()),
            OperatorKind::Sort { keys, .. } => self.sort(input, keys, scope),
            OperatorKind::Top { count, by, .. } => self.top(input, count, by, scope),
            OperatorKind::Take(count) => self.take(input, count, scope),
            OperatorKind::Sample(count) => self.sample(input, count, scope),
            OperatorKind::SampleDistinct { count, of } => {
                self.sample_distinct(input, count, of, scope)
            }
            _ => self.further_operator_on(input, operator, scope),
        }
    }

    /// The same for those that are more than rows and columns picked and counted.
    fn further_operator_on(
        &self,
        input: Relation,
        operator: &Operator,
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        match &operator.kind {
            OperatorKind::TopNested(levels) => self.top_nested(input, levels, scope),
            OperatorKind::TopHitters { count, of, by } => {
                self.top_hitters(input, count, (of, by.as_ref()), scope)
            }
            OperatorKind::Join(join) => self.join(&input, join, operator.span, scope),
            OperatorKind::Lookup(join) => self.lookup(&input, join, operator.span, scope),
            OperatorKind::Union(union) => self.union(Some(input), union, operator.span, scope),
            OperatorKind::Search {
                properties,
                tables,
                predicate,
            } => self.search(Some(input), (properties, tables), predicate, scope),
            OperatorKind::MvExpand(expand) => self.mv_expand(input, expand, scope),
            OperatorKind::MvApply { expand, body } => self.mv_apply(input, expand, body, scope),
            OperatorKind::Parse(parse) => self.parse(input, parse, scope),
            OperatorKind::ParseKv {
                value,
                columns,
                properties,
            } => self.parse_kv(input, value, (columns, properties), scope),
            OperatorKind::MakeSeries(series) => self.make_series(input, series, scope),
            OperatorKind::As { name, properties } => {
                let is_kept = word(properties, "hint.materialized")
                    .is_some_and(|word| word.eq_ignore_ascii_case("true"));
                let input = if is_kept { kept(input)? } else { input };
                let input = Relation {
                    name: Some(name.text.clone()),
                    ..input
                };
                scope.define(
                    name.text.clone(),
                    crate::bind::Binding::Tabular(input.clone()),
                );
                Ok(input)
            }
            OperatorKind::Partition { by, body, .. } => match body {
                PartitionBody::Operators(_) => self.partition(input, by, body, scope),
                PartitionBody::Expr(body) => self.for_each_key(input, by, body, scope),
            },
            OperatorKind::Facet { by, with } => self.facet(input, by, with, scope),
            OperatorKind::Fork(branches) => self.fork(input, branches, scope),
            OperatorKind::Invoke(call) => self.invoke(input, call, operator.span, scope),
            OperatorKind::GetSchema => order::get_schema(input),
            OperatorKind::Evaluate { call, schema, .. } => {
                self.evaluate(input, call, schema.as_deref(), scope)
            }
            OperatorKind::Scan(scan) => self.scan(input, scan, scope),
            OperatorKind::Reduce {
                properties,
                by,
                with,
            } => self.reduce(input, by, (properties, with), scope),
            OperatorKind::Render { chart, properties } => {
                *self.render.borrow_mut() = Some(render(&chart.text, properties));
                Ok(input)
            }
            OperatorKind::Consume(_) => {
                input.filter(self.frame(), &crate::bound::Bound::bool(false))
            }
            OperatorKind::AssertSchema(columns) => assert_schema(input, columns),
            OperatorKind::Opaque { keyword, .. } => Err(Refusal::at(keyword.span, GRAPH)),
            _ => Err(Refusal::at(
                operator.span,
                "this operator makes rows by itself and stands at the beginning",
            )),
        }
    }

    fn filter(&self, input: Relation, condition: &Expr, scope: &Rc<Scope>) -> Bind<Relation> {
        let windows = Windows::default();
        let cell = std::cell::RefCell::new(windows);
        let bound = {
            let row = Row {
                windows: Some(&cell),
                ..Row::of(&input.columns)
            };
            self.condition(condition, &row, scope)?
        };
        let windows = cell.into_inner();
        if windows.is_empty() {
            return input.filter(self.frame(), &bound);
        }
        let names: Vec<_> = input.columns.iter().map(|(name, _)| name.clone()).collect();
        let input = self.apply_windows(input, &windows)?;
        input.filter(self.frame(), &bound)?.select(&names)
    }
}

/// Names and types of columns that a query states; text if it says no type.
fn typed(columns: &[kql_syntax::ast::Column]) -> Vec<(String, Type)> {
    let columns = columns.iter();
    columns
        .map(|column| (column.name.text.clone(), column.ty.unwrap_or(Type::String)))
        .collect()
}

/// The value of a property that is a word or a text.
pub(crate) fn property<'p>(properties: &'p [Property], name: &str) -> Option<&'p Expr> {
    let found = properties
        .iter()
        .find(|property| property.name.text.eq_ignore_ascii_case(name));
    found.map(|property| &property.value)
}

/// The same as text.
pub(crate) fn word(properties: &[Property], name: &str) -> Option<String> {
    property(properties, name).map(text_of)
}

fn text_of(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Name(name) => name.text.clone(),
        ExprKind::Literal(literal) => kql_values::convert::literal(literal)
            .unwrap_or(Value::Null)
            .to_text(),
        _ => String::new(),
    }
}

fn render(chart: &str, properties: &[Property]) -> Render {
    Render {
        chart: chart.to_owned(),
        properties: properties
            .iter()
            .map(|property| (property.name.text.clone(), text_of(&property.value)))
            .collect(),
    }
}

fn assert_schema(input: Relation, columns: &[kql_syntax::ast::Column]) -> Bind<Relation> {
    for column in columns {
        let found = input.type_of(&column.name.text);
        let wanted = column.ty.unwrap_or(Type::String);
        if found != Some(wanted) {
            let is = found.map_or("no column of the table", Type::name);
            let text = format!(
                "'{}' is expected to be a {}, and is {is}",
                column.name.text,
                wanted.name()
            );
            return Err(Refusal::at(column.name.span, text));
        }
    }
    Ok(input)
}
