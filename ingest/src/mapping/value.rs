//! Texts of access logs to values: instants, durations, lists, request lines, addresses.
#![deny(
    clippy::indexing_slicing,
    reason = "whatever a record holds, reading it must not panic"
)]

use store::Timestamp;

use super::{Item, Part, Unit};
use crate::time;

impl Unit {
    fn micros(self) -> f64 {
        match self {
            Self::Seconds => 1e6,
            Self::Millis => 1e3,
            Self::Micros => 1.0,
            Self::Nanos => 1e-3,
        }
    }
}

/// Below this a 64-bit float holds every integer.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// A duration in whole milliseconds, and whether nothing was rounded away. A negative one is none.
pub(super) fn millis(text: &str, unit: Unit) -> Option<(i64, bool)> {
    let number: f64 = text.trim().parse().ok()?;
    let millis = number * unit.micros() / 1e3;
    let whole = millis.round();
    if !(0.0..EXACT_MAX).contains(&whole) {
        return None;
    }
    // What a decimal fraction loses in binary is no loss of the log's.
    let is_exact = (millis - whole).abs() < 1e-6;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole and in range, see above"
    )]
    let millis = whole as i64;
    Some((millis, is_exact))
}

/// An instant as a number since 1970.
pub(super) fn since_epoch(text: &str, unit: Unit) -> Option<Timestamp> {
    let text = text.trim();
    let micros = match (text.parse::<i64>(), unit) {
        (Ok(number), Unit::Seconds) => number.checked_mul(1_000_000)?,
        (Ok(number), Unit::Millis) => number.checked_mul(1_000)?,
        (Ok(number), Unit::Micros) => number,
        (Ok(number), Unit::Nanos) => number.div_euclid(1_000),
        (Err(_), _) => {
            let number: f64 = text.parse().ok()?;
            let micros = (number * unit.micros()).round();
            if !micros.is_finite() || micros.abs() >= EXACT_MAX {
                return None;
            }
            #[expect(clippy::cast_possible_truncation, reason = "whole and in range")]
            let micros = micros as i64;
            micros
        }
    };
    // Up to the year 9999: beyond it the unit is not what the mapping says.
    (0..=253_402_300_799_999_999)
        .contains(&micros)
        .then(|| Timestamp::from_micros(micros))
}

/// An instant in words: Common Log Format, ISO 8601, or what else Azure's logs have.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let text = text
        .strip_prefix('[')
        .map_or(text, |rest| rest.trim_end_matches(']'));
    common_log(text)
        .or_else(|| with_offset(text))
        .or_else(|| time::parse(text))
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// `10/Jun/2023:15:36:28 +0000`.
fn common_log(text: &str) -> Option<Timestamp> {
    let (day, rest) = text.split_once('/')?;
    let (month, rest) = rest.split_once('/')?;
    let (year, rest) = rest.split_once(':')?;
    let (clock, offset) = rest.split_once(' ')?;
    let month = MONTHS
        .iter()
        .position(|name| name.eq_ignore_ascii_case(month))?;
    let month = month.checked_add(1)?;
    if day.len() != 2 || year.len() != 4 || clock.len() != 8 {
        return None;
    }
    shifted(&format!("{year}-{month:02}-{day}T{clock}Z"), offset)
}

/// `2026-11-02T10:00:00+01:00`, as nginx writes it; anything longer is left to others.
fn with_offset(text: &str) -> Option<Timestamp> {
    let (moment, offset) = text.split_at_checked(19)?;
    if !offset.starts_with(['+', '-']) {
        return None;
    }
    let mut norm = [b'Z'; 20];
    for (to, from) in norm.iter_mut().zip(moment.bytes()) {
        *to = from;
    }
    shifted(std::str::from_utf8(&norm).ok()?, offset)
}

/// A moment of a clock that is `offset` (`+0100`, `-05:30`) ahead of UTC.
fn shifted(moment: &str, offset: &str) -> Option<Timestamp> {
    let local = time::parse(moment)?.as_micros();
    let (sign, digits) = match offset.split_at_checked(1)? {
        ("+", digits) => (1_i64, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_at_checked(2)?;
    let minutes = minutes.strip_prefix(':').unwrap_or(minutes);
    let number = |text: &str| {
        let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<i64>().ok()).flatten()
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let ahead = sign * (hours * 60 + minutes) * 60_000_000;
    Some(Timestamp::from_micros(local.checked_sub(ahead)?))
}

/// An item of `a, b : c`.
pub(super) fn item(text: &str, item: Item) -> &str {
    let found = match item {
        Item::First => {
            let first = text.split(',').next().unwrap_or(text);
            first.split(" : ").next()
        }
        Item::Last => {
            let last = text.rsplit(',').next().unwrap_or(text);
            last.rsplit(" : ").next()
        }
    };
    found.unwrap_or(text).trim()
}

/// A part of text, and whether it is all of it.
pub(super) fn part(text: &str, part: Part) -> Option<&str> {
    if part == Part::Address {
        return Some(address(text));
    }
    let text = text.trim_matches('"');
    let (method, rest) = text.split_once(' ')?;
    let (target, protocol) = match rest.rsplit_once(' ') {
        Some((target, protocol)) if protocol.starts_with("HTTP/") => (target, Some(protocol)),
        // HTTP/0.9 has none, and a target may have blanks that it should not have.
        _ => (rest, None),
    };
    match part {
        Part::Method => Some(method),
        Part::Target => Some(target),
        Part::Protocol | Part::Address => protocol,
    }
}

/// `192.0.2.1` of `192.0.2.1:443`; an IPv6 address without brackets has no port.
fn address(text: &str) -> &str {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split_once(']').map_or(text, |(address, _)| address);
    }
    match text.split_once(':') {
        Some((address, port)) if !port.contains(':') => address,
        _ => text,
    }
}

/// Whether a host has a port behind it; an IPv6 address without brackets has none.
pub(super) fn has_port(host: &str) -> bool {
    let behind = host.rsplit_once(']').map_or(host, |(_, behind)| behind);
    behind.matches(':').count() == 1
}

/// Whether a URL of that scheme needs no port to say it.
pub(super) fn is_usual_port(scheme: Option<&str>, port: &str) -> bool {
    let usual = match scheme {
        Some("http" | "ws" | "grpc") => "80",
        Some("https" | "wss" | "grpcs") => "443",
        _ => return false,
    };
    port == usual
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_instant(text: &str, expected: &str) {
        let found = instant(text).map(Timestamp::to_rfc3339);
        let expected = Some(expected).filter(|text| !text.is_empty());
        assert_eq!(found.as_deref(), expected, "{text}");
    }

    #[test]
    fn instants() {
        check_instant("10/Jun/2023:15:36:28 +0000", "2023-06-10T15:36:28.000000Z");
        check_instant(
            "[10/Jun/2023:01:36:28 +0530]",
            "2023-06-09T20:06:28.000000Z",
        );
        check_instant("2026-11-02T10:00:00+01:00", "2026-11-02T09:00:00.000000Z");
        check_instant("2026-11-02T10:00:00-0130", "2026-11-02T11:30:00.000000Z");
        check_instant("2026-11-02T10:00:00.123Z", "2026-11-02T10:00:00.123000Z");
        for wrong in [
            "",
            "10/Foo/2023:15:36:28 +0000",
            "32/Jun/2023:15:36:28 +0000",
            "10/Jun/2023:15:36:28 +9900",
            "10/Jun/2023:15:36:28",
            "2026-11-02T10:00:00+é1:00",
            "1698000000",
        ] {
            check_instant(wrong, "");
        }
    }

    #[track_caller]
    fn check_epoch(text: &str, unit: Unit, expected: Option<i64>) {
        assert_eq!(
            since_epoch(text, unit).map(Timestamp::as_micros),
            expected,
            "{text}"
        );
    }

    #[test]
    fn instants_as_numbers() {
        check_epoch("1698000000", Unit::Seconds, Some(1_698_000_000_000_000));
        check_epoch("1698000000.123", Unit::Seconds, Some(1_698_000_000_123_000));
        check_epoch("1698000000123", Unit::Millis, Some(1_698_000_000_123_000));
        check_epoch(
            "1698000000123456",
            Unit::Micros,
            Some(1_698_000_000_123_456),
        );
        check_epoch(
            "1698000000123456789",
            Unit::Nanos,
            Some(1_698_000_000_123_456),
        );
        check_epoch("1698000000123", Unit::Seconds, None);
        check_epoch("9e99", Unit::Seconds, None);
        check_epoch("NaN", Unit::Seconds, None);
        check_epoch("-5", Unit::Seconds, None);
        check_epoch("soon", Unit::Millis, None);
    }

    #[test]
    fn durations() {
        assert_eq!(millis("0.123", Unit::Seconds), Some((123, true)));
        assert_eq!(millis("0.0004", Unit::Seconds), Some((0, false)));
        assert_eq!(millis("515.0000000001", Unit::Millis), Some((515, true)));
        assert_eq!(millis("1500", Unit::Micros), Some((2, false)));
        assert_eq!(millis("3000000", Unit::Nanos), Some((3, true)));
        for wrong in ["-1", "NaN", "inf", "1e300", "", "5 ms"] {
            assert_eq!(millis(wrong, Unit::Millis), None, "{wrong}");
        }
    }

    #[test]
    fn ports() {
        assert!(has_port("a.example:1") && has_port("[2001:db8::1]:1"));
        assert!(!has_port("a.example") && !has_port("[2001:db8::1]") && !has_port("2001:db8::1"));
        assert!(is_usual_port(Some("https"), "443") && is_usual_port(Some("http"), "80"));
        assert!(!is_usual_port(Some("http"), "443") && !is_usual_port(None, "443"));
    }

    #[test]
    fn items_and_parts() {
        assert_eq!(item("203.0.113.9, 10.0.0.1", Item::First), "203.0.113.9");
        assert_eq!(item("0.002, 0.005 : 0.001", Item::Last), "0.001");
        assert_eq!(item("", Item::Last), "");
        let line = "GET /a b?c=1 HTTP/1.1";
        assert_eq!(part(line, Part::Method), Some("GET"));
        assert_eq!(part(line, Part::Target), Some("/a b?c=1"));
        assert_eq!(part(line, Part::Protocol), Some("HTTP/1.1"));
        assert_eq!(part("GET /", Part::Target), Some("/"));
        assert_eq!(part("GET /", Part::Protocol), None);
        assert_eq!(part("\\x16\\x03", Part::Method), None);
        assert_eq!(part("192.0.2.1:443", Part::Address), Some("192.0.2.1"));
        assert_eq!(
            part("[2001:db8::1]:443", Part::Address),
            Some("2001:db8::1")
        );
        assert_eq!(part("2001:db8::1", Part::Address), Some("2001:db8::1"));
        assert_eq!(part("unix:/run/a.sock", Part::Address), Some("unix"));
    }
}
