//! Ways into a `dynamic` that is JSON text, without a tree of it: what is not on the way is only skipped.

use std::borrow::Cow;
use std::fmt;

use serde::de::{
    Deserialize as _, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use crate::dynamic::path::{Step, place_of};
use crate::value::{Dynamic, Value};

/// The JSON text of what the steps lead to. None if there is nothing or null, or if the text is no JSON.
fn path_json<'a>(json_text: &'a str, steps: &[Step]) -> Option<&'a str> {
    let found = find(json_text, steps).ok()??.get();
    (found != "null").then_some(found)
}

/// The same as a tree of it is printed: without spaces, every number and letter in its one form.
pub fn path_compact<'a>(json_text: &'a str, steps: &[Step]) -> Option<Cow<'a, str>> {
    let json = path_json(json_text, steps)?;
    if is_compact(json) {
        return Some(Cow::Borrowed(json));
    }
    let json: Dynamic = serde_json::from_str(json).ok()?;
    Some(Cow::Owned(json.to_string()))
}

/// The same as `tostring` gives it: a text without its quotes, an array or bag as compact JSON.
pub fn path_text<'a>(json_text: &'a str, steps: &[Step]) -> Option<Cow<'a, str>> {
    let json = path_json(json_text, steps)?;
    if let Some(text) = plain_text(json) {
        return Some(Cow::Borrowed(text));
    }
    let json: Dynamic = serde_json::from_str(json).ok()?;
    Some(Cow::Owned(match json {
        Dynamic::String(text) => text,
        other => Value::Dynamic(other).to_text(),
    }))
}

/// What stands between the quotes of a text, if it stands there as it is meant.
fn plain_text(json: &str) -> Option<&str> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains('\\')).then_some(inner)
}

/// Whether a value is surely written as it would be printed.
fn is_compact(json: &str) -> bool {
    let is_short_number = || {
        let digits = json.strip_prefix('-').unwrap_or(json);
        let is_whole = digits.bytes().all(|byte| byte.is_ascii_digit());
        is_whole && digits.len() < 18 && !json.starts_with("-0")
    };
    matches!(json, "true" | "false") || plain_text(json).is_some() || is_short_number()
}

fn find<'a>(json_text: &'a str, steps: &[Step]) -> serde_json::Result<Option<&'a RawValue>> {
    let mut reader = serde_json::Deserializer::from_str(json_text);
    let found = Find(steps).deserialize(&mut reader)?;
    reader.end()?;
    Ok(found)
}

/// Looks for what the steps lead to; the rest is read too, so that broken JSON has no members.
struct Find<'s>(&'s [Step]);

impl<'de> DeserializeSeed<'de> for Find<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<Self::Value, D::Error> {
        match self.0.split_first() {
            Some((step, rest)) => value.deserialize_any(Way { step, rest }),
            None => <&RawValue>::deserialize(value).map(Some),
        }
    }
}

/// The next step, and those after it.
struct Way<'s> {
    step: &'s Step,
    rest: &'s [Step],
}

impl<'de> Visitor<'de> for Way<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut slots: A) -> Result<Self::Value, A::Error> {
        let Step::Member(member) = self.step else {
            while slots.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(None);
        };
        let mut found = None;
        while let Some(is_member) = slots.next_key_seed(IsKey(member))? {
            if is_member {
                found = slots.next_value_seed(Find(self.rest))?;
            } else {
                slots.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let Step::Index(place) = self.step else {
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(None);
        };
        let Ok(before) = usize::try_from(*place) else {
            return from_the_end(*place, self.rest, items);
        };
        for _ in 0..before {
            if items.next_element::<IgnoredAny>()?.is_none() {
                return Ok(None);
            }
        }
        let found = items.next_element_seed(Find(self.rest))?.flatten();
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(found)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// How many elements there are is known only behind the last of them.
fn from_the_end<'de, A: SeqAccess<'de>>(
    place: i64,
    rest: &[Step],
    mut items: A,
) -> Result<Option<&'de RawValue>, A::Error> {
    let mut all: Vec<&RawValue> = Vec::new();
    while let Some(item) = items.next_element()? {
        all.push(item);
    }
    let item = place_of(place, all.len()).and_then(|place| all.get(place));
    Ok(item.and_then(|item| find(item.get(), rest).ok().flatten()))
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

    #[track_caller]
    fn check_forms(json: &str) {
        let tree: Dynamic = serde_json::from_str(json).unwrap();
        assert_eq!(path_compact(json, &[]).unwrap(), tree.to_string());
        assert_eq!(
            path_text(json, &[]).unwrap(),
            Value::Dynamic(tree).to_text()
        );
    }

    #[test]
    fn every_value_has_one_form() {
        let numbers = "0 -0 -7 7.50 1e3 99999999999999999999 -123456789012345678";
        numbers.split(' ').for_each(check_forms);
        for json in [
            r#""""#,
            r#""a b""#,
            r#""\u0061\/\"""#,
            "true",
            " [ 1, 2 ] ",
            r#"{"b": 1}"#,
        ] {
            check_forms(json);
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
