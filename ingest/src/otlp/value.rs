//! Values of OTLP as plain JSON text: `{"stringValue":"a"}` becomes `"a"`, a list of keys and values an object.
#![deny(
    clippy::indexing_slicing,
    reason = "whatever a body holds, reading it must not panic"
)]

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::each::each;
use super::wire::{Reader, Value};
use crate::json::{self, Fields, ObjectWriter, quote_into};

/// Why a value can't be read.
pub(super) type Reason = Cow<'static, str>;

/// Members of a map. An empty one takes two bytes of protobuf, but whoever tells a record's kind looks at each.
const MEMBERS_MAX: usize = 4096;

/// Writes a map as an object.
#[derive(Debug, Default)]
pub(super) struct Members {
    object: ObjectWriter,
    count: usize,
}

impl Members {
    /// Appends a member, of which there may be so many.
    pub(super) fn push(&mut self, name: &str, value: &str) -> Result<(), Reason> {
        self.count = self.count.saturating_add(1);
        if self.count > MEMBERS_MAX {
            let reason = format!("a map has more than {MEMBERS_MAX} members");
            return Err(Reason::Owned(reason));
        }
        self.object.push(name, value);
        Ok(())
    }

    /// The object; `None` without members.
    pub(super) fn finish(mut self) -> Option<String> {
        self.object.finish().map(str::to_owned)
    }
}

/// A value's text; `None` if it has no value.
pub(super) fn from_protobuf(bytes: &[u8], depth: usize) -> Result<Option<String>, Reason> {
    let mut text = None;
    let mut reader = Reader::new(bytes);
    while let Some((number, value)) = reader.next().map_err(|broken| broken.reason)? {
        text = match (number, value) {
            (1, Value::Bytes(bytes)) => Some(quoted(&utf8(bytes)?)),
            (2, Value::Varint(number)) => Some((number != 0).to_string()),
            (3, Value::Varint(number)) => Some(number.cast_signed().to_string()),
            (4, Value::Fixed64(bits)) => Some(real(f64::from_bits(bits))),
            (5, Value::Bytes(bytes)) => Some(list(bytes, deeper(depth)?)?),
            (6, Value::Bytes(bytes)) => {
                let mut object = Members::default();
                let mut reader = Reader::new(bytes);
                let depth = deeper(depth)?;
                while let Some((number, value)) = reader.next().map_err(|broken| broken.reason)? {
                    if let (1, Value::Bytes(bytes)) = (number, value) {
                        pair_from_protobuf(bytes, depth, &mut object)?;
                    }
                }
                Some(object.finish().unwrap_or_else(|| "{}".to_owned()))
            }
            (7, Value::Bytes(bytes)) => Some(quoted(&STANDARD.encode(bytes))),
            _ => text,
        };
    }
    Ok(text)
}

/// Appends a key with its value.
pub(super) fn pair_from_protobuf(
    bytes: &[u8],
    depth: usize,
    object: &mut Members,
) -> Result<(), Reason> {
    let (mut key, mut text) = (Cow::Borrowed(""), None);
    let mut reader = Reader::new(bytes);
    while let Some((number, value)) = reader.next().map_err(|broken| broken.reason)? {
        match (number, value) {
            (1, Value::Bytes(bytes)) => key = utf8(bytes)?,
            (2, Value::Bytes(bytes)) => text = from_protobuf(bytes, depth)?,
            _ => {}
        }
    }
    object.push(&key, text.as_deref().unwrap_or("null"))
}

fn list(bytes: &[u8], depth: usize) -> Result<String, Reason> {
    let mut text = String::from("[");
    let mut reader = Reader::new(bytes);
    while let Some((number, value)) = reader.next().map_err(|broken| broken.reason)? {
        if let (1, Value::Bytes(bytes)) = (number, value) {
            let value = from_protobuf(bytes, depth)?;
            push_item(&mut text, value.as_deref());
        }
    }
    text.push(']');
    Ok(text)
}

fn push_item(list: &mut String, item: Option<&str>) {
    if list.len() > 1 {
        list.push(',');
    }
    list.push_str(item.unwrap_or("null"));
}

/// A value's text; `None` if it has no value.
pub(super) fn from_json(value: &str, depth: usize) -> Result<Option<String>, Reason> {
    let Some(fields) = Fields::parse(value) else {
        return Err(Cow::Borrowed(
            "a value is not an object such as {\"stringValue\":\"a\"}",
        ));
    };
    let Some(field) = fields.0.first() else {
        return Ok(None);
    };
    Ok(match &*field.name {
        // 64-bit integers are strings, since JavaScript's numbers are no integers.
        "intValue" => Some(match json::string(field.value) {
            Some(text) if text.parse::<i64>().is_ok() => text.into_owned(),
            _ => field.value.to_owned(),
        }),
        "arrayValue" => {
            let depth = deeper(depth)?;
            let mut text = String::from("[");
            for_values(field.value, &mut |value| {
                push_item(&mut text, from_json(value, depth)?.as_deref());
                Ok(())
            })?;
            text.push(']');
            Some(text)
        }
        "kvlistValue" => {
            let depth = deeper(depth)?;
            let mut object = Members::default();
            for_values(field.value, &mut |pair| {
                pair_from_json(pair, depth, &mut object)
            })?;
            Some(object.finish().unwrap_or_else(|| "{}".to_owned()))
        }
        _ => Some(field.value.to_owned()),
    })
}

/// Calls `act` with each member of the list `values`.
fn for_values(value: &str, act: &mut dyn FnMut(&str) -> Result<(), Reason>) -> Result<(), Reason> {
    let fields = Fields::parse(value);
    match fields.as_ref().and_then(|fields| fields.get("values")) {
        Some(list) => each(list, act),
        None => Ok(()),
    }
}

/// Appends a key with its value.
pub(super) fn pair_from_json(pair: &str, depth: usize, object: &mut Members) -> Result<(), Reason> {
    let fields = Fields::parse(pair).ok_or("an attribute is not an object with key and value")?;
    let key = fields.text("key").unwrap_or_default();
    let value = fields.get("value").filter(|value| *value != "null");
    let text = value.map_or(Ok(None), |value| from_json(value, depth))?;
    object.push(&key, text.as_deref().unwrap_or("null"))
}

fn deeper(depth: usize) -> Result<usize, Reason> {
    let reason = "it is nested too deeply";
    depth.checked_sub(1).ok_or(Cow::Borrowed(reason))
}

/// Text of a string, which by the protocol is UTF-8.
pub(super) fn utf8(bytes: &[u8]) -> Result<Cow<'_, str>, Reason> {
    let text = std::str::from_utf8(bytes);
    text.map(Cow::Borrowed)
        .map_err(|_not_utf8| Cow::Borrowed("a string is not UTF-8"))
}

fn real(number: f64) -> String {
    if number.is_finite() {
        let mut text = String::new();
        let written = write!(text, "{number:?}");
        debug_assert!(written.is_ok(), "writing to a string does not fail");
        return text;
    }
    // As OTLP's JSON has them.
    let name = match number {
        number if number.is_nan() => "NaN",
        number if number > 0.0 => "Infinity",
        _ => "-Infinity",
    };
    quoted(name)
}

pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len().saturating_add(2));
    quote_into(&mut out, text);
    out
}
