//! Rows as bytes: JSON, NDJSON, CSV and Arrow IPC stream.
//!
//! Each encoder is fed batch by batch, so that an answer of any length takes the memory of one batch. Times are
//! RFC 3339 in UTC. In CSV, text that a spreadsheet would take for a formula gets an apostrophe before it: what
//! stands in a log was written by whoever called the gateway.

mod cells;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::array::{
    Array as _, ArrayRef, AsArray as _, RecordBatch, RecordBatchOptions, StringArray,
};
use datafusion::arrow::compute;
use datafusion::arrow::csv;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::writer::StreamWriter;
use datafusion::arrow::json::writer::{EncoderOptions, NullableEncoder, make_encoder};
use datafusion::arrow::json::{LineDelimitedWriter, WriterBuilder};
use store::Timestamp;

pub(crate) use cells::printed;
pub use cells::{Dynamics, ResultColumn, RowWriter};

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One object: `columns`, `rows` (an array per row), `truncated`.
    Json,
    /// One object per line.
    Ndjson,
    /// RFC 4180 with a header line.
    Csv,
    /// Arrow IPC stream.
    Arrow,
}

impl Format {
    /// The format of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "json" => Some(Self::Json),
            "ndjson" => Some(Self::Ndjson),
            "csv" => Some(Self::Csv),
            "arrow" => Some(Self::Arrow),
            _ => None,
        }
    }

    /// The media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Arrow => "application/vnd.apache.arrow.stream",
        }
    }
}

/// A span of time in Kusto's form, `1.02:03:04.5`.
pub fn timespan(text: &str) -> Option<Duration> {
    let ticks = u64::try_from(kql_values::convert::parse_timespan(text.trim())?).ok()?;
    Some(Duration::from_nanos(ticks.saturating_mul(100)))
}

/// An instant in any of the forms that Kusto reads, to the microsecond.
pub fn instant(text: &str) -> Option<Timestamp> {
    let ticks = kql_values::convert::parse_datetime(text.trim())?;
    Some(Timestamp::from_micros(ticks.div_euclid(10)))
}

/// Writes one answer.
pub struct Encoder {
    schema: SchemaRef,
    kind: Kind,
}

impl fmt::Debug for Encoder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Encoder")
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

enum Kind {
    TypedJson(RowWriter),
    TypedNdjson(Arc<[ResultColumn]>),
    TypedCsv {
        columns: Arc<[ResultColumn]>,
        header_written: bool,
    },
    Json {
        rows_before: bool,
    },
    Ndjson,
    Csv {
        header_written: bool,
    },
    Arrow(Box<StreamWriter<Vec<u8>>>),
}

impl Encoder {
    /// An encoder, and the bytes that stand before the first row.
    pub fn start(format: Format, schema: &SchemaRef) -> Result<(Self, Vec<u8>), ArrowError> {
        let schema = Arc::clone(schema);
        let (kind, bytes) = match format {
            Format::Json => {
                let described = schema
                    .fields()
                    .iter()
                    .map(|field| json_column(field.name(), kusto_type(field.data_type())));
                (Kind::Json { rows_before: false }, json_head(described))
            }
            Format::Ndjson => (Kind::Ndjson, Vec::new()),
            Format::Csv => (
                Kind::Csv {
                    header_written: false,
                },
                Vec::new(),
            ),
            Format::Arrow => {
                let mut writer = StreamWriter::try_new(Vec::new(), &schema)?;
                let bytes = std::mem::take(writer.get_mut());
                (Kind::Arrow(Box::new(writer)), bytes)
            }
        };
        Ok((Self { schema, kind }, bytes))
    }

    /// As [`Self::start`], for the answer to a question in KQL: its values are written as Kusto writes them.
    pub fn start_typed(
        format: Format,
        schema: &SchemaRef,
        columns: &Arc<[ResultColumn]>,
    ) -> Result<(Self, Vec<u8>), ArrowError> {
        let columns = Arc::clone(columns);
        let (kind, bytes) = match format {
            Format::Json => {
                let described = columns
                    .iter()
                    .map(|column| json_column(&column.name, column.kind.name()));
                let head = json_head(described);
                let rows = RowWriter::new(columns, Dynamics::Nested);
                (Kind::TypedJson(rows), head)
            }
            Format::Ndjson => (Kind::TypedNdjson(columns), Vec::new()),
            Format::Csv => {
                let header_written = false;
                let kind = Kind::TypedCsv {
                    columns,
                    header_written,
                };
                (kind, Vec::new())
            }
            Format::Arrow => return Self::start(format, schema),
        };
        let schema = Arc::clone(schema);
        Ok((Self { schema, kind }, bytes))
    }

    /// The bytes of some rows.
    pub fn rows(&mut self, rows: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
        match &mut self.kind {
            Kind::Json { rows_before } => {
                let bytes = json_rows(rows, *rows_before)?;
                *rows_before |= rows.num_rows() > 0;
                Ok(bytes)
            }
            Kind::TypedJson(writer) => writer.rows(rows),
            Kind::TypedNdjson(columns) => cells::lines(columns, rows),
            Kind::TypedCsv {
                columns,
                header_written,
            } => {
                let bytes = csv_rows(&printed(columns, rows)?, !*header_written)?;
                *header_written = true;
                Ok(bytes)
            }
            Kind::Ndjson => {
                let mut bytes = Vec::new();
                let builder = WriterBuilder::new().with_explicit_nulls(true);
                let mut writer: LineDelimitedWriter<_> = builder.build(&mut bytes);
                writer.write(&printable(rows)?)?;
                writer.finish()?;
                drop(writer);
                Ok(bytes)
            }
            Kind::Csv { header_written } => {
                let bytes = csv_rows(rows, !*header_written)?;
                *header_written = true;
                Ok(bytes)
            }
            Kind::Arrow(writer) => {
                writer.write(rows)?;
                Ok(std::mem::take(writer.get_mut()))
            }
        }
    }

    /// The bytes that stand behind the last row.
    pub fn finish(self, truncated: bool) -> Result<Vec<u8>, ArrowError> {
        match self.kind {
            Kind::Json { .. } | Kind::TypedJson(_) => {
                Ok(format!("],\"truncated\":{truncated}}}\n").into_bytes())
            }
            Kind::Ndjson | Kind::TypedNdjson(_) => Ok(Vec::new()),
            Kind::Csv {
                header_written: false,
            }
            | Kind::TypedCsv {
                header_written: false,
                ..
            } => csv_rows(&RecordBatch::new_empty(self.schema), true),
            Kind::Csv { .. } | Kind::TypedCsv { .. } => Ok(Vec::new()),
            Kind::Arrow(mut writer) => {
                writer.finish()?;
                Ok(std::mem::take(writer.get_mut()))
            }
        }
    }
}

fn json_column(name: &str, kind: &str) -> serde_json::Value {
    serde_json::json!({"name": name, "type": kind})
}

fn json_head(columns: impl Iterator<Item = serde_json::Value>) -> Vec<u8> {
    let columns: Vec<serde_json::Value> = columns.collect();
    format!(
        "{{\"columns\":{},\"rows\":[",
        serde_json::Value::Array(columns)
    )
    .into_bytes()
}

/// The name that Kusto gives a type.
pub fn kusto_type(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "bool",
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => {
            "int"
        }
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => "long",
        DataType::Float16 | DataType::Float32 | DataType::Float64 => "real",
        DataType::Decimal128(..) | DataType::Decimal256(..) => "decimal",
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => "datetime",
        DataType::Duration(_) | DataType::Interval(_) | DataType::Time64(_) => "timespan",
        DataType::List(_) | DataType::Struct(_) | DataType::Map(..) => "dynamic",
        _ => "string",
    }
}

fn json_rows(rows: &RecordBatch, rows_before: bool) -> Result<Vec<u8>, ArrowError> {
    let rows = printable(rows)?;
    let options = EncoderOptions::default().with_explicit_nulls(true);
    let schema = rows.schema();
    let mut encoders: Vec<NullableEncoder<'_>> = Vec::with_capacity(rows.num_columns());
    for (field, column) in schema.fields().iter().zip(rows.columns()) {
        encoders.push(make_encoder(field, column.as_ref(), &options)?);
    }
    let mut bytes = Vec::new();
    for row in 0..rows.num_rows() {
        if rows_before || row > 0 {
            bytes.push(b',');
        }
        bytes.push(b'[');
        for (place, encoder) in encoders.iter_mut().enumerate() {
            if place > 0 {
                bytes.push(b',');
            }
            if encoder.is_null(row) {
                bytes.extend_from_slice(b"null");
            } else {
                encoder.encode(row, &mut bytes);
            }
        }
        bytes.push(b']');
    }
    Ok(bytes)
}

fn csv_rows(rows: &RecordBatch, header: bool) -> Result<Vec<u8>, ArrowError> {
    let mut bytes = Vec::new();
    let rows = defused(&printable(rows)?)?;
    let mut writer = csv::WriterBuilder::new()
        .with_header(header)
        .build(&mut bytes);
    writer.write(&rows)?;
    drop(writer);
    Ok(bytes)
}

/// Rows in types that JSON and CSV writers take: what they don't is written as text.
fn printable(rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    map_columns(rows, |column| match column.data_type() {
        DataType::Duration(_) | DataType::Interval(_) | DataType::Union(..) => {
            compute::cast(column, &DataType::Utf8)
        }
        _ => Ok(Arc::clone(column)),
    })
}

fn defused(rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    map_columns(rows, |column| match column.data_type() {
        DataType::Utf8 => Ok(defused_text(column.as_string::<i32>())),
        DataType::LargeUtf8 | DataType::Utf8View => {
            let text = compute::cast(column, &DataType::Utf8)?;
            Ok(defused_text(text.as_string::<i32>()))
        }
        DataType::List(_) | DataType::LargeList(_) | DataType::Struct(_) | DataType::Map(..) => {
            compute::cast(column, &DataType::Utf8)
        }
        _ => Ok(Arc::clone(column)),
    })
}

fn defused_text(texts: &StringArray) -> ArrayRef {
    let defuse = |text: &str| {
        if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
            format!("'{text}")
        } else {
            text.to_owned()
        }
    };
    Arc::new(
        texts
            .iter()
            .map(|text| text.map(defuse))
            .collect::<StringArray>(),
    )
}

fn map_columns(
    rows: &RecordBatch,
    map: impl Fn(&ArrayRef) -> Result<ArrayRef, ArrowError>,
) -> Result<RecordBatch, ArrowError> {
    let mut fields = Vec::with_capacity(rows.num_columns());
    let mut columns = Vec::with_capacity(rows.num_columns());
    for (field, column) in rows.schema_ref().fields().iter().zip(rows.columns()) {
        let mapped = map(column)?;
        fields.push(Field::new(field.name(), mapped.data_type().clone(), true));
        columns.push(mapped);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
}
