//! `mv-expand`: a row for each element.

use serde_json::Map;

use crate::value::Dynamic;

/// What a value expands to: an array to its elements, a bag to bags of one slot each (or, `as_array`, to arrays of key
/// and value); null and other values to themselves. An empty array or bag expands to nothing.
pub fn expand(value: Dynamic, as_array: bool) -> Vec<Dynamic> {
    match value {
        Dynamic::Array(items) => items,
        Dynamic::Object(slots) => {
            let slots = slots.into_iter();
            slots.map(|slot| one_slot(slot, as_array)).collect()
        }
        other => vec![other],
    }
}

fn one_slot((key, value): (String, Dynamic), as_array: bool) -> Dynamic {
    if as_array {
        return Dynamic::Array(vec![key.into(), value]);
    }
    Dynamic::Object(Map::from_iter([(key, value)]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(value: &Dynamic, as_array: bool, expected: &[Dynamic]) {
        assert_eq!(expand(value.clone(), as_array), expected);
    }

    #[test]
    fn arrays_and_bags_come_apart() {
        check(
            &json!([1, null, [2]]),
            false,
            &[json!(1), json!(null), json!([2])],
        );
        let bag = json!({"a": 1, "b": [2]});
        check(&bag, false, &[json!({"a": 1}), json!({"b": [2]})]);
        check(&bag, true, &[json!(["a", 1]), json!(["b", [2]])]);
        check(&json!([]), false, &[]);
        check(&json!({}), true, &[]);
    }

    #[test]
    fn other_values_stay() {
        check(&json!(null), false, &[json!(null)]);
        check(&json!("x"), true, &[json!("x")]);
    }
}
