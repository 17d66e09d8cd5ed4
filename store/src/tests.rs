mod durability;

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray as _, RecordBatch, StringArray, TimestampMicrosecondArray, new_null_array,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use proptest::prelude::*;
use uuid::Uuid;

mod catalogs;
mod lost;
mod others;
mod upkeep;
mod world;

use super::*;
use world::{NOW, World, on_both_catalogs};

const TABLE: Table = Table::ApiManagementGatewayLogs;

fn settings(folder: &Path) -> StoreSettings {
    StoreSettings {
        wal_file_bytes_max: 4096,
        ..StoreSettings::new(folder)
    }
}

pub(crate) async fn open(folder: &Path) -> Arc<Store> {
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_000_000)));
    Arc::new(Store::open(settings(folder), clock).await.unwrap())
}

/// Rows whose event time and correlation id are the given numbers.
fn rows(numbers: &[i64]) -> RecordBatch {
    let schema = TABLE.arrow_schema();
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        match field.name().as_str() {
            "TimeGenerated" => {
                Arc::new(TimestampMicrosecondArray::from(numbers.to_vec()).with_timezone("UTC"))
            }
            "CorrelationId" => Arc::new(
                numbers
                    .iter()
                    .map(|number| Some(number.to_string()))
                    .collect::<StringArray>(),
            ),
            _ => new_null_array(field.data_type(), numbers.len()),
        }
    });
    let rows = RecordBatch::try_new(TABLE.arrow_schema(), columns.collect()).unwrap();
    TABLE.conform(&rows).unwrap()
}

pub(crate) fn batch(numbers: &[i64], idempotency: Option<Claim>) -> NewBatch {
    NewBatch {
        workspace: Workspace::default(),
        id: Uuid::now_v7(),
        idempotency,
        steps: Vec::new(),
        accepted: numbers.len() as u64,
        quarantined: 0,
        parts: vec![(TABLE, rows(numbers))],
    }
}

/// Every row that a query would see, sorted.
pub(crate) fn visible(store: &Store) -> Vec<i64> {
    let snapshot = store.snapshot(&Workspace::default(), TABLE);
    let mut batches = snapshot.recent;
    for segment in snapshot.segments {
        batches.extend(read(&segment).unwrap());
    }
    numbers(batches)
}

/// The same, without the segments that can't be read.
fn readable(store: &Store) -> Vec<i64> {
    let snapshot = store.snapshot(&Workspace::default(), TABLE);
    let mut batches = snapshot.recent;
    for segment in snapshot.segments {
        batches.extend(read(&segment).unwrap_or_default());
    }
    numbers(batches)
}

fn read(segment: &Segment) -> Result<Vec<RecordBatch>, ParquetError> {
    let file = std::fs::File::open(&segment.path)?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)?.build()?;
    Ok(reader.collect::<Result<_, _>>()?)
}

fn numbers(batches: Vec<RecordBatch>) -> Vec<i64> {
    let mut numbers: Vec<i64> = Vec::new();
    for batch in batches {
        let ids = batch
            .column_by_name("CorrelationId")
            .unwrap()
            .as_string::<i32>()
            .clone();
        numbers.extend(ids.iter().map(|id| id.unwrap().parse::<i64>().unwrap()));
    }
    numbers.sort_unstable();
    numbers
}

on_both_catalogs!(
    rows_are_visible_when_acknowledged_and_after_publication_and_reopening,
    a_segment_is_sorted_by_event_time,
    a_second_process_is_kept_out_of_a_data_folder,
    the_same_key_gives_the_first_answer_before_and_after_publication_and_reopening,
    a_claim_that_is_dropped_frees_its_key,
    a_segment_that_was_never_published_is_removed_and_its_rows_stay_once,
    reopening_twice_without_a_batch_does_not_cost_the_next_one,
);

async fn rows_are_visible_when_acknowledged_and_after_publication_and_reopening(world: World) {
    let store = world.open().await;
    let receipt = store.append(batch(&[3, 1, 2], None)).await.unwrap();
    assert_eq!((receipt.accepted, receipt.quarantined), (3, 0));
    assert_eq!(visible(&store), [1, 2, 3]);
    let published = store.publish().await.unwrap();
    assert_eq!((published.segments, published.rows), (1, 3));
    assert_eq!(visible(&store), [1, 2, 3]);
    store.append(batch(&[4], None)).await.unwrap();
    drop(store);
    let store = world.open().await;
    assert_eq!(visible(&store), [1, 2, 3, 4]);
    let reach = store.progress(&Workspace::default(), TABLE).unwrap();
    assert_eq!(
        (
            reach.event_time_min.as_micros(),
            reach.event_time_max.as_micros()
        ),
        (1, 4)
    );
}

async fn a_segment_is_sorted_by_event_time(world: World) {
    let store = world.open().await;
    store.append(batch(&[30, 10], None)).await.unwrap();
    store.append(batch(&[20], None)).await.unwrap();
    store.publish().await.unwrap();
    let segment = Arc::clone(&store.snapshot(&Workspace::default(), TABLE).segments[0]);
    assert_eq!(
        (segment.time_min.as_micros(), segment.time_max.as_micros()),
        (10, 30)
    );
    let file = std::fs::File::open(&segment.path).unwrap();
    let mut reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .unwrap()
        .build()
        .unwrap();
    let batch = reader.next().unwrap().unwrap();
    let ids = batch
        .column_by_name("CorrelationId")
        .unwrap()
        .as_string::<i32>();
    assert_eq!(ids.iter().flatten().collect::<Vec<_>>(), ["10", "20", "30"]);
}

async fn a_second_process_is_kept_out_of_a_data_folder(world: World) {
    let _store = world.open().await;
    let clock = Arc::new(SystemClock);
    let error = Store::open(world.settings(), clock).await.unwrap_err();
    assert!(error.to_string().starts_with("lock "), "{error}");
}

async fn the_same_key_gives_the_first_answer_before_and_after_publication_and_reopening(
    world: World,
) {
    let mut store = world.open().await;
    let workspace = Workspace::default();
    let ClaimOutcome::Claimed(claim) = store.claim(&workspace, "k", [1; 32]).await.unwrap() else {
        panic!("a new key is free");
    };
    let again = store.claim(&workspace, "k", [1; 32]).await.unwrap();
    assert!(matches!(again, ClaimOutcome::InProgress));
    let receipt = store.append(batch(&[1], Some(claim))).await.unwrap();
    for step in ["recent", "replayed", "published", "reopened"] {
        match step {
            "published" => drop(store.publish().await.unwrap()),
            "replayed" | "reopened" => {
                drop(store);
                store = world.open().await;
            }
            _ => {}
        }
        let same = store.claim(&workspace, "k", [1; 32]).await.unwrap();
        assert!(
            matches!(same, ClaimOutcome::Repeated(first) if first == receipt),
            "{step}"
        );
        let other = store.claim(&workspace, "k", [2; 32]).await.unwrap();
        assert!(matches!(other, ClaimOutcome::OtherBody), "{step}");
        assert_eq!(visible(&store), [1], "{step}");
    }
}

async fn a_claim_that_is_dropped_frees_its_key(world: World) {
    let store = world.open().await;
    let workspace = Workspace::default();
    drop(store.claim(&workspace, "k", [1; 32]).await.unwrap());
    let again = store.claim(&workspace, "k", [2; 32]).await.unwrap();
    assert!(matches!(again, ClaimOutcome::Claimed(_)));
}

async fn a_segment_that_was_never_published_is_removed_and_its_rows_stay_once(world: World) {
    let store = world
        .open_with(|settings| settings.orphan_retention = std::time::Duration::ZERO)
        .await;
    store.append(batch(&[1, 2], None)).await.unwrap();
    let lake = store.lake().unwrap();
    let orphans = catalog::table_folder(&lake, &Workspace::default(), TABLE);
    let received = segment::Received { min: NOW, max: NOW };
    let rows = rows(&[1, 2]);
    segment::write(&RealDisk, &orphans, (TABLE, &[rows]), received, 1).unwrap();
    assert_eq!(store.remove_orphans().await.unwrap(), 1);
    store.publish().await.unwrap();
    assert_eq!(store.remove_orphans().await.unwrap(), 0);
    assert_eq!(visible(&store), [1, 2]);
}

async fn reopening_twice_without_a_batch_does_not_cost_the_next_one(world: World) {
    let store = world.open().await;
    store.append(batch(&[1], None)).await.unwrap();
    drop(store);
    drop(world.open().await);
    let store = world.open().await;
    store.publish().await.unwrap();
    store.append(batch(&[2], None)).await.unwrap();
    drop(store);
    let store = world.open().await;
    assert_eq!(visible(&store), [1, 2]);
}

#[derive(Clone, Debug)]
enum Operation {
    Append(u8),
    Publish,
    Reopen,
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let one = prop_oneof![
        5 => (1_u8..20).prop_map(Operation::Append),
        2 => Just(Operation::Publish),
        1 => Just(Operation::Reopen),
    ];
    prop::collection::vec(one, 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever the order of appending, publishing and reopening, the store shows what was acknowledged, once.
    #[test]
    fn the_store_is_a_list_of_what_was_acknowledged(operations in operations()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
                    let world = World::sqlite();
            let mut store = world.open().await;
            let mut model = Vec::new();
            for operation in operations {
                match operation {
                    Operation::Append(count) => {
                        let start = i64::try_from(model.len()).unwrap();
                        let numbers: Vec<i64> = (start..start + i64::from(count)).collect();
                        store.append(batch(&numbers, None)).await.unwrap();
                        model.extend(numbers);
                    }
                    Operation::Publish => drop(store.publish().await.unwrap()),
                    Operation::Reopen => {
                        drop(store);
                        store = world.open().await;
                    }
                }
                assert_eq!(visible(&store), model);
            }
        });
    }
}
