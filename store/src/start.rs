//! What the start of a store reads: is this the folder's catalog, are its files there, what does the log hold.
//!
//! Nothing is written to a catalog before it is known to be the one that the folder's files and log belong to.

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use sqlx::SqlitePool;
use uuid::Uuid;

use crate::catalog::{Catalog, CatalogError, DataFolder};
use crate::disk::Disk;
use crate::idempotency::IdempotencyKeys;
use crate::identity;
use crate::mark::{self, Mark};
use crate::progress;
use crate::store::{State, StoreError, StoreSettings, apply};
use crate::time::Timestamp;
use crate::wal::{self, ReplayedFile};

/// Files that are named one by one when they are not there; of more the number is said.
const NAMED_MAX: usize = 20;

/// A catalog that is this process's.
pub(crate) struct Taken {
    pub(crate) catalog: Catalog,
    /// What the folder keeps of how far the catalog has come.
    pub(crate) mark: Option<Mark>,
    /// The last snapshot that the folder knew of.
    pub(crate) seen: i64,
}

/// Opens the catalog, makes sure that it is this folder's as the folder saw it last, and makes it this process's.
pub(crate) async fn take(
    settings: &StoreSettings,
    embedded: &SqlitePool,
    lake: &Path,
    now: Timestamp,
) -> Result<Taken, StoreError> {
    let data = DataFolder {
        path: &settings.data,
        is_used: identity::is_used(settings.disk.as_ref(), &settings.data)?,
    };
    let disk = settings.disk.as_ref();
    let instance = Uuid::now_v7();
    let mut catalog = Catalog::open(&settings.catalog, embedded, (data, instance)).await?;
    let id = identity::of_folder(settings, embedded).await?;
    let kept = mark::check(disk, &settings.data, &catalog).await?;
    check_files(&catalog, &settings.disk, lake).await?;
    let mark = match mark::begin(disk, &settings.data, (&catalog, instance)).await {
        Ok(mark) => Some(mark),
        // A full disk is no reason not to answer queries. What is committed under the old name the folder knows as its own.
        Err(StoreError::Disk(error)) if let Some(kept) = kept => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "note who has the lake"
            );
            catalog.act_as(kept.instance);
            None
        }
        Err(error) => return Err(error),
    };
    let seen = kept.map(|kept| kept.mark).or(mark);
    let seen = seen.map_or(0, |mark| mark.snapshot);
    catalog.take((lake, id), now).await?;
    Ok(Taken {
        catalog,
        mark,
        seen,
    })
}

/// Says which files are not as long as they were written. Where there is none at all, more are not written beside them.
async fn check_files(
    catalog: &Catalog,
    disk: &Arc<dyn Disk>,
    lake: &Path,
) -> Result<(), StoreError> {
    let segments = catalog.segments(lake).await?;
    let files = segments.len();
    let disk = Arc::clone(disk);
    let wrong = tokio::task::spawn_blocking(move || {
        let mut wrong = Vec::new();
        let mut missing = 0;
        for (_, _, segment) in segments {
            match disk.length(&segment.path) {
                Ok(bytes) if bytes == segment.bytes => {}
                Ok(bytes) => {
                    let expected = segment.bytes;
                    wrong.push((segment.path, format!("{bytes} bytes long, not {expected}")));
                }
                Err(error) => {
                    missing += usize::from(error.kind() == std::io::ErrorKind::NotFound);
                    wrong.push((segment.path, error.to_string()));
                }
            }
        }
        (wrong, missing)
    });
    let (wrong, missing) = wrong.await?;
    if files > 0 && missing == files {
        let lake = lake.to_owned();
        return Err(CatalogError::NoFiles { files, lake }.into());
    }
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    metrics::gauge!("bartizan_lake_files_damaged").set(wrong.len() as f64);
    for (path, what) in wrong.iter().take(NAMED_MAX) {
        tracing::error!(path = %path.display(), "a file of the lake cannot be read as it was written: {what}");
    }
    if !wrong.is_empty() {
        tracing::error!(
            files = wrong.len(),
            "queries that need these files fail: put them back from a copy; `bartizan lake verify` lists all of them"
        );
    }
    Ok(())
}

pub(crate) async fn load(catalog: &Catalog, lake: &Path) -> Result<State, StoreError> {
    let mut state = State {
        sequence: catalog.sequence().await?,
        ..State::default()
    };
    for (workspace, table, segment) in catalog.segments(lake).await? {
        state.rows.add_segment(workspace, table, segment);
    }
    for stored in catalog.progress().await? {
        progress::note(
            &mut state.progress,
            &stored.workspace,
            stored.table,
            stored.progress,
        );
    }
    Ok(state)
}

pub(crate) async fn replay(
    (disk, folder): (Arc<dyn Disk>, &Path),
    catalog: &Catalog,
    state: &Arc<Mutex<State>>,
    keys: &IdempotencyKeys,
) -> Result<Vec<ReplayedFile>, StoreError> {
    let published = catalog.sequence().await?;
    let (folder, state, keys) = (folder.to_owned(), Arc::clone(state), keys.clone());
    let files = tokio::task::spawn_blocking(move || {
        let mut files = Vec::new();
        let mut batches = 0_u64;
        for path in wal::wal_files(disk.as_ref(), &folder)? {
            let mut take = |sequence, batch| {
                batches += 1;
                apply(&mut state.lock(), &keys, sequence, batch);
            };
            let file = wal::replay_file(disk.as_ref(), &path, published, &mut take)?;
            if file.damaged_bytes > 0 {
                metrics::counter!("bartizan_wal_damaged_bytes_total")
                    .increment(file.damaged_bytes as u64);
                tracing::error!(path = %path.display(), bytes = file.damaged_bytes, "write-ahead log file is damaged: batches in it are lost; the file is kept");
            }
            if file.torn_bytes > 0 {
                tracing::warn!(path = %path.display(), bytes = file.torn_bytes, "write-ahead log file ends in an unfinished frame");
            }
            let mut state = state.lock();
            state.sequence = state.sequence.max(file.sequence_last.unwrap_or(0));
            files.push(file);
        }
        tracing::info!(batches, published, "replayed write-ahead log");
        Ok::<_, StoreError>(files)
    });
    files.await?
}
