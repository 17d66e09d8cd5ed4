//! A segment: one Parquet file of one table, sorted by event time, written once and never changed.

mod form;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::compute::{self, SortColumn, SortOptions};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::error::ArrowError;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use thiserror::Error;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use crate::batch::time_range;
use crate::disk::{Disk, DiskError, Unfinished};
use crate::schema::{TIME_COLUMN, Table};
use crate::time::Timestamp;

pub(crate) use form::of_files;
pub(crate) use writer::SegmentWriter;

/// First letters of a segment's file name; by them our orphans are told from others' files.
const NAME_PREFIX: &str = "segment-";

/// A segment that can't be written.
#[derive(Debug, Error)]
pub enum SegmentError {
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Sorting failed.
    #[error("sort rows")]
    Arrow(#[from] ArrowError),
    /// Encoding failed.
    #[error("write parquet")]
    Parquet(#[from] ParquetError),
    /// A batch without one event time has no place in a sorted file.
    #[error("rows have no event time")]
    NoTime,
}

/// Whether a segment was compacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// As it was published: it may overlap any other in time.
    Fresh,
    /// Compacted: it overlaps no other that was compacted from rows of the same day.
    Compacted,
}

/// When the rows of a segment came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) min: Timestamp,
    pub(crate) max: Timestamp,
}

/// A published segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its id in the catalog.
    pub id: i64,
    /// Its file.
    pub path: PathBuf,
    /// Rows in it.
    pub rows: u64,
    /// Length of the file.
    pub bytes: u64,
    /// First event time.
    pub time_min: Timestamp,
    /// Last event time.
    pub time_max: Timestamp,
    /// When the first of its rows came in.
    pub received_min: Timestamp,
    /// When the last of its rows came in.
    pub received_max: Timestamp,
    /// Whether it was compacted.
    pub level: Level,
}

/// A segment's file, finished but not yet in the catalog.
#[derive(Debug)]
pub(crate) struct WrittenSegment {
    pub(crate) table: Table,
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) time_min: Timestamp,
    pub(crate) time_max: Timestamp,
    pub(crate) level: Level,
    pub(crate) received: Received,
    /// BLAKE3 of the file.
    pub(crate) digest: [u8; 32],
    pub(crate) metadata: ParquetMetaData,
}

/// Sorts rows by time and writes them durably into `folder`; blocks.
pub(crate) fn write(
    disk: &dyn Disk,
    folder: &Path,
    (table, rows): (Table, &[RecordBatch]),
    received: Received,
    zstd_level: i32,
) -> Result<WrittenSegment, SegmentError> {
    let (schema, batches) = form::with_guids(table, &sorted(table, rows)?)?;
    let mut writer = SegmentWriter::create(disk, folder, (table, &schema), zstd_level)?;
    let [temporary, path] = writer.names();
    let unfinished = Unfinished::new(disk, &temporary, &path);
    for batch in &batches {
        writer.write(batch)?;
    }
    let written = writer.finish(disk, Level::Fresh, received)?;
    unfinished.finished();
    Ok(written)
}

/// Whether a file has the name of a segment, or of one that was not finished.
pub(crate) fn is_ours(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with(NAME_PREFIX))
}

/// Whether a file of ours was begun and not finished.
pub(crate) fn is_unfinished(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "tmp")
}

/// When a file of ours was created, by its name: it ends in a UUID of version 7.
pub(crate) fn created(path: &Path) -> Timestamp {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.unwrap_or_default();
    let stem = name.split_once(".parquet").map_or(name, |(stem, _)| stem);
    let start = stem.len().checked_sub(Hyphenated::LENGTH);
    let time = start
        .and_then(|start| stem.get(start..))
        .and_then(|id| Uuid::parse_str(id).ok())
        .and_then(|id| id.get_timestamp());
    time.map_or(Timestamp::default(), |time| {
        let (seconds, nanos) = time.to_unix();
        Timestamp::default().plus(Duration::new(seconds, nanos))
    })
}

/// The rows in order of time. Logs arrive nearly in order: batches that only need to be put one behind the other
/// are not copied.
fn sorted(table: Table, rows: &[RecordBatch]) -> Result<Vec<RecordBatch>, SegmentError> {
    let mut ranges = Vec::with_capacity(rows.len());
    for batch in rows.iter().filter(|batch| batch.num_rows() > 0) {
        ranges.push((time_range(batch).ok_or(SegmentError::NoTime)?, batch));
    }
    ranges.sort_by_key(|(range, _)| *range);
    let apart = ranges.windows(2).all(|pair| match pair {
        [(before, _), (behind, _)] => before.1 <= behind.0,
        _ => true,
    });
    if apart && ranges.iter().all(|(_, batch)| is_sorted(batch)) {
        return Ok(ranges.into_iter().map(|(_, batch)| batch.clone()).collect());
    }
    let together = compute::concat_batches(&table.batch_schema(), rows)?;
    let times = together
        .column_by_name(TIME_COLUMN)
        .ok_or(SegmentError::NoTime)?;
    let by_time = SortColumn {
        values: Arc::clone(times),
        options: Some(SortOptions {
            descending: false,
            nulls_first: true,
        }),
    };
    let order = compute::lexsort_to_indices(&[by_time], None)?;
    Ok(vec![compute::take_record_batch(&together, &order)?])
}

fn is_sorted(batch: &RecordBatch) -> bool {
    let times = batch.column_by_name(TIME_COLUMN);
    times
        .and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>())
        .is_some_and(|times| times.null_count() == 0 && times.values().is_sorted())
}
