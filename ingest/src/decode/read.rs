//! From an item to its records, whatever form they have in it.

use std::borrow::Cow;

use super::{At, COPIES_MAX, DecodeError, Decoder, Item, named};
use crate::csv::Rows;
use crate::envelope::{Envelope, Piece};
use crate::json::{Field, Fields};
use crate::kind::{self, Kind};
use crate::refused;
use crate::repair::Fault;

/// Member of `AdditionalFields` that says what was wrong with a record that was repaired.
const REPAIRED: &str = "_Repaired";

/// A record in other words; what was wrong with it goes into its row.
fn rewritten(text: &str, fault: Option<Fault>) -> Result<Fields<'_>, String> {
    let mut fields = Fields::parse(text).ok_or("record is not an object")?;
    fields.0.extend(fault.map(|fault| Field {
        name: Cow::Borrowed(REPAIRED),
        value: fault.quoted(),
    }));
    Ok(fields)
}

impl Decoder<'_> {
    /// Where and why no record could be told apart in it, if that is so.
    pub(super) fn read(&mut self, item: Item<'_>) -> Result<Option<(usize, String)>, DecodeError> {
        if let Some(reason) = refused::why(item.bytes) {
            return Ok(Some((0, reason.into_owned())));
        }
        let bytes_max = self.limits.record_bytes_max;
        let copies_max = self.limits.copies_max.min(COPIES_MAX);
        if let Some(mut rows) = Rows::new(item.bytes, bytes_max, copies_max) {
            while let Some(piece) = rows.next() {
                self.piece(item, piece)?;
            }
            return Ok(None);
        }
        if self.lines(item)? {
            return Ok(None);
        }
        let mut envelope = Envelope::new(item.bytes, bytes_max);
        while let Some(piece) = envelope.next() {
            self.piece(item, piece)?;
        }
        Ok(envelope.complaint())
    }

    fn piece(&mut self, item: Item<'_>, piece: Piece<'_>) -> Result<(), DecodeError> {
        self.count()?;
        match piece {
            Piece::Record { range, fields } => self.record(&At { item, range }, &fields)?,
            Piece::Broken { range, reason } => self.quarantine(&At { item, range }, &reason),
            Piece::Rewritten { range, text, fault } => {
                let at = At { item, range };
                match rewritten(&text, fault) {
                    Ok(fields) => self.record(&at, &fields)?,
                    Err(reason) => self.quarantine(&at, &reason),
                }
            }
        }
        Ok(())
    }

    /// Reads the records in a text that came within another record; `false` if it begins with none. Where it is
    /// certain that there is one, it may have less to tell it by.
    pub(crate) fn carried(
        &mut self,
        at: &At<'_>,
        text: &str,
        is_certain: bool,
    ) -> Result<bool, DecodeError> {
        let mut envelope = Envelope::new(text.as_bytes(), self.limits.record_bytes_max);
        let mut is_first = true;
        while let Some(piece) = envelope.next() {
            let in_other_words;
            let (inner, fields) = match piece {
                Piece::Record { range, fields } => (range, Ok(fields)),
                Piece::Broken { range, reason } => (range, Err(reason)),
                Piece::Rewritten { range, text, fault } => {
                    in_other_words = text;
                    (range, rewritten(&in_other_words, fault))
                }
            };
            let read = fields.and_then(|fields| {
                let kind = self.carried_kind(at, &fields, is_certain)?;
                Ok((kind, fields))
            });
            match read {
                Ok((kind, fields)) => self.write(kind, at, &fields),
                Err(_) if is_first => return Ok(false),
                Err(reason) => {
                    let bytes = text.as_bytes().get(inner).unwrap_or_default();
                    self.quarantine_bytes(at.offset(), bytes, &reason);
                }
            }
            if !is_first {
                self.count()?;
            }
            is_first = false;
        }
        Ok(!is_first)
    }

    /// The kind of a record within another; why it is none.
    fn carried_kind(
        &self,
        at: &At<'_>,
        fields: &Fields<'_>,
        is_certain: bool,
    ) -> Result<Kind, String> {
        if let Some(reason) = self.unfit(0, fields) {
            return Err(reason);
        }
        let own = kind::own(fields).map(|own| named(at, fields).unwrap_or(own));
        let known = own.or_else(|| self.mapped_kind(at, fields));
        let is_certain = is_certain || kind::is_certain(fields);
        let rest = || kind::rest(fields).filter(|_| is_certain);
        let kind = known.or_else(|| rest().map(|rest| named(at, fields).unwrap_or(rest)));
        kind.ok_or_else(|| kind::UNKNOWN.to_owned())
    }
}
