//! Keeps the lake in order behind the back of those who write and read it.
//!
//! A reconciler: woken by time and by the number of small files, it has no input, and what a crash cut short is done
//! again. One round compacts, lets go of rows whose time is over, forgets old snapshots, and removes files that
//! nobody needs: those that no snapshot names and no running query holds, and those that were written and never
//! published.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::catalog::Replacement;
use crate::disk::{self, Disk, DiskError};
use crate::point::{self, Point};
use crate::schema::Table;
use crate::segment::{self, Segment};
use crate::store::{Store, StoreError};
use crate::time::Timestamp;
use crate::workspace::Workspace;

/// How often files without a place in the catalog are looked for.
const ORPHANS_INTERVAL: Duration = Duration::from_hours(1);

/// Where upkeep stands.
#[derive(Debug, Default)]
pub(crate) struct Upkeep {
    /// The last snapshot up to which what others did was noticed.
    pub(crate) seen: i64,
    /// What was told of tables that others changed.
    pub(crate) told: BTreeSet<String>,
    /// Files that went out of the lake and that a query may still be reading.
    pub(crate) retired: Vec<(i64, Weak<Segment>)>,
    /// A replacement whose commit was begun and not answered.
    unsettled: Option<Unsettled>,
    orphans_removed: Option<Timestamp>,
}

impl Upkeep {
    /// Of a lake in which everything up to that snapshot is known.
    pub(crate) fn from_snapshot(seen: i64) -> Self {
        Self {
            seen,
            ..Self::default()
        }
    }
}

#[derive(Debug)]
struct Unsettled {
    workspace: Workspace,
    table: Table,
    removed: Vec<i64>,
    added: Vec<(Workspace, Table, Segment)>,
}

/// What one round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Compactions.
    pub compactions: u64,
    /// Files whose rows' time was over.
    pub files_expired: u64,
    /// Rows in them.
    pub rows_expired: u64,
    /// Files that were removed from the disk because no snapshot names them any more.
    pub files_removed: u64,
    /// Files that were removed because they were never published.
    pub orphans_removed: u64,
}

impl Store {
    /// Does rounds until cancelled.
    pub(crate) async fn keep_up(&self, cancelled: &CancellationToken) {
        while !cancelled.is_cancelled() {
            match self.upkeep(cancelled).await {
                Ok(kept) if kept != Kept::default() => tracing::info!(
                    compactions = kept.compactions,
                    files_expired = kept.files_expired,
                    rows_expired = kept.rows_expired,
                    files_removed = kept.files_removed,
                    orphans_removed = kept.orphans_removed,
                    "kept the lake in order"
                ),
                Ok(_) => {}
                // Publishing finds it out, and ends both.
                Err(error) if error.is_taken_over() => self.flush_wanted.notify_one(),
                Err(error) => {
                    metrics::counter!("bartizan_upkeep_failures_total").increment(1);
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "keep the lake in order; trying again"
                    );
                }
            }
            tokio::select! {
                () = cancelled.cancelled() => {}
                () = self.upkeep_wanted.notified() => {}
                () = tokio::time::sleep(self.settings.upkeep_interval) => {}
            }
        }
    }

    /// One round.
    pub async fn upkeep(&self, cancelled: &CancellationToken) -> Result<Kept, StoreError> {
        let mut upkeep = self.upkeep.lock().await;
        let upkeep = &mut *upkeep;
        self.settle_replacement(upkeep).await?;
        let closed = self.notice_others(upkeep).await?;
        let mut kept = Kept::default();
        let tables: Vec<(Workspace, Table)> = self.state.lock().rows.tables();
        for (workspace, table) in tables {
            let (files, rows) = self.retain(upkeep, &workspace, table).await?;
            kept.files_expired += files;
            kept.rows_expired += rows;
            let is_closed = closed.contains(&(workspace.clone(), table));
            while !cancelled.is_cancelled() && !is_closed {
                let place = (&workspace, table);
                let Some(compacted) = self.compact_next(upkeep, place, cancelled).await? else {
                    break;
                };
                kept.compactions += 1;
                tracing::debug!(
                    %workspace, %table,
                    files_before = compacted.files_before,
                    files_after = compacted.files_after,
                    rows = compacted.rows,
                    "compacted files"
                );
            }
            self.gauge(&workspace, table);
        }
        let now = self.clock.now();
        let forgotten = now.minus(self.settings.snapshot_retention);
        self.catalog.expire(forgotten, now).await?;
        // An older catalog would name files that go now.
        self.note_mark().await?;
        kept.files_removed = self.remove_expired(upkeep).await?;
        let is_due = |last: Timestamp| now.since(last) >= ORPHANS_INTERVAL;
        if upkeep.orphans_removed.is_none_or(is_due) {
            kept.orphans_removed = self.remove_orphans().await?;
            upkeep.orphans_removed = Some(now);
        }
        Ok(kept)
    }

    fn gauge(&self, workspace: &Workspace, table: Table) {
        let segments = self.snapshot(workspace, table).segments;
        let labels = [
            ("workspace", workspace.as_str().to_owned()),
            ("table", table.name().to_owned()),
        ];
        let bytes: u64 = segments.iter().map(|segment| segment.bytes).sum();
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        metrics::gauge!("bartizan_lake_bytes", &labels).set(bytes as f64);
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        metrics::gauge!("bartizan_lake_files", &labels).set(segments.len() as f64);
    }

    /// Puts files in the place of others, in the catalog and then before the eyes of queries.
    pub(crate) async fn replace(
        &self,
        upkeep: &mut Upkeep,
        replacement: Replacement,
    ) -> Result<(), StoreError> {
        let mut prepared = self
            .catalog
            .prepare_replacement(&replacement, upkeep.seen, self.clock.now())
            .await?;
        let unsettled = Unsettled {
            workspace: replacement.workspace,
            table: replacement.table,
            removed: replacement.removed,
            added: prepared.take_segments(),
        };
        upkeep.unsettled = Some(unsettled);
        self.reach(Point::ReplaceCommit)?;
        self.catalog.commit(prepared).await?;
        self.reach(Point::ReplaceCommitted)?;
        if let Some(committed) = upkeep.unsettled.take() {
            self.replaced(upkeep, committed);
        }
        Ok(())
    }

    /// Finds out what became of a replacement whose commit was not answered.
    async fn settle_replacement(&self, upkeep: &mut Upkeep) -> Result<(), StoreError> {
        let Some(unsettled) = &upkeep.unsettled else {
            return Ok(());
        };
        let is_committed = self.catalog.have_ended(&unsettled.removed).await?;
        if let Some(unsettled) = upkeep.unsettled.take()
            && is_committed
        {
            self.replaced(upkeep, unsettled);
        }
        Ok(())
    }

    fn replaced(&self, upkeep: &mut Upkeep, committed: Unsettled) {
        let removed: BTreeSet<i64> = committed.removed.into_iter().collect();
        let retired = self.state.lock().rows.replace_segments(
            (&committed.workspace, committed.table),
            &removed,
            committed
                .added
                .into_iter()
                .map(|(_, _, segment)| segment)
                .collect(),
        );
        upkeep.retired.extend(
            retired
                .iter()
                .map(|segment| (segment.id, Arc::downgrade(segment))),
        );
    }

    /// Removes files that no snapshot names any more, except those that queries see or hold: another program may have
    /// listed them.
    async fn remove_expired(&self, upkeep: &mut Upkeep) -> Result<u64, StoreError> {
        upkeep
            .retired
            .retain(|(_, segment)| segment.strong_count() > 0);
        let held: BTreeSet<i64> = upkeep.retired.iter().map(|(id, _)| *id).collect();
        let lake = self.lake()?;
        let mut expired = self.catalog.expired().await?;
        let served = self.state.lock().rows.paths();
        expired.retain(|(id, path)| {
            let is_below = path
                .components()
                .all(|part| matches!(part, Component::Normal(_)));
            is_below && !held.contains(id) && !served.contains(&lake.join(path))
        });
        if expired.is_empty() {
            return Ok(0);
        }
        let disk = Arc::clone(&self.settings.disk);
        let removed = tokio::task::spawn_blocking(move || {
            let mut removed = Vec::with_capacity(expired.len());
            for (id, path) in expired {
                let path = lake.join(path);
                point::reach(disk.as_ref(), Point::ExpiredRemove)
                    .map_err(|source| DiskError::new("remove", &path, source))?;
                remove(disk.as_ref(), &path)?;
                removed.push(id);
            }
            Ok::<_, StoreError>(removed)
        });
        let removed = removed.await??;
        self.reach(Point::ExpiredForget)?;
        self.catalog.forget_expired(&removed).await?;
        Ok(removed.len() as u64)
    }

    /// Removes files of ours that the catalog does not name: their rows are still in the log or in other files. Young ones
    /// stay, so that a catalog which should name them can be put back; unfinished ones are named by no catalog.
    pub(crate) async fn remove_orphans(&self) -> Result<u64, StoreError> {
        let mut no_publication_meanwhile = self.publishing.lock().await;
        self.settle(&mut no_publication_meanwhile).await?;
        let lake = self.lake()?;
        let known: BTreeSet<PathBuf> = self.catalog.paths().await?;
        let disk = Arc::clone(&self.settings.disk);
        let (now, kept) = (self.clock.now(), self.settings.orphan_retention);
        let removed = tokio::task::spawn_blocking(move || {
            let orphans = orphans(disk.as_ref(), &lake, &known)?;
            let is_unfinished = |(path, _): &(PathBuf, _)| segment::is_unfinished(path);
            let (unfinished, mut old): (Vec<_>, Vec<_>) =
                orphans.into_iter().partition(is_unfinished);
            old.retain(|(_, written)| now.since(*written) >= kept);
            if old.len() > ORPHANS_MAX && old.len() > known.len() {
                metrics::counter!("bartizan_upkeep_failures_total").increment(1);
                tracing::error!(
                    files = old.len(),
                    named = known.len(),
                    lake = %lake.display(),
                    "more files are in no catalog than in this one, so none of them is removed: see whether it is the \
                     right catalog, and remove them by hand if it is (`bartizan lake verify` lists them)"
                );
                old.clear();
            }
            let mut removed = 0;
            for (path, _) in unfinished.into_iter().chain(old) {
                let passed = point::reach(disk.as_ref(), Point::OrphanRemove);
                match passed.and_then(|()| disk.remove(&path)) {
                    Ok(()) => {
                        removed += 1;
                        tracing::info!(path = %path.display(), "removed a file that no catalog names");
                    }
                    Err(error) => {
                        tracing::warn!(path = %path.display(), %error, "remove orphan");
                    }
                }
            }
            Ok::<_, StoreError>(removed)
        });
        removed.await?
    }
}

/// So many orphans are left by crashes. More, and more than there are files, look like another catalog's files.
const ORPHANS_MAX: usize = 100;

/// The files of ours that nobody names, and when each was last written.
fn orphans(
    disk: &dyn Disk,
    lake: &Path,
    known: &BTreeSet<PathBuf>,
) -> Result<Vec<(PathBuf, Timestamp)>, DiskError> {
    let mut orphans = Vec::new();
    for path in files(disk, lake)? {
        let is_known = path
            .strip_prefix(lake)
            .is_ok_and(|path| known.contains(path));
        if is_known {
            continue;
        }
        let written = disk
            .modified(&path)
            .map_err(|source| DiskError::new("measure", &path, source))?;
        orphans.push((path, written));
    }
    Ok(orphans)
}

fn remove(disk: &dyn Disk, path: &Path) -> Result<(), DiskError> {
    match disk.remove(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(DiskError::new("remove", path, source))
        }
        // It may have been removed before a crash.
        _ => Ok(()),
    }
}

/// The files of ours in every table's folder of every workspace.
pub(crate) fn files(disk: &dyn Disk, lake: &Path) -> Result<Vec<PathBuf>, DiskError> {
    let mut found = Vec::new();
    for workspace in disk::list(disk, lake)?
        .into_iter()
        .filter(|path| path.is_dir())
    {
        let tables = disk::list(disk, &workspace)?;
        for table in tables.into_iter().filter(|path| path.is_dir()) {
            let files = disk::list(disk, &table)?;
            found.extend(files.into_iter().filter(|path| segment::is_ours(path)));
        }
    }
    Ok(found)
}
