//! Filters: each element from those around it, or before it.

use std::ops::Add as _;

use super::{Row, array, whole_series};
use crate::function::{Context, Failure, Outcome, function};
use crate::value::Value;

/// Most multiplications of a filter.
const STEPS_MAX: usize = 1 << 27;

pub(super) fn table() -> Vec<Row> {
    vec![
        function(
            "series_fir(series: dynamic, filter: dynamic, normalize?: bool, center?: bool): dynamic",
            fir,
        ),
        function(
            "series_iir(series: dynamic, numerators: dynamic, denominators: dynamic): dynamic",
            iir,
        ),
    ]
}

fn bounded(length: usize, filter: usize) -> Result<(), Failure> {
    if length.saturating_mul(filter) <= STEPS_MAX {
        return Ok(());
    }
    let text = "the filter is too long for a series of this length: take fewer coefficients";
    Err(Failure::new(text))
}

fn fir(_: &mut Context, arguments: &[Value]) -> Outcome {
    let (Some(series), Some(mut filter)) = (
        whole_series(arguments.first())?,
        whole_series(arguments.get(1))?,
    ) else {
        return Ok(Value::Null);
    };
    bounded(series.len(), filter.len())?;
    let has_negative = filter.iter().any(|one| *one < 0.0);
    let is_normal = match arguments.get(2) {
        Some(Value::Bool(truth)) => *truth,
        _ => !has_negative,
    };
    if is_normal {
        if has_negative {
            return Ok(Value::Null);
        }
        let sum: f64 = filter.iter().sum();
        for one in &mut filter {
            *one /= sum;
        }
    }
    let is_centered = arguments.get(3) == Some(&Value::Bool(true));
    let ahead = if is_centered { filter.len() / 2 } else { 0 };
    let filtered: Vec<f64> = (0..series.len())
        .map(|place| dot_back(&filter, &series, place + ahead))
        .collect();
    Ok(Value::Dynamic(array(&filtered)))
}

/// The sum of coefficients times the elements at a place and before; outside of the series there is nothing.
fn dot_back(filter: &[f64], series: &[f64], place: usize) -> f64 {
    let term = |(back, coefficient): (usize, &f64)| {
        let element = place.checked_sub(back).and_then(|at| series.get(at));
        element.map_or(0.0, |element| coefficient * element)
    };
    filter.iter().enumerate().map(term).fold(0.0, f64::add)
}

fn iir(_: &mut Context, arguments: &[Value]) -> Outcome {
    let (Some(series), Some(numerators), Some(denominators)) = (
        whole_series(arguments.first())?,
        whole_series(arguments.get(1))?,
        whole_series(arguments.get(2))?,
    ) else {
        return Ok(Value::Null);
    };
    let Some((first, others)) = denominators.split_first() else {
        return Ok(Value::Null);
    };
    bounded(series.len(), numerators.len() + others.len())?;
    let mut filtered: Vec<f64> = Vec::with_capacity(series.len());
    for place in 0..series.len() {
        let forward = dot_back(&numerators, &series, place);
        let back = match place.checked_sub(1) {
            Some(before) => dot_back(others, &filtered, before),
            None => 0.0,
        };
        filtered.push((forward - back) / first);
    }
    Ok(Value::Dynamic(array(&filtered)))
}
