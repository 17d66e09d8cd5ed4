//! Files that go out of the lake, and those that come in their place.
//!
//! A file that goes out is only marked as ended: snapshots from before still name it, until they are forgotten.

use std::sync::Arc;

use super::super::database::{Value, Writing, sql};
use super::super::statistics::{self, Bound, Bounds};
use super::super::{CatalogError, During as _};
use super::files::{insert_file, replace_table_statistics};
use super::layout::table_id;
use super::snapshot::Snapshot;
use crate::schema::{ColumnType, Table};
use crate::segment::{Segment, WrittenSegment};
use crate::time::Timestamp;
use crate::workspace::Workspace;

/// Files in the place of others.
#[derive(Debug)]
pub(crate) struct Replacement {
    pub(crate) workspace: Workspace,
    pub(crate) table: Table,
    pub(crate) removed: Vec<i64>,
    rows_removed: u64,
    bytes_removed: u64,
    written: Vec<WrittenSegment>,
    /// DuckLake's word for the change.
    change: &'static str,
}

impl Replacement {
    /// The same rows in other files.
    pub(crate) fn compaction(
        workspace: &Workspace,
        table: Table,
        removed: &[Arc<Segment>],
        written: Vec<WrittenSegment>,
    ) -> Self {
        Self {
            written,
            change: "merge_adjacent",
            ..Self::retention(workspace, table, removed)
        }
    }

    /// Nothing in the place of files whose rows' time is over.
    pub(crate) fn retention(workspace: &Workspace, table: Table, removed: &[Arc<Segment>]) -> Self {
        Self {
            workspace: workspace.clone(),
            table,
            removed: removed.iter().map(|segment| segment.id).collect(),
            rows_removed: removed.iter().map(|segment| segment.rows).sum(),
            bytes_removed: removed.iter().map(|segment| segment.bytes).sum(),
            written: Vec::new(),
            change: "deleted_from_table",
        }
    }

    fn is_compaction(&self) -> bool {
        !self.written.is_empty()
    }
}

/// Writes a replacement under one new snapshot; gives the new segments.
pub(in crate::catalog) async fn replace_segments(
    writing: &mut Writing,
    replacement: &Replacement,
    now: Timestamp,
) -> Result<Vec<(Workspace, Table, Segment)>, CatalogError> {
    let rows_written: u64 = replacement.written.iter().map(|segment| segment.rows).sum();
    if replacement.is_compaction() && rows_written != replacement.rows_removed {
        return Err(CatalogError::Inconsistent(format!(
            "compaction of {} made {rows_written} rows of {}",
            replacement.table, replacement.rows_removed
        )));
    }
    let mut snapshot = Snapshot::next(writing).await?;
    let table_id = table_id(writing, &replacement.workspace, replacement.table).await?;
    for id in &replacement.removed {
        end(writing, (snapshot.id, table_id), *id).await?;
    }
    let mut added = Vec::with_capacity(replacement.written.len());
    for written in &replacement.written {
        let segment = insert_file(writing, (&mut snapshot, table_id), written).await?;
        added.push((replacement.workspace.clone(), replacement.table, segment));
    }
    sql(
        "update ducklake_table_stats set record_count = record_count - $2,
             file_size_bytes = file_size_bytes - $3 where table_id = $1",
    )
    .bind(table_id)
    .bind(replacement.rows_removed.cast_signed())
    .bind(replacement.bytes_removed.cast_signed())
    .execute(&mut *writing)
    .await
    .during("write table statistics")?;
    if !replacement.is_compaction() {
        narrow_table_statistics(writing, table_id, replacement.table).await?;
    }
    let change = format!("{}:{table_id}", replacement.change);
    snapshot.write(writing, &change, now).await?;
    Ok(added)
}

/// Whether files are out of the lake: they go together.
pub(in crate::catalog) async fn have_ended(
    writing: &mut Writing,
    files: &[i64],
) -> Result<bool, CatalogError> {
    let Some(first) = files.first() else {
        return Ok(true);
    };
    let (live,): (i64,) = sql(
        "select count(*) from ducklake_data_file where data_file_id = $1 and end_snapshot is null",
    )
    .bind(*first)
    .one(writing)
    .await
    .during("read data file")?;
    Ok(live == 0)
}

async fn end(
    writing: &mut Writing,
    (snapshot_id, table_id): (i64, i64),
    file_id: i64,
) -> Result<(), CatalogError> {
    let ended = sql("update ducklake_data_file set end_snapshot = $1
         where data_file_id = $2 and table_id = $3 and end_snapshot is null")
    .bind(snapshot_id)
    .bind(file_id)
    .bind(table_id)
    .execute(writing)
    .await
    .during("end data file")?;
    if ended == 1 {
        Ok(())
    } else {
        let text = format!("file {file_id} is not in the lake any more");
        Err(CatalogError::Inconsistent(text))
    }
}

/// Id of a column, its values and nulls in a file, and their bounds.
type ColumnRow = (i64, i64, i64, Option<String>, Option<String>);

/// Makes a table's statistics those of the files that are left: a reader answers `min` and `max` by them.
async fn narrow_table_statistics(
    writing: &mut Writing,
    table_id: i64,
    table: Table,
) -> Result<(), CatalogError> {
    let rows: Vec<ColumnRow> = sql(
        "select stats.column_id, stats.value_count, stats.null_count, stats.min_value, stats.max_value
         from ducklake_file_column_stats stats
         join ducklake_data_file file on file.data_file_id = stats.data_file_id
         where file.table_id = $1 and file.end_snapshot is null order by stats.column_id",
    )
    .bind(table_id)
    .rows(&mut *writing)
    .await
    .during("read file statistics")?;
    let (files,): (i64,) =
        sql("select count(*) from ducklake_data_file where table_id = $1 and end_snapshot is null")
            .bind(table_id)
            .one(&mut *writing)
            .await
            .during("read data files")?;
    let mut left: Vec<Vec<Value>> = Vec::new();
    for column in rows.chunk_by(|one, other| one.0 == other.0) {
        let Some((column_id, kind)) = column.first().and_then(|row| kind_of(table, row.0)) else {
            continue;
        };
        // A file from before the column was added says nothing of it: there it is null.
        let in_every_file = i64::try_from(column.len()).is_ok_and(|count| count == files);
        let contains_null = !in_every_file || column.iter().any(|row| row.2 > 0);
        let bounds = bounds_of(column, kind);
        let text =
            |bound: fn(&Bounds) -> &Bound| bounds.as_ref().map(|both| bound(both).text(kind));
        left.push(vec![
            table_id.into(),
            column_id.into(),
            contains_null.into(),
            text(|both| &both.min).into(),
            text(|both| &both.max).into(),
        ]);
    }
    replace_table_statistics(writing, table_id, left).await
}

fn kind_of(table: Table, column_id: i64) -> Option<(i64, ColumnType)> {
    let place = usize::try_from(column_id - 1).ok()?;
    let column = table.columns().get(place)?;
    Some((column_id, column.kind))
}

/// Bounds over all files; none if one file has values and no bounds.
fn bounds_of(files: &[ColumnRow], kind: ColumnType) -> Option<Bounds> {
    let mut all: Option<Bounds> = None;
    let with_values = files
        .iter()
        .filter(|(_, values, nulls, ..)| values != nulls);
    for (_, _, _, min, max) in with_values {
        let here = Bounds {
            min: Bound::parse(min.as_deref()?, kind)?,
            max: Bound::parse(max.as_deref()?, kind)?,
        };
        all = Some(match all {
            Some(before) => statistics::wider(before, here),
            None => here,
        });
    }
    all
}
