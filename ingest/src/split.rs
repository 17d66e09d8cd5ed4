//! Where a long text can be cut, so that it is sent in parts and no record is split.
//!
//! It sees a window of the text and needs no memory of what came before: commas, brackets and white space between
//! records are passed over, so that reading goes on behind any record, also in the middle of `{"records":[..`. That
//! makes "the end of the last record" a position at which a file can be left and taken up again, even if what closes
//! the list there is written anew each time that records are added.

mod rows;

use std::ops::Range;

pub use rows::{names_end, rows};

use crate::envelope::envelope_start;
use crate::scan;

/// Whether the window reaches the end of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// There is more, or there may be later: what looks unfinished may not be.
    Open,
    /// Nothing will follow: what is unfinished stays so.
    Final,
}

/// Bounds of a part.
#[derive(Clone, Copy, Debug)]
pub struct PartLimits {
    /// No record is begun behind so many bytes.
    pub bytes_usual: usize,
    /// A record longer than this is cut, which breaks it.
    pub record_bytes_max: usize,
    /// Records in a part.
    pub records_max: usize,
}

/// Whole records at the start of a window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Where the last record ends: a part that begins there loses nothing and repeats nothing.
    pub end: usize,
    /// Where the first record ends; 0 if there is none.
    pub first_end: usize,
    /// Records, broken ones included.
    pub records: usize,
    /// What is no record and would mislead who reads the part alone: starts and ends of envelopes.
    blanks: Vec<Range<usize>>,
}

impl Part {
    /// The part as a body that is read alone; every byte is where it was.
    pub fn body(&self, window: &[u8]) -> Vec<u8> {
        let mut body = window.get(..self.end).unwrap_or(window).to_vec();
        for blank in &self.blanks {
            if let Some(bytes) = body.get_mut(blank.clone()) {
                bytes.fill(b' ');
            }
        }
        body
    }
}

/// Longest start or rest of an envelope.
const ENVELOPE_BYTES_MAX: usize = 65_536;

/// What stands at a place.
enum Next {
    /// Nothing that counts, up to there.
    Filler(usize),
    /// Start or end of an envelope, up to there.
    Envelope(usize),
    /// A record, or what should be one, up to there.
    Record(usize),
    /// It can't be told before more is there.
    More,
}

/// Takes whole records from the start of `window`, as many as the limits allow. No record means that a larger window
/// is needed, or that there is none: a window of `record_bytes_max` bytes with a record's start always gives one.
pub fn part(window: &[u8], end: End, limits: &PartLimits) -> Part {
    let mut part = Part::default();
    let mut blanks = Vec::new();
    let mut at = if window.starts_with(b"\xef\xbb\xbf") {
        3
    } else {
        0
    };
    while part.records < limits.records_max && at < limits.bytes_usual.max(1) {
        at = scan::skip_space(window, at);
        let Some(byte) = window.get(at) else { break };
        match next(window, at, *byte, (end, limits.record_bytes_max)) {
            Next::Filler(behind) => at = behind,
            Next::Envelope(behind) => {
                blanks.push(at..behind);
                at = behind;
            }
            Next::Record(behind) => {
                part.records = part.records.saturating_add(1);
                part.end = behind;
                if part.first_end == 0 {
                    part.first_end = behind;
                    // A part that begins with a comma would look like a line of text.
                    blanks.push(0..at);
                }
                at = behind;
            }
            Next::More => break,
        }
    }
    blanks.retain(|blank| blank.end <= part.end);
    part.blanks = blanks;
    part
}

fn next(window: &[u8], at: usize, byte: u8, bounds: (End, usize)) -> Next {
    let behind = at.saturating_add(1);
    match byte {
        b',' | b'}' => Next::Filler(behind),
        b']' => envelope_rest(window, behind, bounds.0).unwrap_or(Next::Filler(behind)),
        b'[' => match window.get(scan::skip_space(window, behind)) {
            Some(b'{' | b'[' | b']') => Next::Filler(behind),
            None if bounds.0 == End::Open => Next::More,
            _ => line(window, at, bounds),
        },
        b'{' => {
            if let Some(inside) = envelope_start(window, at) {
                return Next::Envelope(inside);
            }
            if bounds.0 == End::Open && may_be_envelope(window, at) {
                return Next::More;
            }
            object(window, at, bounds)
        }
        _ => line(window, at, bounds),
    }
}

/// Whether the window ends before it can be told that no envelope begins here.
fn may_be_envelope(window: &[u8], at: usize) -> bool {
    let rest = window.get(at..).unwrap_or_default();
    let telling = rest.iter().filter(|byte| !byte.is_ascii_whitespace());
    let seen: Vec<u8> = telling.take(16).map(u8::to_ascii_lowercase).collect();
    let starts: [&[u8]; 2] = [b"{\"records\":[", b"{\"value\":[{"];
    rest.len() < ENVELOPE_BYTES_MAX && starts.iter().any(|start| start.starts_with(&seen))
}

/// What an envelope has behind its records: `],"PartitionId":"0"}` from behind the bracket. `None` if that is not
/// what stands there.
fn envelope_rest(window: &[u8], behind: usize, end: End) -> Option<Next> {
    let comma = scan::skip_space(window, behind);
    window.get(comma).filter(|byte| **byte == b',')?;
    let member = scan::skip_space(window, comma.saturating_add(1));
    window.get(member).filter(|byte| **byte == b'"')?;
    let limit = member.saturating_add(ENVELOPE_BYTES_MAX);
    let mut depth = 1_usize;
    for bracket in scan::Brackets::new(window.get(member..limit.min(window.len()))?) {
        depth = if bracket.opens {
            depth.saturating_add(1)
        } else {
            depth.saturating_sub(1)
        };
        if depth == 0 {
            return Some(Next::Envelope(
                member.saturating_add(bracket.at).saturating_add(1),
            ));
        }
    }
    (end == End::Open && window.len() < limit).then_some(Next::More)
}

/// An object from its brace to the brace that closes it.
fn object(window: &[u8], at: usize, (end, bytes_max): (End, usize)) -> Next {
    let limit = at.saturating_add(bytes_max).min(window.len());
    let text = window.get(..limit).unwrap_or(window);
    match object_end(text, at) {
        ObjectEnd::Closed(behind) => Next::Record(behind),
        ObjectEnd::Broken(behind) => Next::Record(behind),
        ObjectEnd::Missing {
            restart: Some(behind),
        } => Next::Record(behind),
        ObjectEnd::Missing { restart: None } => {
            if limit < window.len() || limit.saturating_sub(at) >= bytes_max {
                return Next::Record(forced_end(text, at));
            }
            match end {
                End::Open => Next::More,
                End::Final => line(window, at, (end, bytes_max)),
            }
        }
    }
}

enum ObjectEnd {
    /// Behind the brace that closes it.
    Closed(usize),
    /// A string runs into the end of its line, which JSON does not allow.
    Broken(usize),
    /// It does not end in the text; `restart` is where a line begins with another object.
    Missing { restart: Option<usize> },
}

fn object_end(text: &[u8], start: usize) -> ObjectEnd {
    let mut at = start;
    let mut depth = 0_usize;
    let mut restart = None;
    while let Some(rest) = text.get(at..) {
        let telling = |byte: &u8| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']' | b'\n');
        let Some(step) = rest.iter().position(telling) else {
            break;
        };
        at = at.saturating_add(step).saturating_add(1);
        match rest.get(step) {
            Some(b'"') => match string_end(text, at) {
                StringEnd::Closed(behind) => at = behind,
                StringEnd::Line(behind) => return ObjectEnd::Broken(behind),
                StringEnd::Missing => break,
            },
            Some(b'{' | b'[') => depth = depth.saturating_add(1),
            Some(b'\n') => {
                if restart.is_none() && text.get(at) == Some(&b'{') {
                    restart = Some(at);
                }
            }
            _ => depth = depth.saturating_sub(1),
        }
        if depth == 0 {
            return ObjectEnd::Closed(at);
        }
    }
    ObjectEnd::Missing { restart }
}

enum StringEnd {
    Closed(usize),
    Line(usize),
    Missing,
}

/// Where the string ends whose first character is at `at`.
fn string_end(text: &[u8], mut at: usize) -> StringEnd {
    while let Some(rest) = text.get(at..) {
        let Some(step) = memchr::memchr3(b'"', b'\\', b'\n', rest) else {
            break;
        };
        let found = at.saturating_add(step);
        match text.get(found) {
            Some(b'"') => return StringEnd::Closed(found.saturating_add(1)),
            Some(b'\n') => return StringEnd::Line(found.saturating_add(1)),
            _ => at = found.saturating_add(2),
        }
    }
    StringEnd::Missing
}

/// A line that is no JSON, or is not known to be.
fn line(window: &[u8], at: usize, (end, bytes_max): (End, usize)) -> Next {
    let limit = at.saturating_add(bytes_max).min(window.len());
    let rest = window.get(at..limit).unwrap_or_default();
    match memchr::memchr(b'\n', rest) {
        Some(step) => Next::Record(at.saturating_add(step).saturating_add(1)),
        None if limit < window.len() || rest.len() >= bytes_max => {
            Next::Record(forced_end(window.get(..limit).unwrap_or(window), at))
        }
        None if end == End::Final => Next::Record(limit),
        None => Next::More,
    }
}

/// Where to cut what is too long: at a line's end, else between two objects of a list, else at the end of the text.
fn forced_end(text: &[u8], at: usize) -> usize {
    let rest = text.get(at.saturating_add(1)..).unwrap_or_default();
    let behind = |step: usize| at.saturating_add(1).saturating_add(step);
    if let Some(step) = memchr::memrchr(b'\n', rest) {
        return behind(step).saturating_add(1);
    }
    let between = memchr::memmem::rfind(rest, b"},{\"");
    between.map_or(text.len(), |step| behind(step).saturating_add(1))
}

#[cfg(test)]
mod tests;
