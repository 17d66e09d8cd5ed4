use std::fs;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use uuid::Uuid;

use super::frame::MAGIC;
use super::*;
use crate::RealDisk;
use crate::batch::{Receipt, StoredBatch};
use crate::{Timestamp, Workspace};

fn batch(number: u64) -> StoredBatch {
    StoredBatch {
        workspace: Workspace::default(),
        receipt: Receipt {
            batch: Uuid::nil(),
            accepted: number,
            quarantined: 0,
        },
        received: Timestamp::from_micros(0),
        idempotency: None,
        steps: Vec::new(),
        parts: Vec::new(),
    }
}

fn settings(folder: &Path) -> WalSettings {
    WalSettings {
        disk: Arc::new(RealDisk),
        folder: folder.to_owned(),
        file_bytes_max: 1 << 20,
        queue_max: 8,
        free_bytes_min: 0,
    }
}

fn replay(folder: &Path, after: u64) -> (Vec<(u64, u64)>, Vec<ReplayedFile>) {
    let mut seen = Vec::new();
    let mut files = Vec::new();
    for path in wal_files(&RealDisk, folder).unwrap() {
        let mut apply =
            |sequence, batch: StoredBatch| seen.push((sequence, batch.receipt.accepted));
        files.push(replay_file(&RealDisk, &path, after, &mut apply).unwrap());
    }
    (seen, files)
}

async fn append(folder: &Path, sequence: u64, numbers: &[u64]) -> Vec<(u64, u64)> {
    let applied = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&applied);
    let on_durable = Box::new(move |sequence, batch: StoredBatch| {
        seen.lock().push((sequence, batch.receipt.accepted));
    });
    let wal = Wal::start(settings(folder), Vec::new(), sequence, on_durable).unwrap();
    for number in numbers {
        let batch = batch(*number);
        let payload = batch.encode().unwrap();
        wal.append(batch, payload, (None, Vec::new()))
            .await
            .unwrap();
    }
    wal.close();
    applied.lock().clone()
}

#[tokio::test]
async fn what_was_acknowledged_is_replayed_in_order_across_files() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(
        append(folder.path(), 1, &[10, 20]).await,
        [(1, 10), (2, 20)]
    );
    assert_eq!(append(folder.path(), 3, &[30]).await, [(3, 30)]);
    assert_eq!(replay(folder.path(), 0).0, [(1, 10), (2, 20), (3, 30)]);
    assert_eq!(replay(folder.path(), 2).0, [(3, 30)]);
}

#[tokio::test]
async fn a_file_cut_anywhere_gives_its_whole_frames() {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), 1, &[10, 20]).await;
    let path = wal_files(&RealDisk, folder.path()).unwrap().remove(0);
    let whole = fs::read(&path).unwrap();
    let frame = (whole.len() - 8) / 2;
    for length in 1..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let expected = length.saturating_sub(8) / frame;
        let (seen, files) = replay(folder.path(), 0);
        assert_eq!(seen.len(), expected, "cut at {length}");
        assert_eq!(
            files[0].torn_bytes == 0,
            length == 8 + expected * frame,
            "cut at {length}"
        );
    }
}

#[tokio::test]
async fn a_flipped_bit_is_never_taken_for_a_row() {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), 1, &[10]).await;
    let path = wal_files(&RealDisk, folder.path()).unwrap().remove(0);
    let whole = fs::read(&path).unwrap();
    for position in 8..whole.len() {
        let mut damaged = whole.clone();
        damaged[position] ^= 0x10;
        fs::write(&path, &damaged).unwrap();
        assert_eq!(replay(folder.path(), 0).0, [], "bit at {position}");
    }
}

#[tokio::test]
async fn a_frame_in_the_place_of_another_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), 5, &[10, 20, 30, 40]).await;
    let path = wal_files(&RealDisk, folder.path()).unwrap().remove(0);
    let whole = fs::read(&path).unwrap();
    let frame = (whole.len() - MAGIC.len()) / 4;
    let place = |number: usize| MAGIC.len() + number * frame;
    let check = |(from, to): (usize, usize), read: &[(u64, u64)], damaged: usize| {
        let mut rotten = whole.clone();
        rotten.copy_within(place(from)..place(from + 1), place(to));
        fs::write(&path, &rotten).unwrap();
        let (seen, files) = replay(folder.path(), 0);
        assert_eq!(seen, read, "{from} to {to}");
        assert_eq!(files[0].damaged_bytes, damaged * frame, "{from} to {to}");
    };
    check((0, 2), &[(5, 10), (6, 20), (8, 40)], 1);
    check((0, 3), &[(5, 10), (6, 20), (7, 30)], 1);
    check((2, 0), &[(7, 30), (8, 40)], 2);
    // The file's name tells that its first frame comes from an older file.
    fs::rename(&path, path.with_file_name(format!("{:020}.wal", 6))).unwrap();
    let path = wal_files(&RealDisk, folder.path()).unwrap().remove(0);
    fs::write(&path, &whole).unwrap();
    assert_eq!(replay(folder.path(), 0).0, [(6, 20), (7, 30), (8, 40)]);
}

#[tokio::test]
async fn a_foreign_file_is_an_error_not_an_empty_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.wal");
    fs::write(&path, b"something else entirely").unwrap();
    let error = replay_file(&RealDisk, &path, 0, &mut |_, _| {}).unwrap_err();
    assert!(matches!(error, ReplayError::Foreign(_)), "{error}");
}
