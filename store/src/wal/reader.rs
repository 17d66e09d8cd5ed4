//! Reads WAL files back after a restart.
//!
//! After a crash a file may end in a frame that is not whole; behind it nothing was acknowledged. If the disk rotted,
//! a frame in the middle is damaged: those behind it are taken all the same if its length is whole. Sequences rise from
//! the one in the file's name on, so a whole frame that a disk put in another's place is told by its own and is damage
//! too. Bytes that nobody could read are reported, and their file is kept aside instead of removed once its rows are
//! published.
#![deny(clippy::indexing_slicing)]

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::frame::{self, HEADER_BYTES, Header, MAGIC, PAYLOAD_BYTES_MAX};
use crate::batch::{BatchError, StoredBatch};
use crate::disk::{self, Disk, DiskError};
use crate::point::{self, Point};

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
    /// Bytes before it that are no whole frame.
    pub(crate) damaged_bytes: usize,
}

/// The log's files, oldest first. What has another name is left alone.
pub(crate) fn wal_files(disk: &dyn Disk, folder: &Path) -> Result<Vec<PathBuf>, DiskError> {
    let mut files = disk::list(disk, folder)?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "wal"));
    let (files, others): (Vec<_>, Vec<_>) = files.into_iter().partition(|path| is_ours(path));
    for path in others {
        tracing::warn!(path = %path.display(), "no file of the write-ahead log has such a name: it is not read");
    }
    Ok(files)
}

/// Hands every batch of a file with a sequence above `after` to `apply`, in order.
pub(crate) fn replay_file(
    disk: &dyn Disk,
    path: &Path,
    after: u64,
    apply: &mut dyn FnMut(u64, StoredBatch),
) -> Result<ReplayedFile, ReplayError> {
    point::reach(disk, Point::WalReplay).map_err(|source| DiskError::new("read", path, source))?;
    let bytes = disk
        .read(path)
        .map_err(|source| DiskError::new("read", path, source))?;
    let mut replayed = ReplayedFile {
        path: path.to_owned(),
        sequence_last: None,
        torn_bytes: bytes.len(),
        damaged_bytes: 0,
    };
    // A crash between creation and the first sync leaves the magic unfinished.
    if bytes.len() < MAGIC.len() || bytes.iter().all(|byte| *byte == 0) {
        return Ok(replayed);
    }
    let Some((magic, mut rest)) = bytes.split_first_chunk() else {
        return Ok(replayed);
    };
    if *magic != MAGIC {
        // Of a later version, or rotten in the byte that tells it: both are for a person to decide.
        let other_version =
            magic.split_last().map(|(_, name)| name) == MAGIC.split_last().map(|(_, name)| name);
        if other_version || split_frame(rest).is_none() {
            return Err(ReplayError::Foreign(path.to_owned()));
        }
        replayed.damaged_bytes += MAGIC.len();
    }
    let mut sequence_min = sequence_first(path);
    loop {
        if let Some((sequence, payload, behind)) = split_frame(rest) {
            if sequence < sequence_min {
                replayed.damaged_bytes += HEADER_BYTES + payload.len();
                rest = behind;
                continue;
            }
            if sequence > after {
                let batch = StoredBatch::decode(payload).map_err(|source| ReplayError::Batch {
                    path: path.to_owned(),
                    sequence,
                    source,
                })?;
                apply(sequence, batch);
            }
            replayed.sequence_last = Some(sequence);
            sequence_min = sequence.saturating_add(1);
            rest = behind;
            continue;
        }
        let Some((damaged, behind)) = skip_damaged(rest, replayed.sequence_last) else {
            break;
        };
        replayed.damaged_bytes += damaged;
        rest = behind;
    }
    replayed.torn_bytes = rest.len();
    Ok(replayed)
}

/// Whether a file has the name that the log gives its files: a sequence of twenty digits.
fn is_ours(path: &Path) -> bool {
    let name = path.file_stem().and_then(|name| name.to_str());
    name.is_some_and(|name| name.len() == 20 && name.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The least sequence that a file may hold, which is its name.
fn sequence_first(path: &Path) -> u64 {
    let name = path.file_stem().and_then(|name| name.to_str());
    name.and_then(|name| name.parse().ok()).unwrap_or(0)
}

/// Passes over a frame whose payload is damaged, if a whole frame stands where its header says that the next one is.
///
/// Nothing is searched for: the bytes of a payload were written by strangers, who can make them look like a frame.
fn skip_damaged(bytes: &[u8], sequence_last: Option<u64>) -> Option<(usize, &[u8])> {
    let (header, rest) = Header::split(bytes)?;
    let length = usize::try_from(header.payload_bytes).ok()?;
    let (_, behind) = rest.split_at_checked(length)?;
    let (sequence, _, _) = split_frame(behind)?;
    sequence_last
        .is_none_or(|last| sequence > last)
        .then_some((HEADER_BYTES + length, behind))
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
