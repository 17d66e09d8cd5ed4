//! XML as a bag: attributes as `@name`, text beside other content as `#text`, repeated elements as arrays.

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};
use serde_json::Map;

use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::value::{Dynamic, Value};

/// Longest text that is read, in bytes.
const BYTES_MAX: usize = 1 << 20;

/// Deepest nesting that is read.
const DEPTH_MAX: usize = 64;

const TEXT: &str = "#text";

pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [function("parse_xml(xml: string): dynamic", parse_xml)];
    table.into_iter().flatten().collect()
}

fn parse_xml(_: &mut Context, arguments: &[Value]) -> Outcome {
    let document = match arguments {
        [Value::String(text)] if text.len() <= BYTES_MAX => document(text),
        _ => None,
    };
    Ok(document.map_or(Value::Null, Value::Dynamic))
}

/// An element whose end has not come yet.
#[derive(Default)]
struct Element {
    name: String,
    slots: Map<String, Dynamic>,
    text: String,
}

impl Element {
    fn start(tag: &BytesStart<'_>) -> Option<Self> {
        let mut element = Self {
            name: std::str::from_utf8(tag.name().as_ref()).ok()?.to_owned(),
            ..Self::default()
        };
        for attribute in tag.attributes() {
            let attribute = attribute.ok()?;
            let name = std::str::from_utf8(attribute.key.as_ref()).ok()?;
            let value = std::str::from_utf8(&attribute.value).ok()?;
            let value = Dynamic::String(unescape(value).ok()?.into_owned());
            element.slots.insert(format!("@{name}"), value);
        }
        Some(element)
    }

    fn add(&mut self, child: Self) {
        let name = child.name.clone();
        let value = child.finish();
        let Some(there) = self.slots.get_mut(&name) else {
            self.slots.insert(name, value);
            return;
        };
        match there {
            Dynamic::Array(items) => items.push(value),
            single => *single = Dynamic::Array(vec![single.take(), value]),
        }
    }

    fn finish(mut self) -> Dynamic {
        let has_text = !self.text.trim().is_empty();
        if self.slots.is_empty() {
            return if has_text {
                leaf(&self.text)
            } else {
                Dynamic::Null
            };
        }
        if has_text {
            self.slots.insert(TEXT.to_owned(), leaf(self.text.trim()));
        }
        Dynamic::Object(self.slots)
    }
}

/// A text; a number if it is one and can be kept whole.
fn leaf(text: &str) -> Dynamic {
    const DIGITS_MAX: usize = 15;
    let is_plain = |byte: u8| byte.is_ascii_digit() || byte == b'.' || byte == b'-';
    if text.len() <= DIGITS_MAX
        && text.bytes().all(is_plain)
        && let Ok(number) = serde_json::from_str(text)
    {
        return Dynamic::Number(number);
    }
    Dynamic::String(text.to_owned())
}

fn document(text: &str) -> Option<Dynamic> {
    let mut reader = Reader::from_str(text);
    let mut document = Element::default();
    let mut open: Vec<Element> = Vec::new();
    loop {
        let ended = match reader.read_event().ok()? {
            Event::Start(tag) if open.len() < DEPTH_MAX => {
                open.push(Element::start(&tag)?);
                None
            }
            Event::Start(_) => return None,
            Event::Empty(tag) => Element::start(&tag),
            Event::End(_) => Some(open.pop()?),
            Event::Text(text) => {
                let text = text.decode().ok()?;
                let outside = open.is_empty() && !text.trim().is_empty();
                if outside {
                    return None;
                }
                push(&mut open, &text);
                None
            }
            Event::CData(text) => {
                push(&mut open, &text.decode().ok()?);
                None
            }
            Event::GeneralRef(name) => {
                let entity = format!("&{};", name.decode().ok()?);
                push(&mut open, &unescape(&entity).ok()?);
                None
            }
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => None,
        };
        if let Some(element) = ended {
            open.last_mut().unwrap_or(&mut document).add(element);
        }
    }
    let is_whole = open.is_empty() && document.slots.len() == 1;
    let root = document.slots.values().next()?;
    (is_whole && !root.is_array()).then_some(Dynamic::Object(document.slots))
}

fn push(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::calls::check;

    #[test]
    fn elements_and_attributes() {
        check("parse_xml", &json!(["<a/>"]), &json!({"a": null}));
        check(
            "parse_xml",
            &json!(["<a>x &lt; y</a>"]),
            &json!({"a": "x < y"}),
        );
        check(
            "parse_xml",
            &json!(["<a b='1&amp;2'/>"]),
            &json!({"a": {"@b": "1&2"}}),
        );
        let mixed = "<a b='c'> x <d>y</d> </a>";
        let expected = json!({"a": {"@b": "c", "#text": "x", "d": "y"}});
        check("parse_xml", &json!([mixed]), &expected);
        let names = "<n:a xmlns:n='urn:x'><n:b><![CDATA[<&]]></n:b></n:a>";
        check(
            "parse_xml",
            &json!([names]),
            &json!({"n:a": {"@xmlns:n": "urn:x", "n:b": "<&"}}),
        );
    }

    #[test]
    fn repeated_elements_are_an_array() {
        let text = "<a><b>1</b><c/><b>x</b><b/></a>";
        check(
            "parse_xml",
            &json!([text]),
            &json!({"a": {"b": [1, "x", null], "c": null}}),
        );
    }

    #[test]
    fn numbers_that_can_be_kept_are_numbers() {
        let text = "<?xml version='1.0'?><a><i>-7</i><r>2.50</r><z>007</z><d>1.2.3</d></a>";
        check(
            "parse_xml",
            &json!([text]),
            &json!({"a": {"i": -7, "r": 2.5, "z": "007", "d": "1.2.3"}}),
        );
        let long = "<a>12345678901234567890</a>";
        check(
            "parse_xml",
            &json!([long]),
            &json!({"a": "12345678901234567890"}),
        );
    }

    #[test]
    fn what_is_no_xml_is_null() {
        let deep = "<a>".repeat(100) + &"</a>".repeat(100);
        for text in [
            "",
            "x",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<a/><a/>",
            "<a/>x",
            "<a>&nosuch;</a>",
            &deep,
        ] {
            check("parse_xml", &json!([text]), &json!(null));
        }
    }
}
