//! Gaps of a series filled in.

use super::{Row, float, number};
use crate::function::{Context, Outcome, function};
use crate::value::{Dynamic, Value};

pub(super) fn table() -> Vec<Row> {
    vec![
        function(
            "series_fill_backward(series: dynamic, missing?: any): dynamic",
            backward,
        ),
        function(
            "series_fill_forward(series: dynamic, missing?: any): dynamic",
            forward,
        ),
        function(
            "series_fill_const(series: dynamic, constant: any, missing?: any): dynamic",
            constant,
        ),
        function(
            "series_fill_linear(series: dynamic, missing?: any, edges?: any, constant?: any): dynamic",
            linear,
        ),
    ]
}

/// The elements, and what stands for a missing one.
fn parts(arguments: &[Value], missing: usize) -> Option<(Vec<Dynamic>, Dynamic)> {
    let Some(Value::Dynamic(Dynamic::Array(items))) = arguments.first() else {
        return None;
    };
    let missing = arguments.get(missing).map_or(Dynamic::Null, Value::to_json);
    Some((items.clone(), missing))
}

fn is_missing(item: &Dynamic, missing: &Dynamic) -> bool {
    match (number(item), number(missing)) {
        (Some(item), Some(missing)) if item.is_nan() => missing.is_nan(),
        #[expect(clippy::float_cmp, reason = "a placeholder is the same number")]
        (Some(item), Some(missing)) => item == missing,
        _ => item == missing,
    }
}

/// Gives every missing element the last one before it, in the order of the places.
fn carry(items: &mut dyn Iterator<Item = &mut Dynamic>, missing: &Dynamic) {
    let mut last = None;
    for item in items {
        if !is_missing(item, missing) {
            last = Some(item.clone());
        } else if let Some(last) = &last {
            *item = last.clone();
        }
    }
}

fn forward(_: &mut Context, arguments: &[Value]) -> Outcome {
    let Some((mut items, missing)) = parts(arguments, 1) else {
        return Ok(Value::Null);
    };
    carry(&mut items.iter_mut(), &missing);
    Ok(Value::list(items))
}

fn backward(_: &mut Context, arguments: &[Value]) -> Outcome {
    let Some((mut items, missing)) = parts(arguments, 1) else {
        return Ok(Value::Null);
    };
    carry(&mut items.iter_mut().rev(), &missing);
    Ok(Value::list(items))
}

fn constant(_: &mut Context, arguments: &[Value]) -> Outcome {
    let Some((mut items, missing)) = parts(arguments, 2) else {
        return Ok(Value::Null);
    };
    let constant = arguments.get(1).map_or(Dynamic::Null, Value::to_json);
    for item in &mut items {
        if is_missing(item, &missing) {
            *item = constant.clone();
        }
    }
    Ok(Value::list(items))
}

fn linear(_: &mut Context, arguments: &[Value]) -> Outcome {
    let Some((mut items, missing)) = parts(arguments, 1) else {
        return Ok(Value::Null);
    };
    let known: Vec<(usize, f64)> = items
        .iter()
        .enumerate()
        .filter(|(_, item)| !is_missing(item, &missing))
        .filter_map(|(place, item)| Some((place, number(item)?)))
        .collect();
    if known.is_empty() {
        let constant = arguments.get(3).map_or(Dynamic::from(0.0), Value::to_json);
        return Ok(Value::list(items.iter().map(|_| constant.clone())));
    }
    let is_whole = items
        .iter()
        .filter(|item| !is_missing(item, &missing))
        .all(Dynamic::is_i64);
    for pair in known.windows(2) {
        if let [(start, from), (end, to)] = pair {
            for place in start + 1..*end {
                let share = float(place - start) / float(end - start);
                if let Some(item) = items.get_mut(place)
                    && is_missing(item, &missing)
                {
                    *item = between(from + (to - from) * share, is_whole);
                }
            }
        }
    }
    if arguments.get(2) != Some(&Value::Bool(false)) {
        carry(&mut items.iter_mut(), &missing);
        carry(&mut items.iter_mut().rev(), &missing);
    }
    Ok(Value::list(items))
}

/// Whole numbers are filled with whole numbers; as in Kusto's printed examples, a fraction is cut off.
#[expect(
    clippy::cast_possible_truncation,
    reason = "between two whole numbers there is a whole number"
)]
fn between(number: f64, is_whole: bool) -> Dynamic {
    if is_whole {
        return (number.trunc() as i64).into();
    }
    super::element(number)
}
