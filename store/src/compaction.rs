//! Small files become few: sorted by event time, one behind the other, of a size that is good to read.
//!
//! Rows are merged as a stream, so memory does not grow with the files. The new files take the place of the old ones
//! in one transaction of the catalog; the old ones stay until nobody can be reading them (see [`crate::upkeep`]).

mod merge;
mod plan;

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, BooleanArray, RecordBatch};
use arrow::compute;
use arrow::datatypes::{SchemaRef, TimestampMicrosecondType};
use arrow::error::ArrowError;
use tokio_util::sync::CancellationToken;

use crate::batch::time_range;
use crate::catalog::{Replacement, table_folder};
use crate::disk::{self, Disk};
use crate::point::Point;
use crate::schema::{TIME_COLUMN, Table};
use crate::segment::{Level, Received, Segment, SegmentError, SegmentWriter, WrittenSegment};
use crate::store::{Store, StoreError};
use crate::time::Timestamp;
use crate::upkeep::Upkeep;
use crate::workspace::Workspace;

pub use plan::CompactionSettings;
pub(crate) use plan::{borders, day};

/// What one compaction did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Compacted {
    /// Files that were taken together.
    pub(crate) files_before: u64,
    /// Files that hold their rows now.
    pub(crate) files_after: u64,
    /// The rows.
    pub(crate) rows: u64,
}

impl Store {
    /// Compacts what is next of a table; `None` if all is well, or if told to end.
    pub(crate) async fn compact_next(
        &self,
        upkeep: &mut Upkeep,
        (workspace, table): (&Workspace, Table),
        cancelled: &CancellationToken,
    ) -> Result<Option<Compacted>, StoreError> {
        let segments = self.snapshot(workspace, table).segments;
        let Some(chosen) = plan::next(&segments, &self.settings.compaction, self.clock.now())
        else {
            return Ok(None);
        };
        let work = Work {
            disk: Arc::clone(&self.settings.disk),
            folder: table_folder(&self.lake()?, workspace, table),
            table,
            chosen: chosen.clone(),
            zstd_level: self.settings.zstd_level,
            settings: self.settings.compaction,
            begun: Vec::new(),
        };
        let token = cancelled.clone();
        let written = tokio::task::spawn_blocking(move || work.run(&token)).await??;
        let Some(written) = written else {
            return Ok(None);
        };
        self.reach(Point::CompactionWritten)?;
        let outcome = Compacted {
            files_before: chosen.len() as u64,
            files_after: written.len() as u64,
            rows: written.iter().map(|segment| segment.rows).sum(),
        };
        self.replace(
            upkeep,
            Replacement::compaction(workspace, table, &chosen, written),
        )
        .await?;
        metrics::counter!("bartizan_compactions_total").increment(1);
        metrics::counter!("bartizan_compacted_rows_total").increment(outcome.rows);
        Ok(Some(outcome))
    }
}

/// One compaction, to be done on a thread that may block.
struct Work {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    table: Table,
    chosen: Vec<Arc<Segment>>,
    zstd_level: i32,
    settings: CompactionSettings,
    /// Names of the files that were begun.
    begun: Vec<[PathBuf; 2]>,
}

impl Work {
    /// The new files, or nothing if told to end; what is not to be published is removed.
    fn run(
        mut self,
        cancelled: &CancellationToken,
    ) -> Result<Option<Vec<WrittenSegment>>, SegmentError> {
        let written = self.merged(cancelled);
        if !matches!(written, Ok(Some(_))) {
            for name in self.begun.iter().flatten() {
                disk::give_up(self.disk.as_ref(), name);
            }
        }
        written
    }

    fn merged(
        &mut self,
        cancelled: &CancellationToken,
    ) -> Result<Option<Vec<WrittenSegment>>, SegmentError> {
        let disk = Arc::clone(&self.disk);
        let disk = disk.as_ref();
        let mut merge = merge::Merge::new(Arc::clone(&self.disk), self.table, &self.chosen)?;
        let schema = Arc::clone(merge.schema());
        let borders = self.chosen.first().map(|segment| borders(day(segment)));
        let borders = borders.unwrap_or_default();
        let Some(received) = self.received() else {
            return Ok(Some(Vec::new()));
        };
        let mut written = Vec::new();
        let mut open: Option<(usize, SegmentWriter)> = None;
        while let Some(batch) = merge.next_batch()? {
            if cancelled.is_cancelled() {
                return Ok(None);
            }
            for (zone, part) in split(&batch, borders) {
                let mut writer = match open.take() {
                    Some((same, writer)) if same == zone => writer,
                    Some((_, writer)) => {
                        written.push(writer.finish(disk, Level::Compacted, received)?);
                        self.begin(&schema)?
                    }
                    None => self.begin(&schema)?,
                };
                writer.write(&part)?;
                if self.is_full(&writer) {
                    written.push(writer.finish(disk, Level::Compacted, received)?);
                } else {
                    open = Some((zone, writer));
                }
            }
        }
        if let Some((_, writer)) = open {
            written.push(writer.finish(disk, Level::Compacted, received)?);
        }
        Ok(Some(written))
    }

    fn begin(&mut self, schema: &SchemaRef) -> Result<SegmentWriter, SegmentError> {
        let disk = self.disk.as_ref();
        let form = (self.table, schema);
        let writer = SegmentWriter::create(disk, &self.folder, form, self.zstd_level)?;
        self.begun.push(writer.names());
        Ok(writer)
    }

    /// That of all files together: so the new ones belong to the same day.
    fn received(&self) -> Option<Received> {
        let min = self
            .chosen
            .iter()
            .map(|segment| segment.received_min)
            .min()?;
        let max = self
            .chosen
            .iter()
            .map(|segment| segment.received_max)
            .max()?;
        Some(Received { min, max })
    }

    fn is_full(&self, writer: &SegmentWriter) -> bool {
        writer.bytes() >= self.settings.file_bytes || writer.rows() >= self.settings.file_rows
    }
}

/// A sorted batch cut at the borders inside it, each part with its zone.
fn split(batch: &RecordBatch, borders: [Timestamp; 2]) -> Vec<(usize, RecordBatch)> {
    let mut parts = Vec::with_capacity(1);
    let mut start = 0;
    let ends = borders.map(|border| rows_before(batch, border));
    for (zone, end) in ends.into_iter().chain([batch.num_rows()]).enumerate() {
        if end > start {
            parts.push((zone, batch.slice(start, end - start)));
            start = end;
        }
    }
    parts
}

/// Rows of a sorted batch before an instant. Those without a time stand at its start.
fn rows_before(batch: &RecordBatch, instant: Timestamp) -> usize {
    let times = batch
        .column_by_name(TIME_COLUMN)
        .and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>());
    times.map_or(0, |times| {
        let nulls = times.null_count();
        nulls
            + times
                .values()
                .get(nulls..)
                .unwrap_or_default()
                .partition_point(|time| *time < instant.as_micros())
    })
}

/// Batches on their way to a flush, apart by zone: usually all are in one, and none is copied.
pub(crate) fn apart(
    batches: &[RecordBatch],
    received_max: Timestamp,
) -> Result<Vec<Vec<RecordBatch>>, ArrowError> {
    let borders = borders(plan::day_of(received_max));
    let [begin, end] = borders;
    let within = |batch: &RecordBatch| {
        time_range(batch).is_none_or(|(first, last)| first >= begin && last < end)
    };
    if batches.iter().all(within) {
        return Ok(vec![batches.to_vec()]);
    }
    let mut zones: [Vec<RecordBatch>; 3] = Default::default();
    for batch in batches {
        for (zone, rows) in zones.iter_mut().enumerate() {
            let in_zone = compute::filter_record_batch(batch, &mask(batch, borders, zone))?;
            if in_zone.num_rows() > 0 {
                rows.push(in_zone);
            }
        }
    }
    Ok(zones.into_iter().filter(|rows| !rows.is_empty()).collect())
}

/// Which rows of a batch lie in a zone; those without a time go with the earliest.
fn mask(batch: &RecordBatch, borders: [Timestamp; 2], zone: usize) -> BooleanArray {
    let times = batch
        .column_by_name(TIME_COLUMN)
        .and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>());
    let zone_of = |time: Timestamp| borders.iter().filter(|border| time >= **border).count();
    let without = time_range(batch).map_or(0, |(first, _)| zone_of(first));
    match times {
        Some(times) => times
            .iter()
            .map(|time| {
                Some(time.map_or(without, |time| zone_of(Timestamp::from_micros(time))) == zone)
            })
            .collect(),
        None => BooleanArray::from(vec![zone == without; batch.num_rows()]),
    }
}
