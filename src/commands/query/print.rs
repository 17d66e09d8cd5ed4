//! Answers and refusals as a person reads them.

use std::sync::Arc;

use anyhow::Context as _;
use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::util::pretty::pretty_format_batches;
use serde::Deserialize;
use serde_json::Value;

use super::Refusal;
use crate::cli::FormatArgument;
use crate::terminal;

#[derive(Deserialize)]
struct Answer {
    columns: Vec<Column>,
    rows: Vec<Vec<Value>>,
    truncated: bool,
}

#[derive(Deserialize)]
struct Column {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tables {
    tables: Vec<Table>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Table {
    columns: Vec<TableColumn>,
    rows: Vec<Vec<Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TableColumn {
    column_name: String,
}

/// Prints the plans of a question, each under what it is.
pub(super) fn plans(body: &[u8]) -> anyhow::Result<()> {
    let answer: Answer = serde_json::from_slice(body).context("read the answer")?;
    for row in answer.rows {
        for (place, text) in row.iter().filter_map(Value::as_str).enumerate() {
            let end = if place == 0 { ":" } else { "" };
            terminal::line(format!("{}{end}", terminal::visible(text.trim_end())));
        }
    }
    Ok(())
}

/// Prints the answer to a question.
pub(super) fn answer(format: FormatArgument, body: &[u8]) -> anyhow::Result<()> {
    if format != FormatArgument::Table {
        let text = String::from_utf8_lossy(body);
        terminal::line(terminal::visible(text.trim_end_matches(['\r', '\n'])));
        return Ok(());
    }
    let answer: Answer = serde_json::from_slice(body).context("read the answer")?;
    let names: Vec<String> = answer
        .columns
        .into_iter()
        .map(|column| column.name)
        .collect();
    table(&names, &answer.rows)?;
    let cut = if answer.truncated {
        ", cut off at the limit"
    } else {
        ""
    };
    terminal::line(format!("{} rows{cut}", answer.rows.len()));
    Ok(())
}

/// Prints the answer to a command.
pub(super) fn command(body: &[u8]) -> anyhow::Result<()> {
    let answer: Tables = serde_json::from_slice(body).context("read the answer")?;
    for found in answer.tables.iter().take(1) {
        let names = found
            .columns
            .iter()
            .map(|column| column.column_name.clone());
        table(&names.collect::<Vec<_>>(), &found.rows)?;
    }
    Ok(())
}

fn table(names: &[String], rows: &[Vec<Value>]) -> anyhow::Result<()> {
    let mut fields = Vec::with_capacity(names.len());
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(names.len());
    for (place, name) in names.iter().enumerate() {
        let cells = rows.iter().map(|row| row.get(place).and_then(cell));
        fields.push(Field::new(name, DataType::Utf8, true));
        columns.push(Arc::new(cells.collect::<StringArray>()));
    }
    if columns.is_empty() {
        return Ok(());
    }
    let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
    let table = pretty_format_batches(&[rows]).context("draw the answer")?;
    terminal::line(terminal::visible(&table.to_string()));
    Ok(())
}

fn cell(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Prints why there is no answer, with the place in the query if it has one.
pub(super) fn refusal(query: &str, refusal: &Refusal) {
    let mut text = format!("{}: {}", refusal.status, refusal.detail);
    if let Some(shown) = refusal
        .line
        .zip(refusal.column)
        .and_then(|place| caret(query, place))
    {
        text.push('\n');
        text.push_str(&shown);
    }
    terminal::complaint(&terminal::visible(&text));
}

/// The line with a mistake, and a caret below it.
fn caret(query: &str, (line, column): (usize, usize)) -> Option<String> {
    let text = query.lines().nth(line.checked_sub(1)?)?.replace('\t', " ");
    let before = " ".repeat(column.checked_sub(1)?.min(text.chars().count()));
    Some(format!("  {text}\n  {before}^"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caret_stands_below_the_mistake() {
        assert_eq!(
            caret("a\n\tbc d", (2, 5)).as_deref(),
            Some("   bc d\n      ^")
        );
        assert_eq!(caret("a", (1, 2)).as_deref(), Some("  a\n   ^"));
        assert_eq!(caret("a", (3, 1)), None);
    }
}
