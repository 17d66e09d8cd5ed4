//! Whether a record is one of a mapping, looked up in the record as it came.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::{Condition, Mapping, Test};
use crate::json::{self, Fields};

/// Members that logs of Azure have in common: they tell nothing of another gateway.
const COMMON: [&str; 22] = [
    "Category",
    "TimeGenerated",
    "Type",
    "callerIpAddress",
    "category",
    "correlationId",
    "durationMs",
    "identity",
    "level",
    "location",
    "operationName",
    "operationVersion",
    "properties",
    "records",
    "resourceId",
    "resultDescription",
    "resultSignature",
    "resultType",
    "tenantId",
    "time",
    "timeStamp",
    "timestamp",
];

/// Whether all conditions hold for a record.
pub(super) fn matches(conditions: &[Condition], record: &Fields<'_>) -> bool {
    conditions.iter().all(|condition| holds(condition, record))
}

/// Whether a condition holds for a record.
pub(super) fn holds(condition: &Condition, record: &Fields<'_>) -> bool {
    let mut paths = condition.paths.iter();
    let value = paths.find_map(|path| find(record, path.tokens()));
    let text = || value.map(plain);
    match &condition.test {
        Test::Present => value.is_some(),
        Test::Absent => value.is_none(),
        Test::Equals(expected) => text().is_some_and(|text| text == *expected),
        Test::Within(bounds) => text().and_then(|text| bounds.has(&text)) == Some(true),
    }
}

/// A JSON text as text: strings unescaped, all else as it is written.
pub(super) fn plain(value: &str) -> Cow<'_, str> {
    json::string(value).unwrap_or(Cow::Borrowed(value))
}

fn find<'a>(record: &Fields<'a>, tokens: &[String]) -> Option<&'a str> {
    let (name, rest) = tokens.split_first()?;
    let field = record.0.iter().find(|field| field.name == **name)?;
    inside(field.value, rest).filter(|value| *value != "null")
}

fn inside<'a>(value: &'a str, tokens: &[String]) -> Option<&'a str> {
    let Some((name, rest)) = tokens.split_first() else {
        return Some(value);
    };
    if value.starts_with('[') {
        let items = serde_json::from_str::<Vec<&'a RawValue>>(value).ok()?;
        let item = items.get(name.parse::<usize>().ok()?)?.get();
        return inside(item, rest);
    }
    find(&Fields::parse(value)?, tokens)
}

/// Whether conditions tell a gateway's records from others: by a value, or by two members that
/// Azure's records do not have.
pub(super) fn is_specific(conditions: &[Condition]) -> bool {
    let own = |condition: &&Condition| {
        let mut paths = condition.paths.iter();
        let is_own = |name: &String| !COMMON.contains(&name.as_str());
        condition.test == Test::Present
            && paths.all(|path| path.tokens().first().is_some_and(is_own))
    };
    let by_value = |condition: &Condition| matches!(condition.test, Test::Equals(_));
    conditions.iter().any(by_value) || conditions.iter().filter(own).count() >= 2
}

/// Whether every record of `later` is one of `earlier` too.
pub(super) fn takes_all(earlier: &Mapping, later: &Mapping) -> bool {
    let known = |condition: &Condition| {
        let mut others = later.conditions.iter();
        others.any(|other| implies(other, condition))
    };
    earlier.format == later.format && earlier.conditions.iter().all(known)
}

/// Whether `first` can't hold without `second`.
fn implies(first: &Condition, second: &Condition) -> bool {
    if first == second {
        return true;
    }
    let finds = matches!(
        first.test,
        Test::Present | Test::Equals(_) | Test::Within(_)
    );
    let within = first.paths.iter().all(|path| {
        let mut others = second.paths.iter();
        others.any(|other| path.tokens().starts_with(other.tokens()))
    });
    finds && second.test == Test::Present && within
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::Bounds;

    fn condition(path: &str, test: Test) -> Condition {
        let paths = path.split(' ').map(|path| path.parse().unwrap()).collect();
        Condition { paths, test }
    }

    #[track_caller]
    fn check(record: &str, path: &str, test: Test, expected: bool) {
        let record = Fields::parse(record).unwrap();
        assert_eq!(holds(&condition(path, test), &record), expected, "{path}");
    }

    #[test]
    fn conditions_hold_or_not() {
        let record = r#"{"a":{"b":"x"},"n":200,"t":true,"z":null,"l":[{"i":"v"}]}"#;
        check(record, "/a/b", Test::Present, true);
        check(record, "/a/c", Test::Present, false);
        check(record, "/A/b", Test::Present, false);
        check(record, "/a/c /n", Test::Present, true);
        check(record, "/z", Test::Absent, true);
        check(record, "/a/b/c", Test::Absent, true);
        check(record, "/a/b", Test::Equals("x".to_owned()), true);
        check(record, "/n", Test::Equals("200".to_owned()), true);
        check(record, "/t", Test::Equals("true".to_owned()), true);
        check(record, "/t", Test::Equals("false".to_owned()), false);
        let within = |from, below| Test::Within(Bounds::new(from, below).unwrap());
        check(record, "/n", within(None, Some(400.0)), true);
        check(record, "/n", within(None, Some(200.0)), false);
        check(record, "/n", within(Some(200.0), Some(201.0)), true);
        check(record, "/n", within(Some(200.5), None), false);
        check(record, "/a/b", within(None, Some(1.0)), false);
        assert_eq!(
            Bounds::new(Some(0.0), None).unwrap().has("inf"),
            Some(false)
        );
        assert!(Bounds::new(Some(400.0), Some(400.0)).is_err());
        assert!(Bounds::new(Some(f64::NAN), None).is_err());
        check(record, "/l/0/i", Test::Equals("v".to_owned()), true);
        check(record, "/l/1/i", Test::Present, false);
    }

    #[test]
    fn what_follows_from_what() {
        let present = |path| condition(path, Test::Present);
        let equals = condition("/a", Test::Equals("x".to_owned()));
        assert!(implies(&present("/a"), &present("/a")));
        assert!(implies(&present("/a/b"), &present("/a")));
        assert!(implies(&equals, &present("/a")));
        assert!(implies(&present("/a"), &present("/a /b")));
        assert!(!implies(&present("/a /b"), &present("/a")));
        assert!(!implies(&present("/a"), &equals));
        assert!(!implies(&condition("/a", Test::Absent), &present("/a")));
    }

    #[test]
    fn two_members_or_a_value_are_specific() {
        let present = |path| condition(path, Test::Present);
        assert!(is_specific(&[present("/status"), present("/remote_addr")]));
        assert!(!is_specific(&[present("/status")]));
        assert!(!is_specific(&[
            present("/time"),
            present("/category"),
            present("/x")
        ]));
        assert!(is_specific(&[condition(
            "/kind",
            Test::Equals("edge".to_owned())
        )]));
        assert!(!is_specific(&[]));
    }
}
