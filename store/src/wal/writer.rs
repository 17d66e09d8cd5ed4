//! Appends frames, one sync for all that wait.
//!
//! A file whose write or sync failed is never written again: the page cache lies after a failed sync, and after a
//! failed write nobody knows how far it came. It is cut back to its last acknowledged frame, closed, and the next
//! append begins a new file with sequences that were never given out. So a full disk, or one bad sync, costs the
//! batches that were refused and no restart; if the new file fails too, they are refused as well.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

use super::frame::{self, Header, MAGIC};
use super::reader::ReplayedFile;
use crate::batch::StoredBatch;
use crate::disk::{Disk, DiskError, DiskFile};
use crate::idempotency::Claim;
use crate::point::{self, Point};
use crate::position::StepClaim;

/// A batch that did not become durable.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum WalError {
    /// The disk failed.
    #[error("write-ahead log can't be written: the disk failed")]
    Failed,
    /// The disk is full, or has less than what is kept free.
    #[error("write-ahead log can't be written: the disk is full")]
    Full,
    /// The process is ending.
    #[error("write-ahead log is closed")]
    Closed,
}

/// Bounds of the log.
#[derive(Clone, Debug)]
pub(crate) struct WalSettings {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) folder: PathBuf,
    /// A file is closed when it is longer than this.
    pub(crate) file_bytes_max: u64,
    /// Batches that may wait for the disk.
    pub(crate) queue_max: usize,
    /// Nothing is taken that would leave less than this on the disk.
    pub(crate) free_bytes_min: u64,
}

/// What a batch holds until it is durable or given up.
pub(crate) type Claims = (Option<Claim>, Vec<StepClaim>);

/// A batch on its way to disk.
#[derive(Debug)]
pub(crate) struct Append {
    payload: Vec<u8>,
    payload_checksum: u32,
    pub(crate) batch: StoredBatch,
    /// Held until the batch is durable, so that a repeated request can't overtake it.
    claims: Claims,
    done: oneshot::Sender<Result<(), WalError>>,
}

impl Append {
    fn frame_bytes(&self) -> usize {
        frame::HEADER_BYTES + self.payload.len()
    }
}

enum Command {
    Append(Box<Append>),
    /// Remove files whose last frame is at or before this sequence.
    Prune(u64),
    /// See whether a disk that failed works again.
    Probe,
}

/// Takes a durable batch into the state of the store; called in order of sequence.
pub(crate) type OnDurable = Box<dyn Fn(u64, StoredBatch) + Send>;

/// The handle of the log.
#[derive(Debug)]
pub(crate) struct Wal {
    commands: parking_lot::Mutex<Option<mpsc::Sender<Command>>>,
    failed: Arc<AtomicBool>,
    thread: parking_lot::Mutex<Option<JoinHandle<()>>>,
}

impl Wal {
    /// Goes on behind the replayed files; the first append begins a new one.
    pub(crate) fn start(
        settings: WalSettings,
        replayed: Vec<ReplayedFile>,
        sequence_next: u64,
        on_durable: OnDurable,
    ) -> Result<Self, DiskError> {
        let (commands, received) = mpsc::channel(settings.queue_max);
        let failed = Arc::new(AtomicBool::new(false));
        // A file without one whole frame has the name that the next file gets: it must be out of the way, and
        // must not be taken for a closed file later.
        let (used, unused): (Vec<_>, Vec<_>) = replayed
            .into_iter()
            .partition(|file| file.sequence_last.is_some());
        for file in unused {
            point::reach(settings.disk.as_ref(), Point::WalDiscard)
                .map_err(|source| DiskError::new("discard", &file.path, source))?;
            ClosedFile::from(file).discard(settings.disk.as_ref())?;
        }
        let writer = Writer {
            settings,
            current: None,
            sequence_next,
            closed: used.into_iter().map(ClosedFile::from).collect(),
            failed: Arc::clone(&failed),
            on_durable,
        };
        let thread = thread::Builder::new()
            .name("wal".to_owned())
            .spawn(move || writer.run(received))
            .map_err(|source| DiskError::new("start thread for", Path::new("wal"), source))?;
        Ok(Self {
            commands: parking_lot::Mutex::new(Some(commands)),
            failed,
            thread: parking_lot::Mutex::new(Some(thread)),
        })
    }

    /// Returns when the batch is durable and applied.
    pub(crate) async fn append(
        &self,
        batch: StoredBatch,
        payload: Vec<u8>,
        claims: Claims,
    ) -> Result<(), WalError> {
        let (done, wait) = oneshot::channel();
        let payload_checksum = frame::payload_checksum(&payload);
        let append = Append {
            payload,
            payload_checksum,
            batch,
            claims,
            done,
        };
        self.send(Command::Append(Box::new(append))).await?;
        wait.await.map_err(|_dropped| WalError::Closed)?
    }

    /// Removes files that hold nothing above `sequence`.
    pub(crate) async fn prune(&self, sequence: u64) -> Result<(), WalError> {
        self.send(Command::Prune(sequence)).await
    }

    /// Whether the last append or probe failed.
    pub(crate) fn is_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Sees whether a disk that failed works again; without it only the next batch would.
    pub(crate) async fn probe(&self) -> Result<(), WalError> {
        self.send(Command::Probe).await
    }

    /// Lets the thread end after what it was given; blocks.
    pub(crate) fn close(&self) {
        drop(self.commands.lock().take());
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("write-ahead log thread ended badly");
        }
    }

    async fn send(&self, command: Command) -> Result<(), WalError> {
        let commands = self.commands.lock().clone().ok_or(WalError::Closed)?;
        commands
            .send(command)
            .await
            .map_err(|_closed| WalError::Closed)
    }
}

#[derive(Debug)]
struct CurrentFile {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    bytes: u64,
}

impl CurrentFile {
    fn create(disk: &dyn Disk, folder: &Path, sequence: u64) -> io::Result<Self> {
        let path = folder.join(format!("{sequence:020}.wal"));
        point::reach(disk, Point::WalCreate)?;
        let mut file = disk.create(&path)?;
        let prepared = file.write_all(&MAGIC).and_then(|()| {
            file.sync()?;
            point::reach(disk, Point::WalCreated)?;
            disk.sync_folder(folder)
        });
        if let Err(error) = prepared {
            // Left there it would hold the name that the next try needs.
            if let Err(left) = disk.remove(&path) {
                tracing::debug!(path = %path.display(), error = %left, "remove unfinished write-ahead log file");
            }
            return Err(error);
        }
        Ok(Self {
            file,
            path,
            bytes: MAGIC.len() as u64,
        })
    }
}

impl CurrentFile {
    /// Writes frames and makes them durable; after an error nothing is known of them.
    fn append(&mut self, disk: &dyn Disk, sequence_first: u64, group: &[Append]) -> io::Result<()> {
        point::reach(disk, Point::WalWrite)?;
        let mut bytes = 0;
        for (sequence, append) in (sequence_first..).zip(group) {
            let payload_bytes = u32::try_from(append.payload.len())
                .map_err(|_too_long| io::ErrorKind::FileTooLarge)?;
            let header = Header {
                payload_bytes,
                checksum: frame::frame_checksum(append.payload_checksum, sequence),
                sequence,
            };
            self.file.write_all(&header.to_bytes())?;
            self.file.write_all(&append.payload)?;
            bytes += append.frame_bytes() as u64;
        }
        point::reach(disk, Point::WalWritten)?;
        self.file.sync()?;
        point::reach(disk, Point::WalSynced)?;
        self.bytes += bytes;
        Ok(())
    }
}

#[derive(Debug)]
struct ClosedFile {
    path: PathBuf,
    sequence_last: u64,
    keep_aside: bool,
}

impl From<ReplayedFile> for ClosedFile {
    fn from(file: ReplayedFile) -> Self {
        Self {
            sequence_last: file.sequence_last.unwrap_or(0),
            keep_aside: file.torn_bytes > MAGIC.len() || file.damaged_bytes > 0,
            path: file.path,
        }
    }
}

impl ClosedFile {
    /// Removes it, or puts it aside if it holds bytes that nobody could read.
    fn discard(&self, disk: &dyn Disk) -> Result<(), DiskError> {
        let discarded = if self.keep_aside {
            disk.rename(&self.path, &self.path.with_extension("torn"))
        } else {
            disk.remove(&self.path)
        };
        discarded.map_err(|source| DiskError::new("discard", &self.path, source))
    }
}

struct Writer {
    settings: WalSettings,
    /// None before the first append, and after a failure.
    current: Option<CurrentFile>,
    sequence_next: u64,
    closed: Vec<ClosedFile>,
    failed: Arc<AtomicBool>,
    on_durable: OnDurable,
}

/// Most payload bytes that share one sync.
const GROUP_BYTES_MAX: usize = 64 << 20;

impl Writer {
    fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        while let Some(first) = commands.blocking_recv() {
            let mut group = Vec::new();
            let mut group_bytes = 0;
            let mut next = Some(first);
            while let Some(command) = next {
                match command {
                    Command::Append(append) => {
                        group_bytes += append.payload.len();
                        group.push(*append);
                    }
                    Command::Prune(sequence) => self.prune(sequence),
                    Command::Probe => self.probe(),
                }
                next = if group_bytes < GROUP_BYTES_MAX {
                    commands.try_recv().ok()
                } else {
                    None
                };
            }
            self.commit(group);
        }
    }

    fn commit(&mut self, group: Vec<Append>) {
        if group.is_empty() {
            return;
        }
        let sequence_first = self.sequence_next;
        // Sequences of frames that failed are not given out again: such a frame may be on disk all the same.
        self.sequence_next += group.len() as u64;
        if let Err(error) = self.write(sequence_first, &group) {
            let refusal = self.refuse(&error);
            for append in group {
                answer(append.done, Err(refusal));
            }
            return;
        }
        self.recovered();
        metrics::counter!("bartizan_wal_syncs_total").increment(1);
        for (sequence, append) in (sequence_first..).zip(group) {
            (self.on_durable)(sequence, append.batch);
            drop(append.claims);
            if point::reach(self.settings.disk.as_ref(), Point::WalAcknowledge).is_ok() {
                answer(append.done, Ok(()));
            }
        }
        self.rotate();
    }

    /// Makes a group durable in the present file or, if there is none, in a new one.
    fn write(&mut self, sequence_first: u64, group: &[Append]) -> io::Result<()> {
        let bytes: usize = group.iter().map(Append::frame_bytes).sum();
        self.check_space(bytes as u64)?;
        let disk = Arc::clone(&self.settings.disk);
        let mut current = match self.current.take() {
            Some(current) => current,
            None => CurrentFile::create(disk.as_ref(), &self.settings.folder, sequence_first)?,
        };
        match current.append(disk.as_ref(), sequence_first, group) {
            Ok(()) => {
                self.current = Some(current);
                Ok(())
            }
            Err(error) => {
                self.seal(current, sequence_first);
                Err(error)
            }
        }
    }

    fn check_space(&self, bytes: u64) -> io::Result<()> {
        let settings = &self.settings;
        let free_bytes = settings.disk.free_bytes(&settings.folder)?;
        if free_bytes < settings.free_bytes_min.saturating_add(bytes) {
            let kept = settings.free_bytes_min;
            let text = format!("{free_bytes} bytes are free, {kept} are kept free");
            return Err(io::Error::new(io::ErrorKind::StorageFull, text));
        }
        Ok(())
    }

    /// Closes a file that failed, without what nobody was told is durable.
    fn seal(&mut self, mut failed: CurrentFile, sequence_first: u64) {
        let closed = ClosedFile {
            path: failed.path,
            sequence_last: sequence_first - 1,
            keep_aside: false,
        };
        // Not synced, because a sync of this file proves nothing any more. A frame that outlives the cut is of a
        // batch that was refused, which may be stored or not.
        if let Err(error) = failed.file.cut(failed.bytes) {
            tracing::warn!(path = %closed.path.display(), %error, "cut failed write-ahead log file");
        }
        drop(failed.file);
        let disk = self.settings.disk.as_ref();
        if failed.bytes > MAGIC.len() as u64 || closed.discard(disk).is_err() {
            self.closed.push(closed);
        }
    }

    fn refuse(&self, error: &io::Error) -> WalError {
        if !self.failed.swap(true, Ordering::AcqRel) {
            metrics::counter!("bartizan_wal_failures_total").increment(1);
            tracing::error!(%error, "write-ahead log failed: nothing is acknowledged until it can be written again");
        }
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => WalError::Full,
            _ => WalError::Failed,
        }
    }

    fn recovered(&self) {
        if self.failed.swap(false, Ordering::AcqRel) {
            tracing::info!("write-ahead log can be written again");
        }
    }

    /// Does what an append would, without one.
    fn probe(&mut self) {
        let mut probed = self.check_space(0);
        if probed.is_ok() && self.current.is_none() {
            let settings = &self.settings;
            let next = self.sequence_next;
            let created = CurrentFile::create(settings.disk.as_ref(), &settings.folder, next);
            probed = created.map(|current| self.current = Some(current));
        }
        match probed {
            Ok(()) => self.recovered(),
            Err(error) => {
                self.refuse(&error);
            }
        }
    }

    /// Goes over to the next file when the present one is long enough.
    fn rotate(&mut self) {
        let disk = Arc::clone(&self.settings.disk);
        let bytes_max = self.settings.file_bytes_max;
        let Some(full) = self.current.take_if(|current| current.bytes > bytes_max) else {
            return;
        };
        let next = point::reach(disk.as_ref(), Point::WalRotate).and_then(|()| {
            CurrentFile::create(disk.as_ref(), &self.settings.folder, self.sequence_next)
        });
        match next {
            Ok(next) => {
                self.current = Some(next);
                self.closed.push(ClosedFile {
                    path: full.path,
                    sequence_last: self.sequence_next - 1,
                    keep_aside: false,
                });
            }
            // The present file still works, so it grows past its size until a later try succeeds.
            Err(error) => {
                tracing::warn!(%error, "begin next write-ahead log file");
                self.current = Some(full);
            }
        }
    }

    fn prune(&mut self, sequence: u64) {
        let (done, kept): (Vec<_>, Vec<_>) = self
            .closed
            .drain(..)
            .partition(|file| file.sequence_last <= sequence);
        self.closed = kept;
        let disk = self.settings.disk.as_ref();
        for file in done {
            let passed = point::reach(disk, Point::WalPrune)
                .map_err(|source| DiskError::new("discard", &file.path, source));
            if let Err(error) = passed.and_then(|()| file.discard(disk)) {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "discard published write-ahead log file"
                );
            }
        }
    }
}

fn answer(done: oneshot::Sender<Result<(), WalError>>, outcome: Result<(), WalError>) {
    // The sender of the request may have gone away; its batch is durable all the same.
    if done.send(outcome).is_err() {
        tracing::debug!("sender left before its batch was answered");
    }
}
