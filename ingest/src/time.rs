//! Instants in every form that Azure's logs write them.
//!
//! The norm is `2024-07-02T06:31:31.4465902Z`, with ticks of 100 ns of which microseconds are kept;
//! it has its own path. Others: no fraction up to nine digits, offsets, no zone (UTC), a space for
//! `T`, spaces astray, and the US style `1/9/2007 9:41:00 AM +01:00`, with the day in front where it
//! can't be a month. Where nothing but a time is expected, it may be the time since 1970 in seconds, milliseconds, microseconds or nanoseconds.

use chrono::{NaiveDate, NaiveDateTime};
use store::Timestamp;

/// Reads an instant; `None` if it is none of the forms above, or no date of the calendar.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    parse_norm(text.as_bytes()).or_else(|| parse_any(text.trim()))
}

/// `YYYY-MM-DDTHH:MM:SS[.f{0,9}]Z` and nothing else.
fn parse_norm(text: &[u8]) -> Option<Timestamp> {
    let (fixed, rest) = text.split_first_chunk::<19>()?;
    let [
        y1,
        y2,
        y3,
        y4,
        b'-',
        m1,
        m2,
        b'-',
        d1,
        d2,
        b'T',
        h1,
        h2,
        b':',
        n1,
        n2,
        b':',
        s1,
        s2,
    ] = *fixed
    else {
        return None;
    };
    let year = pair(y1, y2)?.checked_mul(100)?.checked_add(pair(y3, y4)?)?;
    let date = Date {
        year,
        month: pair(m1, m2)?,
        day: pair(d1, d2)?,
    };
    let clock = Clock {
        hour: pair(h1, h2)?,
        minute: pair(n1, n2)?,
        second: pair(s1, s2)?,
    };
    let micros = match rest {
        [b'Z'] => 0,
        [b'.', digits @ .., b'Z'] => fraction(digits)?,
        _ => return None,
    };
    instant(date, clock, micros, 0)
}

#[derive(Clone, Copy)]
struct Date {
    year: u32,
    month: u32,
    day: u32,
}

#[derive(Clone, Copy)]
struct Clock {
    hour: u32,
    minute: u32,
    second: u32,
}

fn digit(byte: u8) -> Option<u32> {
    byte.is_ascii_digit().then(|| u32::from(byte & 0x0f))
}

fn pair(tens: u8, ones: u8) -> Option<u32> {
    digit(tens)?.checked_mul(10)?.checked_add(digit(ones)?)
}

/// Microseconds of a second's decimals; those behind the sixth are dropped.
fn fraction(digits: &[u8]) -> Option<i64> {
    if digits.len() > 9 {
        return None;
    }
    let mut micros = 0_i64;
    for (place, byte) in digits.iter().enumerate() {
        let value = i64::from(digit(*byte)?);
        if place < 6 {
            micros = micros.checked_mul(10)?.checked_add(value)?;
        }
    }
    let missing = u32::try_from(6_usize.saturating_sub(digits.len())).ok()?;
    micros.checked_mul(10_i64.checked_pow(missing)?)
}

/// Days since 1970-01-01 of a date of the Gregorian calendar (Howard Hinnant's `days_from_civil`).
fn days(date: Date) -> Option<i64> {
    let days_in_month = match date.month {
        2 if date.year.is_multiple_of(4)
            && (!date.year.is_multiple_of(100) || date.year.is_multiple_of(400)) =>
        {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if date.day == 0 || date.day > days_in_month {
        return None;
    }
    let (year, month, day) = (
        i64::from(date.year),
        i64::from(date.month),
        i64::from(date.day),
    );
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

fn instant(date: Date, clock: Clock, micros: i64, offset_s: i64) -> Option<Timestamp> {
    if clock.hour > 23 || clock.minute > 59 || clock.second > 60 {
        return None;
    }
    let of_day = i64::from(clock.hour * 3600 + clock.minute * 60 + clock.second.min(59));
    let seconds = days(date)? * 86_400 + of_day - offset_s;
    Some(Timestamp::from_micros(seconds * 1_000_000 + micros))
}

/// The rest: ISO 8601 with its liberties, then the US style.
fn parse_any(text: &str) -> Option<Timestamp> {
    if text.len() > 64 {
        return None;
    }
    if !text.is_ascii() {
        // Browsers put a narrow space that does not break before AM and PM.
        let spaced = text.replace(['\u{a0}', '\u{202f}'], " ");
        return spaced.is_ascii().then(|| parse_any(spaced.trim()))?;
    }
    if text.contains('/') {
        let read = |order| parse_dated(text, order);
        return read(Order::MonthFirst).or_else(|| read(Order::DayFirst));
    }
    let mut compact: String = text.split_whitespace().collect();
    if !compact.contains(['T', 't']) {
        compact = text.replacen(' ', "T", 1);
        compact.retain(|character| !character.is_ascii_whitespace());
    }
    let (moment, offset_s) = split_zone(&compact.to_ascii_uppercase())?;
    naive(&moment, "%Y-%m-%dT%H:%M:%S%.f", offset_s)
}

/// As [`parse`], and of the time since 1970, whose length tells its unit: ten digits are seconds from
/// 2001 to 2286, and so on.
pub(crate) fn parse_or_count(text: &str) -> Option<Timestamp> {
    parse(text).or_else(|| parse_count(text))
}

fn parse_count(text: &str) -> Option<Timestamp> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let number: i64 = whole.parse().ok()?;
    let micros = match whole.len() {
        10 => number
            .checked_mul(1_000_000)?
            .checked_add(fraction(decimals.as_bytes())?)?,
        13 => number.checked_mul(1_000)?,
        16 => number,
        19 => number / 1_000,
        _ => return None,
    };
    let has_digits = decimals.bytes().all(|byte| byte.is_ascii_digit());
    has_digits.then_some(Timestamp::from_micros(micros))
}

/// What a date with slashes has in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The month, as in the US.
    MonthFirst,
    /// The day, as nearly everywhere else.
    DayFirst,
    /// It can be either.
    Either,
}

/// What a date with slashes must have in front; `None` if it is none.
pub(crate) fn order(text: &str) -> Option<Order> {
    let (first, rest) = text.trim().split_once('/')?;
    let (second, _) = rest.split_once('/')?;
    let (first, second) = (first.parse::<u8>().ok()?, second.parse::<u8>().ok()?);
    match (first, second) {
        (1..=12, 1..=12) => Some(Order::Either),
        (13..=31, 1..=12) => Some(Order::DayFirst),
        (1..=12, 13..=31) => Some(Order::MonthFirst),
        _ => None,
    }
}

/// `M/D/Y[,] h:m:s[.f] [AM|PM] [offset]`, or `D/M/Y` in front.
pub(crate) fn parse_dated(text: &str, order: Order) -> Option<Timestamp> {
    let spaced = text.replace([',', '\u{a0}', '\u{202f}'], " ");
    if spaced.len() > 64 {
        return None;
    }
    let mut parts: Vec<&str> = spaced.split_whitespace().collect();
    let offset_s = match parts.last()?.as_bytes().first()? {
        b'+' | b'-' | b'Z' => zone(parts.pop()?)?,
        _ => 0,
    };
    let moment = parts.join(" ");
    let date = match order {
        Order::DayFirst => "%d/%m/%Y",
        Order::MonthFirst | Order::Either => "%m/%d/%Y",
    };
    let half_day = moment.to_ascii_uppercase().ends_with('M');
    let clock = if half_day {
        "%I:%M:%S%.f %p"
    } else {
        "%H:%M:%S%.f"
    };
    naive(&moment, &format!("{date} {clock}"), offset_s)
}

fn naive(moment: &str, format: &str, offset_s: i64) -> Option<Timestamp> {
    let parsed = NaiveDateTime::parse_from_str(moment, format).ok()?;
    let years = NaiveDate::from_ymd_opt(0, 1, 1)?..NaiveDate::from_ymd_opt(10_000, 1, 1)?;
    if !years.contains(&parsed.date()) {
        return None;
    }
    let micros = parsed.and_utc().timestamp_micros();
    Some(Timestamp::from_micros(
        micros.checked_sub(offset_s.checked_mul(1_000_000)?)?,
    ))
}

/// Splits `Z` or an offset from the end of an ISO moment; without one it is UTC.
fn split_zone(text: &str) -> Option<(String, i64)> {
    if let Some(moment) = text.strip_suffix('Z') {
        return Some((moment.to_owned(), 0));
    }
    let clock_at = text.find('T')?;
    match text.rfind(['+', '-']).filter(|at| *at > clock_at) {
        Some(at) => Some((text.get(..at)?.to_owned(), zone(text.get(at..)?)?)),
        None => Some((text.to_owned(), 0)),
    }
}

/// Seconds east of UTC of `+01:00`, `+0100`, `+01` or `Z`.
fn zone(text: &str) -> Option<i64> {
    let (sign, rest) = match text.as_bytes() {
        [b'Z'] => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match *rest {
        [h1, h2] => (pair(h1, h2)?, 0),
        [h1, h2, m1, m2] | [h1, h2, b':', m1, m2] => (pair(h1, h2)?, pair(m1, m2)?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then(|| sign * i64::from(hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let got = parse(text).map(Timestamp::to_rfc3339);
        assert_eq!(
            got.as_deref(),
            Some(expected).filter(|text| !text.is_empty()),
            "{text}"
        );
    }

    #[test]
    fn iso_forms() {
        check(
            "2024-07-02T06:31:31.4465902Z",
            "2024-07-02T06:31:31.446590Z",
        );
        check("2024-02-29T23:59:59Z", "2024-02-29T23:59:59.000000Z");
        check("2023-04-05T06:07:08.22Z", "2023-04-05T06:07:08.220000Z");
        check("2023-04-05T06:07:08.766Z", "2023-04-05T06:07:08.766000Z");
        check("2023-04-05T06:07:08.123456Z", "2023-04-05T06:07:08.123456Z");
        check(
            "2023-04-05T06:07:08.123456789Z",
            "2023-04-05T06:07:08.123456Z",
        );
        check("2023-04-05T06:07:08.9+00:00", "2023-04-05T06:07:08.900000Z");
        check("2023-04-05T01:07:08+02:00", "2023-04-04T23:07:08.000000Z");
        check("2023-04-05T06:07:08.5-0530", "2023-04-05T11:37:08.500000Z");
        check("2023-04-05T06:07:08", "2023-04-05T06:07:08.000000Z");
        check("2023-04-05 06:07:08.000", "2023-04-05T06:07:08.000000Z");
        check("2023-04-05T06: 07: 08.58Z", "2023-04-05T06:07:08.580000Z");
        check("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500000Z");
    }

    #[test]
    fn us_forms() {
        check("11/14/2025 1:48:53 AM", "2025-11-14T01:48:53.000000Z");
        check("01/09/2007 09:41:00", "2007-01-09T09:41:00.000000Z");
        check("1/9/2007 12:41:00 PM", "2007-01-09T12:41:00.000000Z");
        check("1/9/2007 12:41:00 AM", "2007-01-09T00:41:00.000000Z");
        check("1/9/2007 10:41:00 AM +01:00", "2007-01-09T09:41:00.000000Z");
        check("4/28/2021, 2:32:14.029 PM", "2021-04-28T14:32:14.029000Z");
    }

    #[test]
    fn days_in_front() {
        check("23/08/2023, 14:00:00.130", "2023-08-23T14:00:00.130000Z");
        check("23/8/2023 2:00:00 pm", "2023-08-23T14:00:00.000000Z");
        check("05/04/2023, 14:00:00", "2023-05-04T14:00:00.000000Z");
        let read = parse_dated("05/04/2023, 14:00:00", Order::DayFirst);
        assert_eq!(
            read.map(Timestamp::to_rfc3339).as_deref(),
            Some("2023-04-05T14:00:00.000000Z")
        );
        assert_eq!(order("05/04/2023, 14:00:00"), Some(Order::Either));
        assert_eq!(order("13/04/2023"), Some(Order::DayFirst));
        assert_eq!(order("4/13/2023"), Some(Order::MonthFirst));
        for wrong in ["13/13/2023", "0/1/2023", "2023-04-13", "a/b", "1/2"] {
            assert_eq!(order(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn forms_of_browsers() {
        check(
            "1/2/2026, 3:04:05.678\u{202f}PM",
            "2026-01-02T15:04:05.678000Z",
        );
        check("1/2/2026, 3:04:05 pm", "2026-01-02T15:04:05.000000Z");
        check("1/2/2026\u{e9}, 3:04:05 pm", "");
    }

    #[test]
    fn time_since_1970() {
        let check = |text, expected: Option<&str>| {
            let got = parse_or_count(text).map(Timestamp::to_rfc3339);
            assert_eq!(got.as_deref(), expected, "{text}");
            assert_eq!(parse(text), None);
        };
        check("1700000000", Some("2023-11-14T22:13:20.000000Z"));
        check("1700000000.25", Some("2023-11-14T22:13:20.250000Z"));
        check("1700000000123", Some("2023-11-14T22:13:20.123000Z"));
        check("1700000000123456", Some("2023-11-14T22:13:20.123456Z"));
        check("1700000000123456789", Some("2023-11-14T22:13:20.123456Z"));
        check("1700000000.2.5", None);
        check("20260102", None);
        check("9999999999999999999", None);
    }

    #[test]
    fn what_is_no_instant() {
        check("", "");
        check("yesterday", "");
        check("2023-02-29T00:00:00Z", "");
        check("2023-13-01T00:00:00Z", "");
        check("2023-04-05T24:00:00Z", "");
        check("2023-04-05T06:07:08+99:00", "");
        check("13/14/2025 1:48:53 AM", "");
        check("999999-01-01T00:00:00Z", "");
    }
}
