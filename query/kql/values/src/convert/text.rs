//! Printed forms.

use std::fmt::Write as _;

use crate::convert::{DAY, DECIMAL_ONE, SECOND, date_of_days};
use crate::value::{Dynamic, Value};

impl Value {
    /// What `tostring()` gives; null is the empty text.
    pub fn to_text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Long(value) => value.to_string(),
            Self::Real(value) => format_real(*value),
            Self::Decimal(value) => decimal_text(*value),
            Self::String(text) => text.clone(),
            Self::DateTime(ticks) => format_datetime_iso(*ticks),
            Self::TimeSpan(ticks) => format_timespan_default(*ticks),
            Self::Guid(guid) => guid_text(*guid),
            Self::Dynamic(Dynamic::String(text)) => text.clone(),
            Self::Dynamic(json) => json.to_string(),
        }
    }
}

/// A number right-aligned among zeros.
pub(crate) fn pad(out: &mut String, number: i64, width: usize) {
    // Writing to a String cannot fail.
    let _written = write!(out, "{number:0width$}");
}

/// Seven digits of a second after a point.
pub(crate) fn push_fraction(out: &mut String, ticks: i64) {
    out.push('.');
    pad(out, ticks.rem_euclid(SECOND), 7);
}

/// `2017-01-01T10:10:17.0000000Z`.
pub fn format_datetime_iso(ticks: i64) -> String {
    let (year, month, day) = date_of_days(ticks.div_euclid(DAY));
    let mut out = String::with_capacity(28);
    pad(&mut out, i64::from(year), 4);
    out.push('-');
    pad(&mut out, i64::from(month), 2);
    out.push('-');
    pad(&mut out, i64::from(day), 2);
    out.push('T');
    push_clock(&mut out, ticks.rem_euclid(DAY) / SECOND);
    push_fraction(&mut out, ticks);
    out.push('Z');
    out
}

/// `1.02:03:04.0000000`: days only if there are any, a fraction only if there is one.
pub fn format_timespan_default(ticks: i64) -> String {
    let size = ticks.unsigned_abs();
    let day = DAY.unsigned_abs();
    let (days, rest) = (size / day, size % day);
    let rest = rest.cast_signed();
    let mut out = String::with_capacity(26);
    if ticks < 0 {
        out.push('-');
    }
    if days > 0 {
        // Writing to a String cannot fail.
        let _written = write!(out, "{days}.");
    }
    push_clock(&mut out, rest / SECOND);
    if rest % SECOND != 0 {
        push_fraction(&mut out, rest);
    }
    out
}

fn push_clock(out: &mut String, seconds: i64) {
    pad(out, seconds / 3_600, 2);
    out.push(':');
    pad(out, seconds / 60 % 60, 2);
    out.push(':');
    pad(out, seconds % 60, 2);
}

/// The shortest digits that read back as the same number; an exponent from `1E+15` and below `0.0001`.
pub fn format_real(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        let text = if value > 0.0 { "Infinity" } else { "-Infinity" };
        return text.to_owned();
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..15).contains(&exponent) {
        return if value.fract() == 0.0 {
            format!("{value:.1}")
        } else {
            value.to_string()
        };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}E{sign}{:02}", exponent.abs())
}

/// Without zeros at the end of the fraction.
pub(crate) fn decimal_text(value: i128) -> String {
    let size = value.unsigned_abs();
    let one = DECIMAL_ONE.unsigned_abs();
    let sign = if value < 0 { "-" } else { "" };
    let fraction = format!("{:018}", size % one);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{}{point}{fraction}", size / one)
}

/// Lower case with hyphens.
pub(crate) fn guid_text(guid: u128) -> String {
    let hex = format!("{guid:032x}");
    let mut out = String::with_capacity(36);
    for (place, c) in hex.chars().enumerate() {
        if matches!(place, 8 | 12 | 16 | 20) {
            out.push('-');
        }
        out.push(c);
    }
    out
}
