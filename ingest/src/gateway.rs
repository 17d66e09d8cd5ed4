//! API Management gateway logs to rows of `ApiManagementGatewayLogs`.
//!
//! The raw record has the call in `properties` and its circumstances around it; a row exported from
//! Log Analytics has all in one. Members that no column takes, or whose value is of another type than
//! their column, go to `AdditionalFields` under their own name: those of the record at the top, those
//! of `properties` in an object `properties`, those of `lastError` in an object `lastError` therein.

use std::fmt;

use store::{Table, Timestamp};

use crate::columns::{Columns, Place, Put};
use crate::json::{self, Field, Fields, ObjectWriter};
use crate::names::{Names, camel};
use crate::row::{self, Shared};

const TABLE: Table = Table::ApiManagementGatewayLogs;

/// Writes gateway logs.
pub(crate) struct Gateway {
    columns: Columns,
    shared: Shared,
    timestamp: Place,
    record_names: Names<Target>,
    property_names: Names<Target>,
    error_names: Names<Target>,
    extras: ObjectWriter,
    property_extras: ObjectWriter,
    error_extras: ObjectWriter,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Gateway")
            .field("rows", &self.columns.rows())
            .finish_non_exhaustive()
    }
}

/// What a member of the record means.
#[derive(Clone, Copy, Debug)]
enum Target {
    Column(Place),
    Time,
    Resource,
    Properties,
    LastError,
}

/// Members that the columns' names do not tell, and the column that each fills.
const RENAMED: [(&str, &str); 2] = [("durationMs", "TotalTime"), ("location", "Region")];

/// Members of `lastError` with a column.
const ERROR_MEMBERS: [&str; 6] = ["elapsed", "source", "scope", "section", "reason", "message"];

/// Columns that `properties` does not fill, though it may have members of that name.
const RECORD_COLUMNS: [&str; 12] = [
    "TimeGenerated",
    "_BilledSize",
    "_IsBillable",
    "CallerIpAddress",
    "Category",
    "CorrelationId",
    "OperationName",
    "Region",
    "_ResourceId",
    "_SubscriptionId",
    "Timestamp",
    "TotalTime",
];

impl Gateway {
    /// Makes room for `rows_expected` rows.
    pub(crate) fn new(rows_expected: usize) -> Self {
        let mut record_names = Names::new();
        let mut property_names = Names::new();
        record_names.add("properties", Target::Properties);
        for name in [
            "time",
            "TimeGenerated",
            "timeStamp",
            "timestamp",
            "TimeGenerated [UTC]",
        ] {
            record_names.add(name, Target::Time);
        }
        for name in ["resourceId", "_ResourceId"] {
            record_names.add(name, Target::Resource);
        }
        for (name, column) in RENAMED {
            record_names.add(name, Target::Column(Place::of(TABLE, column)));
        }
        property_names.add("lastError", Target::LastError);
        for column in TABLE
            .columns()
            .iter()
            .filter(|column| !row::is_ours(column.name))
        {
            let target = Target::Column(Place::of(TABLE, column.name));
            record_names.add(&camel(column.name), target);
            record_names.add(column.name, target);
            if !RECORD_COLUMNS.contains(&column.name) {
                property_names.add(&camel(column.name), target);
                property_names.add(column.name, target);
            }
        }
        Self {
            columns: Columns::new(TABLE, rows_expected),
            shared: Shared::of(TABLE),
            timestamp: Place::of(TABLE, "Timestamp"),
            record_names,
            property_names,
            error_names: error_names(),
            extras: ObjectWriter::default(),
            property_extras: ObjectWriter::default(),
            error_extras: ObjectWriter::default(),
        }
    }

    /// Writes a record as one row. A record without a readable time gets `received`.
    pub(crate) fn write(&mut self, record: &Fields<'_>, received: Timestamp) {
        let mut instant = None;
        for field in &record.0 {
            match self.record_names.find(&field.name) {
                Some(Target::Column(place)) => {
                    row::put(&mut self.columns, &mut self.extras, place, field);
                }
                Some(Target::Time) => {
                    let shared = self.shared;
                    let put = shared.put_time(&mut self.columns, &mut self.extras, field.value);
                    instant = instant.or(put);
                }
                Some(Target::Resource) => self.put_resource(field),
                Some(Target::Properties) => self.put_properties(field),
                Some(Target::LastError) | None => self.keep(field),
            }
        }
        let instant = instant.unwrap_or(received);
        let _from_record = self.shared.set_time(&mut self.columns, instant);
        let _from_row = self.columns.datetime(self.timestamp, instant);
        self.extras
            .push_object("properties", &mut self.property_extras);
        self.shared
            .set_additional(&mut self.columns, self.extras.finish());
        self.extras.clear();
        self.columns.end_row();
    }

    /// The rows so far.
    pub(crate) fn into_columns(self) -> Columns {
        self.columns
    }

    fn keep(&mut self, field: &Field<'_>) {
        if !row::is_implied(TABLE, field) {
            self.extras.push(&field.name, field.value);
        }
    }

    fn put_resource(&mut self, field: &Field<'_>) {
        let put = json::string(field.value).map_or(Put::Refused, |id| {
            if id.is_empty() {
                return Put::Done;
            }
            self.shared.set_resource(&mut self.columns, &id)
        });
        if put == Put::Refused {
            self.extras.push(&field.name, field.value);
        }
    }

    /// The members of `properties`, which may be an object in a string; what is neither is kept as it
    /// is.
    fn put_properties(&mut self, field: &Field<'_>) {
        let text = json::object(field.value);
        let Some(properties) = text.as_deref().and_then(Fields::parse) else {
            if field.value != "null" {
                self.extras.push(&field.name, field.value);
            }
            return;
        };
        for property in &properties.0 {
            match self.property_names.find(&property.name) {
                Some(Target::Column(place)) => {
                    row::put(
                        &mut self.columns,
                        &mut self.property_extras,
                        place,
                        property,
                    );
                }
                Some(Target::LastError) => self.put_error(property),
                _ => self.property_extras.push(&property.name, property.value),
            }
        }
    }

    fn put_error(&mut self, field: &Field<'_>) {
        let Some(error) = Fields::parse(field.value) else {
            if field.value != "null" {
                self.property_extras.push(&field.name, field.value);
            }
            return;
        };
        for member in &error.0 {
            match self.error_names.find(&member.name) {
                Some(Target::Column(place)) => {
                    row::put(&mut self.columns, &mut self.error_extras, place, member);
                }
                _ => self.error_extras.push(&member.name, member.value),
            }
        }
        self.property_extras
            .push_object("lastError", &mut self.error_extras);
    }
}

fn error_names() -> Names<Target> {
    let mut names = Names::new();
    for member in ERROR_MEMBERS {
        let column = TABLE.columns().iter().find(|column| {
            let suffix = column.name.strip_prefix("LastError");
            suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case(member))
        });
        if let Some(column) = column {
            names.add(member, Target::Column(Place::of(TABLE, column.name)));
        }
    }
    names
}
