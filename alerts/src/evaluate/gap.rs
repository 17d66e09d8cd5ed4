//! A gap in the data: while catching up, windows that hold no row at all need not be run one by one.
//!
//! Every query over an empty window gives the same result, since it sees nothing but `now()`. So once
//! a wholly empty window gave no finding, the ones after it are jumped, up to the next row.

use query::Question;
use store::{Timestamp, Workspace};

use super::{EvaluateError, Evaluator, Outcome};
use crate::rows::instant_of;
use crate::rules::Rule;
use crate::window::{Window, first_end};

impl Evaluator {
    /// Jumps to the first window after `window` with a row in it, or to the first one past `mark`.
    pub(super) async fn jump_gap(
        &self,
        workspace: &Workspace,
        rule: &Rule,
        window: Window,
        mark: Timestamp,
    ) -> Result<Outcome, EvaluateError> {
        let nothing = Outcome::default();
        if self.earliest(workspace, rule, window).await?.is_some() {
            return Ok(nothing);
        }
        let rest = Window {
            start: window.end,
            end: mark,
        };
        let next_row = self.earliest(workspace, rule, rest).await?.unwrap_or(mark);
        let from = window.end.plus(rule.frequency);
        let to = first_end(next_row, rule.frequency);
        if to <= from {
            return Ok(nothing);
        }
        self.skip(workspace, rule, from, to).await?;
        Ok(Outcome { gaps: 1, ..nothing })
    }

    async fn earliest(
        &self,
        workspace: &Workspace,
        rule: &Rule,
        window: Window,
    ) -> Result<Option<Timestamp>, EvaluateError> {
        let mut earliest: Option<Timestamp> = None;
        for table in &rule.tables {
            let sql = format!("select min(TimeGenerated) as Earliest from \"{table}\"");
            let question: Question = self.bounded(Question::sql(&sql), window);
            let result = self.rows(workspace, rule, question).await?;
            let found = result
                .rows
                .first()
                .and_then(|row| instant_of(row, "Earliest"));
            earliest = match (earliest, found) {
                (Some(left), Some(right)) => Some(left.min(right)),
                (left, right) => left.or(right),
            };
        }
        Ok(earliest)
    }
}
