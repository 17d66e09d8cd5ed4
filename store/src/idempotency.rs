//! A request that is sent again gets its first answer again, also after a restart.
//!
//! A key is claimed before its batch is written and stays claimed until the batch is durable or given up. Keys
//! of batches that no segment holds yet live here, all others in the catalog.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::batch::{Receipt, StoredKey};
use crate::time::Timestamp;
use crate::workspace::Workspace;

type Name = (Workspace, String);

/// What became of a wish to use a key.
#[derive(Debug)]
pub enum ClaimOutcome {
    /// Nobody used it: go on, and hand the claim over with the batch.
    Claimed(Claim),
    /// The same request was answered before, with this.
    Repeated(Receipt),
    /// The key was used for another body.
    OtherBody,
    /// The same key is being worked on now.
    InProgress,
}

/// An answer that was given.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) digest: [u8; 32],
    pub(crate) receipt: Receipt,
    pub(crate) created: Timestamp,
}

impl Answered {
    pub(crate) fn outcome_for(self, digest: &[u8; 32]) -> ClaimOutcome {
        if &self.digest == digest {
            ClaimOutcome::Repeated(self.receipt)
        } else {
            ClaimOutcome::OtherBody
        }
    }
}

/// The exclusive use of a key; given back when dropped.
#[derive(Debug)]
pub struct Claim {
    name: Name,
    digest: [u8; 32],
    keys: Arc<Mutex<Keys>>,
}

impl Claim {
    pub(crate) fn stored(&self) -> StoredKey {
        StoredKey {
            key: self.name.1.clone(),
            digest: self.digest,
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.keys.lock().in_progress.remove(&self.name);
    }
}

#[derive(Debug, Default)]
struct Keys {
    in_progress: HashSet<Name>,
    unpublished: HashMap<Name, Answered>,
    /// The test of the tests of repetition.
    #[cfg(test)]
    forgets: bool,
}

/// The keys that the catalog doesn't hold yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct IdempotencyKeys(Arc<Mutex<Keys>>);

impl IdempotencyKeys {
    #[cfg(test)]
    pub(crate) fn forgetting(self, forgets: bool) -> Self {
        self.0.lock().forgets = forgets;
        self
    }

    /// Claims a key as far as this process knows; a claimed key may still stand in the catalog.
    pub(crate) fn claim(&self, workspace: &Workspace, key: &str, digest: [u8; 32]) -> ClaimOutcome {
        let name = (workspace.clone(), key.to_owned());
        let mut keys = self.0.lock();
        if let Some(answered) = keys.unpublished.get(&name) {
            return answered.clone().outcome_for(&digest);
        }
        if !keys.in_progress.insert(name.clone()) {
            return ClaimOutcome::InProgress;
        }
        ClaimOutcome::Claimed(Claim {
            name,
            digest,
            keys: Arc::clone(&self.0),
        })
    }

    /// Notes an answer; false if the key already has one, which makes its batch a repetition.
    pub(crate) fn answered(
        &self,
        workspace: &Workspace,
        key: &StoredKey,
        answer: Answered,
    ) -> bool {
        let name = (workspace.clone(), key.key.clone());
        let mut keys = self.0.lock();
        if keys.unpublished.contains_key(&name) {
            return false;
        }
        #[cfg(test)]
        if keys.forgets {
            return true;
        }
        keys.unpublished.insert(name, answer);
        true
    }

    /// What is to be written to the catalog.
    pub(crate) fn unpublished(&self) -> Vec<(Workspace, String, Answered)> {
        let keys = self.0.lock();
        let entries = keys.unpublished.iter();
        let mut all: Vec<_> = entries
            .map(|((workspace, key), a)| (workspace.clone(), key.clone(), a.clone()))
            .collect();
        all.sort_by(|left, right| (&left.0, &left.1).cmp(&(&right.0, &right.1)));
        all
    }

    /// Forgets what the catalog now holds.
    pub(crate) fn published(&self, entries: &[(Workspace, String, Answered)]) {
        let mut keys = self.0.lock();
        for (workspace, key, _) in entries {
            keys.unpublished.remove(&(workspace.clone(), key.clone()));
        }
    }
}
