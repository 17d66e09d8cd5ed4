//! One window of one rule: query, findings, evidence, and the transaction that commits all of it.

use query::Question;
use store::Workspace;

use super::{EvaluateError, Evaluator, IncidentOpened, Outcome};
use crate::deliver::message::{News, message};
use crate::finding::{EVIDENCE_ROWS_MAX, Finding, findings_of};
use crate::incidents::{Incident, Origin, Recorded, record};
use crate::model::Severity;
use crate::outbox::enqueue;
use crate::rows::Rows;
use crate::rules::Rule;
use crate::state::{Advance, Advanced, advance};
use crate::window::Window;

/// Rows of a result that are counted: a trigger asks how many there are, not how many are kept.
const ROWS_COUNTED_MAX: usize = 100_000_000;

impl Evaluator {
    /// Evaluates the window that is next and moves the rule on.
    pub(super) async fn run_window(
        &self,
        workspace: &Workspace,
        rule: &Rule,
        window: Window,
    ) -> Result<Outcome, EvaluateError> {
        let findings = self.findings(workspace, rule, window).await?;
        let now = self.clock.now();
        let fires = !findings.is_empty();
        let next = Advance {
            from: window.end,
            to: window.end.plus(rule.frequency),
            suppressed_until: rule
                .suppression
                .filter(|_| fires)
                .map(|pause| window.end.plus(pause)),
            now,
        };
        let origin = Origin {
            workspace,
            rule,
            window,
            is_late: false,
            now,
        };
        let mut outcome = self.commit(origin, &findings, Some(next)).await?;
        outcome.windows = 1;
        metrics::counter!("bartizan_rule_windows_total", "rule" => rule.id.clone()).increment(1);
        Ok(outcome)
    }

    /// Evaluates a closed window again because rows came late.
    pub(super) async fn rerun_window(
        &self,
        workspace: &Workspace,
        rule: &Rule,
        window: Window,
    ) -> Result<Outcome, EvaluateError> {
        let findings = self.findings(workspace, rule, window).await?;
        let origin = Origin {
            workspace,
            rule,
            window,
            is_late: true,
            now: self.clock.now(),
        };
        let mut outcome = self.commit(origin, &findings, None).await?;
        outcome.windows_late = 1;
        Ok(outcome)
    }

    async fn findings(
        &self,
        workspace: &Workspace,
        rule: &Rule,
        window: Window,
    ) -> Result<Vec<Finding>, EvaluateError> {
        let question = self.bounded(rule.question(&rule.query), window);
        let result = self.rows(workspace, rule, question).await?;
        let (kept, count) = (result.rows.len(), result.count);
        if count > kept as u64 {
            metrics::counter!("bartizan_rule_results_cut_total", "rule" => rule.id.clone())
                .increment(1);
            tracing::warn!(rule.id = %rule.id, rows = count, "result of rule {} has {count} rows, of which alerts tell the first {kept}", rule.id);
        }
        let mut findings = findings_of(rule, &result);
        for finding in &mut findings {
            self.add_samples(workspace, rule, window, finding).await;
        }
        Ok(findings)
    }

    /// Puts sample rows in the place of the result row. Without them the alert still goes out.
    async fn add_samples(
        &self,
        workspace: &Workspace,
        rule: &Rule,
        window: Window,
        finding: &mut Finding,
    ) {
        let Some(samples) = &rule.samples else { return };
        let mut question = self.bounded(rule.question(samples), window);
        question.parameters.clone_from(&finding.parameters);
        match self.rows(workspace, rule, question).await {
            Ok(rows) if rows.rows.is_empty() => {}
            Ok(rows) => finding.evidence = rows.evidence(EVIDENCE_ROWS_MAX),
            Err(error) => {
                let error = super::with_sources(&error);
                tracing::warn!(rule.id = %rule.id, error, "failed to read sample rows of rule {}", rule.id);
            }
        }
    }

    pub(super) fn bounded(&self, mut question: Question, window: Window) -> Question {
        question.span = Some(query::Span {
            start: window.start,
            end: window.end,
        });
        question.rows_max = ROWS_COUNTED_MAX;
        question.timeout = self.settings.query_timeout;
        question
    }

    pub(super) async fn rows(
        &self,
        workspace: &Workspace,
        rule: &Rule,
        question: Question,
    ) -> Result<Rows, EvaluateError> {
        let (batches, count) = self
            .engine
            .first_rows(workspace, question, self.settings.findings_max)
            .await
            .map_err(|source| EvaluateError::Query {
                rule_id: rule.id.clone(),
                source,
            })?;
        let rows = Rows::from_batches(&batches).map_err(|source| EvaluateError::Result {
            rule_id: rule.id.clone(),
            source,
        })?;
        Ok(Rows { count, ..rows })
    }

    /// One transaction: the move on, the alerts, their incidents, and the messages about new ones.
    async fn commit(
        &self,
        origin: Origin<'_>,
        findings: &[Finding],
        next: Option<Advance>,
    ) -> Result<Outcome, EvaluateError> {
        let mut outcome = Outcome::default();
        let mut opened: Vec<Incident> = Vec::new();
        let mut transaction = self.database().begin_with("begin immediate").await?;
        if let Some(next) = next
            && advance(&mut transaction, origin.workspace, &origin.rule.id, next).await?
                == Advanced::Lost
        {
            return Ok(outcome);
        }
        for finding in findings {
            match record(&mut transaction, origin, finding).await? {
                Recorded::Known => {}
                Recorded::Joined => outcome.alerts += 1,
                Recorded::Raised(before, incident) => {
                    outcome.alerts += 1;
                    self.announce(&mut transaction, origin, (Some(before), &incident))
                        .await?;
                }
                Recorded::Opened(incident) => {
                    outcome.alerts += 1;
                    outcome.incidents += 1;
                    self.announce(&mut transaction, origin, (None, &incident))
                        .await?;
                    opened.push(*incident);
                }
            }
        }
        transaction.commit().await?;
        for incident in opened {
            self.tell(origin, &incident);
        }
        Ok(outcome)
    }

    /// Tells of an incident that is new, or that was less severe `before`. Who was told nothing of it then is told that it
    /// is there.
    async fn announce(
        &self,
        connection: &mut sqlx::SqliteConnection,
        origin: Origin<'_>,
        (before, incident): (Option<Severity>, &Incident),
    ) -> Result<(), EvaluateError> {
        let about = (origin.workspace, incident);
        let public_url = self.settings.public_url.as_ref();
        let cause = (origin.workspace, incident.number);
        for receiver in &self.settings.receivers {
            if incident.severity < receiver.severity_min {
                continue;
            }
            let was_told = before.is_some_and(|before| before >= receiver.severity_min);
            let news = if was_told {
                News::Updated
            } else {
                News::Created
            };
            let message = message(news, about, public_url, origin.now);
            enqueue(connection, cause, &receiver.name, &message, origin.now).await?;
        }
        Ok(())
    }

    fn tell(&self, origin: Origin<'_>, incident: &Incident) {
        let severity = incident.severity.name();
        metrics::counter!("bartizan_incidents_total", "severity" => severity).increment(1);
        let number = incident.number;
        tracing::info!(
            incident.number = number,
            rule.id = %origin.rule.id,
            severity,
            "opened incident {number}"
        );
        // Nobody need listen.
        self.opened
            .send(IncidentOpened {
                workspace: origin.workspace.clone(),
                number,
            })
            .ok();
    }

    /// Moves a rule on without evaluating.
    pub(super) async fn skip(
        &self,
        workspace: &Workspace,
        rule: &Rule,
        from: store::Timestamp,
        to: store::Timestamp,
    ) -> Result<Outcome, EvaluateError> {
        let mut transaction = self.database().begin_with("begin immediate").await?;
        let next = Advance {
            from,
            to,
            suppressed_until: None,
            now: self.clock.now(),
        };
        if advance(&mut transaction, workspace, &rule.id, next).await? == Advanced::Yes {
            transaction.commit().await?;
        }
        Ok(Outcome::default())
    }
}
