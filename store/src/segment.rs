//! A segment: one Parquet file of one table, sorted by event time, written once and never changed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::compute::{self, SortColumn, SortOptions};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use thiserror::Error;
use uuid::Uuid;

use crate::batch::time_range;
use crate::disk::{self, DiskError};
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
    folder: &Path,
    table: Table,
    rows: &[RecordBatch],
    zstd_level: i32,
) -> Result<WrittenSegment, SegmentError> {
    let sorted = sort(table, rows)?;
    let (time_min, time_max) = time_range(&sorted).ok_or(SegmentError::NoTime)?;
    disk::create_folder(folder)?;
    let name = format!("{NAME_PREFIX}{}.parquet", Uuid::now_v7());
    let path = folder.join(&name);
    let temporary = folder.join(format!("{name}.tmp"));
    let file =
        File::create(&temporary).map_err(|source| DiskError::new("create", &temporary, source))?;
    let mut writer = ArrowWriter::try_new(file, sorted.schema(), Some(properties(zstd_level)?))?;
    writer.write(&sorted)?;
    let metadata = writer.close()?;
    disk::finish_file(&temporary, &path)?;
    let bytes = path
        .metadata()
        .map_err(|source| DiskError::new("measure", &path, source))?
        .len();
    Ok(WrittenSegment {
        table,
        name,
        path,
        rows: sorted.num_rows() as u64,
        bytes,
        time_min,
        time_max,
        metadata,
    })
}

fn sort(table: Table, rows: &[RecordBatch]) -> Result<RecordBatch, SegmentError> {
    let together = compute::concat_batches(&table.arrow_schema(), rows)?;
    let Some(times) = together.column_by_name(TIME_COLUMN) else {
        return Err(SegmentError::NoTime);
    };
    // Logs arrive nearly in order: a batch that already is costs one pass and no copy.
    let in_order = times
        .as_primitive_opt::<TimestampMicrosecondType>()
        .is_some_and(|times| times.null_count() == 0 && times.values().is_sorted());
    if in_order {
        return Ok(together);
    }
    let by_time = SortColumn {
        values: Arc::clone(times),
        options: Some(SortOptions {
            descending: false,
            nulls_first: true,
        }),
    };
    let order = compute::lexsort_to_indices(&[by_time], None)?;
    Ok(compute::take_record_batch(&together, &order)?)
}

fn properties(zstd_level: i32) -> Result<WriterProperties, ParquetError> {
    Ok(WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(zstd_level)?))
        // Pages are pruned by the column that rows are sorted by; of the others a page's bounds say little.
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_column_statistics_enabled(ColumnPath::from(TIME_COLUMN), EnabledStatistics::Page)
        .set_max_row_group_row_count(Some(128 * 1024))
        .set_created_by("bartizan".to_owned())
        .build())
}
