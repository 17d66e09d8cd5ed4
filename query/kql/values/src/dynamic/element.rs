//! When two elements are the same, and which comes first.

use std::cmp::Ordering;

use crate::convert::{parse_datetime, parse_guid, parse_timespan};
use crate::value::Dynamic;

/// What makes an element itself: numbers by their worth, whether they have a fraction or not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Identity<'a> {
    /// `null`.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Whole(i64),
    /// Bits of another number.
    Real(u64),
    /// A text.
    Text(&'a str),
    /// An array or bag, as JSON; its slots are in order.
    Json(String),
}

impl<'a> Identity<'a> {
    /// Of an element.
    pub(super) fn of(element: &'a Dynamic) -> Self {
        match element {
            Dynamic::Null => Self::Null,
            Dynamic::Bool(value) => Self::Bool(*value),
            Dynamic::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Self::Whole(whole),
                (None, real) => real.map_or(Self::Null, real_identity),
            },
            Dynamic::String(text) => Self::Text(text),
            Dynamic::Array(_) | Dynamic::Object(_) => Self::Json(element.to_string()),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the bounds are checked, and there is no fraction"
)]
fn real_identity<'a>(value: f64) -> Identity<'a> {
    const LIMIT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= LIMIT {
        return Identity::Whole(value as i64);
    }
    Identity::Real(value.to_bits())
}

/// A number in an array, also one that JSON has no form for.
pub(super) fn number(element: &Dynamic) -> Option<f64> {
    match element {
        Dynamic::Number(number) => number.as_f64(),
        Dynamic::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

/// Where an element stands when an array is sorted: kind first, in the order of the variants.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum SortKey<'a> {
    /// A number.
    Number(f64),
    /// A datetime.
    DateTime(i64),
    /// A timespan.
    TimeSpan(i64),
    /// A text.
    Text(&'a str),
    /// A guid.
    Guid(u128),
    /// Whatever else; null is placed apart.
    Other(String),
}

impl<'a> SortKey<'a> {
    /// Of an element; none of null.
    pub(super) fn of(element: &'a Dynamic) -> Option<Self> {
        Some(match element {
            Dynamic::Null => return None,
            Dynamic::Number(number) => Self::Number(number.as_f64()?),
            Dynamic::String(text) => Self::of_text(text),
            other => Self::Other(other.to_string()),
        })
    }

    /// Datetimes, timespans and guids within a `dynamic` are their printed text.
    fn of_text(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        let is_datetime = bytes.len() >= 20 && bytes.get(10) == Some(&b'T') && text.ends_with('Z');
        let is_span = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b'-');
        let is_timespan = text.matches(':').count() == 2 && bytes.iter().all(is_span);
        let is_guid = bytes.len() == 36 && bytes.get(8) == Some(&b'-');
        let typed = match (is_datetime, is_timespan, is_guid) {
            (true, _, _) => parse_datetime(text).map(Self::DateTime),
            (_, true, _) => parse_timespan(text).map(Self::TimeSpan),
            (_, _, true) => parse_guid(text).map(Self::Guid),
            _ => None,
        };
        typed.unwrap_or(Self::Text(text))
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Number(_) => 0,
            Self::DateTime(_) => 1,
            Self::TimeSpan(_) => 2,
            Self::Text(_) => 3,
            Self::Guid(_) => 4,
            Self::Other(_) => 5,
        }
    }

    /// Order of kinds, then within a kind, which is turned around if it shall descend.
    pub(super) fn compare(&self, other: &Self, descends: bool) -> Ordering {
        let within = match (self, other) {
            (Self::Number(left), Self::Number(right)) => left.total_cmp(right),
            (Self::DateTime(left), Self::DateTime(right)) => left.cmp(right),
            (Self::TimeSpan(left), Self::TimeSpan(right)) => left.cmp(right),
            (Self::Text(left), Self::Text(right)) => left.cmp(right),
            (Self::Guid(left), Self::Guid(right)) => left.cmp(right),
            (Self::Other(left), Self::Other(right)) => left.cmp(right),
            _ => return self.kind().cmp(&other.kind()),
        };
        if descends { within.reverse() } else { within }
    }
}
