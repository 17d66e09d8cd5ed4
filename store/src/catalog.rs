//! The database: the DuckLake catalog and, beside it, Bartizan's own tables, in one SQLite file.
//!
//! Publishing is one transaction: the files, the WAL position behind them, the answers to idempotency keys, the
//! positions of sources and the progress of tables change together or not at all. That is what makes a replay exact.

mod lake;
mod ledger;
mod positions;
mod statistics;

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::MigrateError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool, Transaction};
use thiserror::Error;

use crate::disk::DiskError;
use crate::idempotency::Answered;
use crate::position::{Source, Standing};
use crate::schema::Table;
use crate::segment::{Segment, WrittenSegment};
use crate::time::Timestamp;
use crate::workspace::Workspace;

pub(crate) use lake::table_folder;
pub(crate) use ledger::StoredProgress;

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
    pub(crate) sequence: u64,
    pub(crate) segments: Vec<(Workspace, WrittenSegment)>,
    pub(crate) answers: Vec<(Workspace, String, Answered)>,
    pub(crate) progress: Vec<StoredProgress>,
    pub(crate) positions: Vec<(Workspace, Source, Standing)>,
    pub(crate) now: Timestamp,
}

/// How long an answer to an idempotency key is remembered.
pub(crate) const ANSWER_RETENTION: Duration = Duration::from_hours(24);

/// Opens or creates the database of a data folder and brings it to this version's layout. Several processes may.
pub async fn open_database(data: &Path) -> Result<SqlitePool, CatalogError> {
    let options = SqliteConnectOptions::new()
        .filename(data.join(FILE_NAME))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10));
    let pool = SqlitePoolOptions::new()
        .max_connections(8)
        .connect_with(options)
        .await
        .during("open database")?;
    sqlx::migrate!("../migrations/sqlite").run(&pool).await?;
    Ok(pool)
}

/// The open catalog.
#[derive(Clone, Debug)]
pub(crate) struct Catalog {
    pool: SqlitePool,
}

impl Catalog {
    /// Opens or creates the catalog and brings it to this version's layout.
    pub(crate) async fn open(
        data: &Path,
        lake: &Path,
        now: Timestamp,
    ) -> Result<Self, CatalogError> {
        let pool = open_database(data).await?;
        let catalog = Self { pool };
        let mut transaction = catalog.begin("begin").await?;
        lake::set_data_path(&mut transaction, lake).await?;
        lake::ensure_workspace(&mut transaction, &Workspace::default(), now).await?;
        transaction.commit().await.during("commit layout")?;
        Ok(catalog)
    }

    /// The pool, for the modules that own other tables.
    pub(crate) fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Every published segment.
    pub(crate) async fn segments(
        &self,
        lake: &Path,
    ) -> Result<Vec<(Workspace, Table, Segment)>, CatalogError> {
        lake::segments(&self.pool, lake).await
    }

    /// The last WAL sequence whose rows are published.
    pub(crate) async fn sequence(&self) -> Result<u64, CatalogError> {
        ledger::sequence(&self.pool).await
    }

    /// How far the events of each table reach.
    pub(crate) async fn progress(&self) -> Result<Vec<StoredProgress>, CatalogError> {
        ledger::progress(&self.pool).await
    }

    /// The answer that a key was given, if it is remembered.
    pub(crate) async fn answer(
        &self,
        workspace: &Workspace,
        key: &str,
    ) -> Result<Option<Answered>, CatalogError> {
        ledger::answer(&self.pool, workspace, key).await
    }

    /// Where a source stands.
    pub(crate) async fn standing(
        &self,
        workspace: &Workspace,
        source: &Source,
    ) -> Result<Option<Standing>, CatalogError> {
        positions::one(&self.pool, workspace, source).await
    }

    /// The first `count` sources behind `after`, by name.
    pub(crate) async fn standings(
        &self,
        workspace: &Workspace,
        after: Option<&Source>,
        count: usize,
    ) -> Result<Vec<(Source, Standing)>, CatalogError> {
        positions::page(&self.pool, workspace, after, count).await
    }

    /// Makes a publication true; returns the segments under their ids, in the order given.
    pub(crate) async fn publish(
        &self,
        publication: &Publication,
    ) -> Result<Vec<(Workspace, Table, Segment)>, CatalogError> {
        let mut transaction = self.begin("begin publication").await?;
        let workspaces = publication.segments.iter().map(|(workspace, _)| workspace);
        for workspace in workspaces {
            lake::ensure_workspace(&mut transaction, workspace, publication.now).await?;
        }
        let segments = if publication.segments.is_empty() {
            Vec::new()
        } else {
            lake::insert_segments(&mut transaction, &publication.segments, publication.now).await?
        };
        ledger::write(&mut transaction, publication).await?;
        positions::write(&mut transaction, &publication.positions).await?;
        transaction.commit().await.during("commit publication")?;
        Ok(segments)
    }

    /// A transaction that holds the write lock from its start, so that it never fails halfway for a reader's sake.
    async fn begin(
        &self,
        operation: &'static str,
    ) -> Result<Transaction<'static, Sqlite>, CatalogError> {
        self.pool
            .begin_with("begin immediate")
            .await
            .during(operation)
    }
}
