//! A finding becomes an alert, and the alert opens an incident or joins the open one.

use sqlx::{Sqlite, SqliteConnection, Transaction};
use store::{Timestamp, Workspace};
use uuid::Uuid;

use super::Incident;
use super::stored_row::IncidentRow;
use crate::finding::Finding;
use crate::model::{Entity, Severity};
use crate::rules::Rule;
use crate::stored::{entities_to_json, evidence_to_json, to_json};
use crate::window::Window;

/// Most entities of one incident; further alerts of a large one add none.
const ENTITIES_MAX: usize = 50;

/// What became of a finding.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Recorded {
    /// It opened this incident.
    Opened(Box<Incident>),
    /// It joined an open incident.
    Joined,
    /// It joined an open incident that was less severe before; here as it is now.
    Raised(Severity, Box<Incident>),
    /// An alert already says all of it.
    Known,
}

/// Where a finding comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) rule: &'a Rule,
    pub(crate) window: Window,
    pub(crate) is_late: bool,
    pub(crate) now: Timestamp,
}

/// Writes a finding down.
pub(crate) async fn record(
    transaction: &mut Transaction<'_, Sqlite>,
    origin: Origin<'_>,
    finding: &Finding,
) -> sqlx::Result<Recorded> {
    if is_known(transaction, origin, finding).await? {
        return Ok(Recorded::Known);
    }
    let open: Option<IncidentRow> = sqlx::query_as(
        "select * from incident where workspace = $1 and rule_id = $2 and fingerprint = $3 \
         and status <> 'Closed'",
    )
    .bind(origin.workspace.as_str())
    .bind(&origin.rule.id)
    .bind(&finding.fingerprint)
    .fetch_optional(&mut **transaction)
    .await?;
    let Some(before) = open.map(Incident::from) else {
        let incident = open_incident(transaction, origin, finding).await?;
        insert_alert(transaction, origin, finding, incident.number).await?;
        return Ok(Recorded::Opened(Box::new(incident)));
    };
    let incident = join(transaction, origin, finding, &before).await?;
    insert_alert(transaction, origin, finding, incident.number).await?;
    if incident.severity > before.severity {
        return Ok(Recorded::Raised(before.severity, Box::new(incident)));
    }
    Ok(Recorded::Joined)
}

/// Whether this window, or one that overlaps it, has raised the same alert with events as new as these.
async fn is_known(
    connection: &mut SqliteConnection,
    origin: Origin<'_>,
    finding: &Finding,
) -> sqlx::Result<bool> {
    let found: Option<i64> = sqlx::query_scalar(
        "select 1 from alert where workspace = $1 and rule_id = $2 and fingerprint = $3 \
         and (window_end = $5 or (window_end > $4 and window_start < $5 and last_event >= $6)) limit 1",
    )
    .bind(origin.workspace.as_str())
    .bind(&origin.rule.id)
    .bind(&finding.identity)
    .bind(origin.window.start.as_micros())
    .bind(origin.window.end.as_micros())
    .bind(finding.last_event.map(Timestamp::as_micros))
    .fetch_optional(connection)
    .await?;
    Ok(found.is_some())
}

async fn open_incident(
    connection: &mut SqliteConnection,
    origin: Origin<'_>,
    finding: &Finding,
) -> sqlx::Result<Incident> {
    let rule = origin.rule;
    let first_activity = finding.first_event.unwrap_or(origin.window.start);
    let last_activity = finding.last_event.unwrap_or(origin.window.end);
    let row: IncidentRow = sqlx::query_as(
        "insert into incident (workspace, number, id, rule_id, fingerprint, title, description, severity, \
         status, labels, first_activity, last_activity, created, modified, version, alerts, tactics, \
         techniques, entities, details, evidence, runbook, reason, late, first_event, last_event, \
         window_start, window_end, received) \
         select $1, coalesce(max(number), 0) + 1, $2, $3, $4, $5, $6, $7, 'New', '[]', $8, $9, $10, $10, 1, 1, \
         $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23 \
         from incident where workspace = $1 returning *",
    )
    .bind(origin.workspace.as_str())
    .bind(Uuid::new_v4().to_string())
    .bind(&rule.id)
    .bind(&finding.fingerprint)
    .bind(&finding.title)
    .bind(&finding.description)
    .bind(finding.severity.name())
    .bind(first_activity.as_micros())
    .bind(last_activity.as_micros())
    .bind(origin.now.as_micros())
    .bind(to_json(&rule.tactics))
    .bind(to_json(&rule.techniques))
    .bind(entities_to_json(&finding.entities))
    .bind(to_json(&finding.details))
    .bind(evidence_to_json(&finding.evidence))
    .bind(&rule.runbook)
    .bind(reason(rule, origin))
    .bind(i64::from(origin.is_late))
    .bind(finding.first_event.map(Timestamp::as_micros))
    .bind(finding.last_event.map(Timestamp::as_micros))
    .bind(origin.window.start.as_micros())
    .bind(origin.window.end.as_micros())
    .bind(finding.received.map(Timestamp::as_micros))
    .fetch_one(connection)
    .await?;
    Ok(Incident::from(row))
}

/// Why the rule fired, in one sentence.
fn reason(rule: &Rule, origin: Origin<'_>) -> String {
    let late = if origin.is_late {
        ", counting rows that came late"
    } else {
        ""
    };
    format!(
        "Rule \"{}\" {} found {} results between {} and {}{late}.",
        rule.name,
        rule.version,
        rule.trigger,
        origin.window.start.to_rfc3339(),
        origin.window.end.to_rfc3339()
    )
}

async fn join(
    connection: &mut SqliteConnection,
    origin: Origin<'_>,
    finding: &Finding,
    incident: &Incident,
) -> sqlx::Result<Incident> {
    let first_activity = finding
        .first_event
        .unwrap_or(origin.window.start)
        .min(incident.first_activity);
    let last_activity = finding
        .last_event
        .unwrap_or(origin.window.end)
        .max(incident.last_activity);
    let entities = union(&incident.entities, &finding.entities);
    let row: IncidentRow = sqlx::query_as(
        "update incident set first_activity = $3, last_activity = $4, severity = $5, entities = $6, \
         modified = $7, alerts = alerts + 1, version = version + 1 where workspace = $1 and number = $2 \
         returning *",
    )
    .bind(origin.workspace.as_str())
    .bind(incident.number)
    .bind(first_activity.as_micros())
    .bind(last_activity.as_micros())
    .bind(incident.severity.max(finding.severity).name())
    .bind(entities_to_json(&entities))
    .bind(origin.now.as_micros())
    .fetch_one(connection)
    .await?;
    Ok(Incident::from(row))
}

fn union(present: &[Entity], added: &[Entity]) -> Vec<Entity> {
    let new = added.iter().filter(|entity| !present.contains(entity));
    let room = ENTITIES_MAX.saturating_sub(present.len());
    present.iter().chain(new.take(room)).cloned().collect()
}

async fn insert_alert(
    connection: &mut SqliteConnection,
    origin: Origin<'_>,
    finding: &Finding,
    incident_number: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "insert into alert (workspace, id, incident_number, rule_id, rule_version, fingerprint, title, \
         severity, window_start, window_end, first_event, last_event, created, late, entities, details, \
         evidence) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
    )
    .bind(origin.workspace.as_str())
    .bind(Uuid::new_v4().to_string())
    .bind(incident_number)
    .bind(&origin.rule.id)
    .bind(&origin.rule.version)
    .bind(&finding.identity)
    .bind(&finding.title)
    .bind(finding.severity.name())
    .bind(origin.window.start.as_micros())
    .bind(origin.window.end.as_micros())
    .bind(finding.first_event.map(Timestamp::as_micros))
    .bind(finding.last_event.map(Timestamp::as_micros))
    .bind(origin.now.as_micros())
    .bind(i64::from(origin.is_late))
    .bind(entities_to_json(&finding.entities))
    .bind(to_json(&finding.details))
    .bind(evidence_to_json(&finding.evidence))
    .execute(connection)
    .await?;
    Ok(())
}
