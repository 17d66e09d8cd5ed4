//! What the rows of every table share: the event's time, the resource, and what no column takes.

use std::borrow::Cow;

use store::{Table, Timestamp};

use crate::columns::{Columns, Place, Put};
use crate::json::{self, Field, ObjectWriter};
use crate::time;

/// Columns that every table has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shared {
    time: Place,
    resource: Place,
    subscription: Place,
    additional: Place,
}

impl Shared {
    pub(crate) fn of(table: Table) -> Self {
        Self {
            time: Place::of(table, store::schema::TIME_COLUMN),
            resource: Place::of(table, "_ResourceId"),
            subscription: Place::of(table, "_SubscriptionId"),
            additional: Place::of(table, "AdditionalFields"),
        }
    }

    /// Sets the event's time from a member; what is no instant goes to `extras` as `time`.
    pub(crate) fn put_time(
        self,
        columns: &mut Columns,
        extras: &mut ObjectWriter,
        value: &str,
    ) -> Option<Timestamp> {
        let text = json::string(value).unwrap_or(Cow::Borrowed(value));
        let parsed = time::parse_or_count(&text);
        let put = parsed.map(|instant| columns.datetime(self.time, instant));
        if put != Some(Put::Done) && value != "null" {
            extras.push("time", value);
        }
        parsed.filter(|_| put == Some(Put::Done))
    }

    /// Sets the event's time; `false` if it is set already.
    pub(crate) fn set_time(self, columns: &mut Columns, instant: Timestamp) -> bool {
        columns.datetime(self.time, instant) == Put::Done
    }

    /// Sets the resource, in lower case as Log Analytics has it, and its subscription.
    pub(crate) fn set_resource(self, columns: &mut Columns, id: &str) -> Put {
        self.set_resource_of_rows(columns, id, 1)
    }

    /// As [`Shared::set_resource`], in the present row and those that follow, `rows` of them.
    pub(crate) fn set_resource_of_rows(self, columns: &mut Columns, id: &str, rows: usize) -> Put {
        let lower = id.to_ascii_lowercase();
        if let Some(subscription) = Resource::parse(&lower).subscription {
            // A row of Log Analytics has it itself, perhaps before the resource.
            let _or_row_has_it = columns.text_of_rows(self.subscription, subscription, rows);
        }
        columns.text_of_rows(self.resource, &lower, rows)
    }

    /// Sets what no column takes; `None` is a null.
    pub(crate) fn set_additional(self, columns: &mut Columns, extras: Option<&str>) {
        if let Some(text) = extras {
            let put = columns.text(self.additional, text);
            debug_assert_eq!(put, Put::Done, "nothing else writes this column");
        }
    }
}

/// Sets a column from a member; what it refuses goes to `extras`.
pub(crate) fn put(
    columns: &mut Columns,
    extras: &mut ObjectWriter,
    place: Place,
    field: &Field<'_>,
) {
    if columns.json(place, field.value) == Put::Refused {
        extras.push(&field.name, field.value);
    }
}

/// Whether rows of any table fill this column the same way, whatever a record says.
pub(crate) fn is_ours(column: &str) -> bool {
    matches!(
        column,
        "TenantId" | "Type" | "SourceSystem" | "_TimeReceived" | "AdditionalFields"
    )
}

/// Whether a row exported from Log Analytics says here what the row says anyway.
pub(crate) fn is_implied(table: Table, field: &Field<'_>) -> bool {
    let implied = match &*field.name {
        "Type" | "$table" => table.name(),
        "SourceSystem" => "Azure",
        _ => return false,
    };
    json::string(field.value).is_some_and(|text| text == implied)
}

/// The parts of a resource id of Azure Resource Manager, as far as it has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resource<'a> {
    /// Subscription.
    pub(crate) subscription: Option<&'a str>,
    /// Resource group.
    pub(crate) group: Option<&'a str>,
    /// Resource provider, such as `Microsoft.Network`; the last one if there are several.
    pub(crate) provider: Option<&'a str>,
    /// Name of the innermost resource.
    pub(crate) name: Option<&'a str>,
}

impl<'a> Resource<'a> {
    /// Takes an id apart; its casing does not matter.
    pub(crate) fn parse(id: &'a str) -> Self {
        let mut resource = Self::default();
        let mut parts = id.split('/').filter(|part| !part.is_empty());
        while let Some(key) = parts.next() {
            let Some(value) = parts.next() else { break };
            let is = |known: &str| key.eq_ignore_ascii_case(known);
            match () {
                () if is("subscriptions") && resource.subscription.is_none() => {
                    resource.subscription = Some(value);
                }
                () if is("resourceGroups") && resource.provider.is_none() => {
                    resource.group = Some(value);
                }
                () if is("providers") => resource.provider = Some(value),
                () if resource.provider.is_some() => resource.name = Some(value),
                () => {}
            }
        }
        resource
    }
}

/// The type of a resource within its provider, such as `sites/config`.
pub(crate) fn resource_type(id: &str) -> Option<String> {
    let mut parts = id.split('/').filter(|part| !part.is_empty());
    let mut path: Option<String> = None;
    while let (Some(key), Some(_)) = (parts.next(), parts.next()) {
        match &mut path {
            _ if key.eq_ignore_ascii_case("providers") => path = Some(String::new()),
            Some(path) => {
                if !path.is_empty() {
                    path.push('/');
                }
                path.push_str(key);
            }
            None => {}
        }
    }
    path.filter(|path| !path.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resource_ids_come_apart() {
        let id = "/SUBSCRIPTIONS/S1/RESOURCEGROUPS/G1/PROVIDERS/MICROSOFT.WEB/SITES/A/CONFIG/B";
        let expected = Resource {
            subscription: Some("S1"),
            group: Some("G1"),
            provider: Some("MICROSOFT.WEB"),
            name: Some("B"),
        };
        assert_eq!(Resource::parse(id), expected);
        assert_eq!(resource_type(id).as_deref(), Some("SITES/CONFIG"));
        assert_eq!(resource_type("/tenants/t/providers/p"), None);
        assert_eq!(Resource::parse("/tenants/t").subscription, None);
        assert_eq!(Resource::parse("").subscription, None);
    }
}
