//! Lines of the Combined Log Format, which nginx and Apache write if nobody says otherwise:
//! `address - user [time] "request" status bytes "referer" "agent"`.
#![deny(
    clippy::indexing_slicing,
    reason = "whatever a body holds, reading it must not panic"
)]

use std::ops::Range;

use crate::json::{self, ObjectWriter};
use crate::scan;

/// Names of the parts, as nginx calls them.
const NAMES: [&str; 9] = [
    "remote_addr",
    "remote_ident",
    "remote_user",
    "time_local",
    "request",
    "status",
    "body_bytes_sent",
    "http_referer",
    "http_user_agent",
];

/// Parts that the Common Log Format has already.
const PARTS_MIN: usize = 7;

/// Lines that are looked at to tell whether a body is such a log.
const LINES_TRIED: usize = 10;

/// The lines of a body that is text.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    body: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    /// The lines of a body, if it is such a log: JSON is not.
    pub(crate) fn of(body: &'a [u8]) -> Option<Self> {
        let at = if body.starts_with(b"\xef\xbb\xbf") {
            3
        } else {
            0
        };
        let first = body.get(scan::skip_space(body, at))?;
        if matches!(first, b'{' | b'[' | b'"') {
            return None;
        }
        let lines = || Self { body, at };
        let mut out = ObjectWriter::default();
        let mut tried = lines().take(LINES_TRIED);
        tried
            .any(|range| {
                let line = body.get(range).unwrap_or_default();
                parse(line, &mut out)
            })
            .then(lines)
    }
}

impl Iterator for Lines<'_> {
    type Item = Range<usize>;

    /// The next line that is not blank.
    fn next(&mut self) -> Option<Range<usize>> {
        self.at = scan::skip_space(self.body, self.at);
        let rest = self.body.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let start = self.at;
        self.at = start.saturating_add(length);
        let line = self.body.get(start..self.at)?;
        let kept = line.trim_ascii_end().len();
        Some(start..start.saturating_add(kept))
    }
}

/// Writes a line as an object of its parts; parts behind those that have a name are a list `rest`.
/// `false` if it is no such line. Escapes (`\x22`) stay as they are; what is no UTF-8 becomes U+FFFD.
pub(crate) fn parse(line: &[u8], out: &mut ObjectWriter) -> bool {
    out.clear();
    let line = String::from_utf8_lossy(line.trim_ascii());
    let mut parts = Parts { rest: &line };
    let mut rest = String::new();
    let mut names = NAMES.iter();
    let mut count = 0_usize;
    for part in parts.by_ref() {
        count = count.saturating_add(1);
        match names.next() {
            Some(name) => out.push_text(name, part),
            None => {
                rest.push(if rest.is_empty() { '[' } else { ',' });
                json::quote_into(&mut rest, part);
            }
        }
        let is_wrong = match count {
            4 => !part.contains('/'),
            6 => part.len() != 3 || !part.bytes().all(|byte| byte.is_ascii_digit()),
            _ => false,
        };
        if is_wrong {
            return false;
        }
    }
    if !rest.is_empty() {
        rest.push(']');
        out.push("rest", &rest);
    }
    count >= PARTS_MIN && parts.rest.is_empty()
}

/// Parts of a line: words, `[..]` and `".."`.
struct Parts<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.rest.trim_start_matches(' ');
        let close = match text.bytes().next()? {
            b'[' => b']',
            b'"' => b'"',
            _ => {
                let end = text.find(' ').unwrap_or(text.len());
                let (part, rest) = text.split_at_checked(end)?;
                self.rest = rest;
                return Some(part);
            }
        };
        let (_, inside) = text.split_at_checked(1)?;
        let end = quoted_end(inside.as_bytes(), close)?;
        let (part, rest) = inside.split_at_checked(end)?;
        self.rest = rest.split_at_checked(1)?.1;
        Some(part)
    }
}

/// Where a quoted part ends; Apache writes a quote in it as `\"`.
fn quoted_end(text: &[u8], close: u8) -> Option<usize> {
    let mut is_escaped = false;
    text.iter().position(|byte| {
        let ends = *byte == close && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<&str>) {
        let mut out = ObjectWriter::default();
        let found = parse(line.as_bytes(), &mut out);
        assert_eq!(found.then(|| out.finish().unwrap()), expected, "{line}");
    }

    #[test]
    fn lines() {
        check(
            r#"192.0.2.1 - - [17/May/2015:08:05:26 +0000] "GET /a HTTP/1.1" 404 324 "-" "curl/8 (x)""#,
            Some(
                r#"{"remote_addr":"192.0.2.1","remote_ident":"-","remote_user":"-","time_local":"17/May/2015:08:05:26 +0000","request":"GET /a HTTP/1.1","status":"404","body_bytes_sent":"324","http_referer":"-","http_user_agent":"curl/8 (x)"}"#,
            ),
        );
        check(
            r#"::1 - eve [17/May/2015:08:05:26 +0000] "\x16\x03\"" 400 0 "" "a" "b c" 0.5"#,
            Some(
                r#"{"remote_addr":"::1","remote_ident":"-","remote_user":"eve","time_local":"17/May/2015:08:05:26 +0000","request":"\\x16\\x03\\\"","status":"400","body_bytes_sent":"0","http_referer":"","http_user_agent":"a","rest":["b c","0.5"]}"#,
            ),
        );
        let mut out = ObjectWriter::default();
        let line = b"192.0.2.1 - - [17/May/2015:08:05:26 +0000] \"GET /\xff HTTP/1.1\" 404 1";
        assert!(parse(line, &mut out));
        for wrong in [
            "",
            "time,caller",
            "a b c d e f g h",
            r#"192.0.2.1 - - [17/May/2015:08:05:26 +0000] "GET /a HTTP/1.1" 404"#,
            r#"192.0.2.1 - - [17/May/2015:08:05:26 +0000] "GET /a HTTP/1.1" abc 1"#,
            r#"192.0.2.1 - - [17/May/2015:08:05:26 +0000] "GET /a HTTP/1.1 404 1 "-" "-"#,
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn a_body_is_such_a_log_or_not() {
        let line = r#"192.0.2.1 - - [17/May/2015:08:05:26 +0000] "GET / HTTP/1.1" 200 1"#;
        let body = format!("\r\n{line}\r\n\nx\n{line}");
        let lines: Vec<_> = Lines::of(body.as_bytes()).unwrap().collect();
        let texts: Vec<_> = lines
            .into_iter()
            .map(|range| body.get(range).unwrap())
            .collect();
        assert_eq!(texts, [line, "x", line]);
        assert!(Lines::of(b"{\"a\":1}").is_none());
        assert!(Lines::of(b"time,caller\n1,2").is_none());
        assert!(Lines::of(b"  ").is_none());
    }
}
