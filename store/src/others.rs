//! Notices what other programs did to the lake.
//!
//! They may only read it. One that writes is not kept out, since the catalog is a database of the user's; so what it did is
//! told, its files are served in the place of those that it replaced, and tables from which it deleted rows, or to which it
//! added some within the catalog, are not compacted: that would bring the deleted rows back.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::schema::Table;
use crate::store::{Store, StoreError};
use crate::upkeep::Upkeep;
use crate::workspace::Workspace;

/// Snapshots that are told one by one.
const TOLD_MAX: usize = 20;

impl Store {
    /// Takes the files that the catalog names now, if another program changed them; gives the tables that must stay as
    /// they are.
    pub(crate) async fn notice_others(
        &self,
        upkeep: &mut Upkeep,
    ) -> Result<BTreeSet<(Workspace, Table)>, StoreError> {
        let newest = self.catalog.reached_by_us().await?.snapshot;
        let others = self.catalog.snapshots_of_others(upkeep.seen).await?;
        let last = others.last().map_or(newest, |other| other.id);
        if !others.is_empty() {
            metrics::counter!("bartizan_lake_foreign_snapshots_total")
                .increment(others.len() as u64);
            for other in others.iter().take(TOLD_MAX) {
                tracing::warn!(
                    snapshot = other.id,
                    changes = other.changes,
                    "another program changed the lake; attach it READ_ONLY"
                );
            }
            self.reload(upkeep).await?;
        }
        upkeep.seen = upkeep.seen.max(last);
        let unheeded = self.catalog.unheeded().await?;
        let told: BTreeSet<String> = unheeded
            .iter()
            .map(|unheeded| format!("{} {unheeded}", unheeded.path.display()))
            .collect();
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        metrics::gauge!("bartizan_lake_unheeded_rows")
            .set(unheeded.iter().map(|unheeded| unheeded.rows).sum::<i64>() as f64);
        for what in told.difference(&upkeep.told).take(TOLD_MAX) {
            tracing::error!("{what}; the table is not compacted while that is so");
        }
        upkeep.told = told;
        let tables = unheeded
            .into_iter()
            .filter_map(|unheeded| Some((unheeded.workspace?, unheeded.table?)));
        Ok(tables.collect())
    }

    async fn reload(&self, upkeep: &mut Upkeep) -> Result<(), StoreError> {
        let mut no_publication_meanwhile = self.publishing.lock().await;
        self.settle(&mut no_publication_meanwhile).await?;
        let segments = self.catalog.segments(&self.lake()?).await?;
        let retired = self.state.lock().rows.reload_segments(segments);
        upkeep.retired.extend(
            retired
                .iter()
                .map(|segment| (segment.id, Arc::downgrade(segment))),
        );
        Ok(())
    }
}
