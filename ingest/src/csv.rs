//! Rows that the portal of Log Analytics wrote as comma-separated values (RFC 4180).
//!
//! The first line names the columns, among them the time; that tells such a file from everything
//! else. Each row becomes the JSON object that an export as JSON would have had, with every value a
//! string, and without the empty cells. A row that is not whole costs one line, so it takes none of
//! the rows behind it along.

use std::ops::Range;

use crate::envelope::Piece;
use crate::json;
use crate::scan;
use crate::time::{self, Order};

/// Longest line of names.
const HEADER_BYTES_MAX: usize = 65_536;

/// Most columns; more commas than that in a line are no row.
const COLUMNS_MAX: usize = 1_000;

/// Longest name of a column: they are repeated in each row.
const NAME_BYTES_MAX: usize = 256;

/// Bytes that may be read in vain, for each byte of the body.
const BUDGET_FACTOR: usize = 4;

/// Columns with the time, one of which such a file has.
const TIMES: [&str; 2] = ["TimeGenerated", "TimeGenerated [UTC]"];

/// What names of columns with instants end with; those with another zone are not read.
const ZONE: &str = " [UTC]";

/// What some programs begin every text with.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Why the end of a row can't be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A quoted cell does not end in the text.
    Unclosed,
    /// There is text behind a quoted cell, or there are too many cells.
    Wrong,
}

/// Where the first row begins, if a text is such a file and its line of names is whole.
pub(crate) fn names_end(text: &[u8]) -> Option<usize> {
    let marked = text.strip_prefix(MARK).unwrap_or(text);
    // One with times of another zone is refused, part by part, with that reason.
    let is_file =
        |names: &[String]| is_known(names) || names.iter().any(|name| is_of_other_zone(name));
    let (_, end) = header(marked).filter(|(names, _)| is_file(names))?;
    marked.get(..end).filter(|line| line.ends_with(b"\n"))?;
    Some(text.len().saturating_sub(marked.len()).saturating_add(end))
}

/// Walks over the rows of a file.
#[derive(Debug)]
pub(crate) struct Rows<'a> {
    body: &'a [u8],
    at: usize,
    /// Names, quoted, with a colon.
    names: Vec<String>,
    /// Columns whose dates have the day in front, by their place.
    day_first: Vec<usize>,
    row_bytes_max: usize,
    /// Bytes that may still be read in vain.
    budget: usize,
    /// Bytes of names that rows may still repeat.
    copies_left: usize,
}

impl<'a> Rows<'a> {
    /// The rows of a body, if it is such a file.
    pub(crate) fn new(body: &'a [u8], row_bytes_max: usize, copies_max: usize) -> Option<Self> {
        let body = body.strip_prefix(MARK).unwrap_or(body);
        let (names, end) = header(body).filter(|(names, _)| is_known(names))?;
        let quoted = |name: &String| {
            let mut out = String::new();
            json::quote_into(&mut out, name);
            out.push(':');
            out
        };
        Some(Self {
            body,
            at: end,
            day_first: day_first(body, end, &names),
            names: names.iter().map(quoted).collect(),
            row_bytes_max,
            budget: body.len().saturating_mul(BUDGET_FACTOR),
            copies_left: copies_max,
        })
    }

    /// The next row; `None` at the end of the body.
    pub(crate) fn next(&mut self) -> Option<Piece<'a>> {
        self.at = scan::skip_space(self.body, self.at);
        let start = self.at;
        let window = start.saturating_add(self.row_bytes_max).saturating_add(1);
        let end = window.min(self.body.len());
        let rest = self.body.get(..end).filter(|_| start < end)?;
        let line = || {
            let found = memchr::memchr(b'\n', self.body.get(start..).unwrap_or_default());
            found.map_or(self.body.len(), |step| {
                start.saturating_add(step).saturating_add(1)
            })
        };
        // A cell that goes to the end of what was looked at may go on behind it.
        let is_whole = |behind: usize| behind < window || end == self.body.len();
        let whole = row(rest, start)
            .ok()
            .filter(|(_, behind)| is_whole(*behind));
        let (cells, reason) = match whole {
            Some((cells, behind)) if cells.len() == self.names.len() => {
                self.at = behind;
                (cells, None)
            }
            Some((cells, behind)) => {
                self.at = behind;
                let reason = format!(
                    "row of {} cells instead of {}",
                    cells.len(),
                    self.names.len()
                );
                (Vec::new(), Some(reason))
            }
            None => {
                self.budget = self.budget.saturating_sub(end.saturating_sub(start));
                self.at = if self.budget == 0 {
                    self.body.len()
                } else {
                    line()
                };
                (
                    Vec::new(),
                    Some(
                        "row with a quoted cell that does not end, or with text behind it"
                            .to_owned(),
                    ),
                )
            }
        };
        let range = self.trimmed(start);
        let text = match reason {
            Some(reason) => return Some(Piece::Broken { range, reason }),
            None => self.object(&cells),
        };
        Some(match text {
            Some(text) => Piece::Rewritten {
                range,
                text,
                fault: None,
            },
            None => Piece::Broken {
                range,
                reason: "row that would be far larger than the body".to_owned(),
            },
        })
    }

    /// The row from `start` to the cursor without its line end.
    fn trimmed(&self, start: usize) -> Range<usize> {
        let bytes = self.body.get(start..self.at).unwrap_or_default();
        let length = bytes.trim_ascii_end().len();
        start..start.saturating_add(length)
    }

    /// A row as an object; `None` if the names were repeated too often.
    fn object(&mut self, cells: &[Range<usize>]) -> Option<String> {
        let mut out = String::from("{");
        for (place, (name, cell)) in self.names.iter().zip(cells).enumerate() {
            if cell.is_empty() {
                continue;
            }
            let mut text = text(self.body, cell.clone());
            if self.day_first.contains(&place)
                && let Some(instant) = time::parse_dated(&text, Order::DayFirst)
            {
                text = instant.to_rfc3339();
            }
            if text.is_empty() {
                continue;
            }
            if out.len() > 1 {
                out.push(',');
            }
            self.copies_left = self.copies_left.checked_sub(name.len())?;
            out.push_str(name);
            json::quote_into(&mut out, &text);
        }
        out.push('}');
        Some(out)
    }
}

/// The names in the first line of a file, and where it ends.
fn header(body: &[u8]) -> Option<(Vec<String>, usize)> {
    if !matches!(body.first()?, b'A'..=b'Z' | b'a'..=b'z' | b'"' | b'_' | b'$') {
        return None;
    }
    let header = body.get(..HEADER_BYTES_MAX).unwrap_or(body);
    let (cells, end) = row(header, 0).ok()?;
    let names = cells.into_iter();
    let names = names.map(|cell| text(header, cell).trim().to_owned());
    Some((names.collect(), end))
}

/// Whether these are names of columns of such a file.
fn is_known(names: &[String]) -> bool {
    let has_time = names.iter().any(|name| TIMES.contains(&name.as_str()));
    let is_short = names.iter().all(|name| name.len() <= NAME_BYTES_MAX);
    has_time && is_short && names.len() >= 2
}

fn is_of_other_zone(name: &str) -> bool {
    name.starts_with("TimeGenerated [") && !name.ends_with(ZONE)
}

/// Why a file's times can't be told, if its header names another zone than UTC, or one that only its reader knew.
pub(crate) fn unknown_zone(body: &[u8]) -> Option<String> {
    let body = body.strip_prefix(MARK).unwrap_or(body);
    let (names, _) = header(body).filter(|(names, _)| names.len() > 1)?;
    names.iter().find_map(|name| unknown_zone_of(name))
}

/// As [`unknown_zone`], of one column's name.
pub(crate) fn unknown_zone_of(name: &str) -> Option<String> {
    if !is_of_other_zone(name) || name.len() > NAME_BYTES_MAX {
        return None;
    }
    Some(format!(
        "the times of the column '{name}' are in a zone that it does not name or that is not UTC: export it again \
         with UTC as the display time zone"
    ))
}

/// The columns with dates such as `23/08/2023`, by their place: if one value of any of them can't be read with the
/// month in front, all of them are what that browser writes. Where no value tells, the month is.
fn day_first(body: &[u8], start: usize, names: &[String]) -> Vec<usize> {
    let is_dated = |name: &String| name.ends_with(ZONE) || TIMES.contains(&name.as_str());
    let dated = names.iter().enumerate().filter(|(_, name)| is_dated(name));
    let dated: Vec<_> = dated.map(|(place, _)| place).collect();
    let mut at = start;
    while let Some((cells, behind)) = row(body, at).ok().filter(|(_, behind)| *behind > at) {
        at = scan::skip_space(body, behind);
        let mut has_any = false;
        for cell in dated.iter().filter_map(|place| cells.get(*place)) {
            match time::order(&text(body, cell.clone())) {
                Some(Order::DayFirst) => return dated,
                Some(Order::MonthFirst) => return Vec::new(),
                Some(Order::Either) => has_any = true,
                None => {}
            }
        }
        // Files with times of another form have no such date in any row.
        if !has_any {
            break;
        }
    }
    Vec::new()
}

/// Where the row at `start` ends, behind the end of its line.
pub(crate) fn row_end(text: &[u8], start: usize) -> Result<usize, Fault> {
    row(text, start).map(|(_, end)| end)
}

/// The cells of the row at `start`, quotes included, and where the next row begins.
fn row(text: &[u8], start: usize) -> Result<(Vec<Range<usize>>, usize), Fault> {
    let mut cells = Vec::new();
    let mut at = start;
    loop {
        let end = cell_end(text, at)?;
        if cells.len() >= COLUMNS_MAX {
            return Err(Fault::Wrong);
        }
        cells.push(at..end);
        let behind = end.saturating_add(1);
        match text.get(end) {
            Some(b',') => at = behind,
            Some(b'\r') if text.get(behind) == Some(&b'\n') => {
                return Ok((cells, behind.saturating_add(1)));
            }
            Some(_) => return Ok((cells, behind)),
            None => return Ok((cells, end)),
        }
    }
}

/// Where the cell at `start` ends.
fn cell_end(text: &[u8], start: usize) -> Result<usize, Fault> {
    let rest = text.get(start..).unwrap_or_default();
    if rest.first() != Some(&b'"') {
        let step = memchr::memchr3(b',', b'\r', b'\n', rest);
        return Ok(start.saturating_add(step.unwrap_or(rest.len())));
    }
    let mut at = start.saturating_add(1);
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let step = memchr::memchr(b'"', rest).ok_or(Fault::Unclosed)?;
        at = at.saturating_add(step).saturating_add(1);
        match text.get(at) {
            Some(b'"') => at = at.saturating_add(1),
            Some(b',' | b'\r' | b'\n') | None => return Ok(at),
            Some(_) => return Err(Fault::Wrong),
        }
    }
}

/// What a cell says.
fn text(text: &[u8], cell: Range<usize>) -> String {
    let bytes = text.get(cell).unwrap_or_default();
    let inner = bytes
        .strip_prefix(b"\"")
        .and_then(|bytes| bytes.strip_suffix(b"\""));
    match inner {
        Some(inner) => String::from_utf8_lossy(inner).replace("\"\"", "\""),
        None => String::from_utf8_lossy(bytes).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: &[&str]) {
        let mut rows = Rows::new(body.as_bytes(), 1_000, 1_000).unwrap();
        let mut shown = Vec::new();
        while let Some(piece) = rows.next() {
            shown.push(match piece {
                Piece::Rewritten { text, .. } => text,
                Piece::Broken { range, .. } => format!("<{}>", body.get(range).unwrap()),
                Piece::Record { .. } => panic!("a row is no JSON"),
            });
        }
        assert_eq!(shown, expected, "{body}");
    }

    #[test]
    fn rows_are_objects() {
        check(
            "TimeGenerated [UTC],a,b\r\n\"4/28/2021, 2:32:14.029 PM\",,x\r\n1,\"{\n \"\"k\"\": 1\n}\",\n",
            &[
                r#"{"TimeGenerated [UTC]":"4/28/2021, 2:32:14.029 PM","b":"x"}"#,
                r#"{"TimeGenerated [UTC]":"1","a":"{\u000a \"k\": 1\u000a}"}"#,
            ],
        );
    }

    #[test]
    fn one_date_tells_the_order_of_all() {
        let body = |dates: [&str; 3]| {
            let rows = dates
                .map(|date| format!("1,\"{date}, 14:00:00.130\",\"{date}, 15:00:00\",{date}\n"));
            format!("a,TimeGenerated [UTC],b [UTC],c\n{}", rows.concat())
        };
        let read = |first: &str, second: &str, date: &str| {
            format!(
                r#"{{"a":"1","TimeGenerated [UTC]":"{first}","b [UTC]":"{second}","c":"{date}"}}"#
            )
        };
        let day_first = |day: &str, date: &str| {
            let second = format!("{day}T15:00:00.000000Z");
            read(&format!("{day}T14:00:00.130000Z"), &second, date)
        };
        let expected = [
            day_first("2023-04-05", "05/04/2023"),
            day_first("2023-08-23", "23/08/2023"),
            day_first("2023-04-06", "06/04/2023"),
        ];
        let dates = ["05/04/2023", "23/08/2023", "06/04/2023"];
        check(&body(dates), &expected.each_ref().map(String::as_str));
        for dates in [
            ["05/04/2023", "8/23/2023", "06/04/2023"],
            ["05/04/2023", "06/04/2023", "07/04/2023"],
            ["2023-04-05", "2023-04-06", "2023-04-07"],
        ] {
            let as_it_is = |date: &str| {
                read(
                    &format!("{date}, 14:00:00.130"),
                    &format!("{date}, 15:00:00"),
                    date,
                )
            };
            let expected = dates.map(as_it_is);
            check(&body(dates), &expected.each_ref().map(String::as_str));
        }
    }

    #[test]
    fn a_broken_row_takes_no_other_along() {
        check(
            "\"a\",TimeGenerated\n1,2\n1,2,3\n\"no end,2\n\"x\"y,2\n3,4",
            &[
                r#"{"a":"1","TimeGenerated":"2"}"#,
                "<1,2,3>",
                "<\"no end,2>",
                "<\"x\"y,2>",
                r#"{"a":"3","TimeGenerated":"4"}"#,
            ],
        );
    }

    #[test]
    fn other_text_is_no_file_of_rows() {
        for body in [
            "",
            "hello",
            "TimeGenerated",
            "a,b\n1,2",
            "{\"TimeGenerated\":1,2}",
            "1,TimeGenerated",
        ] {
            assert!(Rows::new(body.as_bytes(), 1_000, 1_000).is_none(), "{body}");
        }
    }

    #[test]
    fn names_are_not_repeated_without_end() {
        let body = format!("TimeGenerated,{}\n{}", "n".repeat(200), "1,2\n".repeat(10));
        let mut rows = Rows::new(body.as_bytes(), 1_000, 1_000).unwrap();
        let mut broken = 0;
        while let Some(piece) = rows.next() {
            broken += u32::from(matches!(piece, Piece::Broken { .. }));
        }
        assert_eq!(broken, 6);
    }

    #[test]
    fn hostile_rows_take_linear_time() {
        for unit in ["\"\n", "\"x\"y\n", ",", "\"\"\"\n", "a,\"\n"] {
            let body = format!("TimeGenerated,a\n{}", unit.repeat(1_000_000 / unit.len()));
            let mut rows = Rows::new(body.as_bytes(), 1 << 20, 1 << 20).unwrap();
            while rows.next().is_some() {}
        }
    }
}
