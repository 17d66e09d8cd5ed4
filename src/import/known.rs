//! What one run knows of sources: where they stood last, so that the service is asked once, and a file of each.
//!
//! The service has the last word: a part that does not begin where its source stands is refused, and then what is
//! known here is forgotten.

use std::collections::HashMap;
use std::path::PathBuf;

/// Sources that are remembered; with more all are forgotten and asked for anew.
const SOURCES_MAX: usize = 200_000;

/// One of the sources whose files begin with the same record.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) position: String,
    /// Files that were this source when they were looked at last.
    pub(super) places: Vec<PathBuf>,
}

/// Sources by what their files begin with, in the order of their numbers, without a gap.
#[derive(Debug, Default)]
pub(super) struct Sources {
    by_head: HashMap<String, Vec<Known>>,
    count: usize,
}

impl Sources {
    /// Those that are known.
    pub(super) fn of(&self, head: &str) -> &[Known] {
        self.by_head.get(head).map_or(&[], Vec::as_slice)
    }

    /// Notes where a source stands.
    pub(super) fn set(&mut self, head: &str, number: usize, known: Known) {
        if self.count >= SOURCES_MAX {
            *self = Self::default();
        }
        let all = self.by_head.entry(head.to_owned()).or_default();
        if number == all.len() {
            all.push(known);
            self.count = self.count.saturating_add(1);
        } else if let Some(place) = all.get_mut(number) {
            *place = known;
        }
    }

    /// Forgets sources that stand elsewhere.
    pub(super) fn forget(&mut self, head: &str) {
        let forgotten = self.by_head.remove(head);
        let count = forgotten.map_or(0, |all| all.len());
        self.count = self.count.saturating_sub(count);
    }
}
