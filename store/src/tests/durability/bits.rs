//! Rot: flipped bits, blocks of zeros and blocks from elsewhere are found, never taken for rows.

use std::fs;

use super::record::Record;
use super::*;

const BLOCK_BYTES: usize = 4096;

const CATALOG: &str = "catalog.sqlite";

/// Damages bytes in one of the ways of disks; false if chance left them as they were.
fn rot(bytes: &mut [u8], chance: &mut Chance) -> bool {
    let before = bytes.to_vec();
    let place = chance.below(bytes.len());
    let block = place..(place + BLOCK_BYTES).min(bytes.len());
    match chance.below(4) {
        0 | 1 => bytes[place] ^= 1 << chance.below(8),
        2 => bytes[block].fill(0),
        _ => {
            let from = chance.below(bytes.len() - block.len() + 1);
            bytes.copy_within(from..from + block.len(), block.start);
        }
    }
    before != bytes
}

#[tokio::test]
async fn a_rotten_log_is_found_to_be_and_its_other_batches_are_read() {
    let folder = scratch();
    let data = folder.path().join("data");
    let store = open_plain(&data).await;
    let batches: Vec<Vec<i64>> = (0..12)
        .map(|first| (first * 10..first * 10 + 7).collect())
        .collect();
    for numbers in &batches {
        store.append(batch(numbers, None)).await.unwrap();
    }
    close(store).await;
    let path = wal::wal_files(&RealDisk, &data.join("wal"))
        .unwrap()
        .remove(0);
    let whole = fs::read(&path).unwrap();
    let mut record = Record {
        test: "T7 log",
        procedure: "a bit is flipped, a block is zeroed or comes from elsewhere in the log: every batch is read as it was or is reported",
        ..Record::default()
    };
    let mut salvaged = 0;
    for seed in seeds(1_500) {
        let mut chance = Chance::new(seed);
        let mut rotten = whole.clone();
        if !rot(&mut rotten, &mut chance) {
            continue;
        }
        fs::write(&path, &rotten).unwrap();
        record.rounds += 1;
        record.faults += 1;
        // A file that can't be told to be a log stops the start.
        let Ok((seen, unread)) = torn::replayed(&path) else {
            continue;
        };
        assert!(unread > 0, "BARTIZAN_SEED={seed}: not reported");
        let mut rest = batches.iter();
        for found in &seen {
            assert!(
                rest.any(|batch| batch == found),
                "BARTIZAN_SEED={seed}: {found:?}"
            );
        }
        record.acknowledged += seen.concat().len() as u64;
        salvaged += u64::from(seen.last() == batches.last());
    }
    assert!(
        salvaged > record.rounds / 3,
        "only {salvaged} logs were read to their end"
    );
    record.write();
}

async fn open_plain(data: &Path) -> Arc<Store> {
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_000_000)));
    Arc::new(Store::open(StoreSettings::new(data), clock).await.unwrap())
}

/// What a query of everything would see; `None` if a segment can't be read, which a query says.
fn seen(store: &Store) -> Option<Vec<i64>> {
    let snapshot = store.snapshot(&Workspace::default(), TABLE);
    let mut batches = snapshot.recent;
    for segment in snapshot.segments {
        batches.extend(read(&segment).ok()?);
    }
    Some(numbers(batches))
}

/// Three batches, the last of them only in the log.
async fn filled(data: &Path) -> Vec<i64> {
    let store = open_plain(data).await;
    let mut model = Vec::new();
    for first in [0, 100, 200] {
        let numbers: Vec<i64> = (first..first + 50).collect();
        store.append(batch(&numbers, None)).await.unwrap();
        model.extend(numbers);
        if first < 200 {
            store.publish().await.unwrap();
        }
    }
    close(store).await;
    model
}

/// Opens a copy of a data folder with another catalog; none if it is refused.
async fn opened_with(catalog: &[u8], folder: &Path) -> Option<(tempfile::TempDir, Arc<Store>)> {
    let copied = scratch();
    copy(folder, copied.path());
    let data = copied.path().join("data");
    fs::write(data.join(CATALOG), catalog).unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_000_000)));
    let store = Store::open(StoreSettings::new(&data), clock).await.ok()?;
    Some((copied, Arc::new(store)))
}

#[tokio::test]
async fn a_rotten_catalog_is_refused_or_changes_no_row() {
    let folder = scratch();
    let data = folder.path().join("data");
    let model = filled(&data).await;
    let whole = fs::read(data.join(CATALOG)).unwrap();
    let mut record = Record {
        test: "T7 catalog",
        procedure: "a bit is flipped, a block is zeroed or comes from elsewhere in the catalog: the start is refused, a query fails, or every row is there",
        ..Record::default()
    };
    let mut refused = 0;
    for seed in seeds(150) {
        let mut rotten = whole.clone();
        if !rot(&mut rotten, &mut Chance::new(seed)) {
            continue;
        }
        record.rounds += 1;
        record.faults += 1;
        let Some((_copied, store)) = opened_with(&rotten, folder.path()).await else {
            refused += 1;
            continue;
        };
        let rows = seen(&store);
        let is_right = rows.as_ref().is_none_or(|rows| *rows == model);
        assert!(is_right, "BARTIZAN_SEED={seed}: {rows:?}");
        record.acknowledged += rows.map_or(0, |rows| rows.len() as u64);
        close(store).await;
    }
    assert!(refused > record.rounds / 10, "only {refused} were refused");
    record.write();
}

#[tokio::test]
async fn a_flipped_letter_in_the_name_of_a_file_or_table_is_found() {
    let folder = scratch();
    let data = folder.path().join("data");
    let model = filled(&data).await;
    let store = open_plain(&data).await;
    let segments = store.snapshot(&Workspace::default(), TABLE).segments;
    close(store).await;
    let files = segments.iter().map(|segment| {
        let name = segment.path.file_name().unwrap();
        name.to_str().unwrap().to_owned()
    });
    let whole = fs::read(data.join(CATALOG)).unwrap();
    let mut refused = 0;
    for name in files.chain([TABLE.name().to_owned()]) {
        let places = whole.windows(name.len()).enumerate();
        let places = places.filter(|(_, bytes)| *bytes == name.as_bytes());
        for (place, _) in places {
            let mut rotten = whole.clone();
            rotten[place + name.len() / 2] ^= 1;
            match opened_with(&rotten, folder.path()).await {
                None => refused += 1,
                Some((_copied, store)) => {
                    assert_eq!(seen(&store).as_ref(), Some(&model), "{name} at {place}");
                    close(store).await;
                }
            }
        }
    }
    // Each file's name and the table's, in its row and in the index.
    assert!(refused >= 6, "only {refused} were refused");
}

#[tokio::test]
async fn a_rotten_segment_is_found_by_verification_and_the_others_are_read() {
    let folder = scratch();
    let data = folder.path().join("data");
    let store = open_plain(&data).await;
    for first in [0, 100] {
        let numbers: Vec<i64> = (first..first + 50).collect();
        store.append(batch(&numbers, None)).await.unwrap();
        store.publish().await.unwrap();
    }
    let segments = store.snapshot(&Workspace::default(), TABLE).segments;
    let (path, other) = (segments[0].path.clone(), segments[1].path.clone());
    close(store).await;
    let settings = StoreSettings::new(&data);
    let whole = fs::read(&path).unwrap();
    let mut record = Record {
        test: "T7 segment",
        procedure: "a bit is flipped, a block is zeroed or comes from elsewhere in a segment: `lake verify` names the file and no other",
        ..Record::default()
    };
    for seed in seeds(60) {
        let mut rotten = whole.clone();
        if !rot(&mut rotten, &mut Chance::new(seed)) {
            continue;
        }
        fs::write(&path, &rotten).unwrap();
        let seen = verify(&settings, Timestamp::from_micros(1_000_000))
            .await
            .unwrap();
        assert!(!seen.findings.is_empty(), "BARTIZAN_SEED={seed}: not found");
        assert!(
            seen.findings
                .iter()
                .all(|finding| finding.path == path && finding.path != other)
        );
        record.rounds += 1;
        record.faults += 1;
        record.acknowledged += 50;
    }
    fs::write(&path, &whole).unwrap();
    let seen = verify(&settings, Timestamp::from_micros(1_000_000))
        .await
        .unwrap();
    assert_eq!(seen.findings, []);
    record.write();
}
