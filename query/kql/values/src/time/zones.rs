//! Time zones of the IANA database.

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, TimeZone as _};
use chrono_tz::{TZ_VARIANTS, Tz};

use crate::arguments::text;
use crate::convert::{SECOND, datetime_within};
use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::time::moment;
use crate::value::{Dynamic, Value};

#[rustfmt::skip]
pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function("datetime_utc_to_local(from: datetime, timezone: string): datetime", to_local),
        function("datetime_local_to_utc(from: datetime, timezone: string): datetime", to_utc),
        function("datetime_list_timezones(): dynamic", list),
    ];
    table.into_iter().flatten().collect()
}

fn naive(ticks: i64) -> Option<NaiveDateTime> {
    Some(DateTime::from_timestamp(ticks.div_euclid(SECOND), 0)?.naive_utc())
}

fn arguments_of(arguments: &[Value]) -> Option<(i64, NaiveDateTime, Tz)> {
    let ticks = moment(arguments, 0)?;
    let zone = text(arguments, 1);
    let zone = zone.parse().ok()?;
    Some((ticks, naive(ticks)?, zone))
}

fn ahead(offset: &impl chrono::Offset) -> i64 {
    i64::from(offset.fix().local_minus_utc()) * SECOND
}

fn to_local(_: &mut Context, arguments: &[Value]) -> Outcome {
    let local = arguments_of(arguments).and_then(|(ticks, moment, zone)| {
        ticks.checked_add(ahead(&zone.offset_from_utc_datetime(&moment)))
    });
    Ok(datetime_within(local))
}

/// A local time that is skipped in spring, or comes twice in autumn, counts by the offset after the change.
fn to_utc(_: &mut Context, arguments: &[Value]) -> Outcome {
    let utc = arguments_of(arguments).and_then(|(ticks, local, zone)| {
        let offset = match zone.offset_from_local_datetime(&local) {
            MappedLocalTime::Single(offset) | MappedLocalTime::Ambiguous(_, offset) => {
                ahead(&offset)
            }
            MappedLocalTime::None => after_gap(zone, ticks)?,
        };
        ticks.checked_sub(offset)
    });
    Ok(datetime_within(utc))
}

/// The offset at the first full quarter of an hour that exists again; no gap is longer than a day.
fn after_gap(zone: Tz, ticks: i64) -> Option<i64> {
    (1..=100).find_map(|quarters| {
        let later = naive(ticks.checked_add(quarters * 900 * SECOND)?)?;
        match zone.offset_from_local_datetime(&later) {
            MappedLocalTime::Single(offset) => Some(ahead(&offset)),
            _ => None,
        }
    })
}

fn list(_: &mut Context, _: &[Value]) -> Outcome {
    Ok(Value::list(
        TZ_VARIANTS.iter().map(|zone| Dynamic::from(zone.name())),
    ))
}
