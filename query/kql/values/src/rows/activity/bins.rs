//! Windows of a timeline.

use chrono::{DateTime, Datelike as _, Days, NaiveDate, NaiveDateTime};

use crate::convert::SECOND;
use crate::function::{Context, Failure};
use crate::rows::activity::{bound, ticks};
use crate::value::Value;

/// Windows of one length, or those of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bins {
    /// Of a length, one of them at a place.
    Even {
        /// Where one starts.
        start: i64,
        /// How long they are.
        step: i64,
    },
    /// From Sunday on.
    Week,
    /// Of a year.
    Month,
    /// From January 1 on.
    Year,
}

impl Bins {
    /// By a positive length, or the name of a calendar's part.
    pub(super) fn new(step: &Value, start: i64) -> Option<Self> {
        if let Value::String(name) = step {
            return match name.to_ascii_lowercase().as_str() {
                "week" => Some(Self::Week),
                "month" => Some(Self::Month),
                "year" => Some(Self::Year),
                _ => None,
            };
        }
        let step = ticks(step).filter(|step| *step > 0)?;
        Some(Self::Even { start, step })
    }

    /// Where the window starts that a time lies in.
    pub(super) fn start_of(self, time: i64) -> i64 {
        match self {
            Self::Even { start, step } => {
                let past = i128::from(time) - i128::from(start);
                let into = past.rem_euclid(i128::from(step));
                i64::try_from(i128::from(time) - into).unwrap_or(i64::MIN)
            }
            calendar => calendar.day_of(time, 0).unwrap_or(i64::MIN),
        }
    }

    /// Where the window starts that follows the one which starts at a time.
    pub(super) fn after(self, window: i64) -> i64 {
        match self {
            Self::Even { step, .. } => window.saturating_add(step),
            calendar => calendar.day_of(window, 1).unwrap_or(i64::MAX),
        }
    }

    /// Where the window starts that comes before the one which starts at a time.
    pub(super) fn before(self, window: i64) -> i64 {
        self.start_of(window.saturating_sub(1))
    }

    /// The first day of a time's part of the calendar, or of one after it.
    fn day_of(self, time: i64, later: u32) -> Option<i64> {
        let day = DateTime::from_timestamp(time.div_euclid(SECOND), 0)?.date_naive();
        let first = match self {
            Self::Even { .. } => return None,
            Self::Week => {
                let past = day.weekday().num_days_from_sunday();
                let sunday = day.checked_sub_days(Days::new(u64::from(past)))?;
                sunday.checked_add_days(Days::new(u64::from(7 * later)))?
            }
            Self::Month => day
                .with_day(1)?
                .checked_add_months(chrono::Months::new(later))?,
            Self::Year => NaiveDate::from_ymd_opt(day.year().checked_add_unsigned(later)?, 1, 1)?,
        };
        let midnight: NaiveDateTime = first.and_hms_opt(0, 0, 0)?;
        midnight.and_utc().timestamp().checked_mul(SECOND)
    }

    /// Starts of all windows that touch the time from start to end.
    pub(super) fn all(self, context: &Context, start: i64, end: i64) -> Result<Vec<i64>, Failure> {
        let next = |window: &i64| Some(self.after(*window)).filter(|after| after > window);
        let starts = std::iter::successors(Some(self.start_of(start)), next);
        let starts = starts.take_while(|window| *window <= end);
        let starts: Vec<i64> = starts.take(context.length_max.saturating_add(1)).collect();
        bound(context, starts.len())?;
        Ok(starts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i32, month: u32, day: u32) -> i64 {
        let date = NaiveDate::from_ymd_opt(year, month, day).unwrap();
        date.and_hms_opt(0, 0, 0).unwrap().and_utc().timestamp() * SECOND
    }

    #[track_caller]
    fn check(bins: Bins, time: i64, [before, start, after]: [i64; 3]) {
        let window = bins.start_of(time);
        assert_eq!(
            [bins.before(window), window, bins.after(window)],
            [before, start, after]
        );
    }

    #[test]
    fn even_windows_start_where_one_starts() {
        let bins = Bins::Even { start: 3, step: 10 };
        check(bins, 3, [-7, 3, 13]);
        check(bins, 12, [-7, 3, 13]);
        check(bins, -8, [-27, -17, -7]);
    }

    #[test]
    fn windows_of_the_calendar() {
        let time = day(2024, 2, 29) + 5;
        check(
            Bins::Week,
            time,
            [day(2024, 2, 18), day(2024, 2, 25), day(2024, 3, 3)],
        );
        check(
            Bins::Month,
            time,
            [day(2024, 1, 1), day(2024, 2, 1), day(2024, 3, 1)],
        );
        check(
            Bins::Year,
            time,
            [day(2023, 1, 1), day(2024, 1, 1), day(2025, 1, 1)],
        );
    }

    #[test]
    fn a_step_is_positive_or_a_name() {
        assert_eq!(Bins::new(&Value::Long(0), 0), None);
        assert_eq!(Bins::new(&Value::String("day".to_owned()), 0), None);
        assert_eq!(
            Bins::new(&Value::String("Week".to_owned()), 0),
            Some(Bins::Week)
        );
    }

    #[test]
    fn windows_are_bounded() {
        let mut context = Context::new(0);
        context.length_max = 3;
        let bins = Bins::Even { start: 0, step: 5 };
        assert_eq!(bins.all(&context, 0, 14).unwrap(), [0, 5, 10]);
        assert!(bins.all(&context, 0, 15).is_err());
    }
}
