//! Spans of time as Azure's query APIs write them: ISO 8601 durations, and intervals with one.

use std::time::Duration;

use query::Span;
use store::Timestamp;

/// Longest duration that is told from a mistake: a thousand years.
const SECONDS_MAX: f64 = 3.2e10;

/// The span that a text means: `start/end`, `start/duration`, `duration/end`, or a duration that ends now.
pub(super) fn span(text: &str, now: Timestamp) -> Option<Span> {
    let instant = |text: &str| {
        let text = text.trim();
        Timestamp::parse_rfc3339(text).or_else(|| Timestamp::parse_rfc3339(&format!("{text}Z")))
    };
    let (start, end) = match text.split_once('/') {
        None => (now.minus(duration(text)?), now),
        Some((first, second)) => match (instant(first), instant(second)) {
            (Some(start), Some(end)) => (start, end),
            (Some(start), None) => (start, start.plus(duration(second)?)),
            (None, Some(end)) => (end.minus(duration(first)?), end),
            (None, None) => return None,
        },
    };
    (start <= end).then_some(Span { start, end })
}

/// The length of `P1DT2H3M4.5S`, `P2W` and the like; a month has 30 days here and a year 365.
fn duration(text: &str) -> Option<Duration> {
    let text = text.trim().to_ascii_uppercase();
    let body = text.strip_prefix('P')?;
    let (days, clock) = body.split_once('T').unwrap_or((body, ""));
    if days.is_empty() && clock.is_empty() {
        return None;
    }
    const DAY: f64 = 86_400.0;
    let date = [
        ('Y', 365.0 * DAY),
        ('M', 30.0 * DAY),
        ('W', 7.0 * DAY),
        ('D', DAY),
    ];
    let time = [('H', 3_600.0), ('M', 60.0), ('S', 1.0)];
    let seconds = parts(days, &date)? + parts(clock, &time)?;
    let seconds = (seconds <= SECONDS_MAX).then_some(seconds)?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// The sum of numbers, each before its unit.
fn parts(mut text: &str, units: &[(char, f64)]) -> Option<f64> {
    let mut sum = 0.0;
    while !text.is_empty() {
        let end = text.find(|letter: char| letter.is_ascii_alphabetic())?;
        let (number, rest) = text.split_at_checked(end)?;
        let unit = rest.chars().next()?;
        let (_, seconds) = units.iter().find(|(known, _)| *known == unit)?;
        let number: f64 = number.parse().ok()?;
        sum += number * seconds;
        text = rest.get(1..)?;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    #[track_caller]
    fn check(text: &str, expected: Option<(i64, i64)>) {
        let now = Timestamp::from_micros(100 * HOUR);
        let found = span(text, now);
        let found = found.map(|span| (span.start.as_micros(), span.end.as_micros()));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn durations_end_now() {
        check("PT1H", Some((99 * HOUR, 100 * HOUR)));
        check("P1D", Some((76 * HOUR, 100 * HOUR)));
        check("PT3600.0S", Some((99 * HOUR, 100 * HOUR)));
        check("pt30m", Some((100 * HOUR - HOUR / 2, 100 * HOUR)));
        check("P1DT1H", Some((75 * HOUR, 100 * HOUR)));
    }

    #[test]
    fn intervals_have_two_sides() {
        check(
            "1970-01-01T00:00:00Z/1970-01-01T01:00:00.000Z",
            Some((0, HOUR)),
        );
        check("1970-01-01T00:00:00/PT2H", Some((0, 2 * HOUR)));
        check("PT1H/1970-01-01T02:00:00Z", Some((HOUR, 2 * HOUR)));
    }

    #[test]
    fn what_is_no_span() {
        for text in [
            "",
            "P",
            "PT",
            "1H",
            "PT1X",
            "PT1",
            "PT-1H",
            "P9999999Y",
            "x/y",
            "1970-01-01T01:00:00Z/1970-01-01T00:00:00Z",
        ] {
            check(text, None);
        }
    }
}
