//! A body to rows: finds the records, tells their kind, writes them, and quarantines the rest.
#![deny(
    clippy::indexing_slicing,
    reason = "whatever a body holds, reading it must not panic"
)]

mod mapped;
mod read;

use std::collections::BTreeMap;
use std::ops::Range;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use store::{Table, Timestamp, Workspace};

use crate::activity::Activity;
use crate::carrier;
use crate::columns::{Columns, Constants};
use crate::csv;
use crate::flow::{Flow, Written};
use crate::gateway::Gateway;
use crate::json::{self, Fields};
use crate::kind::{self, Kind};
pub(crate) use crate::limits::Limits;
use crate::log::{Log, LogWriter};
use crate::mapping::{self, MappedWriter, Mappings};
use crate::quarantine::{Kept, Quarantine};
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
    /// How logs of other gateways are told and read.
    pub mappings: &'a Mappings,
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
    /// Rows that each mapping gave, of those that gave any.
    pub mapped: Vec<(String, u64)>,
    /// What was kept of the records that were not read.
    pub kept: Kept,
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

/// A part of a body whose ends its protocol tells, or all of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item<'a> {
    /// One record, or what a body may be.
    pub(crate) bytes: &'a [u8],
    /// Where it is in the body, in bytes from 0.
    pub(crate) offset: usize,
    /// Where its records go that do not say it themselves.
    pub(crate) table: Option<Table>,
}

/// Where a record is.
#[derive(Clone, Debug)]
pub(crate) struct At<'a> {
    item: Item<'a>,
    range: Range<usize>,
}

impl<'a> At<'a> {
    /// All of an item.
    pub(crate) fn whole(item: Item<'a>) -> Self {
        let range = 0..item.bytes.len();
        Self { item, range }
    }

    fn bytes(&self) -> &'a [u8] {
        self.item.bytes.get(self.range.clone()).unwrap_or_default()
    }

    fn offset(&self) -> usize {
        self.item.offset.saturating_add(self.range.start)
    }
}

/// Decodes a decompressed body. CPU-bound, a few milliseconds for each megabyte.
pub fn decode(context: &Context<'_>, limits: &Limits, body: &[u8]) -> Result<Decoded, DecodeError> {
    decode_as(context, limits, body, None)
}

/// As [`decode()`], of a body whose records go to `table` if they do not say it themselves.
pub fn decode_as(
    context: &Context<'_>,
    limits: &Limits,
    body: &[u8],
    table: Option<Table>,
) -> Result<Decoded, DecodeError> {
    if scan::skip_space(body, 0) == body.len() || body == b"\xef\xbb\xbf" {
        return Err(DecodeError::Empty);
    }
    let mut decoder = Decoder::new(context, limits, body.len())?;
    let complaint = decoder.read(Item {
        bytes: body,
        offset: 0,
        table,
    })?;
    if let Some((offset, reason)) = complaint {
        return Err(unreadable(body, offset, reason));
    }
    decoder.finish()
}

/// The kind of the table that a record names, or the item for it.
fn named(at: &At<'_>, fields: &Fields<'_>) -> Option<Kind> {
    let table = at.item.table?;
    kind::named(fields).or_else(|| kind::of_table(table))
}

/// Says where in a body something is wrong.
pub(crate) fn unreadable(body: &[u8], offset: usize, reason: String) -> DecodeError {
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
pub(crate) struct Decoder<'a> {
    context: &'a Context<'a>,
    limits: &'a Limits,
    /// Bytes of the whole body.
    length: usize,
    gateway: Option<Gateway>,
    flow: Option<Flow>,
    activity: Option<Activity>,
    logs: BTreeMap<Log, LogWriter>,
    mapped: Option<MappedWriter>,
    quarantine: Option<Quarantine>,
    records: usize,
    accepted: u64,
    /// Why something of the present item is in quarantine.
    reason: Option<String>,
}

impl<'a> Decoder<'a> {
    /// For a body of `length` bytes.
    pub(crate) fn new(
        context: &'a Context<'a>,
        limits: &'a Limits,
        length: usize,
    ) -> Result<Self, DecodeError> {
        if length > BODY_BYTES_MAX {
            let reason = format!("it is longer than {BODY_BYTES_MAX} bytes");
            return Err(unreadable(&[], 0, reason));
        }
        Ok(Self {
            context,
            limits,
            length,
            gateway: None,
            flow: None,
            activity: None,
            logs: BTreeMap::new(),
            mapped: None,
            quarantine: None,
            records: 0,
            accepted: 0,
            reason: None,
        })
    }

    /// Reads an item as a body of its own. It costs other items nothing; gives why something of it is in quarantine.
    pub(crate) fn item(&mut self, item: Item<'_>) -> Result<Option<String>, DecodeError> {
        let complaint = self.read(item)?;
        let reason = self.reason.take();
        if let Some((_, complaint)) = complaint.filter(|_| reason.is_none()) {
            self.quarantine(&At::whole(item), &complaint);
            return Ok(self.reason.take());
        }
        Ok(reason)
    }

    /// Counts a record, of which there may be so many.
    pub(crate) fn count(&mut self) -> Result<(), DecodeError> {
        let records_max = self.limits.records_max;
        self.records = self.records.saturating_add(1);
        if self.records > records_max {
            return Err(DecodeError::TooManyRecords { records_max });
        }
        Ok(())
    }

    fn record(&mut self, at: &At<'_>, fields: &Fields<'_>) -> Result<(), DecodeError> {
        if let Some(reason) = self.unfit(at.range.len(), fields) {
            self.quarantine(at, &reason);
            return Ok(());
        }
        let own = kind::own(fields).or_else(|| self.mapped_kind(at, fields));
        if own.is_none()
            && let Some(text) = carrier::inside(fields)
            && self.carried(at, &text, carrier::is_event(fields))?
        {
            return Ok(());
        }
        if own.is_none()
            && let Some(line) = carrier::line(fields)
            && self.line(at, line.as_bytes()).is_ok()
        {
            return Ok(());
        }
        let is_mapped = matches!(own, Some(Kind::Mapped(_)));
        let named = named(at, fields).filter(|_| !is_mapped);
        match named.or(own).or_else(|| kind::rest(fields)) {
            Some(kind) => self.write(kind, at, fields),
            None => self.quarantine(at, kind::UNKNOWN),
        }
        Ok(())
    }

    /// Why a record can't be taken, whatever its kind.
    fn unfit(&self, bytes: usize, fields: &Fields<'_>) -> Option<String> {
        let bytes_max = self.limits.record_bytes_max;
        if bytes > bytes_max {
            return Some(format!(
                "record of {bytes} bytes is longer than {bytes_max}"
            ));
        }
        let mut names = fields.0.iter().map(|field| &*field.name);
        if let Some(reason) = names.find_map(csv::unknown_zone_of) {
            return Some(reason);
        }
        let depth_max = self.limits.depth_max;
        // The record is a level itself.
        let deeper =
            |value| json::is_nested(value) && json::is_deeper(value, depth_max.saturating_sub(1));
        let is_deeper = fields.0.iter().any(|field| deeper(field.value));
        is_deeper.then(|| format!("record is nested deeper than {depth_max}"))
    }

    fn write(&mut self, kind: Kind, at: &At<'_>, fields: &Fields<'_>) {
        let received = self.context.received;
        let length = self.length;
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
            Kind::Mapped(index) => {
                let mapped = self
                    .mapped
                    .get_or_insert_with(|| MappedWriter::new(expected(700)));
                mapped.write((self.context.mappings, index), fields, received);
            }
            Kind::Nsg | Kind::Vnet | Kind::FlowRow => {
                let copies_max = self.limits.copies_max.min(COPIES_MAX);
                let flow = self
                    .flow
                    .get_or_insert_with(|| Flow::new(expected(80), copies_max));
                match flow.write(kind, fields, received) {
                    Ok(Written::Whole) => {}
                    Ok(Written::Part { rest, reason }) => {
                        self.quarantine_bytes(at.offset(), rest.as_bytes(), &reason);
                    }
                    Err(reason) => return self.quarantine(at, &reason),
                }
            }
        }
        self.accepted = self.accepted.saturating_add(1);
    }

    fn log_writer(&mut self, log: Log) -> &mut LogWriter {
        let expected = (self.length / 1_500).clamp(1, ROWS_EXPECTED_MAX);
        let writer = self.logs.entry(log);
        writer.or_insert_with(|| LogWriter::new(log, expected))
    }

    /// Why something is in quarantine since this was asked last.
    pub(crate) fn take_reason(&mut self) -> Option<String> {
        self.reason.take()
    }

    /// Keeps what can't be read.
    pub(crate) fn quarantine(&mut self, at: &At<'_>, reason: &str) {
        self.quarantine_bytes(at.offset(), at.bytes(), reason);
    }

    fn quarantine_bytes(&mut self, offset: usize, bytes: &[u8], reason: &str) {
        let limits = self.limits;
        let (bytes_max, room) = (limits.record_bytes_max, limits.quarantine_bytes_max);
        let quarantine = self
            .quarantine
            .get_or_insert_with(|| Quarantine::new(bytes_max, room));
        quarantine.write(self.context, offset, bytes, reason);
        self.reason.get_or_insert_with(|| reason.to_owned());
    }

    /// The tables that were filled.
    pub(crate) fn finish(self) -> Result<Decoded, DecodeError> {
        let Self {
            context,
            gateway,
            flow,
            activity,
            logs,
            mapped,
            quarantine,
            accepted,
            ..
        } = self;
        let constants = Constants {
            workspace: context.workspace,
            received: context.received,
        };
        let (quarantine, kept) = quarantine.map(Quarantine::into_columns).unzip();
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
        let counts = mapped.as_ref().map(|rows| rows.counts(context.mappings));
        written.push((mapping::TABLE, mapped.map(MappedWriter::into_columns)));
        let mut parts = Vec::new();
        for (table, columns) in written {
            if let Some(columns) = columns.filter(|columns| columns.rows() > 0) {
                mapped::add(&mut parts, table, columns.finish(&constants)?)?;
            }
        }
        let quarantined = u64::try_from(quarantined).unwrap_or(u64::MAX);
        Ok(Decoded {
            parts,
            accepted,
            quarantined,
            mapped: counts.unwrap_or_default(),
            kept: kept.unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests;
