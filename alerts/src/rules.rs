//! Rules: Sentinel's scheduled analytics rules in YAML, with our keys under `bartizan:`.
//!
//! A rule that can't run is listed with file, line and reason; it is never skipped in silence.

mod columns;
mod duration;
mod file;
mod shipped;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use query::{Engine, Language, Question};
use store::{Table, Workspace};

use crate::model::Severity;

pub(crate) use columns::placeholders;
pub use file::parse_rule;

/// A rule that can run.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Stable id, a GUID by convention.
    pub id: String,
    /// Title of its incidents, unless it overrides that per finding.
    pub name: String,
    /// Version of the rule's text.
    pub version: String,
    /// What it looks for and why that matters.
    pub description: String,
    /// Severity of its incidents, unless it overrides that per finding.
    pub severity: Severity,
    /// ATT&CK tactics.
    pub tactics: Vec<String>,
    /// ATT&CK techniques.
    pub techniques: Vec<String>,
    /// Distance between two windows.
    pub frequency: Duration,
    /// Length of a window.
    pub period: Duration,
    /// How many result rows make a finding.
    pub trigger: Trigger,
    /// In which language the query and the sample query are.
    pub language: Language,
    /// The query over the window.
    pub query: String,
    /// Tables that the query reads.
    pub tables: Vec<Table>,
    /// Result columns that name entities.
    pub entities: Vec<EntityMapping>,
    /// Name and result column of facts shown with the alert.
    pub details: BTreeMap<String, String>,
    /// Texts that result columns fill in.
    pub texts: TextOverride,
    /// One alert for all rows or for each.
    pub aggregation: Aggregation,
    /// Which alerts belong to one incident.
    pub grouping: Grouping,
    /// Pause after an alert, in event time.
    pub suppression: Option<Duration>,
    /// Query for sample rows of one finding: in SQL with `$Column` for the finding's columns, in KQL with query
    /// parameters `finding_Column`.
    pub samples: Option<String>,
    /// What to do when it fires.
    pub runbook: String,
    /// Where its text came from.
    pub file: String,
    /// Line of `query:` in that file.
    pub query_line: usize,
}

/// What a parameter begins with in KQL, where a column of the same name would hide it.
const FINDING: &str = "finding_";

impl Rule {
    /// A question in the rule's language.
    pub(crate) fn question(&self, text: &str) -> Question {
        match self.language {
            Language::Sql => Question::sql(text),
            Language::Kql => Question::kql(text),
        }
    }

    /// Parameters of the sample query, and the finding's column that each stands for.
    pub(crate) fn sample_parameters(&self) -> Vec<(String, String)> {
        let samples = self.samples.as_deref().unwrap_or_default();
        let names = match self.language {
            Language::Sql => columns::dollar_parameters(samples),
            Language::Kql => columns::declared_parameters(samples),
        };
        let column = |name: &str| name.strip_prefix(FINDING).unwrap_or(name).to_owned();
        let names = names.into_iter();
        names.map(|name| (name.clone(), column(&name))).collect()
    }
}

/// A comparison of the number of result rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// Which comparison.
    pub operator: TriggerOperator,
    /// With what.
    pub threshold: u64,
}

/// Sentinel's comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerOperator {
    /// More rows than the threshold.
    GreaterThan,
    /// Fewer.
    LessThan,
    /// As many.
    Equal,
    /// Not as many.
    NotEqual,
}

impl Trigger {
    /// Whether so many rows make a finding.
    pub fn fires(self, rows: u64) -> bool {
        match self.operator {
            TriggerOperator::GreaterThan => rows > self.threshold,
            TriggerOperator::LessThan => rows < self.threshold,
            TriggerOperator::Equal => rows == self.threshold,
            TriggerOperator::NotEqual => rows != self.threshold,
        }
    }
}

impl std::fmt::Display for Trigger {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let operator = match self.operator {
            TriggerOperator::GreaterThan => "more than",
            TriggerOperator::LessThan => "fewer than",
            TriggerOperator::Equal => "exactly",
            TriggerOperator::NotEqual => "other than",
        };
        write!(formatter, "{operator} {}", self.threshold)
    }
}

/// An entity type and the result columns of its identifiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityMapping {
    /// Sentinel's entity type.
    pub kind: String,
    /// Identifier and column.
    pub fields: Vec<(String, String)>,
}

/// Texts in which `{{Column}}` is replaced by the finding's value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextOverride {
    /// Title.
    pub title: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Column that holds the severity.
    pub severity_column: Option<String>,
}

/// One alert for all rows or for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Aggregation {
    /// One for all.
    #[default]
    SingleAlert,
    /// One for each.
    AlertPerResult,
}

/// Which alerts of a rule belong to one incident.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Grouping {
    /// Those with the same entities.
    #[default]
    AllEntities,
    /// Each has its own.
    EachAlert,
    /// All.
    AnyAlert,
    /// Those with the same of these.
    Selected {
        /// Entity types.
        entities: Vec<String>,
        /// Names of custom details.
        details: Vec<String>,
    },
}

/// Why a rule does not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFailure {
    /// File, as found.
    pub file: String,
    /// Line, from 1.
    pub line: Option<usize>,
    /// What is wrong with it.
    pub reason: String,
}

impl std::fmt::Display for RuleFailure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(formatter, "{}:{line}: {}", self.file, self.reason),
            None => write!(formatter, "{}: {}", self.file, self.reason),
        }
    }
}

/// The rules that run and those that can't.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    /// Ready to run, by id.
    pub rules: Vec<Rule>,
    /// Not ready.
    pub failures: Vec<RuleFailure>,
}

impl RuleSet {
    /// Reads the shipped rules and the user's. A rule of the user's with the id of a shipped one
    /// takes its place; two of the user's with one id are a failure.
    pub fn load(directory: Option<&Path>, disabled: &[String]) -> Self {
        let mut set = Self::default();
        for (file, text) in shipped::FILES {
            set.add(parse_rule(file, text));
        }
        if let Some(directory) = directory {
            let mut own = Self::default();
            match files_of(directory) {
                Ok(files) => files.iter().for_each(|file| own.add(read_rule(file))),
                Err(source) => own.failures.push(RuleFailure {
                    file: directory.display().to_string(),
                    line: None,
                    reason: format!("read the directory of rules: {source}"),
                }),
            }
            set.rules
                .retain(|rule| own.rules.iter().all(|other| !is_same(&other.id, &rule.id)));
            set.rules.append(&mut own.rules);
            set.failures.append(&mut own.failures);
        }
        for id in disabled {
            let count = set.rules.len();
            set.rules.retain(|rule| !is_same(&rule.id, id));
            if set.rules.len() == count {
                set.failures.push(RuleFailure {
                    file: "rules.disabled".to_owned(),
                    line: None,
                    reason: format!("no rule has the id {id}"),
                });
            }
        }
        set.rules.sort_by(|left, right| left.id.cmp(&right.id));
        set
    }

    fn add(&mut self, parsed: Result<Rule, RuleFailure>) {
        match parsed {
            Ok(rule) => match self.rules.iter().find(|other| is_same(&other.id, &rule.id)) {
                Some(other) => self.failures.push(RuleFailure {
                    reason: format!("id {} is already that of {}", rule.id, other.file),
                    file: rule.file,
                    line: None,
                }),
                None => self.rules.push(rule),
            },
            Err(failure) => self.failures.push(failure),
        }
    }

    /// Plans every query; a rule whose query or columns don't hold moves to the failures.
    pub async fn plan(&mut self, engine: &Engine, workspace: &Workspace) {
        let mut planned = Vec::with_capacity(self.rules.len());
        for mut rule in std::mem::take(&mut self.rules) {
            match columns::check(&rule, engine, workspace).await {
                Ok(tables) => {
                    rule.tables = tables.into_iter().collect();
                    planned.push(rule);
                }
                Err(failure) => self.failures.push(failure),
            }
        }
        self.rules = planned;
    }
}

/// GUIDs are written in either case.
fn is_same(left: &str, right: &str) -> bool {
    left.eq_ignore_ascii_case(right)
}

/// Folders within folders that are looked into.
const DEPTH_MAX: usize = 8;

/// The rule files of a folder and of those in it, where repositories of rules keep them by source.
fn files_of(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let (mut files, mut folders) = (Vec::new(), vec![(directory.to_owned(), 0)]);
    while let Some((folder, depth)) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let path = entry.path();
            // What a mounted volume's links point to lies in hidden folders.
            let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
            if entry.file_type()?.is_dir() {
                if depth < DEPTH_MAX && !is_hidden {
                    folders.push((path, depth + 1));
                }
                continue;
            }
            let extension = path.extension().and_then(|extension| extension.to_str());
            let is_yaml = |extension: &str| {
                ["yaml", "yml"]
                    .iter()
                    .any(|known| extension.eq_ignore_ascii_case(known))
            };
            if extension.is_some_and(is_yaml) {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn read_rule(path: &Path) -> Result<Rule, RuleFailure> {
    let file = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => parse_rule(&file, &text),
        Err(source) => Err(RuleFailure {
            file,
            line: None,
            reason: format!("read the file: {source}"),
        }),
    }
}

#[cfg(test)]
mod tests;
