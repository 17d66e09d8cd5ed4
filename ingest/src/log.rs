//! Resource logs of many kinds to rows, each kind by its description in [`spec`].
//!
//! A record has its circumstances at the top and the event in `properties`; a row exported from Log
//! Analytics has all in one, in columns. Members that no column takes, or whose value is of another
//! type than their column, go to `AdditionalFields` under their own name, in an object `properties`
//! where they come from there.

mod bare;
mod flat;
mod spec;

use std::borrow::Cow;
use std::fmt;

use store::{Table, Timestamp};

use self::flat::Flat;
pub(crate) use self::spec::Log;
use self::spec::Spec;
use crate::columns::{self, Columns, Place, Put};
use crate::json::{self, Field, Fields, ObjectWriter};
use crate::names::{Names, camel};
use crate::row::{self, Resource, Shared};

/// Members with the event's time.
pub(crate) const TIMES: [&str; 3] = ["time", "TimeGenerated", "TimeGenerated [UTC]"];

/// Members with the event's time in records that lack the others; beside them it is a coarser one.
pub(crate) const STAMP: &str = "timeStamp";

/// How instances of version 1 of Application Gateway are named; those of version 2 are `appgw_…`.
const V1_INSTANCE: &str = "ApplicationGatewayRole";

/// Columns that `properties` does not fill, though it may have members of that name.
const RECORD_COLUMNS: [&str; 17] = [
    "TimeGenerated",
    "_BilledSize",
    "_IsBillable",
    "CallerIpAddress",
    "Category",
    "DurationMs",
    "Identity",
    "Level",
    "Location",
    "OperationName",
    "OperationVersion",
    "ResourceId",
    "ResultDescription",
    "ResultSignature",
    "ResultType",
    "_ResourceId",
    "_SubscriptionId",
];

/// Writes the logs of one kind.
pub(crate) struct LogWriter {
    spec: Spec,
    columns: Columns,
    shared: Shared,
    places: Places,
    record_names: Names<Target>,
    row_names: Names<Target>,
    property_names: Names<Target>,
    detail_names: Names<Target>,
    flat: Option<Flat>,
    extras: ObjectWriter,
    property_extras: ObjectWriter,
    detail_extras: ObjectWriter,
}

impl fmt::Debug for LogWriter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LogWriter")
            .field("table", &self.spec.table)
            .field("rows", &self.columns.rows())
            .finish_non_exhaustive()
    }
}

/// What a member means.
#[derive(Clone, Copy, Debug)]
enum Target {
    Column(Place),
    Time,
    Stamp,
    Category,
    Resource,
    Properties,
    Details,
    Duration(Place),
}

/// Columns that are filled from elsewhere, where the table has them.
#[derive(Debug)]
struct Places {
    category: Option<Place>,
    resource_id: Option<Place>,
    group: Option<Place>,
    provider: Option<Place>,
    kind: Option<Place>,
    name: Option<Place>,
    subscription: Option<Place>,
    operation: Option<Place>,
}

impl Places {
    fn of(table: Table) -> Self {
        let place = |name| find(table, name);
        Self {
            category: place("Category"),
            resource_id: place("ResourceId"),
            group: place("ResourceGroup"),
            provider: place("ResourceProvider"),
            kind: place("ResourceType"),
            name: place("Resource"),
            subscription: place("SubscriptionId"),
            operation: place("OperationName"),
        }
    }
}

/// What a record says in one place and a row wants in another.
#[derive(Debug, Default)]
struct Seen<'a> {
    has_time: bool,
    instant: Option<Timestamp>,
    category: Option<&'a str>,
    resource: Option<Cow<'a, str>>,
}

impl LogWriter {
    /// Makes room for `rows_expected` rows.
    pub(crate) fn new(log: Log, rows_expected: usize) -> Self {
        let spec = log.spec();
        let table = spec.table;
        Self {
            spec,
            columns: Columns::new(table, rows_expected),
            shared: Shared::of(table),
            places: Places::of(table),
            record_names: record_names(&spec),
            row_names: row_names(table),
            property_names: property_names(&spec),
            detail_names: detail_names(&spec),
            flat: Flat::of(table),
            extras: ObjectWriter::default(),
            property_extras: ObjectWriter::default(),
            detail_extras: ObjectWriter::default(),
        }
    }

    /// Its table and the rows so far.
    pub(crate) fn into_columns(self) -> (Table, Columns) {
        (self.spec.table, self.columns)
    }

    /// Writes a record as one row. A record without a readable time gets `received`.
    pub(crate) fn write(&mut self, record: &Fields<'_>, received: Timestamp) {
        let mut seen = Seen {
            has_time: TIMES.iter().any(|name| record.text(name).is_some()),
            ..Seen::default()
        };
        let is_row = is_row(record);
        let is_bare = !is_row && self.is_bare(record);
        for field in record.0.iter().filter(|field| field.value != "null") {
            if is_bare {
                self.put_bare(field);
                continue;
            }
            let names = if is_row {
                &self.row_names
            } else {
                &self.record_names
            };
            let target = names.find(&field.name);
            self.put(target, field, &mut seen);
            if let (Some(flat), None, false) = (&self.flat, target, is_row) {
                flat.put(&mut self.columns, &field.name, field.value);
            }
        }
        self.derive(&seen);
        if is_bare {
            seen.instant = self.fill_bare(record);
        }
        let _from_record = self
            .shared
            .set_time(&mut self.columns, seen.instant.unwrap_or(received));
        self.extras
            .push_object("properties", &mut self.property_extras);
        self.shared
            .set_additional(&mut self.columns, self.extras.finish());
        self.extras.clear();
        self.columns.end_row();
    }

    fn put<'a>(&mut self, target: Option<Target>, field: &Field<'a>, seen: &mut Seen<'a>) {
        match target {
            Some(Target::Column(place)) => {
                row::put(&mut self.columns, &mut self.extras, place, field);
            }
            Some(Target::Stamp) if seen.has_time => self.extras.push(&field.name, field.value),
            Some(Target::Time | Target::Stamp) => {
                let shared = self.shared;
                let put = shared.put_time(&mut self.columns, &mut self.extras, field.value);
                seen.instant = seen.instant.or(put);
            }
            Some(Target::Category) if seen.category.is_none() => seen.category = Some(field.value),
            Some(Target::Resource) => self.put_resource(field, seen),
            Some(Target::Properties) => self.put_properties(field),
            Some(Target::Category | Target::Details | Target::Duration(_)) | None => {
                if !row::is_implied(self.spec.table, field) {
                    self.extras.push(&field.name, field.value);
                }
            }
        }
    }

    fn put_resource<'a>(&mut self, field: &Field<'a>, seen: &mut Seen<'a>) {
        let Some(id) = json::string(field.value) else {
            return self.extras.push(&field.name, field.value);
        };
        if id.is_empty() {
            return;
        }
        // A row of Log Analytics has it twice, in two casings.
        let known = seen.resource.as_deref();
        let is_set = known.is_some_and(|known| known.eq_ignore_ascii_case(&id))
            || self.shared.set_resource(&mut self.columns, &id) == Put::Done;
        if !field.name.starts_with('_') {
            let put = self.places.resource_id.map(|place| {
                let id = self.spec.cased(Cow::Borrowed(&*id));
                self.columns.text(place, &id)
            });
            if !is_set && put != Some(Put::Done) {
                self.extras.push(&field.name, field.value);
            }
        } else if !is_set {
            self.extras.push(&field.name, field.value);
        }
        if is_set {
            seen.resource = Some(id);
        }
    }

    /// The members of `properties`, which may be an object in a string; what is neither is kept as it
    /// is, and so is all of it where no columns are known for its members.
    fn put_properties(&mut self, field: &Field<'_>) {
        let embedded = columns::embedded(field.value);
        let text = embedded.as_deref().unwrap_or(field.value);
        let properties = if self.spec.keeps_properties {
            None
        } else {
            Fields::parse(text)
        };
        let Some(properties) = properties else {
            if let Some(flat) = &self.flat {
                flat.put_object(&mut self.columns, text);
            }
            return self.extras.push("properties", text);
        };
        let instance = properties.text("instanceId").unwrap_or_default();
        let is_v1 = instance.starts_with(V1_INSTANCE);
        for property in &properties.0 {
            match self.property_names.find(&property.name) {
                Some(Target::Column(place)) => {
                    let extras = &mut self.property_extras;
                    row::put(&mut self.columns, extras, place, property);
                }
                Some(Target::Duration(place)) => self.put_duration(place, property, is_v1),
                Some(Target::Details) => self.put_details(property),
                _ => self.property_extras.push(&property.name, property.value),
            }
        }
    }

    /// A duration in seconds. Version 1 writes whole milliseconds; those are kept as they came too: what tells them
    /// apart is the instance's name, and not all of those are known.
    fn put_duration(&mut self, place: Place, field: &Field<'_>, is_v1: bool) {
        let text = json::string(field.value).unwrap_or(Cow::Borrowed(field.value));
        if !is_v1 || text.contains('.') {
            return row::put(&mut self.columns, &mut self.property_extras, place, field);
        }
        let number = text.parse().ok().filter(|value: &f64| value.is_finite());
        if let Some(milliseconds) = number {
            let _is_kept_anyway = self.columns.real(place, milliseconds / 1000.0);
        }
        self.property_extras.push(&field.name, field.value);
    }

    fn put_details(&mut self, field: &Field<'_>) {
        let Some(details) = Fields::parse(field.value) else {
            return self.property_extras.push(&field.name, field.value);
        };
        for detail in &details.0 {
            match self.detail_names.find(&detail.name) {
                Some(Target::Column(place)) => {
                    row::put(&mut self.columns, &mut self.detail_extras, place, detail);
                }
                _ => self.detail_extras.push(&detail.name, detail.value),
            }
        }
        self.property_extras
            .push_object("details", &mut self.detail_extras);
    }

    /// Sets columns from members that belong to others. What the record said itself stays.
    fn derive(&mut self, seen: &Seen<'_>) {
        self.set_category(seen.category);
        let Self {
            columns,
            places,
            spec,
            ..
        } = self;
        let id = seen.resource.as_deref().unwrap_or_default();
        let resource = Resource::parse(id);
        let mut fill = |place: Option<Place>, text: Option<Cow<'_, str>>| {
            if let (Some(place), Some(text)) = (place, text) {
                let _record_said_it = columns.text(place, &text);
            }
        };
        let cased = |text: Option<_>| text.map(|text| spec.cased(Cow::Borrowed(text)));
        // What belongs to a tenant is in no group: Log Analytics has the provider in its place.
        let tenant_wide = resource
            .provider
            .filter(|_| resource.subscription.is_none());
        fill(places.group, cased(resource.group.or(tenant_wide)));
        fill(places.provider, cased(resource.provider));
        fill(places.name, cased(resource.name.or(tenant_wide)));
        if places.kind.is_some() {
            let kind = row::resource_type(id).map(|kind| spec.cased(Cow::Owned(kind)));
            fill(places.kind, kind);
        }
        let subscription = resource.subscription.map(str::to_ascii_lowercase);
        fill(places.subscription, subscription.map(Cow::Owned));
    }

    /// Sets the category, unless `properties` did. One that the table's name tells needs no place.
    fn set_category(&mut self, value: Option<&str>) {
        let Some(value) = value else { return };
        let place = self.places.category;
        if place.is_some_and(|place| self.columns.json(place, value) == Put::Done) {
            return;
        }
        let is_implied =
            json::string(value).is_some_and(|text| text.eq_ignore_ascii_case(self.spec.category));
        if !is_implied {
            self.extras.push("category", value);
        }
    }
}

/// Whether a record has its time as rows of Log Analytics have it.
pub(crate) fn has_row_time(record: &Fields<'_>) -> bool {
    let [_, row_times @ ..] = TIMES;
    row_times.iter().any(|name| record.get(name).is_some())
}

/// Whether it is a row of Log Analytics.
fn is_row(record: &Fields<'_>) -> bool {
    let is_named = |name: Cow<'_, str>| Table::from_name(&name).is_some();
    has_row_time(record) || record.text("Type").is_some_and(is_named)
}

fn find(table: Table, name: &str) -> Option<Place> {
    let mut columns = table.columns().iter();
    let found = columns.find(|column| column.name == name)?;
    Some(Place::of(table, found.name))
}

fn add_renamed(names: &mut Names<Target>, table: Table, renamed: &[(&str, &str)]) {
    for (name, column) in renamed {
        names.add(name, Target::Column(Place::of(table, column)));
    }
}

fn add_columns(names: &mut Names<Target>, table: Table, is_known: impl Fn(&str) -> bool) {
    let columns = table.columns().iter().map(|column| column.name);
    let is_plain = |name: &str| {
        let has_meaning = matches!(name, "TimeGenerated" | "ResourceId" | "_ResourceId");
        !has_meaning && !row::is_ours(name) && is_known(name)
    };
    for name in columns.filter(|name| is_plain(name)) {
        let target = Target::Column(Place::of(table, name));
        names.add(&camel(name), target);
        names.add(name, target);
    }
}

/// What rows and raw records have in common.
fn shared_names() -> Names<Target> {
    let mut names = Names::new();
    for name in TIMES {
        names.add(name, Target::Time);
    }
    for name in ["resourceId", "_ResourceId"] {
        names.add(name, Target::Resource);
    }
    names
}

fn record_names(spec: &Spec) -> Names<Target> {
    let mut names = shared_names();
    names.add(STAMP, Target::Stamp);
    names.add("properties", Target::Properties);
    names.add("category", Target::Category);
    add_renamed(&mut names, spec.table, spec.record);
    add_columns(&mut names, spec.table, |name| {
        !matches!(name, "Category" | "Properties")
    });
    names
}

fn row_names(table: Table) -> Names<Target> {
    let mut names = shared_names();
    add_columns(&mut names, table, |_| true);
    names
}

fn property_names(spec: &Spec) -> Names<Target> {
    let mut names = Names::new();
    if !spec.details.is_empty() {
        names.add("details", Target::Details);
    }
    if let Some((name, column)) = spec.duration {
        names.add(name, Target::Duration(Place::of(spec.table, column)));
    }
    add_renamed(&mut names, spec.table, spec.properties);
    add_columns(&mut names, spec.table, |name| {
        !RECORD_COLUMNS.contains(&name)
    });
    names
}

fn detail_names(spec: &Spec) -> Names<Target> {
    let mut names = Names::new();
    add_renamed(&mut names, spec.table, spec.details);
    names
}
