//! Down to the tuples: the nested lists of NSG and VNet flow logs as one flat list of groups.
//!
//! Records as Azure writes them are read straight into borrowed structures. Any other spelling,
//! unknown members or escapes in strings take a slower way, which keeps what it does not know.

use std::borrow::Cow;

use serde::Deserialize;

use super::tuple::Grammar;
use crate::json::{self, Fields, ObjectWriter};

/// Tuples that one rule logged.
#[derive(Debug, Default)]
pub(super) struct Group<'a> {
    /// `aclID` of VNet logs.
    pub(super) acl: Option<Cow<'a, str>>,
    pub(super) rule: Cow<'a, str>,
    /// `mac` of NSG logs.
    pub(super) mac: Option<Cow<'a, str>>,
    /// Texts of the tuples; one that is no string is its JSON text, which no grammar accepts.
    pub(super) tuples: Vec<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vnet<'a> {
    #[serde(borrow)]
    flows: Vec<VnetFlow<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct VnetFlow<'a> {
    #[serde(rename = "aclID")]
    acl: &'a str,
    #[serde(borrow)]
    flow_groups: Vec<VnetGroup<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct VnetGroup<'a> {
    rule: &'a str,
    #[serde(borrow)]
    flow_tuples: Vec<&'a str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nsg<'a> {
    #[serde(rename = "Version")]
    version: u32,
    #[serde(borrow)]
    flows: Vec<NsgRule<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NsgRule<'a> {
    rule: &'a str,
    #[serde(borrow)]
    flows: Vec<NsgFlow<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct NsgFlow<'a> {
    mac: &'a str,
    #[serde(borrow)]
    flow_tuples: Vec<&'a str>,
}

/// What a record's `flowRecords` or `properties` holds.
#[derive(Debug, Default)]
pub(super) struct Flows<'a> {
    pub(super) groups: Vec<Group<'a>>,
    /// `Version` of NSG logs.
    pub(super) version: Option<String>,
    /// Members that are not known, from whatever depth.
    pub(super) extras: ObjectWriter,
}

/// Reads `text`, the object that holds the flows. An error says what is missing.
pub(super) fn parse(grammar: Grammar, text: &str) -> Result<Flows<'_>, &'static str> {
    let plain = match grammar {
        Grammar::Vnet => serde_json::from_str::<Vnet<'_>>(text).ok().map(vnet),
        Grammar::Nsg => serde_json::from_str::<Nsg<'_>>(text).ok().map(nsg),
    };
    if let Some(flows) = plain {
        return Ok(flows);
    }
    let mut flows = Flows::default();
    let holder = Fields::parse(text).ok_or("the flows are in no object")?;
    let mut list = None;
    for field in &holder.0 {
        match () {
            () if list.is_none() && field.name.eq_ignore_ascii_case("flows") => {
                list = Some(objects(field.value)?);
            }
            () if field.name.eq_ignore_ascii_case("version") => {
                let version = json::string(field.value).unwrap_or(Cow::Borrowed(field.value));
                flows.version = Some(version.into_owned());
            }
            () => flows.extras.push(&field.name, field.value),
        }
    }
    for object in list.ok_or("it has no flows")? {
        outer(object, &mut flows)?;
    }
    Ok(flows)
}

fn borrowed(tuples: Vec<&str>) -> Vec<Cow<'_, str>> {
    tuples.into_iter().map(Cow::Borrowed).collect()
}

fn vnet(parsed: Vnet<'_>) -> Flows<'_> {
    let mut flows = Flows::default();
    for flow in parsed.flows {
        for group in flow.flow_groups {
            flows.groups.push(Group {
                acl: Some(Cow::Borrowed(flow.acl)),
                rule: Cow::Borrowed(group.rule),
                mac: None,
                tuples: borrowed(group.flow_tuples),
            });
        }
    }
    flows
}

fn nsg(parsed: Nsg<'_>) -> Flows<'_> {
    let mut flows = Flows {
        version: Some(parsed.version.to_string()),
        ..Flows::default()
    };
    for rule in parsed.flows {
        for flow in rule.flows {
            flows.groups.push(Group {
                acl: None,
                rule: Cow::Borrowed(rule.rule),
                mac: Some(Cow::Borrowed(flow.mac)),
                tuples: borrowed(flow.flow_tuples),
            });
        }
    }
    flows
}

/// What the slower way has found on its way down.
#[derive(Clone, Debug, Default)]
struct Found<'a> {
    acl: Option<Cow<'a, str>>,
    rule: Option<Cow<'a, str>>,
    mac: Option<Cow<'a, str>>,
    inner: Option<&'a str>,
    tuples: Option<&'a str>,
}

/// An element of the outer list: an access control list of VNet logs, a rule of NSG logs.
fn outer<'a>(object: Fields<'a>, flows: &mut Flows<'a>) -> Result<(), &'static str> {
    let found = members(object, Found::default(), &mut flows.extras);
    for object in objects(found.inner.ok_or("a flow has no list of groups")?)? {
        let mut group = members(object, found.clone(), &mut flows.extras);
        let tuples = group.tuples.take().ok_or("a group has no tuples")?;
        let values: Vec<&serde_json::value::RawValue> =
            serde_json::from_str(tuples).or(Err("tuples are in no list"))?;
        let text = |value: &'a str| json::string(value).unwrap_or(Cow::Borrowed(value));
        flows.groups.push(Group {
            acl: group.acl,
            rule: group.rule.unwrap_or_default(),
            mac: group.mac,
            tuples: values.into_iter().map(|value| text(value.get())).collect(),
        });
    }
    Ok(())
}

fn members<'a>(object: Fields<'a>, mut found: Found<'a>, extras: &mut ObjectWriter) -> Found<'a> {
    for field in object.0 {
        let is = |known: &str| field.name.eq_ignore_ascii_case(known);
        let text = json::string(field.value);
        match text {
            Some(text) if is("aclID") => found.acl = Some(text),
            Some(text) if is("rule") => found.rule = Some(text),
            Some(text) if is("mac") => found.mac = Some(text),
            None if is("flows") || is("flowGroups") => found.inner = Some(field.value),
            None if is("flowTuples") => found.tuples = Some(field.value),
            _ => extras.push(&field.name, field.value),
        }
    }
    found
}

fn objects(text: &str) -> Result<Vec<Fields<'_>>, &'static str> {
    serde_json::from_str(text).or(Err("a list of flows is none"))
}
