//! Values of KQL's types as Kusto writes them: instants and spans in ticks, `dynamic` as the JSON that it is, what
//! JSON has no number for as text.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray as _, BooleanArray, Decimal128Array, Float64Array, Int32Array,
    Int64Array, RecordBatch, RecordBatchOptions, StringArray,
};
use arrow::compute;
use arrow::datatypes::{
    DataType, Decimal128Type, Field, Float64Type, Int32Type, Int64Type, Schema, TimeUnit,
};
use arrow::error::ArrowError;
use kql_values::convert::{format_datetime_iso, format_real, format_timespan_default};
use kql_values::{Type, Value};
use serde_json::value::RawValue;

/// A column of an answer in KQL's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultColumn {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Type,
}

/// How `dynamic` stands in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dynamics {
    /// As a part of it.
    Nested,
    /// As text that holds it.
    Text,
}

/// Writes the rows of one result as JSON arrays, batch by batch.
#[derive(Debug)]
pub struct RowWriter {
    columns: Arc<[ResultColumn]>,
    dynamics: Dynamics,
    rows_before: bool,
}

impl RowWriter {
    /// For rows of those columns.
    pub fn new(columns: Arc<[ResultColumn]>, dynamics: Dynamics) -> Self {
        Self {
            columns,
            dynamics,
            rows_before: false,
        }
    }

    /// The arrays of some rows; a comma stands before all but the first of the result.
    pub fn rows(&mut self, rows: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
        let cells = cells(&self.columns, rows)?;
        let mut bytes = Vec::new();
        for row in 0..rows.num_rows() {
            bytes.extend_from_slice(if self.rows_before { b",[" } else { b"[" });
            self.rows_before = true;
            for (place, cells) in cells.iter().enumerate() {
                if place > 0 {
                    bytes.push(b',');
                }
                cells.json(row, self.dynamics, &mut bytes)?;
            }
            bytes.push(b']');
        }
        Ok(bytes)
    }
}

/// Rows as objects, one per line.
pub(super) fn lines(columns: &[ResultColumn], rows: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
    let cells = cells(columns, rows)?;
    let mut names = Vec::with_capacity(columns.len());
    for column in columns {
        let mut name = Vec::new();
        json_text(&column.name, &mut name)?;
        name.push(b':');
        names.push(name);
    }
    let mut bytes = Vec::new();
    for row in 0..rows.num_rows() {
        bytes.push(b'{');
        for (place, (name, cells)) in names.iter().zip(&cells).enumerate() {
            if place > 0 {
                bytes.push(b',');
            }
            bytes.extend_from_slice(name);
            cells.json(row, Dynamics::Nested, &mut bytes)?;
        }
        bytes.extend_from_slice(b"}\n");
    }
    Ok(bytes)
}

/// Rows with all but numbers and booleans printed; null stays null.
pub(crate) fn printed(
    columns: &[ResultColumn],
    rows: &RecordBatch,
) -> Result<RecordBatch, ArrowError> {
    let mut fields = Vec::with_capacity(columns.len());
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(columns.len());
    for (column, cells) in columns.iter().zip(cells(columns, rows)?) {
        let array: ArrayRef = match cells {
            Cells::Bool(array) => Arc::new(array),
            Cells::Int(array) => Arc::new(array),
            Cells::Long(array) => Arc::new(array),
            Cells::Real(array) => Arc::new(array),
            cells => {
                let texts = (0..rows.num_rows()).map(|row| cells.text(row));
                Arc::new(texts.collect::<StringArray>())
            }
        };
        fields.push(Field::new(&column.name, array.data_type().clone(), true));
        arrays.push(array);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
}

fn cells(columns: &[ResultColumn], rows: &RecordBatch) -> Result<Vec<Cells>, ArrowError> {
    let pairs = columns.iter().zip(rows.columns());
    pairs
        .map(|(column, array)| Cells::new(column.kind, array))
        .collect()
}

/// A column's values, ready to be written.
enum Cells {
    Bool(BooleanArray),
    Int(Int32Array),
    Long(Int64Array),
    Real(Float64Array),
    Decimal(Decimal128Array),
    Text(StringArray),
    Guid(StringArray),
    Dynamic(StringArray),
    DateTime(Int64Array, Scale),
    TimeSpan(Int64Array, Scale),
}

/// What turns a count of a time unit into ticks of 100 ns.
#[derive(Clone, Copy)]
enum Scale {
    Times(i64),
    Per(i64),
}

impl Scale {
    fn of(data_type: &DataType) -> Self {
        let (DataType::Timestamp(unit, _) | DataType::Duration(unit)) = data_type else {
            return Self::Times(1);
        };
        match unit {
            TimeUnit::Second => Self::Times(10_000_000),
            TimeUnit::Millisecond => Self::Times(10_000),
            TimeUnit::Microsecond => Self::Times(10),
            TimeUnit::Nanosecond => Self::Per(100),
        }
    }

    fn ticks(self, count: i64) -> i64 {
        match self {
            Self::Times(factor) => count.saturating_mul(factor),
            Self::Per(divisor) => count.div_euclid(divisor),
        }
    }
}

impl Cells {
    /// Plans differ in how they carry a type; what is not carried as usual is converted.
    fn new(kind: Type, array: &ArrayRef) -> Result<Self, ArrowError> {
        let cast = |data_type: &DataType| {
            if array.data_type() == data_type {
                Ok(Arc::clone(array))
            } else {
                compute::cast(array, data_type)
            }
        };
        let text = || Ok::<_, ArrowError>(cast(&DataType::Utf8)?.as_string::<i32>().clone());
        let count = || {
            let scale = Scale::of(array.data_type());
            let counts = cast(&DataType::Int64)?;
            Ok::<_, ArrowError>((counts.as_primitive::<Int64Type>().clone(), scale))
        };
        Ok(match kind {
            Type::Bool => Self::Bool(cast(&DataType::Boolean)?.as_boolean().clone()),
            Type::Int => Self::Int(cast(&DataType::Int32)?.as_primitive::<Int32Type>().clone()),
            Type::Long => Self::Long(cast(&DataType::Int64)?.as_primitive::<Int64Type>().clone()),
            Type::Real => {
                let reals = cast(&DataType::Float64)?;
                Self::Real(reals.as_primitive::<Float64Type>().clone())
            }
            Type::Decimal => {
                let decimals = cast(&DataType::Decimal128(38, 18))?;
                Self::Decimal(decimals.as_primitive::<Decimal128Type>().clone())
            }
            Type::String => Self::Text(text()?),
            Type::Guid => Self::Guid(text()?),
            Type::Dynamic => Self::Dynamic(text()?),
            Type::DateTime => {
                let (counts, scale) = count()?;
                Self::DateTime(counts, scale)
            }
            Type::TimeSpan => {
                let (counts, scale) = count()?;
                Self::TimeSpan(counts, scale)
            }
        })
    }

    fn array(&self) -> &dyn Array {
        match self {
            Self::Bool(array) => array,
            Self::Int(array) => array,
            Self::Long(array) | Self::DateTime(array, _) | Self::TimeSpan(array, _) => array,
            Self::Real(array) => array,
            Self::Decimal(array) => array,
            Self::Text(array) | Self::Guid(array) | Self::Dynamic(array) => array,
        }
    }

    fn json(&self, row: usize, dynamics: Dynamics, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        if self.array().is_null(row) {
            // A string is never null in Kusto.
            let nothing: &[u8] = match self {
                Self::Text(_) => b"\"\"",
                _ => b"null",
            };
            out.extend_from_slice(nothing);
            return Ok(());
        }
        match self {
            Self::Bool(_) | Self::Int(_) | Self::Long(_) => {
                out.extend_from_slice(self.plain(row).as_bytes());
            }
            Self::Real(reals) if reals.value(row).is_finite() => {
                json_value(&reals.value(row), out)?;
            }
            Self::Guid(texts) | Self::Dynamic(texts) if texts.value(row).is_empty() => {
                out.extend_from_slice(b"null");
            }
            Self::Dynamic(texts) if dynamics == Dynamics::Nested => {
                json_nested(texts.value(row), out)?;
            }
            Self::Text(texts) | Self::Guid(texts) | Self::Dynamic(texts) => {
                json_text(texts.value(row), out)?;
            }
            Self::Real(_) | Self::Decimal(_) | Self::DateTime(..) | Self::TimeSpan(..) => {
                json_text(&self.plain(row), out)?;
            }
        }
        Ok(())
    }

    fn text(&self, row: usize) -> Option<String> {
        (!self.array().is_null(row)).then(|| self.plain(row))
    }

    /// The printed form of a value that is there.
    fn plain(&self, row: usize) -> String {
        match self {
            Self::Bool(array) => array.value(row).to_string(),
            Self::Int(array) => array.value(row).to_string(),
            Self::Long(array) => array.value(row).to_string(),
            Self::Real(array) => format_real(array.value(row)),
            Self::Decimal(array) => Value::Decimal(array.value(row)).to_text(),
            Self::Text(array) | Self::Guid(array) | Self::Dynamic(array) => {
                array.value(row).to_owned()
            }
            Self::DateTime(array, scale) => format_datetime_iso(scale.ticks(array.value(row))),
            Self::TimeSpan(array, scale) => format_timespan_default(scale.ticks(array.value(row))),
        }
    }
}

fn json_value(value: &impl serde::Serialize, out: &mut Vec<u8>) -> Result<(), ArrowError> {
    serde_json::to_writer(out, value).map_err(|error| ArrowError::JsonError(error.to_string()))
}

fn json_text(text: &str, out: &mut Vec<u8>) -> Result<(), ArrowError> {
    json_value(&text, out)
}

/// What is no JSON after all, or is deeper than readers go, is text.
fn json_nested(text: &str, out: &mut Vec<u8>) -> Result<(), ArrowError> {
    let nested: Result<&RawValue, _> = serde_json::from_str(text);
    match nested {
        Ok(nested) => out.extend_from_slice(nested.get().as_bytes()),
        Err(_no_json) => json_text(text, out)?,
    }
    Ok(())
}

#[cfg(test)]
mod tests;
