//! A log that was cut anywhere gives its whole frames, and only those.

use std::fs;
use std::path::PathBuf;

use super::record::Record;
use super::*;
use crate::batch::StoredBatch;
use crate::wal::{replay_file, wal_files};

/// Writes batches of so many rows; returns the log's one file.
async fn log(folder: &Path, batches: &[&[i64]]) -> PathBuf {
    let store = Store::open(StoreSettings::new(folder), Arc::new(SystemClock))
        .await
        .unwrap();
    for numbers in batches {
        store.append(batch(numbers, None)).await.unwrap();
    }
    close(Arc::new(store)).await;
    wal_files(&RealDisk, &folder.join("wal")).unwrap().remove(0)
}

/// The rows of a log file's batches.
pub(super) fn replayed(path: &Path) -> Result<(Vec<Vec<i64>>, usize), ReplayError> {
    let mut seen = Vec::new();
    let mut take = |_, batch: StoredBatch| {
        seen.push(numbers(
            batch.parts.into_iter().map(|(_, rows)| rows).collect(),
        ));
    };
    let file = replay_file(&RealDisk, path, 0, &mut take)?;
    Ok((seen, file.torn_bytes + file.damaged_bytes))
}

#[tokio::test]
async fn a_log_cut_at_every_byte_of_its_last_three_batches_gives_the_whole_ones() {
    let folder = scratch();
    let batches: [&[i64]; 5] = [&[1], &[2, 3], &[4, 5, 6], &[7], &[8, 9]];
    let path = log(&folder.path().join("data"), &batches).await;
    let whole = fs::read(&path).unwrap();
    let ends = frame_ends(&whole);
    assert_eq!(ends.len(), batches.len());
    let mut record = Record {
        test: "T8",
        procedure: "the log is cut at every byte of its last three batches; each 97th cut is also opened as a store",
        ..Record::default()
    };
    for cut in ends[1]..whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let complete = ends.iter().filter(|end| **end <= cut).count();
        let (seen, unread) = replayed(&path).unwrap();
        assert_eq!(seen, &batches[..complete], "cut at {cut}");
        assert_eq!(unread, cut - ends[complete - 1], "cut at {cut}");
        if cut % 97 == 0 {
            let copied = scratch();
            copy(folder.path(), copied.path());
            let store = open(&copied.path().join("data")).await;
            assert_eq!(
                visible(&store),
                batches[..complete].concat(),
                "cut at {cut}"
            );
            close(store).await;
        }
        record.rounds += 1;
        record.faults += 1;
        record.acknowledged += batches[..complete].concat().len() as u64;
    }
    record.write();
}

/// Where each frame of a whole file ends.
fn frame_ends(bytes: &[u8]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut place = 8;
    while let Some(length) = bytes.get(place..place + 4) {
        let length = u32::from_le_bytes(length.try_into().unwrap());
        place += 16 + usize::try_from(length).unwrap();
        ends.push(place);
    }
    ends
}
