//! Datetimes and timespans in a form of the query's choice.

use crate::arguments::{bounded, text};
use crate::convert::{DAY, SECOND, date_of_days, pad};
use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::time::{moment, span};
use crate::value::Value;

pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function(
            "format_datetime(date: datetime, format: string): string",
            format_datetime,
        ),
        function(
            "format_timespan(timespan: timespan, format: string): string",
            format_timespan,
        ),
    ];
    table.into_iter().flatten().collect()
}

/// Each run of one letter in a format, with its length; other characters by themselves.
fn runs(format: &str) -> impl Iterator<Item = (char, usize)> + '_ {
    let mut rest = format.chars().peekable();
    std::iter::from_fn(move || {
        let first = rest.next()?;
        let mut length = 1;
        while first.is_ascii_alphabetic() && rest.next_if_eq(&first).is_some() {
            length += 1;
        }
        Some((first, length))
    })
}

/// Digits of a second: `f` writes all, `F` leaves zeros at the end away.
fn push_digits(out: &mut String, ticks: i64, letter: char, length: usize) {
    let mut digits = String::with_capacity(7);
    pad(&mut digits, ticks.rem_euclid(SECOND), 7);
    let digits = digits.get(..length.min(7)).unwrap_or("");
    out.push_str(if letter == 'F' {
        digits.trim_end_matches('0')
    } else {
        digits
    });
}

/// Longest format; each letter makes a bounded number of characters.
const FORMAT_BYTES_MAX: usize = 1_024;

fn format_datetime(context: &mut Context, arguments: &[Value]) -> Outcome {
    let format = text(arguments, 1);
    let Some(ticks) = moment(arguments, 0).filter(|_| format.len() <= FORMAT_BYTES_MAX) else {
        return Ok(Value::String(String::new()));
    };
    let (year, month, day) = date_of_days(ticks.div_euclid(DAY));
    let seconds = ticks.rem_euclid(DAY) / SECOND;
    let hour = seconds / 3_600;
    let mut out = String::with_capacity(format.len() + 8);
    for (letter, length) in runs(format) {
        match letter {
            'y' if length <= 2 => pad(&mut out, i64::from(year % 100), length),
            'y' => pad(&mut out, i64::from(year), length.max(4)),
            'M' => pad(&mut out, i64::from(month), length),
            'd' => pad(&mut out, i64::from(day), length),
            'H' => pad(&mut out, hour, length),
            'h' => pad(&mut out, (hour + 11) % 12 + 1, length),
            'm' => pad(&mut out, seconds / 60 % 60, length),
            's' => pad(&mut out, seconds % 60, length),
            'f' | 'F' => push_digits(&mut out, ticks, letter, length),
            't' => {
                let half = if hour < 12 { "AM" } else { "PM" };
                out.push_str(half.get(..length.min(2)).unwrap_or(half));
            }
            other => out.extend(std::iter::repeat_n(other, length)),
        }
    }
    bounded(context, out)
}

fn format_timespan(context: &mut Context, arguments: &[Value]) -> Outcome {
    let format = text(arguments, 1);
    let Some(ticks) = span(arguments, 0).filter(|_| format.len() <= FORMAT_BYTES_MAX) else {
        return Ok(Value::String(String::new()));
    };
    let ticks = ticks.checked_abs().unwrap_or(i64::MAX);
    let seconds = ticks / SECOND;
    let mut out = String::with_capacity(format.len() + 8);
    for (letter, length) in runs(format) {
        match letter {
            'd' => pad(&mut out, ticks / DAY, length),
            'H' | 'h' => pad(&mut out, seconds / 3_600 % 24, length),
            'm' => pad(&mut out, seconds / 60 % 60, length),
            's' => pad(&mut out, seconds % 60, length),
            'f' | 'F' => push_digits(&mut out, ticks, letter, length),
            other => out.extend(std::iter::repeat_n(other, length)),
        }
    }
    bounded(context, out)
}
