//! A rule file's text to a [`Rule`]: every key known, every value checked, every complaint with its line.

use std::collections::BTreeMap;
use std::time::Duration;

use query::Language;
use serde::Deserialize;
use store::Table;

use super::duration::parse_duration;
use super::{
    Aggregation, EntityMapping, Grouping, Rule, RuleFailure, TextOverride, Trigger, TriggerOperator,
};
use crate::model::Severity;

/// Sentinel's bounds of frequency and period.
const WINDOW_MIN: Duration = Duration::from_mins(1);
const WINDOW_MAX: Duration = Duration::from_hours(14 * 24);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RuleFile {
    id: String,
    name: String,
    #[serde(default = "first_version")]
    version: String,
    kind: Kind,
    #[serde(default)]
    description: String,
    severity: SeverityName,
    #[serde(default)]
    #[expect(dead_code, reason = "Sentinel's key without effect here")]
    status: Option<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "Sentinel's key without effect here")]
    required_data_connectors: serde_yaml_ng::Value,
    #[serde(default)]
    query_frequency: Option<Span>,
    #[serde(default)]
    query_period: Option<Span>,
    #[serde(default)]
    trigger_operator: OperatorName,
    #[serde(default)]
    trigger_threshold: u64,
    #[serde(default, deserialize_with = "or_default")]
    tactics: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    relevant_techniques: Vec<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "Sentinel's key without effect here")]
    tags: serde_yaml_ng::Value,
    query: String,
    #[serde(default, deserialize_with = "or_default")]
    entity_mappings: Vec<EntityMappingFile>,
    #[serde(default, deserialize_with = "or_default")]
    custom_details: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_default")]
    alert_details_override: AlertDetailsFile,
    #[serde(default, deserialize_with = "or_default")]
    event_grouping_settings: EventGroupingFile,
    #[serde(default, deserialize_with = "or_default")]
    incident_configuration: IncidentFile,
    #[serde(default)]
    suppression_enabled: bool,
    #[serde(default)]
    suppression_duration: Option<Span>,
    #[serde(default)]
    #[expect(dead_code, reason = "Sentinel's key without effect here")]
    metadata: serde_yaml_ng::Value,
    #[serde(default)]
    bartizan: Extension,
}

fn first_version() -> String {
    "1.0.0".to_owned()
}

/// Exports write `null` where nothing is set.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
enum Kind {
    Scheduled,
    /// Near real time: every minute over the last minute.
    #[serde(rename = "NRT")]
    NearRealTime,
}

impl RuleFile {
    /// Frequency and period.
    fn spans(&self) -> Result<[Duration; 2], (&'static str, String)> {
        let own = [
            ("queryFrequency", self.query_frequency),
            ("queryPeriod", self.query_period),
        ];
        let mut spans = [WINDOW_MIN; 2];
        for ((key, span), place) in own.into_iter().zip(&mut spans) {
            match span {
                Some(span) => *place = span.0,
                None if self.kind == Kind::NearRealTime => {}
                None => return Err((key, format!("missing field `{key}`"))),
            }
        }
        Ok(spans)
    }
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct SeverityName(Severity);

impl TryFrom<String> for SeverityName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Severity::from_name(&name).map(Self).ok_or_else(|| {
            format!("severity `{name}` is not one of Informational, Low, Medium, High")
        })
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Span(Duration);

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        parse_duration(&text)
            .map(Self)
            .ok_or_else(|| format!("`{text}` is not a duration such as 5m, 1h, 14d or PT5M"))
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
enum OperatorName {
    #[default]
    #[serde(rename = "gt", alias = "GreaterThan")]
    GreaterThan,
    #[serde(rename = "lt", alias = "LessThan")]
    LessThan,
    #[serde(rename = "eq", alias = "Equal")]
    Equal,
    #[serde(rename = "ne", alias = "NotEqual")]
    NotEqual,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EntityMappingFile {
    entity_type: String,
    field_mappings: Vec<FieldMappingFile>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FieldMappingFile {
    identifier: String,
    column_name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AlertDetailsFile {
    #[serde(rename = "alertDisplayNameFormat")]
    title: Option<String>,
    #[serde(rename = "alertDescriptionFormat")]
    description: Option<String>,
    #[serde(rename = "alertSeverityColumnName")]
    severity_column: Option<String>,
    #[serde(default, rename = "alertTacticsColumnName")]
    #[expect(dead_code, reason = "Sentinel's key without effect here")]
    tactics_column: Option<String>,
    #[serde(default, rename = "alertDynamicProperties")]
    #[expect(dead_code, reason = "Sentinel's key without effect here")]
    dynamic_properties: serde_yaml_ng::Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EventGroupingFile {
    #[serde(default)]
    aggregation_kind: AggregationName,
}

#[derive(Debug, Default, Deserialize)]
enum AggregationName {
    #[default]
    SingleAlert,
    AlertPerResult,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct IncidentFile {
    #[serde(default)]
    create_incident: Option<bool>,
    #[serde(default, deserialize_with = "or_default")]
    grouping_configuration: GroupingFile,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct GroupingFile {
    /// Without grouping each alert has an incident of its own, whatever else is said.
    #[serde(default)]
    enabled: Option<bool>,
    #[serde(default)]
    reopen_closed_incident: bool,
    /// Checked and otherwise without effect: an open incident takes further alerts however old it is.
    #[serde(default)]
    #[expect(dead_code, reason = "Sentinel's key without effect here")]
    lookback_duration: Option<Span>,
    #[serde(default)]
    matching_method: MatchingName,
    #[serde(default, deserialize_with = "or_default")]
    group_by_entities: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    group_by_alert_details: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    group_by_custom_details: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
enum MatchingName {
    #[default]
    AllEntities,
    AnyAlert,
    Selected,
}

/// Our own keys.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Extension {
    #[serde(default)]
    language: Option<String>,
    #[serde(default)]
    samples: Option<String>,
    #[serde(default)]
    runbook: String,
}

/// Reads one rule; `file` is only named in complaints.
pub fn parse_rule(file: &str, text: &str) -> Result<Rule, RuleFailure> {
    // Windows' editors begin a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let parsed: RuleFile = serde_yaml_ng::from_str(text).map_err(|error| {
        let message = error.to_string();
        let location = error.location().map(|location| location.line());
        let line = line_of_value(text, &message).or(location);
        RuleFailure {
            file: file.to_owned(),
            line,
            reason: with_nearest_key(&message),
        }
    })?;
    match check(&parsed) {
        Ok(spans) => Ok(convert((file, text), parsed, spans)),
        Err((key, reason)) => Err(RuleFailure {
            file: file.to_owned(),
            line: line_of(text, key),
            reason,
        }),
    }
}

/// What the types above don't say; a complaint names the key that it is about. Gives frequency and period.
fn check(rule: &RuleFile) -> Result<[Duration; 2], (&'static str, String)> {
    if rule.id.trim().is_empty() {
        return Err(("id", "id is empty".to_owned()));
    }
    let fits = |key, span: Duration| {
        let is_whole = span.subsec_nanos() == 0 && (WINDOW_MIN..=WINDOW_MAX).contains(&span);
        is_whole
            .then_some(())
            .ok_or((key, format!("{key} must be between 1m and 14d")))
    };
    let [frequency, period] = rule.spans()?;
    fits("queryFrequency", frequency)?;
    fits("queryPeriod", period)?;
    if frequency > period {
        let reason = "queryFrequency is longer than queryPeriod: events would be left out";
        return Err(("queryFrequency", reason.to_owned()));
    }
    let language = rule.bartizan.language.as_deref();
    if language.is_some_and(|name| Language::from_name(name).is_none()) {
        let reason = "the query's language is neither kql nor sql";
        return Err(("language", reason.to_owned()));
    }
    if rule.suppression_enabled && rule.suppression_duration.is_none() {
        let reason = "suppressionEnabled needs a suppressionDuration";
        return Err(("suppressionEnabled", reason.to_owned()));
    }
    check_incidents(rule)?;
    Ok([frequency, period])
}

fn check_incidents(rule: &RuleFile) -> Result<(), (&'static str, String)> {
    let refuse = |key, reason: &str| Err((key, reason.to_owned()));
    let grouping = &rule.incident_configuration.grouping_configuration;
    if rule.incident_configuration.create_incident == Some(false) {
        return refuse("createIncident", "createIncident: false is not supported");
    }
    if grouping.reopen_closed_incident {
        return refuse(
            "reopenClosedIncident",
            "reopenClosedIncident: true is not supported",
        );
    }
    if !grouping.group_by_alert_details.is_empty() {
        return refuse(
            "groupByAlertDetails",
            "groupByAlertDetails is not supported",
        );
    }
    let unmapped = |kind: &&String| {
        rule.entity_mappings
            .iter()
            .all(|mapping| mapping.entity_type != **kind)
    };
    if let Some(kind) = grouping.group_by_entities.iter().find(unmapped) {
        return Err((
            "groupByEntities",
            format!("groupByEntities names {kind}, which entityMappings does not"),
        ));
    }
    let undetailed = |name: &&String| !rule.custom_details.contains_key(*name);
    if let Some(name) = grouping.group_by_custom_details.iter().find(undetailed) {
        return Err((
            "groupByCustomDetails",
            format!("groupByCustomDetails names {name}, which customDetails does not"),
        ));
    }
    Ok(())
}

fn convert((file, text): (&str, &str), rule: RuleFile, [frequency, period]: [Duration; 2]) -> Rule {
    let grouping = rule.incident_configuration.grouping_configuration;
    Rule {
        tables: tables_of(&rule.query),
        id: rule.id,
        name: rule.name,
        version: rule.version,
        description: rule.description.trim().to_owned(),
        severity: rule.severity.0,
        tactics: rule.tactics,
        techniques: rule.relevant_techniques,
        frequency,
        period,
        trigger: Trigger {
            operator: operator(rule.trigger_operator),
            threshold: rule.trigger_threshold,
        },
        language: language(rule.bartizan.language.as_deref()),
        query: rule.query,
        entities: rule
            .entity_mappings
            .into_iter()
            .map(entity_mapping)
            .collect(),
        details: rule.custom_details,
        texts: TextOverride {
            title: rule.alert_details_override.title,
            description: rule.alert_details_override.description,
            severity_column: rule.alert_details_override.severity_column,
        },
        aggregation: match rule.event_grouping_settings.aggregation_kind {
            AggregationName::SingleAlert => Aggregation::SingleAlert,
            AggregationName::AlertPerResult => Aggregation::AlertPerResult,
        },
        grouping: match grouping.matching_method {
            _ if grouping.enabled == Some(false) => Grouping::EachAlert,
            MatchingName::AllEntities => Grouping::AllEntities,
            MatchingName::AnyAlert => Grouping::AnyAlert,
            MatchingName::Selected => Grouping::Selected {
                entities: grouping.group_by_entities,
                details: grouping.group_by_custom_details,
            },
        },
        suppression: rule
            .suppression_duration
            .filter(|_| rule.suppression_enabled)
            .map(|span| span.0),
        samples: rule.bartizan.samples,
        runbook: rule.bartizan.runbook.trim().to_owned(),
        file: file.to_owned(),
        query_line: line_of(text, "query").unwrap_or(1),
    }
}

/// Sentinel's rules are in KQL, and say nothing of it.
fn language(name: Option<&str>) -> Language {
    name.and_then(Language::from_name).unwrap_or(Language::Kql)
}

fn operator(name: OperatorName) -> TriggerOperator {
    match name {
        OperatorName::GreaterThan => TriggerOperator::GreaterThan,
        OperatorName::LessThan => TriggerOperator::LessThan,
        OperatorName::Equal => TriggerOperator::Equal,
        OperatorName::NotEqual => TriggerOperator::NotEqual,
    }
}

fn entity_mapping(mapping: EntityMappingFile) -> EntityMapping {
    let fields = mapping
        .field_mappings
        .into_iter()
        .map(|field| (field.identifier, field.column_name));
    EntityMapping {
        kind: mapping.entity_type,
        fields: fields.collect(),
    }
}

/// Tables that the text names as a word. Naming one in a comment only makes the rule wait for it.
fn tables_of(query: &str) -> Vec<Table> {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let words: Vec<&str> = query.split(|character| !is_word(character)).collect();
    Table::ALL
        .into_iter()
        .filter(|table| words.contains(&table.name()))
        .collect()
}

/// First line, from 1, on which `key` stands as a YAML key.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let is_key = |line: &str| {
        let after = line.trim_start().trim_start_matches("- ").strip_prefix(key);
        after.is_some_and(|rest| rest.starts_with(':'))
    };
    text.lines().position(is_key).map(|index| index + 1)
}

/// Line of the value that a message quotes: for a wrong value the parser only tells where its map begins.
fn line_of_value(text: &str, message: &str) -> Option<usize> {
    if message.contains("unknown field") || message.contains("missing field") {
        return None;
    }
    let value = message
        .split('`')
        .nth(1)
        .filter(|value| !value.is_empty())?;
    let has_value = |line: &str| {
        line.split_once(':')
            .is_some_and(|(_, after)| after.contains(value))
    };
    text.lines().position(has_value).map(|index| index + 1)
}

/// Serde names an unknown field and all known ones; the reader wants the one that was meant.
fn with_nearest_key(message: &str) -> String {
    let Some((before, _)) = message.split_once(", expected") else {
        return message.to_owned();
    };
    if !before.contains("unknown field") {
        return message.to_owned();
    }
    let mut names = message.split('`').skip(1).step_by(2);
    let Some(unknown) = names.next() else {
        return message.to_owned();
    };
    let distance =
        |known: &&str| strsim::damerau_levenshtein(&unknown.to_lowercase(), &known.to_lowercase());
    match names.min_by_key(distance) {
        Some(nearest) => format!("{before}; the nearest known key is `{nearest}`"),
        None => before.to_owned(),
    }
}
