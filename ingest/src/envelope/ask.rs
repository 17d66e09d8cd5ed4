//! What the walk over a body asks of a place in it.

use crate::json::Fields;
use crate::scan;

/// What an object has as records if it is an envelope; `null` if it is one without. Subscriptions of CloudWatch Logs
/// have theirs under another name, and send messages in which they only ask whether anybody is there.
pub(super) fn records<'a>(fields: &Fields<'a>) -> Option<&'a str> {
    let events = || {
        let events = fields.get("logEvents")?;
        let is_control = fields
            .text("messageType")
            .is_some_and(|text| text == "CONTROL_MESSAGE");
        Some(if is_control { "null" } else { events })
    };
    fields.get("records").or_else(events)
}

/// Whether a rewritten object is a record, and no envelope of records.
pub(super) fn is_record(text: &str) -> bool {
    let fields = Fields::parse(text);
    fields.is_some_and(|fields| fields.get("records").is_none())
}

/// What is wrong, without the line and column, which count from the record.
pub(super) fn reason(error: &serde_json::Error) -> String {
    let mut text = error.to_string();
    if let Some(at) = text.rfind(" at line ") {
        text.truncate(at);
    }
    text
}

/// Where the first record begins of an envelope that begins at `at`: `{"records":[`, or `{"value":[`
/// of the REST API if objects follow.
pub(crate) fn envelope_start(body: &[u8], at: usize) -> Option<usize> {
    let behind = |at: usize, byte: u8| {
        let next = scan::skip_space(body, at);
        body.get(next)
            .filter(|found| **found == byte)
            .map(|_| next.saturating_add(1))
    };
    let brace = behind(at, b'{')?;
    let quote = *body.get(scan::skip_space(body, brace))?;
    let name_at = behind(brace, quote).filter(|_| matches!(quote, b'"' | b'\''))?;
    let is = |name: &str| {
        let end = name_at.saturating_add(name.len());
        let found = body
            .get(name_at..end)
            .is_some_and(|text| text.eq_ignore_ascii_case(name.as_bytes()));
        (found && body.get(end) == Some(&quote)).then(|| end.saturating_add(1))
    };
    let records = is("records");
    let list = behind(behind(records.or_else(|| is("value"))?, b':')?, b'[')?;
    (records.is_some() || behind(list, b'{').is_some()).then_some(list)
}
