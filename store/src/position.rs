//! How far a source was read, kept with what was read from it: nothing is taken twice and nothing is left out.
//!
//! A source is what can be read again from a place: a file, a partition of an event hub, a blob. Its position moves
//! in the frame of the batch that was read there and in the publication of that batch's rows, so that a crash leaves
//! both or neither. Only one batch at a time may move a source, and only from where it stands.

use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;
use crate::workspace::Workspace;

/// Name of a source: visible ASCII characters, so that every protocol carries it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Source(String);

impl Source {
    /// Longest name, in bytes.
    pub const LENGTH_MAX: usize = 512;

    /// A checked name; `None` if it is not one.
    pub fn new(name: &str) -> Option<Self> {
        is_visible(name, Self::LENGTH_MAX).then(|| Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A place in a source. What it means is the reader's affair: here positions are only compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position(String);

impl Position {
    /// Longest position, in bytes.
    pub const LENGTH_MAX: usize = 256;

    /// A checked position: visible ASCII characters; `None` if it is not one.
    pub fn new(text: &str) -> Option<Self> {
        is_visible(text, Self::LENGTH_MAX).then(|| Self(text.to_owned()))
    }

    /// The text that the reader made.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_visible(text: &str, length_max: usize) -> bool {
    !text.is_empty() && text.len() <= length_max && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Where a source stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How far it was read.
    pub position: Position,
    /// Where it was last found, in words, such as a file's path.
    pub origin: Option<String>,
    /// When its position last moved.
    pub updated: Timestamp,
}

/// A wish to move a source along with a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which source.
    pub source: Source,
    /// Where the batch begins; `None` if nothing was read before.
    pub from: Option<Position>,
    /// Where it ends.
    pub to: Position,
    /// Where the source is found, in words.
    pub origin: Option<String>,
}

/// What became of a wish to move a source.
#[derive(Debug)]
pub enum StepOutcome {
    /// It stands where the step begins: go on, and hand the claim over with the batch.
    Claimed(StepClaim),
    /// It stands elsewhere.
    Elsewhere(Option<Standing>),
    /// Another batch is moving it now.
    InProgress,
}

type Name = (Workspace, Source);

/// The exclusive right to move a source; given back when dropped.
#[derive(Debug)]
pub struct StepClaim {
    workspace: Workspace,
    step: Step,
    moving: Arc<Mutex<HashSet<Name>>>,
}

impl StepClaim {
    pub(crate) fn step(&self) -> &Step {
        &self.step
    }
}

impl Drop for StepClaim {
    fn drop(&mut self) {
        let name = (self.workspace.clone(), self.step.source.clone());
        self.moving.lock().remove(&name);
    }
}

/// The sources that a batch is moving now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Moving(Arc<Mutex<HashSet<Name>>>);

impl Moving {
    /// Takes the right to move a source; `None` if somebody has it. Where the source stands is not looked at.
    pub(crate) fn claim(&self, workspace: &Workspace, step: Step) -> Option<StepClaim> {
        let name = (workspace.clone(), step.source.clone());
        self.0.lock().insert(name).then(|| StepClaim {
            workspace: workspace.clone(),
            step,
            moving: Arc::clone(&self.0),
        })
    }
}

/// The standings that the catalog doesn't hold yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Positions(BTreeMap<Name, Standing>);

impl Positions {
    pub(crate) fn get(&self, workspace: &Workspace, source: &Source) -> Option<&Standing> {
        self.0.get(&(workspace.clone(), source.clone()))
    }

    /// Whether these steps can be taken, as far as is known here.
    pub(crate) fn allow(&self, workspace: &Workspace, steps: &[Step]) -> bool {
        steps.iter().all(|step| {
            let standing = self.get(workspace, &step.source);
            standing.is_none_or(|standing| Some(&standing.position) == step.from.as_ref())
        })
    }

    pub(crate) fn take(&mut self, workspace: &Workspace, steps: Vec<Step>, updated: Timestamp) {
        for step in steps {
            let standing = Standing {
                position: step.to,
                origin: step.origin,
                updated,
            };
            self.0.insert((workspace.clone(), step.source), standing);
        }
    }

    /// The first `count` of a workspace behind `after`, by name.
    pub(crate) fn page(
        &self,
        workspace: &Workspace,
        after: Option<&Source>,
        count: usize,
    ) -> Vec<(Source, Standing)> {
        let start = after.map_or_else(
            || Bound::Included((workspace.clone(), Source(String::new()))),
            |after| Bound::Excluded((workspace.clone(), after.clone())),
        );
        self.0
            .range((start, Bound::Unbounded))
            .take_while(|((owner, _), _)| owner == workspace)
            .take(count)
            .map(|((_, source), standing)| (source.clone(), standing.clone()))
            .collect()
    }

    /// What is to be written to the catalog.
    pub(crate) fn all(&self) -> Vec<(Workspace, Source, Standing)> {
        let entries = self.0.iter();
        entries
            .map(|((workspace, source), standing)| {
                (workspace.clone(), source.clone(), standing.clone())
            })
            .collect()
    }

    /// Forgets what the catalog now holds, unless it has moved on.
    pub(crate) fn published(&mut self, entries: &[(Workspace, Source, Standing)]) {
        for (workspace, source, standing) in entries {
            if self.get(workspace, source) == Some(standing) {
                self.0.remove(&(workspace.clone(), source.clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests;
