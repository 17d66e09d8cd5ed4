//! What other programs did to the lake, which may only read it.
//!
//! A snapshot of ours names its author. Files that another program added or merged are read like ours; rows that it
//! deleted from files, or put into the catalog instead of a file, are not: such tables are left as they are.

use std::fmt;
use std::path::{Path, PathBuf};

use sqlx::AssertSqlSafe;

use super::super::database::{Database, On, sql};
use super::super::{CatalogError, During as _};
use crate::schema::Table;
use crate::workspace::Workspace;

/// `ducklake_snapshot_changes.author` of our snapshots.
pub(super) const AUTHOR: &str = "Bartizan";

/// Snapshots that are looked at together.
const SNAPSHOTS_MAX: i64 = 100;

/// A snapshot that another program made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OtherSnapshot {
    pub(crate) id: i64,
    /// In DuckLake's words.
    pub(crate) changes: String,
}

/// The first snapshots behind `seen` that are not ours.
pub(in crate::catalog) async fn snapshots_of_others(
    on: impl Into<On<'_>>,
    seen: i64,
) -> Result<Vec<OtherSnapshot>, CatalogError> {
    let rows: Vec<(i64, Option<String>)> = sql(
        "select snapshot_id, changes_made from ducklake_snapshot_changes
         where snapshot_id > $1 and (author is null or author <> $2) order by snapshot_id limit $3",
    )
    .bind(seen)
    .bind(AUTHOR)
    .bind(SNAPSHOTS_MAX)
    .rows(on)
    .await
    .during("read snapshot changes")?;
    let snapshots = rows.into_iter().map(|(id, changes)| OtherSnapshot {
        id,
        changes: changes.unwrap_or_default(),
    });
    Ok(snapshots.collect())
}

/// Rows that the catalog tells of and we don't heed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unheeded {
    /// Where they are, or were: a file or a table's folder, relative to the lake's.
    pub(crate) path: PathBuf,
    pub(crate) workspace: Option<Workspace>,
    pub(crate) table: Option<Table>,
    pub(crate) rows: i64,
    pub(crate) kind: UnheededKind,
}

/// What another program did with rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnheededKind {
    /// It deleted them from a file.
    Deleted,
    /// It put them into the catalog.
    Inlined,
}

impl fmt::Display for Unheeded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows;
        match self.kind {
            UnheededKind::Deleted => write!(
                formatter,
                "has {rows} rows that another program deleted, and that are still seen here"
            ),
            UnheededKind::Inlined => write!(
                formatter,
                "has {rows} rows in the catalog that another program put there, and that are not seen here"
            ),
        }
    }
}

impl Unheeded {
    fn new((schema, table): (&str, &str), file: &str, rows: i64, kind: UnheededKind) -> Self {
        Self {
            path: Path::new(schema).join(table).join(file),
            workspace: Workspace::new(schema),
            table: Table::from_name(table),
            rows,
            kind,
        }
    }
}

/// Rows of live files and tables that others deleted, or that are in no file.
pub(in crate::catalog) async fn unheeded(
    database: &Database,
) -> Result<Vec<Unheeded>, CatalogError> {
    let files: Vec<(String, String, String, i64)> = sql(
        "select schema.schema_name, tab.table_name, file.path, coalesce(del.delete_count, 0)
         from ducklake_delete_file del
         join ducklake_data_file file on file.data_file_id = del.data_file_id and file.end_snapshot is null
         join ducklake_table tab on tab.table_id = file.table_id and tab.end_snapshot is null
         join ducklake_schema schema on schema.schema_id = tab.schema_id and schema.end_snapshot is null
         where del.end_snapshot is null order by del.delete_file_id",
    )
    .rows(database)
    .await
    .during("read delete files")?;
    let mut found: Vec<Unheeded> = files
        .iter()
        .map(|(schema, table, file, rows)| {
            Unheeded::new((schema, table), file, *rows, UnheededKind::Deleted)
        })
        .collect();
    for (prefix, kind) in [
        ("ducklake_inlined_data_", UnheededKind::Inlined),
        ("ducklake_inlined_delete_", UnheededKind::Deleted),
    ] {
        for name in database.tables(prefix).await.during("read tables")? {
            found.extend(inlined(database, (prefix, &name), kind).await?);
        }
    }
    Ok(found)
}

/// The rows of one table of DuckLake's that holds rows, or the numbers of deleted ones.
async fn inlined(
    database: &Database,
    (prefix, name): (&str, &str),
    kind: UnheededKind,
) -> Result<Option<Unheeded>, CatalogError> {
    // `<prefix><table>`, and of rows also `_<schema version>`; `ducklake_inlined_data_tables` is another.
    let numbers = name.strip_prefix(prefix).unwrap_or_default();
    let is_numbers = numbers
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'_');
    let Some(table) = numbers
        .split('_')
        .next()
        .and_then(|id| id.parse::<i64>().ok())
    else {
        return Ok(None);
    };
    if !is_numbers {
        return Ok(None);
    }
    let live = match kind {
        UnheededKind::Inlined => "end_snapshot is null",
        UnheededKind::Deleted => {
            "file_id in (select data_file_id from ducklake_data_file where end_snapshot is null)"
        }
    };
    // The name is of letters that we know and of digits.
    let count = AssertSqlSafe(format!("select count(*) from {name} where {live}"));
    let (rows,): (i64,) = sql(count)
        .one(database)
        .await
        .during("count inlined rows")?;
    let owner: Option<(String, String)> = sql(
        "select schema.schema_name, tab.table_name from ducklake_table tab
         join ducklake_schema schema on schema.schema_id = tab.schema_id and schema.end_snapshot is null
         where tab.table_id = $1 and tab.end_snapshot is null",
    )
    .bind(table)
    .optional(database)
    .await
    .during("read table")?;
    let owner = owner.filter(|_| rows > 0);
    Ok(owner.map(|(schema, table)| Unheeded::new((&schema, &table), "", rows, kind)))
}
