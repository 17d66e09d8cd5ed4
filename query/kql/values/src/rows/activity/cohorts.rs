//! `new_activity_metrics`: what becomes of those who were first seen in a window.

use std::collections::{BTreeSet, HashMap, HashSet};

use kql_syntax::ast::Type;

use crate::function::{Context, Failure};
use crate::rows::activity::bins::Bins;
use crate::rows::activity::{Call, Group, bound, by_time, count, ratio};
use crate::rows::{Columns, Rows, TableArgument, TableFunction};
use crate::value::{Dynamic, Value};

const NAME: &str = "new_activity_metrics";

const COLUMNS: [(&str, Type); 5] = [
    ("dcount_new_values", Type::Long),
    ("dcount_retained_values", Type::Long),
    ("dcount_churn_values", Type::Long),
    ("retention_rate", Type::Real),
    ("churn_rate", Type::Real),
];

pub(super) fn functions() -> Vec<TableFunction> {
    vec![TableFunction {
        name: NAME,
        columns: |columns, arguments| {
            let (arguments, _) = lookback(arguments);
            Ok(columns_of(&Call::new(NAME, columns, arguments)?, columns))
        },
        run,
    }]
}

fn columns_of(call: &Call, input: &Columns) -> Columns {
    let name = input
        .get(call.timeline)
        .map_or("", |column| column.0.as_str());
    let timeline = ["from", "to"].map(|end| (format!("{end}_{name}"), call.timeline_type));
    let rest = call.columns(input, &COLUMNS).into_iter().skip(1);
    timeline.into_iter().chain(rest).collect()
}

/// An array at the end has those who were there before: they are new in no window.
fn lookback(arguments: &[TableArgument]) -> (&[TableArgument], HashMap<String, usize>) {
    match arguments.split_last() {
        Some((TableArgument::Constant(Value::Dynamic(Dynamic::Array(ids))), rest)) => {
            let texts: BTreeSet<String> = ids
                .iter()
                .map(|id| Value::dynamic(id.clone()).to_text())
                .collect();
            (rest, texts.into_iter().zip(0..).collect())
        }
        _ => (arguments, HashMap::new()),
    }
}

/// A fourth constant names the one cohort that is wanted.
fn run(context: &mut Context, rows: Rows, arguments: &[TableArgument]) -> Result<Rows, Failure> {
    let (arguments, before) = lookback(arguments);
    let known = before.len();
    let call = Call::new(NAME, &rows.columns, arguments)?;
    let (start, end, window, cohort) = match call.constants.as_slice() {
        [start, end, window] => (start, end, window, None),
        [start, end, window, cohort] => (start, end, window, Some(cohort)),
        given => {
            return Err(Failure(format!(
                "{NAME} takes 3 or 4 constants after the columns (Start, End, Window, Cohort), not {}",
                given.len()
            )));
        }
    };
    let (start, end) = (call.ticks("Start", start)?, call.ticks("End", end)?);
    let bins = call.bins("Window", window, start)?;
    let cohort = cohort
        .map(|cohort| call.ticks("Cohort", cohort))
        .transpose()?;
    let cohort = cohort.map(|cohort| bins.start_of(cohort));
    let windows = bins.all(context, start, end)?;
    let mut found = Vec::new();
    for group in call.groups_after(rows.rows, before) {
        let periods = periods(&group, bins, &windows, (start, end));
        let mut seen: HashSet<usize> = (0..known).collect();
        for (place, (from, ids)) in periods.iter().enumerate() {
            let new: HashSet<usize> = ids.difference(&seen).copied().collect();
            seen.extend(&new);
            if new.is_empty() || cohort.is_some_and(|cohort| cohort != *from) {
                continue;
            }
            let later = periods.get(place..).unwrap_or_default();
            bound(context, found.len().saturating_add(later.len()))?;
            for (to, active) in later {
                let unseen = active.difference(&seen).count();
                let arrived = if to == from { new.len() } else { unseen };
                let numbers = rates(arrived, active.intersection(&new).count(), new.len());
                let mut row = call.row(*from, &group, numbers);
                row.insert(1, call.time(*to));
                found.push(row);
            }
        }
    }
    Ok(Rows {
        columns: columns_of(&call, &rows.columns),
        rows: by_time(found),
    })
}

fn rates(arrived: usize, kept: usize, cohort: usize) -> [Value; 5] {
    [
        count(arrived),
        count(kept),
        count(cohort - kept),
        ratio(kept, cohort),
        ratio(cohort - kept, cohort),
    ]
}

/// Who was there in each window, of those who came at all.
fn periods(
    group: &Group,
    bins: Bins,
    windows: &[i64],
    (start, end): (i64, i64),
) -> Vec<(i64, HashSet<usize>)> {
    let mut periods: Vec<(i64, HashSet<usize>)> = windows
        .iter()
        .map(|window| (*window, HashSet::new()))
        .collect();
    for event in group.between(start, end) {
        let window = bins.start_of(event.time);
        if let Ok(place) = windows.binary_search(&window)
            && let Some((_, ids)) = periods.get_mut(place)
        {
            ids.insert(event.id);
        }
    }
    periods
}
