//! The columns of one table while rows are written into them.
//!
//! A row is written as its members come, in any order: a column that a row does not set is filled
//! with a null when a later row sets it, or at the end. A column that no row sets costs nothing.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Float64Builder, Int32Builder, Int64Builder,
    RecordBatch, StringArray, StringBuilder, TimestampMicrosecondArray,
    TimestampMicrosecondBuilder, new_null_array,
};
use arrow::buffer::{Buffer, OffsetBuffer};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use serde::de::IgnoredAny;
use store::{ColumnType, Table, Timestamp, Workspace};

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
    /// Rows written, nulls included.
    rows: usize,
    values: Option<Values>,
}

#[derive(Debug)]
enum Values {
    Text(StringBuilder),
    Int(Int32Builder),
    Long(Int64Builder),
    Real(Float64Builder),
    Bool(BooleanBuilder),
    Datetime(TimestampMicrosecondBuilder),
    Bytes(BinaryBuilder),
}

/// Runs the same on the builder of any type.
macro_rules! each {
    ($values:expr, $builder:ident => $body:expr) => {
        match $values {
            Values::Text($builder) => $body,
            Values::Int($builder) => $body,
            Values::Long($builder) => $body,
            Values::Real($builder) => $body,
            Values::Bool($builder) => $body,
            Values::Datetime($builder) => $body,
            Values::Bytes($builder) => $body,
        }
    };
}

impl Values {
    fn new(kind: ColumnType, rows: usize) -> Self {
        match kind {
            ColumnType::Text | ColumnType::Dynamic => {
                Self::Text(StringBuilder::with_capacity(rows, rows.saturating_mul(16)))
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
        each!(self, builder => (0..count).for_each(|_| builder.append_null()));
    }

    fn finish(&mut self) -> ArrayRef {
        each!(self, builder => Arc::new(builder.finish()) as ArrayRef)
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
        let column = |kind| Column {
            kind,
            rows: 0,
            values: None,
        };
        let list = table
            .columns()
            .iter()
            .map(|known| column(known.kind))
            .collect();
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
        let values = column
            .values
            .get_or_insert_with(|| Values::new(column.kind, expected));
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
        if let Some(Values::Text(builder)) = self.open(place) {
            builder.append_value(value);
            return self.close(place);
        }
        let is_same = self.last_text(place) == Some(value.as_bytes());
        if is_same { Put::Done } else { Put::Refused }
    }

    /// Sets text in the present row and those that follow, `rows` of them.
    pub(crate) fn text_of_rows(&mut self, place: Place, value: &str, rows: usize) -> Put {
        match self.open(place) {
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
        let Some(Values::Text(builder)) = &self.list.get(place.0)?.values else {
            return None;
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
        let schema: SchemaRef = self.table.arrow_schema();
        let rows = self.rows;
        let mut nulls: Vec<(ColumnType, ArrayRef)> = Vec::new();
        let mut arrays = Vec::with_capacity(self.list.len());
        for (column, known) in self.list.iter_mut().zip(self.table.columns()) {
            let kind = known.kind;
            let constant = || constants.array(self.table, known.name, rows);
            // Rows of other gateways have a source of their own.
            let filled = column.finish(rows).or_else(constant);
            let shared = || nulls.iter().find(|(of, _)| *of == kind);
            let shared = || shared().map(|(_, array)| Arc::clone(array));
            arrays.push(match filled.or_else(shared) {
                Some(array) => array,
                None => {
                    let array = new_null_array(&kind.arrow(), rows);
                    nulls.push((kind, Arc::clone(&array)));
                    array
                }
            });
        }
        RecordBatch::try_new(schema, arrays)
    }
}

impl Column {
    /// The column's values; `None` if no row has set it.
    fn finish(&mut self, rows: usize) -> Option<ArrayRef> {
        let values = self.values.as_mut()?;
        values.append_nulls(rows.saturating_sub(self.rows));
        Some(values.finish())
    }
}

/// What every row of a batch has in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Constants<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) received: Timestamp,
}

impl Constants<'_> {
    fn array(&self, table: Table, column: &str, rows: usize) -> Option<ArrayRef> {
        let text = match column {
            "TenantId" => self.workspace.as_str(),
            "Type" => table.name(),
            "SourceSystem" => "Azure",
            "_TimeReceived" => {
                let micros = vec![self.received.as_micros(); rows];
                let array = TimestampMicrosecondArray::from(micros).with_timezone("UTC");
                return Some(Arc::new(array));
            }
            _ => return None,
        };
        let offsets = OffsetBuffer::from_repeated_length(text.len(), rows);
        let values = Buffer::from(text.repeat(rows).into_bytes());
        StringArray::try_new(offsets, values, None)
            .ok()
            .map(|array| Arc::new(array) as ArrayRef)
    }
}

/// Deeper JSON in a string stays a string, so that no reader recurses further than this.
const EMBEDDED_DEPTH_MAX: usize = 64;

/// The JSON that a string holds: exports write dynamic columns so.
pub(crate) fn embedded(value: &str) -> Option<Cow<'_, str>> {
    let text = json::string(value)?;
    let valid = json::is_nested(&text)
        && !json::is_deeper(&text, EMBEDDED_DEPTH_MAX)
        && serde_json::from_str::<IgnoredAny>(&text).is_ok();
    valid.then_some(text)
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
