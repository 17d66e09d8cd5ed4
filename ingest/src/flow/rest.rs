//! The rest of a flow log record: the tuples that could not be read, with the record around them.
//!
//! The rest is a flow log record itself. Replayed by a decoder that can read its tuples, it gives the
//! rows that are missing and no others.

use super::groups::Group;
use super::tuple::Grammar;
use crate::json::{self, Fields, ObjectWriter};

/// Whether a member of that name holds the record's flows.
pub(super) fn is_holder(grammar: Grammar, name: &str) -> bool {
    let holder = match grammar {
        Grammar::Nsg => "properties",
        Grammar::Vnet => "flowRecords",
    };
    name.eq_ignore_ascii_case(holder)
}

/// A group with only the tuples that could not be read.
pub(super) fn group(grammar: Grammar, group: &Group<'_>, unread: &[&str]) -> String {
    let mut tuples = String::from("[");
    for text in unread {
        if tuples.len() > 1 {
            tuples.push(',');
        }
        json::quote_into(&mut tuples, text);
    }
    tuples.push(']');
    let (mut outer, mut inner) = (ObjectWriter::default(), ObjectWriter::default());
    let list_name = match grammar {
        Grammar::Vnet => {
            inner.push_text("rule", &group.rule);
            "flowGroups"
        }
        Grammar::Nsg => {
            outer.push_text("rule", &group.rule);
            "flows"
        }
    };
    if let Some(acl) = &group.acl {
        outer.push_text("aclID", acl);
    }
    if let Some(mac) = &group.mac {
        inner.push_text("mac", mac);
    }
    inner.push("flowTuples", &tuples);
    outer.push(
        list_name,
        &format!("[{}]", inner.finish().unwrap_or_default()),
    );
    outer.finish().unwrap_or_default().to_owned()
}

/// The record with other groups in it.
pub(super) fn record(
    grammar: Grammar,
    record: &Fields<'_>,
    version: Option<&str>,
    groups: &str,
) -> String {
    let mut whole = ObjectWriter::default();
    for field in &record.0 {
        if !is_holder(grammar, &field.name) {
            whole.push(&field.name, field.value);
            continue;
        }
        let mut holder = ObjectWriter::default();
        if let (Grammar::Nsg, Some(version)) = (grammar, version) {
            holder.push_text("Version", version);
        }
        holder.push("flows", &format!("[{groups}]"));
        whole.push(&field.name, holder.finish().unwrap_or_default());
    }
    whole.finish().unwrap_or_default().to_owned()
}
