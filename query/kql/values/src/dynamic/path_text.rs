//! Ways into a `dynamic` that is JSON text, without a tree of it: what is not on the way is only skipped.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::dynamic::path::{Step, place_of};
use crate::value::{Dynamic, Value};

/// The JSON text of what the steps lead to. None if there is nothing or null, or if the text is no JSON.
pub fn path_json<'a>(json_text: &'a str, steps: &[Step]) -> Option<&'a str> {
    let mut text = json_text;
    for step in steps {
        let mut reader = serde_json::Deserializer::from_str(text);
        let found = reader.deserialize_any(Find(step)).ok()?;
        reader.end().ok()?;
        text = found?.get();
    }
    (text != "null").then_some(text)
}

/// The same as `tostring` gives it: a text without its quotes, an array or bag as compact JSON.
pub fn path_text(json_text: &str, steps: &[Step]) -> Option<String> {
    let json: Dynamic = serde_json::from_str(path_json(json_text, steps)?).ok()?;
    match json {
        Dynamic::Null => None,
        Dynamic::String(text) => Some(text),
        other => Some(Value::Dynamic(other).to_text()),
    }
}

/// Looks for one step; the rest is read too, so that broken JSON has no members.
struct Find<'s>(&'s Step);

impl<'de> Visitor<'de> for Find<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array or a bag")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut slots: A) -> Result<Self::Value, A::Error> {
        let Step::Member(member) = self.0 else {
            while slots.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(None);
        };
        let mut found = None;
        while let Some(is_member) = slots.next_key_seed(IsKey(member))? {
            if is_member {
                found = Some(slots.next_value()?);
            } else {
                slots.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        match self.0 {
            Step::Index(place @ 0..) => {
                let mut count = 0;
                while let Some(item) = items.next_element::<&RawValue>()? {
                    if count == *place {
                        found = Some(item);
                    }
                    count += 1;
                }
            }
            Step::Index(place) => {
                let mut all: Vec<&RawValue> = Vec::new();
                while let Some(item) = items.next_element()? {
                    all.push(item);
                }
                found = place_of(*place, all.len()).and_then(|place| all.get(place).copied());
            }
            Step::Member(_) => while items.next_element::<IgnoredAny>()?.is_some() {},
        }
        Ok(found)
    }
}

/// Whether a key is the one that is looked for.
struct IsKey<'s>(&'s str);

impl<'de> DeserializeSeed<'de> for IsKey<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<bool, D::Error> {
        key.deserialize_str(self)
    }
}

impl Visitor<'_> for IsKey<'_> {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::dynamic::path::{json_path, walk};

    const TEXT: &str =
        r#" {"a": {"b\u0063": [ 1.50, "x\"y", {"z": [ ] }, null ]}, "n": 7, "n": 8} "#;

    #[track_caller]
    fn check(path: &str, json: Option<&str>, text: Option<&str>) {
        let steps = json_path(path).unwrap();
        assert_eq!(path_json(TEXT, &steps), json, "{path}");
        assert_eq!(path_text(TEXT, &steps).as_deref(), text, "{path}");
    }

    #[test]
    fn a_member_is_found_in_the_text() {
        check("$.a.bc[0]", Some("1.50"), Some("1.5"));
        check("$.a.bc[1]", Some(r#""x\"y""#), Some("x\"y"));
        check("$.a.bc[2]", Some(r#"{"z": [ ] }"#), Some(r#"{"z":[]}"#));
        check("$.a.bc[-4]", Some("1.50"), Some("1.5"));
        check("$.n", Some("8"), Some("8"));
        for nothing in [
            "$.a.bc[3]",
            "$.a.bc[4]",
            "$.a.bc[-5]",
            "$.b",
            "$.a[0]",
            "$.a.bc.b",
            "$.n.m",
        ] {
            check(nothing, None, None);
        }
    }

    #[test]
    fn broken_json_has_no_members() {
        let step = [Step::Member("a".to_owned())];
        for text in [
            "",
            "{\"a\": 1",
            "{\"a\": 1} x",
            "{\"a\": 1, b: 2}",
            "[1, 2",
            "a",
        ] {
            assert_eq!(path_json(text, &step), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn it_finds_what_the_tree_has(keys in prop::collection::vec("[ab\"]", 1..4), place in -2_i64..2) {
            let value = json!({"a": [{"b": 1, "\"": [true]}, {"a": {"a": "x"}}], "b": {"a": [2, 3]}});
            let mut steps: Vec<Step> = keys.into_iter().map(Step::Member).collect();
            steps.insert(1, Step::Index(place));
            let text = value.to_string();
            let found = path_json(&text, &steps).map(str::to_owned);
            prop_assert_eq!(found, walk(&value, &steps).map(Dynamic::to_string));
        }
    }
}
