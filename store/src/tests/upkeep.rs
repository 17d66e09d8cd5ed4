//! Compaction, retention and what they leave behind, on both kinds of catalog.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::*;

on_both_catalogs!(
    small_files_become_sorted_ones_that_follow_each_other,
    a_wrong_event_time_neither_deletes_others_nor_stays_for_ever,
    a_file_stays_while_a_snapshot_or_a_query_needs_it,
    a_compaction_cut_short_anywhere_leaves_the_lake_whole,
    files_of_an_older_release_are_compacted_with_new_ones,
    damage_is_found_and_named,
);

const DAY: Duration = Duration::from_hours(24);

/// Event time of a row of that number: seconds around now.
pub(super) fn at(number: i64) -> i64 {
    NOW.as_micros() + number * 1_000_000
}

/// Publishes a file whose rows have these event times.
pub(super) async fn publish(store: &Store, times: &[i64]) {
    store.append(batch(times, None)).await.unwrap();
    store.publish().await.unwrap();
}

pub(super) fn segments(store: &Store) -> Vec<Arc<Segment>> {
    let mut segments = store.snapshot(&Workspace::default(), TABLE).segments;
    segments.sort_by_key(|segment| segment.time_min);
    segments
}

pub(super) async fn upkeep(store: &Store) -> Kept {
    store.upkeep(&CancellationToken::new()).await.unwrap()
}

pub(super) async fn findings(world: &World) -> Vec<String> {
    // Names of files hold the machine's time; what is young may be on its way.
    let later = SystemClock.now().plus(Duration::from_hours(2));
    let seen = verify(&world.settings(), later).await.unwrap();
    let findings = seen.findings.into_iter();
    let mut said: Vec<String> = findings.map(|finding| finding.what).collect();
    said.extend(seen.orphans.iter().map(|_| "orphan".to_owned()));
    said
}

async fn small_files_become_sorted_ones_that_follow_each_other(world: World) {
    let store = world
        .open_with(|settings| {
            settings.compaction.file_rows = 4_000;
            settings.compaction.files_min = 6;
        })
        .await;
    let mut all: Vec<i64> = Vec::new();
    for file in 0..6 {
        // Every file reaches back over the one before it.
        let times: Vec<i64> = (0..2_000).map(|row| at(file * 500 + row)).collect();
        publish(&store, &times).await;
        all.extend(&times);
    }
    all.sort_unstable();
    let kept = upkeep(&store).await;
    assert_eq!((kept.compactions, kept.files_removed), (1, 0));
    assert_eq!(visible(&store), all);
    let files = segments(&store);
    assert_eq!(files.len(), 3, "{files:#?}");
    for pair in files.windows(2) {
        assert!(pair[0].time_max <= pair[1].time_min, "{files:#?}");
    }
    for file in &files {
        let reader = std::fs::File::open(&file.path).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(reader).unwrap();
        let batches = reader.build().unwrap().map(Result::unwrap);
        let times = batches.flat_map(|batch| {
            let ids = batch.column_by_name("CorrelationId").unwrap();
            let ids = arrow::compute::cast(ids, &arrow::datatypes::DataType::Int64).unwrap();
            let ids = ids.as_primitive::<arrow::datatypes::Int64Type>();
            ids.values().to_vec()
        });
        assert!(times.is_sorted(), "{}", file.path.display());
    }
    assert_eq!(upkeep(&store).await.compactions, 0);
    assert_eq!(findings(&world).await, Vec::<String>::new());
    drop(store);
    assert_eq!(visible(&*world.open().await), all);
    let [table] = &status(&world.settings()).await.unwrap()[..] else {
        panic!("one table has files");
    };
    assert_eq!((table.files, table.fresh, table.rows), (3, 0, 12_000));
}

async fn a_wrong_event_time_neither_deletes_others_nor_stays_for_ever(world: World) {
    let store = world
        .open_with(|settings| settings.retention.usual = Some(DAY * 10))
        .await;
    let year = 365 * 24 * 3600;
    for wrong in [-425 * year, 0, 73 * year, 1] {
        publish(&store, &[at(wrong), at(2)]).await;
    }
    upkeep(&store).await;
    assert_eq!(visible(&store).len(), 8);
    // What is far off has files of its own, before and behind the day's.
    let ranges: Vec<(i64, i64)> = segments(&store)
        .iter()
        .map(|file| (file.time_min.as_micros(), file.time_max.as_micros()))
        .collect();
    assert_eq!(
        ranges,
        [
            (at(-425 * year), at(-425 * year)),
            (at(0), at(2)),
            (at(73 * year), at(73 * year))
        ]
    );
    world.clock.set(NOW.plus(DAY * 9));
    publish(&store, &[at(3)]).await;
    assert_eq!(upkeep(&store).await.rows_expired, 0);
    world.clock.set(NOW.plus(DAY * 10 + Duration::from_secs(1)));
    let kept = upkeep(&store).await;
    assert_eq!((kept.files_expired, kept.rows_expired), (3, 8));
    assert_eq!(visible(&store), [at(3)]);
    let rows = format!(
        "select record_count from ducklake_table_stats where record_count > 0 and table_id =
             (select table_id from ducklake_table where table_name = '{TABLE}')"
    );
    assert_eq!(store.catalog.number(rows).await, 1);
    drop(store);
    assert_eq!(visible(&*world.open().await), [at(3)]);
    assert_eq!(findings(&world).await, Vec::<String>::new());
}

async fn a_file_stays_while_a_snapshot_or_a_query_needs_it(world: World) {
    let hour = Duration::from_hours(1);
    let store = world
        .open_with(|settings| settings.snapshot_retention = hour)
        .await;
    for file in 0..4 {
        publish(&store, &[at(file)]).await;
    }
    let before = segments(&store);
    assert_eq!(upkeep(&store).await.compactions, 1);
    let on_disk = |files: &[Arc<Segment>]| files.iter().filter(|file| file.path.is_file()).count();
    assert_eq!(on_disk(&before), 4);
    // The catalog's snapshots before the compaction are old, but it came only now.
    world.clock.set(NOW.plus(hour));
    assert_eq!(upkeep(&store).await.files_removed, 0);
    // Now it is old enough; but a query that began before holds one of the files.
    let held = Arc::clone(&before[1]);
    let paths: Vec<_> = before.iter().map(|file| file.path.clone()).collect();
    drop(before);
    world.clock.set(NOW.plus(hour * 3));
    assert_eq!(upkeep(&store).await.files_removed, 3);
    let left: Vec<_> = paths.iter().filter(|path| path.is_file()).collect();
    assert_eq!(left, [&held.path]);
    drop(held);
    assert_eq!(upkeep(&store).await.files_removed, 1);
    let scheduled = "select count(*) from ducklake_files_scheduled_for_deletion";
    assert_eq!(store.catalog.number(scheduled.to_owned()).await, 0);
    let snapshots = "select count(*) from ducklake_snapshot";
    assert_eq!(store.catalog.number(snapshots.to_owned()).await, 1);
    assert_eq!(visible(&store), [at(0), at(1), at(2), at(3)]);
    assert_eq!(findings(&world).await, Vec::<String>::new());
}

async fn a_compaction_cut_short_anywhere_leaves_the_lake_whole(world: World) {
    let mut store = world.open_with(|_| {}).await;
    let mut all = Vec::new();
    for file in 0..4 {
        publish(&store, &[at(file)]).await;
        all.push(at(file));
    }
    // Before the commit: new files lie beside the old ones and nobody knows them.
    let away = "alter table ducklake_table_column_stats rename to away";
    store.catalog.run(away.to_owned()).await;
    let token = CancellationToken::new();
    assert!(store.upkeep(&token).await.is_err());
    assert_eq!(visible(&store), all);
    let back = "alter table away rename to ducklake_table_column_stats";
    store.catalog.run(back.to_owned()).await;
    drop(store);
    assert_eq!(findings(&world).await, ["orphan"]);
    store = world
        .open_with(|settings| {
            settings.orphan_retention = Duration::ZERO;
            settings.compaction = CompactionSettings::default();
        })
        .await;
    assert_eq!(upkeep(&store).await.orphans_removed, 1);
    assert_eq!(findings(&world).await, Vec::<String>::new());
    drop(store);
    // Behind the commit: the old ones are known to no process any more, and go in their time.
    store = world.open_with(|_| {}).await;
    assert_eq!(upkeep(&store).await.compactions, 1);
    drop(store);
    world.clock.set(NOW.plus(Duration::from_hours(8)));
    store = world.open_with(|_| {}).await;
    publish(&store, &[at(9)]).await;
    world.clock.set(NOW.plus(Duration::from_hours(16)));
    assert_eq!(upkeep(&store).await.files_removed, 4);
    all.push(at(9));
    assert_eq!(visible(&store), all);
    assert_eq!(findings(&world).await, Vec::<String>::new());
}

async fn files_of_an_older_release_are_compacted_with_new_ones(world: World) {
    let store = world.open().await;
    publish(&store, &[at(1), at(3)]).await;
    catalogs::age(&store).await;
    drop(store);
    let store = world.open_with(|_| {}).await;
    for file in [2, 4, 5] {
        publish(&store, &[at(file)]).await;
    }
    assert_eq!(upkeep(&store).await.compactions, 1);
    assert_eq!(visible(&store), [1, 2, 3, 4, 5].map(at));
    assert_eq!(segments(&store).len(), 1);
}

async fn damage_is_found_and_named(world: World) {
    let store = world.open().await;
    for file in 0..5 {
        publish(&store, &[at(file), at(file + 10)]).await;
    }
    let files = segments(&store);
    assert_eq!(findings(&world).await, Vec::<String>::new());
    std::fs::remove_file(&files[0].path).unwrap();
    let mut bytes = std::fs::read(&files[1].path).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&files[1].path, &bytes).unwrap();
    std::fs::write(&files[2].path, "PAR1 no more").unwrap();
    for change in [
        format!(
            "update ducklake_data_file set record_count = 3 where data_file_id = {}",
            files[3].id
        ),
        format!(
            "update ducklake_file_column_stats set null_count = 1 where column_id = 1 and data_file_id = {}",
            files[3].id
        ),
        format!(
            "update segment_file set level = 1 where data_file_id in ({}, {})",
            files[3].id, files[4].id
        ),
    ] {
        assert!(store.catalog.run(change).await > 0);
    }
    let seen = verify(&world.settings(), NOW).await.unwrap();
    let said = |file: &Segment| -> String {
        let about = seen.findings.iter().filter(|found| found.path == file.path);
        let mut said: Vec<&str> = about.map(|found| found.what.as_str()).collect();
        said.sort_unstable();
        said.join("; ")
    };
    assert_eq!(said(&files[0]), "is missing");
    assert_eq!(said(&files[1]), "has other content than was written");
    assert!(
        said(&files[2]).contains("is no Parquet file"),
        "{}",
        said(&files[2])
    );
    assert!(
        said(&files[2]).contains("is 12 bytes long"),
        "{}",
        said(&files[2])
    );
    assert!(
        said(&files[3]).contains("has 2 rows, 3 in the catalog"),
        "{}",
        said(&files[3])
    );
    assert!(
        said(&files[3]).contains("column TimeGenerated: 2 values, 0 null"),
        "{}",
        said(&files[3])
    );
    assert!(
        said(&files[4]).starts_with("overlaps "),
        "{}",
        said(&files[4])
    );
}
