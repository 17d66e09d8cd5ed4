//! The promise under faults: what was acknowledged is there, whole and once.
//!
//! A [`Rig`] lets a store work on a simulated disk, remembers what it promised, lets the power go, and looks.
//! `BARTIZAN_ROUNDS` says how many times the usual rounds each test does, `BARTIZAN_SEED` with which seed it begins; a
//! failure says its seed. `BARTIZAN_DURABILITY` names a folder to which each test writes what it did.

mod bits;
mod faults;
mod points;
mod power;
mod record;
mod repeat;
mod torn;

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::disk::{Chance, SimulatedDisk};

/// A number from the environment.
fn setting(name: &str, default: u64) -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long a test runs is no setting of the service"
    )]
    let value = std::env::var(name);
    value.map_or(default, |text| text.parse().unwrap())
}

/// Rounds of a test: its usual number, as many times as was asked for.
fn rounds(usual: u64) -> u64 {
    usual * setting("BARTIZAN_ROUNDS", 1)
}

fn seeds(usual: u64) -> impl Iterator<Item = u64> {
    let first = setting("BARTIZAN_SEED", 1);
    first..first + rounds(usual)
}

/// A batch that was sent and not acknowledged.
#[derive(Clone, Debug)]
struct Open {
    key: Option<String>,
    numbers: Vec<i64>,
}

/// What was promised.
#[derive(Debug, Default)]
struct Ledger {
    acknowledged: Vec<Vec<i64>>,
    open: Vec<Open>,
}

/// What was found to be wrong.
#[derive(Debug, Default, PartialEq, Eq)]
struct Findings {
    lost: Vec<i64>,
    doubled: Vec<i64>,
    phantoms: Vec<i64>,
    halves: Vec<i64>,
}

impl Findings {
    fn is_clean(&self) -> bool {
        *self == Self::default()
    }
}

impl Ledger {
    fn compare(&self, visible: &[i64]) -> Findings {
        let mut times: BTreeMap<i64, usize> = BTreeMap::new();
        for number in visible {
            *times.entry(*number).or_default() += 1;
        }
        let doubled = times.iter().filter(|(_, times)| **times > 1);
        let mut findings = Findings {
            doubled: doubled.map(|(number, _)| *number).collect(),
            ..Findings::default()
        };
        for number in self.acknowledged.iter().flatten() {
            if times.remove(number).is_none() {
                findings.lost.push(*number);
            }
        }
        for open in &self.open {
            let found = open
                .numbers
                .iter()
                .filter(|number| times.remove(*number).is_some());
            let found = found.count();
            if found > 0 && found < open.numbers.len() {
                findings.halves.push(open.numbers[0]);
            }
        }
        findings.phantoms = times.into_keys().collect();
        findings
    }
}

/// A store on a simulated disk, and what it promised.
struct Rig {
    folder: tempfile::TempDir,
    disk: SimulatedDisk,
    clock: Arc<ManualClock>,
    store: Option<Arc<Store>>,
    chance: Chance,
    ledger: Ledger,
    next: i64,
    forgets_keys: bool,
}

/// A folder in memory where the machine has one: these tests sync a simulated disk, not a real one.
fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

/// Lets everything of a store end.
pub(super) async fn close(store: Arc<Store>) {
    let closing = Arc::clone(&store);
    tokio::task::spawn_blocking(move || closing.wal.close())
        .await
        .unwrap();
    store.database().close().await;
    drop(store);
}

/// A data folder whose catalog is made, to begin from: making one takes longer than a round.
async fn template() -> tempfile::TempDir {
    let folder = scratch();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    close(open(&data).await).await;
    folder
}

impl Rig {
    /// Begins from a template, or from nothing.
    fn new(template: Option<&tempfile::TempDir>, seed: u64) -> Self {
        let folder = scratch();
        if let Some(template) = template {
            copy(template.path(), folder.path());
        }
        Self {
            folder,
            disk: SimulatedDisk::new(seed),
            clock: Arc::new(ManualClock::new(Timestamp::from_micros(1_000_000))),
            store: None,
            chance: Chance::new(!seed),
            ledger: Ledger::default(),
            next: 0,
            forgets_keys: false,
        }
    }

    fn settings(&self) -> StoreSettings {
        StoreSettings {
            disk: Arc::new(self.disk.clone()),
            wal_file_bytes_max: 12_000,
            free_bytes_min: 0,
            forgets_keys: self.forgets_keys,
            compaction: CompactionSettings {
                files_min: 2,
                ..CompactionSettings::default()
            },
            snapshot_retention: Duration::ZERO,
            orphan_retention: Duration::ZERO,
            ..StoreSettings::new(self.folder.path().join("data"))
        }
    }

    /// Opens the store; a panic on the way is an error like others.
    async fn open(&mut self) -> Result<(), StoreError> {
        let settings = self.settings();
        let clock = Arc::clone(&self.clock);
        let mut opening = JoinSet::new();
        opening.spawn(async move {
            let store = Store::open(settings, clock).await?;
            // As in service: what fails here is tried at the next start.
            drop(store.remove_orphans().await);
            Ok(store)
        });
        let opened: Result<Store, StoreError> = opening.join_next().await.unwrap()?;
        self.store = Some(Arc::new(opened?));
        Ok(())
    }

    /// Publishes; false if that failed or panicked.
    async fn publish(&self) -> bool {
        let store = Arc::clone(self.store());
        let mut publishing = JoinSet::new();
        publishing.spawn(async move { store.publish().await });
        matches!(publishing.join_next().await, Some(Ok(Ok(_))))
    }

    fn store(&self) -> &Arc<Store> {
        self.store.as_ref().unwrap()
    }

    async fn close(&mut self) {
        if let Some(store) = self.store.take() {
            close(store).await;
        }
    }

    /// Does a round of compaction and clean-up; what fails in it is done again by the next.
    async fn keep_up(&self) -> bool {
        // Snapshots are forgotten, and their files removed, when they are older than now.
        let later = self.clock.now().plus(Duration::from_secs(1));
        self.clock.set(later);
        let store = Arc::clone(self.store());
        let mut keeping = JoinSet::new();
        keeping.spawn(async move { store.upkeep(&CancellationToken::new()).await });
        let kept = keeping.join_next().await;
        println!("upkeep: {kept:?}");
        matches!(kept, Some(Ok(Ok(_))))
    }

    async fn publish_sometimes(&mut self) {
        if self.chance.below(4) == 0 {
            self.publish().await;
        }
    }

    /// The power goes, comes back, and may go again while the store opens.
    async fn crash(&mut self) -> Result<(), StoreError> {
        self.close().await;
        self.disk.power_loss();
        if self.chance.below(3) == 0 {
            self.disk.power_off_in(1 + self.chance.below(12) as u64);
        }
        loop {
            let opened = self.open().await;
            // It may have gone while orphans were removed, which opening survives.
            if !self.disk.is_off() {
                self.disk.stay_on();
                return opened;
            }
            self.close().await;
            self.disk.power_loss();
        }
    }

    fn findings(&self) -> Findings {
        self.ledger.compare(&readable(self.store()))
    }

    /// Sends a batch of fresh rows.
    async fn append(&mut self) {
        let count = 1 + self.chance.below(12);
        let first = self.next;
        self.next += i64::try_from(count).unwrap();
        let key = (self.chance.below(4) > 0).then(|| format!("key-{first}"));
        let numbers = (first..self.next).collect();
        self.send(Open { key, numbers }).await;
    }

    /// Sends a batch, and notes what came of it.
    async fn send(&mut self, open: Open) {
        if send(self.store(), &open).await {
            self.ledger.acknowledged.push(open.numbers);
        } else {
            self.ledger.open.push(open);
        }
    }

    /// Sends again what was not acknowledged and has a key; what has none is given up.
    async fn send_open(&mut self) {
        let (keyed, given_up) = std::mem::take(&mut self.ledger.open)
            .into_iter()
            .partition(|open: &Open| open.key.is_some());
        self.ledger.open = given_up;
        let keyed: Vec<Open> = keyed;
        for open in keyed {
            self.send(open).await;
        }
    }

    /// Sends once more something that was acknowledged.
    async fn repeat(&mut self) {
        let count = self.ledger.acknowledged.len();
        if count == 0 {
            return;
        }
        let numbers = self.ledger.acknowledged[self.chance.below(count)].clone();
        let key = format!("key-{}", numbers[0]);
        let outcome = self
            .store()
            .claim(&Workspace::default(), &key, DIGEST)
            .await;
        if let Ok(ClaimOutcome::Claimed(claim)) = outcome
            && self.forgets_keys
        {
            drop(self.store().append(batch(&numbers, Some(claim))).await);
        }
    }

    /// One step of work, as chance has it.
    async fn work(&mut self) {
        match self.chance.below(10) {
            0..=5 => self.append().await,
            6 => self.repeat().await,
            7 => {
                self.publish().await;
                self.append().await;
            }
            8 => {
                self.publish().await;
                self.keep_up().await;
                self.append().await;
            }
            _ => {
                self.close().await;
                self.try_open().await;
            }
        }
    }

    /// Works until the script ends or the power goes.
    async fn work_through(&mut self, steps: u64) {
        if self.store.is_none() {
            self.try_open().await;
        }
        for _ in 0..steps {
            if self.disk.is_off() {
                return;
            }
            self.work().await;
        }
    }

    /// Works so many steps, and on until the fault was met, where chance went elsewhere first.
    async fn work_until_struck(&mut self, steps: u64) {
        for _ in 0..20 {
            self.work_through(steps).await;
            if self.disk.strikes() > 0 {
                return;
            }
        }
    }

    /// Opens the store; what a test wanted to happen on the way happens once, so the second try succeeds.
    async fn try_open(&mut self) {
        for _ in 0..2 {
            let Err(error) = self.open().await else {
                return;
            };
            if self.disk.is_off() {
                return;
            }
            assert!(self.disk.strikes() > 0, "open: {error:?}");
        }
        panic!("the store does not open");
    }

    /// Crashes, looks, sends again, publishes, opens again, and looks each time.
    async fn check_after_crash(&mut self) -> Result<(), (&'static str, Findings)> {
        if let Err(error) = self.crash().await {
            println!("open after a power loss: {error:?}");
            let lost = self.ledger.acknowledged.concat();
            return Err((
                "opening",
                Findings {
                    lost,
                    ..Findings::default()
                },
            ));
        }
        self.look("after the crash")?;
        self.check_goes_on().await
    }

    /// Sends again, publishes, opens again, and looks each time.
    async fn check_goes_on(&mut self) -> Result<(), (&'static str, Findings)> {
        self.send_open().await;
        self.append().await;
        let open = &self.ledger.open;
        assert!(
            open.iter().all(|open| open.key.is_none()),
            "refused: {open:?}"
        );
        self.look("after sending again")?;
        assert!(self.publish().await, "publication fails");
        self.look("after publication")?;
        assert!(self.keep_up().await, "upkeep fails");
        self.look("after upkeep")?;
        self.close().await;
        self.open().await.unwrap();
        self.look("after opening again")
    }

    fn look(&self, when: &'static str) -> Result<(), (&'static str, Findings)> {
        let findings = self.findings();
        if findings.is_clean() {
            Ok(())
        } else {
            Err((when, findings))
        }
    }
}

const DIGEST: [u8; 32] = [7; 32];

/// Whether a batch is acknowledged, now or by an earlier answer.
async fn send(store: &Store, open: &Open) -> bool {
    let mut claim = None;
    while let (Some(key), None) = (&open.key, &claim) {
        match store.claim(&Workspace::default(), key, DIGEST).await {
            Ok(ClaimOutcome::Claimed(claimed)) => claim = Some(claimed),
            Ok(ClaimOutcome::Repeated(receipt)) => {
                assert_eq!(receipt.accepted, open.numbers.len() as u64);
                return true;
            }
            // Another sender's batch is on its way: its claim ends with it.
            Ok(ClaimOutcome::InProgress) => tokio::task::yield_now().await,
            Ok(ClaimOutcome::OtherBody) => panic!("{key} was used for another body"),
            Err(_) => return false,
        }
    }
    store.append(batch(&open.numbers, claim)).await.is_ok()
}
