//! The same for comma-separated values, of which only the first line says what they are: each part needs a copy of it.

use super::{End, Part, PartLimits};
use crate::csv::{self, Fault};
use crate::scan;

/// A row without an end that is longer than this is taken for a line with a wrong quote. Cells that the portal of Log
/// Analytics writes are shorter by far.
const UNCLOSED_BYTES_MAX: usize = 256 << 10;

/// Where the first row begins, if a text is comma-separated values that [`crate::decode()`] reads. Its line of names
/// must be there as a whole.
pub fn names_end(text: &[u8]) -> Option<usize> {
    csv::names_end(text)
}

/// As [`super::part`], of rows of comma-separated values from `start` on.
pub fn rows(window: &[u8], start: usize, end: End, limits: &PartLimits) -> Part {
    let mut part = Part::default();
    let mut at = start;
    while part.records < limits.records_max && at < limits.bytes_usual.max(start.saturating_add(1))
    {
        at = scan::skip_space(window, at);
        let bounds = (end, limits.record_bytes_max);
        let Some(behind) = row(window, at, bounds).filter(|behind| *behind > at) else {
            break;
        };
        part.records = part.records.saturating_add(1);
        part.end = behind;
        if part.first_end == 0 {
            part.first_end = behind;
        }
        at = behind;
    }
    part
}

/// Where the row or the broken line at a place ends; `None` if it can't be told before more is there.
fn row(window: &[u8], at: usize, (end, bytes_max): (End, usize)) -> Option<usize> {
    let limit = at.saturating_add(bytes_max).min(window.len());
    let text = window.get(..limit)?;
    let is_open = limit == window.len() && end == End::Open && limit.saturating_sub(at) < bytes_max;
    match csv::row_end(text, at) {
        Ok(behind) if behind < limit || text.ends_with(b"\n") || !is_open => Some(behind),
        Ok(_) => None,
        Err(Fault::Unclosed) if is_open && limit.saturating_sub(at) < UNCLOSED_BYTES_MAX => None,
        Err(_) => match memchr::memchr(b'\n', text.get(at..)?) {
            Some(step) => Some(at.saturating_add(step).saturating_add(1)),
            None if is_open => None,
            None => Some(limit),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: PartLimits = PartLimits {
        bytes_usual: 1_000,
        record_bytes_max: 1_000,
        records_max: 10,
    };

    #[track_caller]
    fn check(text: &str, end: End, expected: (usize, &str)) {
        let start = names_end(text.as_bytes()).unwrap();
        let part = rows(text.as_bytes(), start, end, &LIMITS);
        let taken = text.get(start..part.end).unwrap_or_default();
        assert_eq!((part.records, taken), expected, "{text}");
    }

    #[test]
    fn rows_are_taken_whole() {
        let names = "TimeGenerated,a\r\n";
        let of = |rows: &str| format!("{names}{rows}");
        check(&of(""), End::Open, (0, ""));
        check(&of("1,2\r\n3,4\n"), End::Open, (2, "1,2\r\n3,4\n"));
        check(&of("1,2\r\n3,4"), End::Open, (1, "1,2\r\n"));
        check(&of("1,2\r\n3,4"), End::Final, (2, "1,2\r\n3,4"));
        check(
            &of("1,\"a\n{\"\"b\"\"\n\"\n2,\"x\ny"),
            End::Open,
            (1, "1,\"a\n{\"\"b\"\"\n\"\n"),
        );
        check(&of("1,\"a\""), End::Open, (0, ""));
        // Text behind a quote makes no row, whatever follows.
        check(
            &of("\"1\"x,\"2\n3,4\n5"),
            End::Open,
            (2, "\"1\"x,\"2\n3,4\n"),
        );
        check(&of("\"1,2\n3,4\n"), End::Final, (2, "\"1,2\n3,4\n"));
    }

    #[test]
    fn a_quote_that_does_not_end_holds_nothing_up_for_ever() {
        let limits = PartLimits {
            bytes_usual: 1 << 20,
            record_bytes_max: 1 << 20,
            records_max: 1_000_000,
        };
        let short = format!("\"1,2\n{}", "3,4\n".repeat(10));
        assert_eq!(rows(short.as_bytes(), 0, End::Open, &limits).records, 0);
        let long = format!("\"1,2\n{}", "3,4\n".repeat(UNCLOSED_BYTES_MAX / 4));
        let part = rows(long.as_bytes(), 0, End::Open, &limits);
        assert_eq!(
            (part.records, part.end),
            (UNCLOSED_BYTES_MAX / 4 + 1, long.len())
        );
    }

    #[test]
    fn hostile_rows_take_linear_time() {
        let limits = PartLimits {
            bytes_usual: 1 << 20,
            record_bytes_max: 1 << 20,
            records_max: 1 << 20,
        };
        for unit in ["\"\n", "\"x\"y\n", ",", "\"\"\"\n", "a,\"\n"] {
            let text = unit.repeat(1_000_000 / unit.len());
            let part = rows(text.as_bytes(), 0, End::Final, &limits);
            assert_eq!(part.end, text.len(), "{unit}");
        }
    }

    #[test]
    fn other_text_has_no_line_of_names() {
        for text in [
            "",
            "TimeGenerated,a",
            "a,b\n1,2\n",
            "{\"a\":1}\n",
            "TimeGenerated\n",
        ] {
            assert_eq!(names_end(text.as_bytes()), None, "{text}");
        }
        assert_eq!(names_end(b"\xef\xbb\xbfTimeGenerated,a\n1,2"), Some(19));
    }
}
