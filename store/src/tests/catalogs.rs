//! What the catalog promises, on SQLite and on PostgreSQL.

use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parquet::arrow::ArrowWriter;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::*;

on_both_catalogs!(
    columns_that_a_release_adds_come_to_tables_written_before,
    a_column_that_means_something_else_stops_the_start,
    a_lake_that_was_taken_over_is_not_written_to,
    a_lake_that_was_taken_over_is_noticed_without_a_row,
    a_stop_that_could_not_publish_says_so,
    a_catalog_with_another_folder_is_refused,
    an_answer_that_expired_is_written_again,
    where_sources_stand_is_published_and_paged_by_name,
);

/// Columns that the older release had.
const OLD_COLUMNS: usize = 30;

/// Makes the lake what an older release, with fewer columns, would have left behind.
pub(super) async fn age(store: &Store) {
    let table = format!(
        "(select table_id from ducklake_table where table_name = '{TABLE}' and end_snapshot is null)"
    );
    for segment in store.snapshot(&Workspace::default(), TABLE).segments {
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&segment.path).unwrap());
        let batches: Vec<RecordBatch> = reader
            .unwrap()
            .build()
            .unwrap()
            .map(|batch| {
                let batch = batch.unwrap();
                batch
                    .project(&(0..OLD_COLUMNS).collect::<Vec<_>>())
                    .unwrap()
            })
            .collect();
        let file = File::create(&segment.path).unwrap();
        let mut writer = ArrowWriter::try_new(file, batches[0].schema(), None).unwrap();
        for batch in &batches {
            writer.write(batch).unwrap();
        }
        writer.close().unwrap();
        let bytes = segment.path.metadata().unwrap().len();
        let size = format!(
            "update ducklake_data_file set file_size_bytes = {bytes} where data_file_id = {}",
            segment.id
        );
        assert_eq!(store.catalog.run(size).await, 1);
    }
    for known in [
        "ducklake_column",
        "ducklake_file_column_stats",
        "ducklake_table_column_stats",
    ] {
        let forget =
            format!("delete from {known} where column_id > {OLD_COLUMNS} and table_id = {table}");
        assert!(store.catalog.run(forget).await > 0, "{known}");
    }
}

async fn columns_that_a_release_adds_come_to_tables_written_before(world: World) {
    let store = world.open().await;
    store.append(batch(&[1, 2], None)).await.unwrap();
    store.publish().await.unwrap();
    let before = "select max(snapshot_id) from ducklake_snapshot";
    let snapshot = store.catalog.number(before.to_owned()).await;
    let version = "select max(schema_version) from ducklake_snapshot";
    let old_version = store.catalog.number(version.to_owned()).await;
    age(&store).await;
    drop(store);
    let store = world.open().await;
    let added = format!(
        "select count(*) from ducklake_column col join ducklake_table tab on tab.table_id = col.table_id
         where tab.table_name = '{TABLE}' and col.end_snapshot is null and col.begin_snapshot > {snapshot}"
    );
    let new_columns = i64::try_from(TABLE.columns().len() - OLD_COLUMNS).unwrap();
    assert_eq!(store.catalog.number(added).await, new_columns);
    let new_version = store.catalog.number(version.to_owned()).await;
    assert_eq!(new_version, old_version + 1);
    let altered =
        "select count(*) from ducklake_snapshot_changes where changes_made like 'altered_table:%'";
    assert_eq!(store.catalog.number(altered.to_owned()).await, 1);
    store.append(batch(&[3], None)).await.unwrap();
    store.publish().await.unwrap();
    assert_eq!(visible(&store), [1, 2, 3]);
    // The old rows are null in the new columns: a reader may not conclude otherwise.
    let not_null = format!(
        "select count(*) from ducklake_table_column_stats where column_id > {OLD_COLUMNS}
             and cast(contains_null as int) = 0"
    );
    assert_eq!(store.catalog.number(not_null).await, 0);
    drop(store);
    let store = world.open().await;
    assert_eq!(store.catalog.number(version.to_owned()).await, new_version);
}

async fn a_column_that_means_something_else_stops_the_start(world: World) {
    let store = world.open().await;
    let change = "update ducklake_column set column_type = 'int32' where column_name = 'TenantId'";
    store.catalog.run(change.to_owned()).await;
    drop(store);
    let error = world.try_open().await.unwrap_err().to_string();
    assert!(
        error.contains("is TenantId int32, and TenantId varchar"),
        "{error}"
    );
}

async fn a_lake_that_was_taken_over_is_not_written_to(world: World) {
    let store = world.open().await;
    store.append(batch(&[1], None)).await.unwrap();
    let other = "update lake_owner set instance = 'another'";
    store.catalog.run(other.to_owned()).await;
    let error = store.publish().await.unwrap_err().to_string();
    assert!(error.contains("has taken this lake over"), "{error}");
    // It ends by itself, takes nothing meanwhile, and says where the row is.
    let error = Arc::clone(&store).run(CancellationToken::new()).await;
    let error = error.unwrap_err().to_string();
    assert!(error.starts_with("1 rows are not published"), "{error}");
    assert!(store.is_taken_over());
    let refused = store.append(batch(&[2], None)).await;
    assert!(matches!(refused, Err(AppendError::TakenOver)));
    let files = "select count(*) from ducklake_data_file";
    assert_eq!(store.catalog.number(files.to_owned()).await, 0);
    assert_eq!(visible(&store), [1]);
}

async fn a_lake_that_was_taken_over_is_noticed_without_a_row(world: World) {
    let mut settings = world.settings();
    settings.flush_interval = Duration::from_millis(10);
    let clock = Arc::<ManualClock>::clone(&world.clock);
    let store = Arc::new(Store::open(settings, clock).await.unwrap());
    let other = "update lake_owner set instance = 'another'";
    store.catalog.run(other.to_owned()).await;
    let error = store.run(CancellationToken::new()).await.unwrap_err();
    assert!(error.to_string().contains("has taken this lake over"));
}

async fn a_stop_that_could_not_publish_says_so(world: World) {
    let store = world.open().await;
    store.append(batch(&[1, 2], None)).await.unwrap();
    let away = "alter table ducklake_snapshot rename to away";
    store.catalog.run(away.to_owned()).await;
    let stopped = CancellationToken::new();
    let mut running = JoinSet::new();
    running.spawn(Arc::clone(&store).run(stopped.clone()));
    tokio::task::yield_now().await;
    stopped.cancel();
    let error = running.join_next().await.unwrap().unwrap();
    let error = error.unwrap_err().to_string();
    assert!(
        error.starts_with("2 rows are not published; they are in the log in "),
        "{error}"
    );
    let back = "alter table away rename to ducklake_snapshot";
    store.catalog.run(back.to_owned()).await;
    store.database().close().await;
    drop(store);
    let store = world.open().await;
    assert_eq!(visible(&store), [1, 2]);
    store.publish().await.unwrap();
    let stopped = CancellationToken::new();
    stopped.cancel();
    store.run(stopped).await.unwrap();
}

async fn a_catalog_with_another_folder_is_refused(world: World) {
    drop(world.open().await);
    let id = world.path().join("lake.id");
    let own = std::fs::read(&id).unwrap();
    std::fs::write(&id, Uuid::now_v7().to_string()).unwrap();
    let error = world.try_open().await.unwrap_err().to_string();
    assert!(error.contains("not this data folder's"), "{error}");
    std::fs::write(&id, own).unwrap();
    drop(world.open().await);
    std::fs::remove_file(&id).unwrap();
    // In the folder itself the catalog cannot be another's; elsewhere it could.
    let opened = world.try_open().await;
    assert_eq!(opened.is_ok(), world.address.is_none(), "{opened:?}");
}

async fn an_answer_that_expired_is_written_again(world: World) {
    let store = world.open().await;
    let workspace = Workspace::default();
    for digest in [[1; 32], [2; 32]] {
        let ClaimOutcome::Claimed(claim) = store.claim(&workspace, "k", digest).await.unwrap()
        else {
            panic!("the key is free");
        };
        store.append(batch(&[1], Some(claim))).await.unwrap();
        store.publish().await.unwrap();
        let again = store.claim(&workspace, "k", digest).await.unwrap();
        assert!(matches!(again, ClaimOutcome::Repeated(_)), "{again:?}");
        world.clock.set(NOW.plus(catalog::ANSWER_RETENTION * 2));
    }
}

async fn where_sources_stand_is_published_and_paged_by_name(world: World) {
    let store = world.open().await;
    let workspace = Workspace::default();
    let names = ["B", "a", "a/1", "b"];
    for name in names {
        let step = Step {
            source: Source::new(name).unwrap(),
            from: None,
            to: Position::new("7").unwrap(),
            origin: Some("here".to_owned()),
        };
        let StepOutcome::Claimed(claim) = store.claim_step(&workspace, step).await.unwrap() else {
            panic!("nobody has read {name}");
        };
        let batch = NewBatch {
            steps: vec![claim],
            ..batch(&[1], None)
        };
        store.append(batch).await.unwrap();
    }
    store.publish().await.unwrap();
    drop(store);
    let store = world.open().await;
    let after = Source::new("B").unwrap();
    let page = store.standings(&workspace, Some(&after), 2).await.unwrap();
    let page: Vec<_> = page
        .iter()
        .map(|(source, standing)| (source.as_str(), standing.position.as_str()))
        .collect();
    assert_eq!(page, [("a", "7"), ("a/1", "7")]);
}

/// Passes connections on to PostgreSQL; once armed, it passes a commit on and then loses the answer.
async fn lose_the_next_answer(listener: TcpListener, server: String, armed: Arc<AtomicBool>) {
    let mut connections = JoinSet::new();
    loop {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut upstream = TcpStream::connect(&server).await.unwrap();
        let armed = Arc::clone(&armed);
        connections.spawn(async move {
            let (mut from_client, mut from_server) = ([0_u8; 16384], [0_u8; 16384]);
            loop {
                tokio::select! {
                    read = client.read(&mut from_client) => {
                        let Ok(length @ 1..) = read else { return };
                        let sent = &from_client[..length];
                        upstream.write_all(sent).await.unwrap();
                        let is_commit = sent.windows(7).any(|bytes| bytes == b"COMMIT\0");
                        if is_commit && armed.swap(false, Ordering::SeqCst) {
                            // The server has done it once it answers.
                            assert!(upstream.read(&mut from_server).await.unwrap() > 0);
                            return;
                        }
                    }
                    read = upstream.read(&mut from_server) => {
                        let Ok(length @ 1..) = read else { return };
                        client.write_all(&from_server[..length]).await.unwrap();
                    }
                }
            }
        });
    }
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_not_done_twice() {
    let Some(mut world) = World::postgres().await else {
        return;
    };
    let address = url::Url::parse(world.address.as_deref().unwrap()).unwrap();
    let server = format!(
        "{}:{}",
        address.host_str().unwrap(),
        address.port().unwrap_or(5432)
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut proxied = address.clone();
    let port = listener.local_addr().unwrap().port();
    proxied.set_host(Some("127.0.0.1")).unwrap();
    proxied.set_port(Some(port)).unwrap();
    proxied.query_pairs_mut().append_pair("sslmode", "disable");
    let settings = PostgresSettings::parse(proxied.as_str(), None).unwrap();
    world.catalog = CatalogSettings::Postgres(settings);
    let armed = Arc::new(AtomicBool::new(false));
    let mut proxy = JoinSet::new();
    proxy.spawn(lose_the_next_answer(listener, server, Arc::clone(&armed)));
    let store = world.open().await;
    store.append(batch(&[1, 2], None)).await.unwrap();
    armed.store(true, Ordering::SeqCst);
    let error = store.publish().await.unwrap_err();
    assert_eq!(error.to_string(), "commit in catalog");
    store.append(batch(&[3], None)).await.unwrap();
    let published = store.publish().await.unwrap();
    assert_eq!((published.segments, published.rows), (1, 1));
    assert_eq!(visible(&store), [1, 2, 3]);
    drop(store);
    assert_eq!(visible(&*world.open().await), [1, 2, 3]);
}
