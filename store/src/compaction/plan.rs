//! Which files of a table are to become one another: a pure decision.
//!
//! Files are taken together by the day on which their rows came in, so that a day that is over is compacted once
//! and for all, and retention can drop whole files. Within a day compacted files follow each other in event time.
//! Rows whose event time is far from that day (wrong clocks, old logs) have files of their own: one row of the year
//! 1601 must not make a file seem to span four centuries.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::segment::{Level, Segment};
use crate::time::Timestamp;

/// Bounds of compaction.
#[derive(Clone, Copy, Debug)]
pub struct CompactionSettings {
    /// A compacted file is closed when it is about this long.
    pub file_bytes: u64,
    /// A compacted file is closed when it has this many rows.
    pub file_rows: u64,
    /// So many small files of a day are compacted at once; fewer when the day is over. They may all be open together, so
    /// this bounds the memory too.
    pub files_min: usize,
}

impl Default for CompactionSettings {
    fn default() -> Self {
        Self {
            file_bytes: 128 << 20,
            file_rows: 4_000_000,
            files_min: 16,
        }
    }
}

/// Small files that follow each other and are taken together; one of them at a time is open for reading.
const RUN_MAX: usize = 64;

const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

/// The day on which the youngest row of a file came in, counted from 1970-01-01 UTC.
pub(crate) fn day(segment: &Segment) -> i64 {
    day_of(segment.received_max)
}

/// The day of an instant.
pub(crate) fn day_of(instant: Timestamp) -> i64 {
    instant.as_micros().div_euclid(DAY_MICROS)
}

/// Event times apart from which rows are kept in files of their own: a day before the day, and a day behind it.
pub(crate) fn borders(day: i64) -> [Timestamp; 2] {
    [day - 1, day + 2].map(|day| Timestamp::from_micros(day.saturating_mul(DAY_MICROS)))
}

/// On which side of the day's borders a file lies; `None` if it lies across one.
fn zone(segment: &Segment) -> Option<usize> {
    let zone = |instant: Timestamp| {
        borders(day(segment))
            .into_iter()
            .filter(|border| instant >= *border)
            .count()
    };
    let first = zone(segment.time_min);
    (first == zone(segment.time_max)).then_some(first)
}

/// The files to be merged next, in order of time; `None` if all is well.
pub(crate) fn next(
    segments: &[Arc<Segment>],
    settings: &CompactionSettings,
    now: Timestamp,
) -> Option<Vec<Arc<Segment>>> {
    let mut days: BTreeMap<i64, Vec<&Arc<Segment>>> = BTreeMap::new();
    for segment in segments {
        days.entry(day(segment)).or_default().push(segment);
    }
    let today = day_of(now);
    let chosen = days
        .into_iter()
        .find_map(|(day, files)| of_day(&files, settings, day < today))?;
    let mut chosen: Vec<_> = chosen.into_iter().cloned().collect();
    chosen.sort_by_key(|segment| (segment.time_min, segment.id));
    Some(chosen)
}

type Files<'s> = Vec<&'s Arc<Segment>>;

fn of_day<'s>(
    files: &[&'s Arc<Segment>],
    settings: &CompactionSettings,
    is_over: bool,
) -> Option<Files<'s>> {
    let mut zones: BTreeMap<usize, Files<'s>> = BTreeMap::new();
    for file in files {
        match zone(file) {
            Some(zone) => zones.entry(zone).or_default().push(file),
            // It overlaps anything: all files of the day are made anew, once.
            None => return Some(files.to_vec()),
        }
    }
    zones
        .into_values()
        .find_map(|files| of_zone(&files, settings, is_over))
}

fn of_zone<'s>(
    files: &[&'s Arc<Segment>],
    settings: &CompactionSettings,
    is_over: bool,
) -> Option<Files<'s>> {
    let (mut compacted, mut fresh): (Files<'s>, Files<'s>) = files
        .iter()
        .partition(|file| file.level == Level::Compacted);
    fresh.sort_by_key(|file| file.id);
    compacted.sort_by_key(|file| (file.time_min, file.time_max));
    let is_wanted = fresh.len() >= settings.files_min
        || (is_over && !fresh.is_empty() && fresh.len() + compacted.len() > 1);
    if is_wanted {
        fresh.truncate(settings.files_min.max(2));
        let first = fresh.iter().map(|file| file.time_min).min()?;
        let last = fresh.iter().map(|file| file.time_max).max()?;
        fresh.extend(
            compacted
                .into_iter()
                .filter(|file| file.time_max >= first && file.time_min <= last),
        );
        return Some(fresh);
    }
    let run_min = if is_over {
        2
    } else {
        settings.files_min.max(2)
    };
    small_run(&compacted, settings, run_min)
}

/// The first run of so many small files that follow each other.
fn small_run<'s>(
    compacted: &[&'s Arc<Segment>],
    settings: &CompactionSettings,
    run_min: usize,
) -> Option<Files<'s>> {
    let is_small = |file: &&Arc<Segment>| {
        file.bytes < settings.file_bytes / 2 && file.rows < settings.file_rows / 2
    };
    let mut runs = compacted.split(|file| !is_small(file));
    let run = runs.find(|run| run.len() >= run_min)?;
    Some(run.iter().take(RUN_MAX).copied().collect())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    const NOON: i64 = DAY_MICROS / 2;

    /// Files of day 0, named by id: `f` fresh or `c` compacted, and their first and last event time in hours.
    fn files(described: &[(&str, i64, i64)]) -> Vec<Arc<Segment>> {
        let files = (1..).zip(described).map(|(id, (kind, first, last))| {
            let hours = |count: i64| Timestamp::from_micros(count * 3_600_000_000);
            Arc::new(Segment {
                id,
                path: PathBuf::new(),
                rows: 10,
                bytes: if *kind == "C" { 1000 } else { 100 },
                time_min: hours(*first),
                time_max: hours(*last),
                received_min: Timestamp::from_micros(NOON),
                received_max: Timestamp::from_micros(NOON),
                level: if *kind == "f" {
                    Level::Fresh
                } else {
                    Level::Compacted
                },
            })
        });
        files.collect()
    }

    /// Which files are chosen while the day lasts, and when it is over.
    #[track_caller]
    fn check(described: &[(&str, i64, i64)], today: &[i64], over: &[i64]) {
        let settings = CompactionSettings {
            file_bytes: 1000,
            files_min: 3,
            ..CompactionSettings::default()
        };
        for (now, expected) in [(NOON, today), (NOON + DAY_MICROS, over)] {
            let chosen = next(&files(described), &settings, Timestamp::from_micros(now));
            let ids: Vec<i64> = chosen
                .unwrap_or_default()
                .iter()
                .map(|segment| segment.id)
                .collect();
            assert_eq!(ids, expected, "at {now}");
        }
    }

    #[test]
    fn few_fresh_files_wait_until_the_day_is_over() {
        check(&[("f", 1, 2), ("f", 2, 3)], &[], &[1, 2]);
        check(
            &[("f", 1, 2), ("f", 2, 3), ("f", 3, 4)],
            &[1, 2, 3],
            &[1, 2, 3],
        );
    }

    #[test]
    fn no_more_are_taken_than_may_be_open() {
        check(&[("f", 1, 2); 5], &[1, 2, 3], &[1, 2, 3]);
    }

    #[test]
    fn a_file_alone_is_left_alone() {
        check(&[("f", 1, 2)], &[], &[]);
        check(&[("c", 1, 2)], &[], &[]);
    }

    #[test]
    fn compacted_files_are_taken_along_only_where_they_overlap() {
        check(
            &[
                ("C", 0, 4),
                ("C", 4, 8),
                ("C", 9, 12),
                ("f", 7, 8),
                ("f", 7, 8),
                ("f", 8, 8),
            ],
            &[2, 4, 5, 6],
            &[2, 4, 5, 6],
        );
    }

    #[test]
    fn small_compacted_files_that_follow_each_other_become_one() {
        check(&[("c", 0, 1), ("c", 1, 2)], &[], &[1, 2]);
        check(
            &[("c", 0, 1), ("c", 1, 2), ("c", 2, 3)],
            &[1, 2, 3],
            &[1, 2, 3],
        );
        check(&[("c", 0, 1), ("C", 1, 2), ("c", 2, 3)], &[], &[]);
    }

    #[test]
    fn wrong_event_times_are_kept_apart() {
        let year_1601 = -3_234_576;
        check(
            &[
                ("f", year_1601, year_1601),
                ("f", 1, 2),
                ("C", 1, 2),
                ("f", 2, 3),
                ("f", 1_000_000, 1_000_001),
            ],
            &[],
            &[2, 3, 4],
        );
    }

    #[test]
    fn a_file_across_a_border_takes_the_day_along() {
        check(
            &[("f", -1_000_000, 2), ("C", 1, 2), ("C", 2, 3)],
            &[1, 2, 3],
            &[1, 2, 3],
        );
    }
}
