//! How far the events of each table reach: what the windows of rules go by.

use std::collections::BTreeMap;

use crate::schema::Table;
use crate::time::Timestamp;
use crate::workspace::Workspace;

/// How far one table's events reach, over everything accepted so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Earliest event time.
    pub event_time_min: Timestamp,
    /// Latest event time.
    pub event_time_max: Timestamp,
    /// When a row last came in.
    pub received_last: Timestamp,
}

impl Progress {
    fn merge(&mut self, other: Self) {
        self.event_time_min = self.event_time_min.min(other.event_time_min);
        self.event_time_max = self.event_time_max.max(other.event_time_max);
        self.received_last = self.received_last.max(other.received_last);
    }
}

/// Progress by table.
pub(crate) type ProgressByTable = BTreeMap<(Workspace, Table), Progress>;

/// Notes that rows came in.
pub(crate) fn note(
    all: &mut ProgressByTable,
    workspace: &Workspace,
    table: Table,
    progress: Progress,
) {
    all.entry((workspace.clone(), table))
        .and_modify(|known| known.merge(progress))
        .or_insert(progress);
}
