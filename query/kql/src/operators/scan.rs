//! Operators that step through rows: `scan`, sessions, `reduce`.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use kql_syntax::ast::{Expr, ParameterType, Property, Scan, Type};
use kql_values::Value;
use kql_values::function::{Context, Failure};
use kql_values::rows::scan::{Declaration, Output, Row as State, Step, scan};
use kql_values::rows::{Rows, TableArgument};

use super::groups::{key_of, shown};
use super::word;
use crate::bind::{Binder, Row, Scope};
use crate::bound::Bound;
use crate::error::{Bind, Refusal, failed_at};
use crate::interpret::value_of;
use crate::language::Language;
use crate::node::Run;
use crate::relation::{Hidden, Relation};

impl Binder<'_> {
    pub(super) fn scan(&self, input: Relation, scan: &Scan, scope: &Rc<Scope>) -> Bind<Relation> {
        let mut input = input;
        if !scan.order_by.is_empty() {
            input = self.sort(input, &scan.order_by, scope)?;
        }
        let outside = input.hidden.clone();
        for by in &scan.partition_by {
            input = self.keyed_by(input, by, scope)?;
        }
        let declared = self.declared(scan, scope)?;
        let mut columns = input.columns.clone();
        columns.extend(declared.iter().map(|one| (one.name.clone(), one.ty)));
        let steps = self.scan_steps(scan, &columns, scope)?;
        let match_id = word(&scan.properties, "with_match_id");
        let mut output = columns.clone();
        if let Some(name) = &match_id {
            output.push((name.clone(), Type::Long));
        }
        let stepping = Stepping {
            declared,
            steps,
            names: columns.into_iter().map(|(name, _)| name).collect(),
            step_names: scan
                .steps
                .iter()
                .map(|step| step.name.text.clone())
                .collect(),
            match_id,
            language: self.environment.language.clone(),
            now: self.environment.now,
        };
        let names: Vec<_> = output.iter().map(|(name, _)| name.clone()).collect();
        let run: Run = Arc::new(move |rows| stepping.run(rows));
        let mut scanned = super::evaluate::through(input, "scan", output, run)?;
        if scan.partition_by.is_empty() {
            return Ok(scanned);
        }
        scanned.hidden.retain(|hidden| outside.contains(hidden));
        scanned.select(&names)
    }

    /// Rows with a hidden key, by which operators take them in groups.
    fn keyed_by(&self, input: Relation, by: &Expr, scope: &Rc<Scope>) -> Bind<Relation> {
        let bound = self.scalar(by, &Row::of(&input.columns), scope)?;
        let expr = input.lowering(self.frame()).expr(&bound)?;
        let order = input.order.clone();
        let hidden = Hidden {
            name: self.fresh("part"),
            ty: bound.ty,
            is_key: true,
        };
        let mut keyed = input.add_hidden(hidden, expr)?;
        keyed.order = order;
        Ok(keyed)
    }

    fn declared(&self, scan: &Scan, scope: &Rc<Scope>) -> Bind<Vec<Declaration>> {
        let mut declared = Vec::with_capacity(scan.declare.len());
        for parameter in &scan.declare {
            let ParameterType::Scalar(ty) = parameter.ty else {
                return Err(Refusal::at(
                    parameter.name.span,
                    "scan declares columns, not tables",
                ));
            };
            let default = match &parameter.default {
                Some(default) => self.constant(default, scope)?.convert(ty),
                None => Bound::literal(Value::Null, Type::Dynamic).retyped(ty),
            };
            declared.push(Declaration {
                name: parameter.name.text.clone(),
                ty,
                default: default.constant().cloned().unwrap_or(Value::Null),
            });
        }
        Ok(declared)
    }

    /// The steps with their expressions over the row and the states of the steps.
    fn scan_steps(
        &self,
        scan: &Scan,
        columns: &[(String, Type)],
        scope: &Rc<Scope>,
    ) -> Bind<Vec<BoundStep>> {
        let names: Vec<String> = scan
            .steps
            .iter()
            .map(|step| step.name.text.clone())
            .collect();
        let mut visible = columns.to_vec();
        for step in &names {
            visible.extend(
                columns
                    .iter()
                    .map(|(name, ty)| (format!("{step}.{name}"), *ty)),
            );
        }
        let row = Row {
            steps: &names,
            ..Row::of(&visible)
        };
        let mut bound = Vec::with_capacity(scan.steps.len());
        for step in &scan.steps {
            let mut assignments = Vec::new();
            for assignment in &step.assignments {
                let Some(name) = assignment.names.first() else {
                    return Err(Refusal::at(
                        assignment.value.span,
                        "scan assigns as in `name = value`",
                    ));
                };
                let Some(place) = columns.iter().position(|(column, _)| *column == name.text)
                else {
                    return Err(Refusal::at(
                        name.span,
                        format!("'{}' is not declared", name.text),
                    ));
                };
                let ty = columns.get(place).map_or(Type::Dynamic, |(_, ty)| *ty);
                let value = self.scalar(&assignment.value, &row, scope)?.convert(ty);
                assignments.push((place, value));
            }
            let output = match step.output.as_ref().map(|name| name.text.as_str()) {
                Some("last") => Output::Last,
                Some("none") => Output::None,
                _ => Output::All,
            };
            bound.push(BoundStep {
                condition: self.condition(&step.condition, &row, scope)?,
                assignments,
                output,
            });
        }
        Ok(bound)
    }

    pub(super) fn reduce(
        &self,
        input: Relation,
        by: &Expr,
        (properties, with): (&[Property], &[Property]),
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let is_source = match word(properties, "kind") {
            None => false,
            Some(kind) if kind.eq_ignore_ascii_case("source") => true,
            Some(kind) => {
                let text = format!("there is no kind '{kind}' of reduce but source");
                return Err(Refusal::at(by.span, text));
            }
        };
        let shown: Vec<_> = input.columns.iter().map(|(name, _)| name.clone()).collect();
        let value = self
            .scalar(by, &Row::of(&input.columns), scope)?
            .convert(Type::String);
        let name = self.fresh("reduced");
        let input = if is_source {
            input.extend(self.frame(), vec![(name, value)])?
        } else {
            input.project(self.frame(), vec![(name, value)])?
        };
        let plugins = &self.environment.language.plugins;
        let Some(plugin) = plugins
            .iter()
            .find(|plugin| plugin.name == "reduce")
            .cloned()
        else {
            return Err(Refusal::at(by.span, "reduce is not served"));
        };
        let last = input.columns.len().saturating_sub(1);
        let mut arguments = vec![TableArgument::Column(last)];
        for option in ["threshold", "characters"] {
            let text = word(with, option);
            arguments.push(TableArgument::Constant(
                text.map_or(Value::Null, Value::String),
            ));
        }
        if is_source {
            arguments.push(TableArgument::Constant(Value::String("source".to_owned())));
        }
        let output = (plugin.columns)(&input.columns, &arguments).map_err(failed_at(by.span))?;
        let now = self.environment.now;
        let run: Run = Arc::new(move |rows| (plugin.run)(&mut Context::new(now), rows, &arguments));
        let reduced = super::evaluate::through(input, "reduce", output, run)?;
        if !is_source {
            return Ok(reduced);
        }
        let pattern = reduced.columns.last().map(|(name, _)| name.clone());
        let shown: Vec<_> = shown.into_iter().chain(pattern).collect();
        reduced.select(&shown)
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
    let visible = input.columns.len();
    let (order, title) = (input.order.clone(), input.name.clone());
    let (input, hidden) = shown(input);
    let is_key: Vec<bool> = hidden.iter().map(|one| one.is_key).collect();
    let mut output = input.columns.clone();
    output.push((column.to_owned(), value.ty));
    let language = binder.environment.language.clone();
    let now = binder.environment.now;
    let names: Vec<String> = input.columns.iter().map(|(name, _)| name.clone()).collect();
    let run: Run = Arc::new(move |rows: Rows| {
        let mut context = Context::new(now);
        let mut sessions: HashMap<String, (Option<i64>, Option<i64>)> = HashMap::new();
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
            let key = key_of(row.get(visible..).unwrap_or_default(), &is_key);
            let (start, last) = sessions.entry(key).or_default();
            let goes_on = match (*start, *last, at, reach, gap) {
                (Some(start), Some(last), Some(at), Some(reach), Some(gap)) => {
                    at - start <= reach && at - last <= gap
                }
                _ => false,
            };
            if restarts || !goes_on {
                *start = at;
            }
            *last = at;
            row.push(start.map_or(Value::Null, Value::DateTime));
            stepped.push(row);
        }
        Ok(Rows {
            columns: rows.columns,
            rows: stepped,
        })
    });
    let mut sessions = super::evaluate::whole(input, "row_window_session", output, run)?;
    for one in &hidden {
        sessions = sessions.hide(&one.name, one.is_key);
    }
    sessions.order = order;
    sessions.name = title;
    Ok(sessions)
}

fn ticks(value: &Value) -> Option<i64> {
    match value {
        Value::DateTime(ticks) | Value::TimeSpan(ticks) => Some(*ticks),
        _ => None,
    }
}

/// A step whose expressions are bound.
#[derive(Clone, Debug)]
struct BoundStep {
    condition: Bound,
    assignments: Vec<(usize, Bound)>,
    output: Output,
}

/// A whole `scan`, ready to run.
struct Stepping {
    declared: Vec<Declaration>,
    steps: Vec<BoundStep>,
    names: Vec<String>,
    step_names: Vec<String>,
    match_id: Option<String>,
    language: Language,
    now: i64,
}

type Closure<'c> = Box<dyn Fn(&State, &[State]) -> Result<Value, Failure> + 'c>;

impl Stepping {
    fn run(&self, rows: Rows) -> Result<Rows, Failure> {
        let conditions: Vec<Closure<'_>> = self
            .steps
            .iter()
            .map(|step| self.closure(&step.condition))
            .collect();
        let assigned: Vec<Vec<(usize, Closure<'_>)>> = self
            .steps
            .iter()
            .map(|step| {
                step.assignments
                    .iter()
                    .map(|(place, value)| (*place, self.closure(value)))
                    .collect()
            })
            .collect();
        let steps: Vec<Step<'_>> = self
            .steps
            .iter()
            .zip(conditions.iter().zip(&assigned))
            .map(|(step, (condition, assignments))| Step {
                condition: condition.as_ref(),
                assignments: assignments
                    .iter()
                    .map(|(place, run)| (*place, run.as_ref() as _))
                    .collect(),
                output: step.output,
            })
            .collect();
        scan(rows, &self.declared, &steps, self.match_id.as_deref())
    }

    fn closure<'c>(&'c self, bound: &'c Bound) -> Closure<'c> {
        Box::new(move |row, states| {
            let column = |name: &str| self.cell(name, row, states);
            value_of(bound, &self.language, &mut Context::new(self.now), &column)
        })
    }

    /// A column of the row, or `step.column` of the state of a step.
    fn cell(&self, name: &str, row: &State, states: &[State]) -> Value {
        let place = |wanted: &str| self.names.iter().position(|name| name == wanted);
        if let Some(place) = place(name) {
            return row.get(place).cloned().unwrap_or(Value::Null);
        }
        let found = name.split_once('.').and_then(|(step, column)| {
            let step = self.step_names.iter().position(|name| name == step)?;
            states.get(step)?.get(place(column)?).cloned()
        });
        found.unwrap_or(Value::Null)
    }
}
