//! NSG and VNet flow logs to rows of `NTANetAnalytics`, one per flow tuple.
//!
//! Traffic Analytics aggregates flows before it writes this table; here every tuple is a row, and its
//! time is the event's time. `FlowDirection` is `Inbound` or `Outbound`, `FlowStatus` `Allowed` or
//! `Denied`, `L4Protocol` `T` or `U` or the IANA number. The state of a flow has no column: it is
//! `flowState` in `AdditionalFields`, next to the members of the record that no column takes.

mod groups;
mod names;
mod rest;
mod tuple;

use std::borrow::Cow;
use std::fmt;

use store::{Table, Timestamp};

use self::groups::{Flows, Group};
use self::names::{Places, Target};
use self::tuple::{Grammar, State, Tuple};
use crate::columns::{Columns, Place, Put};
use crate::json::{self, Fields, ObjectWriter};
use crate::kind::Kind;
use crate::names::Names;
use crate::row::{self, Shared};

const TABLE: Table = Table::NtaNetAnalytics;

/// Writes flows.
pub(crate) struct Flow {
    columns: Columns,
    shared: Shared,
    places: Places,
    names: Names<Target>,
    /// Columns by name, for rows that Log Analytics exported.
    row_names: Names<Target>,
    /// Bytes of text that may still be copied from records into their tuples' rows.
    copies_left: usize,
}

impl fmt::Debug for Flow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Flow")
            .field("rows", &self.columns.rows())
            .finish_non_exhaustive()
    }
}

/// What became of a record.
#[derive(Debug)]
pub(crate) enum Written {
    /// Every tuple is a row.
    Whole,
    /// The tuples that could be read are rows. The others are in `rest`, a record of their own with
    /// the same members around them, so that nothing is lost and nothing doubled when it is replayed.
    Part { rest: String, reason: String },
}

/// What all tuples of a record share.
#[derive(Debug, Default)]
struct Header<'a> {
    processed: Option<Timestamp>,
    mac: Option<String>,
    resource: Option<String>,
    target: Option<String>,
    flow_log: Option<String>,
    version: Option<Cow<'a, str>>,
    flows: Option<Cow<'a, str>>,
    extras: ObjectWriter,
}

impl Flow {
    /// Makes room for `rows_expected` rows. Rows repeat the text of their record, and a body may be
    /// built so that this is far more than the body: `copies_max` bounds it, in bytes.
    pub(crate) fn new(rows_expected: usize, copies_max: usize) -> Self {
        Self {
            columns: Columns::new(TABLE, rows_expected),
            shared: Shared::of(TABLE),
            places: Places::new(),
            names: names::of_records(),
            row_names: names::of_rows(),
            copies_left: copies_max,
        }
    }

    /// The rows so far.
    pub(crate) fn into_columns(self) -> Columns {
        self.columns
    }

    /// Writes a flow log record. An error says why nothing of it was written.
    pub(crate) fn write(
        &mut self,
        kind: Kind,
        record: &Fields<'_>,
        received: Timestamp,
    ) -> Result<Written, String> {
        if kind == Kind::FlowRow {
            self.write_row(record, received);
            return Ok(Written::Whole);
        }
        let grammar = if kind == Kind::Nsg {
            Grammar::Nsg
        } else {
            Grammar::Vnet
        };
        let mut header = self.header(grammar, record);
        let text = header.flows.take().ok_or("flow log without flows")?;
        let mut flows = groups::parse(grammar, &text)?;
        header.extras.push_object("flows", &mut flows.extras);
        header.version = flows.version.take().map(Cow::Owned).or(header.version);
        self.spend(&header, &flows)?;
        let additional = Additional::new(header.extras.finish());
        let mut unread_groups = Vec::new();
        let mut reason = None;
        let mut tuples_read = 0_usize;
        for group in &flows.groups {
            let shared_columns = GroupColumns::new(grammar, group, &header);
            let mut unread = Vec::new();
            let mut tuples = Vec::with_capacity(group.tuples.len());
            for text in &group.tuples {
                match tuple::parse(grammar, text) {
                    Ok(tuple) => tuples.push(tuple),
                    Err(wrong) => {
                        reason.get_or_insert_with(|| format!("flow tuple {text:?}: {wrong}"));
                        unread.push(text.as_ref());
                    }
                }
            }
            tuples_read = tuples_read.saturating_add(tuples.len());
            self.put_shared(&header, &shared_columns, tuples.len());
            for tuple in &tuples {
                self.put_tuple(tuple, &additional);
            }
            if !unread.is_empty() {
                unread_groups.push(rest::group(grammar, group, &unread));
            }
        }
        match reason {
            None => Ok(Written::Whole),
            Some(reason) if tuples_read == 0 => Err(reason),
            Some(reason) => {
                let rest = rest::record(
                    grammar,
                    record,
                    header.version.as_deref(),
                    &unread_groups.join(","),
                );
                Ok(Written::Part { rest, reason })
            }
        }
    }

    fn header<'a>(&self, grammar: Grammar, record: &Fields<'a>) -> Header<'a> {
        let mut header = Header::default();
        for field in &record.0 {
            let text = json::string(field.value);
            let lower = || text.as_ref().map(|text| text.to_ascii_lowercase());
            let slot = match self.names.find(&field.name) {
                Some(Target::Flows)
                    if header.flows.is_none() && rest::is_holder(grammar, &field.name) =>
                {
                    header.flows = json::object(field.value);
                    if header.flows.is_some() {
                        continue;
                    }
                    None
                }
                Some(Target::Time) if header.processed.is_none() => {
                    header.processed = text.as_ref().and_then(|text| crate::time::parse(text));
                    if header.processed.is_some() {
                        continue;
                    }
                    None
                }
                Some(Target::Version) if header.version.is_none() => {
                    header.version = Some(text.unwrap_or(Cow::Borrowed(field.value)));
                    continue;
                }
                Some(Target::Implied) => continue,
                Some(Target::Mac) => Some((&mut header.mac, text.as_deref().and_then(mac))),
                Some(Target::Resource) => Some((&mut header.resource, lower())),
                Some(Target::Watched) => Some((&mut header.target, lower())),
                Some(Target::FlowLog) => Some((&mut header.flow_log, lower())),
                _ => None,
            };
            match slot {
                Some((slot @ None, value @ Some(_))) => *slot = value,
                _ if field.value == "null" => {}
                _ => header.extras.push(&field.name, field.value),
            }
        }
        header
    }

    /// Takes what the rows of a record will copy from the budget, or refuses.
    fn spend(&mut self, header: &Header<'_>, flows: &Flows<'_>) -> Result<(), &'static str> {
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let per_record = [
            &header.mac,
            &header.resource,
            &header.target,
            &header.flow_log,
        ]
        .map(length)
        .into_iter()
        .fold(header.extras.len(), usize::saturating_add);
        let of_group = |group: &Group<'_>| {
            let own = group
                .rule
                .len()
                .saturating_add(group.acl.as_ref().map_or(0, |acl| acl.len()));
            per_record
                .saturating_add(own)
                .saturating_mul(group.tuples.len())
        };
        let copies = flows
            .groups
            .iter()
            .map(of_group)
            .fold(0, usize::saturating_add);
        self.copies_left = self
            .copies_left
            .checked_sub(copies)
            .ok_or("flow log whose rows would be far larger than its body")?;
        Ok(())
    }

    /// Sets what the next `rows` rows share, all at once.
    fn put_shared(&mut self, header: &Header<'_>, group: &GroupColumns<'_>, rows: usize) {
        if rows == 0 {
            return;
        }
        let Self {
            columns,
            places,
            shared,
            ..
        } = self;
        if let Some(id) = group.resource {
            set(shared.set_resource_of_rows(columns, id, rows));
        }
        if let Some(processed) = header.processed {
            set(columns.datetime_of_rows(places.processed, processed, rows));
        }
        let texts = [
            (places.sub_type, Some("FlowLog")),
            (places.version, header.version.as_deref()),
            (places.mac, group.mac.as_deref().or(header.mac.as_deref())),
            (places.target, header.target.as_deref()),
            (places.flow_log, header.flow_log.as_deref()),
            (places.acl_group, group.list.as_deref()),
            (places.acl_rule, group.rule),
            (
                places.nsg_list,
                group.list.as_deref().filter(|_| group.is_nsg),
            ),
            (places.nsg_rule, group.rule.filter(|_| group.is_nsg)),
        ];
        for (place, text) in texts {
            if let Some(text) = text {
                set(columns.text_of_rows(place, text, rows));
            }
        }
    }

    fn put_tuple(&mut self, tuple: &Tuple<'_>, additional: &Additional) {
        let Self {
            columns,
            places,
            shared,
            ..
        } = self;
        for place in [places.start, places.end] {
            set(columns.datetime(place, tuple.time));
        }
        set(columns.text(places.src_ip, tuple.src_ip));
        set(columns.text(places.dest_ip, tuple.dest_ip));
        if let Some(port) = tuple.src_port {
            set(columns.text(places.src_ports, port));
        }
        if let Some(port) = tuple.dest_port {
            set(columns.int(places.dest_port, i32::from(port)));
        }
        set(columns.text(places.protocol, tuple.protocol));
        let direction = if tuple.is_inbound {
            "Inbound"
        } else {
            "Outbound"
        };
        set(columns.text(places.direction, direction));
        set(columns.text(
            places.status,
            if tuple.is_allowed {
                "Allowed"
            } else {
                "Denied"
            },
        ));
        if let Some(encryption) = tuple.encryption {
            set(columns.text(places.encryption, encryption));
        }
        for (place, counter) in places.counters.into_iter().zip(tuple.counters) {
            if let Some(counter) = counter {
                set(columns.long(place, counter));
            }
        }
        if let Some(place) = counted(places, tuple) {
            set(columns.long(place, 1));
        }
        let time_is_free = shared.set_time(columns, tuple.time);
        debug_assert!(time_is_free, "nothing else writes the time");
        shared.set_additional(columns, additional.with(tuple.state));
        columns.end_row();
    }

    /// Writes a row of Log Analytics: its members are columns already.
    fn write_row(&mut self, record: &Fields<'_>, received: Timestamp) {
        let mut extras = ObjectWriter::default();
        let columns = &mut self.columns;
        for field in &record.0 {
            let id = json::string(field.value);
            match (self.row_names.find(&field.name), id) {
                (Some(Target::Column(place)), _) => row::put(columns, &mut extras, place, field),
                (Some(Target::Time), _) => {
                    let _or_received = self.shared.put_time(columns, &mut extras, field.value);
                }
                (Some(Target::Resource), Some(id))
                    if self.shared.set_resource(columns, &id) == Put::Done => {}
                _ if row::is_implied(TABLE, field) || field.value == "null" => {}
                _ => extras.push(&field.name, field.value),
            }
        }
        let _from_record = self.shared.set_time(columns, received);
        self.shared.set_additional(columns, extras.finish());
        columns.end_row();
    }
}

/// A tuple's columns are set once per row, so none refuses.
fn set(put: Put) {
    debug_assert_eq!(put, Put::Done, "a column was set twice");
}

/// The column that counts a tuple: flows that begin or are denied by direction, and flows that end.
/// NSG v1 logs a flow once, when it begins.
fn counted(places: &Places, tuple: &Tuple<'_>) -> Option<Place> {
    match (tuple.state, tuple.is_allowed, tuple.is_inbound) {
        (None | Some(State::Begin | State::Deny), true, true) => Some(places.allowed_in),
        (None | Some(State::Begin | State::Deny), true, false) => Some(places.allowed_out),
        (None | Some(State::Begin | State::Deny), false, true) => Some(places.denied_in),
        (None | Some(State::Begin | State::Deny), false, false) => Some(places.denied_out),
        (Some(State::End), ..) => Some(places.completed),
        (Some(State::Continue), ..) => None,
    }
}

/// Columns that all tuples of a group share.
struct GroupColumns<'a> {
    is_nsg: bool,
    list: Option<Cow<'a, str>>,
    rule: Option<&'a str>,
    mac: Option<String>,
    resource: Option<&'a str>,
}

impl<'a> GroupColumns<'a> {
    fn new(grammar: Grammar, group: &'a Group<'_>, header: &'a Header<'_>) -> Self {
        let is_nsg = grammar == Grammar::Nsg;
        // An access control list is a GUID at times; a resource id is compared in lower case.
        let list = match &group.acl {
            Some(acl) if acl.starts_with('/') => Some(Cow::Owned(acl.to_ascii_lowercase())),
            Some(acl) => Some(Cow::Borrowed(&**acl)),
            None => header
                .resource
                .as_deref()
                .filter(|_| is_nsg)
                .map(Cow::Borrowed),
        };
        let resource = [&header.resource, &header.target, &header.flow_log]
            .into_iter()
            .flatten();
        Self {
            is_nsg,
            list,
            rule: Some(&*group.rule).filter(|rule| !rule.is_empty()),
            mac: group.mac.as_deref().and_then(mac),
            resource: resource.map(String::as_str).next(),
        }
    }
}

/// `AdditionalFields` of a record's rows, by state of the flow.
struct Additional([Option<String>; 5]);

impl Additional {
    fn new(extras: Option<&str>) -> Self {
        let members = extras.and_then(|text| text.strip_prefix('{'));
        let states = [State::Begin, State::Continue, State::End, State::Deny];
        let [begin, on, end, deny] = states.map(|state| {
            let letter = state.letter();
            Some(match members {
                Some(members) => format!(r#"{{"flowState":"{letter}",{members}"#),
                None => format!(r#"{{"flowState":"{letter}"}}"#),
            })
        });
        Self([extras.map(str::to_owned), begin, on, end, deny])
    }

    fn with(&self, state: Option<State>) -> Option<&str> {
        let [none, begin, on, end, deny] = &self.0;
        match state {
            None => none,
            Some(State::Begin) => begin,
            Some(State::Continue) => on,
            Some(State::End) => end,
            Some(State::Deny) => deny,
        }
        .as_deref()
    }
}

/// A MAC address as 12 upper-case digits; separators go. `None` if it is none.
fn mac(text: &str) -> Option<String> {
    let digits: String = text
        .chars()
        .filter(|digit| !matches!(digit, '-' | ':' | '.'))
        .collect();
    let is_mac = digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_mac.then(|| digits.to_ascii_uppercase())
}
