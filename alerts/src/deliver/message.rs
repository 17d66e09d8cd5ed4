//! What is told of an incident: the body of its webhook, and what its e-mail is rendered from.

use serde::Serialize;
use serde_json::{Value, json};
use store::{Timestamp, Workspace};
use url::Url;

use crate::incidents::Incident;

/// Standard Webhooks recommends bodies below this.
const BODY_BYTES_MAX: usize = 20_000;

/// The envelope of Standard Webhooks.
#[derive(Debug, Serialize)]
struct Envelope {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: String,
    data: Value,
}

/// What is told of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It is there.
    Created,
    /// It is more severe than what was told before.
    Updated,
}

/// The text of a message. Evidence rows are left out from the end while it is too long.
pub(crate) fn message(
    news: News,
    (workspace, incident): (&Workspace, &Incident),
    public_url: Option<&Url>,
    now: Timestamp,
) -> String {
    let mut rows = incident.evidence.rows.len();
    loop {
        let data = data(workspace, incident, public_url, rows);
        let envelope = Envelope {
            kind: match news {
                News::Created => "incident.created",
                News::Updated => "incident.updated",
            },
            timestamp: now.to_rfc3339(),
            data,
        };
        let text = crate::stored::to_json(&envelope);
        if text.len() <= BODY_BYTES_MAX || rows == 0 {
            return text;
        }
        rows -= 1;
    }
}

fn data(
    workspace: &Workspace,
    incident: &Incident,
    public_url: Option<&Url>,
    rows: usize,
) -> Value {
    let entity =
        |entity: &crate::model::Entity| json!({"type": entity.kind, "fields": entity.fields});
    json!({
        "id": incident.id,
        "workspace": workspace.as_str(),
        "incidentNumber": incident.number,
        "incidentUrl": link(workspace, incident.number, public_url),
        "title": incident.title,
        "description": incident.description,
        "severity": incident.severity.name(),
        "status": incident.status.name(),
        "reason": incident.reason,
        "relatedAnalyticRuleIds": [incident.rule_id],
        "tactics": incident.tactics,
        "techniques": incident.techniques,
        "createdTimeUtc": incident.created.to_rfc3339(),
        "firstActivityTimeUtc": incident.first_activity.to_rfc3339(),
        "lastActivityTimeUtc": incident.last_activity.to_rfc3339(),
        "windowStartTimeUtc": incident.window.start.to_rfc3339(),
        "windowEndTimeUtc": incident.window.end.to_rfc3339(),
        "isLate": incident.is_late,
        "entities": incident.entities.iter().map(entity).collect::<Vec<_>>(),
        "customDetails": incident.details,
        "evidence": {
            "columns": incident.evidence.columns,
            "rows": incident.evidence.rows.iter().take(rows).collect::<Vec<_>>(),
        },
        "runbook": incident.runbook,
    })
}

/// Where the incident is shown. The base comes from the settings alone.
fn link(workspace: &Workspace, number: i64, public_url: Option<&Url>) -> Option<String> {
    let mut url = public_url?.clone();
    url.path_segments_mut()
        .ok()?
        .pop_if_empty()
        .push("incidents")
        .push(&number.to_string());
    if *workspace != Workspace::default() {
        url.query_pairs_mut()
            .append_pair("workspace", workspace.as_str());
    }
    Some(url.into())
}
