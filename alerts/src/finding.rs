//! Result rows to findings: who it is about, what it is called, and by what it is recognised again.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use store::Timestamp;

use crate::model::{Entity, Evidence, Severity};
use crate::rows::{Row, Rows, instant_of, text_of};
use crate::rules::{Aggregation, Grouping, Rule, placeholders};

/// Most sample rows kept with a finding.
pub(crate) const EVIDENCE_ROWS_MAX: usize = 5;

/// Longest title, in characters.
const TITLE_CHARS_MAX: usize = 256;

/// Something that a rule found in a window.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    /// Same for findings that belong to one incident.
    pub(crate) fingerprint: String,
    /// Same for the same finding of a window that is evaluated again, or of one that overlaps it.
    pub(crate) identity: String,
    /// Title.
    pub(crate) title: String,
    /// Description.
    pub(crate) description: String,
    /// Severity.
    pub(crate) severity: Severity,
    /// Who and what it is about.
    pub(crate) entities: Vec<Entity>,
    /// Facts by name.
    pub(crate) details: BTreeMap<String, String>,
    /// Event time of its first row, by the result column `StartTime`.
    pub(crate) first_event: Option<Timestamp>,
    /// Event time of its last row, by the result column `EndTime`.
    pub(crate) last_event: Option<Timestamp>,
    /// When its last row was received, by the result column `ReceivedTime`.
    pub(crate) received: Option<Timestamp>,
    /// Values for the parameters of the rule's sample query.
    pub(crate) parameters: Vec<(String, String)>,
    /// Rows that show it.
    pub(crate) evidence: Evidence,
}

/// The findings in a result; none if the rule's trigger doesn't fire.
pub(crate) fn findings_of(rule: &Rule, result: &Rows) -> Vec<Finding> {
    if !rule.trigger.fires(result.count) {
        return Vec::new();
    }
    let is_whole = rule.aggregation == Aggregation::SingleAlert || result.rows.is_empty();
    if is_whole {
        return vec![finding(rule, result)];
    }
    let alone = |row: &Row| Rows {
        columns: result.columns.clone(),
        rows: vec![row.clone()],
        count: 1,
    };
    let mut findings: Vec<Finding> = result
        .rows
        .iter()
        .map(|row| finding(rule, &alone(row)))
        .collect();
    number_alike(rule, &mut findings);
    findings
}

/// Several rows of one result about the same are several findings.
fn number_alike(rule: &Rule, findings: &mut [Finding]) {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for finding in findings {
        let count = counts.entry(finding.identity.clone()).or_default();
        if *count > 0 {
            finding.identity = digest(rule, &[finding.identity.clone(), count.to_string()]);
            if rule.grouping == Grouping::EachAlert {
                finding.fingerprint.clone_from(&finding.identity);
            }
        }
        *count += 1;
    }
}

fn finding(rule: &Rule, result: &Rows) -> Finding {
    let empty = Row::new();
    let first = result.rows.first().unwrap_or(&empty);
    let mut entities: Vec<Entity> = Vec::new();
    for entity in result.rows.iter().flat_map(|row| entities_of(rule, row)) {
        if !entities.contains(&entity) {
            entities.push(entity);
        }
    }
    let details: BTreeMap<String, String> = rule
        .details
        .iter()
        .filter_map(|(name, column)| Some((name.clone(), text_of(first, column)?)))
        .collect();
    let severity = rule
        .texts
        .severity_column
        .as_ref()
        .and_then(|column| text_of(first, column));
    let parameter =
        |(name, column): (String, String)| (name, text_of(first, &column).unwrap_or_default());
    let instants = |column: &'static str| {
        result
            .rows
            .iter()
            .filter_map(move |row| instant_of(row, column))
    };
    let identity = identity(rule, &entities, result);
    Finding {
        fingerprint: fingerprint(rule, (&entities, &details), &identity),
        identity,
        title: title(rule, first),
        description: match &rule.texts.description {
            Some(format) => fill(format, first),
            None => rule.description.clone(),
        },
        severity: severity
            .as_deref()
            .and_then(Severity::from_name)
            .unwrap_or(rule.severity),
        first_event: instants("StartTime").min(),
        last_event: instants("EndTime").max(),
        received: instants("ReceivedTime").max(),
        parameters: rule
            .sample_parameters()
            .into_iter()
            .map(parameter)
            .collect(),
        evidence: result.evidence(EVIDENCE_ROWS_MAX),
        entities,
        details,
    }
}

/// One entity per mapping whose columns are not all null.
fn entities_of(rule: &Rule, row: &Row) -> Vec<Entity> {
    let entity = |mapping: &crate::rules::EntityMapping| {
        let field = |(identifier, column): &(String, String)| {
            Some((identifier.clone(), text_of(row, column)?))
        };
        let fields: BTreeMap<String, String> = mapping.fields.iter().filter_map(field).collect();
        (!fields.is_empty()).then(|| Entity {
            kind: mapping.kind.clone(),
            fields,
        })
    };
    rule.entities.iter().filter_map(entity).collect()
}

fn title(rule: &Rule, row: &Row) -> String {
    let title = match &rule.texts.title {
        Some(format) => fill(format, row),
        None => rule.name.clone(),
    };
    let visible = title.chars().map(|character| {
        if character.is_control() {
            ' '
        } else {
            character
        }
    });
    visible.take(TITLE_CHARS_MAX).collect()
}

/// Replaces each `{{Column}}` by its value. What a value holds is not looked at again.
fn fill(format: &str, row: &Row) -> String {
    let mut filled = String::with_capacity(format.len());
    let mut rest = format;
    for inside in placeholders(format) {
        let Some((before, after)) = rest.split_once("{{") else {
            break;
        };
        filled.push_str(before);
        filled.push_str(&text_of(row, inside.trim()).unwrap_or_default());
        rest = after.split_once("}}").map_or("", |(_, after)| after);
    }
    filled.push_str(rest);
    filled
}

/// What a finding is about: its entities or, if it has none, what its row says in words. Counts and times change from
/// one evaluation to the next.
fn identity(rule: &Rule, entities: &[Entity], result: &Rows) -> String {
    let mut parts: Vec<String> = entities.iter().map(part_of).collect();
    if parts.is_empty()
        && let [row] = result.rows.as_slice()
    {
        let words = result.columns.iter().filter_map(|name| {
            let Some(Value::String(text)) = row.get(name) else {
                return None;
            };
            let is_nested = text.starts_with(['[', '{']);
            let is_word = !is_nested && instant_of(row, name).is_none();
            is_word.then(|| format!("{name}={text:?}"))
        });
        parts.extend(words);
    }
    parts.sort();
    digest(rule, &parts)
}

/// A digest of the rule and what its grouping goes by.
fn fingerprint(
    rule: &Rule,
    (entities, details): (&[Entity], &BTreeMap<String, String>),
    identity: &str,
) -> String {
    let mut parts: Vec<String> = match &rule.grouping {
        Grouping::EachAlert => return identity.to_owned(),
        Grouping::AnyAlert => Vec::new(),
        Grouping::AllEntities => entities.iter().map(part_of).collect(),
        Grouping::Selected {
            entities: kinds,
            details: names,
        } => {
            let selected = entities
                .iter()
                .filter(|entity| kinds.contains(&entity.kind))
                .map(part_of);
            let facts = names
                .iter()
                .map(|name| format!("{name}={:?}", details.get(name)));
            selected.chain(facts).collect()
        }
    };
    parts.sort();
    digest(rule, &parts)
}

fn digest(rule: &Rule, parts: &[String]) -> String {
    let digest = Sha256::digest(format!("{:?} {parts:?}", rule.id));
    digest
        .iter()
        .take(16)
        .fold(String::with_capacity(32), |mut text, byte| {
            write!(text, "{byte:02x}").ok();
            text
        })
}

fn part_of(entity: &Entity) -> String {
    format!("{:?} {:?}", entity.kind, entity.fields)
}

#[cfg(test)]
mod tests;
