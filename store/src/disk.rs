//! Files that are there after a power loss: written aside, synced, renamed, and the folder synced.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

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

/// Creates a folder and those above it, durably as far as the last one goes.
pub(crate) fn create_folder(path: &Path) -> Result<(), DiskError> {
    fs::create_dir_all(path).map_err(|source| DiskError::new("create folder", path, source))?;
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .map_or(Ok(()), sync_folder)
}

/// Makes the entries of a folder durable.
pub(crate) fn sync_folder(path: &Path) -> Result<(), DiskError> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| DiskError::new("sync folder", path, source))
}

/// Makes a finished file durable under its final name.
pub(crate) fn finish_file(temporary: &Path, path: &Path) -> Result<(), DiskError> {
    File::open(temporary)
        .and_then(|file| file.sync_all())
        .map_err(|source| DiskError::new("sync", temporary, source))?;
    fs::rename(temporary, path).map_err(|source| DiskError::new("rename to", path, source))?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// The files of a folder, sorted by name.
pub(crate) fn list(path: &Path) -> Result<Vec<PathBuf>, DiskError> {
    let failed = |source| DiskError::new("list", path, source);
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        files.push(entry.map_err(failed)?.path());
    }
    files.sort();
    Ok(files)
}

/// Holds a data folder for this process as long as it lives; the system releases it even after kill -9.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Takes the folder, or says that another process has it.
    pub(crate) fn take(folder: &Path) -> Result<Self, DiskError> {
        let path = folder.join("lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|source| DiskError::new("open", &path, source))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => {
                let taken = io::Error::other("another process works in this data folder");
                Err(DiskError::new("lock", &path, taken))
            }
            Err(TryLockError::Error(source)) => Err(DiskError::new("lock", &path, source)),
        }
    }
}
