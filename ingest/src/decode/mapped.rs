//! Records of other gateways: which mapping takes them, and those that are lines of text.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::error::ArrowError;
use store::Table;

use super::{At, DecodeError, Decoder, Item};
use crate::json::{Fields, ObjectWriter};
use crate::kind::Kind;
use crate::mapping::{self, Lines};

/// Adds rows to those of their table: Azure's gateway logs and mapped ones may come in one body.
pub(super) fn add(
    parts: &mut Vec<(Table, RecordBatch)>,
    table: Table,
    rows: RecordBatch,
) -> Result<(), ArrowError> {
    match parts.iter_mut().find(|(known, _)| *known == table) {
        Some((_, known)) => *known = concat_batches(&rows.schema(), [&*known, &rows])?,
        None => parts.push((table, rows)),
    }
    Ok(())
}

impl Decoder<'_> {
    /// The mapping that takes a record of none of Azure's kinds, unless it was sent for another table.
    pub(super) fn mapped_kind(&self, at: &At<'_>, fields: &Fields<'_>) -> Option<Kind> {
        let fits = at.item.table.is_none_or(|table| table == mapping::TABLE);
        let found = || self.context.mappings.find(fields);
        fits.then(found).flatten().map(Kind::Mapped)
    }

    /// Reads a line of text as a record; or why it is none.
    pub(super) fn line(&mut self, at: &At<'_>, line: &[u8]) -> Result<(), &'static str> {
        if !self.context.mappings.takes_lines() {
            return Err("no mapping takes lines of text");
        }
        let mut object = ObjectWriter::default();
        let is_read = mapping::parse_line(line, &mut object);
        let fields = object.finish().filter(|_| is_read).and_then(Fields::parse);
        let fields = fields.ok_or("line is not of the Combined Log Format")?;
        let index = self.context.mappings.find_line(&fields);
        let index = index.ok_or("no mapping takes this line")?;
        self.write(Kind::Mapped(index), at, &fields);
        Ok(())
    }

    /// Reads an item whose records are lines of text; `false` if they are not.
    pub(super) fn lines(&mut self, item: Item<'_>) -> Result<bool, DecodeError> {
        let lines = Lines::of(item.bytes).filter(|_| self.context.mappings.takes_lines());
        let Some(lines) = lines else {
            return Ok(false);
        };
        for range in lines {
            self.count()?;
            let (bytes, bytes_max) = (range.len(), self.limits.record_bytes_max);
            let at = At { item, range };
            if bytes > bytes_max {
                let reason = format!("line of {bytes} bytes is longer than {bytes_max}");
                self.quarantine(&at, &reason);
            } else if let Err(reason) = self.line(&at, at.bytes()) {
                self.quarantine(&at, reason);
            }
        }
        Ok(true)
    }
}
