//! The columns of one table while rows are written into them.
//!
//! A row is written as its members come, in any order: a column that a row does not set is filled
//! with a null when a later row sets it, or at the end. A column that no row sets costs nothing.

mod symbols;

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Float64Builder, Int32Builder, Int64Builder,
    RecordBatch, StringBuilder, TimestampMicrosecondBuilder, new_null_array,
};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use serde::de::IgnoredAny;
use store::schema::Column as TableColumn;
use store::{ColumnType, Table, Timestamp, Workspace};

use symbols::Symbols;

use crate::{json, time};

/// A column's place in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(usize);

impl Place {
    /// The place of the column of that name. One that does not exist is a place that takes nothing.
    pub(crate) fn of(table: Table, name: &str) -> Self {
        let found = table
            .columns()
            .iter()
            .position(|column| column.name == name);
        debug_assert!(found.is_some(), "{table} has no column {name}");
        Self(found.unwrap_or(usize::MAX))
    }
}

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    /// The column holds it, or it was `null`.
    Done,
    /// The column has a value in this row already, or the value is of another type: it has to be
    /// kept elsewhere.
    Refused,
}

/// Columns of one table.
#[derive(Debug)]
pub(crate) struct Columns {
    table: Table,
    list: Vec<Column>,
    /// Rows that are complete.
    rows: usize,
    /// Rows for which a column makes room when it is first set.
    rows_expected: usize,
}

#[derive(Debug)]
struct Column {
    kind: ColumnType,
    repeats: bool,
    /// Rows written, nulls included.
    rows: usize,
    values: Option<Values>,
}

#[derive(Debug)]
enum Values {
    Symbol(Symbols),
    Text(StringBuilder),
    Int(Int32Builder),
    Long(Int64Builder),
    Real(Float64Builder),
    Bool(BooleanBuilder),
    Datetime(TimestampMicrosecondBuilder),
    Bytes(BinaryBuilder),
}

impl Values {
    fn new(column: &Column, rows: usize) -> Self {
        match column.kind {
            ColumnType::Text | ColumnType::Dynamic if column.repeats => {
                Self::Symbol(Symbols::with_capacity(rows))
            }
            ColumnType::Text | ColumnType::Dynamic => {
                Self::Text(StringBuilder::with_capacity(rows, rows.saturating_mul(64)))
            }
            ColumnType::Int => Self::Int(Int32Builder::with_capacity(rows)),
            ColumnType::Long => Self::Long(Int64Builder::with_capacity(rows)),
            ColumnType::Real => Self::Real(Float64Builder::with_capacity(rows)),
            ColumnType::Bool => Self::Bool(BooleanBuilder::with_capacity(rows)),
            ColumnType::Datetime => {
                let builder = TimestampMicrosecondBuilder::with_capacity(rows);
                Self::Datetime(builder.with_timezone("UTC"))
            }
            ColumnType::Bytes => Self::Bytes(BinaryBuilder::new()),
        }
    }

    fn append_nulls(&mut self, count: usize) {
        match self {
            Self::Symbol(symbols) => symbols.append_nulls(count),
            Self::Text(builder) => builder.append_nulls(count),
            Self::Int(builder) => builder.append_nulls(count),
            Self::Long(builder) => builder.append_nulls(count),
            Self::Real(builder) => builder.append_nulls(count),
            Self::Bool(builder) => builder.append_nulls(count),
            Self::Datetime(builder) => builder.append_nulls(count),
            Self::Bytes(builder) => builder.append_nulls(count),
        }
    }

    fn finish(self) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Symbol(symbols) => symbols.finish()?,
            Self::Text(mut builder) => Arc::new(builder.finish()),
            Self::Int(mut builder) => Arc::new(builder.finish()),
            Self::Long(mut builder) => Arc::new(builder.finish()),
            Self::Real(mut builder) => Arc::new(builder.finish()),
            Self::Bool(mut builder) => Arc::new(builder.finish()),
            Self::Datetime(mut builder) => Arc::new(builder.finish()),
            Self::Bytes(mut builder) => Arc::new(builder.finish()),
        })
    }
}

/// Sets the value of a typed column in the present row.
macro_rules! setter {
    ($(#[$doc:meta])* $name:ident, $variant:ident, $type:ty) => {
        $(#[$doc])*
        pub(crate) fn $name(&mut self, place: Place, value: $type) -> Put {
            match self.open(place) {
                Some(Values::$variant(builder)) => builder.append_value(value),
                Some(_) | None => return Put::Refused,
            }
            self.close(place)
        }
    };
}

impl Columns {
    /// No rows yet; `rows_expected` sizes the memory, not more.
    pub(crate) fn new(table: Table, rows_expected: usize) -> Self {
        let column = |known: &TableColumn| Column {
            kind: known.kind,
            repeats: known.repeats(),
            rows: 0,
            values: None,
        };
        let list = table.columns().iter().map(column).collect();
        Self {
            table,
            list,
            rows: 0,
            rows_expected,
        }
    }

    /// Complete rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Completes the present row.
    pub(crate) fn end_row(&mut self) {
        self.rows = self.rows.saturating_add(1);
    }

    /// The builder of a column, brought to the present row; `None` if it is set there already.
    fn open(&mut self, place: Place) -> Option<&mut Values> {
        let rows = self.rows;
        let column = self.list.get_mut(place.0)?;
        if column.rows > rows {
            return None;
        }
        let expected = self.rows_expected.max(rows);
        if column.values.is_none() {
            column.values = Some(Values::new(column, expected));
        }
        let values = column.values.as_mut()?;
        if column.rows < rows {
            values.append_nulls(rows.saturating_sub(column.rows));
            column.rows = rows;
        }
        Some(values)
    }

    fn close(&mut self, place: Place) -> Put {
        self.close_rows(place, 1)
    }

    fn close_rows(&mut self, place: Place, rows: usize) -> Put {
        if let Some(column) = self.list.get_mut(place.0) {
            column.rows = self.rows.saturating_add(rows);
        }
        Put::Done
    }

    /// Sets text, or JSON text. The same text once more changes nothing and is done too.
    pub(crate) fn text(&mut self, place: Place, value: &str) -> Put {
        match self.open(place) {
            Some(Values::Symbol(symbols)) => {
                symbols.append_n(value, 1);
                return self.close(place);
            }
            Some(Values::Text(builder)) => {
                builder.append_value(value);
                return self.close(place);
            }
            Some(_) => return Put::Refused,
            None => {}
        }
        let is_same = self.last_text(place) == Some(value.as_bytes());
        if is_same { Put::Done } else { Put::Refused }
    }

    /// Sets text in the present row and those that follow, `rows` of them.
    pub(crate) fn text_of_rows(&mut self, place: Place, value: &str, rows: usize) -> Put {
        match self.open(place) {
            Some(Values::Symbol(symbols)) => symbols.append_n(value, rows),
            Some(Values::Text(builder)) => builder.append_value_n(value, rows),
            Some(_) | None => return Put::Refused,
        }
        self.close_rows(place, rows)
    }

    /// Sets an instant in the present row and those that follow, `rows` of them.
    pub(crate) fn datetime_of_rows(&mut self, place: Place, value: Timestamp, rows: usize) -> Put {
        match self.open(place) {
            Some(Values::Datetime(builder)) => builder.append_value_n(value.as_micros(), rows),
            Some(_) | None => return Put::Refused,
        }
        self.close_rows(place, rows)
    }

    /// What the present row has in a text column that it has set.
    fn last_text(&self, place: Place) -> Option<&[u8]> {
        let builder = match self.list.get(place.0)?.values.as_ref()? {
            Values::Symbol(symbols) => return symbols.last().map(str::as_bytes),
            Values::Text(builder) => builder,
            _ => return None,
        };
        let [.., start, _end] = builder.offsets_slice() else {
            return None;
        };
        builder.values_slice().get(usize::try_from(*start).ok()?..)
    }

    setter!(
        /// Sets a 32-bit integer.
        int, Int, i32
    );
    setter!(
        /// Sets a 64-bit integer.
        long, Long, i64
    );
    setter!(
        /// Sets octets.
        bytes, Bytes, &[u8]
    );
    setter!(
        /// Sets a float.
        real, Real, f64
    );
    setter!(
        /// Sets a boolean.
        boolean, Bool, bool
    );

    /// Sets an instant.
    pub(crate) fn datetime(&mut self, place: Place, value: Timestamp) -> Put {
        match self.open(place) {
            Some(Values::Datetime(builder)) => builder.append_value(value.as_micros()),
            Some(_) | None => return Put::Refused,
        }
        self.close(place)
    }

    /// Sets whatever `value`, a JSON text, means to the column's type. Numbers and booleans may come
    /// as strings; an object or array in a text column stays JSON text; `null` sets nothing, and
    /// neither does an empty string where the column is no text.
    pub(crate) fn json(&mut self, place: Place, value: &str) -> Put {
        let Some(kind) = self.list.get(place.0).map(|column| column.kind) else {
            return Put::Refused;
        };
        if value == "null" || (value == "\"\"" && kind != ColumnType::Text) {
            return Put::Done;
        }
        if kind == ColumnType::Dynamic {
            return match embedded(value) {
                Some(text) => self.text(place, &text),
                None => self.text(place, value),
            };
        }
        let text = if value.starts_with('"') {
            match json::string(value) {
                Some(text) => text,
                None => return Put::Refused,
            }
        } else {
            Cow::Borrowed(value)
        };
        self.parsed(place, kind, &text)
    }

    /// Sets whatever `text` means to the column's type, as [`Columns::json`] does with a string.
    pub(crate) fn plain(&mut self, place: Place, text: &str) -> Put {
        match self.list.get(place.0).map(|column| column.kind) {
            Some(kind) => self.parsed(place, kind, text),
            None => Put::Refused,
        }
    }

    fn parsed(&mut self, place: Place, kind: ColumnType, text: &str) -> Put {
        let put = match kind {
            ColumnType::Text | ColumnType::Dynamic => Some(self.text(place, text)),
            ColumnType::Int => {
                let value = integer(text).and_then(|value| i32::try_from(value).ok());
                value.map(|value| self.int(place, value))
            }
            ColumnType::Long => integer(text).map(|value| self.long(place, value)),
            ColumnType::Real => {
                let value = text.parse().ok().filter(|value: &f64| value.is_finite());
                value.map(|value| self.real(place, value))
            }
            ColumnType::Bool => truth(text).map(|value| self.boolean(place, value)),
            ColumnType::Datetime => time::parse(text).map(|value| self.datetime(place, value)),
            ColumnType::Bytes => None,
        };
        put.unwrap_or(Put::Refused)
    }

    /// The rows. Columns that are the same in every row are filled here, and those that no row has
    /// set share their nulls.
    pub(crate) fn finish(mut self, constants: &Constants<'_>) -> Result<RecordBatch, ArrowError> {
        let schema: SchemaRef = self.table.batch_schema();
        let rows = self.rows;
        let mut nulls: Vec<(&DataType, ArrayRef)> = Vec::new();
        let mut arrays = Vec::with_capacity(self.list.len());
        for (column, field) in self.list.iter_mut().zip(schema.fields()) {
            // Rows of other gateways have a source of their own.
            if column.values.is_none() {
                column.values = constants.values(self.table, field.name(), rows);
                column.rows = rows;
            }
            if let Some(array) = column.finish(rows)? {
                arrays.push(array);
                continue;
            }
            let kind = field.data_type();
            let shared = nulls.iter().find(|(of, _)| *of == kind);
            arrays.push(match shared {
                Some((_, array)) => Arc::clone(array),
                None => {
                    let array = new_null_array(kind, rows);
                    nulls.push((kind, Arc::clone(&array)));
                    array
                }
            });
        }
        drop(nulls);
        RecordBatch::try_new(schema, arrays)
    }
}

impl Column {
    /// The column's values; `None` if no row has set it.
    fn finish(&mut self, rows: usize) -> Result<Option<ArrayRef>, ArrowError> {
        let Some(mut values) = self.values.take() else {
            return Ok(None);
        };
        values.append_nulls(rows.saturating_sub(self.rows));
        values.finish().map(Some)
    }
}

/// What every row of a batch has in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Constants<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) received: Timestamp,
}

impl Constants<'_> {
    fn values(&self, table: Table, column: &str, rows: usize) -> Option<Values> {
        let text = match column {
            "TenantId" => self.workspace.as_str(),
            "Type" => table.name(),
            "SourceSystem" => "Azure",
            "_TimeReceived" => {
                let builder = TimestampMicrosecondBuilder::with_capacity(rows);
                let mut builder = builder.with_timezone("UTC");
                builder.append_value_n(self.received.as_micros(), rows);
                return Some(Values::Datetime(builder));
            }
            _ => return None,
        };
        let mut symbols = Symbols::with_capacity(rows);
        symbols.append_n(text, rows);
        Some(Values::Symbol(symbols))
    }
}

/// The object or array that a string holds: exports write dynamic columns so.
pub(crate) fn embedded(value: &str) -> Option<Cow<'_, str>> {
    let text = json::string(value)?;
    if !text.starts_with('[') {
        return json::object(value);
    }
    let is_valid = !json::is_deeper(&text, json::EMBEDDED_DEPTH_MAX)
        && serde_json::from_str::<IgnoredAny>(&text).is_ok();
    is_valid.then_some(text)
}

/// An integer, also one that is written `12.0`.
fn integer(text: &str) -> Option<i64> {
    if let Ok(value) = text.parse() {
        return Some(value);
    }
    let (whole, decimals) = text.split_once('.')?;
    let is_zero = !decimals.is_empty() && decimals.bytes().all(|byte| byte == b'0');
    if is_zero { whole.parse().ok() } else { None }
}

fn truth(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        return Some(true);
    }
    text.eq_ignore_ascii_case("false").then_some(false)
}
