//! Activity logs to rows of `AzureActivity`.
//!
//! Three shapes come: the resource-log shape of Event Hubs and storage (`resultType`, `identity`),
//! the one of the REST API (`{value, localizedValue}` objects, `eventTimestamp`), and rows exported
//! from Log Analytics. The `…Value` columns hold one vocabulary for all of them: operations and
//! providers in upper case, the status as `Start`, `Accept`, `Success` or `Failure` where it is one
//! of those. The legacy columns beside them (`ActivityStatus`, `Category`, ...) hold the text as it
//! came, and members that no column takes are in `AdditionalFields` under their own name.

mod caller;
mod names;

use std::borrow::Cow;
use std::fmt;

use store::{Table, Timestamp};

use self::names::{Pair, Places, Target};
use crate::columns::{Columns, Place, Put};
use crate::json::{self, Field, Fields, ObjectWriter};
use crate::names::Names;
use crate::row::{self, Resource, Shared};

const TABLE: Table = Table::AzureActivity;

/// Columns that only rows of Log Analytics have.
const ROW_COLUMNS: [&str; 3] = ["OperationNameValue", "ActivityStatusValue", "CategoryValue"];

/// Writes activity logs.
pub(crate) struct Activity {
    columns: Columns,
    shared: Shared,
    places: Places,
    record_names: Names<Target>,
    row_names: Names<Target>,
    extras: ObjectWriter,
}

impl fmt::Debug for Activity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.columns.rows();
        formatter
            .debug_struct("Activity")
            .field("rows", &rows)
            .finish_non_exhaustive()
    }
}

/// What a record says in one place and a row wants in another.
#[derive(Debug, Default)]
struct Seen<'a> {
    instant: Option<Timestamp>,
    resource: Option<Cow<'a, str>>,
    operation: Option<Cow<'a, str>>,
    category: Option<Cow<'a, str>>,
    claims: Option<Cow<'a, str>>,
    http_request: Option<&'a str>,
    properties: Option<&'a str>,
    /// A level as a number, under its name.
    level: Option<(String, &'a str)>,
}

impl Activity {
    /// Makes room for `rows_expected` rows.
    pub(crate) fn new(rows_expected: usize) -> Self {
        Self {
            columns: Columns::new(TABLE, rows_expected),
            shared: Shared::of(TABLE),
            places: Places::new(),
            record_names: names::of_records(),
            row_names: names::of_rows(),
            extras: ObjectWriter::default(),
        }
    }

    /// The rows so far.
    pub(crate) fn into_columns(self) -> Columns {
        self.columns
    }

    /// Writes a record as one row. A record without a readable time gets `received`.
    pub(crate) fn write(&mut self, record: &Fields<'_>, received: Timestamp) {
        let mut seen = Seen::default();
        let is_row = ROW_COLUMNS
            .iter()
            .any(|column| record.get(column).is_some());
        for field in record.0.iter().filter(|field| field.value != "null") {
            let names = if is_row {
                &self.row_names
            } else {
                &self.record_names
            };
            let target = names.find(&field.name);
            self.put(target, field, &mut seen);
        }
        self.derive(&seen);
        self.fill_level(&seen);
        let _from_record = self
            .shared
            .set_time(&mut self.columns, seen.instant.unwrap_or(received));
        self.shared
            .set_additional(&mut self.columns, self.extras.finish());
        self.extras.clear();
        self.columns.end_row();
    }

    fn put<'a>(&mut self, target: Option<Target>, field: &Field<'a>, seen: &mut Seen<'a>) {
        let kept = match target {
            Some(Target::Column(place)) => self.columns.json(place, field.value) == Put::Done,
            Some(Target::Time) => {
                let put = self
                    .shared
                    .put_time(&mut self.columns, &mut self.extras, field.value);
                seen.instant = seen.instant.or(put);
                true
            }
            Some(Target::Resource) => self.put_resource(field, seen),
            Some(Target::Operation) => self.put_pair(self.places.operation, field, |text| {
                seen.operation = Some(text.clone());
                Some(text.to_ascii_uppercase())
            }),
            Some(Target::Provider) => self.put_pair(self.places.provider, field, |text| {
                Some(text.to_ascii_uppercase())
            }),
            Some(Target::Status) => self.put_pair(self.places.status, field, |text| {
                Some(status(&text).to_owned())
            }),
            Some(Target::Substatus) => self.put_pair(self.places.substatus, field, |text| {
                Some(substatus(&text).to_owned()).filter(|text| !text.is_empty())
            }),
            Some(Target::Category) => self.put_pair(self.places.category, field, |text| {
                // A log profile's category is of another kind; the real one is in the properties.
                let is_profile = ["Write", "Delete", "Action"].contains(&&*text);
                seen.category = Some(text.clone());
                (!is_profile).then(|| text.into_owned())
            }),
            Some(Target::Level) => self.put_level(field, seen),
            Some(Target::Identity) => self.put_identity(field, seen),
            Some(Target::Document(pair)) => {
                match pair {
                    Pair::Claims => seen.claims = Some(Cow::Borrowed(field.value)),
                    Pair::Properties => seen.properties = Some(field.value),
                    Pair::HttpRequest => seen.http_request = Some(field.value),
                    Pair::Authorization => {}
                }
                self.put_document(self.places.document(pair), field)
            }
            None => row::is_implied(TABLE, field),
        };
        if !kept {
            self.extras.push(&field.name, field.value);
        }
    }

    fn put_resource<'a>(&mut self, field: &Field<'a>, seen: &mut Seen<'a>) -> bool {
        let Some(id) = json::string(field.value) else {
            return false;
        };
        if self.shared.set_resource(&mut self.columns, &id) == Put::Refused {
            // A row of Log Analytics has it twice, the other one in its own casing.
            return self.columns.text(self.places.resource_id, &id) == Put::Done;
        }
        if !field.name.starts_with('_') {
            let _row_has_it = self.columns.text(self.places.resource_id, &id);
        }
        seen.resource = Some(id);
        true
    }

    /// Sets the column of a value to what `value_of` makes of it, and the legacy column to what came.
    /// The member is text, or an object of a value and its translation.
    fn put_pair<'a>(
        &mut self,
        (value_place, legacy_place): (Place, Place),
        field: &Field<'a>,
        value_of: impl FnOnce(Cow<'a, str>) -> Option<String>,
    ) -> bool {
        let pair = Fields::parse(field.value);
        let text = match &pair {
            Some(pair) => pair.text("value"),
            None => json::string(field.value),
        };
        let Some(text) = text else { return false };
        let localized = pair.as_ref().and_then(|pair| {
            pair.text("localizedValue")
                .or_else(|| pair.text("localized_value"))
        });
        let shown = localized.unwrap_or_else(|| text.clone());
        let mut is_kept = self.columns.text(legacy_place, &shown) == Put::Done;
        if let Some(value) = value_of(text) {
            is_kept &= self.columns.text(value_place, &value) == Put::Done;
        }
        is_kept
    }

    /// Sets the level if it is a word. A record may have it as a number too, or only so: that waits for all members.
    fn put_level<'a>(&mut self, field: &Field<'a>, seen: &mut Seen<'a>) -> bool {
        let text = json::string(field.value).unwrap_or(Cow::Borrowed(field.value));
        if level(&text).is_none() {
            return self.columns.json(self.places.level, field.value) == Put::Done;
        }
        let is_first = seen.level.is_none();
        if is_first {
            seen.level = Some((field.name.to_string(), field.value));
        }
        is_first
    }

    /// Sets the level from its number, which stays beside another word.
    fn fill_level(&mut self, seen: &Seen<'_>) {
        let Some((name, value)) = &seen.level else {
            return;
        };
        let word = level(value.trim_matches('"')).unwrap_or(value);
        if self.columns.text(self.places.level, word) == Put::Refused {
            self.extras.push(name, value);
        }
    }

    /// `identity` of the resource-log shape: authorization and claims.
    fn put_identity(&mut self, field: &Field<'_>, seen: &mut Seen<'_>) -> bool {
        let Some(text) = json::object(field.value) else {
            return false;
        };
        let Some(identity) = Fields::parse(&text) else {
            return false;
        };
        let mut rest = ObjectWriter::default();
        for member in &identity.0 {
            let pair = match () {
                () if member.name.eq_ignore_ascii_case("authorization") => Pair::Authorization,
                () if member.name.eq_ignore_ascii_case("claims") => {
                    seen.claims = Some(Cow::Owned(member.value.to_owned()));
                    Pair::Claims
                }
                () => {
                    rest.push(&member.name, member.value);
                    continue;
                }
            };
            if member.value != "null" && !self.put_document(self.places.document(pair), member) {
                rest.push(&member.name, member.value);
            }
        }
        self.extras.push_object(&field.name, &mut rest);
        true
    }

    /// Sets a JSON document in its text column and, where there is one, its dynamic column.
    fn put_document(&mut self, (text, dynamic): (Place, Option<Place>), field: &Field<'_>) -> bool {
        let document = json::object(field.value);
        let document = document.as_deref().unwrap_or(field.value);
        let is_kept = self.columns.json(text, document) == Put::Done;
        if let (Some(place), true) = (dynamic, is_kept) {
            let _row_has_it = self.columns.json(place, document);
        }
        is_kept
    }

    /// Sets columns from members that belong to others. What the record said itself stays.
    fn derive(&mut self, seen: &Seen<'_>) {
        let Self {
            columns, places, ..
        } = self;
        let mut fill = |place, text: Option<Cow<'_, str>>| {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                let _record_said_it = columns.text(place, &text);
            }
        };
        let resource = Resource::parse(seen.resource.as_deref().unwrap_or_default());
        fill(places.resource_group, resource.group.map(Cow::Borrowed));
        fill(places.resource, resource.name.map(Cow::Borrowed));
        fill(
            places.subscription,
            resource.subscription.map(Cow::Borrowed),
        );
        let operation = seen
            .operation
            .as_deref()
            .and_then(|text| text.split_once('/'));
        let provider = operation
            .map(|(provider, _)| provider)
            .or(resource.provider);
        fill(
            places.provider.0,
            provider.map(|name| Cow::Owned(name.to_ascii_uppercase())),
        );

        let text = seen.properties.and_then(json::object);
        let properties = text.as_deref().and_then(Fields::parse);
        let property = |name| {
            properties
                .as_ref()
                .and_then(|properties| properties.text(name))
        };
        fill(places.hierarchy, property("hierarchy"));
        fill(places.event_data, property("eventDataId"));
        if seen.category.is_some() {
            let category = property("eventCategory").unwrap_or(Cow::Borrowed("Administrative"));
            fill(places.category.0, Some(category));
        }

        let claims = seen.claims.as_deref().and_then(json::object);
        fill(places.caller, claims.as_deref().and_then(caller::of));
        let request = seen.http_request.and_then(json::object);
        let request = request.as_deref().and_then(Fields::parse);
        let address = request.as_ref().and_then(|request| {
            request
                .text("clientIpAddress")
                .or_else(|| request.text("client_ip_address"))
        });
        fill(places.caller_address, address);
    }
}

/// The word for a level that is a number, as .NET's `EventLevel` has them.
fn level(number: &str) -> Option<&'static str> {
    match number {
        "1" => Some("Critical"),
        "2" => Some("Error"),
        "3" => Some("Warning"),
        "4" => Some("Informational"),
        "5" => Some("Verbose"),
        _ => None,
    }
}

/// The status in the words of Log Analytics.
fn status(text: &str) -> &str {
    let text = text.trim_end_matches('.');
    let known = [
        ("Started", "Start"),
        ("Accepted", "Accept"),
        ("Succeeded", "Success"),
        ("Failed", "Failure"),
    ];
    let found = known
        .into_iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(text));
    found.map_or(text, |(_, word)| word)
}

/// `Succeeded.Created` is `Created`, `Started.` is nothing, `Created` is itself.
fn substatus(text: &str) -> &str {
    let after = text.split_once('.').map_or(text, |(_, after)| after);
    after.trim_end_matches('.')
}
