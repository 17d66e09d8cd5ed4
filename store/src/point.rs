//! Named moments of the store's work, at which a test stops, fails or slows it.
//!
//! A point stands where an order of two effects matters: between what must be on disk first and what may follow.
//! Tests go through `Point::ALL`, so a point that no test reaches fails one. Outside of the tests passing a
//! point is nothing, and a program that is shipped has no way to act on one.

use std::io;

use crate::disk::Disk;

macro_rules! points {
    ($($(#[$text:meta])* $point:ident,)+) => {
        /// A named moment.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Point {
            $($(#[$text])* $point,)+
        }

        #[cfg(test)]
        impl Point {
            pub(crate) const ALL: &[Self] = &[$(Self::$point,)+];

            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$point => stringify!($point),)+
                }
            }
        }
    };
}

points! {
    /// A log file is about to be created.
    WalCreate,
    /// A log file is there and synced, its name is not.
    WalCreated,
    /// Frames are about to be written.
    WalWrite,
    /// Frames are written and not synced.
    WalWritten,
    /// Frames are durable and not yet seen.
    WalSynced,
    /// Rows are seen and their sender does not know.
    WalAcknowledge,
    /// The log is about to go over to the next file.
    WalRotate,
    /// A log file whose rows are published is about to go.
    WalPrune,
    /// A log file is about to be replayed.
    WalReplay,
    /// A log file without a whole frame is about to go.
    WalDiscard,
    /// A segment is about to be created.
    SegmentCreate,
    /// A segment is written and not synced.
    SegmentWritten,
    /// A file is synced and has its temporary name.
    FileSynced,
    /// A file has its name, which is not synced.
    FileRenamed,
    /// Segments are durable and the catalog does not know them.
    PublishPrepare,
    /// The catalog's transaction is written and not committed.
    PublishCommit,
    /// The catalog has them and queries still see the rows they were made of.
    PublishCommitted,
    /// Queries see the segments, and the log still has their rows.
    PublishPrune,
    /// The catalog has come further than the folder knows.
    MarkWrite,
    /// Compacted files are durable and the catalog does not know them.
    CompactionWritten,
    /// The transaction that puts files in the place of others, or of none, is written and not committed.
    ReplaceCommit,
    /// The catalog has replaced them and queries still see the old ones.
    ReplaceCommitted,
    /// A file that went out of the lake is about to go from the disk.
    ExpiredRemove,
    /// Files are gone, and the catalog still knows that they have to.
    ExpiredForget,
    /// A file that no snapshot names is about to go.
    OrphanRemove,
}

/// Passes a point.
#[cfg_attr(
    not(test),
    expect(clippy::unnecessary_wraps, reason = "in tests a point can fail")
)]
#[inline]
pub(crate) fn reach(disk: &dyn Disk, point: Point) -> io::Result<()> {
    #[cfg(test)]
    return disk.reach(point.name());
    #[cfg(not(test))]
    {
        let _ = (disk, point);
        Ok(())
    }
}
