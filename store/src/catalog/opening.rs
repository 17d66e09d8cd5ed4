//! Opens the database of a data folder, or one elsewhere, and refuses what is not its catalog before anything is written.

use std::path::Path;

use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, SqlitePool};
use uuid::Uuid;

use super::database::Database;
use super::{
    CONNECT_TIMEOUT, CONNECTIONS_MAX, CatalogError, CatalogSettings, During as _, FILE_NAME,
    PostgresSettings, ledger,
};
use crate::identity;
use crate::store::{StoreError, StoreSettings};

/// A data folder as its catalog must know it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DataFolder<'f> {
    pub(crate) path: &'f Path,
    /// Whether it holds files or a log, whose rows a new catalog would not know.
    pub(crate) is_used: bool,
}

impl DataFolder<'_> {
    pub(super) fn lost(self, what: String) -> CatalogError {
        CatalogError::Lost {
            what,
            data: self.path.to_owned(),
        }
    }
}

/// SQLite's code of a file that is no database.
const SQLITE_NOTADB: &str = "26";

/// Opens or creates the database of a data folder and brings it to this version's layout. Several processes may. One
/// that is lost is not created again beside the rows that it knew.
pub async fn open_database(settings: &StoreSettings) -> Result<SqlitePool, StoreError> {
    let path = settings.data.join(FILE_NAME);
    let is_there = path.metadata().is_ok_and(|file| file.len() > 0);
    let data = DataFolder {
        path: &settings.data,
        is_used: identity::is_used(settings.disk.as_ref(), &settings.data)?,
    };
    if !is_there && data.is_used {
        match &settings.catalog {
            CatalogSettings::Embedded => {
                let what = format!("{} is missing or empty", path.display());
                return Err(data.lost(what).into());
            }
            CatalogSettings::Postgres(_) => tracing::warn!(
                path = %path.display(),
                "the database of keys, watchlists, incidents and messages is missing or empty: a new one is made"
            ),
        }
    }
    Ok(open_sqlite(&path).await?)
}

async fn open_sqlite(path: &Path) -> Result<SqlitePool, CatalogError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(CONNECT_TIMEOUT);
    let pool = SqlitePoolOptions::new()
        .max_connections(CONNECTIONS_MAX)
        .connect_with(options)
        .await;
    let pool = pool.map_err(|source| {
        let code = source
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code);
        if code.as_deref() == Some(SQLITE_NOTADB) {
            return foreign(&path.display().to_string(), "is no SQLite database");
        }
        let operation = "open database";
        CatalogError::Database { operation, source }
    })?;
    check_pages(&pool).await?;
    let (tables, of_ours): (i64, i64) = sqlx::query_as(
        "select count(*), count(*) filter (where name in ('_sqlx_migrations', 'lake_owner')) from sqlite_schema
         where type = 'table' and name not like 'sqlite^_%' escape '^'",
    )
    .fetch_one(&pool)
    .await
    .during("read tables")?;
    if tables > 0 && of_ours == 0 {
        let path = path.display().to_string();
        return Err(foreign(&path, "is a database of something else"));
    }
    sqlx::sqlx_macros::migrate!("../migrations/sqlite")
        .run(&pool)
        .await?;
    Ok(pool)
}

fn foreign(place: &str, what: &str) -> CatalogError {
    CatalogError::Inconsistent(format!(
        "{place} {what}; put the catalog back from a copy, or name another place"
    ))
}

/// Refuses a rotten database before anything is written to it: a page of zeros reads like an empty table, and files
/// that no table names would be removed as orphans. SQLite has no checksums; of tables that decide which rows are
/// there, an index holds every value a second time (migration 6), and the two must agree.
pub(crate) async fn check_pages(pool: &SqlitePool) -> Result<(), CatalogError> {
    let found: Option<String> = sqlx::query_scalar(
        "select quick_check from pragma_quick_check where quick_check <> 'ok'
         union all
         select integrity_check from sqlite_schema tab, pragma_integrity_check(tab.name)
         where tab.type = 'table' and integrity_check <> 'ok' and tab.name in ('ducklake_schema', 'ducklake_table',
             'ducklake_data_file', 'ducklake_file_column_stats', 'segment_file', 'wal_position', 'idempotency_key',
             'source_position')
         limit 1",
    )
    .fetch_optional(pool)
    .await
    .during("check pages")?;
    let Some(found) = found else {
        return Ok(());
    };
    let what = format!("{FILE_NAME} is damaged ({found}); put a copy in its place");
    Err(CatalogError::Inconsistent(what))
}

/// The id of the lake whose catalog is in the data folder's own database.
pub(crate) async fn embedded_owner(embedded: &SqlitePool) -> Result<Option<Uuid>, CatalogError> {
    ledger::owner(&Database::Sqlite(embedded.clone())).await
}

pub(crate) async fn connect_postgres(settings: &PostgresSettings) -> Result<PgPool, CatalogError> {
    PgPoolOptions::new()
        .max_connections(CONNECTIONS_MAX)
        .acquire_timeout(CONNECT_TIMEOUT)
        .connect_with(settings.options())
        .await
        .during("connect to PostgreSQL")
}

pub(super) async fn open_postgres(
    settings: &PostgresSettings,
    data: DataFolder<'_>,
) -> Result<Database, CatalogError> {
    let pool = connect_postgres(settings).await?;
    let (is_ours, is_a_lake): (bool, bool) = sqlx::query_as(
        "select to_regclass('lake_owner') is not null, to_regclass('ducklake_metadata') is not null",
    )
    .fetch_one(&pool)
    .await
    .during("read tables")?;
    if !is_ours && is_a_lake {
        let place = settings.to_string();
        return Err(foreign(&place, "holds a lake of something else"));
    }
    if !is_ours && data.is_used {
        return Err(data.lost(format!("{settings} holds no lake")));
    }
    sqlx::sqlx_macros::migrate!("../migrations/postgres")
        .run(&pool)
        .await?;
    Ok(Database::Postgres(pool))
}
