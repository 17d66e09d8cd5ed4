//! Datetimes and timespans.

mod calendar;
mod format;
mod make;
mod zones;

use crate::arguments::{long, text};
use crate::convert::{DAY, SECOND, date_of_days, datetime_within, days_of_date};
use crate::function::{Context, Failure, Outcome, ScalarFunction, function};
use crate::value::Value;

/// The functions of this module.
pub(crate) fn functions() -> Vec<ScalarFunction> {
    let mut all = calendar::functions();
    all.extend(format::functions());
    all.extend(make::functions());
    all.extend(zones::functions());
    all.extend(table().into_iter().flatten());
    all
}

#[rustfmt::skip]
fn table() -> Vec<Option<ScalarFunction>> {
    vec![
        function("now(offset?: timespan): datetime", now),
        function("ago(timespan: timespan): datetime", ago),
        function("getyear(date: datetime): int", |_, a| Ok(part(a, "year"))),
        function("getmonth(date: datetime): int", |_, a| Ok(part(a, "month"))),
        function("monthofyear(date: datetime): int", |_, a| Ok(part(a, "month"))),
        function("dayofmonth(date: datetime): int", |_, a| Ok(part(a, "day"))),
        function("dayofyear(date: datetime): int", |_, a| Ok(part(a, "dayofyear"))),
        function("hourofday(date: datetime): int", |_, a| Ok(part(a, "hour"))),
        function("week_of_year(date: datetime): int", |_, a| Ok(part(a, "week_of_year"))),
        function("weekofyear(date: datetime): int", weekofyear),
        function("dayofweek(date: datetime): timespan", dayofweek),
        function("datetime_part(part: string, date: datetime): int", datetime_part),
        function("datepart(part: string, date: datetime): int", datetime_part),
    ]
}

/// An argument that is a datetime.
fn moment(arguments: &[Value], place: usize) -> Option<i64> {
    match arguments.get(place)? {
        Value::DateTime(ticks) => Some(*ticks),
        _ => None,
    }
}

/// An argument that is a timespan.
fn span(arguments: &[Value], place: usize) -> Option<i64> {
    match arguments.get(place)? {
        Value::TimeSpan(ticks) => Some(*ticks),
        _ => None,
    }
}

fn now(context: &mut Context, arguments: &[Value]) -> Outcome {
    let offset = match arguments {
        [] => Some(0),
        _ => span(arguments, 0),
    };
    Ok(datetime_within(
        offset.and_then(|offset| context.now.checked_add(offset)),
    ))
}

fn ago(context: &mut Context, arguments: &[Value]) -> Outcome {
    let span = span(arguments, 0);
    Ok(datetime_within(
        span.and_then(|span| context.now.checked_sub(span)),
    ))
}

fn part(arguments: &[Value], name: &str) -> Value {
    let number = arguments.last().and_then(|date| match date {
        Value::DateTime(ticks) => part_of(*ticks, name),
        _ => None,
    });
    let number = number.and_then(|number| i32::try_from(number).ok());
    number.map_or(Value::Null, Value::Int)
}

/// A part of a datetime by its name in lower case.
fn part_of(ticks: i64, name: &str) -> Option<i64> {
    let days = ticks.div_euclid(DAY);
    let (year, month, day) = date_of_days(days);
    let clock = ticks.rem_euclid(DAY);
    let fraction = clock % SECOND;
    Some(match name {
        "year" => i64::from(year),
        "quarter" => i64::from((month - 1) / 3 + 1),
        "month" => i64::from(month),
        "week_of_year" | "weekofyear" | "week" => week(days, 3)?,
        "day" => i64::from(day),
        "dayofyear" => day_of_year(days)?,
        "hour" => clock / SECOND / 3_600,
        "minute" => clock / SECOND / 60 % 60,
        "second" => clock / SECOND % 60,
        "millisecond" => fraction / 10_000,
        "microsecond" => fraction / 10,
        "nanosecond" => fraction * 100,
        _ => return None,
    })
}

fn day_of_year(days: i64) -> Option<i64> {
    let (year, _, _) = date_of_days(days);
    Some(days - days_of_date(year, 1, 1)? + 1)
}

/// Days since the last Monday.
fn weekday_from_monday(days: i64) -> i64 {
    (days + 3).rem_euclid(7)
}

/// Days since the last Sunday.
fn weekday_from_sunday(days: i64) -> i64 {
    (days + 4).rem_euclid(7)
}

/// Number of the week that begins on Monday, if it belongs to the year of its day that is so many days after Monday.
fn week(days: i64, deciding_day: i64) -> Option<i64> {
    let deciding = days - weekday_from_monday(days) + deciding_day;
    Some((day_of_year(deciding)? - 1) / 7 + 1)
}

/// The older numbering: weeks begin on Sunday and belong to the year of their Wednesday.
fn weekofyear(_: &mut Context, arguments: &[Value]) -> Outcome {
    let number = moment(arguments, 0).and_then(|ticks| {
        let days = ticks.div_euclid(DAY);
        let wednesday = days - weekday_from_sunday(days) + 3;
        i32::try_from((day_of_year(wednesday)? - 1) / 7 + 1).ok()
    });
    Ok(number.map_or(Value::Null, Value::Int))
}

fn dayofweek(_: &mut Context, arguments: &[Value]) -> Outcome {
    let ticks = moment(arguments, 0).map(|ticks| weekday_from_sunday(ticks.div_euclid(DAY)) * DAY);
    Ok(ticks.map_or(Value::Null, Value::TimeSpan))
}

fn datetime_part(_: &mut Context, arguments: &[Value]) -> Outcome {
    let name = text(arguments, 0).to_ascii_lowercase();
    if part_of(0, &name).is_none() {
        return Err(wrong_period("datetime_part", text(arguments, 0)));
    }
    Ok(part(arguments, &name))
}

fn wrong_period(function: &str, name: &str) -> Failure {
    Failure(format!(
        "{function}() knows no '{name}': write year, quarter, month, week, day, hour, minute, second, millisecond, \
         microsecond or nanosecond"
    ))
}

/// How many periods to go on; none if it is null.
fn offset(arguments: &[Value]) -> Option<i64> {
    match arguments.get(1) {
        None => Some(0),
        Some(_) => long(arguments, 1),
    }
}

#[cfg(test)]
mod tests;
