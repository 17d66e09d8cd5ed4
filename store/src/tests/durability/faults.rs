//! A disk that refuses: a sync fails, everything fails, the space runs out. Refused is said; the rest goes on.

use std::io::ErrorKind;

use super::record::Record;
use super::*;
use crate::disk::{Call, Fault};

fn note(record: &mut Record, rig: &Rig) {
    record.rounds += 1;
    record.faults += rig.disk.strikes();
    record.acknowledged += rig.ledger.acknowledged.concat().len() as u64;
}

#[tokio::test]
async fn a_sync_that_fails_once_costs_its_batch_and_no_restart() {
    let template = template().await;
    let mut record = Record {
        test: "T5",
        procedure: "one sync, write, creation, rename or removal fails (EIO); after a failed sync its bytes are gone though later syncs succeed; then the power goes",
        ..Record::default()
    };
    let calls = [
        (Call::Sync, ".wal"),
        (Call::Write, ".wal"),
        (Call::Create, ".wal"),
        (Call::SyncFolder, "/data/wal"),
        (Call::Remove, ".wal"),
        (Call::Sync, "segment-"),
        (Call::Write, "segment-"),
        (Call::Create, "segment-"),
        (Call::Rename, "segment-"),
        (Call::SyncFolder, "ApiManagementGatewayLogs"),
    ];
    for seed in seeds(2) {
        for (call, part) in calls {
            let mut rig = Rig::new(Some(&template), seed);
            let skip = if call == Call::Remove { 0 } else { seed % 3 };
            rig.disk.fail(Fault {
                call,
                part,
                skip,
                times: 1,
                error: ErrorKind::Other,
            });
            rig.work_until_struck(25).await;
            assert_eq!(
                rig.disk.strikes(),
                1,
                "BARTIZAN_SEED={seed}: {call:?} of {part} was not reached"
            );
            assert!(
                rig.store().is_healthy(),
                "BARTIZAN_SEED={seed}: {call:?} of {part}"
            );
            // The batch that was refused, and none other.
            assert!(rig.ledger.open.len() <= 1, "{:?}", rig.ledger.open);
            assert_eq!(
                rig.disk.misuses(),
                0,
                "BARTIZAN_SEED={seed}: {call:?} of {part}"
            );
            let checked = rig.check_after_crash().await;
            assert_eq!(checked, Ok(()), "BARTIZAN_SEED={seed}: {call:?} of {part}");
            note(&mut record, &rig);
            rig.close().await;
        }
    }
    record.write();
}

#[tokio::test]
async fn a_log_that_can_never_be_synced_acknowledges_nothing() {
    let template = template().await;
    let mut rig = Rig::new(Some(&template), 1);
    rig.open().await.unwrap();
    rig.append().await;
    rig.disk.fail(Fault {
        call: Call::Sync,
        part: ".wal",
        skip: 0,
        times: u64::MAX,
        error: ErrorKind::Other,
    });
    for _ in 0..5 {
        rig.append().await;
        assert!(!rig.store().is_healthy());
    }
    assert_eq!(
        (rig.ledger.acknowledged.len(), rig.ledger.open.len()),
        (1, 5)
    );
    let files = wal::wal_files(&rig.disk, &rig.folder.path().join("data/wal")).unwrap();
    assert_eq!(
        files.len(),
        1,
        "a log that can't be written leaves files: {files:?}"
    );
    assert_eq!(rig.disk.misuses(), 0);
    assert_eq!(rig.check_after_crash().await, Ok(()));
    rig.close().await;
}

#[tokio::test]
async fn a_log_that_was_refused_is_found_to_work_again_without_a_batch() {
    let template = template().await;
    let mut rig = Rig::new(Some(&template), 1);
    rig.open().await.unwrap();
    rig.disk.set_capacity(Some(0));
    rig.append().await;
    assert!(!rig.store().is_healthy());
    rig.store().wal.probe().await.unwrap();
    rig.append().await;
    assert!(!rig.store().is_healthy());
    rig.disk.set_capacity(None);
    rig.store().wal.probe().await.unwrap();
    // Commands are taken in order, and this one comes back.
    assert_eq!(rig.check_goes_on().await, Ok(()));
    assert!(rig.store().is_healthy());
    rig.close().await;
}

#[tokio::test]
async fn a_full_disk_refuses_and_goes_on_when_there_is_space() {
    let template = template().await;
    let mut record = Record {
        test: "T6 simulated",
        procedure: "the space ends at every 1,100th byte of a script's need, also within a write; space comes back without a restart; then the power goes",
        ..Record::default()
    };
    for seed in seeds(1) {
        for capacity in (0..60_000).step_by(1_100) {
            let context = format!("BARTIZAN_SEED={seed} capacity {capacity}");
            let mut rig = Rig::new(Some(&template), seed << 20 | capacity);
            rig.chance = Chance::new(seed);
            rig.disk.set_capacity(Some(capacity));
            rig.open().await.unwrap();
            for _ in 0..12 {
                rig.append().await;
                rig.publish_sometimes().await;
                let looked = rig.look("while the disk is full");
                assert_eq!(looked, Ok(()), "{context}");
            }
            note(&mut record, &rig);
            record.faults += rig.ledger.open.len() as u64;
            rig.disk.set_capacity(None);
            assert_eq!(rig.check_goes_on().await, Ok(()), "{context}");
            assert_eq!(rig.check_after_crash().await, Ok(()), "{context}");
            rig.close().await;
        }
    }
    assert!(record.faults > 50, "the disk was hardly ever full");
    record.write();
}
