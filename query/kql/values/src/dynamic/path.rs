//! Ways into a `dynamic`: members, elements, JSON paths.

use kql_syntax::ast::Type;

use crate::value::{Dynamic, Value};

/// One step into a `dynamic`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// A member of a bag.
    Member(String),
    /// An element of an array; a negative number counts from its end.
    Index(i64),
}

impl Step {
    /// What a key means: a text is a member, a number a place.
    pub fn of(key: &Value) -> Option<Self> {
        match key {
            Value::String(name) | Value::Dynamic(Dynamic::String(name)) => {
                Some(Self::Member(name.clone()))
            }
            key => key.convert(Type::Long).as_long().map(Self::Index),
        }
    }
}

/// A member of a bag.
pub fn path<'a>(value: &'a Dynamic, member: &str) -> Option<&'a Dynamic> {
    value.as_object()?.get(member)
}

/// An element of an array; a negative number counts from its end.
pub fn index(value: &Dynamic, place: i64) -> Option<&Dynamic> {
    let items = value.as_array()?;
    items.get(place_of(place, items.len())?)
}

/// What several steps lead to.
pub fn walk<'a>(value: &'a Dynamic, steps: &[Step]) -> Option<&'a Dynamic> {
    steps.iter().try_fold(value, |value, step| match step {
        Step::Member(member) => path(value, member),
        Step::Index(place) => index(value, *place),
    })
}

/// A place counted from the start, of one that counts from the end if it is negative.
pub(super) fn place_of(place: i64, length: usize) -> Option<usize> {
    match usize::try_from(place) {
        Ok(place) => Some(place),
        Err(_) => length.checked_sub(usize::try_from(place.unsigned_abs()).ok()?),
    }
}

/// The steps of a JSON path: `$`, then any number of `.name`, `['name']`, `["name"]` and `[7]`.
pub fn json_path(text: &str) -> Option<Vec<Step>> {
    let mut rest = text.trim().strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (step, after) = if let Some(named) = rest.strip_prefix('.') {
            let end = named.find(['.', '[']).unwrap_or(named.len());
            let (name, after) = named.split_at(end);
            (member(name)?, after)
        } else {
            bracketed(rest.strip_prefix('[')?)?
        };
        steps.push(step);
        rest = after;
    }
    Some(steps)
}

fn member(name: &str) -> Option<Step> {
    let is_plain = !name.is_empty() && name != "*" && !name.contains(']');
    is_plain.then(|| Step::Member(name.to_owned()))
}

fn bracketed(text: &str) -> Option<(Step, &str)> {
    for quote in ['\'', '"'] {
        if let Some(name) = text.strip_prefix(quote) {
            let (name, after) = name.split_once(quote)?;
            return Some((Step::Member(name.to_owned()), after.strip_prefix(']')?));
        }
    }
    let (place, after) = text.split_once(']')?;
    Some((Step::Index(place.trim().parse().ok()?), after))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &Dynamic) {
        let value = json!({"a": {"b c": [10, {"d": true}]}, "e.f": 1});
        let steps = json_path(text).unwrap();
        assert_eq!(walk(&value, &steps), Some(expected), "{text}");
    }

    #[test]
    fn steps_lead_inside() {
        check("$.a['b c'][0]", &json!(10));
        check("$[\"a\"].b c[-1].d", &json!(true));
        check("$['e.f']", &json!(1));
        check("$['a']['b c'][1]['d']", &json!(true));
        assert_eq!(json_path("$"), Some(Vec::new()));
    }

    #[test]
    fn what_is_no_path_is_none() {
        for text in [
            "", "a", "$a", "$.", "$..a", "$.*", "$[*]", "$[1:2]", "$['a'", "$['a]", "$.a]", "$[x]",
        ] {
            assert_eq!(json_path(text), None, "{text}");
        }
    }

    #[test]
    fn a_step_beside_the_way_is_none() {
        let value = json!({"a": [1, 2]});
        assert_eq!(path(&value, "b"), None);
        assert_eq!(path(&value["a"], "b"), None);
        assert_eq!(index(&value, 0), None);
        assert_eq!(index(&value["a"], -3), None);
        assert_eq!(index(&value["a"], i64::MIN), None);
        assert_eq!(index(&value["a"], -2), Some(&json!(1)));
    }
}
