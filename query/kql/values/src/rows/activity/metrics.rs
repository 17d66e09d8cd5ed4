//! Windows one by one: `activity_counts_metrics`, `activity_metrics`, `activity_engagement`.

use std::collections::{BTreeMap, HashSet};

use kql_syntax::ast::Type;

use crate::function::{Context, Failure};
use crate::rows::activity::bins::Bins;
use crate::rows::activity::{Call, Event, Group, by_time, count, ratio};
use crate::rows::{Columns, Rows, TableArgument, TableFunction};
use crate::value::Value;

pub(super) fn functions() -> Vec<TableFunction> {
    vec![
        TableFunction {
            name: COUNTS,
            columns: |columns, arguments| {
                let call = Call::new(COUNTS, columns, arguments)?;
                Ok(call.columns(columns, &COUNTS_COLUMNS))
            },
            run: counts,
        },
        TableFunction {
            name: METRICS,
            columns: |columns, arguments| {
                let call = Call::new(METRICS, columns, arguments)?;
                Ok(call.columns(columns, &METRICS_COLUMNS))
            },
            run: metrics,
        },
        TableFunction {
            name: ENGAGEMENT,
            columns: |columns, arguments| {
                let call = Call::new(ENGAGEMENT, columns, arguments)?;
                Ok(call.columns(columns, &ENGAGEMENT_COLUMNS))
            },
            run: engagement,
        },
    ]
}

const COUNTS: &str = "activity_counts_metrics";
const METRICS: &str = "activity_metrics";
const ENGAGEMENT: &str = "activity_engagement";

const COUNTS_COLUMNS: [(&str, Type); 4] = [
    ("count", Type::Long),
    ("dcount", Type::Long),
    ("new_dcount", Type::Long),
    ("aggregated_dcount", Type::Long),
];

const METRICS_COLUMNS: [(&str, Type); 4] = [
    ("dcount_values", Type::Long),
    ("dcount_newvalues", Type::Long),
    ("retention_rate", Type::Real),
    ("churn_rate", Type::Real),
];

const ENGAGEMENT_COLUMNS: [(&str, Type); 3] = [
    ("dcount_activities_inner", Type::Long),
    ("dcount_activities_outer", Type::Long),
    ("activity_ratio", Type::Real),
];

/// Rows and identities of each window that has any.
fn windows(events: &[Event], bins: Bins) -> BTreeMap<i64, (usize, HashSet<usize>)> {
    let mut windows: BTreeMap<i64, (usize, HashSet<usize>)> = BTreeMap::new();
    for event in events {
        let (rows, ids) = windows.entry(bins.start_of(event.time)).or_default();
        *rows += 1;
        ids.insert(event.id);
    }
    windows
}

fn counts(_: &mut Context, rows: Rows, arguments: &[TableArgument]) -> Result<Rows, Failure> {
    let call = Call::new(COUNTS, &rows.columns, arguments)?;
    let [start, end, step] = call.constants(["Start", "End", "Step"])?;
    let (start, end) = (call.ticks("Start", start)?, call.ticks("End", end)?);
    let bins = call.bins("Step", step, start)?;
    let mut found = Vec::new();
    for group in call.groups(rows.rows) {
        let mut seen: HashSet<usize> = HashSet::new();
        for (window, (rows, ids)) in windows(group.between(start, end), bins) {
            let before = seen.len();
            seen.extend(&ids);
            let numbers = [rows, ids.len(), seen.len() - before, seen.len()];
            found.push(call.row(window, &group, numbers.map(count)));
        }
    }
    Ok(Rows {
        columns: call.columns(&rows.columns, &COUNTS_COLUMNS),
        rows: by_time(found),
    })
}

/// From a time to another one.
type Span = (i64, i64);

/// Start and end may be left out, both of them: then all rows count.
fn span(call: &Call, constants: usize) -> Result<(Option<Span>, &[Value]), Failure> {
    match call.constants.as_slice() {
        rest if rest.len() == constants => Ok((None, rest)),
        [start, end, rest @ ..] if rest.len() == constants => {
            let span = (call.ticks("Start", start)?, call.ticks("End", end)?);
            Ok((Some(span), rest))
        }
        given => Err(Failure(format!(
            "{} takes {constants} constants after the columns, or {} with Start and End before them, not {}",
            call.plugin,
            constants + 2,
            given.len()
        ))),
    }
}

fn events_in(group: &Group, span: Option<Span>) -> &[Event] {
    let (start, end) = span.unwrap_or((i64::MIN, i64::MAX));
    group.between(start, end)
}

/// Each window beside the one before it.
fn metrics(_: &mut Context, rows: Rows, arguments: &[TableArgument]) -> Result<Rows, Failure> {
    let call = Call::new(METRICS, &rows.columns, arguments)?;
    let (span, rest) = span(&call, 1)?;
    let step = rest.first().unwrap_or(&Value::Null);
    let bins = call.bins("Window", step, span.map_or(0, |span| span.0))?;
    let mut found = Vec::new();
    for group in call.groups(rows.rows) {
        let windows = windows(events_in(&group, span), bins);
        let nobody = HashSet::new();
        for (window, (_, ids)) in &windows {
            let before = windows.get(&bins.before(*window));
            let before = before.map_or(&nobody, |(_, ids)| ids);
            let kept = ids.intersection(before).count();
            let numbers = [
                count(ids.len()),
                count(ids.len() - kept),
                ratio(kept, before.len()),
                ratio(before.len() - kept, before.len()),
            ];
            found.push(call.row(*window, &group, numbers));
        }
    }
    Ok(Rows {
        columns: call.columns(&rows.columns, &METRICS_COLUMNS),
        rows: by_time(found),
    })
}

/// Each inner window beside the outer one that ends with it.
fn engagement(_: &mut Context, rows: Rows, arguments: &[TableArgument]) -> Result<Rows, Failure> {
    let call = Call::new(ENGAGEMENT, &rows.columns, arguments)?;
    let (span, rest) = span(&call, 2)?;
    let [inner, outer] = rest else {
        return Err(Failure::new(
            "activity_engagement takes an inner and an outer window",
        ));
    };
    let bins = call.bins("InnerActivityWindow", inner, span.map_or(0, |span| span.0))?;
    let outer = call.ticks("OuterActivityWindow", outer)?;
    let mut found = Vec::new();
    for group in call.groups(rows.rows) {
        let mut outside = Sliding::default();
        for (window, (_, ids)) in windows(events_in(&group, span), bins) {
            let past = bins.after(window);
            let all = outside.move_to(&group.events, past.saturating_sub(outer), past);
            let numbers = [count(ids.len()), count(all), ratio(ids.len(), all)];
            found.push(call.row(window, &group, numbers));
        }
    }
    Ok(Rows {
        columns: call.columns(&rows.columns, &ENGAGEMENT_COLUMNS),
        rows: by_time(found),
    })
}

/// How often each identity occurs in a window that moves on along events in order.
#[derive(Default)]
pub(super) struct Sliding {
    first: usize,
    past: usize,
    ids: std::collections::HashMap<usize, usize>,
}

impl Sliding {
    /// Moves on to the events from a time up to another one, that is outside; how many identities there are.
    pub(super) fn move_to(&mut self, events: &[Event], start: i64, end: i64) -> usize {
        while let Some(event) = events.get(self.past).filter(|event| event.time < end) {
            *self.ids.entry(event.id).or_default() += 1;
            self.past += 1;
        }
        while let Some(event) = events.get(self.first).filter(|event| event.time < start) {
            if self.first >= self.past {
                self.past += 1;
            } else if let Some(times) = self.ids.get_mut(&event.id) {
                *times -= 1;
                if *times == 0 {
                    self.ids.remove(&event.id);
                }
            }
            self.first += 1;
        }
        self.ids.len()
    }

    /// How many events there are.
    pub(super) fn events(&self) -> usize {
        self.past - self.first
    }
}

/// Columns that a plugin of these gives; for others of this family.
pub(super) fn columns_of(
    plugin: &'static str,
    more: &[(&str, Type)],
    columns: &Columns,
    arguments: &[TableArgument],
) -> Result<Columns, Failure> {
    Ok(Call::new(plugin, columns, arguments)?.columns(columns, more))
}
