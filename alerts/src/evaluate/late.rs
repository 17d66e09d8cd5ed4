//! Rows that came after their window closed: those windows are evaluated again, and an alert that only
//! they bring is marked late. What an earlier run of the same window already said is not said twice.

use std::collections::BTreeSet;
use std::time::Duration;

use query::Question;
use serde_json::Value;
use store::{Timestamp, Workspace};

use super::{EvaluateError, Evaluator, Outcome};
use crate::rules::Rule;
use crate::state::{self, RuleState};
use crate::window::{Window, ends_of_step};

/// Batches become readable a little out of their order of receipt.
const RECEIPT_MARGIN: Duration = Duration::from_secs(1);

impl Evaluator {
    /// Looks for rows older than the rule's next window that were received since the last look, up to
    /// `received`. What comes after that is for the next look, also if a query meanwhile sees it.
    pub(super) async fn late_rows(
        &self,
        workspace: &Workspace,
        rule: &Rule,
        (state, received): (&RuleState, Timestamp),
        outcome: &mut Outcome,
    ) -> Result<(), EvaluateError> {
        if received <= state.received_seen {
            return Ok(());
        }
        if state.windows > 0 {
            let closed = state.next_window_end.minus(rule.frequency);
            for end in self
                .late_ends(workspace, rule, state.received_seen, closed)
                .await?
            {
                let window = Window::ending(end, rule.period);
                outcome.add(self.rerun_window(workspace, rule, window).await?);
            }
        }
        state::saw(self.database(), workspace, &rule.id, received).await?;
        Ok(())
    }

    /// Ends of closed windows that late rows fall in, oldest first.
    async fn late_ends(
        &self,
        workspace: &Workspace,
        rule: &Rule,
        seen: Timestamp,
        closed: Timestamp,
    ) -> Result<BTreeSet<Timestamp>, EvaluateError> {
        let mut ends = BTreeSet::new();
        let span = Window {
            start: closed.minus(self.settings.late_max),
            end: closed,
        };
        let seen_s = seen.minus(RECEIPT_MARGIN).as_micros().div_euclid(1_000_000);
        let step_s = rule.frequency.as_secs();
        for table in &rule.tables {
            let sql = format!(
                "select distinct cast(floor(date_part('epoch', TimeGenerated) / {step_s}) as bigint) as Step \
                 from \"{table}\" where date_part('epoch', _TimeReceived) > {seen_s} order by Step"
            );
            let result = self
                .rows(workspace, rule, self.bounded(Question::sql(&sql), span))
                .await?;
            let steps = result
                .rows
                .iter()
                .filter_map(|row| row.get("Step").and_then(Value::as_i64));
            for step in steps {
                ends.extend(ends_of_step(step, rule.frequency, rule.period, closed));
            }
        }
        Ok(ends)
    }
}
