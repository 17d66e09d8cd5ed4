//! Logs of OpenTelemetry (OTLP), as protobuf or as JSON.
//!
//! A log record is an envelope too. Where its body is a record of a known kind, or one that a mapping takes, that
//! record becomes the row; where its attributes are, they do, with what else the log record says; else it is a row of
//! `OTelLogs`, as it came.
#![deny(
    clippy::indexing_slicing,
    reason = "whatever a body holds, reading it must not panic"
)]

mod each;
mod record;
mod value;
mod wire;

use self::each::each;
use self::record::{Record, Scope};
use self::value::Reason;
use self::wire::{Broken, Reader, Value};
use crate::decode::{At, Context, DecodeError, Decoded, Decoder, Item, Limits, unreadable};
use crate::json::{self, Fields};

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtlpEncoding {
    /// `application/x-protobuf`.
    Protobuf,
    /// `application/json`.
    Json,
}

/// Decodes a decompressed body, an `ExportLogsServiceRequest`. Also gives the reason of the first record that is in
/// `_Quarantine`.
pub fn decode_otlp(
    context: &Context<'_>,
    limits: &Limits,
    body: &[u8],
    encoding: OtlpEncoding,
) -> Result<(Decoded, Option<String>), DecodeError> {
    let mut walk = Walk {
        decoder: Decoder::new(context, limits, body.len())?,
        limits,
        body,
        copies: 0,
        reason: None,
    };
    match encoding {
        OtlpEncoding::Protobuf => walk.protobuf()?,
        OtlpEncoding::Json => walk.json()?,
    }
    let reason = walk.reason.take();
    Ok((walk.decoder.finish()?, reason))
}

/// Bytes that rows of a body may repeat from resources and scopes: many times what senders need, and little enough that a
/// small body does not fill the memory.
const COPIES_MAX: usize = 128 << 20;

/// Why the walk ends.
enum End {
    /// The frame around the records is broken.
    Reason(Reason),
    Decode(DecodeError),
}

impl From<Reason> for End {
    fn from(reason: Reason) -> Self {
        Self::Reason(reason)
    }
}

/// Goes through resources, scopes and their records, all of which count: empty ones cost something too.
struct Walk<'a> {
    decoder: Decoder<'a>,
    limits: &'a Limits,
    body: &'a [u8],
    /// Bytes that rows have more than their records: what they repeat from resources and scopes.
    copies: usize,
    reason: Option<String>,
}

impl<'a> Walk<'a> {
    fn protobuf(&mut self) -> Result<(), DecodeError> {
        let body = self.body;
        self.for_messages(body, 1, |walk, resource_logs| {
            walk.decoder.count()?;
            let resource = Scope::resource_from_protobuf(resource_logs, walk.limits);
            let resource = resource.map_err(|broken| walk.broken(resource_logs, broken))?;
            walk.for_messages(resource_logs, 2, |walk, scope_logs| {
                walk.decoder.count()?;
                let scope = resource.scope_from_protobuf(scope_logs, walk.limits);
                let scope = scope.map_err(|broken| walk.broken(scope_logs, broken))?;
                walk.for_messages(scope_logs, 2, |walk, bytes| {
                    let record = walk.fitting(bytes);
                    let record =
                        record.and_then(|()| Record::from_protobuf(bytes, walk.limits.depth_max));
                    walk.write(bytes, record, &scope)
                })
            })
        })
    }

    /// Calls `act` with each field of a message that has that number and is a message too.
    fn for_messages(
        &mut self,
        message: &'a [u8],
        wanted: u64,
        mut act: impl FnMut(&mut Self, &'a [u8]) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        let mut reader = Reader::new(message);
        loop {
            match reader.next() {
                Ok(Some((number, Value::Bytes(bytes)))) if number == wanted => act(self, bytes)?,
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(broken) => return Err(self.broken(message, broken)),
            }
        }
    }

    fn broken(&self, message: &[u8], broken: Broken) -> DecodeError {
        let at = self.offset(message).saturating_add(broken.at);
        unreadable(self.body, at, broken.reason.to_owned())
    }

    fn json(&mut self) -> Result<(), DecodeError> {
        let body = self.body;
        let text = std::str::from_utf8(body)
            .map_err(|error| unreadable(body, error.valid_up_to(), "it is not UTF-8".to_owned()))?;
        let request: Fields<'a> = serde_json::from_str(text).map_err(|error| {
            let at = crate::scan::offset_of(body, error.line(), error.column());
            unreadable(body, at, error.to_string())
        })?;
        let Some(list) = request.get("resourceLogs") else {
            let reason = "there is no resourceLogs in it";
            let is_empty = request.0.is_empty();
            return if is_empty {
                Ok(())
            } else {
                Err(unreadable(body, 0, reason.to_owned()))
            };
        };
        self.for_members(list, "resourceLogs", |walk, resource_logs| {
            let fields = walk.object(resource_logs, "resourceLogs")?;
            walk.decoder.count()?;
            let resource = Scope::resource_from_json(&fields, walk.limits);
            let Some(list) = fields.get("scopeLogs") else {
                return Ok(());
            };
            walk.for_members(list, "scopeLogs", |walk, scope_logs| {
                let fields = walk.object(scope_logs, "scopeLogs")?;
                walk.decoder.count()?;
                let scope = resource.scope_from_json(&fields, walk.limits);
                let Some(list) = fields.get("logRecords") else {
                    return Ok(());
                };
                walk.for_members(list, "logRecords", |walk, text| {
                    walk.json_record(text, &scope)
                })
            })
        })
    }

    /// Calls `act` with each member of a list of that name.
    fn for_members(
        &mut self,
        list: &'a str,
        name: &str,
        mut act: impl FnMut(&mut Self, &'a str) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        let ended = each(list, &mut |member| act(self, member).map_err(End::Decode));
        ended.map_err(|end| match end {
            End::Reason(reason) => self.unreadable_part(list, format!("{name}: {reason}")),
            End::Decode(error) => error,
        })
    }

    fn object(&self, text: &'a str, of: &str) -> Result<Fields<'a>, DecodeError> {
        let not_one = || self.unreadable_part(text, format!("a member of {of} is not an object"));
        Fields::parse(text).ok_or_else(not_one)
    }

    fn unreadable_part(&self, part: &str, reason: String) -> DecodeError {
        unreadable(self.body, self.offset(part.as_bytes()), reason)
    }

    fn json_record(&mut self, text: &'a str, scope: &Scope) -> Result<(), DecodeError> {
        let depth_max = self.limits.depth_max;
        let mut record = self.fitting(text.as_bytes());
        if record.is_ok() && json::is_deeper(text, depth_max) {
            let reason = format!("record is nested deeper than {depth_max}");
            record = Err(Reason::Owned(reason));
        }
        let record = record.and_then(|()| Record::from_json(text, depth_max));
        self.write(text.as_bytes(), record, scope)
    }

    fn fitting(&self, record: &[u8]) -> Result<(), Reason> {
        let (bytes, bytes_max) = (record.len(), self.limits.record_bytes_max);
        if bytes > bytes_max {
            let reason = format!("record of {bytes} bytes is longer than {bytes_max}");
            return Err(Reason::Owned(reason));
        }
        Ok(())
    }

    /// Where a part of the body is in it.
    fn offset(&self, part: &[u8]) -> usize {
        part.as_ptr()
            .addr()
            .saturating_sub(self.body.as_ptr().addr())
    }

    fn write(
        &mut self,
        bytes: &[u8],
        record: Result<Record<'_>, Reason>,
        scope: &Scope,
    ) -> Result<(), DecodeError> {
        self.decoder.count()?;
        let at = At::whole(Item {
            bytes,
            offset: self.offset(bytes),
            table: None,
        });
        let record = record.and_then(|record| scope.broken.clone().map_or(Ok(record), Err));
        match record {
            Ok(record) => self.write_record(&at, bytes.len(), &record, scope)?,
            Err(reason) => self.decoder.quarantine(&at, &reason),
        }
        let reason = self.decoder.take_reason();
        self.reason = self.reason.take().or(reason);
        Ok(())
    }

    fn write_record(
        &mut self,
        at: &At<'_>,
        length: usize,
        record: &Record<'_>,
        scope: &Scope,
    ) -> Result<(), DecodeError> {
        if let Some(text) = record.carried()
            && self.decoder.carried(at, &text, false)?
        {
            return Ok(());
        }
        // Before rows are made: making them is what costs.
        let copies_max = self.limits.copies_max.min(COPIES_MAX);
        if self.copies.saturating_add(scope.bytes()) > copies_max {
            let reason = format!("rows of this body would repeat more than {copies_max} bytes");
            self.decoder.quarantine(at, &reason);
            return Ok(());
        }
        if let Some(text) = record.flat(scope)
            && self.decoder.carried(at, &text, false)?
        {
            self.copied(text.len(), length);
            return Ok(());
        }
        let row = record.row(scope);
        self.copied(row.len(), length);
        if !self.decoder.carried(at, &row, true)? {
            let depth_max = self.limits.depth_max;
            let reason = format!("record is nested deeper than {depth_max}");
            self.decoder.quarantine(at, &reason);
        }
        Ok(())
    }

    /// Counts what a row has more than its record.
    fn copied(&mut self, row: usize, record: usize) {
        self.copies = self.copies.saturating_add(row.saturating_sub(record));
    }
}

#[cfg(test)]
mod tests;
