//! Rows of many files in one order of time, a batch at a time.
//!
//! A file is opened when the merge reaches its first event and closed behind its last, so that files which follow
//! each other are never open together. Of an open file one batch is in memory.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{AsArray as _, RecordBatch};
use arrow::compute;
use arrow::datatypes::{SchemaRef, TimestampMicrosecondType};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::ParquetMetaDataReader;

use crate::disk::{Disk, DiskError, OpenFile};
use crate::schema::{TIME_COLUMN, Table, bring};
use crate::segment::{self, Segment, SegmentError};

/// Rows that are read, and given, at a time.
const BATCH_ROWS: usize = 4096;

/// Files on their way to become one.
pub(crate) struct Merge {
    /// In which all files' rows can be together.
    schema: SchemaRef,
    disk: Arc<dyn Disk>,
    /// Not yet opened, earliest first.
    waiting: VecDeque<Arc<Segment>>,
    open: Vec<Input>,
}

struct Input {
    reader: ParquetRecordBatchReader,
    batch: RecordBatch,
    times: Vec<i64>,
    row: usize,
    /// Place of `batch` among those that the batch in the making is taken from.
    place: Option<usize>,
}

impl Input {
    fn head(&self) -> i64 {
        self.times.get(self.row).copied().unwrap_or(i64::MAX)
    }

    /// Reads on; false at the end of the file.
    fn advance(&mut self, schema: &SchemaRef) -> Result<bool, SegmentError> {
        loop {
            let Some(batch) = self.reader.next() else {
                return Ok(false);
            };
            let batch = bring(schema, &batch?)?;
            if batch.num_rows() == 0 {
                continue;
            }
            self.times = times(&batch)?;
            self.batch = batch;
            self.row = 0;
            self.place = None;
            return Ok(true);
        }
    }
}

/// Event times of a batch; a row without one comes first, where sorting put it.
fn times(batch: &RecordBatch) -> Result<Vec<i64>, SegmentError> {
    let times = batch
        .column_by_name(TIME_COLUMN)
        .and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>())
        .ok_or(SegmentError::NoTime)?;
    Ok(times.iter().map(|time| time.unwrap_or(i64::MIN)).collect())
}

fn open(disk: &dyn Disk, segment: &Segment) -> Result<OpenFile, DiskError> {
    disk.open(&segment.path)
        .map_err(|source| DiskError::new("open", &segment.path, source))
}

impl Merge {
    /// `segments` are in order of their first event.
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        table: Table,
        segments: &[Arc<Segment>],
    ) -> Result<Self, SegmentError> {
        let mut footers = Vec::with_capacity(segments.len());
        for segment in segments {
            let file = open(disk.as_ref(), segment)?;
            footers.push(ParquetMetaDataReader::new().parse_and_finish(&file)?);
        }
        Ok(Self {
            schema: segment::of_files(table, &footers),
            disk,
            waiting: segments.iter().cloned().collect(),
            open: Vec::new(),
        })
    }

    /// The schema of the batches.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The next rows; `None` at the end.
    pub(crate) fn next_batch(&mut self) -> Result<Option<RecordBatch>, SegmentError> {
        let mut sources: Vec<RecordBatch> = Vec::new();
        let mut taken: Vec<(usize, usize)> = Vec::with_capacity(BATCH_ROWS);
        for input in &mut self.open {
            input.place = None;
        }
        while taken.len() < BATCH_ROWS {
            self.open_reached()?;
            let Some((first, limit)) = self.first() else {
                break;
            };
            let Some(input) = self.open.get_mut(first) else {
                break;
            };
            let place = *input.place.get_or_insert_with(|| {
                sources.push(input.batch.clone());
                sources.len() - 1
            });
            // All that comes before the others' next row is taken at once; the first row always is.
            loop {
                taken.push((place, input.row));
                input.row += 1;
                let is_next = input.row < input.times.len() && input.head() <= limit;
                if !is_next || taken.len() >= BATCH_ROWS {
                    break;
                }
            }
            if input.row >= input.times.len() && !input.advance(&self.schema)? {
                self.open.remove(first);
            }
        }
        if taken.is_empty() {
            return Ok(None);
        }
        if let ([only], Some((_, start))) = (sources.as_slice(), taken.first()) {
            // One behind the other: nothing is copied.
            return Ok(Some(only.slice(*start, taken.len())));
        }
        let sources: Vec<&RecordBatch> = sources.iter().collect();
        Ok(Some(compute::interleave_record_batch(&sources, &taken)?))
    }

    /// Opens the files that begin no later than the earliest row.
    fn open_reached(&mut self) -> Result<(), SegmentError> {
        while let Some(next) = self.waiting.front() {
            let head = self.open.iter().map(Input::head).min();
            if head.is_some_and(|head| head < next.time_min.as_micros()) {
                break;
            }
            let Some(segment) = self.waiting.pop_front() else {
                break;
            };
            let file = open(self.disk.as_ref(), &segment)?;
            let reader = ParquetRecordBatchReaderBuilder::try_new(file)?
                .with_batch_size(BATCH_ROWS)
                .build()?;
            let mut input = Input {
                reader,
                batch: RecordBatch::new_empty(Arc::clone(&self.schema)),
                times: Vec::new(),
                row: 0,
                place: None,
            };
            if input.advance(&self.schema)? {
                self.open.push(input);
            }
        }
        Ok(())
    }

    /// The input with the earliest row, and the time up to which no other has one.
    fn first(&self) -> Option<(usize, i64)> {
        let mut heads: Vec<(i64, usize)> = (0..)
            .zip(&self.open)
            .map(|(place, input)| (input.head(), place))
            .collect();
        heads.sort_unstable();
        let (_, first) = *heads.first()?;
        let others = heads.get(1).map(|(head, _)| *head);
        let waiting = self.waiting.front().map(|next| next.time_min.as_micros());
        let limit = others.into_iter().chain(waiting).min();
        Some((first, limit.unwrap_or(i64::MAX)))
    }
}
