//! Percentiles by nearest rank, weighted or not, one or several.

use super::digest::{Digest, Form};
use super::{Row, whole};
use crate::aggregate::{Accumulator, aggregate};
use crate::function::{Context, Failure};
use crate::value::{Dynamic, Value};

/// `percentiles` and `percentilesw` give an array; in `summarize` each of their percentiles is a column of its own,
/// which is the call of `percentile` or `percentilew` with that one.
pub(super) fn table() -> Vec<Row> {
    vec![
        aggregate("percentile(expr: T, percentile: real): T", |given| {
            start(given, 1, Weight::One, Shape::Single)
        }),
        aggregate(
            "percentiles(expr: any, percentile...: real): dynamic",
            |given| start(given, 1, Weight::One, Shape::Array),
        ),
        aggregate(
            "percentiles_array(expr: any, percentile...: any): dynamic",
            |given| start(given, 1, Weight::One, Shape::Array),
        ),
        aggregate(
            "percentilew(expr: T, weightExpr: long, percentile: real): T",
            |given| start(given, 2, Weight::Argument, Shape::Single),
        ),
        aggregate(
            "percentilesw(expr: any, weightExpr: long, percentile...: real): dynamic",
            |given| start(given, 2, Weight::Argument, Shape::Array),
        ),
        aggregate(
            "percentilesw_array(expr: any, weightExpr: long, percentile...: any): dynamic",
            |given| start(given, 2, Weight::Argument, Shape::Array),
        ),
    ]
}

#[derive(Clone, Copy, Debug)]
enum Weight {
    One,
    Argument,
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    Single,
    Array,
}

fn start(
    constants: &[Value],
    skipped: usize,
    weight: Weight,
    shape: Shape,
) -> Result<Box<dyn Accumulator>, Failure> {
    Ok(Box::new(Percentiles {
        digest: Digest::default(),
        wanted: percentiles(constants.get(skipped..).unwrap_or_default())?,
        weight,
        shape,
    }))
}

/// Percentiles given as numbers or as one array of them.
pub(super) fn percentiles(given: &[Value]) -> Result<Vec<f64>, Failure> {
    let mut found = Vec::new();
    for value in given {
        match value {
            Value::Dynamic(Dynamic::Array(items)) => {
                found.extend(items.iter().map(|item| item.as_f64().unwrap_or(f64::NAN)));
            }
            Value::Dynamic(item) => found.push(item.as_f64().unwrap_or(f64::NAN)),
            Value::Real(number) => found.push(*number),
            other => found.push(whole(Some(other)).map_or(f64::NAN, small)),
        }
    }
    let is_right = |percentile: &f64| (0.0..=100.0).contains(percentile);
    if found.is_empty() || !found.iter().all(is_right) {
        return Err(Failure::new(
            "a percentile must be a constant from 0 to 100",
        ));
    }
    Ok(found)
}

/// A percentile given as a whole number.
fn small(number: i64) -> f64 {
    i32::try_from(number).map_or(f64::NAN, f64::from)
}

#[derive(Debug)]
struct Percentiles {
    digest: Digest,
    wanted: Vec<f64>,
    weight: Weight,
    shape: Shape,
}

impl Accumulator for Percentiles {
    fn update(&mut self, _: &mut Context, arguments: &[Value]) -> Result<(), Failure> {
        let Some(value) = arguments.first() else {
            return Ok(());
        };
        let weight = match self.weight {
            Weight::One => Some(1),
            Weight::Argument => whole(arguments.get(1)).and_then(|weight| weight.try_into().ok()),
        };
        self.digest.add(value, weight.unwrap_or(0))
    }

    fn state(&self) -> Dynamic {
        self.digest.to_json(Form::State)
    }

    fn merge(&mut self, state: Dynamic) -> Result<(), Failure> {
        match Digest::from_json(&state, Form::State) {
            Some(other) => self.digest.join(&other),
            None => Ok(()),
        }
    }

    fn finish(&self) -> Value {
        let mut values = self.digest.percentiles(&self.wanted);
        match self.shape {
            Shape::Single => values.pop().unwrap_or(Value::Null),
            Shape::Array if values.iter().all(Value::is_null) => Value::Null,
            Shape::Array => Value::list(values.iter().map(Value::to_json)),
        }
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.digest.bytes()
    }
}
