//! Series: arrays of numbers, element by element, as filters and as statistics.
//!
//! A series is a `dynamic` array. Elements that are no numbers are gaps; the texts that stand for NaN and the
//! infinities are numbers, and so are datetimes and timespans (their ticks).

mod decompose;
mod element;
mod fill;
mod filter;
mod fit;
mod fourier;
mod outliers;
mod periods;
mod polynomial;
mod statistics;
#[cfg(test)]
mod tests;

use kql_syntax::ast::Type;

use crate::function::{Failure, Outcome, ScalarFunction};
use crate::value::{Dynamic, Value};

/// Longest series, in elements.
const LENGTH_MAX: usize = 1 << 20;

/// A row of a family's table, as it comes from [`crate::function::function`].
type Row = Option<ScalarFunction>;

/// The functions of this module.
pub(crate) fn functions() -> Vec<ScalarFunction> {
    let families = [
        decompose::table(),
        element::table(),
        fill::table(),
        filter::table(),
        fit::table(),
        fourier::table(),
        outliers::table(),
        periods::table(),
        polynomial::table(),
        statistics::table(),
    ];
    families.into_iter().flatten().flatten().collect()
}

/// The elements of a series, gaps as none; none if it is no array.
fn series(value: Option<&Value>) -> Result<Option<Vec<Option<f64>>>, Failure> {
    let Some(Value::Dynamic(Dynamic::Array(items))) = value else {
        return Ok(None);
    };
    if items.len() > LENGTH_MAX {
        let text = format!("a series has more than {LENGTH_MAX} elements: take larger bins");
        return Err(Failure(text));
    }
    Ok(Some(items.iter().map(number).collect()))
}

/// The elements of a series without gaps; none if it has any.
fn whole_series(value: Option<&Value>) -> Result<Option<Vec<f64>>, Failure> {
    Ok(series(value)?.and_then(|items| items.into_iter().collect()))
}

/// An element as a number.
fn number(json: &Dynamic) -> Option<f64> {
    match json {
        Dynamic::Number(number) => number.as_f64(),
        Dynamic::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            text => ticks(text),
        },
        _ => None,
    }
}

/// Ticks of a datetime or timespan as it is printed within a `dynamic`.
fn ticks(text: &str) -> Option<f64> {
    let value = Value::String(text.to_owned());
    let ty = match text.as_bytes() {
        [_, _, _, _, b'-', _, _, b'-', ..] => Type::DateTime,
        bytes if bytes.contains(&b':') => Type::TimeSpan,
        _ => return None,
    };
    value.convert(ty).as_real()
}

/// A number as an element.
fn element(number: f64) -> Dynamic {
    Value::Real(number).to_json()
}

/// Numbers as a series.
fn array(numbers: &[f64]) -> Dynamic {
    numbers.iter().map(|number| element(*number)).collect()
}

/// A constant number; none if it is left out or null.
fn real(value: Option<&Value>) -> Option<f64> {
    value.and_then(Value::as_real)
}

/// A constant whole number; none if it is left out or null.
fn whole(value: Option<&Value>) -> Option<i64> {
    value.and_then(Value::as_long)
}

/// A constant text; none if it is left out or empty.
fn text(value: Option<&Value>) -> Option<&str> {
    match value {
        Some(Value::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    }
}

/// Several results, as [`crate::Returns::Several`] has them.
fn several(results: impl IntoIterator<Item = Dynamic>) -> Outcome {
    Ok(Value::list(results))
}

/// A count or place as a number.
#[expect(
    clippy::cast_precision_loss,
    reason = "a series is far shorter than 2^53"
)]
fn float(count: usize) -> f64 {
    count as f64
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / float(numbers.len())
}

/// Of a sample.
fn variance(numbers: &[f64]) -> f64 {
    let mean = mean(numbers);
    let squares: f64 = numbers.iter().map(|number| (number - mean).powi(2)).sum();
    if numbers.len() < 2 {
        return 0.0;
    }
    squares / float(numbers.len() - 1)
}
