//! Column statistics in DuckLake's text form, from a Parquet footer.
//!
//! Readers skip files by them, so what isn't exact isn't said.

use chrono::DateTime;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics;

use crate::schema::ColumnType;

/// One column of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ColumnStatistics {
    pub(super) column_id: i64,
    pub(super) size_bytes: i64,
    pub(super) value_count: i64,
    pub(super) null_count: i64,
    pub(super) bounds: Option<Bounds>,
}

/// Smallest and largest value, which compare as their column type does.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub(super) enum Bound {
    Number(i64),
    Text(String),
}

impl Eq for Bound {}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) min: Bound,
    pub(super) max: Bound,
}

impl Bound {
    /// As DuckLake writes a value of that type.
    pub(super) fn text(&self, kind: ColumnType) -> String {
        match (self, kind) {
            (Self::Number(micros), ColumnType::Datetime) => time_text(*micros),
            (Self::Number(number), _) => number.to_string(),
            (Self::Text(text), _) => text.clone(),
        }
    }

    /// Reads what [`Bound::text`] or DuckDB wrote.
    pub(super) fn parse(text: &str, kind: ColumnType) -> Option<Self> {
        match kind {
            ColumnType::Datetime => parse_time(text).map(Self::Number),
            ColumnType::Int | ColumnType::Long => text.parse().ok().map(Self::Number),
            _ => Some(Self::Text(text.to_owned())),
        }
    }
}

pub(super) fn time_text(micros: i64) -> String {
    match DateTime::from_timestamp_micros(micros) {
        Some(time) => time.format("%Y-%m-%d %H:%M:%S%.6f+00").to_string(),
        None => micros.to_string(),
    }
}

/// Microseconds of a timestamp in the form `2026-11-23 11:29:14.04816+00`.
pub(super) fn parse_time(text: &str) -> Option<i64> {
    let time = DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%#z").ok()?;
    Some(time.timestamp_micros())
}

/// The statistics of a file's columns, in the order of `kinds`, which is that of the file.
pub(super) fn of_file(metadata: &ParquetMetaData, kinds: &[ColumnType]) -> Vec<ColumnStatistics> {
    let mut all: Vec<ColumnStatistics> = (1_i64..)
        .zip(kinds)
        .map(|(column_id, _)| ColumnStatistics {
            column_id,
            ..Default::default()
        })
        .collect();
    for row_group in metadata.row_groups() {
        for ((column, statistics), kind) in row_group.columns().iter().zip(&mut all).zip(kinds) {
            let values = column.num_values();
            let nulls = column
                .statistics()
                .and_then(Statistics::null_count_opt)
                .unwrap_or(0);
            let only_nulls_before = statistics.value_count == statistics.null_count;
            let only_nulls_here = nulls.cast_signed() == values;
            let here = column
                .statistics()
                .and_then(|written| bounds(written, *kind));
            statistics.size_bytes += column.compressed_size();
            statistics.value_count += values;
            statistics.null_count += nulls.cast_signed();
            statistics.bounds = match (statistics.bounds.take(), here) {
                (before, None) if only_nulls_here => before,
                (None, Some(here)) if only_nulls_before => Some(here),
                (Some(before), Some(here)) => Some(wider(before, here)),
                _ => None,
            };
        }
    }
    all
}

/// Bounds that hold for both.
pub(super) fn wider(left: Bounds, right: Bounds) -> Bounds {
    Bounds {
        min: if right.min < left.min {
            right.min
        } else {
            left.min
        },
        max: if right.max > left.max {
            right.max
        } else {
            left.max
        },
    }
}

fn bounds(statistics: &Statistics, kind: ColumnType) -> Option<Bounds> {
    if !statistics.min_is_exact() || !statistics.max_is_exact() {
        return None;
    }
    let number = |min: Option<i64>, max: Option<i64>| {
        Some(Bounds {
            min: Bound::Number(min?),
            max: Bound::Number(max?),
        })
    };
    match (statistics, kind) {
        (Statistics::Int64(values), ColumnType::Datetime | ColumnType::Long) => {
            number(values.min_opt().copied(), values.max_opt().copied())
        }
        (Statistics::Int32(values), ColumnType::Int) => number(
            values.min_opt().copied().map(i64::from),
            values.max_opt().copied().map(i64::from),
        ),
        (Statistics::ByteArray(values), ColumnType::Text) => {
            let min = values.min_opt()?.as_utf8().ok()?.to_owned();
            let max = values.max_opt()?.as_utf8().ok()?.to_owned();
            Some(Bounds {
                min: Bound::Text(min),
                max: Bound::Text(max),
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read_as_duckdb_does() {
        let micros = 1_795_433_354_048_160;
        assert_eq!(time_text(micros), "2026-11-23 11:29:14.048160+00");
        assert_eq!(parse_time("2026-11-23 11:29:14.04816+00"), Some(micros));
    }
}
