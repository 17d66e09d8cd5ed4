//! Result batches as JSON rows, for mapping columns to entities and for showing them to people.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::json::ArrayWriter;
use serde_json::{Map, Value};
use store::Timestamp;

use crate::model::Evidence;

/// Longest text of a cell that is kept as evidence.
const CELL_CHARS_MAX: usize = 400;

/// A row: column name to value, absent if null.
pub(crate) type Row = Map<String, Value>;

/// A query's result.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_field_names, reason = "rows have columns and rows")]
pub(crate) struct Rows {
    /// Column names in the query's order.
    pub(crate) columns: Vec<String>,
    /// The first rows in the query's order.
    pub(crate) rows: Vec<Row>,
    /// How many there are.
    pub(crate) count: u64,
}

impl Rows {
    /// Reads the batches.
    pub(crate) fn from_batches(batches: &[RecordBatch]) -> Result<Self, ArrowError> {
        let columns = match batches.first() {
            Some(batch) => batch
                .schema()
                .fields()
                .iter()
                .map(|field| field.name().clone())
                .collect(),
            None => Vec::new(),
        };
        let mut writer = ArrayWriter::new(Vec::new());
        writer.write_batches(&batches.iter().collect::<Vec<_>>())?;
        writer.finish()?;
        let text = writer.into_inner();
        if text.is_empty() {
            return Ok(Self {
                columns,
                ..Self::default()
            });
        }
        let rows: Vec<Row> = serde_json::from_slice(&text)
            .map_err(|source| ArrowError::ExternalError(Box::new(source)))?;
        Ok(Self {
            columns,
            count: rows.len() as u64,
            rows,
        })
    }

    /// The first `rows_max` rows as text.
    pub(crate) fn evidence(&self, rows_max: usize) -> Evidence {
        let cells = |row: &Row| {
            self.columns
                .iter()
                .map(|column| cell(row, column))
                .collect()
        };
        Evidence {
            columns: self.columns.clone(),
            rows: self.rows.iter().take(rows_max).map(cells).collect(),
        }
    }
}

fn cell(row: &Row, column: &str) -> String {
    let text = text_of(row, column).unwrap_or_default();
    match text.char_indices().nth(CELL_CHARS_MAX) {
        Some(_) => text.chars().take(CELL_CHARS_MAX).chain(['…']).collect(),
        None => text,
    }
}

/// A value as text; `None` if it is null, absent or empty.
pub(crate) fn text_of(row: &Row, column: &str) -> Option<String> {
    let text = match row.get(column)? {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    (!text.is_empty()).then_some(text)
}

/// A value as an instant; text without a zone is UTC.
pub(crate) fn instant_of(row: &Row, column: &str) -> Option<Timestamp> {
    let text = text_of(row, column)?;
    Timestamp::parse_rfc3339(&text).or_else(|| Timestamp::parse_rfc3339(&format!("{text}Z")))
}
