//! A batch that is sent again, by several at once, and before and after crashes, counts once.

use super::record::Record;
use super::*;

/// Sends batches one to five times at the same time each, while the power goes, until all are acknowledged.
async fn round(
    template: &tempfile::TempDir,
    seed: u64,
    forgets_keys: bool,
) -> (Rig, u64, Findings) {
    let mut rig = Rig::new(Some(template), seed);
    rig.forgets_keys = forgets_keys;
    rig.open().await.unwrap();
    rig.disk.power_off_in(20 + rig.chance.below(60) as u64);
    let batches: Vec<Open> = (0..8)
        .map(|place| Open {
            key: Some(format!("key-{place}")),
            numbers: (place * 10..place * 10 + 4).collect(),
        })
        .collect();
    let mut sent = 0;
    // Twice through, so that all are sent again after they were acknowledged, and across two crashes.
    for _ in 0..2 {
        for batch in &batches {
            while !send_at_once(&mut rig, batch, &mut sent).await {
                rig.crash().await.unwrap();
            }
            rig.publish_sometimes().await;
        }
    }
    if rig.disk.is_off() {
        rig.crash().await.unwrap();
    }
    rig.disk.stay_on();
    rig.ledger.acknowledged = batches.into_iter().map(|batch| batch.numbers).collect();
    let findings = rig.findings();
    (rig, sent, findings)
}

/// Whether at least one of them was acknowledged.
async fn send_at_once(rig: &mut Rig, batch: &Open, sent: &mut u64) -> bool {
    let mut senders = JoinSet::new();
    for _ in 0..=rig.chance.below(5) {
        let (store, batch) = (Arc::clone(rig.store()), batch.clone());
        senders.spawn(async move { send(&store, &batch).await });
        *sent += 1;
    }
    senders
        .join_all()
        .await
        .into_iter()
        .any(|acknowledged| acknowledged)
}

#[tokio::test]
async fn a_batch_counts_once_however_often_it_is_sent() {
    let template = template().await;
    let mut record = Record {
        test: "T10",
        procedure: "every batch is sent one to five times at once with one Idempotency-Key, and again later, while the power goes",
        ..Record::default()
    };
    for seed in seeds(25) {
        let (mut rig, sent, findings) = round(&template, seed, false).await;
        assert!(findings.is_clean(), "BARTIZAN_SEED={seed}: {findings:?}");
        record.rounds += 1;
        record.faults += sent;
        record.acknowledged += rig.ledger.acknowledged.concat().len() as u64;
        rig.close().await;
    }
    record.write();
}

#[tokio::test]
async fn without_remembered_keys_batches_count_twice() {
    let template = template().await;
    let mut record = Record {
        test: "T4 keys",
        procedure: "the test of the test: T10 with keys that are not remembered; each round must double rows",
        expects_loss: true,
        ..Record::default()
    };
    for seed in seeds(3) {
        let (mut rig, sent, findings) = round(&template, seed, true).await;
        assert!(
            !findings.doubled.is_empty(),
            "BARTIZAN_SEED={seed}: nothing was doubled"
        );
        record.rounds += 1;
        record.faults += sent;
        record.doubled += findings.doubled.len() as u64;
        rig.close().await;
    }
    record.write();
}
