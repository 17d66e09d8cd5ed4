//! The records of a body, whatever is wrapped around them and whatever is broken between them.
//!
//! A cursor walks over the body. Lists and `{"records":[` are entered, an object is read as a record,
//! and the commas, brackets and line ends in between are passed over, so that one walk takes bare
//! records, arrays, JSON lines, envelopes, arrays of envelopes and envelopes in envelopes. What an
//! envelope has besides its records (`PartitionId` and the like) is transport and is not kept.
//!
//! An object that is no JSON but has only mistakes that leave no doubt is rewritten (see [`repair`]).
//! Where that fails too, its end is found by its braces, or by the next record if that comes
//! first, and the cursor goes on behind it. Work that leads to nothing is paid from a budget
//! proportional to the body, so no body takes quadratic time. When the budget is spent, each line that
//! follows is a body of its own with a budget of its own: what is broken on one line costs no other.

mod ask;

use std::ops::Range;

use serde::Deserialize;
use serde_json::Deserializer;
use serde_json::value::RawValue;

use crate::json::Fields;
use crate::repair::{self, Fault};
use crate::{kind, scan};
pub(crate) use ask::envelope_start;
use ask::{is_record, reason};

/// A part of a body.
#[derive(Debug)]
pub(crate) enum Piece<'a> {
    /// A JSON object.
    Record {
        range: Range<usize>,
        fields: Fields<'a>,
    },
    /// A JSON object that the body has in other words, and what was wrong with it if anything was.
    Rewritten {
        range: Range<usize>,
        text: String,
        fault: Option<Fault>,
    },
    /// Anything else where a record should be.
    Broken { range: Range<usize>, reason: String },
}

/// A list that the cursor is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Array,
    Envelope,
}

/// Lists in lists that are entered; what is deeper is data.
const LISTS_MAX: usize = 8;

/// Byte order mark, which each of several files in a row may begin with.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Longest rest of an envelope behind its records, in bytes.
const TAIL_BYTES_MAX: usize = 65_536;

/// Bytes that may be read in vain, for each byte of the body.
const BUDGET_FACTOR: usize = 16;

/// Bytes that may be read in vain in any body: a short one with many broken lines still gives its good ones.
const BUDGET_MIN: usize = 1 << 20;

/// The same for a line, when the budget of the body is spent.
const LINE_BUDGET_MIN: usize = 1 << 10;

/// Walks over the records of a body.
#[derive(Debug)]
pub(crate) struct Envelope<'a> {
    /// All of the body, and as text if it is UTF-8.
    whole: (&'a [u8], Option<&'a str>),
    /// The body up to the end of the line, if lines are read one by one; all of it if not.
    body: &'a [u8],
    /// The same, if all of it is UTF-8.
    text: Option<&'a str>,
    at: usize,
    open: Vec<Open>,
    /// Bytes that may still be read in vain.
    budget: usize,
    /// The last line found that begins with an object; the end of the body if there is none.
    line: usize,
    /// The last place found where a record certainly begins.
    start: usize,
    /// How far to look for the end of a broken record, in bytes.
    window: usize,
    is_told_apart: bool,
    complaint: Option<(usize, String)>,
}

impl<'a> Envelope<'a> {
    /// Starts at the first byte.
    pub(crate) fn new(body: &'a [u8], record_bytes_max: usize) -> Self {
        let text = std::str::from_utf8(body).ok();
        Self {
            whole: (body, text),
            body,
            text,
            at: 0,
            open: Vec::new(),
            line: 0,
            start: 0,
            budget: body
                .len()
                .saturating_mul(BUDGET_FACTOR)
                .saturating_add(BUDGET_MIN),
            window: record_bytes_max.max(TAIL_BYTES_MAX),
            is_told_apart: false,
            complaint: None,
        }
    }

    /// Where and why the body is no JSON, if no record could be told apart in it. Ask at the end.
    pub(crate) fn complaint(self) -> Option<(usize, String)> {
        self.complaint.filter(|_| !self.is_told_apart)
    }

    /// The next part; `None` at the end of the body.
    pub(crate) fn next(&mut self) -> Option<Piece<'a>> {
        loop {
            self.at = scan::skip_space(self.body, self.at);
            let at = self.at;
            let Some(byte) = self.body.get(at) else {
                if self.enter_line() {
                    continue;
                }
                if !self.open.is_empty() {
                    self.complain(at, "the body ends inside of a list");
                }
                return None;
            };
            let piece = match byte {
                0xef if self.body.get(at..).unwrap_or_default().starts_with(MARK) => {
                    self.at = at.saturating_add(MARK.len());
                    None
                }
                b',' | b'}' => {
                    if *byte == b'}' || self.open.is_empty() {
                        self.complain(at, "expected an object or a list");
                    }
                    self.at = at.saturating_add(1);
                    None
                }
                b'[' if self.open.len() < LISTS_MAX => {
                    self.open.push(Open::Array);
                    self.at = at.saturating_add(1);
                    None
                }
                b']' => {
                    self.close(at);
                    None
                }
                b'{' => self.object(at),
                _ => Some(self.other(at)),
            };
            if piece.is_some() {
                return piece;
            }
        }
    }

    fn close(&mut self, at: usize) {
        let behind = at.saturating_add(1);
        self.at = match self.open.pop() {
            Some(Open::Envelope) => self.tail(behind).unwrap_or(behind),
            Some(Open::Array) => behind,
            None => {
                self.complain(at, "a list ends that did not begin");
                behind
            }
        };
    }

    /// Where an envelope ends whose records end at `at`; `None` if it seems not to.
    fn tail(&mut self, at: usize) -> Option<usize> {
        let next = scan::skip_space(self.body, at);
        match self.body.get(next)? {
            b'}' => return Some(next.saturating_add(1)),
            b',' => {}
            _ => return None,
        }
        let member = scan::skip_space(self.body, next.saturating_add(1));
        self.body
            .get(member)
            .filter(|byte| **byte == b'"' && self.budget > 0)?;
        let end = member.saturating_add(TAIL_BYTES_MAX).min(self.body.len());
        let mut depth = 1_usize;
        for bracket in scan::Brackets::new(self.body.get(member..end)?) {
            depth = if bracket.opens {
                depth.saturating_add(1)
            } else {
                depth.saturating_sub(1)
            };
            if depth == 0 {
                return Some(member.saturating_add(bracket.at).saturating_add(1));
            }
        }
        self.spend(member, end);
        None
    }

    /// An object: an envelope to enter, a record, or what is left of one.
    fn object(&mut self, at: usize) -> Option<Piece<'a>> {
        if let Some(inside) = envelope_start(self.body, at).filter(|_| self.open.len() < LISTS_MAX)
        {
            self.open.push(Open::Envelope);
            self.at = inside;
            return None;
        }
        let (fields, end) = match self.parse::<Fields<'a>>(at) {
            Ok(parsed) => parsed,
            Err((error_at, reason)) => return Some(self.broken(at, error_at, &reason)),
        };
        match ask::records(&fields) {
            Some("null") => self.at = end,
            Some(list) if list.starts_with('[') && self.open.len() < LISTS_MAX => {
                let offset = list
                    .as_ptr()
                    .addr()
                    .checked_sub(self.body.as_ptr().addr())?;
                self.open.push(Open::Envelope);
                self.at = offset.saturating_add(1);
            }
            _ => {
                self.at = end;
                self.is_told_apart = true;
                return Some(Piece::Record {
                    range: at..end,
                    fields,
                });
            }
        }
        None
    }

    /// Anything but an object or list: a JSON value that is no record, or garbage up to the next
    /// record or line.
    fn other(&mut self, at: usize) -> Piece<'a> {
        let reason = match self.parse::<&'a RawValue>(at) {
            Ok((_, end)) if !self.open.is_empty() => {
                self.at = end;
                self.is_told_apart = true;
                let reason = "record is not an object".to_owned();
                return Piece::Broken {
                    range: at..end,
                    reason,
                };
            }
            Ok((_, end)) => {
                self.spend(at, end);
                "expected an object or a list".to_owned()
            }
            Err((error_at, reason)) => {
                self.spend(at, error_at);
                reason
            }
        };
        self.complain(at, &reason);
        if self.budget == 0 {
            self.leave_to_lines(at);
        } else {
            self.at = self.next_line_or_object(at.saturating_add(1));
        }
        Piece::Broken {
            range: at..self.trimmed(at..self.at),
            reason,
        }
    }

    /// Gives up what is left of the line at `at`; from the next one on, lines are read one by one.
    fn leave_to_lines(&mut self, at: usize) {
        self.end_at_line(at);
        self.at = self.body.len();
    }

    /// Goes on to the next line, where lines are read one by one; false if there is none.
    fn enter_line(&mut self) -> bool {
        let line = self.body.len().saturating_add(1);
        if line >= self.whole.0.len() {
            return false;
        }
        self.open.clear();
        (self.at, self.line, self.start) = (line, 0, 0);
        self.end_at_line(line);
        let length = self.body.len().saturating_sub(line);
        self.budget = length
            .saturating_mul(BUDGET_FACTOR)
            .saturating_add(LINE_BUDGET_MIN);
        true
    }

    fn end_at_line(&mut self, at: usize) {
        let (whole, text) = self.whole;
        let rest = whole.get(at..).unwrap_or_default();
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let end = at.saturating_add(length);
        self.body = whole.get(..end).unwrap_or_default();
        self.text = text.and_then(|text| text.get(..end));
    }

    /// What begins as an object at `at` and is none.
    fn broken(&mut self, at: usize, error_at: usize, reason: &str) -> Piece<'a> {
        if self.is_object_start(at) {
            self.is_told_apart = true;
        }
        self.complain(error_at, reason);
        let window_end = at.saturating_add(self.window).min(self.body.len());
        let read = match repair::object(self.body.get(at..window_end).unwrap_or_default()) {
            Ok(repaired) if is_record(&repaired.text) => {
                self.at = at.saturating_add(repaired.length);
                self.is_told_apart = true;
                return Piece::Rewritten {
                    range: at..self.at,
                    text: repaired.text,
                    fault: Some(repaired.fault),
                };
            }
            Ok(repaired) => repaired.length,
            Err(length) => length,
        };
        let start = self.next_start(at.saturating_add(1)..window_end);
        self.at = scan::balanced_end(self.body, at..start).unwrap_or(start);
        // What was read up to here was not in vain: it is not read again.
        for end in [error_at, at.saturating_add(read)] {
            if end > self.at {
                self.spend(self.at, end);
            }
        }
        if self.budget == 0 {
            self.leave_to_lines(at);
        }
        Piece::Broken {
            range: at..self.trimmed(at..self.at),
            reason: format!("{reason} (at byte {error_at} of the body)"),
        }
    }

    /// Where another record certainly begins, or the end of the range.
    fn next_start(&mut self, range: Range<usize>) -> usize {
        if self.start < range.start {
            let line = self.next_line(range.clone());
            self.start = self.resync(range.start..line).unwrap_or(line);
        }
        self.start.min(range.end)
    }

    /// Where the next line begins that begins with an object, or the end of the range.
    fn next_line(&mut self, range: Range<usize>) -> usize {
        if self.line < range.start {
            let mut from = range.start;
            self.line = loop {
                let rest = self.body.get(from..).unwrap_or_default();
                let Some(step) = memchr::memchr(b'\n', rest) else {
                    break self.body.len();
                };
                from = from.saturating_add(step).saturating_add(1);
                if self.body.get(from) == Some(&b'{') && self.is_line_start(from) {
                    break from;
                }
            };
        }
        self.line.min(range.end)
    }

    /// Whether the object at the start of a line is no part of the one before. A record whose line was
    /// cut behind a colon leaves no more than that to tell it by.
    fn is_line_start(&mut self, brace: usize) -> bool {
        if self.is_object_start(brace) {
            return true;
        }
        let name = scan::skip_space(self.body, brace.saturating_add(1));
        if self.budget == 0 || self.body.get(name) != Some(&b'"') {
            return false;
        }
        match self.parse::<Fields<'a>>(brace) {
            Ok((fields, end)) => {
                self.spend(brace, end);
                kind::is_certain(&fields)
            }
            Err((error_at, _)) => {
                self.spend(brace, error_at);
                false
            }
        }
    }

    /// The first place in `range` where another record certainly begins: at the start of a line, or
    /// where an envelope or a record of a known kind can be read.
    fn resync(&mut self, range: Range<usize>) -> Option<usize> {
        let mut at = range.start;
        while let Some(start) = self.object_start(at..range.end) {
            let before = start
                .checked_sub(1)
                .and_then(|before| self.body.get(before));
            if before == Some(&b'\n') || envelope_start(self.body, start).is_some() {
                return Some(start);
            }
            at = match self.parse::<Fields<'a>>(start) {
                Ok((fields, _)) if kind::is_certain(&fields) => return Some(start),
                Ok((_, end)) => {
                    self.spend(start, end);
                    end
                }
                Err((error_at, _)) => {
                    self.spend(start, error_at);
                    start.saturating_add(1)
                }
            };
            if self.budget == 0 {
                return None;
            }
        }
        None
    }

    /// Where garbage ends that goes on at `from`.
    fn next_line_or_object(&self, from: usize) -> usize {
        let rest = self.body.get(from..).unwrap_or_default();
        for step in memchr::memchr2_iter(b'\n', b'{', rest) {
            let at = from.saturating_add(step);
            if self.body.get(at) == Some(&b'\n') {
                return at.saturating_add(1);
            }
            if self.is_object_start(at) {
                return at;
            }
        }
        self.body.len()
    }

    /// The first place in `range` that looks like the start of an object which is no member's value.
    fn object_start(&self, range: Range<usize>) -> Option<usize> {
        let places = memchr::memchr_iter(b'{', self.body.get(range.clone())?);
        let mut starts = places.map(|step| range.start.saturating_add(step));
        starts.find(|start| self.is_object_start(*start))
    }

    fn is_object_start(&self, brace: usize) -> bool {
        let name = scan::skip_space(self.body, brace.saturating_add(1));
        let before = self.body.get(..brace).unwrap_or_default();
        let previous = before.iter().rfind(|byte| !byte.is_ascii_whitespace());
        self.body.get(name) == Some(&b'"') && previous != Some(&b':')
    }

    /// Reads a value at `at`. Gives it and its end, or where it is wrong and why.
    fn parse<T: Deserialize<'a>>(&self, at: usize) -> Result<(T, usize), (usize, String)> {
        let rest = self.body.get(at..).unwrap_or_default();
        let (parsed, length) = match self.text.and_then(|text| text.get(at..)) {
            Some(text) => {
                let mut stream = Deserializer::from_str(text).into_iter();
                (stream.next(), stream.byte_offset())
            }
            None => {
                let mut stream = Deserializer::from_slice(rest).into_iter();
                (stream.next(), stream.byte_offset())
            }
        };
        match parsed {
            Some(Ok(value)) => Ok((value, at.saturating_add(length))),
            Some(Err(error)) => {
                let offset = scan::offset_of(rest, error.line(), error.column());
                Err((at.saturating_add(offset), reason(&error)))
            }
            None => Err((at, "the body ends".to_owned())),
        }
    }

    fn spend(&mut self, from: usize, to: usize) {
        let spent = to.saturating_sub(from).saturating_add(64);
        self.budget = self.budget.saturating_sub(spent);
    }

    fn complain(&mut self, at: usize, reason: &str) {
        self.complaint
            .get_or_insert_with(|| (at, reason.to_owned()));
    }

    /// The end of a range without the commas and white space at its end.
    fn trimmed(&self, range: Range<usize>) -> usize {
        let bytes = self.body.get(range.clone()).unwrap_or_default();
        let last = bytes
            .iter()
            .rposition(|byte| !byte.is_ascii_whitespace() && *byte != b',');
        last.map_or(range.end, |last| {
            range.start.saturating_add(last).saturating_add(1)
        })
    }
}

#[cfg(test)]
mod tests;
