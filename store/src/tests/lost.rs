//! A catalog that is lost, old, or another's, and files that are not there: nothing is removed, and what to do is said.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::durability::close;
use super::*;

on_both_catalogs!(
    a_folder_with_rows_does_not_start_on_an_empty_catalog,
    a_catalog_from_before_is_not_taken,
    a_catalog_that_another_copy_of_the_folder_wrote_to_is_not_taken,
    a_start_that_was_cut_short_before_the_first_batch_is_done_again,
    files_that_no_catalog_names_stay_for_days,
    many_files_that_no_catalog_names_are_for_a_person_to_decide,
    a_lake_without_any_of_its_files_is_not_written_to,
);

const DAY: Duration = Duration::from_hours(24);

/// Three rows in two files and one in the log, all of it closed.
async fn filled(world: &World) {
    let store = world.open().await;
    for number in [1, 2] {
        store.append(batch(&[number], None)).await.unwrap();
        store.publish().await.unwrap();
    }
    store.append(batch(&[3], None)).await.unwrap();
    close(store).await;
}

fn parquet_files(world: &World) -> usize {
    let lake = world.path().join("lake");
    crate::upkeep::files(&RealDisk, &lake).unwrap().len()
}

/// Whether the lake is whole, and a round of upkeep leaves it so.
async fn is_whole(world: &World) {
    let store = world.open().await;
    store.upkeep(&CancellationToken::new()).await.unwrap();
    assert_eq!(visible(&store), [1, 2, 3]);
    close(store).await;
}

async fn a_folder_with_rows_does_not_start_on_an_empty_catalog(world: World) {
    filled(&world).await;
    world.take_catalog_away().await;
    for _ in 0..2 {
        let refusal = world.refusal().await;
        assert!(refusal.contains("put the catalog back"), "{refusal}");
        assert_eq!(parquet_files(&world), 2);
    }
    if world.address.is_none() {
        let catalog = world.path().join("catalog.sqlite");
        assert!(!catalog.is_file(), "an empty one is left in its place");
        std::fs::write(&catalog, "").unwrap();
        let refusal = world.refusal().await;
        assert!(refusal.contains("is missing or empty"), "{refusal}");
    }
    world.put_catalog_back().await;
    is_whole(&world).await;
    // A new folder with the id of one that holds nothing yet is none that has lost something.
    world.take_catalog_away().await;
    for name in ["lake", "wal"] {
        std::fs::remove_dir_all(world.path().join(name)).unwrap();
    }
    std::fs::remove_file(world.path().join("lake.position")).unwrap();
    assert_eq!(visible(&*world.open().await), [0; 0]);
}

async fn a_catalog_from_before_is_not_taken(world: World) {
    filled(&world).await;
    for older in [
        &["update wal_position set sequence = 1"][..],
        &[
            "delete from ducklake_snapshot_changes where snapshot_id = (select max(snapshot_id) from ducklake_snapshot)",
            "delete from ducklake_snapshot where snapshot_id = (select max(snapshot_id) from ducklake_snapshot)",
        ],
    ] {
        let store = world.open().await;
        let position = "select sequence from wal_position";
        let before = store.catalog.number(position.to_owned()).await;
        for statement in older {
            store.catalog.run((*statement).to_owned()).await;
        }
        close(store).await;
        let refusal = world.refusal().await;
        assert!(refusal.contains("older than the files"), "{refusal}");
        assert_eq!(parquet_files(&world), 2);
        // Who has no newer one can say so.
        let kept = world.path().join("lake.position");
        std::fs::remove_file(kept).unwrap();
        let store = world.open().await;
        let newer = format!("update wal_position set sequence = {before}");
        store.catalog.run(newer).await;
        close(store).await;
    }
}

async fn a_catalog_that_another_copy_of_the_folder_wrote_to_is_not_taken(world: World) {
    filled(&world).await;
    let store = world.open().await;
    let another = format!("update lake_owner set instance = '{}'", Uuid::now_v7());
    store.catalog.run(another.clone()).await;
    close(store).await;
    // It was there and did nothing: what this folder's log holds is still to be published.
    let store = world.open().await;
    assert_eq!(visible(&store), [1, 2, 3]);
    let published = "update wal_position set sequence = 3";
    store.catalog.run(published.to_owned()).await;
    store.catalog.run(another.clone()).await;
    close(store).await;
    // Its third batch was another than this folder's, which must not be taken for published.
    let refusal = world.refusal().await;
    assert!(refusal.contains("from another copy of"), "{refusal}");
    assert!(refusal.contains("log position 3"), "{refusal}");
}

async fn a_start_that_was_cut_short_before_the_first_batch_is_done_again(world: World) {
    open_database(&world.settings()).await.unwrap();
    std::fs::write(world.path().join("lake.id"), Uuid::now_v7().to_string()).unwrap();
    let store = world.open().await;
    store.append(batch(&[1], None)).await.unwrap();
    close(store).await;
    assert_eq!(visible(&*world.open().await), [1]);
}

/// A file of ours that nobody names, last written so long ago.
fn leave_orphan(world: &World, name: &str, age: Duration) {
    let folder = world.path().join("lake/default").join(TABLE.name());
    std::fs::create_dir_all(&folder).unwrap();
    let file = std::fs::File::create(folder.join(name)).unwrap();
    let now = Duration::from_micros(NOW.as_micros().cast_unsigned());
    let written = std::time::UNIX_EPOCH + now - age;
    file.set_modified(written).unwrap();
}

async fn files_that_no_catalog_names_stay_for_days(world: World) {
    let store = world.open().await;
    leave_orphan(&world, "segment-young.parquet", DAY * 2);
    leave_orphan(&world, "segment-old.parquet", DAY * 3);
    leave_orphan(&world, "segment-to-come.parquet", Duration::ZERO);
    leave_orphan(&world, "another.parquet", DAY * 300);
    leave_orphan(&world, "segment-unfinished.parquet.tmp", Duration::ZERO);
    assert_eq!(store.remove_orphans().await.unwrap(), 2);
    assert_eq!(parquet_files(&world), 2);
    world.clock.set(NOW.plus(DAY));
    assert_eq!(store.remove_orphans().await.unwrap(), 1);
    assert_eq!(parquet_files(&world), 1);
}

async fn many_files_that_no_catalog_names_are_for_a_person_to_decide(world: World) {
    let store = world.open().await;
    for number in 0..101 {
        leave_orphan(&world, &format!("segment-{number}.parquet"), DAY * 30);
    }
    assert_eq!(store.remove_orphans().await.unwrap(), 0);
    assert_eq!(parquet_files(&world), 101);
    let folder = world.path().join("lake/default").join(TABLE.name());
    std::fs::remove_file(folder.join("segment-7.parquet")).unwrap();
    assert_eq!(store.remove_orphans().await.unwrap(), 100);
}

async fn a_lake_without_any_of_its_files_is_not_written_to(world: World) {
    filled(&world).await;
    let (lake, away) = (world.path().join("lake"), world.path().join("away"));
    std::fs::rename(&lake, &away).unwrap();
    for _ in 0..2 {
        let refusal = world.refusal().await;
        assert!(refusal.contains("is its volume mounted?"), "{refusal}");
        assert!(!lake.is_dir());
    }
    std::fs::rename(&away, &lake).unwrap();
    is_whole(&world).await;
    // One that is missing costs the rows in it, and no others.
    let file = crate::upkeep::files(&RealDisk, &lake).unwrap().remove(0);
    std::fs::remove_file(file).unwrap();
    assert_eq!(readable(&*world.open().await).len(), 2);
}

#[tokio::test]
async fn a_file_that_is_no_catalog_of_ours_is_said_to_be() {
    let world = World::sqlite();
    let catalog = world.path().join("catalog.sqlite");
    std::fs::write(&catalog, "garbage ".repeat(2000)).unwrap();
    let refusal = world.refusal().await;
    assert!(refusal.contains("is no SQLite database; put"), "{refusal}");
    std::fs::remove_file(&catalog).unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&catalog)
        .create_if_missing(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    sqlx::query("create table bookmarks (id int)")
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    let refusal = world.refusal().await;
    assert!(refusal.contains("database of something else"), "{refusal}");
    std::fs::write(&catalog, "").unwrap();
    // An empty one in a new folder is none that was lost.
    drop(world.open().await);
}

#[tokio::test]
async fn a_file_of_another_name_in_the_log_is_left_alone() {
    let world = World::sqlite();
    let store = world.open().await;
    store.append(batch(&[1], None)).await.unwrap();
    close(store).await;
    let stray = world.path().join("wal/zzz.wal");
    std::fs::write(&stray, "x").unwrap();
    let store = world.open().await;
    assert_eq!(visible(&store), [1]);
    store.publish().await.unwrap();
    assert!(stray.is_file());
}
