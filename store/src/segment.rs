//! A segment: one Parquet file of one table, sorted by event time, written once and never changed.

mod form;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::compute::{self, SortColumn, SortOptions};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::error::ArrowError;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use thiserror::Error;
use uuid::Uuid;

use crate::batch::time_range;
use crate::disk::{self, Disk, DiskError, Unfinished};
use crate::point::{self, Point};
use crate::schema::{TIME_COLUMN, Table};
use crate::time::Timestamp;

/// First letters of a segment's file name; by them our orphans are told from others' files.
pub(crate) const NAME_PREFIX: &str = "segment-";

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
    pub(crate) metadata: ParquetMetaData,
}

/// Sorts rows by time and writes them durably into `folder`; blocks.
pub(crate) fn write(
    disk: &dyn Disk,
    folder: &Path,
    table: Table,
    rows: &[RecordBatch],
    zstd_level: i32,
) -> Result<WrittenSegment, SegmentError> {
    let sorted = sorted(table, rows)?;
    let ends = sorted
        .first()
        .and_then(time_range)
        .zip(sorted.last().and_then(time_range));
    let ((time_min, _), (_, time_max)) = ends.ok_or(SegmentError::NoTime)?;
    disk::create_folder(disk, folder)?;
    let name = format!("{NAME_PREFIX}{}.parquet", Uuid::now_v7());
    let path = folder.join(&name);
    let temporary = folder.join(format!("{name}.tmp"));
    let failed = |source| DiskError::new("write", &path, source);
    point::reach(disk, Point::SegmentCreate).map_err(failed)?;
    let unfinished = Unfinished::new(disk, &temporary, &path);
    let mut file = disk
        .create(&temporary)
        .map_err(|source| DiskError::new("create", &temporary, source))?;
    let metadata = form::write(&mut file, table, &sorted, zstd_level)?;
    point::reach(disk, Point::SegmentWritten).map_err(failed)?;
    let bytes = disk::finish_file(disk, file, &temporary, &path)?;
    unfinished.finished();
    Ok(WrittenSegment {
        table,
        name,
        path,
        rows: sorted.iter().map(|batch| batch.num_rows() as u64).sum(),
        bytes,
        time_min,
        time_max,
        metadata,
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
