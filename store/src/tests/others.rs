//! Other programs that write to the lake: what we serve stays there, and what they deleted does not come back.

use super::upkeep::{at, findings, publish, segments, upkeep};
use super::*;

on_both_catalogs!(
    a_file_that_another_program_replaced_goes_only_when_nobody_is_served_it,
    a_file_that_is_served_is_not_removed_because_somebody_listed_it,
    rows_that_another_program_deleted_are_not_compacted_back,
    rows_that_another_program_kept_in_the_catalog_are_told,
    a_change_between_two_looks_stops_a_replacement,
);

/// Runs statements as one snapshot of another program.
async fn as_another(store: &Store, changes: &str, statements: &[String]) {
    let new = "insert into ducklake_snapshot select snapshot_id + 1, snapshot_time, schema_version, next_catalog_id,
        next_file_id + 1 from ducklake_snapshot order by snapshot_id desc limit 1";
    store.catalog.run(new.to_owned()).await;
    let said = format!(
        "insert into ducklake_snapshot_changes (snapshot_id, changes_made)
         select max(snapshot_id), '{changes}' from ducklake_snapshot"
    );
    store.catalog.run(said).await;
    for statement in statements {
        assert!(
            store.catalog.run(statement.clone()).await > 0,
            "{statement}"
        );
    }
}

/// Lists a file for deletion.
fn schedule(id: i64) -> String {
    format!(
        "insert into ducklake_files_scheduled_for_deletion (data_file_id, path, path_is_relative)
         select file.data_file_id, schema.path || tab.path || file.path, file.path_is_relative
         from ducklake_data_file file join ducklake_table tab on tab.table_id = file.table_id
         join ducklake_schema schema on schema.schema_id = tab.schema_id where data_file_id = {id}"
    )
}

/// Puts a copy in the place of a file, as DuckDB's `ducklake_merge_adjacent_files` puts one in the place of many.
async fn replace(store: &Store, file: &Segment) -> std::path::PathBuf {
    let copy = file.path.with_file_name("ducklake-1.parquet");
    std::fs::copy(&file.path, &copy).unwrap();
    let id = file.id;
    let columns =
        "table_id, column_id, column_size_bytes, value_count, null_count, min_value, max_value";
    let kept = "table_id, begin_snapshot, path_is_relative, file_format, record_count, file_size_bytes, row_id_start";
    let statements = [
        format!(
            "insert into ducklake_data_file (data_file_id, path, {kept})
             select next_file_id - 1, 'ducklake-1.parquet', {kept} from ducklake_data_file, ducklake_snapshot
             where data_file_id = {id} and snapshot_id = (select max(snapshot_id) from ducklake_snapshot)"
        ),
        format!(
            "insert into ducklake_file_column_stats (data_file_id, {columns})
             select next_file_id - 1, {columns} from ducklake_file_column_stats, ducklake_snapshot
             where data_file_id = {id} and snapshot_id = (select max(snapshot_id) from ducklake_snapshot)"
        ),
        schedule(id),
        format!("delete from ducklake_file_column_stats where data_file_id = {id}"),
        format!("delete from ducklake_data_file where data_file_id = {id}"),
    ];
    as_another(store, "merge_adjacent:1", &statements).await;
    copy
}

async fn a_file_that_another_program_replaced_goes_only_when_nobody_is_served_it(world: World) {
    let store = world.open().await;
    for number in 0..2 {
        publish(&store, &[at(number)]).await;
    }
    let old = segments(&store).remove(0);
    let copy = replace(&store, &old).await;
    // A query that began before holds the file.
    assert_eq!(upkeep(&store).await.files_removed, 0);
    assert!(old.path.is_file());
    assert_eq!(visible(&store), [at(0), at(1)]);
    assert_eq!(segments(&store)[0].path, copy);
    let path = old.path.clone();
    drop(old);
    assert_eq!(upkeep(&store).await.files_removed, 1);
    assert!(!path.is_file());
    assert_eq!(visible(&store), [at(0), at(1)]);
    publish(&store, &[at(2)]).await;
    assert_eq!(visible(&store), [at(0), at(1), at(2)]);
    drop(store);
    assert_eq!(visible(&*world.open().await), [at(0), at(1), at(2)]);
}

async fn a_file_that_is_served_is_not_removed_because_somebody_listed_it(world: World) {
    let store = world.open().await;
    publish(&store, &[at(0)]).await;
    let file = segments(&store).remove(0);
    assert_eq!(store.catalog.run(schedule(file.id)).await, 1);
    let outside = "insert into ducklake_files_scheduled_for_deletion (data_file_id, path) values (7, '../lake.id')";
    store.catalog.run(outside.to_owned()).await;
    drop(file);
    assert_eq!(upkeep(&store).await.files_removed, 0);
    assert_eq!(visible(&store), [at(0)]);
    assert!(world.path().join("lake.id").is_file());
}

async fn rows_that_another_program_deleted_are_not_compacted_back(world: World) {
    let store = world.open_with(|_| {}).await;
    for number in 0..4 {
        publish(&store, &[at(number), at(number + 10)]).await;
    }
    let id = segments(&store)[1].id;
    let deleted = format!(
        "insert into ducklake_delete_file (delete_file_id, table_id, begin_snapshot, data_file_id, path, delete_count)
         select 900, table_id, begin_snapshot, data_file_id, 'ducklake-1-delete.parquet', 1
         from ducklake_data_file where data_file_id = {id}"
    );
    as_another(&store, "deleted_from_table:1", &[deleted]).await;
    for _ in 0..2 {
        assert_eq!(upkeep(&store).await.compactions, 0);
    }
    assert_eq!(segments(&store).len(), 4);
    let found = findings(&world).await;
    assert_eq!(
        found,
        ["has 1 rows that another program deleted, and that are still seen here"]
    );
    let undone = "delete from ducklake_delete_file".to_owned();
    as_another(&store, "deleted_from_table:1", &[undone]).await;
    assert_eq!(upkeep(&store).await.compactions, 1);
    assert_eq!(findings(&world).await, Vec::<String>::new());
}

async fn rows_that_another_program_kept_in_the_catalog_are_told(world: World) {
    let store = world.open_with(|_| {}).await;
    for number in 0..4 {
        publish(&store, &[at(number)]).await;
    }
    let table = format!("select table_id from ducklake_table where table_name = '{TABLE}'");
    let table = store.catalog.number(table).await;
    let name = format!("ducklake_inlined_data_{table}_1");
    let file = segments(&store)[0].id;
    for statement in [
        format!("create table {name} (row_id bigint, begin_snapshot bigint, end_snapshot bigint)"),
        format!(
            "create table ducklake_inlined_delete_{table} (file_id bigint, row_id bigint, begin_snapshot bigint)"
        ),
        format!("insert into {name} values (1, 1, null), (2, 1, null), (3, 1, 2)"),
        format!("insert into ducklake_inlined_delete_{table} values ({file}, 0, 1), (12345, 0, 1)"),
    ] {
        store.catalog.run(statement).await;
    }
    assert_eq!(upkeep(&store).await.compactions, 0);
    let found = findings(&world).await;
    assert_eq!(
        found,
        [
            "has 1 rows that another program deleted, and that are still seen here",
            "has 2 rows in the catalog that another program put there, and that are not seen here",
        ]
    );
    for gone in [name, format!("ducklake_inlined_delete_{table}")] {
        store.catalog.run(format!("delete from {gone}")).await;
    }
    assert_eq!(upkeep(&store).await.compactions, 1);
    assert_eq!(findings(&world).await, Vec::<String>::new());
}

async fn a_change_between_two_looks_stops_a_replacement(world: World) {
    let store = world.open().await;
    publish(&store, &[at(0)]).await;
    let files = segments(&store);
    let workspace = Workspace::default();
    let replacement = catalog::Replacement::retention(&workspace, TABLE, &files);
    as_another(&store, "deleted_from_table:1", &[]).await;
    let seen = store.upkeep.lock().await.seen;
    let error = store
        .catalog
        .prepare_replacement(&replacement, seen, NOW)
        .await;
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("another program changes the lake"),
        "{error}"
    );
}
