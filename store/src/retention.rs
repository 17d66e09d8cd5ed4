//! Lets go of rows whose time is over, file by file.
//!
//! What counts is when a row came in, not when its event says that it happened: a wrong clock must neither delete
//! what has just come nor keep a row for ever. A file goes when its youngest row is over its time; since files hold
//! the rows of one day, a row stays at most a day longer than it must.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::Replacement;
use crate::schema::Table;
use crate::segment::Segment;
use crate::store::{Store, StoreError};
use crate::upkeep::Upkeep;
use crate::workspace::Workspace;

/// How long rows are kept after they came in.
#[derive(Clone, Debug, Default)]
pub struct Retention {
    /// Of tables that are not named; for ever if `None`.
    pub usual: Option<Duration>,
    /// Of single tables; for ever if `None`.
    pub tables: BTreeMap<Table, Option<Duration>>,
}

impl Retention {
    /// How long a table's rows are kept; `None` for ever.
    pub fn of(&self, table: Table) -> Option<Duration> {
        self.tables.get(&table).copied().unwrap_or(self.usual)
    }
}

impl Store {
    /// Takes the files out of a table whose rows' time is over; returns how many, and their rows.
    pub(crate) async fn retain(
        &self,
        upkeep: &mut Upkeep,
        workspace: &Workspace,
        table: Table,
    ) -> Result<(u64, u64), StoreError> {
        let Some(kept) = self.settings.retention.of(table) else {
            return Ok((0, 0));
        };
        let oldest = self.clock.now().minus(kept);
        let over: Vec<Arc<Segment>> = self
            .snapshot(workspace, table)
            .segments
            .into_iter()
            .filter(|segment| segment.received_max < oldest)
            .collect();
        if over.is_empty() {
            return Ok((0, 0));
        }
        let rows = over.iter().map(|segment| segment.rows).sum();
        let files = over.len() as u64;
        self.replace(upkeep, Replacement::retention(workspace, table, &over))
            .await?;
        metrics::counter!("bartizan_retention_rows_total", "table" => table.name()).increment(rows);
        Ok((files, rows))
    }
}
