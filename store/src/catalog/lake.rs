//! Owner of the `ducklake_*` tables and of `segment_file`: what DuckDB and we read as the lake.
//!
//! Layout and meaning are those of the DuckLake 1.0 specification. A workspace is a schema of the lake; files
//! lie in `<lake>/<workspace>/<table>/`.

mod files;
mod layout;
mod snapshot;

use std::path::{Path, PathBuf};

use super::database::{Database, Writing, sql};
use super::statistics;
use super::{CatalogError, During as _};
use crate::schema::Table;
use crate::segment::Segment;
use crate::time::Timestamp;
use crate::workspace::Workspace;

pub(super) use files::insert_segments;
pub(super) use layout::{ensure_workspace, workspaces};

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

/// Every live data file of every known table.
pub(super) async fn segments(
    database: &Database,
    lake: &Path,
) -> Result<Vec<(Workspace, Table, Segment)>, CatalogError> {
    type Row = (
        i64,
        String,
        String,
        String,
        i64,
        i64,
        Option<String>,
        Option<String>,
    );
    let rows: Vec<Row> = sql(
        "select file.data_file_id, schema.schema_name, tab.table_name, file.path,
                file.record_count, file.file_size_bytes, stats.min_value, stats.max_value
         from ducklake_data_file file
         join ducklake_table tab on tab.table_id = file.table_id and tab.end_snapshot is null
         join ducklake_schema schema on schema.schema_id = tab.schema_id and schema.end_snapshot is null
         left join ducklake_file_column_stats stats
             on stats.data_file_id = file.data_file_id and stats.column_id = 1
         where file.end_snapshot is null order by file.data_file_id",
    )
    .rows(database)
    .await
    .during("read data files")?;
    let mut all = Vec::with_capacity(rows.len());
    for (id, workspace, table, path, rows, bytes, time_min, time_max) in rows {
        let (Some(workspace), Some(table)) = (Workspace::new(&workspace), Table::from_name(&table))
        else {
            continue;
        };
        let time = |text: Option<String>| {
            let micros = text.as_deref().and_then(statistics::parse_time);
            micros.ok_or_else(|| CatalogError::Inconsistent(format!("time range of file {id}")))
        };
        let segment = Segment {
            id,
            path: table_folder(lake, &workspace, table).join(path),
            rows: rows.cast_unsigned(),
            bytes: bytes.cast_unsigned(),
            time_min: Timestamp::from_micros(time(time_min)?),
            time_max: Timestamp::from_micros(time(time_max)?),
        };
        all.push((workspace, table, segment));
    }
    Ok(all)
}
