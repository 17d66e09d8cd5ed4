//! Lines of the Combined Log Format, which nginx and Apache write if nobody says otherwise:
//! `address - user [time] "request" status bytes "referer" "agent"`.
#![deny(
    clippy::indexing_slicing,
    reason = "whatever a body holds, reading it must not panic"
)]

use std::net::IpAddr;
use std::ops::Range;

use crate::json::{self, ObjectWriter};
use crate::scan;

/// Names of the parts in front of the request, as nginx calls them.
const CALLER: [&str; 4] = ["remote_addr", "remote_ident", "remote_user", "time_local"];

/// Name of the host that some logs have in front of the address.
const HOST: &str = "server_name";

/// Names of the parts from the request on.
const NAMES: [&str; 5] = [
    "request",
    "status",
    "body_bytes_sent",
    "http_referer",
    "http_user_agent",
];

/// Parts from the request on that the Common Log Format has already.
const PARTS_MIN: usize = 3;

/// Longest time, in bytes.
const TIME_BYTES_MAX: usize = 40;

/// How far to look for the time in a body that seems to be JSON.
const HEAD_BYTES_MAX: usize = 65_536;

/// The lines of a body that is text.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    body: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    /// The lines of a body, if it is such a log: if any line is one, for callers choose what is in a line, and what
    /// one of them wrote costs no other. What begins as JSON does has to begin with such a line.
    pub(crate) fn of(body: &'a [u8]) -> Option<Self> {
        let at = if body.starts_with(b"\xef\xbb\xbf") {
            3
        } else {
            0
        };
        let text = body
            .get(scan::skip_space(body, at)..)
            .filter(|text| !text.is_empty())?;
        let lines = || Self { body, at };
        let line = |range: Range<usize>| body.get(range).unwrap_or_default();
        let mut out = ObjectWriter::default();
        let is_log = if seems_json(text) {
            let line = lines().next().map(line)?;
            let head = line.get(..HEAD_BYTES_MAX).unwrap_or(line);
            time(head).is_some() && parse(line, &mut out)
        } else {
            lines().any(|range| parse(line(range), &mut out))
        };
        is_log.then(lines)
    }
}

/// Whether a text begins as JSON does. Lines of Apache's error log begin as a list, with a weekday in it.
fn seems_json(text: &[u8]) -> bool {
    match text {
        [b'[', inside, ..] => !inside.is_ascii_uppercase(),
        [first, ..] => matches!(first, b'{' | b'[' | b'"'),
        [] => false,
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
    let line = line.trim_ascii();
    if time(line).is_none() {
        return false;
    }
    let line = String::from_utf8_lossy(line);
    let Some((head, moment, behind)) = divided(&line) else {
        return false;
    };
    let (host, caller) = callers(head).unwrap_or_else(|| (None, alone(head)));
    if let Some(host) = host {
        out.push_text(HOST, host);
    }
    for (name, part) in CALLER.iter().zip(caller.into_iter().chain([moment])) {
        out.push_text(name, part);
    }
    let mut parts = Parts { rest: behind };
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
        let is_number = || part.bytes().all(|byte| byte.is_ascii_digit());
        let is_wrong = match count {
            2 => part.len() != 3 || !is_number(),
            3 => part != "-" && !is_number(),
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

/// Where the time is, brackets included: the first that has the request's quote behind it. A user's name is whatever a
/// caller wrote, with blanks, brackets and times; but servers escape a quote in it, so this it can't have.
fn time(line: &[u8]) -> Option<Range<usize>> {
    memchr::memchr_iter(b'[', line).find_map(|at| {
        let before = at.checked_sub(1).and_then(|before| line.get(before))?;
        let text = line.get(at..)?;
        let text = text.get(..TIME_BYTES_MAX).unwrap_or(text);
        let [b'[', d1, d2, b'/', m1, m2, m3, b'/', year @ .., b':'] = text.get(..13)? else {
            return None;
        };
        let is_date = [d1, d2].into_iter().chain(year).all(u8::is_ascii_digit)
            && [m1, m2, m3].into_iter().all(u8::is_ascii_alphabetic);
        let length = memchr::memchr(b']', text)?.checked_add(1)?;
        let end = at.checked_add(length)?;
        let quote = line.get(end..)?.iter().find(|byte| **byte != b' ')?;
        (*before == b' ' && is_date && *quote == b'"').then_some(at..end)
    })
}

/// A line as what is in front of its time, the time, and what is behind it.
fn divided(line: &str) -> Option<(&str, &str, &str)> {
    let time = time(line.as_bytes())?;
    let head = line.get(..time.start)?.strip_suffix(' ')?;
    let moment = line.get(time.clone())?;
    let moment = moment.strip_prefix('[')?.strip_suffix(']')?;
    Some((head, moment, line.get(time.end..)?))
}

/// The host, if there is one in front, and the address, identity and user, which is all that is left. An address may
/// be the list of them that a header has.
fn callers(head: &str) -> Option<(Option<&str>, [&str; 3])> {
    let is_address = |word: &str| word.parse::<IpAddr>().is_ok();
    let (first, rest) = word(head)?;
    let second = word(rest).filter(|(second, _)| is_address(second) && !is_address(first));
    let (host, list) = match second {
        Some(_) if !first.ends_with(',') => (Some(first), rest),
        _ => (None, head),
    };
    let mut behind = list;
    loop {
        let (part, next) = word(behind)?;
        behind = next;
        if !part.ends_with(',') {
            break;
        }
    }
    let address = list.get(..list.len().checked_sub(behind.len())?)?.trim();
    let (identity, user) = word(behind)?;
    // Apache's way to write a name without letters.
    let user = user.trim();
    // Some logs have a part more than the format; nobody has them all as an identity.
    let user = match user.strip_prefix("- ") {
        Some(behind) if identity != "-" => behind.trim(),
        _ => user,
    };
    let user = if user == "\"\"" { "" } else { user };
    Some((host, [address, identity, user]))
}

/// An address where there is less in front of the time, or a list that does not end: callers write lists too.
fn alone(head: &str) -> [&str; 3] {
    let head = head.trim();
    let (address, user) = head.split_once(' ').unwrap_or((head, ""));
    let user = user.trim();
    let user = user.strip_prefix("- ").unwrap_or(user);
    [address.trim_end_matches(','), "-", user.trim()]
}

/// The first word of a text that goes on behind it, and what that is.
fn word(text: &str) -> Option<(&str, &str)> {
    text.trim_start_matches(' ').split_once(' ')
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
    use proptest::prelude::*;
    use proptest::test_runner::TestRunner;

    use super::*;
    use crate::json::Fields;

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
        let line = b"192.0.2.1 - \xff [17/May/2015:08:05:26 +0000] \"GET /\xff HTTP/1.1\" 404 1";
        assert!(parse(line, &mut out));
        for wrong in [
            "",
            "time,caller",
            "a b c d e f g h",
            r#"192.0.2.1 - - [17/May/2015:08:05:26 +0000] "GET /a HTTP/1.1" 404"#,
            r#"192.0.2.1 - - [17/May/2015:08:05:26 +0000] "GET /a HTTP/1.1" abc 1"#,
            r#"192.0.2.1 - - [17/May/2015:08:05:26 +0000] "GET /a HTTP/1.1" 404 abc"#,
            r#"192.0.2.1 - - [17/May/2015:08:05:26 +0000 "GET /a HTTP/1.1" 404 1"#,
            r#"{"message":"192.0.2.1 - - [17/May/2015:08:05:26 +0000] \"GET / HTTP/1.1\" 404 1 "}"#,
            r#"192.0.2.1 - - [17/May/2015:08:05:26 +0000] "GET /a HTTP/1.1 404 1 "-" "-"#,
        ] {
            check(wrong, None);
        }
    }

    #[track_caller]
    fn check_caller(head: &str, expected: [&str; 4]) {
        let line = format!(r#"{head} [17/May/2015:08:05:26 +0000] "GET /a HTTP/1.1" 401 12"#);
        let mut out = ObjectWriter::default();
        assert!(parse(line.as_bytes(), &mut out), "{line}");
        let fields = Fields::parse(out.finish().unwrap()).unwrap();
        let names = ["server_name", "remote_addr", "remote_ident", "remote_user"];
        let found = names.map(|name| fields.text(name).unwrap_or_default());
        assert_eq!(found, expected, "{line}");
        let request = ["time_local", "request", "status"].map(|name| fields.text(name).unwrap());
        let expected = ["17/May/2015:08:05:26 +0000", "GET /a HTTP/1.1", "401"];
        assert_eq!(request, expected, "{line}");
    }

    #[test]
    fn whatever_a_caller_says_of_himself_he_is_seen() {
        let check_user = |user: &str| {
            let head = format!("192.0.2.1 - {user}");
            check_caller(&head, ["", "192.0.2.1", "-", user.trim()]);
        };
        check_user("john doe");
        check_user("a [b");
        check_user("a] b [");
        check_user("");
        check_user("  ");
        check_user("- - -");
        check_user("[17/May/2015:08:05:26 +0000]");
        check_user("a [10/Oct/2000:13:55:36 +0000] b");
        check_user(r#"a [10/Oct/2000:13:55:36 +0000] \"GET / HTTP/1.1\" 200 1 x"#);
        check_user(r"a [10/Oct/2000:13:55:36 +0000] \x22GET / HTTP/1.1\x22 200 1 x");
        check_caller(r#"192.0.2.1 - """#, ["", "192.0.2.1", "-", ""]);
        check_caller("192.0.2.1 (-) - -", ["", "192.0.2.1", "(-)", "-"]);
        check_caller("192.0.2.1 id me too", ["", "192.0.2.1", "id", "me too"]);
        check_caller("192.0.2.1 -  - ", ["", "192.0.2.1", "-", "-"]);
    }

    #[test]
    fn no_head_hides_a_line() {
        let head = "[-0-9a-z][-0-9a-z :,/.\\[\\]\\\\\u{e9}]{0,60}";
        let tested = TestRunner::default().run(&head, |head| {
            let line = format!(r#"{head} [17/May/2015:08:05:26 +0000] "GET /a HTTP/1.1" 401 12"#);
            let mut out = ObjectWriter::default();
            prop_assert!(parse(line.as_bytes(), &mut out));
            let fields = Fields::parse(out.finish().unwrap()).unwrap();
            let time = fields.text("time_local");
            prop_assert_eq!(time.as_deref(), Some("17/May/2015:08:05:26 +0000"));
            let status = fields.text("status");
            prop_assert_eq!(status.as_deref(), Some("401"));
            Ok(())
        });
        tested.unwrap();
    }

    #[test]
    fn what_a_caller_asks_for_moves_no_time() {
        let mut out = ObjectWriter::default();
        let line = r#"192.0.2.1 - - [17/May/2015:08:05:26 +0000] "GET / [10/Oct/2000:13:55:36 +0000] " 400 1 "-" "x""#;
        assert!(parse(line.as_bytes(), &mut out));
        let fields = Fields::parse(out.finish().unwrap()).unwrap();
        assert_eq!(
            fields.text("time_local").unwrap(),
            "17/May/2015:08:05:26 +0000"
        );
        assert_eq!(
            fields.text("request").unwrap(),
            "GET / [10/Oct/2000:13:55:36 +0000] "
        );
    }

    #[test]
    fn hosts_and_lists_of_addresses_in_front() {
        check_caller(
            "api.example:443 2001:db8::1 - ann",
            ["api.example:443", "2001:db8::1", "-", "ann"],
        );
        check_caller(
            "api.example 192.0.2.1 - john doe",
            ["api.example", "192.0.2.1", "-", "john doe"],
        );
        check_caller(
            "203.0.113.9, 10.0.0.1 - ann",
            ["", "203.0.113.9, 10.0.0.1", "-", "ann"],
        );
        check_caller("evil, - -", ["", "evil", "-", "-"]);
        check_caller("192.0.2.1", ["", "192.0.2.1", "-", ""]);
        check_caller("192.0.2.1 -", ["", "192.0.2.1", "-", "-"]);
        check_caller("unix: - -", ["", "unix:", "-", "-"]);
        check_caller("host.example id me", ["", "host.example", "id", "me"]);
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
        let behind_errors = format!("[Wed Oct 11 14:32:52 2000] [error] denied\n{line}");
        assert_eq!(Lines::of(behind_errors.as_bytes()).unwrap().count(), 2);
        assert!(Lines::of(format!("[\n{line}").as_bytes()).is_none());
        let behind_others = format!("{}{line}", "x y\n".repeat(1_000));
        assert_eq!(Lines::of(behind_others.as_bytes()).unwrap().count(), 1_001);
        let like_json = format!(
            "{{\"a\": - - {}\n{line}",
            line.trim_start_matches("192.0.2.1 - - ")
        );
        assert_eq!(Lines::of(like_json.as_bytes()).unwrap().count(), 2);
        assert!(Lines::of(format!("{{\"a\":1}}\n{line}").as_bytes()).is_none());
        assert!(Lines::of(b"{\"a\":1}").is_none());
        assert!(Lines::of(b"time,caller\n1,2").is_none());
        assert!(Lines::of(b"  ").is_none());
    }
}
