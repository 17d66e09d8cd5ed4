//! Turns recent rows into published segments.
//!
//! A reconciler: woken by size and by time, it has no input, and a publication that failed is simply done
//! again. A segment that was written but not published is an orphan, and is removed in time.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arrow::array::RecordBatch;
use tokio_util::sync::CancellationToken;

use crate::batch::received_range;
use crate::catalog::{Prepared, Publication, StoredProgress, table_folder};
use crate::compaction::apart;
use crate::disk::{self, Disk};
use crate::idempotency::Answered;
use crate::point::Point;
use crate::position::{Source, Standing};
use crate::rows::Flush;
use crate::schema::Table;
use crate::segment::{self, Received, Segment, SegmentError, WrittenSegment};
use crate::store::{Store, StoreError};
use crate::time::Timestamp;
use crate::workspace::Workspace;

/// What one publication did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// Segments written.
    pub segments: u64,
    /// Rows in them.
    pub rows: u64,
    /// Their files' length.
    pub bytes: u64,
}

/// Where publishing stands.
#[derive(Debug)]
pub(crate) struct Publishing {
    /// Where the log stood with the last publication.
    sequence: u64,
    /// A publication whose commit was begun and not answered.
    unsettled: Option<Unsettled>,
}

impl Publishing {
    pub(crate) fn from_sequence(sequence: u64) -> Self {
        Self {
            sequence,
            unsettled: None,
        }
    }
}

#[derive(Debug)]
struct Unsettled {
    sequence: u64,
    segments: Vec<(Workspace, Table, Segment)>,
    answers: Vec<(Workspace, String, Answered)>,
    positions: Vec<(Workspace, Source, Standing)>,
}

/// How often a log that refuses batches is tried.
const PROBE_INTERVAL: Duration = Duration::from_secs(2);

impl Store {
    /// Publishes and keeps the lake in order until cancelled, then publishes once more and closes the log. Ends by itself
    /// if another process takes the lake over.
    pub async fn run(self: Arc<Self>, cancelled: CancellationToken) -> Result<(), StoreError> {
        let ended = cancelled.child_token();
        let (published, ()) = tokio::join!(self.publish_until(&ended), self.keep_up(&ended));
        let store = Arc::clone(&self);
        if tokio::task::spawn_blocking(move || store.wal.close())
            .await
            .is_err()
        {
            tracing::error!("close write-ahead log");
        }
        published.or_else(|error| self.unpublished(error))
    }

    /// Says what is in the log alone, and whether somebody will read it.
    fn unpublished(&self, error: StoreError) -> Result<(), StoreError> {
        let rows = self.state.lock().rows.unpublished();
        let log = self.settings.data.join("wal");
        if error.is_taken_over() {
            tracing::error!(
                rows,
                log = %log.display(),
                "another process has taken this lake over: it does not see the rows that this one acknowledged and did \
                 not publish; keep the folder, whose log has them"
            );
        } else if rows > 0 {
            tracing::warn!(rows, log = %log.display(), "rows are not published: the next start reads them from the log");
        }
        if rows == 0 {
            return if error.is_taken_over() {
                Err(error)
            } else {
                Ok(())
            };
        }
        let source = Box::new(error);
        Err(StoreError::Unpublished { rows, log, source })
    }

    /// Publishes until ended, and then once more; fails if the last time did.
    async fn publish_until(&self, ended: &CancellationToken) -> Result<(), StoreError> {
        loop {
            tokio::select! {
                () = ended.cancelled() => {}
                () = self.flush_wanted.notified() => {}
                () = tokio::time::sleep(self.pause()) => {}
            }
            if !self.is_healthy() && self.wal.probe().await.is_err() {
                tracing::debug!("write-ahead log closed before it was probed");
            }
            let outcome = self.publish().await.map(|published| {
                if published.segments > 0 {
                    tracing::debug!(
                        segments = published.segments,
                        rows = published.rows,
                        bytes = published.bytes,
                        "published segments"
                    );
                }
            });
            if let Err(error) = &outcome {
                metrics::counter!("bartizan_publish_failures_total").increment(1);
                if error.is_taken_over() {
                    self.taken_over.store(true, Ordering::Release);
                    ended.cancel();
                } else {
                    tracing::error!(
                        error = error as &dyn std::error::Error,
                        "publish segments; trying again"
                    );
                }
            }
            if ended.is_cancelled() {
                return outcome;
            }
        }
    }

    /// How long to rest: not long while the log refuses batches, because without them nothing else tries it.
    fn pause(&self) -> Duration {
        if self.is_healthy() {
            self.settings.flush_interval
        } else {
            self.settings.flush_interval.min(PROBE_INTERVAL)
        }
    }

    /// Publishes every row that is not in a segment.
    pub async fn publish(&self) -> Result<Published, StoreError> {
        let mut publishing = self.publishing.lock().await;
        self.settle(&mut publishing).await?;
        let (flushes, sequence, progress, positions) = {
            let mut state = self.state.lock();
            (
                state.rows.begin_flush(),
                state.sequence,
                state.progress.clone(),
                state.positions.all(),
            )
        };
        // Taken after the cut, so it may hold answers behind it: an answer may be written before its rows are.
        let answers = self.keys.unpublished();
        if flushes.is_empty() && answers.is_empty() && positions.is_empty() {
            self.finish(&publishing).await?;
            return Ok(Published::default());
        }
        let segments = self.write_segments(flushes).await?;
        let publication = Publication {
            sequence_before: publishing.sequence,
            sequence,
            segments,
            answers,
            progress: progress
                .into_iter()
                .map(|((workspace, table), progress)| StoredProgress {
                    workspace,
                    table,
                    progress,
                })
                .collect(),
            positions,
            now: self.clock.now(),
        };
        let mut prepared = self.prepare(&publication).await?;
        publishing.unsettled = Some(Unsettled {
            sequence,
            segments: prepared.take_segments(),
            answers: publication.answers,
            positions: publication.positions,
        });
        self.reach(Point::PublishCommit)?;
        self.catalog.commit(prepared).await?;
        self.reach(Point::PublishCommitted)?;
        let outcome = match publishing.unsettled.take() {
            Some(committed) => self.committed(&mut publishing, committed),
            None => Published::default(),
        };
        self.finish(&publishing).await?;
        Ok(outcome)
    }

    /// Lets go of log files whose rows are published, once the folder knows that they are: an older catalog would need
    /// them. Without anything new it does what the publication before could not, and sees whose lake it is.
    async fn finish(&self, publishing: &Publishing) -> Result<(), StoreError> {
        self.note_mark().await?;
        self.reach(Point::PublishPrune)?;
        if self.wal.prune(publishing.sequence).await.is_err() {
            tracing::debug!("write-ahead log closed before it was pruned");
        }
        Ok(())
    }

    async fn prepare(&self, publication: &Publication) -> Result<Prepared, StoreError> {
        let prepared = match self.reach(Point::PublishPrepare) {
            Ok(()) => self.catalog.prepare(publication).await,
            Err(error) => Err(error.into()),
        };
        if prepared.is_err() {
            give_up_segments(self.settings.disk.as_ref(), &publication.segments);
        }
        Ok(prepared?)
    }

    /// Finds out what became of a publication whose commit was not answered: done again it would be there twice.
    pub(crate) async fn settle(&self, publishing: &mut Publishing) -> Result<(), StoreError> {
        if publishing.unsettled.is_none() {
            return Ok(());
        }
        let reached = self.catalog.settled_sequence().await?;
        let Some(unsettled) = publishing.unsettled.take() else {
            return Ok(());
        };
        // Without new rows the position tells nothing, and doing it again does no harm.
        let is_new = unsettled.sequence > publishing.sequence;
        if is_new && reached == unsettled.sequence {
            tracing::warn!(
                sequence = reached,
                "a publication was committed without an answer"
            );
            self.committed(publishing, unsettled);
        }
        Ok(())
    }

    /// Shows the segments of a committed publication in the place of their rows.
    fn committed(&self, publishing: &mut Publishing, committed: Unsettled) -> Published {
        let mut outcome = Published::default();
        for (_, _, segment) in &committed.segments {
            outcome.segments += 1;
            outcome.rows += segment.rows;
            outcome.bytes += segment.bytes;
        }
        publishing.sequence = committed.sequence;
        let published_rows = {
            let mut state = self.state.lock();
            state.positions.published(&committed.positions);
            state.rows.finish_flush(committed.segments)
        };
        drop(published_rows);
        if self.state.lock().rows.fresh_max() >= self.settings.compaction.files_min {
            self.upkeep_wanted.notify_one();
        }
        self.keys.published(&committed.answers);
        self.flush_done.notify_waiters();
        metrics::counter!("bartizan_segments_published_total").increment(outcome.segments);
        metrics::counter!("bartizan_segment_rows_published_total").increment(outcome.rows);
        outcome
    }

    async fn write_segments(
        &self,
        flushes: Vec<Flush>,
    ) -> Result<Vec<(Workspace, WrittenSegment)>, StoreError> {
        let lake = self.lake()?;
        let (disk, zstd_level) = (Arc::clone(&self.settings.disk), self.settings.zstd_level);
        let now = self.clock.now();
        let written = tokio::task::spawn_blocking(move || {
            let mut written = Vec::with_capacity(flushes.len());
            for flush in &flushes {
                let folder = table_folder(&lake, &flush.workspace, flush.table);
                let place = (disk.as_ref(), folder.as_path());
                if let Err(error) = write_flush(place, flush, (now, zstd_level), &mut written) {
                    give_up_segments(disk.as_ref(), &written);
                    return Err(error.into());
                }
            }
            Ok::<_, StoreError>(written)
        });
        written.await?
    }
}

/// Writes the rows of one table; those with far-off event times into files of their own.
fn write_flush(
    (disk, folder): (&dyn Disk, &Path),
    flush: &Flush,
    (now, zstd_level): (Timestamp, i32),
    written: &mut Vec<(Workspace, WrittenSegment)>,
) -> Result<(), SegmentError> {
    let received = received(&flush.rows, now);
    for rows in apart(&flush.rows, received.max)? {
        let rows = (flush.table, rows.as_slice());
        let segment = segment::write(disk, folder, rows, received, zstd_level)?;
        written.push((flush.workspace.clone(), segment));
    }
    Ok(())
}

/// When rows came in; now, if they don't say it. A time to come is not believed: it would keep them for ever.
fn received(rows: &[RecordBatch], now: Timestamp) -> Received {
    let ranges: Vec<(Timestamp, Timestamp)> = rows.iter().filter_map(received_range).collect();
    let first = ranges.iter().map(|(first, _)| *first).min();
    let last = ranges.iter().map(|(_, last)| *last).max();
    let max = last.unwrap_or(now).min(now);
    Received {
        min: first.unwrap_or(max).min(max),
        max,
    }
}

/// Removes segments whose publication was not even begun.
fn give_up_segments(disk: &dyn Disk, written: &[(Workspace, WrittenSegment)]) {
    for (_, segment) in written {
        disk::give_up(disk, &segment.path);
    }
}
