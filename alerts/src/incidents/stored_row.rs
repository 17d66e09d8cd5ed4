//! A row of the table `incident`.

use store::Timestamp;

use super::{Classification, ClassificationReason, Incident, Status};
use crate::model::Severity;
use crate::stored::{details_from_json, entities_from_json, evidence_from_json, words_from_json};
use crate::window::Window;

#[derive(sqlx::FromRow)]
pub(super) struct IncidentRow {
    number: i64,
    id: String,
    rule_id: String,
    title: String,
    description: String,
    severity: String,
    status: String,
    classification: Option<String>,
    classification_reason: Option<String>,
    classification_comment: Option<String>,
    owner: Option<String>,
    labels: String,
    first_activity: i64,
    last_activity: i64,
    created: i64,
    modified: i64,
    closed: Option<i64>,
    version: i64,
    alerts: i64,
    tactics: String,
    techniques: String,
    entities: String,
    details: String,
    evidence: String,
    runbook: String,
    reason: String,
    late: i64,
    first_event: Option<i64>,
    last_event: Option<i64>,
    window_start: i64,
    window_end: i64,
    received: Option<i64>,
}

impl From<IncidentRow> for Incident {
    fn from(row: IncidentRow) -> Self {
        let instant = Timestamp::from_micros;
        Self {
            number: row.number,
            id: row.id,
            rule_id: row.rule_id,
            title: row.title,
            description: row.description,
            // The table's checks hold these three to known names.
            severity: Severity::from_name(&row.severity).unwrap_or(Severity::High),
            status: Status::from_name(&row.status).unwrap_or(Status::New),
            classification: row
                .classification
                .as_deref()
                .and_then(Classification::from_name),
            classification_reason: row
                .classification_reason
                .as_deref()
                .and_then(ClassificationReason::from_name),
            classification_comment: row.classification_comment,
            owner: row.owner,
            labels: words_from_json(&row.labels),
            first_activity: instant(row.first_activity),
            last_activity: instant(row.last_activity),
            created: instant(row.created),
            modified: instant(row.modified),
            closed: row.closed.map(instant),
            version: row.version,
            alerts: row.alerts,
            tactics: words_from_json(&row.tactics),
            techniques: words_from_json(&row.techniques),
            entities: entities_from_json(&row.entities),
            details: details_from_json(&row.details),
            evidence: evidence_from_json(&row.evidence),
            runbook: row.runbook,
            reason: row.reason,
            is_late: row.late != 0,
            first_event: row.first_event.map(instant),
            last_event: row.last_event.map(instant),
            window: Window {
                start: instant(row.window_start),
                end: instant(row.window_end),
            },
            received: row.received.map(instant),
        }
    }
}
