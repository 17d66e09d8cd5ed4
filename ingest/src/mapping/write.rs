//! A record of a mapping to a row.
#![deny(
    clippy::indexing_slicing,
    reason = "whatever a record holds, writing it must not panic"
)]

use std::borrow::Cow;

use store::Timestamp;

use super::compile::{Action, Check, Column, Compiled, Kind, Mappings, Step, UrlSteps};
use super::tree::{Found, WHOLE, is_absent};
use super::{How, Part, TABLE, Test, matching, value};
use crate::columns::{Columns, Place, Put};
use crate::json::{Fields, ObjectWriter};
use crate::row::Shared;

/// Writes records of any mapping into columns of the one table that they share.
#[derive(Debug)]
pub(crate) struct MappedWriter {
    columns: Columns,
    shared: Shared,
    timestamp: Place,
    source: Place,
    extras: ObjectWriter,
    /// Rows by mapping.
    counts: Vec<u64>,
}

impl MappedWriter {
    /// Makes room for `rows_expected` rows.
    pub(crate) fn new(rows_expected: usize) -> Self {
        Self {
            columns: Columns::new(TABLE, rows_expected),
            shared: Shared::of(TABLE),
            timestamp: Place::of(TABLE, "Timestamp"),
            source: Place::of(TABLE, "SourceSystem"),
            extras: ObjectWriter::default(),
            counts: Vec::new(),
        }
    }

    /// Writes a record of the mapping that [`Mappings::find`] found. A record without a readable
    /// time gets `received`.
    pub(crate) fn write(
        &mut self,
        (mappings, index): (&Mappings, usize),
        record: &Fields<'_>,
        received: Timestamp,
    ) {
        let Some(mapping) = mappings.get(index) else {
            return;
        };
        let mut row = Row {
            mapping,
            found: Found::new(record, &mapping.tree, mapping.slots),
        };
        let mut instant = None;
        for column in &mapping.columns {
            if column.kind == Kind::Time {
                instant = row.time(column);
            } else {
                row.put(column, &mut self.columns, self.shared);
            }
        }
        let instant = instant.unwrap_or(received);
        self.shared.set_time(&mut self.columns, instant);
        let _or_mapped = self.columns.datetime(self.timestamp, instant);
        let _or_mapped = self.columns.plain(self.source, &mapping.name);
        row.found.write_rest(&mapping.absent, &mut self.extras);
        self.shared
            .set_additional(&mut self.columns, self.extras.finish());
        self.extras.clear();
        self.columns.end_row();
        self.counts
            .resize(self.counts.len().max(index.saturating_add(1)), 0);
        if let Some(count) = self.counts.get_mut(index) {
            *count = count.saturating_add(1);
        }
    }

    /// How many rows each mapping gave.
    pub(crate) fn counts(&self, mappings: &Mappings) -> Vec<(String, u64)> {
        let counts = mappings.names().zip(&self.counts);
        let counts = counts.filter(|(_, count)| **count > 0);
        counts
            .map(|(name, count)| (name.to_owned(), *count))
            .collect()
    }

    /// The rows so far.
    pub(crate) fn into_columns(self) -> Columns {
        self.columns
    }
}

/// A value on its way to a column.
enum Given<'a> {
    /// JSON text of the record.
    Json(&'a str),
    Text(Cow<'a, str>),
    Millis(i64),
    Bool(bool),
    Instant(Timestamp),
}

struct Row<'a> {
    mapping: &'a Compiled,
    found: Found<'a>,
}

impl<'a> Row<'a> {
    /// The event's time, from the first source that has one.
    fn time(&mut self, column: &'a Column) -> Option<Timestamp> {
        for step in &column.steps {
            if let Some((Given::Instant(instant), taken)) = self.give(step, column.kind) {
                self.mark(taken);
                return Some(instant);
            }
        }
        None
    }

    /// Sets a column from the first of its sources that gives a value of its type.
    fn put(&mut self, column: &'a Column, columns: &mut Columns, shared: Shared) {
        for step in &column.steps {
            let Some((given, taken)) = self.give(step, column.kind) else {
                continue;
            };
            let put = match (given, column.kind) {
                (Given::Json(json), Kind::Resource) => {
                    shared.set_resource(columns, &matching::plain(json))
                }
                (Given::Text(text), Kind::Resource) => shared.set_resource(columns, &text),
                (Given::Json(json), _) => columns.json(column.place, json),
                (Given::Text(text), _) => columns.plain(column.place, &text),
                (Given::Millis(millis), _) => columns.long(column.place, millis),
                (Given::Bool(value), _) => columns.boolean(column.place, value),
                (Given::Instant(instant), _) => columns.datetime(column.place, instant),
            };
            if put == Put::Done {
                self.mark(taken);
                return;
            }
        }
    }

    fn mark(&mut self, taken: Option<(usize, u8)>) {
        if let Some((slot, part)) = taken {
            self.found.take(slot, part);
        }
    }

    /// A step's value, and what of the record it is once a column has it.
    fn give(&mut self, step: &'a Step, kind: Kind) -> Option<(Given<'a>, Option<(usize, u8)>)> {
        if !step.when.as_ref().is_none_or(|check| self.holds(check)) {
            return None;
        }
        match &step.action {
            Action::Constant(text) => Some((Given::Text(Cow::Borrowed(text)), None)),
            Action::Slot(slot, how) => {
                let json = self.json(*slot)?;
                let (given, part) = converted(json, how, kind)?;
                Some((given, Some((*slot, part))))
            }
            Action::Url(parts) => {
                let url = self.url(parts)?;
                Some((Given::Text(Cow::Owned(url)), None))
            }
            Action::Object(members) => {
                let object = self.object(members)?;
                Some((Given::Text(Cow::Owned(object)), None))
            }
        }
    }

    /// JSON text of a value that the record has.
    fn json(&self, slot: usize) -> Option<&'a str> {
        let json = self.found.value(slot)?;
        (!is_absent(json, &self.mapping.absent)).then_some(json)
    }

    fn holds(&self, check: &Check) -> bool {
        let mut slots = check.slots.iter();
        let value = slots.find_map(|slot| self.json(*slot));
        let text = || value.map(matching::plain);
        match &check.test {
            Test::Present => value.is_some(),
            Test::Absent => value.is_none(),
            Test::Equals(expected) => text().is_some_and(|text| text == *expected),
            Test::Within(bounds) => text().and_then(|text| bounds.has(&text)) == Some(true),
        }
    }

    /// The text of the first step that gives one, which counts as taken.
    fn text(&mut self, steps: &'a [Step]) -> Option<Cow<'a, str>> {
        for step in steps {
            let (text, taken) = match self.give(step, Kind::Other) {
                Some((Given::Json(json), taken)) => (matching::plain(json), taken),
                Some((Given::Text(text), taken)) => (text, taken),
                _ => continue,
            };
            self.mark(taken);
            return Some(text);
        }
        None
    }

    fn url(&mut self, parts: &'a UrlSteps) -> Option<String> {
        let path = self.text(&parts.path)?;
        let is_whole = path.contains("://") && !path.starts_with('/');
        let mut url = String::with_capacity(path.len().saturating_add(64));
        if !is_whole && let Some(host) = self.text(&parts.host) {
            let scheme = self.text(&parts.scheme);
            if let Some(scheme) = &scheme {
                url.push_str(scheme);
                url.push(':');
            }
            // Without a scheme it is a network-path reference (RFC 3986, 4.2).
            url.push_str("//");
            url.push_str(&host);
            if let Some(port) = self.text(&parts.port)
                && !value::has_port(&host)
                && !value::is_usual_port(scheme.as_deref(), &port)
            {
                url.push(':');
                url.push_str(&port);
            }
            if !path.starts_with('/') {
                url.push('/');
            }
        }
        url.push_str(&path);
        if !path.contains('?')
            && let Some(query) = self.text(&parts.query)
        {
            let query = query.strip_prefix('?').unwrap_or(&query);
            if !query.is_empty() {
                url.push('?');
                url.push_str(query);
            }
        }
        Some(url)
    }

    fn object(&mut self, members: &'a [(String, Vec<Step>)]) -> Option<String> {
        let mut object = ObjectWriter::default();
        for (name, steps) in members {
            for step in steps {
                let taken = match self.give(step, Kind::Other) {
                    Some((Given::Json(json), taken)) => {
                        object.push(name, json);
                        taken
                    }
                    Some((Given::Text(text), taken)) => {
                        object.push_text(name, &text);
                        taken
                    }
                    _ => continue,
                };
                self.mark(taken);
                break;
            }
        }
        object.finish().map(str::to_owned)
    }
}

/// What a column of that kind gets of a value, and the bits of the value that it is.
fn converted<'a>(json: &'a str, how: &How, kind: Kind) -> Option<(Given<'a>, u8)> {
    let is_plain = *how == How::default();
    if is_plain && matches!(kind, Kind::Other | Kind::Resource | Kind::Source) {
        return Some((Given::Json(json), WHOLE));
    }
    let (text, mut taken) = narrowed(matching::plain(json), how)?;
    if !how.lookup.is_empty() {
        let found = how.lookup.iter().find(|(from, _)| *from == text)?;
        return Some((Given::Text(Cow::Owned(found.1.clone())), 0));
    }
    if let Some(bounds) = how.within {
        return Some((Given::Bool(bounds.has(&text)?), 0));
    }
    let given = match (kind, how.unit) {
        (Kind::Duration, Some(unit)) => {
            let (millis, is_exact) = value::millis(&text, unit)?;
            if !is_exact {
                taken = 0;
            }
            Given::Millis(millis)
        }
        (Kind::Time | Kind::Instant, Some(unit)) => {
            Given::Instant(value::since_epoch(&text, unit)?)
        }
        (Kind::Time | Kind::Instant, None) => Given::Instant(value::instant(&text)?),
        _ => Given::Text(text),
    };
    Some((given, taken))
}

/// An item or a part of text, and the bits of the text that it is.
fn narrowed<'a>(text: Cow<'a, str>, how: &How) -> Option<(Cow<'a, str>, u8)> {
    let (mut text, mut taken) = (text, WHOLE);
    if let Some(item) = how.item {
        let found = value::item(&text, item);
        if found.is_empty() || found == "-" {
            return None;
        }
        if found.len() < text.len() {
            taken = 0;
            text = Cow::Owned(found.to_owned());
        }
    }
    if let Some(part) = how.part {
        let found = value::part(&text, part)?;
        if found.is_empty() {
            return None;
        }
        let bits = match part {
            Part::Method => 0b001,
            Part::Target => 0b010,
            Part::Protocol => 0b100,
            Part::Address if found.len() == text.len() => WHOLE,
            Part::Address => 0,
        };
        taken &= bits;
        text = Cow::Owned(found.to_owned());
    }
    Some((text, taken))
}
