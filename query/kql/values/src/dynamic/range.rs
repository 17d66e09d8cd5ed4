//! `range`: arrays of evenly spaced numbers, datetimes or timespans.

use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::value::{Dynamic, Value};

/// Step of datetimes and timespans if none is given: an hour.
const HOUR: i64 = 36_000_000_000;

pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [function(
        "range(start: any, stop: any, step?: any): dynamic",
        range,
    )];
    table.into_iter().flatten().collect()
}

/// What is past the longest array is left out, as documented.
fn range(context: &mut Context, arguments: &[Value]) -> Outcome {
    let (start, stop, step) = match arguments {
        [start, stop] => (plain(start), plain(stop), None),
        [start, stop, step] => (plain(start), plain(stop), Some(plain(step))),
        _ => return Ok(Value::Null),
    };
    let max = context.length_max;
    let list = match (&start, &stop, &step) {
        (Value::DateTime(start), Value::DateTime(stop), None) => {
            steps(*start, *stop, HOUR, max).map(|all| texts(all, Value::DateTime))
        }
        (Value::DateTime(start), Value::DateTime(stop), Some(Value::TimeSpan(step))) => {
            steps(*start, *stop, *step, max).map(|all| texts(all, Value::DateTime))
        }
        (Value::TimeSpan(start), Value::TimeSpan(stop), None) => {
            steps(*start, *stop, HOUR, max).map(|all| texts(all, Value::TimeSpan))
        }
        (Value::TimeSpan(start), Value::TimeSpan(stop), Some(Value::TimeSpan(step))) => {
            steps(*start, *stop, *step, max).map(|all| texts(all, Value::TimeSpan))
        }
        _ => numbers(&start, &stop, step.as_ref(), max),
    };
    Ok(list.map_or(Value::Null, Value::list))
}

/// What a `dynamic` holds, an `int` as a `long`.
fn plain(value: &Value) -> Value {
    match value {
        Value::Int(number) => Value::Long(i64::from(*number)),
        Value::Dynamic(json) => crate::convert::scalar_of(json),
        other => other.clone(),
    }
}

fn numbers(start: &Value, stop: &Value, step: Option<&Value>, max: usize) -> Option<Vec<Dynamic>> {
    let step = step.cloned().unwrap_or(Value::Long(1));
    if let (Value::Long(start), Value::Long(stop), Value::Long(step)) = (start, stop, &step) {
        return Some(texts(steps(*start, *stop, *step, max)?, Value::Long));
    }
    let is_number =
        |value: &Value| matches!(value, Value::Long(_) | Value::Real(_) | Value::Decimal(_));
    if ![start, stop, &step].into_iter().all(is_number) {
        return None;
    }
    let (start, stop, step) = (start.as_real()?, stop.as_real()?, step.as_real()?);
    let count = ((stop - start) / step).floor();
    if !count.is_finite() || step == 0.0 {
        return None;
    }
    let numbers = (0_u32..).map(f64::from).take_while(|place| *place <= count);
    let numbers = numbers.map(|place| Value::Real(place.mul_add(step, start)).to_json());
    Some(numbers.take(max).collect())
}

/// From the first to the last that the steps reach; none if they lead nowhere.
fn steps(start: i64, stop: i64, step: i64, max: usize) -> Option<Vec<i64>> {
    if step == 0 {
        return None;
    }
    let is_within = |place: &i64| {
        if step > 0 {
            *place <= stop
        } else {
            *place >= stop
        }
    };
    let places = std::iter::successors(Some(start), |place| place.checked_add(step));
    Some(places.take_while(is_within).take(max).collect())
}

fn texts(all: Vec<i64>, wrap: fn(i64) -> Value) -> Vec<Dynamic> {
    all.into_iter().map(|one| wrap(one).to_json()).collect()
}
