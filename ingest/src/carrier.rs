//! Events of log shippers, which carry the line that they read: Filebeat, Logstash, Vector, Fluent Bit, Fluentd.
//!
//! The record is in the line. What the shipper says besides, about itself and its host, is transport and is not
//! kept, as little as the members of an envelope.

use std::borrow::Cow;

use crate::json::{self, Fields};

/// Members with the line that a shipper read, the likelier ones first. `RawData` is that of Azure's own agent.
const LINES: [&str; 4] = ["event.original", "log", "RawData", "_raw"];

/// Members that shippers add, and logs have not.
const SIGNS: [&str; 6] = [
    "@timestamp",
    "@version",
    "@metadata",
    "source_type",
    "ecs",
    "agent",
];

/// The text that seems to hold records, in an event of a shipper.
pub(crate) fn inside<'a>(event: &Fields<'a>) -> Option<Cow<'a, str>> {
    let original = || {
        let original = Fields::parse(event.get("event")?)?.get("original")?;
        records(original)
    };
    let line = event.get("message").and_then(records).or_else(original);
    line.or_else(|| LINES.iter().find_map(|name| records(event.get(name)?)))
}

/// The line of text in an event of a shipper, where it is no JSON.
pub(crate) fn line<'a>(event: &Fields<'a>) -> Option<Cow<'a, str>> {
    let original = || Fields::parse(event.get("event")?)?.text("original");
    let line = event.text("message").or_else(original);
    let line = line.or_else(|| LINES.iter().find_map(|name| event.text(name)))?;
    (!json::is_nested(line.trim_start())).then_some(line)
}

/// Whether it is an event of a shipper for certain.
pub(crate) fn is_event(event: &Fields<'_>) -> bool {
    SIGNS.iter().any(|name| event.get(name).is_some()) || event.0.len() == 1
}

/// The text of an object or a list: of itself, or in a string.
fn records(value: &str) -> Option<Cow<'_, str>> {
    if json::is_nested(value) {
        return Some(Cow::Borrowed(value));
    }
    json::string(value).filter(|text| json::is_nested(text.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(event: &str, expected: Option<&str>) {
        let found = Fields::parse(event).and_then(|event| inside(&event).map(Cow::into_owned));
        assert_eq!(found.as_deref(), expected, "{event}");
    }

    #[test]
    fn the_line_is_found_where_shippers_put_it() {
        check(r#"{"message":"{\"a\":1}"}"#, Some(r#"{"a":1}"#));
        check(r#"{"log":"[{\"a\":1}]\n"}"#, Some("[{\"a\":1}]\n"));
        check(r#"{"message":{"a":1}}"#, Some(r#"{"a":1}"#));
        check(
            r#"{"message":"text","event":{"original":" {\"a\":1}"}}"#,
            Some(r#" {"a":1}"#),
        );
        check(r#"{"event.original":"{}","tags":[]}"#, Some("{}"));
    }

    #[test]
    fn a_line_of_plain_text_holds_no_record() {
        check(r#"{"message":"started"}"#, None);
        check(
            r#"{"log":{"file":{"path":"/x"}}}"#,
            Some(r#"{"file":{"path":"/x"}}"#),
        );
        check(r#"{"time":"t"}"#, None);
    }
}
