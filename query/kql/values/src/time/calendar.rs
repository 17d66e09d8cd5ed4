//! Steps of the calendar: begins and ends of periods, periods added and counted.

use crate::arguments::{long, text};
use crate::convert::{DAY, SECOND, date_of_days, datetime_within, days_of_date};
use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::time::{moment, offset, weekday_from_sunday, wrong_period};
use crate::value::Value;

#[rustfmt::skip]
pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function("startofday(date: datetime, offset?: long): datetime", |_, a| Ok(edge(a, Period::Day, false))),
        function("startofweek(date: datetime, offset?: long): datetime", |_, a| Ok(edge(a, Period::Week, false))),
        function("startofmonth(date: datetime, offset?: long): datetime", |_, a| Ok(edge(a, Period::Month, false))),
        function("startofyear(date: datetime, offset?: long): datetime", |_, a| Ok(edge(a, Period::Year, false))),
        function("endofday(date: datetime, offset?: long): datetime", |_, a| Ok(edge(a, Period::Day, true))),
        function("endofweek(date: datetime, offset?: long): datetime", |_, a| Ok(edge(a, Period::Week, true))),
        function("endofmonth(date: datetime, offset?: long): datetime", |_, a| Ok(edge(a, Period::Month, true))),
        function("endofyear(date: datetime, offset?: long): datetime", |_, a| Ok(edge(a, Period::Year, true))),
        function("datetime_add(period: string, amount: long, datetime: datetime): datetime", datetime_add),
        function("datetime_diff(period: string, datetime1: datetime, datetime2: datetime): long", datetime_diff),
    ];
    table.into_iter().flatten().collect()
}

/// A length of time: of the clock, in hundredths of ticks so that nanoseconds are whole, or of the calendar.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Period {
    Clock(i64),
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Period {
    fn from_name(name: &str) -> Option<Self> {
        let second = SECOND * 100;
        Some(match name.to_ascii_lowercase().as_str() {
            "year" => Self::Year,
            "quarter" => Self::Quarter,
            "month" => Self::Month,
            "week" => Self::Week,
            "day" => Self::Day,
            "hour" => Self::Clock(3_600 * second),
            "minute" => Self::Clock(60 * second),
            "second" => Self::Clock(second),
            "millisecond" => Self::Clock(second / 1_000),
            "microsecond" => Self::Clock(second / 1_000_000),
            "nanosecond" => Self::Clock(second / 1_000_000_000),
            _ => return None,
        })
    }

    fn months(self) -> i64 {
        match self {
            Self::Year => 12,
            Self::Quarter => 3,
            _ => 1,
        }
    }

    /// Number of the period that a datetime lies in, counted from some period.
    fn number(self, ticks: i64) -> i64 {
        let days = ticks.div_euclid(DAY);
        match self {
            Self::Clock(size) => {
                let number = (i128::from(ticks) * 100).div_euclid(i128::from(size));
                i64::try_from(number).unwrap_or(i64::MAX)
            }
            Self::Day => days,
            Self::Week => (days - weekday_from_sunday(days)).div_euclid(7),
            _ => {
                let (year, month, _) = date_of_days(days);
                (i64::from(year) * 12 + i64::from(month) - 1).div_euclid(self.months())
            }
        }
    }
}

/// Midnight at the begin of a month, counted in months since the year 0.
fn start_of_month(months: i64) -> Option<i64> {
    let year = i32::try_from(months.div_euclid(12)).ok()?;
    let month = u32::try_from(months.rem_euclid(12)).ok()? + 1;
    if (year, month) == (10_000, 1) {
        return days_of_date(9_999, 12, 31)?
            .checked_add(1)?
            .checked_mul(DAY);
    }
    days_of_date(year, month, 1)?.checked_mul(DAY)
}

fn start(period: Period, number: i64) -> Option<i64> {
    match period {
        Period::Day => number.checked_mul(DAY),
        // Week 0 begins on Sunday, 1970-01-04 less a week.
        Period::Week => number.checked_mul(7)?.checked_add(3)?.checked_mul(DAY),
        _ => start_of_month(number.checked_mul(period.months())?),
    }
}

/// First instant of the period that is `offset` periods away, or the last one.
fn edge(arguments: &[Value], period: Period, is_end: bool) -> Value {
    let edge = || {
        let number = period.number(moment(arguments, 0)?);
        let wanted = number.checked_add(offset(arguments)?)?;
        if is_end {
            start(period, wanted.checked_add(1)?)?.checked_sub(1)
        } else {
            start(period, wanted)
        }
    };
    datetime_within(edge())
}

fn datetime_add(_: &mut Context, arguments: &[Value]) -> Outcome {
    let name = text(arguments, 0);
    let period = Period::from_name(name).ok_or_else(|| wrong_period("datetime_add", name))?;
    let sum = || {
        let (amount, ticks) = (long(arguments, 1)?, moment(arguments, 2)?);
        match period {
            Period::Clock(size) => {
                let added = i128::from(amount).checked_mul(i128::from(size))? / 100;
                ticks.checked_add(i64::try_from(added).ok()?)
            }
            Period::Day => ticks.checked_add(amount.checked_mul(DAY)?),
            Period::Week => ticks.checked_add(amount.checked_mul(7 * DAY)?),
            _ => add_months(ticks, amount.checked_mul(period.months())?),
        }
    };
    Ok(datetime_within(sum()))
}

/// The same day of another month, or its last one if that is earlier.
fn add_months(ticks: i64, months: i64) -> Option<i64> {
    let (_, _, day) = date_of_days(ticks.div_euclid(DAY));
    let month = Period::Month.number(ticks).checked_add(months)?;
    let (begin, next) = (start_of_month(month)?, start_of_month(month + 1)?);
    let midnight = begin.checked_add((i64::from(day) - 1) * DAY)?;
    Some(midnight.min(next - DAY) + ticks.rem_euclid(DAY))
}

/// How many begins of periods lie between.
fn datetime_diff(_: &mut Context, arguments: &[Value]) -> Outcome {
    let name = text(arguments, 0);
    let period = Period::from_name(name).ok_or_else(|| wrong_period("datetime_diff", name))?;
    let moments = moment(arguments, 1).zip(moment(arguments, 2));
    let count = moments.and_then(|(left, right)| {
        if period == Period::Clock(1) {
            return left.checked_sub(right)?.checked_mul(100);
        }
        period.number(left).checked_sub(period.number(right))
    });
    Ok(count.map_or(Value::Null, Value::Long))
}
