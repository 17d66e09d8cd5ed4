//! Result columns: which ones a rule speaks of, and whether its query has them.

use std::collections::BTreeSet;

use arrow::datatypes::Schema;
use query::Engine;
use store::{Table, Workspace};

use super::{Rule, RuleFailure};

/// Checks that the query and the sample query plan, and that every column named is there. Gives the tables that the
/// query reads, whichever way.
pub(super) async fn check(
    rule: &Rule,
    engine: &Engine,
    workspace: &Workspace,
) -> Result<BTreeSet<Table>, RuleFailure> {
    let failure = |reason: String| RuleFailure {
        file: rule.file.clone(),
        line: Some(rule.query_line),
        reason,
    };
    let (schema, mut tables) = engine
        .check(workspace, rule.question(&rule.query))
        .await
        .map_err(|source| failure(format!("plan the query: {source}")))?;
    if let Some(column) = columns_of(rule)
        .into_iter()
        .find(|column| schema.field_with_name(column).is_err())
    {
        return Err(failure(format!(
            "column `{column}` is not in the query's result{}",
            nearest(&column, &schema)
        )));
    }
    tables.extend(&rule.tables);
    if tables.is_empty() {
        let reason = "the query reads no table of logs: its windows would never come";
        return Err(failure(reason.to_owned()));
    }
    Ok(tables)
}

fn nearest(column: &str, schema: &Schema) -> String {
    schema
        .fields()
        .iter()
        .min_by_key(|field| strsim::damerau_levenshtein(column, field.name()))
        .map(|field| format!("; the nearest one is `{}`", field.name()))
        .unwrap_or_default()
}

/// Every result column that the rule names.
fn columns_of(rule: &Rule) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    for mapping in &rule.entities {
        columns.extend(mapping.fields.iter().map(|(_, column)| column.clone()));
    }
    columns.extend(rule.details.values().cloned());
    columns.extend(rule.texts.severity_column.clone());
    for text in [&rule.texts.title, &rule.texts.description]
        .into_iter()
        .flatten()
    {
        columns.extend(
            placeholders(text)
                .into_iter()
                .map(|column| column.trim().to_owned()),
        );
    }
    let parameters = rule.sample_parameters().into_iter();
    columns.extend(parameters.map(|(_, column)| column));
    columns
}

/// What stands between `{{` and `}}` in a text.
pub(crate) fn placeholders(text: &str) -> Vec<&str> {
    text.split("{{")
        .skip(1)
        .filter_map(|part| part.split_once("}}"))
        .map(|(inside, _)| inside)
        .collect()
}

/// The names of the `$Name` parameters in SQL, each once.
pub(super) fn dollar_parameters(sql: &str) -> Vec<String> {
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let mut names: Vec<String> = Vec::new();
    for part in sql.split('$').skip(1) {
        let name: String = part
            .chars()
            .take_while(|character| is_word(*character))
            .collect();
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The names that `declare query_parameters(Name: type, ...)` declares in KQL.
pub(super) fn declared_parameters(kql: &str) -> Vec<String> {
    let declared = kql
        .split_once("query_parameters")
        .and_then(|(_, rest)| rest.trim_start().strip_prefix('('))
        .and_then(|rest| rest.split_once(')'));
    let Some((declared, _)) = declared else {
        return Vec::new();
    };
    let names = declared.split(',').filter_map(|one| one.split_once(':'));
    names.map(|(name, _)| name.trim().to_owned()).collect()
}
