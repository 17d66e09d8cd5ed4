//! The catalog as one sees it who only looks: nothing is created, migrated or locked.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use parquet::file::metadata::ParquetMetaData;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

use super::database::{Database, sql};
use super::{CONNECT_TIMEOUT, check_pages, connect_postgres};
use super::{CatalogError, CatalogSettings, During as _, FILE_NAME, Unheeded, lake, statistics};
use crate::schema::{ColumnType, Table};
use crate::segment::Segment;
use crate::store::StoreSettings;
use crate::workspace::Workspace;

/// A catalog that is only read.
#[derive(Debug)]
pub(crate) struct Reading(Database);

/// A file that the catalog names: live, or of an older snapshot.
#[derive(Clone, Debug)]
pub(crate) struct FileRecord {
    pub(crate) id: i64,
    pub(crate) table_id: i64,
    /// Relative to the lake's folder.
    pub(crate) path: PathBuf,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) is_live: bool,
    /// BLAKE3 of its bytes; files of the first versions have none.
    pub(crate) digest: Option<Vec<u8>>,
    pub(crate) segment: Segment,
}

/// What is said of one column of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ColumnRecord {
    pub(crate) name: &'static str,
    kind: ColumnType,
    pub(crate) values: i64,
    pub(crate) nulls: i64,
    pub(crate) min: Option<String>,
    pub(crate) max: Option<String>,
}

/// What a file's footer says of columns; `columns` are those that the file has.
pub(crate) fn statistics_of(
    metadata: &ParquetMetaData,
    columns: &[ColumnRecord],
) -> Vec<ColumnRecord> {
    let kinds: Vec<ColumnType> = columns.iter().map(|column| column.kind).collect();
    let found = statistics::of_file(metadata, &kinds);
    let records = found.into_iter().zip(columns).map(|(found, column)| {
        let bounds = found.bounds.as_ref();
        ColumnRecord {
            name: column.name,
            kind: column.kind,
            values: found.value_count,
            nulls: found.null_count,
            min: bounds.map(|bounds| bounds.min.text(column.kind)),
            max: bounds.map(|bounds| bounds.max.text(column.kind)),
        }
    });
    records.collect()
}

impl Reading {
    /// Opens the catalog of a lake that is there.
    pub(crate) async fn open(settings: &StoreSettings) -> Result<Self, CatalogError> {
        let postgres = match &settings.catalog {
            CatalogSettings::Embedded => None,
            CatalogSettings::Postgres(postgres) => Some(postgres),
        };
        if let Some(postgres) = postgres {
            return Ok(Self(Database::Postgres(connect_postgres(postgres).await?)));
        }
        let path = settings.data.join(FILE_NAME);
        if !path.metadata().is_ok_and(|file| file.len() > 0) {
            return Err(CatalogError::NoLake(settings.data.clone()));
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .busy_timeout(CONNECT_TIMEOUT);
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await
            .during("open database")?;
        Ok(Self(Database::Sqlite(pool)))
    }

    /// Refuses a rotten catalog, as the start of the service does.
    pub(crate) async fn check(&self) -> Result<(), CatalogError> {
        match &self.0 {
            Database::Sqlite(pool) => check_pages(pool).await,
            // Which keeps checksums of its own, if its administrator says so.
            Database::Postgres(_) => Ok(()),
        }
    }

    /// Every live segment.
    pub(crate) async fn segments(
        &self,
        lake: &Path,
    ) -> Result<Vec<(Workspace, Table, Segment)>, CatalogError> {
        lake::segments(&self.0, lake).await
    }

    /// Every file that the catalog names, relative to the lake's folder.
    pub(crate) async fn paths(&self) -> Result<BTreeSet<PathBuf>, CatalogError> {
        lake::paths(&self.0).await
    }

    /// Rows that other programs deleted, or put into the catalog.
    pub(crate) async fn unheeded(&self) -> Result<Vec<Unheeded>, CatalogError> {
        lake::unheeded(&self.0).await
    }

    /// Every file that a snapshot names, with what the catalog says of it.
    pub(crate) async fn files(&self) -> Result<Vec<FileRecord>, CatalogError> {
        lake::records(&self.0).await
    }

    /// What the catalog says of a file's columns, in the file's order.
    pub(crate) async fn columns(&self, file: i64) -> Result<Vec<ColumnRecord>, CatalogError> {
        type Row = (String, i64, i64, i64, Option<String>, Option<String>);
        let rows: Vec<Row> = sql(
            "select tab.table_name, stats.column_id, stats.value_count, stats.null_count,
                    stats.min_value, stats.max_value
             from ducklake_file_column_stats stats
             join ducklake_table tab on tab.table_id = stats.table_id and tab.end_snapshot is null
             where stats.data_file_id = $1 order by stats.column_id",
        )
        .bind(file)
        .rows(&self.0)
        .await
        .during("read file statistics")?;
        let records = rows
            .into_iter()
            .filter_map(|(table, id, values, nulls, min, max)| {
                let place = usize::try_from(id - 1).ok()?;
                let column = Table::from_name(&table)?.columns().get(place)?;
                Some(ColumnRecord {
                    name: column.name,
                    kind: column.kind,
                    values,
                    nulls,
                    min,
                    max,
                })
            });
        Ok(records.collect())
    }

    /// Whether a snapshot still names a file.
    pub(crate) async fn is_named(&self, file: i64) -> Result<bool, CatalogError> {
        let (count,): (i64,) =
            sql("select count(*) from ducklake_data_file where data_file_id = $1")
                .bind(file)
                .one(&self.0)
                .await
                .during("read data file")?;
        Ok(count > 0)
    }
}
