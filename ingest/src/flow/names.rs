//! What the members of a flow log record mean, and the columns that are set by name.

use super::TABLE;
use crate::columns::Place;
use crate::names::{Names, camel};
use crate::row;

/// What a member of the record means.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target {
    Column(Place),
    Time,
    Flows,
    Mac,
    Resource,
    /// The network, subnet or interface whose flows these are.
    Watched,
    FlowLog,
    Version,
    /// It says what kind of record this is, which `SubType` and `FaSchemaVersion` say too.
    Implied,
}

/// Columns that are set by name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    pub(super) start: Place,
    pub(super) end: Place,
    pub(super) processed: Place,
    pub(super) sub_type: Place,
    pub(super) version: Place,
    pub(super) mac: Place,
    pub(super) target: Place,
    pub(super) flow_log: Place,
    pub(super) acl_group: Place,
    pub(super) acl_rule: Place,
    pub(super) nsg_list: Place,
    pub(super) nsg_rule: Place,
    pub(super) src_ip: Place,
    pub(super) dest_ip: Place,
    pub(super) src_ports: Place,
    pub(super) dest_port: Place,
    pub(super) protocol: Place,
    pub(super) direction: Place,
    pub(super) status: Place,
    pub(super) encryption: Place,
    pub(super) counters: [Place; 4],
    pub(super) allowed_in: Place,
    pub(super) allowed_out: Place,
    pub(super) denied_in: Place,
    pub(super) denied_out: Place,
    pub(super) completed: Place,
}

impl Places {
    pub(super) fn new() -> Self {
        let place = |name| Place::of(TABLE, name);
        Self {
            start: place("FlowStartTime"),
            end: place("FlowEndTime"),
            processed: place("TimeProcessed"),
            sub_type: place("SubType"),
            version: place("FaSchemaVersion"),
            mac: place("MacAddress"),
            target: place("TargetResourceId"),
            flow_log: place("FlowLogResourceId"),
            acl_group: place("AclGroup"),
            acl_rule: place("AclRule"),
            nsg_list: place("NsgList"),
            nsg_rule: place("NsgRule"),
            src_ip: place("SrcIp"),
            dest_ip: place("DestIp"),
            src_ports: place("SrcPorts"),
            dest_port: place("DestPort"),
            protocol: place("L4Protocol"),
            direction: place("FlowDirection"),
            status: place("FlowStatus"),
            encryption: place("FlowEncryption"),
            counters: [
                "PacketsSrcToDest",
                "BytesSrcToDest",
                "PacketsDestToSrc",
                "BytesDestToSrc",
            ]
            .map(place),
            allowed_in: place("AllowedInFlows"),
            allowed_out: place("AllowedOutFlows"),
            denied_in: place("DeniedInFlows"),
            denied_out: place("DeniedOutFlows"),
            completed: place("CompletedFlows"),
        }
    }
}

/// Members of both kinds of flow log.
pub(super) fn of_records() -> Names<Target> {
    let mut names = Names::new();
    for (name, target) in [
        ("time", Target::Time),
        ("flowRecords", Target::Flows),
        ("properties", Target::Flows),
        ("macAddress", Target::Mac),
        ("resourceId", Target::Resource),
        ("targetResourceID", Target::Watched),
        ("flowLogResourceID", Target::FlowLog),
        ("flowLogVersion", Target::Version),
        ("category", Target::Implied),
        ("operationName", Target::Implied),
    ] {
        names.add(name, target);
    }
    names
}

/// Members of rows exported from Log Analytics.
pub(super) fn of_rows() -> Names<Target> {
    let mut names = Names::new();
    names.add("TimeGenerated", Target::Time);
    names.add("_ResourceId", Target::Resource);
    for column in TABLE
        .columns()
        .iter()
        .filter(|column| !row::is_ours(column.name))
    {
        names.add(column.name, Target::Column(Place::of(TABLE, column.name)));
        names.add(
            &camel(column.name),
            Target::Column(Place::of(TABLE, column.name)),
        );
    }
    names
}
