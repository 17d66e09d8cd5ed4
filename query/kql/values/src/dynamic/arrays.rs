//! Arrays: length, sum, search, parts, pairs.

use crate::convert::seeing_nulls;
use crate::dynamic::element::{Identity, number};
use crate::dynamic::path::place_of;
use crate::dynamic::{elements, list_or_null};
use crate::function::{Context, Failure, Outcome, ScalarFunction, function};
use crate::value::{Dynamic, Value};

pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function("array_length(array: dynamic): long", array_length),
        function("arraylength(array: dynamic): long", array_length),
        function("array_sum(array: dynamic): real", array_sum),
        function("array_concat(array...: dynamic): dynamic", array_concat),
        function(
            "array_iff(condition: dynamic, when_true: any, when_false: any): dynamic",
            array_iff,
        )
        .map(seeing_nulls),
        function(
            "array_iif(condition: dynamic, when_true: any, when_false: any): dynamic",
            array_iff,
        )
        .map(seeing_nulls),
        function(
            "array_index_of(array: dynamic, value: any, start?: long, length?: long, occurrence?: long): long",
            array_index_of,
        ),
        function(
            "array_slice(array: dynamic, start: long, end: long): dynamic",
            array_slice,
        ),
        function(
            "array_split(array: dynamic, index: any): dynamic",
            array_split,
        ),
        function("zip(array...: dynamic): dynamic", zip),
        function(
            "strcat_array(array: dynamic, delimiter: string): string",
            strcat_array,
        ),
        function(
            "array_strcat(array: dynamic, delimiter: string): string",
            strcat_array,
        ),
    ];
    table.into_iter().flatten().collect()
}

fn array_length(_: &mut Context, arguments: &[Value]) -> Outcome {
    let length = arguments.first().and_then(elements).map(<[Dynamic]>::len);
    let length = length.and_then(|length| i64::try_from(length).ok());
    Ok(length.map_or(Value::Null, Value::Long))
}

fn array_sum(_: &mut Context, arguments: &[Value]) -> Outcome {
    let items = arguments.first().and_then(elements);
    let sum = items.and_then(|items| items.iter().map(number).sum());
    Ok(sum.map_or(Value::Null, Value::Real))
}

fn array_concat(context: &mut Context, arguments: &[Value]) -> Outcome {
    let arrays: Option<Vec<&[Dynamic]>> = arguments.iter().map(elements).collect();
    let Some(arrays) = arrays else {
        return Ok(Value::Null);
    };
    bound(context, arrays.iter().map(|array| array.len()).sum())?;
    Ok(Value::Dynamic(Dynamic::Array(arrays.concat())))
}

/// Refuses what would have more elements than an array may have.
pub(super) fn bound(context: &Context, length: usize) -> Result<(), Failure> {
    if length <= context.length_max {
        return Ok(());
    }
    Err(Failure(format!(
        "an array would get more than {} elements: take fewer",
        context.length_max
    )))
}

/// Elements of one of two arrays, or one of two values, as an array of conditions says.
fn array_iff(_: &mut Context, arguments: &[Value]) -> Outcome {
    let [condition, when_true, when_false] = arguments else {
        return Ok(Value::Null);
    };
    let choose = |(place, condition): (usize, &Dynamic)| {
        let holds = match condition {
            Dynamic::Bool(holds) => *holds,
            Dynamic::Number(number) => number.as_f64() != Some(0.0),
            _ => return Dynamic::Null,
        };
        let chosen = if holds { when_true } else { when_false };
        match elements(chosen) {
            Some(items) => items.get(place).cloned().unwrap_or_default(),
            None => chosen.to_json(),
        }
    };
    let conditions = elements(condition);
    Ok(list_or_null(conditions.map(|conditions| {
        conditions.iter().enumerate().map(choose)
    })))
}

fn array_index_of(_: &mut Context, arguments: &[Value]) -> Outcome {
    let [array, sought, rest @ ..] = arguments else {
        return Ok(Value::Null);
    };
    let Some(items) = elements(array) else {
        return Ok(Value::Null);
    };
    let numbers = rest.iter().map(|value| match value {
        Value::Long(number) => Some(*number),
        _ => None,
    });
    let numbers: Option<Vec<i64>> = numbers.collect();
    let mut numbers = numbers.unwrap_or(vec![-2; 3]).into_iter();
    let start = numbers.next().unwrap_or(0);
    let length = numbers.next().unwrap_or(-1);
    let occurrence = numbers.next().unwrap_or(1);
    if length < -1 || occurrence < 0 {
        return Ok(Value::Null);
    }
    let start = place_of(start, items.len()).unwrap_or(0);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let sought = sought.to_json();
    let sought = Identity::of(&sought);
    let mut found = items.iter().enumerate().skip(start).take(length);
    let mut found = found
        .by_ref()
        .filter(|(_, item)| Identity::of(item) == sought);
    let earlier = usize::try_from(occurrence)
        .ok()
        .and_then(|nth| nth.checked_sub(1));
    let found = earlier.and_then(|earlier| found.nth(earlier));
    let place = found.and_then(|(place, _)| i64::try_from(place).ok());
    Ok(Value::Long(place.unwrap_or(-1)))
}

/// Both ends are inside; what is out of bounds is left out.
fn array_slice(_: &mut Context, arguments: &[Value]) -> Outcome {
    let [array, Value::Long(start), Value::Long(end)] = arguments else {
        return Ok(Value::Null);
    };
    Ok(list_or_null(elements(array).map(|items| {
        let start = place_of(*start, items.len()).unwrap_or(0);
        let past = place_of(*end, items.len()).map_or(0, |end| end.saturating_add(1));
        let part = items.get(start..past.min(items.len()).max(start));
        part.unwrap_or_default().to_vec()
    })))
}

fn array_split(_: &mut Context, arguments: &[Value]) -> Outcome {
    let [array, index] = arguments else {
        return Ok(Value::Null);
    };
    let places: Option<Vec<i64>> = match index {
        Value::Dynamic(Dynamic::Array(places)) => places.iter().map(Dynamic::as_i64).collect(),
        other => other.as_long().map(|place| vec![place]),
    };
    let (Some(items), Some(places)) = (elements(array), places) else {
        return Ok(Value::Null);
    };
    let mut parts = Vec::with_capacity(places.len() + 1);
    let mut rest = items;
    for place in places {
        let taken = items.len() - rest.len();
        let place = place_of(place, items.len()).unwrap_or(0);
        let (part, after) = rest.split_at(place.saturating_sub(taken).min(rest.len()));
        parts.push(Dynamic::Array(part.to_vec()));
        rest = after;
    }
    parts.push(Dynamic::Array(rest.to_vec()));
    Ok(Value::list(parts))
}

/// As long as the longest; what is missing is null.
fn zip(context: &mut Context, arguments: &[Value]) -> Outcome {
    let arrays: Option<Vec<&[Dynamic]>> = arguments.iter().map(elements).collect();
    let Some(arrays) = arrays else {
        return Ok(Value::Null);
    };
    let longest = arrays.iter().map(|array| array.len()).max().unwrap_or(0);
    bound(context, longest.saturating_mul(arrays.len()))?;
    let row = |place: usize| {
        let cells = arrays.iter().map(|array| array.get(place).cloned());
        Dynamic::Array(cells.map(Option::unwrap_or_default).collect())
    };
    Ok(Value::list((0..longest).map(row)))
}

fn strcat_array(context: &mut Context, arguments: &[Value]) -> Outcome {
    let [array, Value::String(delimiter)] = arguments else {
        return Ok(Value::String(String::new()));
    };
    let mut text = String::new();
    for (place, item) in elements(array).unwrap_or_default().iter().enumerate() {
        if place > 0 {
            text.push_str(delimiter);
        }
        match item {
            Dynamic::String(item) => text.push_str(item),
            item => text.push_str(&Value::dynamic(item.clone()).to_text()),
        }
        if text.len() > context.length_max {
            let max = context.length_max;
            return Err(Failure(format!(
                "a text would get longer than {max} bytes: take fewer elements"
            )));
        }
    }
    Ok(Value::String(text))
}
