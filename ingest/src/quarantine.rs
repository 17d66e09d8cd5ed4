//! Rows of `_Quarantine`: what could not be read, with all that is needed to read it again.

use store::Table;

use crate::columns::{Columns, Place};
use crate::decode::Context;

const TABLE: Table = Table::Quarantine;

/// Longest reason, in characters. Reasons quote the input, which may be long.
const REASON_CHARACTERS_MAX: usize = 500;

/// Writes rows of `_Quarantine`.
#[derive(Debug)]
pub(crate) struct Quarantine {
    columns: Columns,
    places: Places,
    /// More bytes than this are cut; length and digest are of all of them.
    bytes_max: usize,
}

#[derive(Clone, Copy, Debug)]
struct Places {
    time: Place,
    batch: Place,
    source: Place,
    reason: Place,
    offset: Place,
    length: Place,
    bytes: Place,
    digest: Place,
}

impl Quarantine {
    pub(crate) fn new(bytes_max: usize) -> Self {
        let place = |name| Place::of(TABLE, name);
        let places = Places {
            time: place(store::schema::TIME_COLUMN),
            batch: place("Batch"),
            source: place("Source"),
            reason: place("Reason"),
            offset: place("Offset"),
            length: place("Length"),
            bytes: place("Bytes"),
            digest: place("Digest"),
        };
        Self {
            columns: Columns::new(TABLE, 4),
            places,
            bytes_max,
        }
    }

    /// Keeps `bytes` of a record at `offset` of the decompressed body. They may differ from it where
    /// only a part of a record is kept; the length and the digest are of `bytes`.
    pub(crate) fn write(
        &mut self,
        context: &Context<'_>,
        offset: usize,
        bytes: &[u8],
        reason: &str,
    ) {
        let signed = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let kept = bytes.get(..self.bytes_max).unwrap_or(bytes);
        let reason: String = reason.chars().take(REASON_CHARACTERS_MAX).collect();
        let Self {
            columns, places, ..
        } = self;
        let puts = [
            columns.datetime(places.time, context.received),
            columns.text(places.batch, context.batch),
            columns.text(places.source, context.source),
            columns.text(places.reason, &reason),
            columns.long(places.offset, signed(offset)),
            columns.long(places.length, signed(bytes.len())),
            columns.bytes(places.bytes, kept),
            columns.text(places.digest, blake3::hash(bytes).to_hex().as_str()),
        ];
        debug_assert!(
            puts.iter().all(|put| *put == crate::columns::Put::Done),
            "columns are typed"
        );
        columns.end_row();
    }

    /// The rows so far.
    pub(crate) fn into_columns(self) -> Columns {
        self.columns
    }
}
