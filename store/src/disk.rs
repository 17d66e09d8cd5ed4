//! The seam between the store and its files.
//!
//! Everything that must survive a power loss goes through a [`Disk`]: the log, segments, folders, their renames and
//! removals. So a test can give the store a disk that fails, fills up, or forgets what was not synced. Two things
//! stand beside the seam: the catalog, because SQLite brings its own (a commit is synced by `synchronous = full`), and
//! queries, which read published segments from the real folder and never write.
//!
//! The trait is what a file system gives and nothing more. What makes a file durable (written aside, synced,
//! renamed, the folder synced) are the functions below it.

mod real;
#[cfg(test)]
mod simulated;

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::point::{self, Point};
use crate::time::Timestamp;

pub use real::RealDisk;
#[cfg(test)]
pub(crate) use simulated::{Action, Call, Chance, Fault, Lie, SimulatedDisk};

/// A file that is open for reading.
pub(crate) type OpenFile = File;

/// A file system, as much of it as the store uses.
///
/// Nothing is durable before it is synced: a file's bytes by the file's sync, its name (also a new, a changed or a
/// removed one) by the sync of its folder.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Creates a file for writing; it must not be there yet.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file for reading. The file is a real one whatever the disk, because readers of Parquet want that.
    fn open(&self, path: &Path) -> io::Result<File>;

    /// A file's bytes.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// A file's length.
    fn length(&self, path: &Path) -> io::Result<u64>;

    /// When a file was last written.
    fn modified(&self, path: &Path) -> io::Result<Timestamp>;

    /// What is in a folder, in any order.
    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>>;

    /// Creates one folder in another that is there.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;

    /// Makes the entries of a folder durable, not what is in its files.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// Gives a file another name, in place of the file that may have it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Bytes that may still be written.
    fn free_bytes(&self, folder: &Path) -> io::Result<u64>;

    /// Holds a lock on a file until the returned handle is dropped; `None` if another process has it.
    fn lock(&self, path: &Path) -> io::Result<Option<File>>;

    /// Passes a named point of the store's work.
    #[cfg(test)]
    fn reach(&self, _point: &'static str) -> io::Result<()> {
        Ok(())
    }
}

/// A file that is being written, from its start to its end.
///
/// After an error of a sync nothing is known of the bytes since the one before it, and a further sync would lie: the
/// kernel marks pages that it could not write as clean. The only thing left to do is to begin another file.
pub trait DiskFile: Write + fmt::Debug + Send {
    /// Makes what was written durable, and the length with it.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts the file back to its first bytes; what is written next stands behind them.
    fn cut(&mut self, bytes: u64) -> io::Result<()>;
}

/// A file operation that failed, and on what.
#[derive(Debug, Error)]
#[error("{operation} {}", path.display())]
pub struct DiskError {
    operation: &'static str,
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl DiskError {
    pub(crate) fn new(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Self {
            operation,
            path: path.to_owned(),
            source,
        }
    }
}

/// Creates a folder and those above it that are missing, durably.
pub(crate) fn create_folder(disk: &dyn Disk, path: &Path) -> Result<(), DiskError> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let mut created = disk.create_folder(path);
    if let (Err(error), Some(parent)) = (&created, parent)
        && error.kind() == io::ErrorKind::NotFound
    {
        create_folder(disk, parent)?;
        created = disk.create_folder(path);
    }
    match created {
        // A crash may have come between its creation and the sync of its entry.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        created => created.map_err(|source| DiskError::new("create folder", path, source))?,
    }
    parent.map_or(Ok(()), |parent| sync_folder(disk, parent))
}

/// Makes the entries of a folder durable.
pub(crate) fn sync_folder(disk: &dyn Disk, path: &Path) -> Result<(), DiskError> {
    disk.sync_folder(path)
        .map_err(|source| DiskError::new("sync folder", path, source))
}

/// Makes a finished file durable under its final name; returns its length.
pub(crate) fn finish_file(
    disk: &dyn Disk,
    mut file: Box<dyn DiskFile>,
    temporary: &Path,
    path: &Path,
) -> Result<u64, DiskError> {
    file.sync()
        .and_then(|()| point::reach(disk, Point::FileSynced))
        .map_err(|source| DiskError::new("sync", temporary, source))?;
    drop(file);
    disk.rename(temporary, path)
        .and_then(|()| point::reach(disk, Point::FileRenamed))
        .map_err(|source| DiskError::new("rename to", path, source))?;
    path.parent()
        .map_or(Ok(()), |parent| sync_folder(disk, parent))?;
    disk.length(path)
        .map_err(|source| DiskError::new("measure", path, source))
}

/// Puts a small file in the place of one of the same name, durably and at once.
pub(crate) fn replace_file(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    // A crash may have left it.
    if let Err(source) = disk.remove(&temporary)
        && source.kind() != io::ErrorKind::NotFound
    {
        return Err(DiskError::new("remove", &temporary, source));
    }
    let mut file = disk
        .create(&temporary)
        .map_err(|source| DiskError::new("create", &temporary, source))?;
    file.write_all(bytes)
        .map_err(|source| DiskError::new("write", &temporary, source))?;
    finish_file(disk, file, &temporary, path)?;
    Ok(())
}

/// Removes a file that was not finished, so that trying again and again does not fill the disk.
#[derive(Debug)]
pub(crate) struct Unfinished<'d> {
    disk: &'d dyn Disk,
    names: [&'d Path; 2],
    is_finished: bool,
}

impl<'d> Unfinished<'d> {
    /// A file under its temporary and its final name.
    pub(crate) fn new(disk: &'d dyn Disk, temporary: &'d Path, path: &'d Path) -> Self {
        Self {
            disk,
            names: [temporary, path],
            is_finished: false,
        }
    }

    pub(crate) fn finished(mut self) {
        self.is_finished = true;
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if !self.is_finished {
            for path in self.names {
                give_up(self.disk, path);
            }
        }
    }
}

/// Removes a file that nobody names; one that stays is an orphan, removed in time.
pub(crate) fn give_up(disk: &dyn Disk, path: &Path) {
    if let Err(error) = disk.remove(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::debug!(path = %path.display(), %error, "remove file that was not finished");
    }
}

/// The files of a folder, sorted by name; a folder that is not there has none.
pub(crate) fn list(disk: &dyn Disk, path: &Path) -> Result<Vec<PathBuf>, DiskError> {
    let mut files = match disk.list(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        listed => listed.map_err(|source| DiskError::new("list", path, source))?,
    };
    files.sort();
    Ok(files)
}

/// Holds a data folder for this process as long as it lives; the system releases it even after kill -9.
#[derive(Debug)]
pub(crate) struct FolderLock {
    file: File,
}

impl Drop for FolderLock {
    /// A process that this one starts holds the file too until it runs its own program, and with it the lock.
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::warn!(%error, "release the data folder");
        }
    }
}

impl FolderLock {
    /// Takes the folder, or says that another process has it.
    pub(crate) fn take(disk: &dyn Disk, folder: &Path) -> Result<Self, DiskError> {
        let path = folder.join("lock");
        match disk.lock(&path) {
            Ok(Some(file)) => Ok(Self { file }),
            Ok(None) => {
                let taken = io::Error::other("another process works in this data folder");
                Err(DiskError::new("lock", &path, taken))
            }
            Err(source) => Err(DiskError::new("lock", &path, source)),
        }
    }
}
