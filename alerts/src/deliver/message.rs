//! What is told of an incident: the body of its webhook, and what its e-mail is rendered from. However much an
//! incident holds, its message is short; the incident itself has all of it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use store::{Timestamp, Workspace};
use url::Url;

use crate::incidents::Incident;
use crate::model::Entity;

/// Standard Webhooks recommends bodies below 20 kB.
const BODY_BYTES_MAX: usize = 19_999;

const TITLE_OCTETS_MAX: usize = 300;
const RULE_ID_OCTETS_MAX: usize = 200;

/// How much of an incident a message tells. Texts are measured in octets of JSON.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// Description, reason and runbook, each.
    text: usize,
    /// A name or value.
    value: usize,
    /// Entries of a list.
    entries: usize,
}

/// From generous to strict; the last one fits, whatever the incident holds.
const BOUNDS: [Bounds; 5] = [
    Bounds {
        text: 8_000,
        value: 1_500,
        entries: 50,
    },
    Bounds {
        text: 3_000,
        value: 500,
        entries: 25,
    },
    Bounds {
        text: 2_000,
        value: 250,
        entries: 15,
    },
    Bounds {
        text: 1_000,
        value: 150,
        entries: 10,
    },
    Bounds {
        text: 500,
        value: 80,
        entries: 5,
    },
];

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

/// The text of a message. While it is too long, evidence rows are left out from the end, and then less is told of
/// everything.
pub(crate) fn message(
    news: News,
    (workspace, incident): (&Workspace, &Incident),
    public_url: Option<&Url>,
    now: Timestamp,
) -> String {
    let link = link(workspace, incident.number, public_url);
    let mut text = String::new();
    for bounds in BOUNDS {
        let mut data = data(incident, bounds);
        data["workspace"] = json!(workspace.as_str());
        data["incidentUrl"] = json!(link);
        let mut envelope = Envelope {
            kind: match news {
                News::Created => "incident.created",
                News::Updated => "incident.updated",
            },
            timestamp: now.to_rfc3339(),
            data,
        };
        text = crate::stored::to_json(&envelope);
        if text.len() <= BODY_BYTES_MAX {
            let room = BODY_BYTES_MAX.saturating_sub(text.len());
            let rows = rows(incident, bounds, room);
            let left_out = incident.evidence.rows.len().saturating_sub(rows.len());
            envelope.data["evidence"]["rows"] = json!(rows);
            envelope.data["evidence"]["rowsLeftOut"] = json!(left_out);
            return crate::stored::to_json(&envelope);
        }
    }
    text
}

/// As many rows of evidence as there is room for, in octets.
fn rows(incident: &Incident, bounds: Bounds, mut room: usize) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for row in incident.evidence.rows.iter().take(bounds.entries) {
        let row = words(row, bounds);
        // And a comma.
        let octets = crate::stored::to_json(&row).len().saturating_add(1);
        if octets > room {
            break;
        }
        room = room.saturating_sub(octets);
        rows.push(row);
    }
    rows
}

fn words(words: &[String], bounds: Bounds) -> Vec<String> {
    let some = words.iter().take(bounds.entries);
    some.map(|word| cut(word, bounds.value)).collect()
}

/// All but the rows of evidence.
fn data(incident: &Incident, bounds: Bounds) -> Value {
    let text = |text: &str| cut(text, bounds.text);
    let words = |list: &[String]| words(list, bounds);
    let entity = |entity: &Entity| {
        json!({
            "type": cut(&entity.kind, bounds.value),
            "fields": pairs(&entity.fields, bounds),
        })
    };
    let entities = incident.entities.iter().take(bounds.entries);
    json!({
        "id": incident.id,
        "incidentNumber": incident.number,
        "title": cut(&incident.title, TITLE_OCTETS_MAX),
        "description": text(&incident.description),
        "severity": incident.severity.name(),
        "status": incident.status.name(),
        "reason": text(&incident.reason),
        "relatedAnalyticRuleIds": [cut(&incident.rule_id, RULE_ID_OCTETS_MAX)],
        "tactics": words(&incident.tactics),
        "techniques": words(&incident.techniques),
        "createdTimeUtc": incident.created.to_rfc3339(),
        "firstActivityTimeUtc": incident.first_activity.to_rfc3339(),
        "lastActivityTimeUtc": incident.last_activity.to_rfc3339(),
        "windowStartTimeUtc": incident.window.start.to_rfc3339(),
        "windowEndTimeUtc": incident.window.end.to_rfc3339(),
        "isLate": incident.is_late,
        "entities": entities.map(entity).collect::<Vec<_>>(),
        "entitiesLeftOut": incident.entities.len().saturating_sub(bounds.entries),
        "customDetails": pairs(&incident.details, bounds),
        "customDetailsLeftOut": incident.details.len().saturating_sub(bounds.entries),
        "evidence": {
            "columns": words(&incident.evidence.columns),
            "rows": [],
            "rowsLeftOut": incident.evidence.rows.len(),
        },
        "runbook": text(&incident.runbook),
    })
}

fn pairs(pairs: &BTreeMap<String, String>, bounds: Bounds) -> BTreeMap<String, String> {
    let some = pairs.iter().take(bounds.entries);
    some.map(|(name, value)| (cut(name, bounds.value), cut(value, bounds.value)))
        .collect()
}

/// The text, or its beginning and `…`, in at most so many octets of JSON.
fn cut(text: &str, octets_max: usize) -> String {
    let mut octets = 0_usize;
    let mut fitting = 0_usize;
    for (at, character) in text.char_indices() {
        if octets + '…'.len_utf8() <= octets_max {
            fitting = at;
        }
        octets += octets_in_json(character);
        if octets > octets_max {
            return format!("{}…", text.get(..fitting).unwrap_or_default());
        }
    }
    text.to_owned()
}

fn octets_in_json(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        _ => character.len_utf8(),
    }
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

#[cfg(test)]
pub(super) mod tests;
