//! JSON text in columns: entities, details, evidence and lists of words. What we wrote reads back;
//! anything else reads as empty rather than stopping the incident from being shown.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Entity, Evidence};

#[derive(Serialize, Deserialize)]
struct StoredEntity {
    #[serde(rename = "type")]
    kind: String,
    fields: BTreeMap<String, String>,
}

#[derive(Default, Serialize, Deserialize)]
struct StoredEvidence {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

pub(crate) fn entities_to_json(entities: &[Entity]) -> String {
    let stored = |entity: &Entity| StoredEntity {
        kind: entity.kind.clone(),
        fields: entity.fields.clone(),
    };
    to_json(&entities.iter().map(stored).collect::<Vec<_>>())
}

pub(crate) fn entities_from_json(text: &str) -> Vec<Entity> {
    let stored: Vec<StoredEntity> = serde_json::from_str(text).unwrap_or_default();
    stored
        .into_iter()
        .map(|entity| Entity {
            kind: entity.kind,
            fields: entity.fields,
        })
        .collect()
}

pub(crate) fn evidence_to_json(evidence: &Evidence) -> String {
    to_json(&StoredEvidence {
        columns: evidence.columns.clone(),
        rows: evidence.rows.clone(),
    })
}

pub(crate) fn evidence_from_json(text: &str) -> Evidence {
    let stored: StoredEvidence = serde_json::from_str(text).unwrap_or_default();
    Evidence {
        columns: stored.columns,
        rows: stored.rows,
    }
}

pub(crate) fn details_from_json(text: &str) -> BTreeMap<String, String> {
    serde_json::from_str(text).unwrap_or_default()
}

pub(crate) fn words_from_json(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_default()
}

/// Strings, lists and maps of strings always have a JSON text.
pub(crate) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
