//! Arrays in another order: reversed, rotated, shifted.

use crate::dynamic::{elements, list_or_null};
use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::value::{Dynamic, Value};

pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function("array_reverse(value: dynamic): dynamic", array_reverse),
        function(
            "array_rotate_left(array: dynamic, rotate_count: long): dynamic",
            |_, a| rotate(a, false),
        ),
        function(
            "array_rotate_right(array: dynamic, rotate_count: long): dynamic",
            |_, a| rotate(a, true),
        ),
        function(
            "array_shift_left(array: dynamic, shift_count: long, default_value?: any): dynamic",
            |_, a| shift(a, false),
        ),
        function(
            "array_shift_right(array: dynamic, shift_count: long, default_value?: any): dynamic",
            |_, a| shift(a, true),
        ),
    ];
    table.into_iter().flatten().collect()
}

fn array_reverse(_: &mut Context, arguments: &[Value]) -> Outcome {
    let items = arguments.first().and_then(elements);
    Ok(list_or_null(items.map(|items| items.iter().rev().cloned())))
}

fn rotate(arguments: &[Value], is_right: bool) -> Outcome {
    let [array, Value::Long(count)] = arguments else {
        return Ok(Value::Null);
    };
    Ok(list_or_null(elements(array).map(|items| {
        let mut items = items.to_vec();
        let length = i64::try_from(items.len()).unwrap_or(i64::MAX).max(1);
        let count = usize::try_from(count.rem_euclid(length)).unwrap_or(0);
        if is_right {
            items.rotate_right(count);
        } else {
            items.rotate_left(count);
        }
        items
    })))
}

/// What comes in is null, or the empty text among texts, unless a value is given.
fn shift(arguments: &[Value], is_right: bool) -> Outcome {
    let [array, Value::Long(count), rest @ ..] = arguments else {
        return Ok(Value::Null);
    };
    let Some(items) = elements(array) else {
        return Ok(Value::Null);
    };
    let default = match rest.first() {
        Some(value) => value.to_json(),
        None if !items.is_empty() && items.iter().all(Dynamic::is_string) => "".into(),
        None => Dynamic::Null,
    };
    let gap = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    let gap = gap.min(items.len());
    let filling = vec![default; gap];
    let (head, tail) = (items.get(gap..), items.get(..items.len() - gap));
    let shifted = if is_right == (*count >= 0) {
        [filling.as_slice(), tail.unwrap_or_default()].concat()
    } else {
        [head.unwrap_or_default(), filling.as_slice()].concat()
    };
    Ok(Value::Dynamic(Dynamic::Array(shifted)))
}
