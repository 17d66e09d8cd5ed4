//! Objects that are JSON but for the mistakes that real senders make.
//!
//! What App Service, Data Factory and hand-written forwarders get wrong: single quotes and Python's
//! words, raw line ends in strings, escapes that JSON does not have, bytes that are no UTF-8, commas
//! before a bracket, JSON put into a string without escapes. Each of these has one reading only, so
//! the object is rewritten as strict JSON; anything else stays broken. In particular a string that
//! does not end is never closed here: it would swallow the records behind it.
//!
//! Only what the strict parser refused comes here, each byte is looked at a bounded number of times,
//! and there is no recursion.

use std::borrow::Cow;

use crate::scan;

/// Brackets in each other that are followed.
const DEPTH_MAX: usize = 256;

/// Longest number or word.
const WORD_BYTES_MAX: usize = 1_024;

/// A rewritten object.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Repaired {
    /// Strict JSON, unless something is left that only the parser finds.
    pub(crate) text: String,
    /// How many bytes of the original it took.
    pub(crate) length: usize,
    /// What was wrong first.
    pub(crate) fault: Fault,
}

/// What is wrong with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Quotes,
    Controls,
    Escapes,
    Encoding,
    Commas,
    Words,
    Nested,
}

impl Fault {
    /// In words, as a JSON string.
    pub(crate) fn quoted(self) -> &'static str {
        match self {
            Self::Quotes => "\"single quotes\"",
            Self::Controls => "\"control characters in strings\"",
            Self::Escapes => "\"escapes that JSON does not have\"",
            Self::Encoding => "\"bytes that are no UTF-8\"",
            Self::Commas => "\"commas before a bracket\"",
            Self::Words => "\"words that are no JSON\"",
            Self::Nested => "\"JSON in a string without escapes\"",
        }
    }
}

/// Rewrites the object that `text` begins with. An error is how many bytes were read in vain.
pub(crate) fn object(text: &[u8]) -> Result<Repaired, usize> {
    let mut writer = Writer {
        text,
        at: 0,
        out: String::new(),
        open: Vec::new(),
        fault: None,
    };
    let done = writer.run().is_some();
    match writer.fault {
        Some(fault) if done => Ok(Repaired {
            text: writer.out,
            length: writer.at,
            fault,
        }),
        _ => Err(writer.at),
    }
}

/// Rewrites `text` if all of it is one object.
pub(crate) fn whole_object(text: &str) -> Option<String> {
    let text = text.trim();
    let repaired = object(text.as_bytes()).ok()?;
    (repaired.length == text.len()).then_some(repaired.text)
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    /// A name, or the end of the object.
    Name,
    Colon,
    /// A value, or the end of the array.
    Value,
    /// A comma, or the end of the object or array.
    Comma,
}

/// An object or array that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Object,
    Array,
}

struct Writer<'a> {
    text: &'a [u8],
    at: usize,
    out: String,
    open: Vec<Open>,
    fault: Option<Fault>,
}

impl Writer<'_> {
    /// Writes to the end of the first object; `None` if something is wrong beyond repair.
    fn run(&mut self) -> Option<()> {
        let mut expect = Expect::Value;
        loop {
            self.at = scan::skip_space(self.text, self.at);
            let byte = *self.text.get(self.at)?;
            expect = match (expect, byte) {
                (Expect::Name, b'"' | b'\'') => {
                    self.string(byte, Expect::Name)?;
                    Expect::Colon
                }
                (Expect::Colon, b':') => {
                    self.push(b':');
                    Expect::Value
                }
                (Expect::Value, b'{' | b'[') => self.enter(byte)?,
                (Expect::Name | Expect::Comma, b'}') | (Expect::Value | Expect::Comma, b']') => {
                    self.leave(byte)?;
                    if self.open.is_empty() {
                        return Some(());
                    }
                    Expect::Comma
                }
                (Expect::Value, b'"' | b'\'') => {
                    self.string(byte, Expect::Value)?;
                    Expect::Comma
                }
                (Expect::Value, _) => {
                    self.word()?;
                    Expect::Comma
                }
                (Expect::Comma, b',') => {
                    self.push(b',');
                    self.inside()?
                }
                _ => return None,
            };
            // Only an object is worth it.
            self.open.first().filter(|open| **open == Open::Object)?;
        }
    }

    fn push(&mut self, byte: u8) {
        self.out.push(char::from(byte));
        self.at = self.at.saturating_add(1);
    }

    fn wrong(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    /// What may come in the innermost bracket.
    fn inside(&self) -> Option<Expect> {
        Some(match self.open.last()? {
            Open::Object => Expect::Name,
            Open::Array => Expect::Value,
        })
    }

    fn enter(&mut self, bracket: u8) -> Option<Expect> {
        if self.open.len() >= DEPTH_MAX {
            return None;
        }
        self.open.push(if bracket == b'{' {
            Open::Object
        } else {
            Open::Array
        });
        self.push(bracket);
        self.inside()
    }

    fn leave(&mut self, bracket: u8) -> Option<()> {
        let expected = if bracket == b'}' {
            Open::Object
        } else {
            Open::Array
        };
        self.open.pop().filter(|open| *open == expected)?;
        match self.out.as_bytes().last() {
            Some(b',') => {
                self.wrong(Fault::Commas);
                self.out.pop();
            }
            Some(b':') => return None,
            _ => {}
        }
        self.push(bracket);
        Some(())
    }

    /// A number or a word.
    fn word(&mut self) -> Option<()> {
        let rest = self.text.get(self.at..)?;
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-._".contains(byte);
        let length = rest
            .iter()
            .take(WORD_BYTES_MAX)
            .take_while(|byte| is_part(byte))
            .count();
        let word = std::str::from_utf8(rest.get(..length)?).ok()?;
        let written = match word {
            "true" | "false" | "null" => word,
            "True" => "true",
            "False" => "false",
            "None" | "NaN" | "nan" | "Infinity" | "-Infinity" | "undefined" => "null",
            number => {
                serde_json::from_str::<serde_json::Number>(number).ok()?;
                number
            }
        };
        if written != word {
            self.wrong(Fault::Words);
        }
        self.out.push_str(written);
        self.at = self.at.saturating_add(length);
        Some(())
    }

    /// A string in either kind of quotes.
    fn string(&mut self, quote: u8, expect: Expect) -> Option<()> {
        if quote == b'"' && expect == Expect::Value && self.holds_json() {
            return self.nested();
        }
        if quote == b'\'' {
            self.wrong(Fault::Quotes);
        }
        self.push(b'"');
        let mut start = self.at;
        loop {
            // The out may have grown by now; the bytes from `start` on are still to be written.
            let byte = *self.text.get(self.at)?;
            let is_plain = byte >= b' ' && !matches!(byte, b'"' | b'\'' | b'\\');
            if is_plain || (byte == b'\'' && (quote == b'"' || self.is_apostrophe())) {
                self.at = self.at.saturating_add(1);
                continue;
            }
            self.copy(start);
            if byte == quote {
                break;
            }
            match byte {
                b'\\' => self.escape(quote)?,
                b'"' => {
                    self.out.push_str("\\\"");
                    self.at = self.at.saturating_add(1);
                }
                control => {
                    self.wrong(Fault::Controls);
                    crate::json::escape_control(&mut self.out, char::from(control));
                    self.at = self.at.saturating_add(1);
                }
            }
            start = self.at;
        }
        self.push(b'"');
        Some(())
    }

    /// Copies what lies between `start` and here.
    fn copy(&mut self, start: usize) {
        let bytes = self.text.get(start..self.at).unwrap_or_default();
        let text = String::from_utf8_lossy(bytes);
        if let Cow::Owned(_) = text {
            self.wrong(Fault::Encoding);
        }
        self.out.push_str(&text);
    }

    /// Whether the single quote here is within a word, such as "can't".
    fn is_apostrophe(&self) -> bool {
        let letter = |at: Option<usize>| {
            at.and_then(|at| self.text.get(at))
                .is_some_and(u8::is_ascii_alphanumeric)
        };
        letter(self.at.checked_sub(1)) && letter(self.at.checked_add(1))
    }

    fn escape(&mut self, quote: u8) -> Option<()> {
        let next = *self.text.get(self.at.saturating_add(1))?;
        let digits = |length: usize| {
            let start = self.at.saturating_add(2);
            let digits = self.text.get(start..start.saturating_add(length))?;
            let digits = std::str::from_utf8(digits).ok()?;
            let is_number = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_number.then_some(digits)
        };
        let (written, length): (Cow<'_, str>, usize) = match next {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {
                self.out.push('\\');
                self.out.push(char::from(next));
                self.at = self.at.saturating_add(2);
                return Some(());
            }
            b'u' if digits(4).is_some() => (format!("\\u{}", digits(4)?).into(), 6),
            b'x' if quote == b'\'' && digits(2).is_some() => {
                (format!("\\u00{}", digits(2)?).into(), 4)
            }
            b'\'' => ("'".into(), 2),
            _ => ("\\\\".into(), 1),
        };
        if next != b'u' || length == 1 {
            self.wrong(Fault::Escapes);
        }
        self.out.push_str(&written);
        self.at = self.at.saturating_add(length);
        Some(())
    }

    /// Whether the string here holds an object or array whose quotes are not escaped.
    fn holds_json(&self) -> bool {
        let mut at = self.at.saturating_add(1);
        while matches!(self.text.get(at), Some(b'{' | b'[')) {
            at = scan::skip_space(self.text, at.saturating_add(1));
            if self.text.get(at) == Some(&b'"') {
                let behind = scan::skip_space(self.text, at.saturating_add(1));
                let next = self.text.get(behind);
                return next.is_some_and(|byte| !matches!(byte, b',' | b'}' | b']'));
            }
        }
        false
    }

    fn nested(&mut self) -> Option<()> {
        let start = self.at.saturating_add(1);
        // What is read in vain counts.
        let whole = scan::balanced_end(self.text, start..self.text.len());
        let end = whole.unwrap_or(self.text.len());
        self.at = end;
        self.text.get(end).filter(|byte| **byte == b'"')?;
        let bytes = self.text.get(start..end)?;
        self.wrong(Fault::Nested);
        crate::json::quote_into(&mut self.out, &String::from_utf8_lossy(bytes));
        self.at = end.saturating_add(1);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let repaired = object(text.as_bytes()).unwrap_or_else(|at| panic!("{text}: {at}"));
        assert_eq!(repaired.text, expected, "{text}");
        serde_json::from_str::<serde_json::Value>(&repaired.text).unwrap();
    }

    #[track_caller]
    fn refuse(text: &str) {
        let at = object(text.as_bytes()).unwrap_err();
        assert!(at <= text.len(), "{text}: {at}");
    }

    #[test]
    fn python_is_read() {
        check(
            r#"{'a': True, 'b': [None, False, -1.5], "c": 'x"y', 'd': 'it\'s', 'e': 'can't'}"#,
            r#"{"a":true,"b":[null,false,-1.5],"c":"x\"y","d":"it's","e":"can't"}"#,
        );
        check(r"{'a': '\x41\u00e9\n'}", r#"{"a":"\u0041\u00e9\n"}"#);
        check("{'a':'}'}{'b'}", r#"{"a":"}"}"#);
    }

    #[test]
    fn controls_are_escaped() {
        check(
            "{\"a\":\"x\ny\tz\u{1}\"}",
            r#"{"a":"x\u000ay\u0009z\u0001"}"#,
        );
    }

    #[test]
    fn escapes_that_are_none_are_backslashes() {
        check(
            r#"{"a":"C:\dir\new","b":"\u12"}"#,
            r#"{"a":"C:\\dir\new","b":"\\u12"}"#,
        );
        check(r#"{"a":"it\'s"}"#, r#"{"a":"it's"}"#);
    }

    #[test]
    fn commas_before_brackets_go() {
        check(r#"{"a":[1,],"b":{},}"#, r#"{"a":[1],"b":{}}"#);
    }

    #[test]
    fn bytes_that_are_no_text_are_marked() {
        let repaired = object(b"{\"a\":\"x\xffy\"}").unwrap();
        assert_eq!(repaired.text, "{\"a\":\"x\u{fffd}y\"}");
        assert_eq!(repaired.fault, Fault::Encoding);
    }

    #[test]
    fn json_in_a_string_is_text() {
        check(
            r#"{"requestbody":"{"name":"n","list":[{"x":1}]}","b":1}"#,
            r#"{"requestbody":"{\"name\":\"n\",\"list\":[{\"x\":1}]}","b":1}"#,
        );
        check(r#"{"a":"{","b":"[","c":1,}"#, r#"{"a":"{","b":"[","c":1}"#);
    }

    #[test]
    fn nothing_is_guessed() {
        refuse(r#"{"a":1}"#); // nothing to repair: the parser has another reason
        refuse(r#"{"p":"no end}"#);
        refuse("{\"p\":\"no end}\n{\"category\":\"GatewayLogs\"}");
        refuse("{'p':'no end},{'category':'GatewayLogs'}");
        refuse(r#"{"p":{"q":1}"#);
        refuse(r#"{"p" 1,}"#);
        refuse(r#"{"p":,}"#);
        refuse(r"{,}");
        refuse("{oops}");
        refuse(r#"{"a":01,}"#);
        refuse(r#"{"a":[}"#);
        refuse(r#"{"a":"\"#);
        refuse(&"{'a':".repeat(1_000));
        refuse("[1,]");
        refuse("");
    }

    #[test]
    fn what_was_read_in_vain_is_told() {
        let text = format!(r#"{{"a":"{{"b":1{}"#, " ".repeat(1_000));
        assert_eq!(object(text.as_bytes()), Err(text.len()));
        let text = format!("{{'a':'{}", "x".repeat(1_000));
        assert_eq!(object(text.as_bytes()), Err(text.len()));
    }

    #[test]
    fn all_of_it_must_be_the_object() {
        assert_eq!(whole_object(" {'a':1} ").as_deref(), Some(r#"{"a":1}"#));
        assert_eq!(whole_object("{'a':1}x"), None);
    }
}
