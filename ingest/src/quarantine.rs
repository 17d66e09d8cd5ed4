//! Rows of `_Quarantine`: what could not be read, with all that is needed to read it again.

use store::Table;

use crate::columns::{Columns, Place};
use crate::decode::Context;
use crate::kind;

const TABLE: Table = Table::Quarantine;

/// Longest reason, in characters. Reasons quote the input, which may be long.
const REASON_CHARACTERS_MAX: usize = 500;

/// Why records are not read, in classes that can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReasonClass {
    /// It is no JSON.
    Syntax,
    /// It is JSON, but no object.
    NotAnObject,
    /// Nothing tells what kind of log it is.
    UnknownKind,
    /// It is longer than a record may be.
    TooLong,
    /// It is nested deeper than a record may be.
    TooDeep,
    /// It is a flow log, but what is in it is not.
    Flow,
}

impl ReasonClass {
    /// Every class.
    pub const ALL: [Self; 6] = [
        Self::Syntax,
        Self::NotAnObject,
        Self::UnknownKind,
        Self::TooLong,
        Self::TooDeep,
        Self::Flow,
    ];

    /// As `_Quarantine.ReasonClass` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::NotAnObject => "not_an_object",
            Self::UnknownKind => "unknown_kind",
            Self::TooLong => "too_long",
            Self::TooDeep => "too_deep",
            Self::Flow => "flow",
        }
    }

    /// The class of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }

    /// The class of a reason. Reasons are written here in the crate; none of them begins with what a sender wrote.
    fn of(reason: &str) -> Self {
        match () {
            () if reason == kind::UNKNOWN => Self::UnknownKind,
            () if reason == "record is not an object" => Self::NotAnObject,
            () if reason.starts_with("record is nested deeper") => Self::TooDeep,
            () if reason.starts_with("record of ") || reason.starts_with("line of ") => {
                Self::TooLong
            }
            () if ["flow ", "flows ", "tuples ", "a list of flows "]
                .iter()
                .any(|start| reason.starts_with(start)) =>
            {
                Self::Flow
            }
            () => Self::Syntax,
        }
    }
}

/// What was kept of the records that were not read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Records by class, in the order of [`ReasonClass::ALL`].
    pub records: [u64; ReasonClass::ALL.len()],
    /// Bytes of records.
    pub bytes: u64,
    /// Records whose bytes were not kept, because there was no more room for them.
    pub without_bytes: u64,
}

/// Writes rows of `_Quarantine`.
#[derive(Debug)]
pub(crate) struct Quarantine {
    columns: Columns,
    places: Places,
    /// More bytes than this are cut; length and digest are of all of them.
    bytes_max: usize,
    /// Room for the bytes of all records.
    room: usize,
    kept: Kept,
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
    class: Place,
    number: Place,
}

impl Quarantine {
    /// Keeps at most `bytes_max` bytes of a record, and `room` bytes of all.
    pub(crate) fn new(bytes_max: usize, room: usize) -> Self {
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
            class: place("ReasonClass"),
            number: place("Number"),
        };
        Self {
            columns: Columns::new(TABLE, 4),
            places,
            bytes_max,
            room,
            kept: Kept::default(),
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
        let bytes_kept = bytes.get(..self.bytes_max).unwrap_or(bytes);
        let class = ReasonClass::of(reason);
        self.count(class, bytes_kept.len());
        let has_room = bytes_kept.len() <= self.room;
        if has_room {
            self.room = self.room.saturating_sub(bytes_kept.len());
        }
        let number = signed(self.columns.rows());
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
            columns.text(places.digest, blake3::hash(bytes).to_hex().as_str()),
            columns.text(places.class, class.name()),
            columns.long(places.number, number),
        ];
        if has_room {
            columns.bytes(places.bytes, bytes_kept);
        }
        debug_assert!(
            puts.iter().all(|put| *put == crate::columns::Put::Done),
            "columns are typed"
        );
        columns.end_row();
    }

    fn count(&mut self, class: ReasonClass, bytes: usize) {
        let place = ReasonClass::ALL.iter().position(|one| *one == class);
        if let Some(records) = place.and_then(|place| self.kept.records.get_mut(place)) {
            *records = records.saturating_add(1);
        }
        if bytes <= self.room {
            self.kept.bytes = self.kept.bytes.saturating_add(bytes as u64);
        } else {
            self.kept.without_bytes = self.kept.without_bytes.saturating_add(1);
        }
    }

    /// The rows so far.
    pub(crate) fn into_columns(self) -> (Columns, Kept) {
        (self.columns, self.kept)
    }
}
