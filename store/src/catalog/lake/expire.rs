//! Forgets old snapshots, and then the files that only they named.
//!
//! A reader that attached to the lake goes on reading the snapshot that it began with. So a snapshot is forgotten
//! only when the one behind it is old enough, and its files are first scheduled for deletion, as DuckLake does it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::super::database::{Database, Writing, sql};
use super::super::{CatalogError, During as _};
use crate::time::Timestamp;

/// Forgets the snapshots that were followed by another before `forgotten`.
pub(in crate::catalog) async fn expire(
    writing: &mut Writing,
    forgotten: Timestamp,
    now: Timestamp,
) -> Result<(), CatalogError> {
    let (first_kept,): (Option<i64>,) =
        sql("select max(snapshot_id) from ducklake_snapshot where snapshot_time < $1")
            .bind(forgotten)
            .one(&mut *writing)
            .await
            .during("read snapshots")?;
    let Some(first_kept) = first_kept else {
        return Ok(());
    };
    sql("delete from ducklake_snapshot where snapshot_id < $1")
        .bind(first_kept)
        .execute(&mut *writing)
        .await
        .during("forget snapshots")?;
    sql("delete from ducklake_snapshot_changes where snapshot_id < $1")
        .bind(first_kept)
        .execute(&mut *writing)
        .await
        .during("forget snapshots")?;
    sql(
        "insert into ducklake_files_scheduled_for_deletion (data_file_id, path, path_is_relative, schedule_start)
         select file.data_file_id, schema.path || tab.path || file.path, $1, $2
         from ducklake_data_file file
         join ducklake_table tab on tab.table_id = file.table_id
         join ducklake_schema schema on schema.schema_id = tab.schema_id
         where file.end_snapshot <= $3",
    )
    .bind(true)
    .bind(now)
    .bind(first_kept)
    .execute(&mut *writing)
    .await
    .during("schedule files for deletion")?;
    for of_file in [
        "delete from ducklake_file_column_stats where data_file_id in
             (select data_file_id from ducklake_data_file where end_snapshot <= $1)",
        "delete from segment_file where data_file_id in
             (select data_file_id from ducklake_data_file where end_snapshot <= $1)",
        "delete from ducklake_data_file where end_snapshot <= $1",
    ] {
        sql(of_file)
            .bind(first_kept)
            .execute(&mut *writing)
            .await
            .during("forget data files")?;
    }
    Ok(())
}

/// Whether anything would be forgotten.
pub(in crate::catalog) async fn is_due(
    database: &Database,
    forgotten: Timestamp,
) -> Result<bool, CatalogError> {
    let (old,): (i64,) = sql("select count(*) from ducklake_snapshot where snapshot_time < $1")
        .bind(forgotten)
        .one(database)
        .await
        .during("read snapshots")?;
    Ok(old > 1)
}

/// Files that no snapshot names any more, relative to the lake's folder.
pub(in crate::catalog) async fn expired(
    database: &Database,
) -> Result<Vec<(i64, PathBuf)>, CatalogError> {
    let rows: Vec<(i64, String)> =
        sql("select data_file_id, path from ducklake_files_scheduled_for_deletion order by data_file_id")
            .rows(database)
            .await
            .during("read files scheduled for deletion")?;
    Ok(rows
        .into_iter()
        .map(|(id, path)| (id, PathBuf::from(path)))
        .collect())
}

/// Notes that files were removed from the disk.
pub(in crate::catalog) async fn forget_expired(
    writing: &mut Writing,
    removed: &[i64],
) -> Result<(), CatalogError> {
    for id in removed {
        sql("delete from ducklake_files_scheduled_for_deletion where data_file_id = $1")
            .bind(*id)
            .execute(&mut *writing)
            .await
            .during("forget removed files")?;
    }
    Ok(())
}

/// Every file that the catalog names, relative to the lake's folder: live, of a snapshot, or to be removed.
pub(in crate::catalog) async fn paths(
    database: &Database,
) -> Result<BTreeSet<PathBuf>, CatalogError> {
    let rows: Vec<(String,)> = sql(
        "select schema.path || tab.path || file.path from ducklake_data_file file
         join ducklake_table tab on tab.table_id = file.table_id
         join ducklake_schema schema on schema.schema_id = tab.schema_id
         union all select path from ducklake_files_scheduled_for_deletion",
    )
    .rows(database)
    .await
    .during("read data files")?;
    Ok(rows
        .into_iter()
        .map(|(path,)| PathBuf::from(path))
        .collect())
}
