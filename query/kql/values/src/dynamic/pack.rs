//! Arrays and bags out of values.

use serde_json::Map;

use crate::convert::seeing_nulls;
use crate::dynamic::arrays::bound;
use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::value::{Dynamic, Value};

pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function("pack_array(value...?: any): dynamic", pack_array),
        function("bag_pack(key_or_value...?: any): dynamic", bag_pack),
        function("pack(key_or_value...?: any): dynamic", bag_pack),
        function("pack_dictionary(key_or_value...?: any): dynamic", bag_pack),
        function(
            "\u{1}bag_without_nulls(bag: dynamic): dynamic",
            bag_without_nulls,
        ),
        function("repeat(value: any, count: long): dynamic", repeat),
    ];
    table.into_iter().flatten().map(seeing_nulls).collect()
}

fn pack_array(_: &mut Context, arguments: &[Value]) -> Outcome {
    Ok(Value::list(arguments.iter().map(Value::to_json)))
}

/// Keys and values by turns.
fn bag_pack(_: &mut Context, arguments: &[Value]) -> Outcome {
    let mut slots = Map::new();
    for slot in arguments.chunks(2) {
        if let [key, value] = slot {
            slots.insert(key.to_text(), value.to_json());
        }
    }
    Ok(Value::Dynamic(Dynamic::Object(slots)))
}

/// What `pack_all(true)` leaves of a row: no null, and no empty text.
fn bag_without_nulls(_: &mut Context, arguments: &[Value]) -> Outcome {
    let [Value::Dynamic(Dynamic::Object(slots))] = arguments else {
        return Ok(Value::Null);
    };
    let is_there = |value: &Dynamic| !value.is_null() && value.as_str() != Some("");
    let kept = slots.iter().filter(|(_, value)| is_there(value));
    let kept = kept.map(|(key, value)| (key.clone(), value.clone()));
    Ok(Value::Dynamic(Dynamic::Object(kept.collect())))
}

fn repeat(context: &mut Context, arguments: &[Value]) -> Outcome {
    let [value, Value::Long(count)] = arguments else {
        return Ok(Value::Null);
    };
    let Ok(count) = usize::try_from(*count) else {
        return Ok(Value::Null);
    };
    bound(context, count)?;
    Ok(Value::Dynamic(Dynamic::Array(vec![value.to_json(); count])))
}
