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
/// push the mark past what is still to be read of them.
pub fn watermark(
    now: Timestamp,
    reaches: &[Reach],
    patience: Patience,
    frequency: Duration,
) -> Option<Timestamp> {
    reaches
        .iter()
        .map(|reach| watermark_of(now, *reach, patience, frequency))
        .min()
}

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

/// Ends of the closed windows that see an event of the step `step` (which covers
/// `[step × frequency, (step + 1) × frequency)`): its own and, where windows overlap, the next.
pub fn ends_of_step(
    step: i64,
    frequency: Duration,
    period: Duration,
    closed: Timestamp,
) -> Vec<Timestamp> {
    let length = micros(frequency);
    let own = step.saturating_add(1).saturating_mul(length);
    let mut ends = vec![Timestamp::from_micros(own)];
    if period > frequency {
        ends.push(Timestamp::from_micros(own.saturating_add(length)));
    }
    ends.retain(|end| *end <= closed);
    ends
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
    }

    #[test]
    fn a_late_row_concerns_its_own_window_and_the_overlapping_one() {
        let step = at("10:00:00").as_micros() / 300_000_000;
        let ends = |period, closed| ends_of_step(step, MINUTE * 5, MINUTE * period, at(closed));
        assert_eq!(ends(5, "11:00:00"), [at("10:05:00")]);
        assert_eq!(ends(60, "11:00:00"), [at("10:05:00"), at("10:10:00")]);
        assert_eq!(ends(60, "10:05:00"), [at("10:05:00")]);
        assert_eq!(ends(60, "10:00:00"), []);
    }
}
