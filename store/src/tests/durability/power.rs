//! The power goes at every step of a store's work, with whatever a disk may keep of what was not synced.

use super::record::Record;
use super::*;
use crate::disk::{Call, Lie};

/// Steps of the script between opening and the end.
const SCRIPT: u64 = 14;

/// One seed's script, to be run once for each step at which the power can go.
struct Script<'t> {
    template: &'t tempfile::TempDir,
    seed: u64,
    lies: &'t [Lie],
}

impl Script<'_> {
    fn rig(&self, power_seed: u64) -> Rig {
        // Half of them begin with nothing, so that the folders are made under the test too.
        let template = (!self.seed.is_multiple_of(2)).then_some(self.template);
        let mut rig = Rig::new(template, power_seed);
        rig.chance = Chance::new(self.seed);
        for lie in self.lies {
            rig.disk.lie(*lie);
        }
        rig
    }

    async fn steps(&self) -> u64 {
        let mut rig = self.rig(self.seed);
        rig.work_through(SCRIPT).await;
        rig.close().await;
        rig.disk.steps()
    }

    /// Lets the power go at a step, and notes what is left.
    async fn lose_power(&self, step: u64, record: &mut Record) -> Result<(), String> {
        let mut rig = self.rig(self.seed << 20 | step);
        rig.disk.power_off_in(step);
        rig.work_through(SCRIPT).await;
        let checked = rig.check_after_crash().await;
        record.rounds += 1;
        record.faults += 1;
        record.acknowledged += rig.ledger.acknowledged.concat().len() as u64;
        rig.close().await;
        checked.map_err(|(when, findings)| {
            record.lost += findings.lost.len() as u64;
            record.doubled += findings.doubled.len() as u64;
            format!(
                "BARTIZAN_SEED={} step {step}, {when}: {findings:?}",
                self.seed
            )
        })
    }
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_wherever_the_power_goes() {
    let template = template().await;
    let mut record = Record {
        test: "T3",
        procedure: "the power goes at every step of scripts of appending, publishing, compacting and reopening, and may go again during the replay; of what was not synced, chance keeps all, nothing, some or torn parts",
        ..Record::default()
    };
    for seed in seeds(2) {
        let script = Script {
            template: &template,
            seed,
            lies: &[],
        };
        for step in 1..=script.steps().await {
            let outcome = script.lose_power(step, &mut record).await;
            assert_eq!(outcome, Ok(()));
        }
    }
    record.write();
}

/// Seeds within which a missing sync must show.
const SEEDS_MAX: u64 = 20;

/// Without a sync that the store relies on, rows must be lost: else the test above proves nothing.
async fn check_loss(template: &tempfile::TempDir, lie: Lie, record: &mut Record) {
    let lost_before = record.lost;
    for seed in 1..=SEEDS_MAX {
        let script = Script {
            template,
            seed,
            lies: &[lie],
        };
        for step in (1..=script.steps().await).step_by(3) {
            if script.lose_power(step, record).await.is_err() && record.lost > lost_before {
                return;
            }
        }
    }
    panic!("nothing was lost without {lie:?}");
}

#[tokio::test]
async fn without_any_one_of_the_syncs_rows_are_lost() {
    let template = template().await;
    let mut record = Record {
        test: "T4",
        procedure: "the test of the test: T3 with one of the syncs switched off (log data, log folder, segment, segment's folder, the folders above it); each must lose rows",
        expects_loss: true,
        ..Record::default()
    };
    for (call, part) in [
        (Call::Sync, ".wal"),
        (Call::SyncFolder, "/data/wal"),
        (Call::Sync, "segment-"),
        (Call::SyncFolder, "ApiManagementGatewayLogs"),
        (Call::SyncFolder, "/data/lake"),
    ] {
        check_loss(&template, Lie { call, part }, &mut record).await;
    }
    record.write();
}
