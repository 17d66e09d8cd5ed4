//! `sliding_window_counts`: rows and identities of a window that moves on step by step.

use kql_syntax::ast::Type;

use crate::function::{Context, Failure};
use crate::rows::activity::bins::Bins;
use crate::rows::activity::metrics::Sliding;
use crate::rows::activity::{Call, by_time, count};
use crate::rows::{Rows, TableArgument, TableFunction};

const NAME: &str = "sliding_window_counts";

const COLUMNS: [(&str, Type); 2] = [("Count", Type::Long), ("Dcount", Type::Long)];

pub(super) fn functions() -> Vec<TableFunction> {
    vec![TableFunction {
        name: NAME,
        columns: |columns, arguments| {
            Ok(Call::new(NAME, columns, arguments)?.columns(columns, &COLUMNS))
        },
        run,
    }]
}

/// A window ends with a step and is as many whole steps long as fit into the lookback.
fn run(context: &mut Context, rows: Rows, arguments: &[TableArgument]) -> Result<Rows, Failure> {
    let call = Call::new(NAME, &rows.columns, arguments)?;
    let [start, end, lookback, bin] = call.constants(["Start", "End", "LookbackWindow", "Bin"])?;
    let (start, end) = (call.ticks("Start", start)?, call.ticks("End", end)?);
    let bins = call.bins("Bin", bin, start)?;
    let lookback = call.ticks("LookbackWindow", lookback)?;
    let lookback = match bins {
        Bins::Even { step, .. } => (lookback / step).max(1).saturating_mul(step),
        _ => lookback,
    };
    let windows = bins.all(context, start, end)?;
    let mut found = Vec::new();
    for group in call.groups(rows.rows) {
        let mut sliding = Sliding::default();
        for window in &windows {
            let past = bins.after(*window).min(end.saturating_add(1));
            let from = bins.after(*window).saturating_sub(lookback);
            let ids = sliding.move_to(&group.events, from.min(*window), past);
            if ids > 0 {
                found.push(call.row(*window, &group, [sliding.events(), ids].map(count)));
            }
        }
    }
    Ok(Rows {
        columns: call.columns(&rows.columns, &COLUMNS),
        rows: by_time(found),
    })
}
