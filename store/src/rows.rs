//! What queries see: published segments, rows on their way into one, and recent rows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute;

use crate::schema::Table;
use crate::segment::{Level, Segment};
use crate::workspace::Workspace;

/// One table as it stood at one moment; every acknowledged row is in it exactly once.
#[derive(Clone, Debug, Default)]
pub struct TableSnapshot {
    /// Published files.
    pub segments: Vec<Arc<Segment>>,
    /// Rows that no file holds yet.
    pub recent: Vec<RecordBatch>,
}

/// Many small batches make a query slow, so that many are joined to one.
const SMALL_BATCHES_MAX: usize = 64;

/// A batch of that many rows is not small. Joined ones would be copied while the log waits, and again for a
/// segment: senders overlap, so what was joined as it came is no longer in order of time.
const SMALL_ROWS_MAX: usize = 512;

#[derive(Debug, Default)]
struct TableRows {
    segments: Vec<Arc<Segment>>,
    flushing: Vec<RecordBatch>,
    joined: Vec<RecordBatch>,
    small: Vec<RecordBatch>,
}

impl TableRows {
    fn push(&mut self, table: Table, rows: RecordBatch) {
        if rows.num_rows() > SMALL_ROWS_MAX {
            self.joined.push(rows);
            return;
        }
        self.small.push(rows);
        if self.small.len() < SMALL_BATCHES_MAX {
            return;
        }
        match compute::concat_batches(&table.batch_schema(), &self.small) {
            Ok(joined) => {
                self.joined.push(joined);
                self.small.clear();
            }
            Err(error) => {
                tracing::warn!(%error, "join recent rows");
                self.joined.append(&mut self.small);
            }
        }
    }
}

/// Every table's rows.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    tables: BTreeMap<(Workspace, Table), TableRows>,
    recent_bytes: usize,
    flushing_bytes: usize,
}

/// The rows of one table that a segment is to be made of.
#[derive(Debug)]
pub(crate) struct Flush {
    pub(crate) workspace: Workspace,
    pub(crate) table: Table,
    pub(crate) rows: Vec<RecordBatch>,
}

impl Rows {
    pub(crate) fn push(&mut self, workspace: &Workspace, table: Table, rows: RecordBatch) {
        self.recent_bytes += rows.get_array_memory_size();
        self.tables
            .entry((workspace.clone(), table))
            .or_default()
            .push(table, rows);
    }

    pub(crate) fn add_segment(&mut self, workspace: Workspace, table: Table, segment: Segment) {
        self.tables
            .entry((workspace, table))
            .or_default()
            .segments
            .push(Arc::new(segment));
    }

    /// Every table that has rows.
    pub(crate) fn tables(&self) -> Vec<(Workspace, Table)> {
        self.tables.keys().cloned().collect()
    }

    /// Puts segments in the place of others; gives those that went.
    pub(crate) fn replace_segments(
        &mut self,
        (workspace, table): (&Workspace, Table),
        removed: &BTreeSet<i64>,
        added: Vec<Segment>,
    ) -> Vec<Arc<Segment>> {
        let rows = self.tables.entry((workspace.clone(), table)).or_default();
        let (retired, left) = std::mem::take(&mut rows.segments)
            .into_iter()
            .partition(|segment| removed.contains(&segment.id));
        rows.segments = left;
        rows.segments.extend(added.into_iter().map(Arc::new));
        retired
    }

    /// Puts what the catalog says now in the place of all segments; gives those that went.
    pub(crate) fn reload_segments(
        &mut self,
        segments: Vec<(Workspace, Table, Segment)>,
    ) -> Vec<Arc<Segment>> {
        let before = self.tables.values_mut();
        let before = before.flat_map(|rows| std::mem::take(&mut rows.segments));
        let mut before: BTreeMap<i64, Arc<Segment>> =
            before.map(|segment| (segment.id, segment)).collect();
        for (workspace, table, segment) in segments {
            let rows = self.tables.entry((workspace, table)).or_default();
            let is_same = before
                .get(&segment.id)
                .is_some_and(|same| **same == segment);
            let same = is_same.then(|| before.remove(&segment.id)).flatten();
            rows.segments
                .push(same.unwrap_or_else(|| Arc::new(segment)));
        }
        before.into_values().collect()
    }

    /// Files that queries see.
    pub(crate) fn paths(&self) -> BTreeSet<PathBuf> {
        let segments = self.tables.values().flat_map(|rows| &rows.segments);
        segments.map(|segment| segment.path.clone()).collect()
    }

    /// How many segments of one table were not compacted, where they are most.
    pub(crate) fn fresh_max(&self) -> usize {
        let fresh = |rows: &TableRows| {
            let segments = rows.segments.iter();
            segments
                .filter(|segment| segment.level == Level::Fresh)
                .count()
        };
        self.tables.values().map(fresh).max().unwrap_or(0)
    }

    /// Rows that no segment holds.
    pub(crate) fn unpublished(&self) -> u64 {
        let rows = self
            .tables
            .values()
            .flat_map(|rows| rows.flushing.iter().chain(&rows.joined).chain(&rows.small));
        rows.map(|batch| batch.num_rows() as u64).sum()
    }

    /// Memory of rows that no segment holds.
    pub(crate) fn bytes(&self) -> usize {
        self.recent_bytes + self.flushing_bytes
    }

    pub(crate) fn snapshot(&self, workspace: &Workspace, table: Table) -> TableSnapshot {
        let Some(rows) = self.tables.get(&(workspace.clone(), table)) else {
            return TableSnapshot::default();
        };
        let batches = rows.flushing.iter().chain(&rows.joined).chain(&rows.small);
        TableSnapshot {
            segments: rows.segments.clone(),
            recent: batches.cloned().collect(),
        }
    }

    /// Bytes of a table: of its files, and of the memory that its other rows take.
    pub(crate) fn table_bytes(&self, workspace: &Workspace, table: Table) -> u64 {
        let Some(rows) = self.tables.get(&(workspace.clone(), table)) else {
            return 0;
        };
        let files: u64 = rows.segments.iter().map(|segment| segment.bytes).sum();
        let batches = rows.flushing.iter().chain(&rows.joined).chain(&rows.small);
        let recent: usize = batches.map(RecordBatch::get_array_memory_size).sum();
        files.saturating_add(recent as u64)
    }

    /// Sets everything recent aside for a flush; what an earlier flush failed to publish is among it.
    pub(crate) fn begin_flush(&mut self) -> Vec<Flush> {
        self.flushing_bytes += std::mem::take(&mut self.recent_bytes);
        let mut flushes = Vec::new();
        for ((workspace, table), rows) in &mut self.tables {
            rows.flushing.append(&mut rows.joined);
            rows.flushing.append(&mut rows.small);
            if !rows.flushing.is_empty() {
                flushes.push(Flush {
                    workspace: workspace.clone(),
                    table: *table,
                    rows: rows.flushing.clone(),
                });
            }
        }
        flushes
    }

    /// Puts the published segments in the place of the rows that were set aside, and gives those rows: freeing them
    /// takes longer than anybody should wait for this.
    pub(crate) fn finish_flush(
        &mut self,
        segments: Vec<(Workspace, Table, Segment)>,
    ) -> Vec<RecordBatch> {
        self.flushing_bytes = 0;
        let mut published = Vec::new();
        for rows in self.tables.values_mut() {
            published.append(&mut rows.flushing);
        }
        for (workspace, table, segment) in segments {
            self.add_segment(workspace, table, segment);
        }
        published
    }
}
