//! Rules over windows of event time. Each window is evaluated once, in order, also across restarts:
//! the move to the next window, its alerts, incidents and outbox rows are one transaction.

mod gap;
mod late;
mod window_run;

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::error::ArrowError;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use query::{Engine, QueryError};
use sqlx::SqlitePool;
use store::{Clock, Progress, Store, Timestamp, Workspace};
use tokio::sync::broadcast;

use crate::rules::Rule;
use crate::settings::Settings;
use crate::state::{self, Failing, RuleState};
use crate::window::{Patience, Reach, Window, first_end, watermark};

/// Rules that are evaluated at the same time.
const RULES_AT_ONCE: usize = 4;

/// Windows of a backlog after which a gap in the data is looked for.
const WINDOWS_PER_GAP_LOOK: u64 = 8;

/// Longest error text that is kept.
const ERROR_CHARS_MAX: usize = 1_000;

/// Why a window was not evaluated.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// The rule's query failed.
    #[error("run the query of rule {rule_id}")]
    Query {
        /// The rule.
        rule_id: String,
        /// What went wrong.
        #[source]
        source: QueryError,
    },
    /// Its result can't be read.
    #[error("read the result of rule {rule_id}")]
    Result {
        /// The rule.
        rule_id: String,
        /// What went wrong.
        #[source]
        source: ArrowError,
    },
    /// The database failed.
    #[error("use the database")]
    Database(#[from] sqlx::Error),
}

/// What a pass did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Windows evaluated for the first time.
    pub windows: u64,
    /// Closed windows evaluated again for late rows.
    pub windows_late: u64,
    /// Runs of empty windows that were jumped.
    pub gaps: u64,
    /// Alerts written.
    pub alerts: u64,
    /// Incidents opened.
    pub incidents: u64,
    /// Evaluations that failed.
    pub failures: u64,
}

/// A pass over all rules.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pass {
    pub(crate) outcome: Outcome,
    /// Whether some rule has windows left.
    pub(crate) is_behind: bool,
}

impl Outcome {
    pub(crate) fn add(&mut self, other: Self) {
        self.windows += other.windows;
        self.windows_late += other.windows_late;
        self.gaps += other.gaps;
        self.alerts += other.alerts;
        self.incidents += other.incidents;
        self.failures += other.failures;
    }
}

/// An incident was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentOpened {
    /// Where.
    pub workspace: Workspace,
    /// Its number.
    pub number: i64,
}

/// Evaluates rules.
#[derive(Debug)]
pub(crate) struct Evaluator {
    pub(crate) store: Arc<Store>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: Settings,
    pub(crate) rules: Vec<Rule>,
    pub(crate) opened: broadcast::Sender<IncidentOpened>,
    pub(crate) started: Timestamp,
}

impl Evaluator {
    /// Evaluates windows that are due, some rules at a time and each for about `share`, so that one with a long backlog
    /// leaves the others their turn. A rule that fails stays where it is; the others go on.
    pub(crate) async fn pass(&self, share: Duration) -> Result<Pass, EvaluateError> {
        let mut total = Pass::default();
        for workspace in &self.settings.workspaces {
            let mut waiting = self.rules.iter();
            let mut running = FuturesUnordered::new();
            loop {
                while running.len() < RULES_AT_ONCE
                    && let Some(rule) = waiting.next()
                {
                    running.push(self.rule_due(workspace, rule, share));
                }
                let Some(pass) = running.next().await else {
                    break;
                };
                let pass = pass?;
                total.outcome.add(pass.outcome);
                total.is_behind |= pass.is_behind;
            }
        }
        Ok(total)
    }

    /// Evaluates what is due of one rule; its failure becomes the rule's state.
    async fn rule_due(
        &self,
        workspace: &Workspace,
        rule: &Rule,
        share: Duration,
    ) -> Result<Pass, EvaluateError> {
        let mut pass = Pass::default();
        let caught_up = self.catch_up((workspace, rule), share, &mut pass.outcome);
        match caught_up.await {
            Ok(is_behind) => pass.is_behind = is_behind,
            Err(error) => {
                pass.outcome.failures += 1;
                self.note_failure(workspace, rule, &error).await?;
            }
        }
        Ok(pass)
    }

    /// Late rows first, then the windows up to the watermark, in order. True if the share was over before.
    async fn catch_up(
        &self,
        (workspace, rule): (&Workspace, &Rule),
        share: Duration,
        outcome: &mut Outcome,
    ) -> Result<bool, EvaluateError> {
        let begun = Instant::now();
        let Some((mut state, mark, received)) = self.ready(workspace, rule).await? else {
            return Ok(false);
        };
        if state.next_window_end > mark {
            return Ok(false);
        }
        self.late_rows(workspace, rule, (&state, received), outcome)
            .await?;
        while state.next_window_end <= mark {
            if begun.elapsed() >= share {
                return Ok(true);
            }
            outcome.add(self.next_window(workspace, rule, &state, mark).await?);
            let Some(moved) = state::find(self.database(), workspace, &rule.id).await? else {
                return Ok(false);
            };
            state = moved;
        }
        Ok(false)
    }

    /// State, watermark and newest time of receipt; `None` if the rule can't run now.
    async fn ready(
        &self,
        workspace: &Workspace,
        rule: &Rule,
    ) -> Result<Option<(RuleState, Timestamp, Timestamp)>, EvaluateError> {
        let progresses = self.progresses(workspace, rule);
        let now = self.clock.now();
        // Before the service ran nothing could come in: what was sent meanwhile is still to come.
        let reach = |progress: &Progress| Reach {
            newest: progress.event_time_max,
            received: progress.received_last.max(self.started),
        };
        let reaches: Vec<Reach> = progresses.iter().map(reach).collect();
        let patience = Patience {
            lateness: self.settings.lateness,
            idle: self.settings.idle,
            behind_max: self.settings.late_max,
        };
        let Some(mark) = watermark(now, &reaches, patience, rule.frequency) else {
            return Ok(None);
        };
        let state = match state::find(self.database(), workspace, &rule.id).await? {
            Some(state) => state,
            None => {
                let Some(earliest) = progresses
                    .iter()
                    .map(|progress| progress.event_time_min)
                    .min()
                else {
                    return Ok(None);
                };
                let first = first_end(earliest, rule.frequency);
                state::start(self.database(), workspace, &rule.id, first).await?;
                let Some(state) = state::find(self.database(), workspace, &rule.id).await? else {
                    return Ok(None);
                };
                state
            }
        };
        if state
            .failing
            .as_ref()
            .is_some_and(|failing| failing.retry_at > now)
        {
            return Ok(None);
        }
        let received = progresses
            .iter()
            .map(|progress| progress.received_last)
            .max()
            .unwrap_or_default();
        Ok(Some((state, mark, received)))
    }

    async fn next_window(
        &self,
        workspace: &Workspace,
        rule: &Rule,
        state: &RuleState,
        mark: Timestamp,
    ) -> Result<Outcome, EvaluateError> {
        let end = state.next_window_end;
        let window = Window::ending(end, rule.period);
        if state.suppressed_until.is_some_and(|until| end <= until) {
            return self
                .skip(workspace, rule, end, end.plus(rule.frequency))
                .await;
        }
        let outcome = self.run_window(workspace, rule, window).await?;
        let is_backlog = mark.since(end) > rule.frequency.saturating_mul(8);
        // Looking for a gap costs a query, so it is not done after every window.
        let is_turn = state.windows % WINDOWS_PER_GAP_LOOK == WINDOWS_PER_GAP_LOOK - 1;
        if outcome.alerts > 0 || !is_backlog || !is_turn {
            return Ok(outcome);
        }
        self.jump_gap(workspace, rule, window, mark)
            .await
            .map(|jumped| {
                let mut total = outcome;
                total.add(jumped);
                total
            })
    }

    /// How far the tables are that a rule reads; those without rows are left out.
    fn progresses(&self, workspace: &Workspace, rule: &Rule) -> Vec<Progress> {
        rule.tables
            .iter()
            .filter_map(|table| self.store.progress(workspace, *table))
            .collect()
    }

    pub(crate) fn database(&self) -> &SqlitePool {
        self.store.database()
    }

    async fn note_failure(
        &self,
        workspace: &Workspace,
        rule: &Rule,
        error: &EvaluateError,
    ) -> Result<(), EvaluateError> {
        let now = self.clock.now();
        let before = state::find(self.database(), workspace, &rule.id)
            .await?
            .and_then(|state| state.failing);
        let failures = before
            .as_ref()
            .map_or(0, |failing| failing.failures)
            .saturating_add(1);
        let pause = state::pause_after(
            failures,
            self.settings.failure_pause,
            self.settings.failure_pause_max,
        );
        let text = with_sources(error);
        let failing = Failing {
            error: text.chars().take(ERROR_CHARS_MAX).collect(),
            since: before.map_or(now, |failing| failing.since),
            failures,
            retry_at: now.plus(pause),
        };
        state::fail(self.database(), workspace, &rule.id, &failing).await?;
        metrics::counter!("bartizan_rule_failures_total", "rule" => rule.id.clone()).increment(1);
        tracing::error!(rule.id = %rule.id, failures, error = text, "failed to evaluate rule {}", rule.id);
        Ok(())
    }
}

/// An error and its causes in one line.
pub(crate) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
