//! A disk for tests that fails as disks do.
//!
//! It lies over a real folder, so that readers of Parquet find files, and keeps beside it what would be left after
//! a power loss: bytes and names that were synced, and of the others whatever chance leaves. Everything it does
//! follows from its seed.

mod machine;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::{Disk, DiskFile, RealDisk};
pub(crate) use machine::Chance;
use machine::Machine;

use crate::time::Timestamp;

/// What is asked of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Create,
    Read,
    Write,
    Sync,
    Cut,
    CreateFolder,
    SyncFolder,
    Rename,
    Remove,
}

/// A call that fails: on paths that contain `part`, after `skip` calls that do not, so many `times`.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) call: Call,
    pub(crate) part: &'static str,
    pub(crate) skip: u64,
    pub(crate) times: u64,
    pub(crate) error: io::ErrorKind,
}

/// A sync that says yes and does nothing: the test of the test.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lie {
    pub(crate) call: Call,
    pub(crate) part: &'static str,
}

/// What happens at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Fail(io::ErrorKind),
    Panic,
    /// The process ends as by kill -9.
    Abort,
    /// The power goes: this and every later call fails until [`SimulatedDisk::power_loss`].
    PowerOff,
    Sleep(Duration),
}

/// What goes wrong, and what was seen.
#[derive(Debug, Default)]
struct Plan {
    steps: u64,
    power_off_at: Option<u64>,
    is_off: bool,
    faults: Vec<Fault>,
    lies: Vec<Lie>,
    points: BTreeMap<&'static str, (u64, Action)>,
    /// Faults and actions that came to pass.
    strikes: u64,
    /// Writes and syncs of a file whose sync had failed.
    misuses: u64,
}

/// The error of a machine without power.
fn dark() -> io::Error {
    io::Error::other("the power is off")
}

impl Plan {
    fn step(&mut self, call: Call, path: &Path) -> io::Result<()> {
        if self.is_off {
            return Err(dark());
        }
        if call != Call::Read {
            self.count()?;
        }
        let text = path.to_string_lossy();
        for fault in &mut self.faults {
            if fault.call != call || !text.contains(fault.part) || fault.times == 0 {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            fault.times -= 1;
            self.strikes += 1;
            return Err(fault.error.into());
        }
        Ok(())
    }

    fn count(&mut self) -> io::Result<()> {
        self.steps += 1;
        if self.power_off_at == Some(self.steps) {
            self.is_off = true;
            return Err(dark());
        }
        Ok(())
    }

    fn is_lie(&self, call: Call, path: &Path) -> bool {
        let text = path.to_string_lossy();
        let mut lies = self.lies.iter();
        lies.any(|lie| lie.call == call && text.contains(lie.part))
    }
}

/// A disk over a real folder.
#[derive(Clone, Debug)]
pub(crate) struct SimulatedDisk {
    plan: Arc<Mutex<Plan>>,
    machine: Arc<Mutex<Machine>>,
}

impl SimulatedDisk {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            plan: Arc::default(),
            machine: Arc::new(Mutex::new(Machine::new(seed))),
        }
    }

    pub(crate) fn fail(&self, fault: Fault) {
        self.plan.lock().faults.push(fault);
    }

    pub(crate) fn lie(&self, lie: Lie) {
        self.plan.lock().lies.push(lie);
    }

    /// Sets what happens at the pass of a point behind `skip` others.
    pub(crate) fn at_point(&self, name: &'static str, skip: u64, action: Action) {
        self.plan.lock().points.insert(name, (skip, action));
    }

    /// Forgets the actions at points that nothing came to yet.
    pub(crate) fn disarm(&self) {
        self.plan.lock().points.clear();
    }

    /// How many of the faults and actions that were asked for came to pass.
    pub(crate) fn strikes(&self) -> u64 {
        self.plan.lock().strikes
    }

    /// How often a file was written or synced after a sync of it had failed.
    pub(crate) fn misuses(&self) -> u64 {
        self.plan.lock().misuses
    }

    /// Lets the power go at a step from here: the first is 1. Steps are calls that change something, and points.
    pub(crate) fn power_off_in(&self, steps: u64) {
        let mut plan = self.plan.lock();
        plan.power_off_at = Some(plan.steps + steps);
    }

    /// Takes back what [`Self::power_off_in`] asked for.
    pub(crate) fn stay_on(&self) {
        self.plan.lock().power_off_at = None;
    }

    pub(crate) fn is_off(&self) -> bool {
        self.plan.lock().is_off
    }

    pub(crate) fn steps(&self) -> u64 {
        self.plan.lock().steps
    }

    /// Bounds what all files together may hold; `None` takes the bound away.
    pub(crate) fn set_capacity(&self, bytes: Option<u64>) {
        self.machine.lock().capacity = bytes;
    }

    /// Forgets what was not synced, as chance has it, and switches the power on again.
    pub(crate) fn power_loss(&self) {
        let mut plan = self.plan.lock();
        plan.is_off = false;
        plan.power_off_at = None;
        plan.points.clear();
        plan.faults.clear();
        self.machine.lock().power_loss();
    }

    fn step(&self, call: Call, path: &Path) -> io::Result<()> {
        self.plan.lock().step(call, path)
    }
}

impl Disk for SimulatedDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.step(Call::Create, path)?;
        let mut machine = self.machine.lock();
        if machine.free_bytes() == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let file = File::create_new(path)?;
        let inode = machine.create(path);
        Ok(Box::new(SimulatedFile {
            disk: self.clone(),
            path: path.to_owned(),
            inode,
            file,
            offset: 0,
            is_lost: false,
        }))
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        self.step(Call::Read, path)?;
        RealDisk.open(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.step(Call::Read, path)?;
        RealDisk.read(path)
    }

    fn length(&self, path: &Path) -> io::Result<u64> {
        self.step(Call::Read, path)?;
        RealDisk.length(path)
    }

    fn modified(&self, path: &Path) -> io::Result<Timestamp> {
        self.step(Call::Read, path)?;
        RealDisk.modified(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        self.step(Call::Read, folder)?;
        RealDisk.list(folder)
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        self.step(Call::CreateFolder, folder)?;
        fs::create_dir(folder)?;
        self.machine.lock().create_folder(folder);
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.step(Call::SyncFolder, folder)?;
        if !self.plan.lock().is_lie(Call::SyncFolder, folder) {
            self.machine.lock().sync_folder(folder);
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(Call::Rename, to)?;
        fs::rename(from, to)?;
        self.machine.lock().rename(from, to);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step(Call::Remove, path)?;
        fs::remove_file(path)?;
        self.machine.lock().remove(path);
        Ok(())
    }

    fn free_bytes(&self, _folder: &Path) -> io::Result<u64> {
        Ok(self.machine.lock().free_bytes())
    }

    fn lock(&self, path: &Path) -> io::Result<Option<File>> {
        self.step(Call::Read, path)?;
        RealDisk.lock(path)
    }

    fn reach(&self, point: &'static str) -> io::Result<()> {
        let mut plan = self.plan.lock();
        if plan.is_off {
            return Err(dark());
        }
        plan.count()?;
        let Some((skip, action)) = plan.points.get_mut(point) else {
            return Ok(());
        };
        if *skip > 0 {
            *skip -= 1;
            return Ok(());
        }
        let action = *action;
        plan.points.remove(point);
        plan.strikes += 1;
        match action {
            Action::Fail(kind) => Err(kind.into()),
            Action::Panic => {
                drop(plan);
                panic!("at point {point}, as the test wants it");
            }
            Action::Abort => std::process::abort(),
            Action::PowerOff => {
                plan.is_off = true;
                Err(dark())
            }
            Action::Sleep(pause) => {
                drop(plan);
                #[expect(clippy::disallowed_methods, reason = "a slow disk is what is tested")]
                std::thread::sleep(pause);
                Ok(())
            }
        }
    }
}

#[derive(Debug)]
struct SimulatedFile {
    disk: SimulatedDisk,
    path: PathBuf,
    inode: u64,
    file: File,
    offset: u64,
    /// A sync failed.
    is_lost: bool,
}

impl SimulatedFile {
    fn step(&self, call: Call) -> io::Result<()> {
        if self.is_lost && call != Call::Cut {
            self.disk.plan.lock().misuses += 1;
        }
        self.disk.step(call, &self.path)
    }
}

impl Write for SimulatedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let stepped = self.step(Call::Write);
        let mut machine = self.disk.machine.lock();
        let room = usize::try_from(machine.free_bytes()).unwrap_or(usize::MAX);
        let mut length = bytes.len().min(room);
        if stepped.is_err() {
            // A write that fails may have begun.
            length = machine.chance.below(length + 1);
        }
        let written = &bytes[..length];
        self.file.write_all(written)?;
        machine.write(self.inode, self.offset, written);
        self.offset += length as u64;
        stepped?;
        if length == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl DiskFile for SimulatedFile {
    fn sync(&mut self) -> io::Result<()> {
        if let Err(error) = self.step(Call::Sync) {
            self.is_lost = true;
            if !self.disk.is_off() {
                self.disk.machine.lock().lose_pages(self.inode);
            }
            return Err(error);
        }
        if !self.disk.plan.lock().is_lie(Call::Sync, &self.path) {
            self.disk.machine.lock().sync(self.inode);
        }
        Ok(())
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        use std::io::{Seek as _, SeekFrom};
        self.step(Call::Cut)?;
        self.file.set_len(bytes)?;
        self.file.seek(SeekFrom::Start(bytes))?;
        self.disk.machine.lock().cut(self.inode, bytes);
        self.offset = bytes;
        Ok(())
    }
}
