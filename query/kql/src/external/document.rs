//! A document's bytes as batches of rows. A value that is not of its column's type is null; what can't be read at all is
//! an error.

use std::io::Cursor;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::exec_datafusion_err;
use datafusion::error::Result;
use kql_values::{Dynamic, Value};

use super::Reading;
use super::json::Elements;
use crate::arrays::build;

/// Most cells of a batch.
const BATCH_CELLS_MAX: usize = 65_536;

/// Most rows of a batch.
const BATCH_ROWS_MAX: usize = 8_192;

/// Most bytes of a row, as a mapping may give a record to many columns; a batch ends when it has so many.
const ROW_BYTES_MAX: usize = 64 << 20;

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Fields with this between them, in quotes if need be.
    Separated(u8),
    /// Fields with tabs between them, and escapes with a backslash.
    Escaped,
    /// A record is a line.
    Lines,
    /// The document is one record.
    Whole,
    /// Objects, with nothing, lines or commas between them, or arrays of such.
    Json,
}

/// Names of formats.
pub(crate) const FORMATS: [(&str, Format); 11] = [
    ("csv", Format::Separated(b',')),
    ("tsv", Format::Separated(b'\t')),
    ("psv", Format::Separated(b'|')),
    ("scsv", Format::Separated(b';')),
    ("sohsv", Format::Separated(1)),
    ("tsve", Format::Escaped),
    ("txt", Format::Lines),
    ("raw", Format::Whole),
    ("json", Format::Json),
    ("multijson", Format::Json),
    ("singlejson", Format::Json),
];

/// Formats that Kusto knows by the end of an address, and that are not read here.
const FOREIGN: [&str; 6] = ["avro", "apacheavro", "orc", "parquet", "sstream", "zip"];

impl Format {
    /// The format of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let found = FORMATS
            .iter()
            .find(|(format, _)| name.eq_ignore_ascii_case(format));
        found.map(|(_, format)| *format)
    }

    /// The format that the end of an address tells, CSV if it tells none; an error is the name of one that is not read.
    pub(crate) fn of_address(address: &str) -> Result<Self, &'static str> {
        let path = address.split(['?', '#', ';']).next().unwrap_or_default();
        let file = path.rsplit('/').next().unwrap_or_default();
        let file = file.to_ascii_lowercase();
        let file = file.strip_suffix(".gz").unwrap_or(&file);
        let Some((_, extension)) = file.rsplit_once('.') else {
            return Ok(Self::Separated(b','));
        };
        if let Some(foreign) = FOREIGN.into_iter().find(|foreign| *foreign == extension) {
            return Err(foreign);
        }
        Ok(match extension {
            "jsonl" | "ndjson" => Self::Json,
            extension => Self::named(extension).unwrap_or(Self::Separated(b',')),
        })
    }
}

/// A record of a document.
pub(super) enum Record {
    Fields(Vec<String>),
    Element(Dynamic),
}

enum Records {
    Separated(Box<csv::Reader<Cursor<Bytes>>>),
    Escaped(Lines),
    Lines(Lines),
    Whole(Option<Bytes>),
    Json(Elements),
}

/// Lines that are not empty.
struct Lines {
    bytes: Bytes,
    at: usize,
}

impl Iterator for Lines {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        loop {
            let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
            let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
            self.at += line.len() + 1;
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if !line.is_empty() {
                return Some(String::from_utf8_lossy(line).into_owned());
            }
        }
    }
}

impl Records {
    fn new(bytes: Bytes, format: Format) -> Self {
        let bytes = match bytes.strip_prefix(b"\xef\xbb\xbf") {
            Some(rest) => bytes.slice_ref(rest),
            None => bytes,
        };
        match format {
            Format::Separated(delimiter) => {
                let mut builder = csv::ReaderBuilder::new();
                builder.delimiter(delimiter).flexible(true);
                let reader = builder.has_headers(false).from_reader(Cursor::new(bytes));
                Self::Separated(Box::new(reader))
            }
            Format::Escaped => Self::Escaped(Lines { bytes, at: 0 }),
            Format::Lines => Self::Lines(Lines { bytes, at: 0 }),
            Format::Whole => Self::Whole(Some(bytes)),
            Format::Json => Self::Json(Elements::new(bytes)),
        }
    }

    /// The next record with its length in bytes, or about that.
    fn next(&mut self) -> Result<Option<(Record, usize)>> {
        let fields = match self {
            Self::Separated(reader) => {
                let mut record = csv::ByteRecord::new();
                let is_there = reader
                    .read_byte_record(&mut record)
                    .map_err(|error| exec_datafusion_err!("externaldata: {error}"))?;
                let text = |field| String::from_utf8_lossy(field).into_owned();
                is_there.then(|| record.iter().map(text).collect())
            }
            Self::Escaped(lines) => lines
                .next()
                .map(|line| line.split('\t').map(unescaped).collect()),
            Self::Lines(lines) => lines.next().map(|line| vec![line]),
            Self::Whole(bytes) => bytes
                .take()
                .map(|bytes| vec![String::from_utf8_lossy(&bytes).into_owned()]),
            Self::Json(elements) => {
                let element = elements.next()?;
                return Ok(element.map(|(element, length)| (Record::Element(element), length)));
            }
        };
        Ok(fields.map(|fields: Vec<String>| {
            let length = fields.iter().map(String::len).sum();
            (Record::Fields(fields), length)
        }))
    }
}

fn unescaped(field: &str) -> String {
    let mut text = String::with_capacity(field.len());
    let mut signs = field.chars();
    while let Some(sign) = signs.next() {
        let escaped = if sign == '\\' { signs.next() } else { None };
        text.push(match escaped {
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some(other) => other,
            None => sign,
        });
    }
    text
}

/// The rows of a document, so many at a time that a batch stays small.
pub(super) struct Batches {
    records: Records,
    reading: Arc<Reading>,
    schema: SchemaRef,
    is_begun: bool,
    is_over: bool,
}

impl Batches {
    pub(super) fn new(
        bytes: Bytes,
        format: Format,
        reading: Arc<Reading>,
        schema: SchemaRef,
    ) -> Self {
        Self {
            records: Records::new(bytes, format),
            reading,
            schema,
            is_begun: false,
            is_over: false,
        }
    }

    fn batch(&mut self) -> Result<Option<RecordBatch>> {
        if !self.is_begun && self.reading.skips_first {
            self.records.next()?;
        }
        self.is_begun = true;
        let columns = self.reading.columns.len();
        let rows_max = (BATCH_CELLS_MAX / columns.max(1)).clamp(1, BATCH_ROWS_MAX);
        let mut cells: Vec<Vec<Value>> = vec![Vec::new(); columns];
        let (mut rows, mut bytes) = (0, 0_usize);
        while rows < rows_max && bytes < ROW_BYTES_MAX {
            let Some((record, length)) = self.records.next()? else {
                break;
            };
            let mut row_bytes = length;
            let places = self.reading.columns.iter().zip(&self.reading.cells);
            for (((_, ty), place), cells) in places.zip(&mut cells) {
                row_bytes = row_bytes.saturating_add(place.bytes_more(&record, length));
                if row_bytes > ROW_BYTES_MAX {
                    return Err(exec_datafusion_err!(
                        "a row of externaldata is longer than 64 MiB"
                    ));
                }
                cells.push(place.value(&record, *ty));
            }
            bytes = bytes.saturating_add(row_bytes);
            rows += 1;
        }
        if rows == 0 {
            return Ok(None);
        }
        let fields = self.schema.fields().iter();
        let arrays = fields
            .zip(&cells)
            .map(|(field, cells)| build(cells, field.data_type()));
        let arrays: Vec<ArrayRef> = arrays.collect::<Result<_>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let schema = Arc::clone(&self.schema);
        Ok(Some(RecordBatch::try_new_with_options(
            schema, arrays, &options,
        )?))
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let batch = self.batch();
        self.is_over = !matches!(batch, Ok(Some(_)));
        batch.transpose()
    }
}

#[cfg(test)]
mod tests;
