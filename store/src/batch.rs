//! A batch: what one request brought, the unit of acknowledgement, and its form in the WAL.
//!
//! Form, version 1: one Arrow IPC stream per part, then the trailer (JSON), then its length (u32, little endian).
//! A part holds only the columns that have a value: a table has up to a hundred, a log fills thirty. The trailer
//! stands last so that rows are written once, to where they stay.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _};
use arrow::compute;
use arrow::datatypes::{Field, Schema, TimestampMicrosecondType};
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use crate::idempotency::Claim;
use crate::position::{Step, StepClaim};
use crate::schema::{RECEIVED_COLUMN, TIME_COLUMN, Table};
use crate::time::Timestamp;
use crate::workspace::Workspace;

/// Rows on their way in.
#[derive(Debug)]
pub struct NewBatch {
    /// Whose rows.
    pub workspace: Workspace,
    /// Names the batch in the answer and in `_Quarantine`.
    pub id: Uuid,
    /// The claimed idempotency key, if the sender named one.
    pub idempotency: Option<Claim>,
    /// The claimed moves of the sources that it was read from.
    pub steps: Vec<StepClaim>,
    /// Records that became rows.
    pub accepted: u64,
    /// Records that are kept in `_Quarantine`.
    pub quarantined: u64,
    /// Rows by table; each schema is the table's.
    pub parts: Vec<(Table, RecordBatch)>,
}

/// What a sender is told of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The batch.
    pub batch: Uuid,
    /// Records that became rows.
    pub accepted: u64,
    /// Records that are kept in `_Quarantine`.
    pub quarantined: u64,
}

/// A batch as the WAL keeps it.
#[derive(Debug)]
pub(crate) struct StoredBatch {
    pub(crate) workspace: Workspace,
    pub(crate) receipt: Receipt,
    pub(crate) received: Timestamp,
    pub(crate) idempotency: Option<StoredKey>,
    pub(crate) steps: Vec<Step>,
    pub(crate) parts: Vec<(Table, RecordBatch)>,
}

/// The idempotency key of a batch, with the digest of the body that it stood for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredKey {
    pub(crate) key: String,
    pub(crate) digest: [u8; 32],
}

/// A batch that can't be written or read.
#[derive(Debug, Error)]
pub enum BatchError {
    /// Arrow refused.
    #[error("convert rows")]
    Arrow(#[from] ArrowError),
    /// The trailer is not what this version writes.
    #[error("read batch trailer")]
    Trailer(#[from] serde_json::Error),
    /// The bytes end before the batch does.
    #[error("batch is cut short")]
    Short,
    /// Written by a later version.
    #[error("batch names {0}, which this version does not know")]
    Unknown(String),
}

#[derive(Serialize, Deserialize)]
struct Trailer {
    version: u32,
    workspace: String,
    batch: Uuid,
    accepted: u64,
    quarantined: u64,
    received: i64,
    idempotency: Option<StoredKey>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    steps: Vec<Step>,
    parts: Vec<(String, usize)>,
}

const VERSION: u32 = 1;

/// Room for a trailer beside the rows.
const TRAILER_BYTES_USUAL: usize = 16 * 1024;

impl StoredBatch {
    pub(crate) fn encode(&self) -> Result<Vec<u8>, BatchError> {
        let mut bytes = Vec::with_capacity(self.bytes() + TRAILER_BYTES_USUAL);
        let mut parts = Vec::with_capacity(self.parts.len());
        for (table, rows) in &self.parts {
            let start = bytes.len();
            write_rows(rows, &mut bytes)?;
            parts.push((table.name().to_owned(), bytes.len() - start));
        }
        let trailer = serde_json::to_vec(&Trailer {
            version: VERSION,
            workspace: self.workspace.as_str().to_owned(),
            batch: self.receipt.batch,
            accepted: self.receipt.accepted,
            quarantined: self.receipt.quarantined,
            received: self.received.as_micros(),
            idempotency: self.idempotency.clone(),
            steps: self.steps.clone(),
            parts,
        })?;
        let trailer_length = u32::try_from(trailer.len()).map_err(|_too_long| BatchError::Short)?;
        bytes.extend_from_slice(&trailer);
        bytes.extend_from_slice(&trailer_length.to_le_bytes());
        Ok(bytes)
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, BatchError> {
        let (rest, length) = bytes.split_last_chunk::<4>().ok_or(BatchError::Short)?;
        let trailer_length = u32::from_le_bytes(*length) as usize;
        let trailer_start = rest
            .len()
            .checked_sub(trailer_length)
            .ok_or(BatchError::Short)?;
        let (mut bodies, trailer) = rest
            .split_at_checked(trailer_start)
            .ok_or(BatchError::Short)?;
        let trailer: Trailer = serde_json::from_slice(trailer)?;
        if trailer.version != VERSION {
            return Err(BatchError::Unknown(format!("version {}", trailer.version)));
        }
        let workspace = Workspace::new(&trailer.workspace)
            .ok_or_else(|| BatchError::Unknown(format!("workspace {}", trailer.workspace)))?;
        let mut parts = Vec::with_capacity(trailer.parts.len());
        for (name, length) in trailer.parts {
            let table = Table::from_name(&name)
                .ok_or_else(|| BatchError::Unknown(format!("table {name}")))?;
            let (body, rest) = bodies.split_at_checked(length).ok_or(BatchError::Short)?;
            bodies = rest;
            for rows in StreamReader::try_new(Cursor::new(body), None)? {
                parts.push((table, table.conform(&rows?)?));
            }
        }
        Ok(Self {
            workspace,
            receipt: Receipt {
                batch: trailer.batch,
                accepted: trailer.accepted,
                quarantined: trailer.quarantined,
            },
            received: Timestamp::from_micros(trailer.received),
            idempotency: trailer.idempotency,
            steps: trailer.steps,
            parts,
        })
    }

    /// Memory that the rows take.
    pub(crate) fn bytes(&self) -> usize {
        self.parts
            .iter()
            .map(|(_, rows)| rows.get_array_memory_size())
            .sum()
    }
}

fn write_rows(rows: &RecordBatch, out: &mut Vec<u8>) -> Result<(), BatchError> {
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for (field, column) in rows.schema_ref().fields().iter().zip(rows.columns()) {
        if column.null_count() < column.len() {
            fields.push(Field::new(field.name(), field.data_type().clone(), true));
            columns.push(Arc::clone(column));
        }
    }
    let schema = Arc::new(Schema::new(fields));
    let filled = RecordBatch::try_new(Arc::clone(&schema), columns)?;
    let mut writer = StreamWriter::try_new(out, &schema)?;
    writer.write(&filled)?;
    writer.finish()?;
    Ok(())
}

/// First and last event time of some rows; `None` if no row has one.
pub(crate) fn time_range(rows: &RecordBatch) -> Option<(Timestamp, Timestamp)> {
    range_of(rows, TIME_COLUMN)
}

/// When the first and the last of some rows came in; `None` if no row says it.
pub(crate) fn received_range(rows: &RecordBatch) -> Option<(Timestamp, Timestamp)> {
    range_of(rows, RECEIVED_COLUMN)
}

fn range_of(rows: &RecordBatch, column: &str) -> Option<(Timestamp, Timestamp)> {
    let times = rows
        .column_by_name(column)?
        .as_primitive_opt::<TimestampMicrosecondType>()?;
    let first = compute::min(times)?;
    let last = compute::max(times)?;
    Some((Timestamp::from_micros(first), Timestamp::from_micros(last)))
}
