//! Property bags: keys, slots, merging.

use std::collections::HashSet;

use serde_json::Map;

use crate::dynamic::elements;
use crate::dynamic::path::{Step, json_path, walk};
use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::value::{Dynamic, Value};

pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function("bag_has_key(bag: dynamic, key: string): bool", bag_has_key),
        function("bag_keys(object: dynamic): dynamic", bag_keys),
        function("bag_merge(bag...: dynamic): dynamic", bag_merge),
        function(
            "bag_remove_keys(bag: dynamic, keys: dynamic): dynamic",
            bag_remove_keys,
        ),
        function(
            "bag_set_key(bag: dynamic, key: string, value: any): dynamic",
            bag_set_key,
        ),
        function("bag_zip(keys: dynamic, values: dynamic): dynamic", bag_zip),
        function("treepath(object: dynamic): dynamic", treepath),
    ];
    table.into_iter().flatten().collect()
}

fn slots(value: &Value) -> Option<&Map<String, Dynamic>> {
    match value {
        Value::Dynamic(Dynamic::Object(slots)) => Some(slots),
        _ => None,
    }
}

fn bag_or_null(slots: Option<Map<String, Dynamic>>) -> Outcome {
    Ok(slots.map_or(Value::Null, |slots| Value::Dynamic(Dynamic::Object(slots))))
}

/// The members that a key names: itself, or those of a JSON path. Elements of arrays have none.
fn members(key: &str) -> Vec<String> {
    let member = |step: Step| match step {
        Step::Member(member) => Some(member),
        Step::Index(_) => None,
    };
    let path = json_path(key).filter(|steps| !steps.is_empty());
    let members: Option<Vec<String>> =
        path.and_then(|steps| steps.into_iter().map(member).collect());
    members.unwrap_or_else(|| vec![key.to_owned()])
}

fn bag_has_key(_: &mut Context, arguments: &[Value]) -> Outcome {
    let [Value::Dynamic(bag @ Dynamic::Object(_)), Value::String(key)] = arguments else {
        return Ok(Value::Null);
    };
    let steps: Vec<Step> = members(key).into_iter().map(Step::Member).collect();
    Ok(Value::Bool(walk(bag, &steps).is_some()))
}

fn bag_keys(_: &mut Context, arguments: &[Value]) -> Outcome {
    let slots = arguments.first().and_then(slots);
    let keys = |slots: &Map<String, Dynamic>| {
        Value::list(slots.keys().map(|key| Dynamic::from(key.as_str())))
    };
    Ok(slots.map_or(Value::Null, keys))
}

/// Where several have a key, the first one's value stays.
fn bag_merge(_: &mut Context, arguments: &[Value]) -> Outcome {
    let mut merged = Map::new();
    for bag in arguments {
        let Some(slots) = slots(bag) else {
            return Ok(Value::Null);
        };
        for (key, value) in slots {
            merged.entry(key).or_insert_with(|| value.clone());
        }
    }
    bag_or_null(Some(merged))
}

fn bag_remove_keys(_: &mut Context, arguments: &[Value]) -> Outcome {
    let [bag, keys] = arguments else {
        return Ok(Value::Null);
    };
    let (Some(slots), Some(keys)) = (slots(bag), elements(keys)) else {
        return Ok(Value::Null);
    };
    let mut slots = slots.clone();
    for key in keys.iter().filter_map(Dynamic::as_str) {
        let members = members(key);
        let Some((last, way)) = members.split_last() else {
            continue;
        };
        let holder = way.iter().try_fold(&mut slots, |slots, member| {
            slots.get_mut(member).and_then(Dynamic::as_object_mut)
        });
        if let Some(holder) = holder {
            holder.remove(last);
        }
    }
    bag_or_null(Some(slots))
}

/// Bags on the way are made; where another value stands on it, nothing can be set.
fn bag_set_key(_: &mut Context, arguments: &[Value]) -> Outcome {
    let [bag, Value::String(key), value] = arguments else {
        return Ok(Value::Null);
    };
    let (Some(slots), members) = (slots(bag), members(key)) else {
        return Ok(Value::Null);
    };
    let Some((last, way)) = members.split_last() else {
        return Ok(Value::Null);
    };
    let mut slots = slots.clone();
    let holder = way.iter().try_fold(&mut slots, |slots, member| {
        let inner = slots.entry(member).or_insert_with(|| Map::new().into());
        inner.as_object_mut()
    });
    let Some(holder) = holder else {
        return Ok(Value::Null);
    };
    holder.insert(last.clone(), value.to_json());
    bag_or_null(Some(slots))
}

fn bag_zip(_: &mut Context, arguments: &[Value]) -> Outcome {
    let [keys, values] = arguments else {
        return Ok(Value::Null);
    };
    let values = elements(values).unwrap_or_default();
    let slot = |(place, key): (usize, &Dynamic)| {
        let value = values.get(place).cloned().unwrap_or_default();
        Some((key.as_str()?.to_owned(), value))
    };
    let keys = elements(keys);
    bag_or_null(keys.map(|keys| keys.iter().enumerate().filter_map(slot).collect()))
}

/// Paths to all that is within; the elements of an array share the place 0.
fn treepath(_: &mut Context, arguments: &[Value]) -> Outcome {
    let Some(Value::Dynamic(root)) = arguments.first() else {
        return Ok(Value::Null);
    };
    let mut paths = Vec::new();
    let mut seen = HashSet::new();
    let mut ahead = vec![(String::new(), root)];
    while let Some((path, value)) = ahead.pop() {
        let inside: Vec<(String, &Dynamic)> = match value {
            Dynamic::Object(slots) => {
                let inside = slots
                    .iter()
                    .map(|(key, value)| (format!("{path}['{key}']"), value));
                inside.collect()
            }
            Dynamic::Array(items) => items
                .iter()
                .map(|item| (format!("{path}[0]"), item))
                .collect(),
            _ => Vec::new(),
        };
        ahead.extend(inside.into_iter().rev());
        if !path.is_empty() && seen.insert(path.clone()) {
            paths.push(Dynamic::String(path));
        }
    }
    Ok(Value::list(paths))
}
