//! Durations as rule files write them: ISO 8601 (`PT5M`, `P1DT12H`) and Sentinel's short form (`5m`, `14d`).

use std::time::Duration;

/// The duration that `text` says; `None` if it says none.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    match text.strip_prefix('P') {
        Some(rest) => parse_iso(rest),
        None => parse_short(text),
    }
}

fn parse_short(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let number = text.strip_suffix(unit)?;
    let unit_s = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    seconds(number, unit_s)
}

fn parse_iso(text: &str) -> Option<Duration> {
    let (days, time) = text
        .split_once('T')
        .map_or((text, None), |(days, time)| (days, Some(time)));
    if days.is_empty() && time.is_none_or(str::is_empty) {
        return None;
    }
    let day_units: &[(char, u64)] = &[('W', 604_800), ('D', 86_400)];
    let time_units: &[(char, u64)] = &[('H', 3_600), ('M', 60), ('S', 1)];
    let days = parse_parts(days, day_units)?;
    let time = match time {
        Some("") => return None,
        Some(time) => parse_parts(time, time_units)?,
        None => Duration::ZERO,
    };
    days.checked_add(time)
}

/// Sums `<number><unit>` parts, whose units must come in the order given.
fn parse_parts(text: &str, units: &[(char, u64)]) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    for (unit, unit_s) in units {
        if let Some((number, after)) = rest.split_once(*unit) {
            total = total.checked_add(seconds(number, *unit_s)?)?;
            rest = after;
        }
    }
    rest.is_empty().then_some(total)
}

fn seconds(number: &str, unit_s: u64) -> Option<Duration> {
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        return None;
    }
    let count: u64 = number.parse().ok()?;
    count.checked_mul(unit_s).map(Duration::from_secs)
}
