//! Owner of the `ducklake_*` tables and of `segment_file`: what DuckDB and we read as the lake.
//!
//! Layout and meaning are those of the DuckLake 1.0 specification. A workspace is a schema of the lake; files
//! lie in `<lake>/<workspace>/<table>/`.

mod expire;
mod files;
mod layout;
mod others;
mod replace;
mod snapshot;

use super::database::{Database, Writing, sql};
use super::statistics;
use super::{CatalogError, During as _, FileRecord};
use crate::schema::Table;
use crate::segment::{Level, Segment, created};
use crate::time::Timestamp;
use crate::workspace::Workspace;
use std::path::{Path, PathBuf};

pub(super) use expire::{expire, expired, forget_expired, is_due, paths};
pub(super) use files::insert_segments;
pub(super) use layout::{ensure_workspace, workspaces};
pub(crate) use others::{OtherSnapshot, Unheeded};
pub(super) use others::{snapshots_of_others, unheeded};
pub(crate) use replace::Replacement;
pub(super) use replace::{have_ended, replace_segments};

/// Folder of a table's files below the lake's.
pub(crate) fn table_folder(lake: &Path, workspace: &Workspace, table: Table) -> PathBuf {
    lake.join(workspace.as_str()).join(table.name())
}

/// Says where the files lie; a data folder may have been moved since.
pub(super) async fn set_data_path(writing: &mut Writing, lake: &Path) -> Result<(), CatalogError> {
    sql("delete from ducklake_metadata where \"key\" = 'data_path' and \"scope\" is null")
        .execute(&mut *writing)
        .await
        .during("write data path")?;
    sql("insert into ducklake_metadata (\"key\", \"value\") values ('data_path', $1)")
        .bind(format!("{}/", lake.display()))
        .execute(writing)
        .await
        .during("write data path")?;
    Ok(())
}

/// A data file as the catalog has it.
#[derive(sqlx::FromRow)]
struct FileRow {
    data_file_id: i64,
    table_id: i64,
    end_snapshot: Option<i64>,
    schema_name: String,
    table_name: String,
    path: String,
    record_count: i64,
    file_size_bytes: i64,
    min_value: Option<String>,
    max_value: Option<String>,
    level: Option<i64>,
    received_min: Option<i64>,
    received_max: Option<i64>,
    digest: Option<Vec<u8>>,
}

/// Every data file, live or of an older snapshot.
async fn file_rows(database: &Database) -> Result<Vec<FileRow>, CatalogError> {
    sql(
        "select file.data_file_id, file.table_id, file.end_snapshot, schema.schema_name, tab.table_name,
                file.path, file.record_count, file.file_size_bytes, stats.min_value, stats.max_value,
                kept.level, kept.received_min, kept.received_max, kept.digest
         from ducklake_data_file file
         join ducklake_table tab on tab.table_id = file.table_id and tab.end_snapshot is null
         join ducklake_schema schema on schema.schema_id = tab.schema_id and schema.end_snapshot is null
         left join ducklake_file_column_stats stats
             on stats.data_file_id = file.data_file_id and stats.column_id = 1
         left join segment_file kept on kept.data_file_id = file.data_file_id
         order by file.data_file_id",
    )
    .rows(database)
    .await
    .during("read data files")
}

/// Every live data file of every known table.
pub(super) async fn segments(
    database: &Database,
    lake: &Path,
) -> Result<Vec<(Workspace, Table, Segment)>, CatalogError> {
    let mut all = Vec::new();
    for row in file_rows(database).await? {
        let workspace = Workspace::new(&row.schema_name);
        let table = Table::from_name(&row.table_name);
        if let (Some(workspace), Some(table), None) = (workspace, table, row.end_snapshot) {
            let folder = table_folder(lake, &workspace, table);
            all.push((workspace, table, segment(&row, &folder)?));
        }
    }
    Ok(all)
}

/// Every data file with what is said of it.
pub(super) async fn records(database: &Database) -> Result<Vec<FileRecord>, CatalogError> {
    let mut all = Vec::new();
    for row in file_rows(database).await? {
        let folder = Path::new(&row.schema_name).join(&row.table_name);
        let segment = segment(&row, &folder)?;
        all.push(FileRecord {
            id: row.data_file_id,
            table_id: row.table_id,
            path: segment.path.clone(),
            rows: segment.rows,
            bytes: segment.bytes,
            is_live: row.end_snapshot.is_none(),
            digest: row.digest,
            segment,
        });
    }
    Ok(all)
}

fn segment(row: &FileRow, folder: &Path) -> Result<Segment, CatalogError> {
    let id = row.data_file_id;
    let time = |text: &Option<String>| {
        let micros = text.as_deref().and_then(statistics::parse_time);
        micros
            .map(Timestamp::from_micros)
            .ok_or_else(|| CatalogError::Inconsistent(format!("time range of file {id}")))
    };
    let path = folder.join(&row.path);
    // A file from before this was kept came in when it was named.
    let named = created(&path);
    let received = |kept: Option<i64>| kept.map_or(named, Timestamp::from_micros);
    Ok(Segment {
        id,
        rows: row.record_count.cast_unsigned(),
        bytes: row.file_size_bytes.cast_unsigned(),
        time_min: time(&row.min_value)?,
        time_max: time(&row.max_value)?,
        received_min: received(row.received_min),
        received_max: received(row.received_max),
        level: if row.level == Some(COMPACTED) {
            Level::Compacted
        } else {
            Level::Fresh
        },
        path,
    })
}

/// `segment_file.level` of a compacted file; 0 is that of a fresh one.
const COMPACTED: i64 = 1;
