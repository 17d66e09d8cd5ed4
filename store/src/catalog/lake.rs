//! Owner of the `ducklake_*` tables: what DuckDB and we read as the lake.
//!
//! Layout and meaning are those of the DuckLake 1.0 specification. A workspace is a schema of the lake; files
//! lie in `<lake>/<workspace>/<table>/`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sqlx::{Sqlite, SqlitePool, Transaction};
use uuid::Uuid;

use super::statistics::{self, Bound, Bounds, ColumnStatistics};
use super::{CatalogError, During as _};
use crate::schema::{ColumnType, Table};
use crate::segment::{Segment, WrittenSegment};
use crate::time::Timestamp;
use crate::workspace::Workspace;

type Writing<'t> = &'t mut Transaction<'static, Sqlite>;

/// Folder of a table's files below the lake's.
pub(crate) fn table_folder(lake: &Path, workspace: &Workspace, table: Table) -> PathBuf {
    lake.join(workspace.as_str()).join(table.name())
}

/// Says where the files lie; a data folder may have been moved since.
pub(super) async fn set_data_path(writing: Writing<'_>, lake: &Path) -> Result<(), CatalogError> {
    let path = format!("{}/", lake.display());
    sqlx::query("delete from ducklake_metadata where \"key\" = 'data_path' and \"scope\" is null")
        .execute(&mut **writing)
        .await
        .during("write data path")?;
    sqlx::query("insert into ducklake_metadata (\"key\", \"value\") values ('data_path', $1)")
        .bind(path)
        .execute(&mut **writing)
        .await
        .during("write data path")?;
    Ok(())
}

/// Every live data file of every known table.
pub(super) async fn segments(
    pool: &SqlitePool,
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
    let rows: Vec<Row> = sqlx::query_as(
        "select file.data_file_id, schema.schema_name, tab.table_name, file.path,
                file.record_count, file.file_size_bytes, stats.min_value, stats.max_value
         from ducklake_data_file file
         join ducklake_table tab on tab.table_id = file.table_id and tab.end_snapshot is null
         join ducklake_schema schema on schema.schema_id = tab.schema_id and schema.end_snapshot is null
         left join ducklake_file_column_stats stats
             on stats.data_file_id = file.data_file_id and stats.column_id = 1
         where file.end_snapshot is null order by file.data_file_id",
    )
    .fetch_all(pool)
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

/// A snapshot that is being written.
struct Snapshot {
    id: i64,
    schema_version: i64,
    next_catalog_id: i64,
    next_file_id: i64,
}

impl Snapshot {
    async fn next(writing: Writing<'_>) -> Result<Self, CatalogError> {
        let (id, schema_version, next_catalog_id, next_file_id): (i64, i64, i64, i64) =
            sqlx::query_as(
                "select snapshot_id, schema_version, next_catalog_id, next_file_id
                 from ducklake_snapshot order by snapshot_id desc limit 1",
            )
            .fetch_one(&mut **writing)
            .await
            .during("read snapshot")?;
        Ok(Self {
            id: id + 1,
            schema_version,
            next_catalog_id,
            next_file_id,
        })
    }

    fn take_catalog_id(&mut self) -> i64 {
        self.next_catalog_id += 1;
        self.next_catalog_id - 1
    }

    async fn write(
        &self,
        writing: Writing<'_>,
        changes: &str,
        now: Timestamp,
    ) -> Result<(), CatalogError> {
        sqlx::query("insert into ducklake_snapshot values ($1, $2, $3, $4, $5)")
            .bind(self.id)
            .bind(Bound::Number(now.as_micros()).text(ColumnType::Datetime))
            .bind(self.schema_version)
            .bind(self.next_catalog_id)
            .bind(self.next_file_id)
            .execute(&mut **writing)
            .await
            .during("write snapshot")?;
        sqlx::query(
            "insert into ducklake_snapshot_changes (snapshot_id, changes_made) values ($1, $2)",
        )
        .bind(self.id)
        .bind(changes)
        .execute(&mut **writing)
        .await
        .during("write snapshot changes")?;
        Ok(())
    }
}

/// Makes a workspace's schema, tables and columns exist; a new column of ours is added to an old table.
pub(super) async fn ensure_workspace(
    writing: Writing<'_>,
    workspace: &Workspace,
    now: Timestamp,
) -> Result<(), CatalogError> {
    let mut snapshot = Snapshot::next(writing).await?;
    let mut changes: Vec<String> = Vec::new();
    let name = workspace.as_str();
    let known: Option<i64> = sqlx::query_scalar(
        "select schema_id from ducklake_schema where schema_name = $1 and end_snapshot is null",
    )
    .bind(name)
    .fetch_optional(&mut **writing)
    .await
    .during("read schema")?;
    let schema_id = match known {
        Some(schema_id) => schema_id,
        None => {
            let schema_id = snapshot.take_catalog_id();
            sqlx::query("insert into ducklake_schema values ($1, $2, $3, null, $4, $5, 1)")
                .bind(schema_id)
                .bind(Uuid::now_v7().to_string())
                .bind(snapshot.id)
                .bind(name)
                .bind(format!("{name}/"))
                .execute(&mut **writing)
                .await
                .during("write schema")?;
            changes.push(format!("created_schema:\"{name}\""));
            schema_id
        }
    };
    for table in Table::ALL {
        if let Some(change) = ensure_table(writing, &mut snapshot, (schema_id, name), table).await?
        {
            changes.push(change);
        }
    }
    if changes.is_empty() {
        return Ok(());
    }
    snapshot.schema_version += 1;
    snapshot.write(writing, &changes.join(","), now).await
}

async fn ensure_table(
    writing: Writing<'_>,
    snapshot: &mut Snapshot,
    (schema_id, schema_name): (i64, &str),
    table: Table,
) -> Result<Option<String>, CatalogError> {
    let known = table_id(writing, schema_id, table).await?;
    let (table_id, columns_known) = match known {
        Some(table_id) => {
            let columns: i64 = sqlx::query_scalar(
                "select count(*) from ducklake_column where table_id = $1 and end_snapshot is null",
            )
            .bind(table_id)
            .fetch_one(&mut **writing)
            .await
            .during("read columns")?;
            (table_id, columns)
        }
        None => (create_table(writing, snapshot, schema_id, table).await?, 0),
    };
    let new_columns: Vec<_> = (1_i64..)
        .zip(table.columns())
        .filter(|(id, _)| *id > columns_known)
        .collect();
    if new_columns.is_empty() {
        return Ok(None);
    }
    for (column_id, column) in new_columns {
        sqlx::query(
            "insert into ducklake_column (column_id, begin_snapshot, table_id, column_order, column_name,
                 column_type, default_value, nulls_allowed, default_value_type, default_value_dialect)
             values ($1, $2, $3, $1, $4, $5, 'NULL', 1, 'literal', 'duckdb')",
        )
        .bind(column_id)
        .bind(snapshot.id)
        .bind(table_id)
        .bind(column.name)
        .bind(column.kind.ducklake())
        .execute(&mut **writing)
        .await
        .during("write column")?;
    }
    sqlx::query("insert into ducklake_schema_versions values ($1, $2, $3)")
        .bind(snapshot.id)
        .bind(snapshot.schema_version + 1)
        .bind(table_id)
        .execute(&mut **writing)
        .await
        .during("write schema version")?;
    Ok(Some(match known {
        Some(table_id) => format!("altered_table:{table_id}"),
        None => format!("created_table:\"{schema_name}\".\"{}\"", table.name()),
    }))
}

async fn table_id(
    writing: Writing<'_>,
    schema_id: i64,
    table: Table,
) -> Result<Option<i64>, CatalogError> {
    sqlx::query_scalar(
        "select table_id from ducklake_table
         where schema_id = $1 and table_name = $2 and end_snapshot is null",
    )
    .bind(schema_id)
    .bind(table.name())
    .fetch_optional(&mut **writing)
    .await
    .during("read table")
}

async fn create_table(
    writing: Writing<'_>,
    snapshot: &mut Snapshot,
    schema_id: i64,
    table: Table,
) -> Result<i64, CatalogError> {
    let table_id = snapshot.take_catalog_id();
    sqlx::query("insert into ducklake_table values ($1, $2, $3, null, $4, $5, $6, 1)")
        .bind(table_id)
        .bind(Uuid::now_v7().to_string())
        .bind(snapshot.id)
        .bind(schema_id)
        .bind(table.name())
        .bind(format!("{}/", table.name()))
        .execute(&mut **writing)
        .await
        .during("write table")?;
    sqlx::query("insert into ducklake_table_stats values ($1, 0, 0, 0)")
        .bind(table_id)
        .execute(&mut **writing)
        .await
        .during("write table statistics")?;
    Ok(table_id)
}

/// Adds files under one new snapshot.
pub(super) async fn insert_segments(
    writing: Writing<'_>,
    segments: &[(Workspace, WrittenSegment)],
    now: Timestamp,
) -> Result<Vec<(Workspace, Table, Segment)>, CatalogError> {
    let mut snapshot = Snapshot::next(writing).await?;
    let mut published = Vec::with_capacity(segments.len());
    let mut changed: BTreeMap<i64, String> = BTreeMap::new();
    for (workspace, written) in segments {
        let schema_id: i64 = sqlx::query_scalar(
            "select schema_id from ducklake_schema where schema_name = $1 and end_snapshot is null",
        )
        .bind(workspace.as_str())
        .fetch_one(&mut **writing)
        .await
        .during("read schema")?;
        let table_id = table_id(writing, schema_id, written.table)
            .await?
            .ok_or_else(|| CatalogError::Inconsistent(format!("no table {}", written.table)))?;
        let file_id = snapshot.next_file_id;
        snapshot.next_file_id += 1;
        insert_file(writing, (snapshot.id, table_id, file_id), written).await?;
        changed.insert(table_id, format!("inserted_into_table:{table_id}"));
        let segment = Segment {
            id: file_id,
            path: written.path.clone(),
            rows: written.rows,
            bytes: written.bytes,
            time_min: written.time_min,
            time_max: written.time_max,
        };
        published.push((workspace.clone(), written.table, segment));
    }
    let changes: Vec<String> = changed.into_values().collect();
    snapshot.write(writing, &changes.join(","), now).await?;
    Ok(published)
}

async fn insert_file(
    writing: Writing<'_>,
    (snapshot_id, table_id, file_id): (i64, i64, i64),
    written: &WrittenSegment,
) -> Result<(), CatalogError> {
    let rows = written.rows.cast_signed();
    let bytes = written.bytes.cast_signed();
    sqlx::query(
        "insert into ducklake_data_file (data_file_id, table_id, begin_snapshot, path, path_is_relative,
             file_format, record_count, file_size_bytes, row_id_start)
         select $1, $2, $3, $4, 1, 'parquet', $5, $6, next_row_id from ducklake_table_stats where table_id = $2",
    )
    .bind(file_id)
    .bind(table_id)
    .bind(snapshot_id)
    .bind(&written.name)
    .bind(rows)
    .bind(bytes)
    .execute(&mut **writing)
    .await
    .during("write data file")?;
    sqlx::query(
        "update ducklake_table_stats set record_count = record_count + $2, next_row_id = next_row_id + $2,
             file_size_bytes = file_size_bytes + $3 where table_id = $1",
    )
    .bind(table_id)
    .bind(rows)
    .bind(bytes)
    .execute(&mut **writing)
    .await
    .during("write table statistics")?;
    let kinds: Vec<ColumnType> = written
        .table
        .columns()
        .iter()
        .map(|column| column.kind)
        .collect();
    for (column, kind) in statistics::of_file(&written.metadata, &kinds)
        .iter()
        .zip(kinds)
    {
        insert_file_statistics(writing, (table_id, file_id), column, kind).await?;
        merge_table_statistics(writing, table_id, column, kind).await?;
    }
    Ok(())
}

async fn insert_file_statistics(
    writing: Writing<'_>,
    (table_id, file_id): (i64, i64),
    column: &ColumnStatistics,
    kind: ColumnType,
) -> Result<(), CatalogError> {
    let bounds = column.bounds.as_ref();
    sqlx::query(
        "insert into ducklake_file_column_stats (data_file_id, table_id, column_id, column_size_bytes,
             value_count, null_count, min_value, max_value) values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(file_id)
    .bind(table_id)
    .bind(column.column_id)
    .bind(column.size_bytes)
    .bind(column.value_count)
    .bind(column.null_count)
    .bind(bounds.map(|bounds| bounds.min.text(kind)))
    .bind(bounds.map(|bounds| bounds.max.text(kind)))
    .execute(&mut **writing)
    .await
    .during("write file statistics")?;
    Ok(())
}

/// Widens a table's statistics. Bounds that one file does not have, the table does not have either.
async fn merge_table_statistics(
    writing: Writing<'_>,
    table_id: i64,
    column: &ColumnStatistics,
    kind: ColumnType,
) -> Result<(), CatalogError> {
    let known: Option<(i64, Option<String>, Option<String>)> = sqlx::query_as(
        "select contains_null, min_value, max_value from ducklake_table_column_stats
         where table_id = $1 and column_id = $2",
    )
    .bind(table_id)
    .bind(column.column_id)
    .fetch_optional(&mut **writing)
    .await
    .during("read table statistics")?;
    let contains_null = i64::from(column.null_count > 0);
    let all_null = column.null_count == column.value_count;
    let (contains_null, bounds) = match known {
        None => (contains_null, column.bounds.clone()),
        Some((had_null, min, max)) => {
            let parse = |text: Option<String>| Bound::parse(&text?, kind);
            let before = parse(min)
                .zip(parse(max))
                .map(|(min, max)| Bounds { min, max });
            let bounds = match (before, column.bounds.clone()) {
                (Some(before), Some(new)) => Some(statistics::wider(before, new)),
                (Some(before), None) if all_null => Some(before),
                _ => None,
            };
            (had_null | contains_null, bounds)
        }
    };
    sqlx::query("delete from ducklake_table_column_stats where table_id = $1 and column_id = $2")
        .bind(table_id)
        .bind(column.column_id)
        .execute(&mut **writing)
        .await
        .during("write table statistics")?;
    sqlx::query(
        "insert into ducklake_table_column_stats (table_id, column_id, contains_null, min_value, max_value)
         values ($1, $2, $3, $4, $5)",
    )
    .bind(table_id)
    .bind(column.column_id)
    .bind(contains_null)
    .bind(bounds.as_ref().map(|bounds| bounds.min.text(kind)))
    .bind(bounds.as_ref().map(|bounds| bounds.max.text(kind)))
    .execute(&mut **writing)
    .await
    .during("write table statistics")?;
    Ok(())
}
