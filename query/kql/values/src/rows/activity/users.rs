//! Identities one by one: `active_users_count`, `session_count`.

use std::collections::{BTreeMap, HashMap, HashSet};

use kql_syntax::ast::Type;

use crate::convert::DATETIME_MIN;
use crate::function::{Context, Failure};
use crate::rows::activity::metrics::columns_of;
use crate::rows::activity::{Call, Group, by_time, count};
use crate::rows::{Rows, TableArgument, TableFunction};

const ACTIVE: &str = "active_users_count";
const SESSIONS: &str = "session_count";

const ACTIVE_COLUMNS: [(&str, Type); 1] = [("dcount", Type::Long)];
const SESSIONS_COLUMNS: [(&str, Type); 1] = [("count_sessions", Type::Long)];

pub(super) fn functions() -> Vec<TableFunction> {
    vec![
        TableFunction {
            name: ACTIVE,
            columns: |columns, arguments| columns_of(ACTIVE, &ACTIVE_COLUMNS, columns, arguments),
            run: active_users,
        },
        TableFunction {
            name: SESSIONS,
            columns: |columns, arguments| {
                columns_of(SESSIONS, &SESSIONS_COLUMNS, columns, arguments)
            },
            run: sessions,
        },
    ]
}

/// The times of each identity, in order.
fn times_by_id(group: &Group) -> BTreeMap<usize, Vec<i64>> {
    let mut times: BTreeMap<usize, Vec<i64>> = BTreeMap::new();
    for event in &group.events {
        times.entry(event.id).or_default().push(event.time);
    }
    times
}

/// Who, at a time from start to end, was seen in enough periods of the lookback that ends then.
fn active_users(_: &mut Context, rows: Rows, arguments: &[TableArgument]) -> Result<Rows, Failure> {
    let call = Call::new(ACTIVE, &rows.columns, arguments)?;
    let names = [
        "Start",
        "End",
        "LookbackWindow",
        "Period",
        "ActivePeriodsCount",
        "Bin",
    ];
    let [start, end, lookback, period, needed, bin] = call.constants(names)?;
    let (start, end) = (call.ticks("Start", start)?, call.ticks("End", end)?);
    let lookback = call.ticks("LookbackWindow", lookback)?;
    let periods = call.bins("Period", period, start)?;
    let bins = call.bins("Bin", bin, start)?;
    let needed = needed
        .as_long()
        .and_then(|needed| usize::try_from(needed).ok());
    let needed = needed.ok_or_else(|| {
        Failure::new("ActivePeriodsCount of active_users_count is a whole number")
    })?;
    let mut found = Vec::new();
    for group in call.groups(rows.rows) {
        let mut active: BTreeMap<i64, HashSet<usize>> = BTreeMap::new();
        for (id, times) in times_by_id(&group) {
            let mut within: HashMap<i64, usize> = HashMap::new();
            let mut first = times.iter().peekable();
            for time in &times {
                *within.entry(periods.start_of(*time)).or_default() += 1;
                let from = time.saturating_sub(lookback);
                while let Some(past) = first.next_if(|first| **first <= from && *first < time) {
                    forget(&mut within, periods.start_of(*past));
                }
                if within.len() >= needed && (start..=end).contains(time) {
                    active.entry(bins.start_of(*time)).or_default().insert(id);
                }
            }
        }
        let row =
            |(window, ids): (i64, HashSet<usize>)| call.row(window, &group, [count(ids.len())]);
        found.extend(active.into_iter().map(row));
    }
    Ok(Rows {
        columns: call.columns(&rows.columns, &ACTIVE_COLUMNS),
        rows: by_time(found),
    })
}

fn forget(within: &mut HashMap<i64, usize>, period: i64) {
    if let Some(times) = within.get_mut(&period) {
        *times -= 1;
        if *times == 0 {
            within.remove(&period);
        }
    }
}

/// A session starts where somebody was not seen during the lookback before. Steps are those of `bin`.
fn sessions(_: &mut Context, rows: Rows, arguments: &[TableArgument]) -> Result<Rows, Failure> {
    let call = Call::new(SESSIONS, &rows.columns, arguments)?;
    let [start, end, bin, lookback] = call.constants(["Start", "End", "Bin", "LookBackWindow"])?;
    let (start, end) = (call.ticks("Start", start)?, call.ticks("End", end)?);
    let lookback = call.ticks("LookBackWindow", lookback)?;
    let origin = match call.timeline_type {
        Type::DateTime => DATETIME_MIN,
        _ => 0,
    };
    let bins = call.bins("Bin", bin, origin)?;
    let mut found = Vec::new();
    for group in call.groups(rows.rows) {
        let mut started: BTreeMap<i64, usize> = BTreeMap::new();
        for times in times_by_id(&group).values() {
            let mut before = None;
            for time in times {
                let goes_on = before.is_some_and(|before| time.saturating_sub(before) <= lookback);
                before = Some(*time);
                if !goes_on && (start..=end).contains(time) {
                    *started.entry(bins.start_of(*time)).or_default() += 1;
                }
            }
        }
        let row = |(window, sessions): (i64, usize)| call.row(window, &group, [count(sessions)]);
        found.extend(started.into_iter().map(row));
    }
    Ok(Rows {
        columns: call.columns(&rows.columns, &SESSIONS_COLUMNS),
        rows: by_time(found),
    })
}
