//! Files that come into the lake, with the statistics by which readers skip them.

use std::collections::{BTreeMap, BTreeSet};

use super::super::database::{Value, Writing, insert_all, sql};
use super::super::statistics::{self, Bound, Bounds, ColumnStatistics};
use super::super::{CatalogError, During as _};
use super::COMPACTED;
use super::layout::table_id;
use super::snapshot::Snapshot;
use crate::schema::{ColumnType, Table};
use crate::segment::{Level, Segment, WrittenSegment};
use crate::time::Timestamp;
use crate::workspace::Workspace;

/// Adds files under one new snapshot.
pub(in crate::catalog) async fn insert_segments(
    writing: &mut Writing,
    segments: &[(Workspace, WrittenSegment)],
    now: Timestamp,
) -> Result<Vec<(Workspace, Table, Segment)>, CatalogError> {
    let mut snapshot = Snapshot::next(writing).await?;
    let mut published = Vec::with_capacity(segments.len());
    let mut changed = BTreeSet::new();
    for (workspace, written) in segments {
        let table_id = table_id(writing, workspace, written.table).await?;
        let segment = insert_file(writing, (&mut snapshot, table_id), written).await?;
        changed.insert(format!("inserted_into_table:{table_id}"));
        published.push((workspace.clone(), written.table, segment));
    }
    let changes: Vec<String> = changed.into_iter().collect();
    snapshot.write(writing, &changes.join(","), now).await?;
    Ok(published)
}

pub(super) async fn insert_file(
    writing: &mut Writing,
    (snapshot, table_id): (&mut Snapshot, i64),
    written: &WrittenSegment,
) -> Result<Segment, CatalogError> {
    let file_id = snapshot.take_file_id();
    let rows = written.rows.cast_signed();
    let bytes = written.bytes.cast_signed();
    let (rows_before, row_id_start): (i64, i64) =
        sql("select record_count, next_row_id from ducklake_table_stats where table_id = $1")
            .bind(table_id)
            .one(&mut *writing)
            .await
            .during("read table statistics")?;
    sql(
        "insert into ducklake_data_file (data_file_id, table_id, begin_snapshot, path, path_is_relative,
             file_format, record_count, file_size_bytes, row_id_start)
         values ($1, $2, $3, $4, $5, 'parquet', $6, $7, $8)",
    )
    .bind(file_id)
    .bind(table_id)
    .bind(snapshot.id)
    .bind(written.name.as_str())
    .bind(true)
    .bind(rows)
    .bind(bytes)
    .bind(row_id_start)
    .execute(&mut *writing)
    .await
    .during("write data file")?;
    sql(
        "update ducklake_table_stats set record_count = record_count + $2, next_row_id = next_row_id + $2,
             file_size_bytes = file_size_bytes + $3 where table_id = $1",
    )
    .bind(table_id)
    .bind(rows)
    .bind(bytes)
    .execute(&mut *writing)
    .await
    .during("write table statistics")?;
    insert_kept(writing, file_id, written).await?;
    let kinds: Vec<ColumnType> = written
        .table
        .columns()
        .iter()
        .map(|column| column.kind)
        .collect();
    let columns = statistics::of_file(&written.metadata, &kinds);
    insert_file_statistics(writing, (table_id, file_id), &columns, &kinds).await?;
    merge_table_statistics(writing, (table_id, rows_before), &columns, &kinds).await?;
    Ok(Segment {
        id: file_id,
        path: written.path.clone(),
        rows: written.rows,
        bytes: written.bytes,
        time_min: written.time_min,
        time_max: written.time_max,
        received_min: written.received.min,
        received_max: written.received.max,
        level: written.level,
    })
}

/// What DuckLake does not keep of a file.
async fn insert_kept(
    writing: &mut Writing,
    file_id: i64,
    written: &WrittenSegment,
) -> Result<(), CatalogError> {
    let level = match written.level {
        Level::Fresh => 0,
        Level::Compacted => COMPACTED,
    };
    sql(
        "insert into segment_file (data_file_id, level, received_min, received_max, digest)
         values ($1, $2, $3, $4, $5)",
    )
    .bind(file_id)
    .bind(level)
    .bind(written.received.min.as_micros())
    .bind(written.received.max.as_micros())
    .bind(Value::Bytes(written.digest.to_vec()))
    .execute(writing)
    .await
    .during("write segment file")?;
    Ok(())
}

async fn insert_file_statistics(
    writing: &mut Writing,
    (table_id, file_id): (i64, i64),
    columns: &[ColumnStatistics],
    kinds: &[ColumnType],
) -> Result<(), CatalogError> {
    let rows = columns.iter().zip(kinds).map(|(column, kind)| {
        let bounds = column.bounds.as_ref();
        vec![
            file_id.into(),
            table_id.into(),
            column.column_id.into(),
            column.size_bytes.into(),
            column.value_count.into(),
            column.null_count.into(),
            bounds.map(|bounds| bounds.min.text(*kind)).into(),
            bounds.map(|bounds| bounds.max.text(*kind)).into(),
        ]
    });
    let head = "insert into ducklake_file_column_stats (data_file_id, table_id, column_id, column_size_bytes,
         value_count, null_count, min_value, max_value)";
    if let Some(insert) = insert_all(head, rows.collect()) {
        insert
            .execute(writing)
            .await
            .during("write file statistics")?;
    }
    Ok(())
}

/// What a table's statistics say of a column.
#[derive(Debug)]
struct Known {
    contains_null: bool,
    bounds: Option<Bounds>,
}

async fn known_statistics(
    writing: &mut Writing,
    table_id: i64,
    kinds: &[ColumnType],
) -> Result<BTreeMap<i64, Known>, CatalogError> {
    type Row = (i64, Option<bool>, Option<String>, Option<String>);
    let rows: Vec<Row> = sql(
        "select column_id, contains_null, min_value, max_value from ducklake_table_column_stats
         where table_id = $1",
    )
    .bind(table_id)
    .rows(writing)
    .await
    .during("read table statistics")?;
    let mut known = BTreeMap::new();
    for ((column_id, contains_null, min, max), kind) in rows.into_iter().filter_map(|row| {
        let place = usize::try_from(row.0 - 1).ok()?;
        Some((row, *kinds.get(place)?))
    }) {
        let parse = |text: Option<String>| Bound::parse(&text?, kind);
        let bounds = parse(min)
            .zip(parse(max))
            .map(|(min, max)| Bounds { min, max });
        let contains_null = contains_null.unwrap_or(true);
        known.insert(
            column_id,
            Known {
                contains_null,
                bounds,
            },
        );
    }
    Ok(known)
}

/// Widens a table's statistics. Bounds that one file does not have, the table does not have either.
async fn merge_table_statistics(
    writing: &mut Writing,
    (table_id, rows_before): (i64, i64),
    columns: &[ColumnStatistics],
    kinds: &[ColumnType],
) -> Result<(), CatalogError> {
    let mut known = known_statistics(writing, table_id, kinds).await?;
    let mut merged: Vec<Vec<Value>> = Vec::with_capacity(columns.len());
    for (column, kind) in columns.iter().zip(kinds) {
        let has_null = column.null_count > 0;
        let only_null = column.null_count == column.value_count;
        let now = match known.remove(&column.column_id) {
            // A column that was added to a table with rows is null in all of them.
            None => Known {
                contains_null: has_null || rows_before > 0,
                bounds: column.bounds.clone(),
            },
            Some(before) => Known {
                contains_null: before.contains_null || has_null,
                bounds: match (before.bounds, column.bounds.clone()) {
                    (Some(before), Some(new)) => Some(statistics::wider(before, new)),
                    (Some(before), None) if only_null => Some(before),
                    _ => None,
                },
            },
        };
        merged.push(vec![
            table_id.into(),
            column.column_id.into(),
            now.contains_null.into(),
            now.bounds
                .as_ref()
                .map(|bounds| bounds.min.text(*kind))
                .into(),
            now.bounds
                .as_ref()
                .map(|bounds| bounds.max.text(*kind))
                .into(),
        ]);
    }
    replace_table_statistics(writing, table_id, merged).await
}

pub(super) async fn replace_table_statistics(
    writing: &mut Writing,
    table_id: i64,
    rows: Vec<Vec<Value>>,
) -> Result<(), CatalogError> {
    sql("delete from ducklake_table_column_stats where table_id = $1")
        .bind(table_id)
        .execute(&mut *writing)
        .await
        .during("write table statistics")?;
    let head = "insert into ducklake_table_column_stats (table_id, column_id, contains_null, min_value, max_value)";
    if let Some(insert) = insert_all(head, rows) {
        insert
            .execute(writing)
            .await
            .during("write table statistics")?;
    }
    Ok(())
}
