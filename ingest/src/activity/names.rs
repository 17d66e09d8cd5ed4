//! What the members of an activity log record mean, and the columns that are set by name.

use super::TABLE;
use crate::columns::Place;
use crate::names::{Names, camel};
use crate::row;

/// What a member means.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target {
    /// It is that column.
    Column(Place),
    Time,
    Resource,
    Operation,
    Provider,
    Status,
    Substatus,
    Category,
    Level,
    Identity,
    Document(Pair),
}

/// A JSON document in a text column, most with a dynamic column beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pair {
    Authorization,
    Claims,
    Properties,
    HttpRequest,
}

/// Columns that are set by name. Pairs are of a value and of its legacy text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    pub(super) resource_id: Place,
    pub(super) resource: Place,
    pub(super) resource_group: Place,
    pub(super) subscription: Place,
    pub(super) hierarchy: Place,
    pub(super) event_data: Place,
    pub(super) caller: Place,
    pub(super) level: Place,
    pub(super) caller_address: Place,
    pub(super) operation: (Place, Place),
    pub(super) provider: (Place, Place),
    pub(super) status: (Place, Place),
    pub(super) substatus: (Place, Place),
    pub(super) category: (Place, Place),
    authorization: (Place, Option<Place>),
    claims: (Place, Option<Place>),
    properties: (Place, Option<Place>),
    http_request: (Place, Option<Place>),
}

impl Places {
    pub(super) fn new() -> Self {
        let place = |name| Place::of(TABLE, name);
        let document = |text, dynamic| (place(text), Some(place(dynamic)));
        Self {
            resource_id: place("ResourceId"),
            resource: place("Resource"),
            resource_group: place("ResourceGroup"),
            subscription: place("SubscriptionId"),
            hierarchy: place("Hierarchy"),
            event_data: place("EventDataId"),
            caller: place("Caller"),
            level: place("Level"),
            caller_address: place("CallerIpAddress"),
            operation: (place("OperationNameValue"), place("OperationName")),
            provider: (place("ResourceProviderValue"), place("ResourceProvider")),
            status: (place("ActivityStatusValue"), place("ActivityStatus")),
            substatus: (place("ActivitySubstatusValue"), place("ActivitySubstatus")),
            category: (place("CategoryValue"), place("Category")),
            authorization: document("Authorization", "Authorization_d"),
            claims: document("Claims", "Claims_d"),
            properties: document("Properties", "Properties_d"),
            http_request: (place("HTTPRequest"), None),
        }
    }

    pub(super) fn document(&self, pair: Pair) -> (Place, Option<Place>) {
        match pair {
            Pair::Authorization => self.authorization,
            Pair::Claims => self.claims,
            Pair::Properties => self.properties,
            Pair::HttpRequest => self.http_request,
        }
    }
}

/// Members of both raw shapes, then the columns for what else a record may bring.
pub(super) fn of_records() -> Names<Target> {
    let mut names = Names::new();
    let column = |name| Target::Column(Place::of(TABLE, name));
    let known = [
        ("time", Target::Time),
        ("eventTimestamp", Target::Time),
        ("TimeGenerated", Target::Time),
        ("TimeGenerated [UTC]", Target::Time),
        ("resourceId", Target::Resource),
        ("resourceUri", Target::Resource),
        ("_ResourceId", Target::Resource),
        ("operationName", Target::Operation),
        ("resourceProviderName", Target::Provider),
        ("resultType", Target::Status),
        ("status", Target::Status),
        ("resultSignature", Target::Substatus),
        ("subStatus", Target::Substatus),
        ("category", Target::Category),
        ("level", Target::Level),
        ("identity", Target::Identity),
        ("authorization", Target::Document(Pair::Authorization)),
        ("claims", Target::Document(Pair::Claims)),
        ("properties", Target::Document(Pair::Properties)),
        ("httpRequest", Target::Document(Pair::HttpRequest)),
        ("resourceGroupName", column("ResourceGroup")),
        ("submissionTimestamp", column("EventSubmissionTimestamp")),
    ];
    for (name, target) in known {
        names.add(name, target);
    }
    // In whatever casing a member comes, what it means goes before the column of its name.
    let is_free = |column: &str| {
        let mut names = known.iter().map(|(name, _)| name);
        !names.any(|name| name.eq_ignore_ascii_case(column))
    };
    add_columns(&mut names, is_free);
    names
}

/// Members of rows exported from Log Analytics, where `OperationName` and its like are the legacy
/// columns.
pub(super) fn of_rows() -> Names<Target> {
    let mut names = Names::new();
    names.add("TimeGenerated", Target::Time);
    names.add("TimeGenerated [UTC]", Target::Time);
    names.add("_ResourceId", Target::Resource);
    names.add("Level", Target::Level);
    add_columns(&mut names, |name| name != "Level");
    names
}

fn add_columns(names: &mut Names<Target>, is_free: impl Fn(&str) -> bool) {
    for column in TABLE
        .columns()
        .iter()
        .filter(|column| !row::is_ours(column.name) && is_free(column.name))
    {
        names.add(column.name, Target::Column(Place::of(TABLE, column.name)));
        names.add(
            &camel(column.name),
            Target::Column(Place::of(TABLE, column.name)),
        );
    }
}
