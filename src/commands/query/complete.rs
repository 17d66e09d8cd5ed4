//! What a word in a query may go on as.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// Most candidates that are shown.
const CANDIDATES_MAX: usize = 200;

/// Names that the service knows.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) tables: BTreeMap<String, Vec<String>>,
    pub(super) vocabulary: Vocabulary,
}

/// Vocabulary of the language.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Vocabulary {
    operators: Vec<String>,
    words: Vec<String>,
    functions: Vec<String>,
}

impl Names {
    /// Takes tables and columns out of the description of the databases.
    pub(super) fn learn_tables(&mut self, schema: &Value) {
        let databases = schema.get("Databases").and_then(Value::as_object);
        for database in databases
            .into_iter()
            .flat_map(|databases| databases.values())
        {
            let tables = database.get("Tables").and_then(Value::as_object);
            for (name, table) in tables.into_iter().flatten() {
                let columns = table.get("OrderedColumns").and_then(Value::as_array);
                let columns = columns.into_iter().flatten();
                let columns = columns.filter_map(|column| column.get("Name")?.as_str());
                let columns = columns.map(str::to_owned).collect();
                self.tables.insert(name.clone(), columns);
            }
        }
    }

    /// Where the word before the cursor begins, and what it may go on as: behind a pipe an operator, else columns of
    /// the tables that are named before names of the rest.
    pub(super) fn candidates(&self, text: &str, cursor: usize) -> (usize, Vec<String>) {
        let before = text.get(..cursor).unwrap_or(text);
        let is_word = |letter: char| letter.is_alphanumeric() || "_-!".contains(letter);
        let start = before
            .char_indices()
            .rev()
            .take_while(|(_, letter)| is_word(*letter))
            .last()
            .map_or(before.len(), |(place, _)| place);
        let word = before.get(start..).unwrap_or_default();
        let behind = before.get(..start).unwrap_or_default().trim_end();
        let mut found: Vec<&str> = Vec::new();
        if behind.ends_with('|') {
            found.extend(self.vocabulary.operators.iter().map(String::as_str));
        } else {
            let split = text.split(|letter: char| !is_word(letter));
            let named: Vec<&str> = split.collect();
            let is_named = |name: &&String| named.contains(&name.as_str());
            let mut columns = Vec::new();
            for name in self.tables.keys().filter(is_named) {
                columns.extend(self.tables.get(name).into_iter().flatten());
            }
            columns.sort_unstable();
            columns.dedup();
            found.extend(columns.into_iter().map(String::as_str));
            found.extend(self.tables.keys().map(String::as_str));
            found.extend(self.vocabulary.functions.iter().map(String::as_str));
            found.extend(self.vocabulary.words.iter().map(String::as_str));
        }
        let lower = word.to_lowercase();
        found.retain(|name| name.to_lowercase().starts_with(&lower));
        let found = found.into_iter().take(CANDIDATES_MAX);
        (start, found.map(str::to_owned).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names() -> Names {
        let words = json!({"operators": ["where", "project", "project-away"], "words": ["has", "by"],
            "functions": ["tolower", "tostring", "ago"]});
        let mut names = Names {
            tables: BTreeMap::new(),
            vocabulary: serde_json::from_value(words).unwrap(),
        };
        let columns = json!([{"Name": "Result"}, {"Name": "TimeGenerated"}]);
        names.learn_tables(&json!({"Databases": {"default": {"Tables": {
            "AuditLogs": {"OrderedColumns": columns},
            "AzureActivity": {"OrderedColumns": [{"Name": "Caller"}]}}}}}));
        names
    }

    #[track_caller]
    fn check(text: &str, start: usize, expected: &[&str]) {
        let (found_start, found) = names().candidates(text, text.len());
        assert_eq!(
            (found_start, found),
            (
                start,
                expected.iter().map(|name| (*name).to_owned()).collect()
            ),
            "{text}"
        );
    }

    #[test]
    fn a_query_begins_with_a_table() {
        check("Au", 0, &["AuditLogs"]);
        check("a", 0, &["AuditLogs", "AzureActivity", "ago"]);
    }

    #[test]
    fn behind_a_pipe_stands_an_operator() {
        check("AuditLogs | pro", 12, &["project", "project-away"]);
        check("AuditLogs\n| project-", 12, &["project-away"]);
    }

    #[test]
    fn columns_are_those_of_the_tables_that_are_named() {
        check("AuditLogs | where Re", 18, &["Result"]);
        check("AuditLogs | where C", 18, &[]);
        check(
            "AuditLogs | where t",
            18,
            &["TimeGenerated", "tolower", "tostring"],
        );
    }
}
