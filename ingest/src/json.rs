//! JSON as this crate needs it: the members of an object with their values still as text.
//!
//! A record is never turned into a tree. Its members keep their text, borrowed from the body, and
//! whoever maps a member to a column reads just that text; what no column takes is copied verbatim.

use std::borrow::Cow;
use std::fmt;
use std::fmt::Write as _;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::repair;

/// Deeper JSON in a string stays a string, so that no reader recurses further than this.
pub(crate) const EMBEDDED_DEPTH_MAX: usize = 64;

/// Strings in strings that are opened for the object in them.
const STRINGS_MAX: usize = 3;

/// A member of an object.
#[derive(Debug)]
pub(crate) struct Field<'a> {
    /// Its name, unescaped.
    pub(crate) name: Cow<'a, str>,
    /// Its value as JSON text: valid, without surrounding white space.
    pub(crate) value: &'a str,
}

/// The members of an object in their order, duplicates included.
#[derive(Debug)]
pub(crate) struct Fields<'a>(pub(crate) Vec<Field<'a>>);

impl<'a> Fields<'a> {
    /// The object that `text` is; `None` if it is anything else.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Value of the first member of that name, whatever its case.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        let mut matching = self
            .0
            .iter()
            .filter(|field| field.name.eq_ignore_ascii_case(name));
        matching.next().map(|field| field.value)
    }

    /// As [`Fields::get`], for a value that is a string.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        self.get(name).and_then(string)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::with_capacity(24);
        while let Some(name) = map.next_key_seed(Name)? {
            let value = map.next_value::<&'de RawValue>()?.get();
            fields.push(Field { name, value });
        }
        Ok(Fields(fields))
    }
}

/// Reads a member's name, without a copy where it has no escapes.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

/// The string that a JSON text is; `None` if it is no string. Halves of surrogate pairs, which UTF-8
/// cannot hold, become replacement characters: whoever sends one hides nothing by it.
pub(crate) fn string(value: &str) -> Option<Cow<'_, str>> {
    let inner = value.strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    let parsed = serde_json::from_str::<String>(value);
    let parsed = parsed.or_else(|_| serde_json::from_str(&with_whole_pairs(value)));
    parsed.ok().map(Cow::Owned)
}

/// A JSON string with `\ufffd` in place of each escape that is half a surrogate pair.
fn with_whole_pairs(value: &str) -> String {
    let unit = |text: &str| {
        let digits = text.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let next = escape.get(6..).unwrap_or_default();
        let is_low = |unit: u16| matches!(unit, 0xdc00..=0xdfff);
        let (written, length) = match unit(escape) {
            Some(0xd800..=0xdbff) if unit(next).is_some_and(is_low) => (escape.get(..12), 12),
            Some(0xd800..=0xdfff) => (Some("\\ufffd"), 6),
            _ => (escape.get(..2), 2),
        };
        out.push_str(written.unwrap_or(escape));
        rest = escape.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Whether a JSON text is an object or an array.
pub(crate) fn is_nested(value: &str) -> bool {
    value.starts_with(['{', '['])
}

/// An object's text: of the object itself, or of one that was put into a string, perhaps twice, and
/// perhaps as Python writes it. One that is nested too deep stays a string.
pub(crate) fn object(value: &str) -> Option<Cow<'_, str>> {
    if value.starts_with('{') {
        return Some(Cow::Borrowed(value));
    }
    let mut text = string(value)?;
    for _ in 1..STRINGS_MAX {
        let inner = text.trim();
        if !inner.starts_with('"') {
            break;
        }
        text = Cow::Owned(string(inner)?.into_owned());
    }
    if !text.trim_start().starts_with('{') || is_deeper(&text, EMBEDDED_DEPTH_MAX) {
        return None;
    }
    if serde_json::from_str::<IgnoredAny>(&text).is_ok() {
        return Some(text);
    }
    repair::whole_object(&text).map(Cow::Owned)
}

/// Whether `text` nests objects and arrays deeper than `depth_max`.
pub(crate) fn is_deeper(text: &str, depth_max: usize) -> bool {
    // A level takes two characters, and there are hardly ever that many: most values need no look.
    if text.len() <= depth_max.saturating_mul(2)
        || memchr::memchr2_iter(b'{', b'[', text.as_bytes())
            .nth(depth_max)
            .is_none()
    {
        return false;
    }
    let mut depth = 0_usize;
    for token in crate::scan::Brackets::new(text.as_bytes()) {
        depth = if token.opens {
            depth.saturating_add(1)
        } else {
            depth.saturating_sub(1)
        };
        if depth > depth_max {
            return true;
        }
    }
    false
}

/// Writes a JSON object, member by member, of texts that are JSON already.
#[derive(Debug, Default)]
pub(crate) struct ObjectWriter {
    text: String,
}

impl ObjectWriter {
    /// Appends a member. The order stays, and duplicates stay too.
    pub(crate) fn push(&mut self, name: &str, value: &str) {
        self.text.push(if self.text.is_empty() { '{' } else { ',' });
        quote_into(&mut self.text, name);
        self.text.push(':');
        self.text.push_str(value);
    }

    /// Appends a member whose value is a string.
    pub(crate) fn push_text(&mut self, name: &str, text: &str) {
        let mut quoted = String::with_capacity(text.len().saturating_add(2));
        quote_into(&mut quoted, text);
        self.push(name, &quoted);
    }

    /// Appends what `other` holds as a member, unless it is empty; empties it.
    pub(crate) fn push_object(&mut self, name: &str, other: &mut Self) {
        if let Some(text) = other.finish() {
            self.push(name, text);
        }
        other.clear();
    }

    /// The object; `None` if nothing was appended. Appending after it needs [`ObjectWriter::clear`].
    pub(crate) fn finish(&mut self) -> Option<&str> {
        if self.text.is_empty() {
            return None;
        }
        self.text.push('}');
        Some(&self.text)
    }

    /// Bytes of the object so far.
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// Starts anew, with the same memory.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
    }
}

/// Appends `text` as a JSON string.
pub(crate) fn quote_into(out: &mut String, text: &str) {
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    out.push('"');
    if text.bytes().all(is_plain) {
        out.push_str(text);
    } else {
        for character in text.chars() {
            match character {
                '"' | '\\' => out.extend(['\\', character]),
                '\0'..=' ' if character != ' ' => escape_control(out, character),
                _ => out.push(character),
            }
        }
    }
    out.push('"');
}

pub(crate) fn escape_control(out: &mut String, character: char) {
    let written = write!(out, "\\u{:04x}", u32::from(character));
    debug_assert!(written.is_ok(), "writing to a string does not fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_text() {
        let fields = Fields::parse(r#"{ "a" : 1.50, "b\u0041":[ 1, 2 ], "a":null}"#).unwrap();
        let seen: Vec<_> = fields
            .0
            .iter()
            .map(|field| (&*field.name, field.value))
            .collect();
        assert_eq!(seen, [("a", "1.50"), ("bA", "[ 1, 2 ]"), ("a", "null")]);
        assert_eq!(fields.get("BA"), Some("[ 1, 2 ]"));
    }

    #[test]
    fn strings_are_unescaped_and_lone_surrogates_are_marked() {
        assert_eq!(string(r#""a\/b""#).as_deref(), Some("a/b"));
        assert_eq!(string(r#""\ud83d\ude00""#).as_deref(), Some("\u{1f600}"));
        let marked = Some("a\u{fffd}\u{e9}\\\u{1f600}\u{fffd}\u{fffd}b");
        let given = r#""a\ud800\u00e9\\\ud83d\ude00\udc00\ud800b""#;
        assert_eq!(string(given).as_deref(), marked);
        assert_eq!(string(r#""\ud8""#), None);
        assert_eq!(string("5"), None);
    }

    #[test]
    fn objects_are_found_in_strings() {
        let check = |value: &str, expected| assert_eq!(object(value).as_deref(), expected);
        check(r#"{"a":1}"#, Some(r#"{"a":1}"#));
        check(r#""{\"a\":1}""#, Some(r#"{"a":1}"#));
        check(r#""\"{\\\"a\\\":1}\"""#, Some(r#"{"a":1}"#));
        check(r#""{'a':True}""#, Some(r#"{"a":true}"#));
        check(r#""{\"a\":\"x\ny\"}""#, Some(r#"{"a":"x\u000ay"}"#));
        check(r#""{no object}""#, None);
        check(r#""text""#, None);
        check("1", None);
    }

    #[test]
    fn depth_is_told_without_recursion() {
        assert!(is_deeper(&"[".repeat(100_000), 64));
        assert!(!is_deeper(&format!("[\"{}\"]", "[".repeat(1000)), 64));
    }

    #[test]
    fn written_objects_are_json() {
        let mut writer = ObjectWriter::default();
        writer.push("a\"\n", "1");
        writer.push_text("b", "x\\\u{1}");
        let value: serde_json::Value = serde_json::from_str(writer.finish().unwrap()).unwrap();
        assert_eq!(value, serde_json::json!({"a\"\n": 1, "b": "x\\\u{1}"}));
    }
}
