//! The write-ahead log: a batch is acknowledged when its frame is on disk.
//!
//! One thread appends frames to one file and syncs once for all that wait (group commit). A file that reached
//! its size is closed and the next one begun; a file whose frames are all in published segments is removed. An
//! fsync error is final: the page cache lies after it, so the log refuses everything until the process starts
//! anew and replays what really is on disk.

mod frame;
mod reader;
mod writer;

pub use reader::ReplayError;
pub(crate) use reader::{ReplayedFile, replay_file, wal_files};
pub use writer::WalError;
pub(crate) use writer::{Wal, WalSettings};

#[cfg(test)]
mod tests;
