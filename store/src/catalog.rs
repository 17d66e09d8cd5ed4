//! The catalog: the DuckLake tables and, beside them, the store's own, in the data folder's SQLite file or in a
//! PostgreSQL database.
//!
//! Publishing is one transaction: the files, the WAL position behind them, the answers to idempotency keys, the
//! positions of sources and the progress of tables change together or not at all. That is what makes a replay exact.

mod database;
mod lake;
mod ledger;
mod opening;
mod positions;
mod reading;
mod settings;
mod statistics;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sqlx::SqlitePool;
use sqlx::migrate::MigrateError;
use thiserror::Error;
use uuid::Uuid;

use crate::disk::DiskError;
use crate::idempotency::Answered;
use crate::mark::Mark;
use crate::position::{Source, Standing};
use crate::schema::Table;
use crate::segment::{Segment, WrittenSegment};
use crate::time::Timestamp;
use crate::workspace::Workspace;

use database::{Database, Writing};
pub(crate) use lake::{OtherSnapshot, Replacement, Unheeded, table_folder};
pub(crate) use ledger::StoredProgress;
pub use opening::open_database;
use opening::open_postgres;
pub(crate) use opening::{DataFolder, check_pages, connect_postgres, embedded_owner};
pub(crate) use reading::{ColumnRecord, FileRecord, Reading, statistics_of};
pub use settings::{CatalogSettings, PostgresSettings};

/// File of the catalog in the data folder.
pub(crate) const FILE_NAME: &str = "catalog.sqlite";

/// A catalog that can't be read or written.
#[derive(Debug, Error)]
pub enum CatalogError {
    /// The database refused.
    #[error("{operation} in catalog")]
    Database {
        /// What was tried.
        operation: &'static str,
        /// Why not.
        #[source]
        source: sqlx::Error,
    },
    /// The database's layout can't be brought to this version's.
    #[error("migrate catalog")]
    Migrate(#[from] MigrateError),
    /// The lake's folder can't be read.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The catalog says something that can't be.
    #[error("catalog is inconsistent: {0}")]
    Inconsistent(String),
    /// The address of the catalog is not one.
    #[error("catalog address: {0}")]
    Address(String),
    /// Catalog and data folder do not belong together.
    #[error(
        "the catalog is not this data folder's: set store.catalog as it was, or begin with an empty folder and an \
         empty database"
    )]
    OtherLake,
    /// The data folder holds rows, and its catalog is nobody's.
    #[error(
        "{what}, and {} holds rows: put the catalog back from a copy, or set store.catalog as it was; to begin anew, \
         move lake, wal, lake.id and lake.position out of that folder", data.display()
    )]
    Lost {
        /// What is there instead of the catalog.
        what: String,
        /// The data folder.
        data: PathBuf,
    },
    /// The catalog is a copy from before.
    #[error(
        "the catalog is older than the files in {}: it stands at {catalog}, and had come to {folder}; put its newest \
         copy back, or remove lake.position there to go on with this one, without the rows of files that it does not name",
        data.display()
    )]
    Behind {
        /// Where the catalog stands.
        catalog: Mark,
        /// Where it had come to.
        folder: Mark,
        /// The data folder.
        data: PathBuf,
    },
    /// The catalog was written to from elsewhere.
    #[error(
        "the catalog was written to from another copy of {}: it stands at {catalog}, and had come to {folder} from here; \
         start the service on the other copy, or remove lake.position to go on with this one, without the other's \
         files and without what this one's log holds up to there", data.display()
    )]
    Ahead {
        /// Where the catalog stands.
        catalog: Mark,
        /// Where this folder saw it come to.
        folder: Mark,
        /// The data folder.
        data: PathBuf,
    },
    /// None of the files is there.
    #[error(
        "the catalog names {files} files and none of them is in {}: is its volume mounted? put the files back; to begin \
         anew, move the catalog, lake, wal, lake.id and lake.position away", lake.display()
    )]
    NoFiles {
        /// How many there should be.
        files: usize,
        /// The lake's folder.
        lake: PathBuf,
    },
    /// There is no lake where one is looked for.
    #[error("there is no lake in {}", .0.display())]
    NoLake(PathBuf),
    /// Another process has opened the lake since.
    #[error("another process has taken this lake over; end it, and start this one again")]
    TakenOver,
}

/// Gives a database error the operation that failed.
pub(crate) trait During<T> {
    fn during(self, operation: &'static str) -> Result<T, CatalogError>;
}

impl<T> During<T> for Result<T, sqlx::Error> {
    fn during(self, operation: &'static str) -> Result<T, CatalogError> {
        self.map_err(|source| CatalogError::Database { operation, source })
    }
}

/// Everything that one publication makes true.
#[derive(Debug, Default)]
pub(crate) struct Publication {
    /// Where the log stood with the publication before.
    pub(crate) sequence_before: u64,
    pub(crate) sequence: u64,
    pub(crate) segments: Vec<(Workspace, WrittenSegment)>,
    pub(crate) answers: Vec<(Workspace, String, Answered)>,
    pub(crate) progress: Vec<StoredProgress>,
    pub(crate) positions: Vec<(Workspace, Source, Standing)>,
    pub(crate) now: Timestamp,
}

/// How long an answer to an idempotency key is remembered.
pub(crate) const ANSWER_RETENTION: Duration = Duration::from_hours(24);

const CONNECTIONS_MAX: u32 = 8;

/// How long to wait for a connection, or for SQLite's write lock.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The open catalog.
#[derive(Clone, Debug)]
pub(crate) struct Catalog {
    database: Database,
    /// Names this process among those that ever opened the lake.
    instance: Uuid,
    /// Workspaces whose schema and tables are known to be there.
    ensured: Arc<Mutex<BTreeSet<Workspace>>>,
}

/// A change of the lake that only needs its commit.
#[derive(Debug)]
pub(crate) struct Prepared {
    writing: Writing,
    ensured: BTreeSet<Workspace>,
    segments: Vec<(Workspace, Table, Segment)>,
}

impl Prepared {
    /// The segments under their ids, in the order given.
    pub(crate) fn take_segments(&mut self) -> Vec<(Workspace, Table, Segment)> {
        std::mem::take(&mut self.segments)
    }
}

impl Catalog {
    /// Opens the catalog and brings it to this version's layout. `embedded` is the data folder's own database.
    pub(crate) async fn open(
        settings: &CatalogSettings,
        embedded: &SqlitePool,
        (data, instance): (DataFolder<'_>, Uuid),
    ) -> Result<Self, CatalogError> {
        let database = match settings {
            CatalogSettings::Embedded => Database::Sqlite(embedded.clone()),
            CatalogSettings::Postgres(postgres) => open_postgres(postgres, data).await?,
        };
        if data.is_used && ledger::owner(&database).await?.is_none() {
            return Err(data.lost(format!("{settings} holds no lake")));
        }
        Ok(Self {
            database,
            instance,
            ensured: Arc::default(),
        })
    }

    /// Makes this process the one that writes to the lake of that id.
    pub(crate) async fn take(
        &self,
        (lake, id): (&Path, Uuid),
        now: Timestamp,
    ) -> Result<(), CatalogError> {
        let mut writing = self.database.begin().await.during("begin")?;
        ledger::take_ownership(&mut writing, id, self.instance).await?;
        lake::set_data_path(&mut writing, lake).await?;
        let mut workspaces = BTreeSet::from([Workspace::default()]);
        workspaces.extend(lake::workspaces(&mut writing).await?);
        for workspace in &workspaces {
            lake::ensure_workspace(&mut writing, workspace, now).await?;
        }
        writing.commit().await.during("commit layout")?;
        *self.ensured.lock() = workspaces;
        Ok(())
    }

    /// How far the catalog has come, and which process opened it last.
    pub(crate) async fn reached(&self) -> Result<(Mark, Option<Uuid>), CatalogError> {
        ledger::reached(&self.database).await
    }

    /// Takes the name of a process that had the lake before.
    pub(crate) fn act_as(&mut self, instance: Uuid) {
        self.instance = instance;
    }

    /// Names this process among those that ever opened the lake.
    pub(crate) fn instance(&self) -> Uuid {
        self.instance
    }

    /// How far the catalog has come, if it is this process that writes to it.
    pub(crate) async fn reached_by_us(&self) -> Result<Mark, CatalogError> {
        ledger::reached_by(&self.database, self.instance).await
    }

    /// Every published segment.
    pub(crate) async fn segments(
        &self,
        lake: &Path,
    ) -> Result<Vec<(Workspace, Table, Segment)>, CatalogError> {
        lake::segments(&self.database, lake).await
    }

    /// The last WAL sequence whose rows are published.
    pub(crate) async fn sequence(&self) -> Result<u64, CatalogError> {
        ledger::sequence(&self.database).await
    }

    /// The same, once a commit that was not answered is done or given up: it holds what all writers wait for.
    pub(crate) async fn settled_sequence(&self) -> Result<u64, CatalogError> {
        let mut writing = self.begin("wait for a commit").await?;
        ledger::sequence(&mut writing).await
    }

    /// How far the events of each table reach.
    pub(crate) async fn progress(&self) -> Result<Vec<StoredProgress>, CatalogError> {
        ledger::progress(&self.database).await
    }

    /// The answer that a key was given, if it is remembered.
    pub(crate) async fn answer(
        &self,
        workspace: &Workspace,
        key: &str,
    ) -> Result<Option<Answered>, CatalogError> {
        ledger::answer(&self.database, workspace, key).await
    }

    /// Where a source stands.
    pub(crate) async fn standing(
        &self,
        workspace: &Workspace,
        source: &Source,
    ) -> Result<Option<Standing>, CatalogError> {
        positions::one(&self.database, workspace, source).await
    }

    /// The first `count` sources behind `after`, by name.
    pub(crate) async fn standings(
        &self,
        workspace: &Workspace,
        after: Option<&Source>,
        count: usize,
    ) -> Result<Vec<(Source, Standing)>, CatalogError> {
        positions::page(&self.database, workspace, after, count).await
    }

    /// Does everything of a publication but its commit.
    pub(crate) async fn prepare(
        &self,
        publication: &Publication,
    ) -> Result<Prepared, CatalogError> {
        let mut writing = self.begin("begin publication").await?;
        let mut ensured = self.ensured.lock().clone();
        for (workspace, _) in &publication.segments {
            if ensured.insert(workspace.clone()) {
                lake::ensure_workspace(&mut writing, workspace, publication.now).await?;
            }
        }
        let segments = if publication.segments.is_empty() {
            Vec::new()
        } else {
            lake::insert_segments(&mut writing, &publication.segments, publication.now).await?
        };
        ledger::write(&mut writing, publication).await?;
        positions::write(&mut writing, &publication.positions).await?;
        Ok(Prepared {
            writing,
            ensured,
            segments,
        })
    }

    /// Makes a publication true. After an error it may be true all the same: the connection may have been lost
    /// before the answer came. [`Catalog::settled_sequence`] tells.
    pub(crate) async fn commit(&self, prepared: Prepared) -> Result<(), CatalogError> {
        prepared.writing.commit().await.during("commit")?;
        *self.ensured.lock() = prepared.ensured;
        Ok(())
    }

    /// Does everything of a replacement but its commit, unless another program changed the lake behind `seen`: its
    /// changes may be to the files that are replaced.
    pub(crate) async fn prepare_replacement(
        &self,
        replacement: &Replacement,
        seen: i64,
        now: Timestamp,
    ) -> Result<Prepared, CatalogError> {
        let mut writing = self.begin("begin replacement").await?;
        if !lake::snapshots_of_others(&mut writing, seen)
            .await?
            .is_empty()
        {
            let text = "another program changes the lake, which it may only read".to_owned();
            return Err(CatalogError::Inconsistent(text));
        }
        let segments = lake::replace_segments(&mut writing, replacement, now).await?;
        Ok(Prepared {
            writing,
            ensured: self.ensured.lock().clone(),
            segments,
        })
    }

    /// The first snapshots behind `seen` that another program made.
    pub(crate) async fn snapshots_of_others(
        &self,
        seen: i64,
    ) -> Result<Vec<OtherSnapshot>, CatalogError> {
        lake::snapshots_of_others(&self.database, seen).await
    }

    /// Rows that other programs deleted, or put into the catalog.
    pub(crate) async fn unheeded(&self) -> Result<Vec<Unheeded>, CatalogError> {
        lake::unheeded(&self.database).await
    }

    /// Whether files are out of the lake, once a commit that was not answered is done or given up.
    pub(crate) async fn have_ended(&self, files: &[i64]) -> Result<bool, CatalogError> {
        let mut writing = self.begin("wait for a commit").await?;
        lake::have_ended(&mut writing, files).await
    }

    /// Forgets the snapshots that were followed by another before `forgotten`.
    pub(crate) async fn expire(
        &self,
        forgotten: Timestamp,
        now: Timestamp,
    ) -> Result<(), CatalogError> {
        if !lake::is_due(&self.database, forgotten).await? {
            return Ok(());
        }
        let mut writing = self.begin("begin to forget snapshots").await?;
        lake::expire(&mut writing, forgotten, now).await?;
        writing.commit().await.during("commit forgotten snapshots")
    }

    /// Files that no snapshot names any more, relative to the lake's folder.
    pub(crate) async fn expired(&self) -> Result<Vec<(i64, PathBuf)>, CatalogError> {
        lake::expired(&self.database).await
    }

    /// Notes that files were removed from the disk.
    pub(crate) async fn forget_expired(&self, removed: &[i64]) -> Result<(), CatalogError> {
        let mut writing = self.begin("begin to forget files").await?;
        lake::forget_expired(&mut writing, removed).await?;
        writing.commit().await.during("commit forgotten files")
    }

    /// Every file that the catalog names, relative to the lake's folder.
    pub(crate) async fn paths(&self) -> Result<BTreeSet<PathBuf>, CatalogError> {
        lake::paths(&self.database).await
    }

    /// A transaction of the process that owns the lake; one at a time.
    async fn begin(&self, operation: &'static str) -> Result<Writing, CatalogError> {
        let mut writing = self.database.begin().await.during(operation)?;
        ledger::hold_ownership(&mut writing, self.instance).await?;
        Ok(writing)
    }

    /// Runs SQL as another release, or a hand, would have.
    #[cfg(test)]
    pub(crate) async fn run(&self, text: String) -> u64 {
        let statement = database::sql(sqlx::AssertSqlSafe(text));
        statement.execute(&self.database).await.unwrap()
    }

    /// The only number that SQL gives.
    #[cfg(test)]
    pub(crate) async fn number(&self, text: String) -> i64 {
        let statement = database::sql(sqlx::AssertSqlSafe(text));
        let (number,): (i64,) = statement.one(&self.database).await.unwrap();
        number
    }
}
