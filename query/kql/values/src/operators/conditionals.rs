//! Choices, nulls and types of values.

use std::cmp::Ordering;

use crate::arguments::text;
use crate::convert::{compare, seeing_nulls, total_order};
use crate::function::{Context, Failure, Outcome, ScalarFunction, function};
use crate::value::{Dynamic, Value};

#[rustfmt::skip]
pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function("iff(if: bool, then: T, else: T): T", iff).map(seeing_nulls),
        function("iif(if: bool, then: T, else: T): T", iff).map(seeing_nulls),
        function("case(predicate: bool, then...: any): any", case).map(seeing_nulls),
        function("coalesce(arg...: T): T", coalesce).map(seeing_nulls),
        function("max_of(arg...: T): T", |_, a| Ok(extreme(a, Ordering::is_gt))).map(seeing_nulls),
        function("min_of(arg...: T): T", |_, a| Ok(extreme(a, Ordering::is_lt))).map(seeing_nulls),
        function("isnull(value: any): bool", |_, a| Ok(Value::Bool(a.first().is_none_or(Value::is_null)))).map(seeing_nulls),
        function("isnotnull(value: any): bool", |_, a| Ok(Value::Bool(!a.first().is_none_or(Value::is_null)))).map(seeing_nulls),
        function("notnull(value: any): bool", |_, a| Ok(Value::Bool(!a.first().is_none_or(Value::is_null)))).map(seeing_nulls),
        function("gettype(value: any): string", gettype).map(seeing_nulls),
        function("assert(condition: bool, message: string): bool", assert).map(seeing_nulls),
        function("around(value: any, center: any, delta: any): bool", around),
    ];
    table.into_iter().flatten().collect()
}

fn iff(_: &mut Context, arguments: &[Value]) -> Outcome {
    Ok(match arguments {
        [Value::Bool(true), then, _] => then.clone(),
        [_, _, otherwise] => otherwise.clone(),
        _ => Value::Null,
    })
}

/// Pairs of a condition and a value, and a value for all else.
fn case(_: &mut Context, arguments: &[Value]) -> Outcome {
    let (pairs, otherwise) = arguments.as_chunks::<2>();
    let chosen = pairs
        .iter()
        .find(|[condition, _]| *condition == Value::Bool(true))
        .map(|[_, then]| then)
        .or(otherwise.first());
    Ok(chosen.cloned().unwrap_or(Value::Null))
}

fn coalesce(_: &mut Context, arguments: &[Value]) -> Outcome {
    let has_value = |value: &&Value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        _ => true,
    };
    let found = arguments.iter().find(has_value).or(arguments.last());
    Ok(found.cloned().unwrap_or(Value::Null))
}

fn extreme(arguments: &[Value], better: fn(Ordering) -> bool) -> Value {
    let mut best = &Value::Null;
    for value in arguments.iter().filter(|value| !value.is_null()) {
        if best.is_null() || better(total_order(value, best)) {
            best = value;
        }
    }
    best.clone()
}

/// The type's name; what a `dynamic` holds has names of its own.
fn gettype(_: &mut Context, arguments: &[Value]) -> Outcome {
    let name = match arguments.first() {
        None | Some(Value::Null) => "null",
        Some(Value::Dynamic(json)) => match json {
            Dynamic::Null => "null",
            Dynamic::Bool(_) => "bool",
            Dynamic::String(_) => "string",
            Dynamic::Array(_) => "array",
            Dynamic::Object(_) => "dictionary",
            Dynamic::Number(number) => match number.as_i64() {
                Some(number) if i32::try_from(number).is_ok() => "int",
                Some(_) => "long",
                None => "real",
            },
        },
        Some(value) => value.ty().map_or("null", crate::Type::name),
    };
    Ok(Value::String(name.to_owned()))
}

fn assert(_: &mut Context, arguments: &[Value]) -> Outcome {
    if arguments.first() == Some(&Value::Bool(true)) {
        return Ok(Value::Bool(true));
    }
    Err(Failure(format!(
        "assert() has failed with message: '{}'",
        text(arguments, 1)
    )))
}

fn around(_: &mut Context, arguments: &[Value]) -> Outcome {
    use kql_syntax::ast::BinaryOperator::{Add, Subtract};
    let [value, center, delta] = arguments else {
        return Ok(Value::Null);
    };
    let bounds = super::arithmetic::compute(Subtract, center, delta)
        .zip(super::arithmetic::compute(Add, center, delta));
    let within = bounds.and_then(|(low, high)| {
        Some(compare(value, &low)?.is_ge() && compare(value, &high)?.is_le())
    });
    Ok(within.map_or(Value::Null, Value::Bool))
}
