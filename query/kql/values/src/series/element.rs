//! Element by element, of one series or two.

use std::cmp::Ordering;

use super::{Row, element, number, series};
use crate::function::{Failure, Kernel, Outcome, function};
use crate::value::{Dynamic, Value};

pub(super) fn table() -> Vec<Row> {
    let mut rows = singles();
    rows.extend(pairs());
    rows.extend(comparisons());
    rows
}

fn singles() -> Vec<Row> {
    let table: [(&'static str, Kernel); 12] = [
        ("series_abs(series: dynamic): dynamic", |_, a| abs(a)),
        ("series_acos(series: dynamic): dynamic", |_, a| {
            each(a, f64::acos)
        }),
        ("series_asin(series: dynamic): dynamic", |_, a| {
            each(a, f64::asin)
        }),
        ("series_atan(series: dynamic): dynamic", |_, a| {
            each(a, f64::atan)
        }),
        ("series_ceiling(series: dynamic): dynamic", |_, a| {
            each(a, f64::ceil)
        }),
        ("series_cos(series: dynamic): dynamic", |_, a| {
            each(a, f64::cos)
        }),
        ("series_exp(series: dynamic): dynamic", |_, a| {
            each(a, f64::exp)
        }),
        ("series_floor(series: dynamic): dynamic", |_, a| {
            each(a, f64::floor)
        }),
        ("series_log(series: dynamic): dynamic", |_, a| {
            each(a, f64::ln)
        }),
        ("series_sign(series: dynamic): dynamic", |_, a| sign(a)),
        ("series_sin(series: dynamic): dynamic", |_, a| {
            each(a, f64::sin)
        }),
        ("series_tan(series: dynamic): dynamic", |_, a| {
            each(a, f64::tan)
        }),
    ];
    let row = |(signature, kernel): &(&'static str, Kernel)| function(signature, *kernel);
    table.iter().map(row).collect()
}

fn pairs() -> Vec<Row> {
    vec![
        function("series_add(series1: any, series2: any): dynamic", |_, a| {
            calculated(a, i64::checked_add, |left, right| left + right)
        }),
        function(
            "series_subtract(series1: any, series2: any): dynamic",
            |_, a| calculated(a, i64::checked_sub, |left, right| left - right),
        ),
        function(
            "series_multiply(series1: any, series2: any): dynamic",
            |_, a| calculated(a, i64::checked_mul, |left, right| left * right),
        ),
        function(
            "series_divide(series1: any, series2: any): dynamic",
            |_, a| calculated(a, |_, _| None, |left, right| left / right),
        ),
        function("series_pow(series1: any, series2: any): dynamic", |_, a| {
            calculated(a, |_, _| None, f64::powf)
        }),
    ]
}

fn comparisons() -> Vec<Row> {
    vec![
        function(
            "series_equals(series1: any, series2: any): dynamic",
            |_, a| compared(a, Ordering::is_eq),
        ),
        function(
            "series_not_equals(series1: any, series2: any): dynamic",
            |_, a| compared(a, Ordering::is_ne),
        ),
        function(
            "series_greater(series1: any, series2: any): dynamic",
            |_, a| compared(a, Ordering::is_gt),
        ),
        function(
            "series_greater_equals(series1: any, series2: any): dynamic",
            |_, a| compared(a, Ordering::is_ge),
        ),
        function(
            "series_less(series1: any, series2: any): dynamic",
            |_, a| compared(a, Ordering::is_lt),
        ),
        function(
            "series_less_equals(series1: any, series2: any): dynamic",
            |_, a| compared(a, Ordering::is_le),
        ),
    ]
}

fn each(arguments: &[Value], compute: fn(f64) -> f64) -> Outcome {
    let Some(numbers) = series(arguments.first())? else {
        return Ok(Value::Null);
    };
    let computed = |number: &Option<f64>| number.map_or(Dynamic::Null, |one| element(compute(one)));
    Ok(Value::list(numbers.iter().map(computed)))
}

/// Whole numbers stay whole.
fn abs(arguments: &[Value]) -> Outcome {
    let Some(items) = items(arguments.first()) else {
        return Ok(Value::Null);
    };
    let computed = |item: &Dynamic| match item.as_i64().and_then(i64::checked_abs) {
        Some(whole) => whole.into(),
        None => number(item).map_or(Dynamic::Null, |one| element(one.abs())),
    };
    Ok(Value::list(items.iter().map(computed)))
}

fn sign(arguments: &[Value]) -> Outcome {
    let Some(numbers) = series(arguments.first())? else {
        return Ok(Value::Null);
    };
    let sign = |number: &Option<f64>| {
        let order = number.and_then(|number| number.partial_cmp(&0.0));
        order.map_or(Dynamic::Null, |order| (order as i8).into())
    };
    Ok(Value::list(numbers.iter().map(sign)))
}

fn calculated(
    arguments: &[Value],
    whole: fn(i64, i64) -> Option<i64>,
    real: fn(f64, f64) -> f64,
) -> Outcome {
    paired(arguments, |left, right| {
        let both = left.as_i64().zip(right.as_i64());
        if let Some(result) = both.and_then(|(left, right)| whole(left, right)) {
            return Some(result.into());
        }
        Some(element(real(number(left)?, number(right)?)))
    })
}

fn compared(arguments: &[Value], holds: fn(Ordering) -> bool) -> Outcome {
    paired(arguments, |left, right| {
        let (left, right) = (number(left)?, number(right)?);
        // NaN is not equal to anything and not less or greater: only `!=` holds.
        let order = left.partial_cmp(&right);
        let truth = order.map_or(holds(Ordering::Less) && holds(Ordering::Greater), holds);
        Some(truth.into())
    })
}

/// Goes through two series, of which one may be a number; where the shorter one ends, the result is null.
fn paired(arguments: &[Value], compute: impl Fn(&Dynamic, &Dynamic) -> Option<Dynamic>) -> Outcome {
    let [left, right] = arguments else {
        return Ok(Value::Null);
    };
    let length = match (items(Some(left)), items(Some(right))) {
        (None, None) => return Ok(Value::Null),
        (Some(items), None) | (None, Some(items)) => items.len(),
        (Some(left), Some(right)) => left.len().max(right.len()),
    };
    if length > super::LENGTH_MAX {
        return Err(Failure::new("a series is too long: take larger bins"));
    }
    let (left, right) = (Side::of(left), Side::of(right));
    let at = |place| {
        let result = compute(left.get(place), right.get(place));
        result.unwrap_or(Dynamic::Null)
    };
    Ok(Value::list((0..length).map(at)))
}

/// A series, or a number that stands for a series of it.
enum Side<'a> {
    Series(&'a [Dynamic]),
    Number(Dynamic),
}

impl<'a> Side<'a> {
    fn of(value: &'a Value) -> Self {
        match items(Some(value)) {
            Some(items) => Self::Series(items),
            None => Self::Number(value.to_json()),
        }
    }

    fn get(&self, place: usize) -> &Dynamic {
        match self {
            Self::Series(items) => items.get(place).unwrap_or(&Dynamic::Null),
            Self::Number(number) => number,
        }
    }
}

fn items(value: Option<&Value>) -> Option<&[Dynamic]> {
    match value {
        Some(Value::Dynamic(Dynamic::Array(items))) => Some(items),
        _ => None,
    }
}
