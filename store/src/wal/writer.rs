//! Appends frames, one sync for all that wait.

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
use crate::disk::{self, Disk, DiskError, DiskFile};
use crate::idempotency::Claim;
use crate::position::StepClaim;

/// A batch that did not become durable.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum WalError {
    /// The disk failed before or now; nothing is taken until a restart.
    #[error("write-ahead log is out of service since the disk failed")]
    Failed,
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

enum Command {
    Append(Box<Append>),
    /// Remove files whose last frame is at or before this sequence.
    Prune(u64),
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
    /// Begins a new file behind the replayed ones.
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
            ClosedFile::from(file).discard(settings.disk.as_ref())?;
        }
        let current = CurrentFile::create(settings.disk.as_ref(), &settings.folder, sequence_next)?;
        let writer = Writer {
            settings,
            current,
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

    /// Whether the disk failed.
    pub(crate) fn is_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
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
    fn create(disk: &dyn Disk, folder: &Path, sequence: u64) -> Result<Self, DiskError> {
        let path = folder.join(format!("{sequence:020}.wal"));
        let created = disk.create(&path).and_then(|mut file| {
            file.write_all(&MAGIC)?;
            file.sync()?;
            Ok(file)
        });
        let file = created.map_err(|source| DiskError::new("create", &path, source))?;
        disk::sync_folder(disk, folder)?;
        Ok(Self {
            file,
            path,
            bytes: MAGIC.len() as u64,
        })
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
            keep_aside: file.torn_bytes > MAGIC.len(),
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
    current: CurrentFile,
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
        let written = if self.failed.load(Ordering::Acquire) {
            Err(io::Error::other("an earlier write failed"))
        } else {
            self.write(&group)
        };
        if let Err(error) = written {
            if !self.failed.swap(true, Ordering::AcqRel) {
                tracing::error!(path = %self.current.path.display(), %error, "write-ahead log failed: nothing is acknowledged until a restart");
            }
            for append in group {
                answer(append.done, Err(WalError::Failed));
            }
            return;
        }
        metrics::counter!("bartizan_wal_syncs_total").increment(1);
        for (sequence, append) in (sequence_first..).zip(group) {
            (self.on_durable)(sequence, append.batch);
            drop(append.claims);
            answer(append.done, Ok(()));
        }
        if self.current.bytes > self.settings.file_bytes_max {
            self.rotate();
        }
    }

    fn write(&mut self, group: &[Append]) -> io::Result<()> {
        for append in group {
            let payload_bytes = u32::try_from(append.payload.len())
                .map_err(|_too_long| io::ErrorKind::FileTooLarge)?;
            let header = Header {
                payload_bytes,
                checksum: frame::frame_checksum(append.payload_checksum, self.sequence_next),
                sequence: self.sequence_next,
            };
            self.current.file.write_all(&header.to_bytes())?;
            self.current.file.write_all(&append.payload)?;
            self.sequence_next += 1;
            self.current.bytes += (frame::HEADER_BYTES + append.payload.len()) as u64;
        }
        self.current.file.sync()
    }

    fn rotate(&mut self) {
        match CurrentFile::create(
            self.settings.disk.as_ref(),
            &self.settings.folder,
            self.sequence_next,
        ) {
            Ok(next) => {
                let full = std::mem::replace(&mut self.current, next);
                self.closed.push(ClosedFile {
                    path: full.path,
                    sequence_last: self.sequence_next - 1,
                    keep_aside: false,
                });
            }
            // The present file still works, so it grows past its size until a later try succeeds.
            Err(error) => tracing::warn!(%error, "begin next write-ahead log file"),
        }
    }

    fn prune(&mut self, sequence: u64) {
        let (done, kept): (Vec<_>, Vec<_>) = self
            .closed
            .drain(..)
            .partition(|file| file.sequence_last <= sequence);
        self.closed = kept;
        for file in done {
            if let Err(error) = file.discard(self.settings.disk.as_ref()) {
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
