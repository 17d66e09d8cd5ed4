//! Brackets in text that may be no JSON: where an object ends, without believing what is inside.

use std::ops::Range;

/// A bracket or brace outside of strings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bracket {
    /// Where it is, in bytes from the start of the text.
    pub(crate) at: usize,
    /// Whether it is `{` or `[`.
    pub(crate) opens: bool,
}

/// The brackets of a text, in order; those in strings are skipped. A string that does not end takes
/// the rest.
#[derive(Debug)]
pub(crate) struct Brackets<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Brackets<'a> {
    /// Starts outside of a string.
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }
}

impl Iterator for Brackets<'_> {
    type Item = Bracket;

    fn next(&mut self) -> Option<Bracket> {
        loop {
            let rest = self.text.get(self.at..)?;
            let step = rest
                .iter()
                .position(|byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']'))?;
            let at = self.at.saturating_add(step);
            self.at = at.saturating_add(1);
            match self.text.get(at)? {
                b'"' => self.at = string_end(self.text, self.at),
                byte => {
                    return Some(Bracket {
                        at,
                        opens: matches!(byte, b'{' | b'['),
                    });
                }
            }
        }
    }
}

/// Where the string ends whose first character is at `at`: behind its closing quote, or the end.
fn string_end(text: &[u8], mut at: usize) -> usize {
    while let Some(rest) = text.get(at..) {
        let Some(step) = memchr::memchr2(b'"', b'\\', rest) else {
            break;
        };
        let found = at.saturating_add(step);
        if text.get(found) == Some(&b'"') {
            return found.saturating_add(1);
        }
        at = found.saturating_add(2);
    }
    text.len()
}

/// Where the object or array ends that starts at `range.start`, if it does before `range.end`.
pub(crate) fn balanced_end(text: &[u8], range: Range<usize>) -> Option<usize> {
    let start = range.start;
    let mut depth = 0_usize;
    for bracket in Brackets::new(text.get(range)?) {
        if bracket.opens {
            depth = depth.saturating_add(1);
            continue;
        }
        depth = depth.saturating_sub(1);
        if depth == 0 {
            return Some(start.saturating_add(bracket.at).saturating_add(1));
        }
    }
    None
}

/// First byte at or after `at` that is no JSON white space.
pub(crate) fn skip_space(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let step = rest
        .iter()
        .position(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
    at.saturating_add(step.unwrap_or(rest.len()))
}

/// Line and column of a byte, both from 1; the column counts bytes.
pub(crate) fn line_and_column(text: &[u8], offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = memchr::memchr_iter(b'\n', before).count().saturating_add(1);
    let line_start = memchr::memrchr(b'\n', before).map_or(0, |at| at.saturating_add(1));
    (
        line,
        before.len().saturating_sub(line_start).saturating_add(1),
    )
}

/// Offset of a line and column as `serde_json` tells them, in a text that starts at line 1.
pub(crate) fn offset_of(text: &[u8], line: usize, column: usize) -> usize {
    let newlines = line.saturating_sub(1);
    let line_start = match newlines.checked_sub(1) {
        None => 0,
        Some(nth) => memchr::memchr_iter(b'\n', text)
            .nth(nth)
            .map_or(0, |at| at.saturating_add(1)),
    };
    line_start
        .saturating_add(column.saturating_sub(1))
        .min(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<usize>) {
        assert_eq!(
            balanced_end(text.as_bytes(), 0..text.len()),
            expected,
            "{text}"
        );
    }

    #[test]
    fn objects_end_where_their_braces_balance() {
        check(r#"{"a":{"b":[1]}} {"c"}"#, Some(15));
        check(r#"{"a":"}\"}"}x"#, Some(12));
        check(r#"{"a":'}'}"#, Some(7)); // single quotes are no strings
        check(r#"{"a":"}"#, None);
        check(r#"{"a":"\"#, None);
    }

    #[test]
    fn places_are_told_both_ways() {
        assert_eq!(line_and_column(b"ab\ncd\n", 4), (2, 2));
        assert_eq!(offset_of(b"ab\ncd\n", 2, 2), 4);
        assert_eq!(line_and_column(b"", 9), (1, 1));
    }
}
