//! Something happens at every named point of the code: an error, a panic, a pause, the end of power or process.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::record::Record;
use super::*;
use crate::disk::Action;
use crate::point::Point;

const ACTIONS: [Action; 4] = [
    Action::Fail(ErrorKind::Other),
    Action::Panic,
    Action::PowerOff,
    Action::Sleep(Duration::from_millis(2)),
];

/// Leaves what an earlier life may have: a segment that nobody knows, and a log file without a whole frame.
fn leave_behind(rig: &Rig) {
    let data = rig.folder.path().join("data");
    let table = data.join("lake/default").join(TABLE.name());
    std::fs::create_dir_all(&table).unwrap();
    std::fs::write(table.join("segment-left.parquet"), "left").unwrap();
    std::fs::write(data.join("wal/00000000000000000001.wal"), "BZN").unwrap();
}

/// One life with an action at a point; false if the work did not come to the point.
async fn strike(
    template: &tempfile::TempDir,
    seed: u64,
    (point, action): (Point, Action),
) -> (Rig, bool) {
    let mut rig = Rig::new(Some(template), seed);
    leave_behind(&rig);
    let skip = seed % 2 * u64::from(point.name().starts_with("WalW"));
    rig.disk.at_point(point.name(), skip, action);
    rig.work_through(30).await;
    let struck = rig.disk.strikes() > 0;
    // What comes now has to succeed.
    rig.disk.disarm();
    (rig, struck)
}

/// Whether the store must go on without a restart: unless its thread is gone or its power.
fn goes_on(action: Action) -> bool {
    matches!(action, Action::Fail(_) | Action::Sleep(_))
}

async fn check(
    template: &tempfile::TempDir,
    (point, action): (Point, Action),
    record: &mut Record,
) {
    const TRIES: u64 = 6;
    let mut struck_once = false;
    for seed in seeds(1).flat_map(|seed| (0..TRIES).map(move |again| seed * TRIES + again)) {
        if struck_once && !seed.is_multiple_of(TRIES) {
            continue;
        }
        let context = format!("{} {action:?} seed {seed}", point.name());
        println!("{context}");
        let (mut rig, struck) = strike(template, seed, (point, action)).await;
        struck_once |= struck;
        if goes_on(action) {
            assert_eq!(rig.check_goes_on().await, Ok(()), "{context}");
        }
        assert_eq!(rig.check_after_crash().await, Ok(()), "{context}");
        assert_eq!(rig.disk.misuses(), 0, "{context}");
        record.rounds += 1;
        record.faults += u64::from(struck);
        record.acknowledged += rig.ledger.acknowledged.concat().len() as u64;
        rig.close().await;
    }
    assert!(struck_once, "no test comes to {}", point.name());
}

#[tokio::test]
async fn whatever_happens_at_a_point_nothing_acknowledged_is_lost() {
    let template = template().await;
    let mut record = Record {
        test: "T2",
        procedure: "an error, a panic, a pause or the end of power at every named point of the code, then a power loss",
        ..Record::default()
    };
    for point in Point::ALL {
        for action in ACTIONS {
            check(&template, (*point, action), &mut record).await;
        }
    }
    record.write();
}

/// Every point stands in the code once, and the code has no others: what is not in the list does not compile.
#[test]
fn the_list_of_points_is_that_of_the_code() {
    let mut sources = String::new();
    let mut folders = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.to_string_lossy().contains("tests") {
                sources += &std::fs::read_to_string(&path).unwrap();
            }
        }
    }
    for point in Point::ALL {
        let wanted = format!("Point::{}", point.name());
        let found = sources.split(&wanted).skip(1);
        let found = found.filter(|behind| !behind.starts_with(char::is_alphanumeric));
        assert_eq!(found.count(), 1, "{wanted}");
    }
    assert!(Point::ALL.len() >= 17);
}

const CHILD: &str = "tests::durability::points::a_process_that_ends_at_any_point_loses_nothing";

/// Works in a folder until the process ends at a point, and says what was acknowledged.
async fn work_until_the_end(job: &str) {
    let (point, folder) = job.split_once(':').unwrap();
    let point = Point::ALL
        .iter()
        .find(|known| known.name() == point)
        .unwrap();
    let disk = SimulatedDisk::new(1);
    disk.at_point(point.name(), 0, Action::Abort);
    let settings = StoreSettings {
        disk: Arc::new(disk),
        wal_file_bytes_max: 12_000,
        free_bytes_min: 0,
        compaction: CompactionSettings {
            files_min: 2,
            ..CompactionSettings::default()
        },
        snapshot_retention: Duration::ZERO,
        orphan_retention: Duration::ZERO,
        ..StoreSettings::new(folder)
    };
    let store = Store::open(settings, Arc::new(SystemClock)).await.unwrap();
    store.remove_orphans().await.unwrap();
    for first in (0..).step_by(10) {
        let numbers: Vec<i64> = (first..first + 5).collect();
        println!("\nsent {first}");
        store.append(batch(&numbers, None)).await.unwrap();
        println!("\nacknowledged {first}");
        if first % 40 == 30 {
            store.publish().await.unwrap();
            store.upkeep(&CancellationToken::new()).await.unwrap();
        }
    }
}

/// What a process said with a word before it ended.
fn said(output: &str, word: &str) -> Vec<Vec<i64>> {
    let lines = output.lines().filter_map(|line| line.strip_prefix(word));
    let firsts = lines.map(|number| number.trim().parse::<i64>().unwrap());
    firsts.map(|first| (first..first + 5).collect()).collect()
}

/// In a process of its own, because it has to end: this test starts itself.
#[tokio::test]
async fn a_process_that_ends_at_any_point_loses_nothing() {
    #[expect(
        clippy::disallowed_methods,
        reason = "how the test tells itself from its child"
    )]
    if let Ok(job) = std::env::var("BARTIZAN_CHILD") {
        return work_until_the_end(&job).await;
    }
    let template = template().await;
    let mut record = Record {
        test: "T2 abort",
        procedure: "the process ends (abort) at every named point, and a new one opens its folder",
        ..Record::default()
    };
    for point in Point::ALL {
        let rig = Rig::new(Some(&template), 1);
        leave_behind(&rig);
        let data = rig.folder.path().join("data");
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", CHILD, "--nocapture", "--test-threads", "1"])
            .env(
                "BARTIZAN_CHILD",
                format!("{}:{}", point.name(), data.display()),
            )
            .stderr(Stdio::null())
            .output()
            .unwrap();
        assert!(!child.status.success(), "{} was not reached", point.name());
        let output = String::from_utf8(child.stdout).unwrap();
        let acknowledged = said(&output, "acknowledged ");
        let sent = said(&output, "sent ").split_off(acknowledged.len());
        let ledger = Ledger {
            open: sent
                .into_iter()
                .map(|numbers| Open { key: None, numbers })
                .collect(),
            acknowledged,
        };
        let store = open(&data).await;
        let findings = ledger.compare(&visible(&store));
        assert!(findings.is_clean(), "{}: {findings:?}", point.name());
        close(store).await;
        record.rounds += 1;
        record.faults += 1;
        record.acknowledged += ledger.acknowledged.concat().len() as u64;
    }
    record.write();
}
