//! A body to rows: finds the records, tells their kind, writes them, and quarantines the rest.
#![deny(
    clippy::indexing_slicing,
    reason = "whatever a body holds, reading it must not panic"
)]

use std::collections::BTreeMap;
use std::ops::Range;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use store::{Table, Timestamp, Workspace};

use crate::activity::Activity;
use crate::columns::{Columns, Constants};
use crate::envelope::{Envelope, Piece};
use crate::flow::{Flow, Written};
use crate::gateway::Gateway;
use crate::json::{self, Fields};
use crate::kind::{self, Kind};
use crate::log::{Log, LogWriter};
use crate::quarantine::Quarantine;
use crate::scan;

/// What a body came with.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Whose it is: `TenantId` of every row.
    pub workspace: &'a Workspace,
    /// Id of the batch, which quarantined records carry.
    pub batch: &'a str,
    /// Where it came from, in words, which quarantined records carry.
    pub source: &'a str,
    /// When it came: `_TimeReceived` of every row, and the event's time if it has none of its own.
    pub received: Timestamp,
}

/// Bounds on a body. Its own length is bounded where it is decompressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Records in a body, broken ones included. Beyond it the body is refused as a whole.
    pub records_max: usize,
    /// Bytes of a record. A longer one is quarantined, cut to this length.
    pub record_bytes_max: usize,
    /// Objects and lists in each other within a record. A deeper one is quarantined, so that no
    /// reader of `AdditionalFields` needs to fear for its stack.
    pub depth_max: usize,
    /// Bytes of text that flow tuples may repeat from their records, which are written once but
    /// become part of every row. Beyond it flow logs of the body are quarantined.
    pub copies_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            records_max: 100_000,
            record_bytes_max: 4 << 20,
            depth_max: 64,
            copies_max: 512 << 20,
        }
    }
}

/// Longest body, in bytes: with the copies of `Limits` every column stays below 2 GiB, which is all
/// that Arrow's 32-bit offsets reach.
const BODY_BYTES_MAX: usize = 1 << 30;

/// See [`BODY_BYTES_MAX`].
const COPIES_MAX: usize = 512 << 20;

/// What a body became.
#[derive(Debug)]
pub struct Decoded {
    /// Rows by table; no table twice, none without rows.
    pub parts: Vec<(Table, RecordBatch)>,
    /// Records that were read. A flow log without flows is one, though it gives no row.
    pub accepted: u64,
    /// Rows of `_Quarantine`: records that were not read, and for each flow log with some tuples that
    /// were not, one with just those. Only the latter is counted as accepted too.
    pub quarantined: u64,
}

/// Why a body gave nothing at all.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// No record can be told apart in it.
    #[error("no records in the body: {reason} at byte {offset} (line {line}, column {column})")]
    Unreadable {
        /// Byte of the decompressed body, from 0.
        offset: usize,
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1.
        column: usize,
        /// What is wrong there.
        reason: String,
    },
    /// It is empty, or white space.
    #[error("the body is empty")]
    Empty,
    /// It has more records than a body may have.
    #[error("more than {records_max} records in the body")]
    TooManyRecords {
        /// The bound that was passed.
        records_max: usize,
    },
    /// The rows do not fit their table: a defect here, not in the body.
    #[error("build rows")]
    Build(#[from] ArrowError),
}

/// Decodes a decompressed body. CPU-bound, a few milliseconds for each megabyte.
pub fn decode(context: &Context<'_>, limits: &Limits, body: &[u8]) -> Result<Decoded, DecodeError> {
    if scan::skip_space(body, 0) == body.len() || body == b"\xef\xbb\xbf" {
        return Err(DecodeError::Empty);
    }
    if body.len() > BODY_BYTES_MAX {
        let reason = format!("it is longer than {BODY_BYTES_MAX} bytes");
        return Err(unreadable(body, 0, reason));
    }
    let mut envelope = Envelope::new(body, limits.record_bytes_max);
    let mut decoder = Decoder::new(context, limits, body);
    let mut records = 0_usize;
    while let Some(piece) = envelope.next() {
        records = records.saturating_add(1);
        if records > limits.records_max {
            return Err(DecodeError::TooManyRecords {
                records_max: limits.records_max,
            });
        }
        match piece {
            Piece::Record { range, fields } => decoder.record(range, &fields),
            Piece::Broken { range, reason } => decoder.quarantine(range, &reason),
        }
    }
    if let Some((offset, reason)) = envelope.complaint() {
        return Err(unreadable(body, offset, reason));
    }
    decoder.finish()
}

fn unreadable(body: &[u8], offset: usize, reason: String) -> DecodeError {
    let (line, column) = scan::line_and_column(body, offset);
    DecodeError::Unreadable {
        offset,
        line,
        column,
        reason,
    }
}

/// Rows that a first allocation makes room for, at most.
const ROWS_EXPECTED_MAX: usize = 65_536;

/// The tables that a body has filled so far.
#[derive(Debug)]
struct Decoder<'a> {
    context: &'a Context<'a>,
    limits: &'a Limits,
    body: &'a [u8],
    gateway: Option<Gateway>,
    flow: Option<Flow>,
    activity: Option<Activity>,
    logs: BTreeMap<Log, LogWriter>,
    quarantine: Option<Quarantine>,
    accepted: u64,
}

impl<'a> Decoder<'a> {
    fn new(context: &'a Context<'a>, limits: &'a Limits, body: &'a [u8]) -> Self {
        Self {
            context,
            limits,
            body,
            gateway: None,
            flow: None,
            activity: None,
            logs: BTreeMap::new(),
            quarantine: None,
            accepted: 0,
        }
    }

    fn record(&mut self, range: Range<usize>, fields: &Fields<'_>) {
        let (bytes, bytes_max) = (range.len(), self.limits.record_bytes_max);
        if bytes > bytes_max {
            let reason = format!("record of {bytes} bytes is longer than {bytes_max}");
            return self.quarantine(range, &reason);
        }
        let depth_max = self.limits.depth_max;
        // The record is a level itself.
        let deeper =
            |value| json::is_nested(value) && json::is_deeper(value, depth_max.saturating_sub(1));
        if fields.0.iter().any(|field| deeper(field.value)) {
            return self.quarantine(range, &format!("record is nested deeper than {depth_max}"));
        }
        match kind::of(fields) {
            Some(kind) => self.write(kind, range, fields),
            None => self.quarantine(range, kind::UNKNOWN),
        }
    }

    fn write(&mut self, kind: Kind, range: Range<usize>, fields: &Fields<'_>) {
        let received = self.context.received;
        let length = self.body.len();
        let expected = |row_bytes: usize| (length / row_bytes).clamp(1, ROWS_EXPECTED_MAX);
        match kind {
            Kind::Gateway => {
                let gateway = self
                    .gateway
                    .get_or_insert_with(|| Gateway::new(expected(1_000)));
                gateway.write(fields, received);
            }
            Kind::Activity => {
                let activity = self
                    .activity
                    .get_or_insert_with(|| Activity::new(expected(2_000)));
                activity.write(fields, received);
            }
            Kind::Log(log) => self.log_writer(log).write(fields, received),
            Kind::Nsg | Kind::Vnet | Kind::FlowRow => {
                let copies_max = self.limits.copies_max.min(COPIES_MAX);
                let flow = self
                    .flow
                    .get_or_insert_with(|| Flow::new(expected(80), copies_max));
                match flow.write(kind, fields, received) {
                    Ok(Written::Whole) => {}
                    Ok(Written::Part { rest, reason }) => {
                        self.quarantine_bytes(range, rest.as_bytes(), &reason);
                    }
                    Err(reason) => return self.quarantine(range, &reason),
                }
            }
        }
        self.accepted = self.accepted.saturating_add(1);
    }

    fn log_writer(&mut self, log: Log) -> &mut LogWriter {
        let expected = (self.body.len() / 1_500).clamp(1, ROWS_EXPECTED_MAX);
        let writer = self.logs.entry(log);
        writer.or_insert_with(|| LogWriter::new(log, expected))
    }

    fn quarantine(&mut self, range: Range<usize>, reason: &str) {
        let bytes = self.body.get(range.clone()).unwrap_or_default();
        self.quarantine_bytes(range, bytes, reason);
    }

    fn quarantine_bytes(&mut self, range: Range<usize>, bytes: &[u8], reason: &str) {
        let bytes_max = self.limits.record_bytes_max;
        let quarantine = self
            .quarantine
            .get_or_insert_with(|| Quarantine::new(bytes_max));
        quarantine.write(self.context, range, bytes, reason);
    }

    fn finish(self) -> Result<Decoded, DecodeError> {
        let Self {
            context,
            gateway,
            flow,
            activity,
            logs,
            quarantine,
            accepted,
            ..
        } = self;
        let constants = Constants {
            workspace: context.workspace,
            received: context.received,
        };
        let quarantine = quarantine.map(Quarantine::into_columns);
        let quarantined = quarantine.as_ref().map_or(0, Columns::rows);
        let mut written = vec![
            (
                Table::ApiManagementGatewayLogs,
                gateway.map(Gateway::into_columns),
            ),
            (Table::NtaNetAnalytics, flow.map(Flow::into_columns)),
            (Table::AzureActivity, activity.map(Activity::into_columns)),
        ];
        for writer in logs.into_values() {
            let (table, columns) = writer.into_columns();
            written.push((table, Some(columns)));
        }
        written.push((Table::Quarantine, quarantine));
        let mut parts = Vec::new();
        for (table, columns) in written {
            if let Some(columns) = columns.filter(|columns| columns.rows() > 0) {
                parts.push((table, columns.finish(&constants)?));
            }
        }
        let quarantined = u64::try_from(quarantined).unwrap_or(u64::MAX);
        Ok(Decoded {
            parts,
            accepted,
            quarantined,
        })
    }
}

#[cfg(test)]
mod tests;
