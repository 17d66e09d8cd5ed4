//! Events as Microsoft Graph gives them, without a record around: what a resource log has in `properties` is all there
//! is, and time, operation and result are said only there.

use store::Timestamp;

use super::{LogWriter, Target, find};
use crate::json::{self, Field, Fields};
use crate::{row, time};

/// What tells such events, and what they say instead of a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bare {
    /// Member with the event's time.
    pub(super) time: &'static str,
    /// What happened.
    pub(super) operation: Operation,
}

/// Where the operation is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operation {
    /// In a member.
    Member(&'static str),
    /// It is always the same.
    Always(&'static str),
}

/// Columns of sign-ins that a record fills from its own members, and a bare event in objects of its.
const INSIDE: [(&str, &str, &str); 3] = [
    ("status", "errorCode", "ResultType"),
    ("status", "failureReason", "ResultDescription"),
    ("location", "countryOrRegion", "Location"),
];

impl LogWriter {
    /// Whether a record is such an event.
    pub(super) fn is_bare(&self, record: &Fields<'_>) -> bool {
        let has = |name| record.get(name).is_some();
        let is_time = |bare: Bare| has(bare.time) && !has("time");
        self.spec.bare.is_some_and(is_time) && !has("properties")
    }

    /// Sets the column of a member.
    pub(super) fn put_bare(&mut self, field: &Field<'_>) {
        match self.property_names.find(&field.name) {
            Some(Target::Column(place)) => {
                row::put(&mut self.columns, &mut self.extras, place, field);
            }
            _ => self.extras.push(&field.name, field.value),
        }
    }

    /// Sets what a record says beside `properties`; gives the event's time.
    pub(super) fn fill_bare(&mut self, event: &Fields<'_>) -> Option<Timestamp> {
        let bare = self.spec.bare?;
        let operation = match bare.operation {
            Operation::Member(name) => event.text(name),
            Operation::Always(text) => Some(text.into()),
        };
        if let (Some(place), Some(text)) = (self.places.operation, operation) {
            let _event_said_it = self.columns.text(place, &text);
        }
        for (object, member, column) in INSIDE {
            let value = event.get(object).and_then(Fields::parse);
            let value = value.and_then(|inner| inner.get(member));
            if let (Some(place), Some(value)) = (find(self.spec.table, column), value) {
                let _event_said_it = self.columns.json(place, value);
            }
        }
        time::parse(&json::string(event.get(bare.time)?)?)
    }
}
