//! Timespans from text.

use crate::convert::{DAY, SECOND};

/// Ticks of a unit by any of its names.
pub(crate) fn ticks_of(unit: &str) -> Option<f64> {
    Some(match unit {
        "d" | "day" | "days" => 864e9,
        "h" | "hr" | "hrs" | "hour" | "hours" => 36e9,
        "m" | "min" | "minute" | "minutes" => 6e8,
        "s" | "sec" | "second" | "seconds" => 1e7,
        "ms" | "milli" | "millis" | "millisec" | "millisecond" | "milliseconds" => 1e4,
        "micro" | "micros" | "microsec" | "microsecond" | "microseconds" => 10.0,
        "nano" | "nanos" | "nanosec" | "nanosecond" | "nanoseconds" => 0.01,
        "tick" | "ticks" => 1.0,
        _ => return None,
    })
}

/// Ticks of `1.02:03:04.5`, `-00:10`, `2.5h`, `15 seconds`; a plain number is days.
pub fn parse_timespan(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let ticks = if text.contains(':') {
        clock(text)?
    } else {
        measured(text)?
    };
    Some(if negative { -ticks } else { ticks })
}

/// `2.5h`, `15 seconds`, `3`.
fn measured(text: &str) -> Option<i64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    let unit = unit.trim();
    let ticks_each = if unit.is_empty() {
        864e9
    } else {
        ticks_of(unit)?
    };
    if let Ok(whole) = number.parse::<i64>()
        && ticks_each >= 1.0
    {
        return whole.checked_mul(super::number::long_of_real(ticks_each)?);
    }
    let number: f64 = number.parse().ok()?;
    super::number::long_of_real((number * ticks_each).round())
}

/// `[d.]hh:mm[:ss[.f]]`, also `d:hh:mm:ss`.
fn clock(text: &str) -> Option<i64> {
    let mut parts: Vec<&str> = text.split(':').collect();
    let mut days = 0;
    if parts.len() == 4 {
        days = digits(parts.remove(0))?;
    }
    let [hours, minutes, rest @ ..] = parts.as_slice() else {
        return None;
    };
    let hours = match hours.split_once('.') {
        Some((whole_days, hours)) => {
            days = digits(whole_days)?;
            hours
        }
        None => hours,
    };
    let (seconds, fraction) = match rest {
        [] => ("0", ""),
        [seconds] => seconds.split_once('.').unwrap_or((seconds, "")),
        _ => return None,
    };
    let (hours, minutes, seconds) = (digits(hours)?, digits(minutes)?, digits(seconds)?);
    if minutes > 59 || seconds > 59 {
        return None;
    }
    let clock = hours
        .checked_mul(3_600)?
        .checked_add(minutes * 60 + seconds)?;
    days.checked_mul(DAY)?
        .checked_add(clock.checked_mul(SECOND)?)?
        .checked_add(fraction_ticks(fraction)?)
}

fn digits(text: &str) -> Option<i64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// Ticks of the digits after a point; more than seven are cut off.
pub(super) fn fraction_ticks(text: &str) -> Option<i64> {
    let mut ticks = 0;
    let mut unit = SECOND;
    for byte in text.bytes() {
        let digit = i64::from((byte as char).to_digit(10)?);
        unit /= 10;
        ticks += digit * unit;
    }
    Some(ticks)
}
