//! `sequence_detect`: events that follow each other in time, one for each step.

use super::arguments::{Arguments, of_tick, tick};
use super::grouped::grouped;
use super::{Columns, Rows, TableArgument, TableFunction, bounded};
use crate::function::{Context, Failure};
use crate::value::Value;
use kql_syntax::ast::Type;

pub(super) fn table() -> Vec<TableFunction> {
    vec![TableFunction {
        name: "sequence_detect",
        columns,
        run: sequence_detect,
    }]
}

/// Arguments from here are the steps, as columns of type bool, then the dimensions.
const STEPS: usize = 3;

fn arguments<'a>(columns: &'a Columns, given: &'a [TableArgument]) -> Arguments<'a> {
    Arguments {
        name: "sequence_detect",
        columns,
        given,
    }
}

/// Columns of the steps and of the dimensions.
fn parts(arguments: &Arguments<'_>) -> Result<(Vec<usize>, Vec<usize>), Failure> {
    let mut steps = arguments.columns_from(STEPS)?;
    let is_step = |column: &usize| matches!(arguments.named(*column), Some((_, Type::Bool)));
    let count = steps.iter().take_while(|column| is_step(column)).count();
    if count == 0 {
        return Err(arguments.wrong(STEPS, "a condition"));
    }
    let dimensions = steps.split_off(count);
    Ok((steps, dimensions))
}

fn columns(columns: &Columns, given: &[TableArgument]) -> Result<Columns, Failure> {
    let arguments = arguments(columns, given);
    let (steps, dimensions) = parts(&arguments)?;
    let time = arguments.named(arguments.column(0)?);
    let (time, ty) = time.ok_or_else(|| arguments.wrong(0, "a column"))?;
    let dimensions = dimensions
        .iter()
        .filter_map(|column| arguments.named(*column));
    let steps = steps.iter().filter_map(|column| arguments.named(*column));
    let steps = steps.map(|(name, _)| (format!("{name}_{time}"), ty));
    let duration = ("Duration".to_owned(), duration_type(ty));
    Ok(dimensions.chain(steps).chain([duration]).collect())
}

fn duration_type(ty: Type) -> Type {
    match ty {
        Type::DateTime | Type::TimeSpan => Type::TimeSpan,
        ty => ty,
    }
}

/// How long a sequence may take.
#[derive(Clone, Copy)]
struct Limits {
    step: i64,
    span: i64,
}

fn sequence_detect(_: &mut Context, rows: Rows, given: &[TableArgument]) -> Result<Rows, Failure> {
    let arguments = arguments(&rows.columns, given);
    let time = arguments.column(0)?;
    let limits = Limits {
        step: arguments.span(1)?,
        span: arguments.span(2)?,
    };
    let (steps, dimensions) = parts(&arguments)?;
    let ty = arguments.named(time).map_or(Type::Long, |(_, ty)| ty);
    let mut found: Vec<(Vec<i64>, Vec<Value>)> = Vec::new();
    for (dimensions, members) in grouped(&rows, &dimensions) {
        let times = |step: &usize| {
            let rows = members.iter().filter_map(|place| rows.rows.get(*place));
            let rows = rows.filter(|row| row.get(*step) == Some(&Value::Bool(true)));
            let mut times: Vec<i64> = rows.filter_map(|row| tick(row.get(time)?)).collect();
            times.sort_unstable();
            times.dedup();
            times
        };
        let times: Vec<Vec<i64>> = steps.iter().map(times).collect();
        for sequence in sequences(&times, limits)? {
            bounded(found.len())?;
            found.push((sequence, dimensions.clone()));
        }
    }
    found.sort_by(|left, right| left.0.cmp(&right.0));
    let row = |(times, mut row): (Vec<i64>, Vec<Value>)| {
        let duration = times
            .last()
            .zip(times.first())
            .map_or(0, |(last, first)| last - first);
        row.extend(times.into_iter().map(|time| of_tick(time, ty)));
        row.push(of_tick(duration, duration_type(ty)));
        row
    };
    Ok(Rows {
        columns: columns(&rows.columns, given)?,
        rows: found.into_iter().map(row).collect(),
    })
}

/// All ways to choose a time for each step, each later than the one before and within the limits.
fn sequences(times: &[Vec<i64>], limits: Limits) -> Result<Vec<Vec<i64>>, Failure> {
    let Some((first, others)) = times.split_first() else {
        return Ok(Vec::new());
    };
    let mut found: Vec<Vec<i64>> = first.iter().map(|time| vec![*time]).collect();
    for step in others {
        let mut longer = Vec::new();
        for sequence in &found {
            let (Some(start), Some(last)) = (sequence.first(), sequence.last()) else {
                continue;
            };
            let until = last
                .saturating_add(limits.step)
                .min(start.saturating_add(limits.span));
            let from = step.partition_point(|time| time <= last);
            for time in step.iter().skip(from).take_while(|time| **time <= until) {
                bounded(longer.len())?;
                longer.push([sequence.as_slice(), &[*time]].concat());
            }
        }
        found = longer;
    }
    Ok(found)
}
