//! The store: opened on a data folder, it takes batches, shows tables and publishes segments.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arrow::error::ArrowError;
use parking_lot::Mutex;
use sqlx::SqlitePool;
use thiserror::Error;
use tokio::sync::{Notify, watch};
use tokio::task::JoinError;

use crate::batch::{BatchError, NewBatch, Receipt, StoredBatch, time_range};
use crate::catalog::{ANSWER_RETENTION, Catalog, CatalogError, CatalogSettings, open_database};
use crate::compaction::CompactionSettings;
use crate::disk::{self, Disk, DiskError, FolderLock, RealDisk};
use crate::idempotency::{Answered, ClaimOutcome, IdempotencyKeys};
use crate::mark::Mark;
use crate::point::{self, Point};
use crate::position::{Moving, Positions};
use crate::progress::{self, Progress, ProgressByTable};
use crate::publish::Publishing;
use crate::retention::Retention;
use crate::rows::{Rows, TableSnapshot};
use crate::schema::Table;
use crate::segment::SegmentError;
use crate::start;
use crate::time::Clock;
use crate::upkeep::Upkeep;
use crate::wal::{ReplayError, Wal, WalError, WalSettings};
use crate::workspace::Workspace;

/// Bounds of a store.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// The data folder.
    pub data: PathBuf,
    /// What the log and the segments are kept on.
    pub disk: Arc<dyn Disk>,
    /// Where the catalog lies.
    pub catalog: CatalogSettings,
    /// Recent rows become segments at least this often.
    pub flush_interval: Duration,
    /// Recent rows become segments when they take more memory than this.
    pub segment_bytes: usize,
    /// No batch is taken while recent rows take more memory than this.
    pub recent_bytes_max: usize,
    /// A WAL file is closed when it is longer than this.
    pub wal_file_bytes_max: u64,
    /// No batch is taken that would leave less than this on the disk, so that rows can still be published.
    pub free_bytes_min: u64,
    /// Batches that may wait for the disk.
    pub append_queue_max: usize,
    /// Compression level of segments, 1 to 22.
    pub zstd_level: i32,
    /// When small segments become few.
    pub compaction: CompactionSettings,
    /// How long rows are kept.
    pub retention: Retention,
    /// How long a reader from outside may go on reading the lake as it was.
    pub snapshot_retention: Duration,
    /// How old a file that the catalog does not name must be before it is removed.
    pub orphan_retention: Duration,
    /// Longest pause between two looks at what the lake needs.
    pub upkeep_interval: Duration,
    /// The test of the tests of repetition: no key is remembered.
    #[cfg(test)]
    pub(crate) forgets_keys: bool,
}

impl StoreSettings {
    /// The defaults, on a folder.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            disk: Arc::new(RealDisk),
            catalog: CatalogSettings::Embedded,
            flush_interval: Duration::from_mins(1),
            segment_bytes: 64 << 20,
            recent_bytes_max: 192 << 20,
            wal_file_bytes_max: 64 << 20,
            free_bytes_min: 256 << 20,
            append_queue_max: 256,
            zstd_level: 3,
            compaction: CompactionSettings::default(),
            retention: Retention::default(),
            snapshot_retention: Duration::from_hours(1),
            orphan_retention: Duration::from_hours(3 * 24),
            upkeep_interval: Duration::from_mins(5),
            #[cfg(test)]
            forgets_keys: false,
        }
    }
}

/// A store that can't be opened or used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The catalog refused.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The log can't be replayed.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// A segment can't be written.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// Rows can't be converted.
    #[error("convert rows")]
    Arrow(#[from] ArrowError),
    /// Work in the background ended badly.
    #[error("run in background")]
    Background(#[from] JoinError),
    /// The end came before everything was published.
    #[error("{rows} rows are not published; they are in the log in {}", log.display())]
    Unpublished {
        /// Rows that no file of the lake holds.
        rows: u64,
        /// The log's folder.
        log: PathBuf,
        /// Why.
        #[source]
        source: Box<StoreError>,
    },
}

impl StoreError {
    /// Whether another process has the lake now.
    pub(crate) fn is_taken_over(&self) -> bool {
        matches!(self, Self::Catalog(CatalogError::TakenOver))
    }
}

/// A batch that was not acknowledged.
#[derive(Debug, Error)]
pub enum AppendError {
    /// The log refused.
    #[error(transparent)]
    Wal(#[from] WalError),
    /// The rows can't be written.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// Segments are not written as fast as rows come in: send again later.
    #[error("too many rows wait to be published")]
    Busy,
    /// Work in the background ended badly.
    #[error("run in background")]
    Background(#[from] JoinError),
    /// Another process has the lake now, and would never publish it.
    #[error("another process has taken this lake over")]
    TakenOver,
    /// Rows whose schema is not the table's.
    #[error("rows for {0} do not have its columns")]
    Schema(Table),
}

/// What changes with every batch, behind one lock.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) rows: Rows,
    pub(crate) progress: ProgressByTable,
    pub(crate) positions: Positions,
    /// The last sequence that is in `rows` or in segments.
    pub(crate) sequence: u64,
}

/// Event tables on a data folder.
#[derive(Debug)]
pub struct Store {
    pub(crate) settings: StoreSettings,
    pub(crate) clock: Arc<dyn Clock>,
    database: SqlitePool,
    pub(crate) catalog: Catalog,
    pub(crate) state: Arc<Mutex<State>>,
    pub(crate) keys: IdempotencyKeys,
    pub(crate) moving: Moving,
    pub(crate) wal: Wal,
    pub(crate) flush_wanted: Arc<Notify>,
    pub(crate) flush_done: Notify,
    pub(crate) publishing: tokio::sync::Mutex<Publishing>,
    /// What the folder keeps of how far the catalog has come.
    pub(crate) mark: tokio::sync::Mutex<Option<Mark>>,
    pub(crate) upkeep: tokio::sync::Mutex<Upkeep>,
    pub(crate) upkeep_wanted: Notify,
    pub(crate) taken_over: AtomicBool,
    changes: watch::Sender<u64>,
    _lock: FolderLock,
}

/// How long a batch waits for a flush before its sender is told to come back.
const BUSY_WAIT: Duration = Duration::from_secs(5);

impl Store {
    /// Opens the store: takes the folder, migrates the catalog and replays what no segment holds.
    pub async fn open(settings: StoreSettings, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let disk = Arc::clone(&settings.disk);
        disk::create_folder(disk.as_ref(), &settings.data)?;
        let lock = FolderLock::take(disk.as_ref(), &settings.data)?;
        // DuckDB resolves the lake's path from its own working directory.
        let lake = lake_folder(&settings.data)?;
        let database = open_database(&settings).await?;
        let taken = start::take(&settings, &database, &lake, clock.now()).await?;
        let catalog = taken.catalog;
        let state = Arc::new(Mutex::new(start::load(&catalog, &lake).await?));
        let publishing = Publishing::from_sequence(catalog.sequence().await?);
        let keys = IdempotencyKeys::default();
        #[cfg(test)]
        let keys = keys.forgetting(settings.forgets_keys);
        let wal_folder = settings.data.join("wal");
        disk::create_folder(disk.as_ref(), &wal_folder)?;
        let replayed =
            start::replay((Arc::clone(&disk), &wal_folder), &catalog, &state, &keys).await?;
        let (changes, _) = watch::channel(state.lock().sequence);
        let flush_wanted = Arc::new(Notify::new());
        let wal_settings = WalSettings {
            disk,
            folder: wal_folder,
            file_bytes_max: settings.wal_file_bytes_max,
            queue_max: settings.append_queue_max,
            free_bytes_min: settings.free_bytes_min,
        };
        let sequence_next = state.lock().sequence + 1;
        let on_durable = {
            let (state, keys, changes) = (Arc::clone(&state), keys.clone(), changes.clone());
            let (flush_wanted, segment_bytes) = (Arc::clone(&flush_wanted), settings.segment_bytes);
            Box::new(move |sequence, batch| {
                let bytes = apply(&mut state.lock(), &keys, sequence, batch);
                changes.send_replace(sequence);
                if bytes > segment_bytes {
                    flush_wanted.notify_one();
                }
            })
        };
        let wal = Wal::start(wal_settings, replayed, sequence_next, on_durable)?;
        Ok(Self {
            settings,
            clock,
            database,
            catalog,
            state,
            keys,
            moving: Moving::default(),
            wal,
            flush_wanted,
            flush_done: Notify::new(),
            publishing: tokio::sync::Mutex::new(publishing),
            mark: tokio::sync::Mutex::new(taken.mark),
            upkeep: tokio::sync::Mutex::new(Upkeep::from_snapshot(taken.seen)),
            upkeep_wanted: Notify::new(),
            taken_over: AtomicBool::new(false),
            changes,
            _lock: lock,
        })
    }

    /// Returns once the batch is durable; its rows are visible then.
    pub async fn append(&self, batch: NewBatch) -> Result<Receipt, AppendError> {
        for (table, rows) in &batch.parts {
            if rows.schema_ref().fields() != table.batch_schema().fields() {
                return Err(AppendError::Schema(*table));
            }
        }
        if self.is_taken_over() {
            return Err(AppendError::TakenOver);
        }
        self.wait_for_space().await?;
        let receipt = Receipt {
            batch: batch.id,
            accepted: batch.accepted,
            quarantined: batch.quarantined,
        };
        let stored = StoredBatch {
            workspace: batch.workspace,
            receipt: receipt.clone(),
            received: self.clock.now(),
            idempotency: batch
                .idempotency
                .as_ref()
                .map(crate::idempotency::Claim::stored),
            steps: batch
                .steps
                .iter()
                .map(|claim| claim.step().clone())
                .collect(),
            parts: batch.parts,
        };
        let encoded =
            tokio::task::spawn_blocking(move || stored.encode().map(|bytes| (stored, bytes)));
        let (stored, payload) = encoded.await??;
        let claims = (batch.idempotency, batch.steps);
        self.wal.append(stored, payload, claims).await?;
        Ok(receipt)
    }

    /// Claims an idempotency key for a body with that digest.
    pub async fn claim(
        &self,
        workspace: &Workspace,
        key: &str,
        digest: [u8; 32],
    ) -> Result<ClaimOutcome, StoreError> {
        let outcome = self.keys.claim(workspace, key, digest);
        if !matches!(outcome, ClaimOutcome::Claimed(_)) {
            return Ok(outcome);
        }
        let oldest = self.clock.now().minus(ANSWER_RETENTION);
        match self.catalog.answer(workspace, key).await? {
            Some(answered) if answered.created >= oldest => Ok(answered.outcome_for(&digest)),
            _ => Ok(outcome),
        }
    }

    /// A table at this moment.
    pub fn snapshot(&self, workspace: &Workspace, table: Table) -> TableSnapshot {
        self.state.lock().rows.snapshot(workspace, table)
    }

    /// Bytes of a table: of its files, and of the memory that its other rows take.
    pub fn table_bytes(&self, workspace: &Workspace, table: Table) -> u64 {
        self.state.lock().rows.table_bytes(workspace, table)
    }

    /// How far a table's events reach; `None` if it never had any.
    pub fn progress(&self, workspace: &Workspace, table: Table) -> Option<Progress> {
        self.state
            .lock()
            .progress
            .get(&(workspace.clone(), table))
            .copied()
    }

    /// Ticks with every batch.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The data folder's migrated database, for the modules that own other tables.
    pub fn database(&self) -> &SqlitePool {
        &self.database
    }

    /// Whether batches are taken: false while the log's disk fails or is full.
    pub fn is_healthy(&self) -> bool {
        !self.wal.is_failed()
    }

    /// Whether another process has the lake now: this one takes nothing more, and ends.
    pub fn is_taken_over(&self) -> bool {
        self.taken_over.load(Ordering::Acquire)
    }

    pub(crate) fn reach(&self, point: Point) -> Result<(), DiskError> {
        point::reach(self.settings.disk.as_ref(), point)
            .map_err(|source| DiskError::new("work in", &self.settings.data, source))
    }

    /// The lake's folder, absolute.
    pub(crate) fn lake(&self) -> Result<PathBuf, DiskError> {
        lake_folder(&self.settings.data)
    }

    async fn wait_for_space(&self) -> Result<(), AppendError> {
        let space = async {
            loop {
                let done = self.flush_done.notified();
                if self.state.lock().rows.bytes() <= self.settings.recent_bytes_max {
                    return;
                }
                self.flush_wanted.notify_one();
                done.await;
            }
        };
        tokio::time::timeout(BUSY_WAIT, space)
            .await
            .map_err(|_elapsed| AppendError::Busy)
    }
}

pub(crate) fn lake_folder(data: &Path) -> Result<PathBuf, DiskError> {
    let absolute =
        std::path::absolute(data).map_err(|source| DiskError::new("resolve", data, source))?;
    Ok(absolute.join("lake"))
}

/// Takes a durable batch into the state; returns the memory of rows that no segment holds.
pub(crate) fn apply(
    state: &mut State,
    keys: &IdempotencyKeys,
    sequence: u64,
    batch: StoredBatch,
) -> usize {
    state.sequence = sequence;
    if let Some(key) = &batch.idempotency {
        let answer = Answered {
            digest: key.digest,
            receipt: batch.receipt.clone(),
            created: batch.received,
        };
        // A log that failed may hold a batch that its sender sent again: the first one counts.
        if !keys.answered(&batch.workspace, key, answer) {
            return state.rows.bytes();
        }
    }
    if !state.positions.allow(&batch.workspace, &batch.steps) {
        return state.rows.bytes();
    }
    state
        .positions
        .take(&batch.workspace, batch.steps, batch.received);
    for (table, rows) in batch.parts {
        if let Some((event_time_min, event_time_max)) = time_range(&rows) {
            let reach = Progress {
                event_time_min,
                event_time_max,
                received_last: batch.received,
            };
            progress::note(&mut state.progress, &batch.workspace, table, reach);
        }
        metrics::counter!("bartizan_store_rows_total", "table" => table.name())
            .increment(rows.num_rows() as u64);
        state.rows.push(&batch.workspace, table, rows);
    }
    state.rows.bytes()
}
