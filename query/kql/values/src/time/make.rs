//! Datetimes and timespans from numbers.

use kql_syntax::ast::Type;

use crate::arguments::{long, real};
use crate::convert::{DAY, SECOND, datetime_within, days_of_date};
use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::value::Value;

#[rustfmt::skip]
pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function("make_datetime(year: any, month?: long, day?: long, hour?: long, minute?: long, second?: real): datetime", make_datetime),
        function("make_timespan(first: any, second?: long, third?: real, fourth?: real): timespan", make_timespan),
        function("unixtime_seconds_todatetime(seconds: N): datetime", |_, a| Ok(since_1970(a, 1))),
        function("unixtime_milliseconds_todatetime(milliseconds: N): datetime", |_, a| Ok(since_1970(a, 1_000))),
        function("unixtime_microseconds_todatetime(microseconds: N): datetime", |_, a| Ok(since_1970(a, 1_000_000))),
        function("unixtime_nanoseconds_todatetime(nanoseconds: N): datetime", |_, a| Ok(since_1970(a, 1_000_000_000))),
    ];
    table.into_iter().flatten().collect()
}

/// An argument that may be missing, and is zero then; none if it is null.
fn or_zero(arguments: &[Value], place: usize) -> Option<i64> {
    match arguments.get(place) {
        None => Some(0),
        Some(_) => long(arguments, place),
    }
}

fn seconds_or_zero(arguments: &[Value], place: usize) -> Option<f64> {
    match arguments.get(place) {
        None => Some(0.0),
        Some(_) => real(arguments, place),
    }
}

/// Ticks within a day, if the parts are in range.
fn clock(hours: i64, minutes: i64, seconds: f64) -> Option<i64> {
    let in_range =
        (0..24).contains(&hours) && (0..60).contains(&minutes) && (0.0..60.0).contains(&seconds);
    if !in_range {
        return None;
    }
    let ticks = Value::Real((seconds * 1e7).round()).as_long()?;
    Some((hours * 3_600 + minutes * 60) * SECOND + ticks)
}

/// Numbers of a calendar, or one value that is converted.
fn make_datetime(_: &mut Context, arguments: &[Value]) -> Outcome {
    if let [value] = arguments {
        return Ok(value.convert(Type::DateTime));
    }
    let ticks = || {
        let year = i32::try_from(arguments.first()?.as_long()?).ok()?;
        let month = u32::try_from(long(arguments, 1)?).ok()?;
        let day = u32::try_from(long(arguments, 2)?).ok()?;
        let (hour, minute) = (or_zero(arguments, 3)?, or_zero(arguments, 4)?);
        let clock = clock(hour, minute, seconds_or_zero(arguments, 5)?)?;
        days_of_date(year, month, day)?
            .checked_mul(DAY)?
            .checked_add(clock)
    };
    Ok(datetime_within(ticks()))
}

/// Hours and minutes, with seconds as third; or days, hours, minutes and seconds; or one value that is converted.
fn make_timespan(_: &mut Context, arguments: &[Value]) -> Outcome {
    if let [value] = arguments {
        return Ok(value.convert(Type::TimeSpan));
    }
    let ticks = || {
        let (first, second) = (arguments.first()?.as_long()?, long(arguments, 1)?);
        if arguments.len() < 4 {
            return clock(first, second, seconds_or_zero(arguments, 2)?);
        }
        let minutes = Value::Real(real(arguments, 2)?).as_long()?;
        let clock = clock(second, minutes, real(arguments, 3)?)?;
        first.checked_mul(DAY)?.checked_add(clock)
    };
    Ok(ticks().map_or(Value::Null, Value::TimeSpan))
}

/// A count of parts of a second; `units` of them make one.
fn since_1970(arguments: &[Value], units: i64) -> Value {
    let ticks = match arguments.first() {
        Some(Value::Null) | None => None,
        Some(value @ (Value::Int(_) | Value::Long(_))) => value.as_long().and_then(|count| {
            let ticks = (i128::from(count) * i128::from(SECOND)).div_euclid(i128::from(units));
            i64::try_from(ticks).ok()
        }),
        Some(value) => value.as_real().and_then(|count| {
            let ticks = count * 1e7 / crate::convert::real_of(units);
            Value::Real(ticks.round()).as_long()
        }),
    };
    datetime_within(ticks)
}
