//! Records that could not be read: how many bytes of them are kept, looking at them, and reading them again.

mod budget;
mod replay;
mod rows;

pub(crate) use budget::{Budget, count};
pub(crate) use replay::{ReplayError, ReplayOutcome, Tools, replay};
pub(crate) use rows::{
    Bytes, Filter, Id, Quarantined, RowsError, SOURCES, list, one, was_replayed,
};
