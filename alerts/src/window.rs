//! Windows in event time: which one is next and whether it is complete. Pure arithmetic.

use std::time::Duration;

use store::Timestamp;

/// The events from `start` up to, but without, `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First instant inside.
    pub start: Timestamp,
    /// First instant after it.
    pub end: Timestamp,
}

impl Window {
    /// The window of that length that ends at `end`.
    pub fn ending(end: Timestamp, period: Duration) -> Self {
        Self {
            start: end.minus(period),
            end,
        }
    }
}

/// How far the rows of one table have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Newest event time.
    pub newest: Timestamp,
    /// When the newest batch was received.
    pub received: Timestamp,
}

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// In event time, for rows out of order.
    pub lateness: Duration,
    /// By the clock, for a table that fell silent.
    pub idle: Duration,
    /// A silent table that is further behind another than this holds it back no more.
    pub behind_max: Duration,
}

/// End of the first window of which `earliest` is part; windows end at multiples of `frequency`.
pub fn first_end(earliest: Timestamp, frequency: Duration) -> Timestamp {
    let step = micros(frequency);
    let steps = earliest.as_micros().div_euclid(step).saturating_add(1);
    Timestamp::from_micros(steps.saturating_mul(step))
}

/// The instant before which no more rows are expected; `None` while no table has any.
///
/// The table that is furthest back decides. A table that fell silent lets its last window close, and
/// then moves with the clock from its newest event on, so that yesterday's files, read today, don't
/// push the mark past what is still to be read of them. A table far behind another that stays silent, such as one of
/// indicators that came once, holds the other back no more.
pub fn watermark(
    now: Timestamp,
    reaches: &[Reach],
    patience: Patience,
    frequency: Duration,
) -> Option<Timestamp> {
    let mark = |reach: &Reach| watermark_of(now, *reach, patience, frequency);
    let first = reaches.iter().map(mark).max()?;
    let holds_back = |reach: &&Reach| {
        let is_left = now.since(reach.received) >= patience.idle.saturating_mul(SILENCES_MAX);
        !(is_left && first.since(mark(reach)) > patience.behind_max)
    };
    reaches.iter().filter(holds_back).map(mark).min()
}

/// So many times the silence after which a table's last window closes.
const SILENCES_MAX: u32 = 20;

fn watermark_of(
    now: Timestamp,
    reach: Reach,
    patience: Patience,
    frequency: Duration,
) -> Timestamp {
    let newest = reach.newest.min(now);
    let is_silent = now.since(reach.received) >= patience.idle;
    if !is_silent {
        return newest.minus(patience.lateness);
    }
    let last_window_closes = newest.plus(frequency);
    let moves_with_clock = newest
        .plus(now.since(reach.received))
        .minus(patience.lateness);
    last_window_closes
        .max(moves_with_clock)
        .min(now.minus(patience.lateness))
        .max(newest.minus(patience.lateness))
}

/// Most windows that are evaluated again for one step: of very many that overlap, some that are evenly apart.
const ENDS_MAX: i64 = 12;

/// Ends of the closed windows that see an event of the step `step` (which covers
/// `[step × frequency, (step + 1) × frequency)`), from its own to the last that reaches back to it.
pub fn ends_of_step(
    step: i64,
    frequency: Duration,
    period: Duration,
    closed: Timestamp,
) -> Vec<Timestamp> {
    let length = micros(frequency);
    let own = step.saturating_add(1).saturating_mul(length);
    let last = (micros(period).saturating_sub(1)).div_euclid(length);
    let count = last.saturating_add(1).min(ENDS_MAX);
    let end = |number: i64| {
        let windows = number.saturating_mul(last).div_euclid((count - 1).max(1));
        Timestamp::from_micros(own.saturating_add(windows.saturating_mul(length)))
    };
    (0..count).map(end).filter(|end| *end <= closed).collect()
}

fn micros(frequency: Duration) -> i64 {
    i64::try_from(frequency.as_micros())
        .unwrap_or(i64::MAX)
        .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(&format!("2026-11-01T{text}Z")).unwrap()
    }

    #[test]
    fn windows_end_at_multiples_of_the_frequency() {
        #[track_caller]
        fn check(earliest: &str, minutes: u32, expected: &str) {
            assert_eq!(first_end(at(earliest), MINUTE * minutes), at(expected));
        }
        check("10:00:00", 5, "10:05:00"); // an event on the edge is in the window that starts there
        check("10:04:59.999999", 5, "10:05:00");
        check("10:05:00", 5, "10:10:00");
        check("10:20:01", 15, "10:30:00");
        assert_eq!(
            first_end(Timestamp::from_micros(-1), MINUTE),
            Timestamp::from_micros(0)
        );
    }

    #[test]
    fn watermark_waits_for_rows_out_of_order_and_not_for_silent_tables() {
        #[track_caller]
        fn check(now: &str, reaches: &[(&str, &str)], expected: Option<&str>) {
            let patience = Patience {
                lateness: MINUTE,
                idle: MINUTE * 2,
                behind_max: MINUTE * 90,
            };
            let reaches: Vec<Reach> = reaches
                .iter()
                .map(|(newest, received)| Reach {
                    newest: at(newest),
                    received: at(received),
                })
                .collect();
            assert_eq!(
                watermark(at(now), &reaches, patience, MINUTE * 5),
                expected.map(at)
            );
        }
        check("12:00:00", &[], None); // nothing has come
        check("12:00:00", &[("11:59:30", "11:59:59")], Some("11:58:30")); // live
        check("12:00:00", &[("10:00:00", "11:59:59")], Some("09:59:00")); // old files still coming
        check("12:00:00", &[("13:00:00", "11:59:59")], Some("11:59:00")); // an event from the future
        check("12:00:00", &[("11:55:00", "11:55:10")], Some("11:59:00")); // silent: the clock
        check("12:00:00", &[("10:00:00", "11:57:00")], Some("10:05:00")); // old files, read: last window closes
        check("12:00:00", &[("10:00:00", "11:30:00")], Some("10:29:00")); // then with the clock
        check(
            "12:00:00",
            &[("11:59:30", "11:59:59"), ("11:50:00", "11:59:58")],
            Some("11:49:00"),
        ); // the slower one
        check(
            "12:00:00",
            &[("11:59:30", "11:59:59"), ("09:00:00", "11:19:00")],
            Some("11:58:30"),
        ); // one that came once, long behind
        check(
            "12:00:00",
            &[("11:59:30", "11:59:59"), ("09:00:00", "11:58:00")],
            Some("09:05:00"),
        ); // one that may still be coming
        check(
            "12:00:00",
            &[("11:59:30", "11:59:59"), ("11:00:00", "11:10:00")],
            Some("11:49:00"),
        ); // one that is not far behind
    }

    #[test]
    fn a_late_row_concerns_every_closed_window_around_it() {
        let step = at("10:00:00").as_micros() / 300_000_000;
        let ends = |period, closed| ends_of_step(step, MINUTE * 5, MINUTE * period, at(closed));
        assert_eq!(ends(5, "11:00:00"), [at("10:05:00")]);
        assert_eq!(ends(10, "11:00:00"), [at("10:05:00"), at("10:10:00")]);
        assert_eq!(ends(7, "11:00:00"), [at("10:05:00"), at("10:10:00")]);
        let every: Vec<Timestamp> = (1..=12)
            .map(|number| at("10:00:00").plus(MINUTE * 5 * number))
            .collect();
        assert_eq!(ends(60, "11:00:00"), every);
        assert_eq!(ends(60, "10:10:00"), every[..2]);
        assert_eq!(ends(60, "10:00:00"), []);
        let far = ends(24 * 60, "23:59:59");
        assert_eq!(far.len(), 7);
        assert_eq!(far[..2], [at("10:05:00"), at("12:15:00")]);
    }
}
