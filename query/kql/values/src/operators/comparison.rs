//! Equality and order.

use std::cmp::Ordering;

use crate::convert::{compare, seeing_nulls};
use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::value::{Dynamic, Value};

#[rustfmt::skip]
pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function("==(left: any, right: any): bool", equals).map(seeing_nulls),
        function("!=(left: any, right: any): bool", differs).map(seeing_nulls),
        function("<(left: any, right: any): bool", |_, a| Ok(order(a, Ordering::is_lt))),
        function("<=(left: any, right: any): bool", |_, a| Ok(order(a, Ordering::is_le))),
        function(">(left: any, right: any): bool", |_, a| Ok(order(a, Ordering::is_gt))),
        function(">=(left: any, right: any): bool", |_, a| Ok(order(a, Ordering::is_ge))),
        function("between(value: any, low: any, high: any): bool", between),
        function("!between(value: any, low: any, high: any): bool", not_between),
    ];
    table.into_iter().flatten().collect()
}

/// Whether two values are equal. Two nulls: nobody knows. A null and a value: no.
pub(crate) fn equal(left: &Value, right: &Value) -> Option<bool> {
    Some(match (left, right) {
        (Value::Null, Value::Null) => return None,
        (Value::Null, _) | (_, Value::Null) => false,
        (Value::String(left), Value::String(right)) => left == right,
        (Value::Dynamic(left), Value::Dynamic(right)) => equal_json(left, right),
        (Value::Dynamic(Dynamic::Array(_) | Dynamic::Object(_)), Value::String(text)) => {
            left.to_text() == *text
        }
        (Value::String(text), Value::Dynamic(Dynamic::Array(_) | Dynamic::Object(_))) => {
            right.to_text() == *text
        }
        _ => compare(left, right).is_some_and(Ordering::is_eq),
    })
}

/// Numbers are equal by their worth: `1` is `1.0`.
fn equal_json(left: &Dynamic, right: &Dynamic) -> bool {
    match (left, right) {
        (Dynamic::Number(a), Dynamic::Number(b)) => {
            a == b || matches!((a.as_f64(), b.as_f64()), (Some(a), Some(b)) if (a - b).abs() == 0.0)
        }
        _ => left == right,
    }
}

fn equals(_: &mut Context, arguments: &[Value]) -> Outcome {
    let result = match arguments {
        [left, right] => equal(left, right),
        _ => None,
    };
    Ok(result.map_or(Value::Null, Value::Bool))
}

fn differs(_: &mut Context, arguments: &[Value]) -> Outcome {
    let result = match arguments {
        [left, right] => equal(left, right),
        _ => None,
    };
    Ok(result.map_or(Value::Null, |value| Value::Bool(!value)))
}

fn order(arguments: &[Value], test: fn(Ordering) -> bool) -> Value {
    match arguments {
        [left, right] => ordered(left, right, test).map_or(Value::Null, Value::Bool),
        _ => Value::Null,
    }
}

/// NaN is in no order with anything; what does not compare gives null.
fn ordered(left: &Value, right: &Value, test: fn(Ordering) -> bool) -> Option<bool> {
    if let Some(order) = compare(left, right) {
        return Some(test(order));
    }
    let is_nan = |value: &Value| matches!(value, Value::Real(value) if value.is_nan());
    (is_nan(left) || is_nan(right)).then_some(false)
}

fn is_between(arguments: &[Value]) -> Option<bool> {
    let [value, low, high] = arguments else {
        return None;
    };
    let end;
    let high = match (low, high) {
        (Value::DateTime(low), Value::TimeSpan(length)) => {
            end = Value::DateTime(low.checked_add(*length)?);
            &end
        }
        _ => high,
    };
    let above = ordered(value, low, Ordering::is_ge);
    let below = ordered(value, high, Ordering::is_le);
    match (above, below) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn between(_: &mut Context, arguments: &[Value]) -> Outcome {
    Ok(is_between(arguments).map_or(Value::Null, Value::Bool))
}

fn not_between(_: &mut Context, arguments: &[Value]) -> Outcome {
    Ok(is_between(arguments).map_or(Value::Null, |value| Value::Bool(!value)))
}
