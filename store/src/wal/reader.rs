//! Reads WAL files back after a restart.
//!
//! A frame that is not whole ends its file: after it nothing was acknowledged, unless the disk rotted. So the
//! bytes behind it are reported, and the file is kept aside instead of removed once its rows are published.
#![deny(clippy::indexing_slicing)]

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::frame::{self, HEADER_BYTES, Header, MAGIC, PAYLOAD_BYTES_MAX};
use crate::batch::{BatchError, StoredBatch};
use crate::disk::{self, Disk, DiskError};

/// A log that can't be replayed.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A file that is no WAL file of a version that we know.
    #[error("read {}: not a write-ahead log of this version", .0.display())]
    Foreign(PathBuf),
    /// A frame is whole but its batch is not understood.
    #[error("read batch {sequence} of {}", path.display())]
    Batch {
        /// The file.
        path: PathBuf,
        /// The frame's sequence.
        sequence: u64,
        /// Why.
        #[source]
        source: BatchError,
    },
}

/// What a file gave.
#[derive(Debug)]
pub(crate) struct ReplayedFile {
    pub(crate) path: PathBuf,
    /// The last whole frame's sequence.
    pub(crate) sequence_last: Option<u64>,
    /// Bytes behind the last whole frame.
    pub(crate) torn_bytes: usize,
}

/// The log's files, oldest first.
pub(crate) fn wal_files(disk: &dyn Disk, folder: &Path) -> Result<Vec<PathBuf>, DiskError> {
    let mut files = disk::list(disk, folder)?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "wal"));
    Ok(files)
}

/// Hands every batch of a file with a sequence above `after` to `apply`, in order.
pub(crate) fn replay_file(
    disk: &dyn Disk,
    path: &Path,
    after: u64,
    apply: &mut dyn FnMut(u64, StoredBatch),
) -> Result<ReplayedFile, ReplayError> {
    let bytes = disk
        .read(path)
        .map_err(|source| DiskError::new("read", path, source))?;
    let mut replayed = ReplayedFile {
        path: path.to_owned(),
        sequence_last: None,
        torn_bytes: bytes.len(),
    };
    let Some(mut rest) = bytes.strip_prefix(&MAGIC) else {
        // A crash between creation and the first sync leaves the magic unfinished.
        if bytes.len() < MAGIC.len() || bytes.iter().all(|byte| *byte == 0) {
            return Ok(replayed);
        }
        return Err(ReplayError::Foreign(path.to_owned()));
    };
    while let Some((sequence, payload, behind)) = split_frame(rest) {
        if sequence > after {
            let batch = StoredBatch::decode(payload).map_err(|source| ReplayError::Batch {
                path: path.to_owned(),
                sequence,
                source,
            })?;
            apply(sequence, batch);
        }
        replayed.sequence_last = Some(sequence);
        rest = behind;
    }
    replayed.torn_bytes = rest.len();
    Ok(replayed)
}

/// The next whole frame and what follows it.
fn split_frame(bytes: &[u8]) -> Option<(u64, &[u8], &[u8])> {
    if bytes.len() < HEADER_BYTES {
        return None;
    }
    let (header, rest) = Header::split(bytes)?;
    let length = usize::try_from(header.payload_bytes)
        .ok()
        .filter(|n| *n <= PAYLOAD_BYTES_MAX)?;
    let (payload, behind) = rest.split_at_checked(length)?;
    let checksum = frame::frame_checksum(frame::payload_checksum(payload), header.sequence);
    (checksum == header.checksum).then_some((header.sequence, payload, behind))
}
