//! Sources as readers see them: where each stands, and the right to move it.

use std::collections::BTreeMap;

use crate::position::{Source, Standing, Step, StepOutcome};
use crate::store::{Store, StoreError};
use crate::workspace::Workspace;

impl Store {
    /// Claims a step of a source for a batch, if the source stands where the step begins.
    pub async fn claim_step(
        &self,
        workspace: &Workspace,
        step: Step,
    ) -> Result<StepOutcome, StoreError> {
        let Some(claim) = self.moving.claim(workspace, step) else {
            return Ok(StepOutcome::InProgress);
        };
        // Under the claim nobody else moves it, so it stands still while it is looked up.
        let standing = self.standing(workspace, &claim.step().source).await?;
        let position = standing.as_ref().map(|standing| &standing.position);
        if position == claim.step().from.as_ref() {
            return Ok(StepOutcome::Claimed(claim));
        }
        Ok(StepOutcome::Elsewhere(standing))
    }

    /// Where a source stands; `None` if nothing was read from it.
    pub async fn standing(
        &self,
        workspace: &Workspace,
        source: &Source,
    ) -> Result<Option<Standing>, StoreError> {
        // What is no longer unpublished is in the catalog, so it is asked second.
        let unpublished = self.state.lock().positions.get(workspace, source).cloned();
        match unpublished {
            Some(standing) => Ok(Some(standing)),
            None => Ok(self.catalog.standing(workspace, source).await?),
        }
    }

    /// The first `count` sources behind `after`, by name.
    pub async fn standings(
        &self,
        workspace: &Workspace,
        after: Option<&Source>,
        count: usize,
    ) -> Result<Vec<(Source, Standing)>, StoreError> {
        let unpublished = self.state.lock().positions.page(workspace, after, count);
        let published = self.catalog.standings(workspace, after, count).await?;
        let mut page: BTreeMap<_, _> = published.into_iter().collect();
        page.extend(unpublished);
        Ok(page.into_iter().take(count).collect())
    }
}
