//! `rolling_percentile`: a percentile over the last bins, for each bin.

use std::collections::BTreeMap;

use super::arguments::{Arguments, of_tick, tick};
use super::grouped::grouped;
use super::{Columns, Rows, TableArgument, TableFunction, bounded};
use crate::aggregates::Digest;
use crate::convert::TICKS_TO_1970;
use crate::function::{Context, Failure};
use crate::value::Value;
use kql_syntax::ast::Type;

pub(super) fn table() -> Vec<TableFunction> {
    vec![TableFunction {
        name: "rolling_percentile",
        columns,
        run: rolling_percentile,
    }]
}

fn arguments<'a>(columns: &'a Columns, given: &'a [TableArgument]) -> Arguments<'a> {
    Arguments {
        name: "rolling_percentile",
        columns,
        given,
    }
}

fn columns(columns: &Columns, given: &[TableArgument]) -> Result<Columns, Failure> {
    let arguments = arguments(columns, given);
    let value = arguments.named(arguments.column(0)?);
    let (value, ty) = value.ok_or_else(|| arguments.wrong(0, "a column"))?;
    let percentile = arguments
        .constant(1)
        .map(Value::to_text)
        .unwrap_or_default();
    let name = format!(
        "rolling_{}_percentile_{value}_{percentile}",
        arguments.span(4)?
    );
    let inputs = std::iter::once(arguments.column(2)?).chain(arguments.columns_from(5)?);
    let named = inputs.filter_map(|column| arguments.named(column));
    Ok(named.chain([(name, ty)]).collect())
}

fn rolling_percentile(
    _: &mut Context,
    rows: Rows,
    given: &[TableArgument],
) -> Result<Rows, Failure> {
    let arguments = arguments(&rows.columns, given);
    let (value, index) = (arguments.column(0)?, arguments.column(2)?);
    let percentile = arguments.real(1, f64::NAN)?;
    if !(0.0..=100.0).contains(&percentile) {
        return Err(arguments.wrong(1, "a constant from 0 to 100"));
    }
    let (size, count) = (arguments.span(3)?, arguments.span(4)?);
    let ty = arguments.named(index).map_or(Type::Long, |(_, ty)| ty);
    // Bins of datetimes are counted from the year 1, as `bin()` does.
    let offset = if ty == Type::DateTime {
        TICKS_TO_1970
    } else {
        0
    };
    let mut found = Vec::new();
    for (dimensions, members) in grouped(&rows, &arguments.columns_from(5)?) {
        let mut bins: BTreeMap<i64, Vec<Value>> = BTreeMap::new();
        for row in members.iter().filter_map(|place| rows.rows.get(*place)) {
            let (Some(value), Some(time)) = (row.get(value), row.get(index).and_then(tick)) else {
                continue;
            };
            let bin = time.saturating_add(offset).div_euclid(size);
            bins.entry(bin).or_default().push(value.clone());
        }
        for bin in bins.keys() {
            let mut digest = Digest::default();
            let first = bin.saturating_sub(count - 1);
            for value in bins.range(first..=*bin).flat_map(|(_, values)| values) {
                digest.add(value, 1)?;
            }
            bounded(found.len())?;
            let mut row = vec![of_tick(bin.saturating_mul(size).saturating_sub(offset), ty)];
            row.extend_from_slice(&dimensions);
            row.extend(digest.percentiles(&[percentile]));
            found.push(row);
        }
    }
    Ok(Rows {
        columns: columns(&rows.columns, given)?,
        rows: found,
    })
}
