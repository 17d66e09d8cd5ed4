//! A log record, whichever encoding it came in, and its row of `OTelLogs`.
#![deny(
    clippy::indexing_slicing,
    reason = "whatever a body holds, reading it must not panic"
)]

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use store::{Table, Timestamp};

use super::each::each;
use super::value::{self, Members, Reason};
use super::wire::{Broken, Reader, Value};
use crate::decode::Limits;
use crate::json::{self, Fields, ObjectWriter};
use crate::log;

/// What a log record says. Members are JSON text where they may be of any type.
#[derive(Debug, Default)]
pub(super) struct Record<'a> {
    time_nanos: u64,
    observed_nanos: u64,
    severity_number: Option<String>,
    severity_text: Cow<'a, str>,
    body: Option<String>,
    /// An object.
    attributes: Option<String>,
    trace_id: String,
    span_id: String,
    flags: Option<String>,
    event_name: Cow<'a, str>,
    dropped: Option<String>,
}

/// What the records of a scope have in common: the resource that wrote them, and its part.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    /// An object.
    resource_attributes: Option<Arc<str>>,
    resource_schema: Arc<str>,
    /// The resource's id in Azure.
    resource_id: Option<Arc<str>>,
    name: String,
    version: String,
    /// An object.
    attributes: Option<String>,
    schema: String,
    /// Why it can't be read: its records can't be, then.
    pub(super) broken: Option<Reason>,
}

impl Scope {
    /// The resource of a `ResourceLogs`. An error is one of the frame.
    pub(super) fn resource_from_protobuf(message: &[u8], limits: &Limits) -> Result<Self, Broken> {
        let mut scope = Self::default();
        let mut reader = Reader::new(message);
        while let Some((number, value)) = reader.next()? {
            match (number, value) {
                (1, Value::Bytes(bytes)) => match attributes(bytes, 1, limits) {
                    Ok(attributes) => scope.set_resource(attributes),
                    Err(reason) => scope.broken = Some(reason),
                },
                (3, Value::Bytes(bytes)) => scope.resource_schema = lossy(bytes).into(),
                _ => {}
            }
        }
        Ok(scope)
    }

    /// The scope of a `ScopeLogs` of this resource.
    pub(super) fn scope_from_protobuf(
        &self,
        message: &[u8],
        limits: &Limits,
    ) -> Result<Self, Broken> {
        let mut scope = self.clone();
        let mut reader = Reader::new(message);
        while let Some((number, value)) = reader.next()? {
            match (number, value) {
                (1, Value::Bytes(bytes)) => scope.set_own(bytes, limits)?,
                (3, Value::Bytes(bytes)) => scope.schema = lossy(bytes),
                _ => {}
            }
        }
        Ok(scope)
    }

    fn set_own(&mut self, message: &[u8], limits: &Limits) -> Result<(), Broken> {
        let mut reader = Reader::new(message);
        while let Some((number, value)) = reader.next()? {
            match (number, value) {
                (1, Value::Bytes(bytes)) => self.name = lossy(bytes),
                (2, Value::Bytes(bytes)) => self.version = lossy(bytes),
                _ => {}
            }
        }
        match attributes(message, 3, limits) {
            Ok(attributes) => self.attributes = attributes,
            Err(reason) => self.broken = Some(reason),
        }
        Ok(())
    }

    /// As from protobuf, of a member of `resourceLogs`.
    pub(super) fn resource_from_json(fields: &Fields<'_>, limits: &Limits) -> Self {
        let mut scope = Self {
            resource_schema: text(fields, "schemaUrl").into(),
            ..Self::default()
        };
        if let Some(resource) = fields.get("resource").and_then(Fields::parse) {
            match json_attributes(&resource, limits) {
                Ok(attributes) => scope.set_resource(attributes),
                Err(reason) => scope.broken = Some(reason),
            }
        }
        scope
    }

    /// As from protobuf, of a member of `scopeLogs`.
    pub(super) fn scope_from_json(&self, fields: &Fields<'_>, limits: &Limits) -> Self {
        let mut scope = Self {
            schema: text(fields, "schemaUrl"),
            ..self.clone()
        };
        if let Some(found) = fields.get("scope").and_then(Fields::parse) {
            scope.name = text(&found, "name");
            scope.version = text(&found, "version");
            match json_attributes(&found, limits) {
                Ok(attributes) => scope.attributes = attributes,
                Err(reason) => scope.broken = Some(reason),
            }
        }
        scope
    }

    fn set_resource(&mut self, attributes: Option<String>) {
        if let Some(fields) = attributes.as_deref().and_then(Fields::parse) {
            let id = fields.text("cloud.resource_id");
            self.resource_id = id.filter(|id| id.starts_with('/')).map(Arc::from);
        }
        self.resource_attributes = attributes.map(Arc::from);
    }

    /// Bytes that a row repeats of it.
    pub(super) fn bytes(&self) -> usize {
        let resource = self.resource_attributes.as_ref();
        let own = self.attributes.as_ref();
        let lengths = [
            resource.map_or(0, |text| text.len()),
            own.map_or(0, String::len),
            self.resource_schema.len(),
            self.name.len(),
            self.version.len(),
            self.schema.len(),
        ];
        lengths.into_iter().fold(0, usize::saturating_add)
    }

    /// Appends what all rows of the scope have.
    fn push(&self, row: &mut ObjectWriter) {
        if let Some(attributes) = &self.resource_attributes {
            row.push("ResourceAttributes", attributes);
        }
        if let Some(attributes) = &self.attributes {
            row.push("ScopeAttributes", attributes);
        }
        let texts = [
            ("ResourceSchemaUrl", &*self.resource_schema),
            ("ScopeName", &self.name),
            ("ScopeVersion", &self.version),
            ("ScopeSchemaUrl", &self.schema),
        ];
        for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            row.push_text(name, text);
        }
        if let Some(id) = &self.resource_id {
            row.push_text("_ResourceId", id);
        }
    }
}

impl<'a> Record<'a> {
    pub(super) fn from_protobuf(bytes: &'a [u8], depth: usize) -> Result<Self, Reason> {
        let mut record = Self::default();
        let mut attributes = Members::default();
        let mut reader = Reader::new(bytes);
        while let Some((number, value)) = reader.next().map_err(|broken| broken.reason)? {
            match (number, value) {
                (1, Value::Fixed64(nanos)) => record.time_nanos = nanos,
                (2, Value::Varint(number)) if number > 0 => {
                    record.severity_number = Some(number.cast_signed().to_string());
                }
                (3, Value::Bytes(bytes)) => record.severity_text = value::utf8(bytes)?,
                (5, Value::Bytes(bytes)) => record.body = value::from_protobuf(bytes, depth)?,
                (6, Value::Bytes(bytes)) => {
                    value::pair_from_protobuf(bytes, depth, &mut attributes)?;
                }
                (7, Value::Varint(number)) if number > 0 => {
                    record.dropped = Some(number.to_string());
                }
                (8, Value::Fixed32(flags)) if flags > 0 => record.flags = Some(flags.to_string()),
                (9, Value::Bytes(bytes)) => record.trace_id = id(&hex(bytes)),
                (10, Value::Bytes(bytes)) => record.span_id = id(&hex(bytes)),
                (11, Value::Fixed64(nanos)) => record.observed_nanos = nanos,
                (12, Value::Bytes(bytes)) => record.event_name = value::utf8(bytes)?,
                _ => {}
            }
        }
        record.attributes = attributes.finish();
        Ok(record)
    }

    pub(super) fn from_json(record: &'a str, depth: usize) -> Result<Self, Reason> {
        let fields = Fields::parse(record).ok_or("a log record is not an object")?;
        let mut record = Self::default();
        let mut attributes = Members::default();
        for field in fields.0.iter().filter(|field| field.value != "null") {
            let value = field.value;
            let string = || json::string(value).unwrap_or_default();
            let number = || Some(value.to_owned()).filter(|value| value != "0");
            match &*field.name {
                "timeUnixNano" if let Some(nanos) = nanos(value) => record.time_nanos = nanos,
                "observedTimeUnixNano" if let Some(nanos) = nanos(value) => {
                    record.observed_nanos = nanos;
                }
                "severityNumber" => record.severity_number = number(),
                "severityText" => record.severity_text = string(),
                "body" => record.body = value::from_json(value, depth)?,
                "attributes" => each(value, &mut |pair| {
                    value::pair_from_json(pair, depth, &mut attributes)
                })?,
                "droppedAttributesCount" => record.dropped = number(),
                "flags" => record.flags = number(),
                "traceId" => record.trace_id = id(&string()),
                "spanId" => record.span_id = id(&string()),
                "eventName" => record.event_name = string(),
                _ => attributes.push(&field.name, value)?,
            }
        }
        record.attributes = attributes.finish();
        Ok(record)
    }

    /// When it happened, or was seen.
    fn instant(&self) -> Option<Timestamp> {
        let nanos = [self.time_nanos, self.observed_nanos];
        let nanos = nanos.into_iter().find(|nanos| *nanos > 0)?;
        i64::try_from(nanos / 1000).ok().map(Timestamp::from_micros)
    }

    /// The body, where it seems to hold records.
    pub(super) fn carried(&self) -> Option<Cow<'_, str>> {
        let body = self.body.as_deref()?;
        if json::is_nested(body) {
            return Some(Cow::Borrowed(body));
        }
        json::string(body).filter(|text| json::is_nested(text.trim_start()))
    }

    /// The attributes as members of a record, and beside them what else is said; `None` without attributes.
    pub(super) fn flat(&self, scope: &Scope) -> Option<String> {
        let attributes = Fields::parse(self.attributes.as_deref()?)?;
        let mut record = ObjectWriter::default();
        for field in &attributes.0 {
            record.push(&field.name, field.value);
        }
        let has_time = log::TIMES.iter().any(|name| attributes.get(name).is_some());
        if let Some(instant) = self.instant().filter(|_| !has_time) {
            record.push_text("time", &instant.to_rfc3339());
        }
        self.push(&mut record);
        scope.push(&mut record);
        record.finish().map(str::to_owned)
    }

    /// Appends what is said besides attributes and times.
    fn push(&self, row: &mut ObjectWriter) {
        let texts = [
            ("SeverityText", &*self.severity_text),
            ("TraceId", &self.trace_id),
            ("SpanId", &self.span_id),
            ("EventName", &self.event_name),
        ];
        for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            row.push_text(name, text);
        }
        let values = [
            ("SeverityNumber", &self.severity_number),
            ("TraceFlags", &self.flags),
            ("DroppedAttributesCount", &self.dropped),
            ("Body", &self.body),
        ];
        for (name, value) in values {
            if let Some(value) = value {
                row.push(name, value);
            }
        }
    }

    /// The row of `OTelLogs`.
    pub(super) fn row(&self, scope: &Scope) -> String {
        let mut row = ObjectWriter::default();
        row.push_text("Type", Table::OTelLogs.name());
        if let Some(instant) = self.instant() {
            row.push_text("TimeGenerated", &instant.to_rfc3339());
        }
        self.push(&mut row);
        for (name, nanos) in [
            ("Timestamp", self.time_nanos),
            ("ObservedTimestamp", self.observed_nanos),
        ] {
            if let Ok(micros @ 1..) = i64::try_from(nanos / 1000) {
                row.push_text(name, &Timestamp::from_micros(micros).to_rfc3339());
            }
        }
        if let Some(attributes) = &self.attributes {
            row.push("Attributes", attributes);
        }
        scope.push(&mut row);
        row.finish().unwrap_or("{}").to_owned()
    }
}

/// The attributes of a resource or scope, which are its fields of that number.
fn attributes(bytes: &[u8], wanted: u64, limits: &Limits) -> Result<Option<String>, Reason> {
    fits(bytes.len(), limits)?;
    let mut object = Members::default();
    let mut reader = Reader::new(bytes);
    while let Some((number, value)) = reader.next().map_err(|broken| broken.reason)? {
        match value {
            Value::Bytes(bytes) if number == wanted => {
                value::pair_from_protobuf(bytes, limits.depth_max, &mut object)?;
            }
            _ => {}
        }
    }
    Ok(object.finish())
}

fn json_attributes(fields: &Fields<'_>, limits: &Limits) -> Result<Option<String>, Reason> {
    let Some(list) = fields.get("attributes").filter(|list| *list != "null") else {
        return Ok(None);
    };
    fits(list.len(), limits)?;
    if json::is_deeper(list, limits.depth_max) {
        return Err(Reason::Borrowed(
            "the attributes of its resource or scope are nested too deeply",
        ));
    }
    let mut object = Members::default();
    each(list, &mut |pair| {
        value::pair_from_json(pair, limits.depth_max, &mut object)
    })?;
    Ok(object.finish())
}

fn fits(bytes: usize, limits: &Limits) -> Result<(), Reason> {
    let bytes_max = limits.record_bytes_max;
    if bytes > bytes_max {
        let reason = format!("its resource or scope of {bytes} bytes is longer than {bytes_max}");
        return Err(Reason::Owned(reason));
    }
    Ok(())
}

fn text(fields: &Fields<'_>, name: &str) -> String {
    fields.text(name).unwrap_or_default().into_owned()
}

/// Text of a name or an address; what is not UTF-8 in it is replaced.
fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Nanoseconds, which are a string, since JavaScript's numbers are no integers; protobuf's JSON also takes numbers, and
/// exponents in both. `None` where they can't be read.
fn nanos(value: &str) -> Option<u64> {
    let text = json::string(value).unwrap_or(Cow::Borrowed(value));
    let real = || {
        let real: f64 = text.parse().ok()?;
        // Every `f64` below 2^64 that has no fraction is a `u64`.
        let is_whole = (0.0..18_446_744_073_709_551_616.0).contains(&real) && real.fract() == 0.0;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked"
        )]
        is_whole.then_some(real as u64)
    };
    text.parse().ok().or_else(real)
}

/// A trace's or span's id: hex, of which zeros alone say that there is none. What is no hex stays as it came.
fn id(text: &str) -> String {
    if text.bytes().all(|byte| byte == b'0') {
        return String::new();
    }
    if text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return text.to_ascii_lowercase();
    }
    text.to_owned()
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        let written = write!(text, "{byte:02x}");
        debug_assert!(written.is_ok(), "writing to a string does not fail");
    }
    text
}
