//! Operators that step through rows: `scan`, sessions, `reduce`.

use std::rc::Rc;
use std::sync::Arc;

use kql_syntax::ast::{Expr, Property, Scan, Type};
use kql_values::Value;
use kql_values::function::Context;
use kql_values::rows::{Rows, TableArgument};

use super::word;
use crate::bind::{Binder, Row, Scope};
use crate::bound::Bound;
use crate::error::{Bind, Refusal, failed_at};
use crate::interpret::value_of;
use crate::node::Run;
use crate::relation::Relation;

impl Binder<'_> {
    pub(super) fn scan(&self, _input: Relation, scan: &Scan, _scope: &Rc<Scope>) -> Bind<Relation> {
        let span = scan
            .steps
            .first()
            .map_or_else(kql_syntax::Span::default, |step| step.name.span);
        Err(Refusal::at(span, "scan is not there yet"))
    }

    pub(super) fn reduce(
        &self,
        input: Relation,
        by: &Expr,
        with: &[Property],
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let value = self
            .scalar(by, &Row::of(&input.columns), scope)?
            .convert(Type::String);
        let name = self.fresh("reduced");
        let input = input.project(self.frame(), vec![(name, value)])?;
        let plugins = &self.environment.language.plugins;
        let Some(plugin) = plugins
            .iter()
            .find(|plugin| plugin.name == "reduce")
            .cloned()
        else {
            return Err(Refusal::at(by.span, "reduce is not served"));
        };
        let mut arguments = vec![TableArgument::Column(0)];
        for option in ["threshold", "characters"] {
            let text = word(with, option);
            arguments.push(TableArgument::Constant(
                text.map_or(Value::Null, Value::String),
            ));
        }
        let output = (plugin.columns)(&input.columns, &arguments).map_err(failed_at(by.span))?;
        let now = self.environment.now;
        let run: Run = Arc::new(move |rows| (plugin.run)(&mut Context::new(now), rows, &arguments));
        self.through(input, "reduce", output, run)
    }
}

/// `row_window_session(value, max from first, max between [, restart])`: a session goes on as long as a row is near
/// enough to its first row and to the row before.
pub(super) fn window_session(
    binder: &Binder<'_>,
    input: Relation,
    arguments: &[Bound],
    column: &str,
) -> Bind<Relation> {
    let [value, from_first, between, rest @ ..] = arguments else {
        return Err(Refusal::at(
            kql_syntax::Span::default(),
            "row_window_session needs a datetime and two timespans",
        ));
    };
    let (value, from_first, between) = (value.clone(), from_first.clone(), between.clone());
    let restart = rest.first().cloned();
    let mut output = input.columns.clone();
    output.push((column.to_owned(), value.ty));
    let language = binder.environment.language.clone();
    let now = binder.environment.now;
    let names: Vec<String> = input.columns.iter().map(|(name, _)| name.clone()).collect();
    let run: Run = Arc::new(move |rows: Rows| {
        let mut context = Context::new(now);
        let mut start: Option<i64> = None;
        let mut last: Option<i64> = None;
        let mut stepped = Vec::with_capacity(rows.rows.len());
        for mut row in rows.rows {
            let mut get = |bound: &Bound| {
                let column = |name: &str| {
                    let place = names.iter().position(|known| known == name);
                    place
                        .and_then(|place| row.get(place))
                        .cloned()
                        .unwrap_or(Value::Null)
                };
                value_of(bound, &language, &mut context, &column)
            };
            let at = ticks(&get(&value)?);
            let (reach, gap) = (ticks(&get(&from_first)?), ticks(&get(&between)?));
            let restarts = match &restart {
                Some(restart) => get(restart)? == Value::Bool(true),
                None => false,
            };
            let goes_on = match (start, last, at, reach, gap) {
                (Some(start), Some(last), Some(at), Some(reach), Some(gap)) => {
                    at - start <= reach && at - last <= gap
                }
                _ => false,
            };
            if restarts || !goes_on {
                start = at;
            }
            last = at;
            row.push(start.map_or(Value::Null, Value::DateTime));
            stepped.push(row);
        }
        Ok(Rows {
            columns: rows.columns,
            rows: stepped,
        })
    });
    let order = input.order.clone();
    let mut sessions = binder.through(input, "row_window_session", output, run)?;
    sessions.plan = if order.is_empty() {
        sessions.plan
    } else {
        sessions.builder().sort(order.clone())?.build()?
    };
    sessions.order = order;
    Ok(sessions)
}

fn ticks(value: &Value) -> Option<i64> {
    match value {
        Value::DateTime(ticks) | Value::TimeSpan(ticks) => Some(*ticks),
        _ => None,
    }
}
