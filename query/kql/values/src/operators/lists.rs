//! Operators with a list on their right.

use std::borrow::Cow;

use crate::convert::seeing_nulls;
use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::operators::{equal, text};
use crate::value::{Dynamic, Value};

pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function("in(value: any, element...?: any): bool", is_in).map(seeing_nulls),
        function("!in(value: any, element...?: any): bool", is_not_in).map(seeing_nulls),
        function("in~(value: any, element...?: any): bool", |_, a| {
            Ok(Value::Bool(any(a, text::equals)))
        })
        .map(seeing_nulls),
        function("!in~(value: any, element...?: any): bool", |_, a| {
            Ok(Value::Bool(!any(a, text::equals)))
        })
        .map(seeing_nulls),
        function("has_any(text: any, term...?: any): bool", |_, a| {
            Ok(Value::Bool(any(a, text::has)))
        })
        .map(seeing_nulls),
        function("has_all(text: any, term...?: any): bool", |_, a| {
            Ok(Value::Bool(!any_element(a, |text, term| {
                !text::has(text, term)
            })))
        })
        .map(seeing_nulls),
    ];
    table.into_iter().flatten().collect()
}

/// Whether any element of a list makes a test true; an array among the arguments stands for its elements.
fn each_element(list: &[Value], mut test: impl FnMut(&Value) -> bool) -> bool {
    list.iter().any(|element| match element {
        Value::Dynamic(Dynamic::Array(items)) => {
            items.iter().any(|item| test(&Value::dynamic(item.clone())))
        }
        element => test(element),
    })
}

/// A text without a copy where it is one.
fn text_of(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) | Value::Dynamic(Dynamic::String(text)) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_text()),
    }
}

fn any(arguments: &[Value], test: fn(&str, &str) -> bool) -> bool {
    any_element(arguments, test)
}

fn any_element(arguments: &[Value], test: impl Fn(&str, &str) -> bool) -> bool {
    let Some((value, list)) = arguments.split_first() else {
        return false;
    };
    let value = text_of(value);
    list.iter().any(|element| match element {
        Value::Dynamic(Dynamic::Array(items)) => items.iter().any(|item| match item {
            Dynamic::String(item) => test(&value, item),
            item => test(&value, &Value::dynamic(item.clone()).to_text()),
        }),
        element => test(&value, &text_of(element)),
    })
}

/// One of the comparisons is true; otherwise null if one of them is.
fn found(arguments: &[Value]) -> Option<bool> {
    let (value, list) = arguments.split_first()?;
    let mut unknown = false;
    let found = each_element(list, |element| {
        let result = equal(value, element);
        unknown |= result.is_none();
        result == Some(true)
    });
    (found || !unknown).then_some(found)
}

fn is_in(_: &mut Context, arguments: &[Value]) -> Outcome {
    Ok(found(arguments).map_or(Value::Null, Value::Bool))
}

fn is_not_in(_: &mut Context, arguments: &[Value]) -> Outcome {
    Ok(found(arguments).map_or(Value::Null, |found| Value::Bool(!found)))
}
