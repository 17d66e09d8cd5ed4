//! Rows of flows, one by one, against what others read from the same files.

use super::*;

/// A flow, in words that both sides have.
#[derive(Debug, PartialEq, Eq)]
struct Flow {
    time: String,
    source: (String, String),
    target: (String, String),
    protocol: String,
    direction: String,
    decision: String,
    state: String,
    encryption: String,
    /// Packets and bytes sent, packets and bytes received.
    counters: [Option<i64>; 4],
    rule: String,
    mac: String,
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn protocol(name: &str) -> &str {
    match name {
        "TCP" | "6" => "T",
        "UDP" | "17" => "U",
        other => other,
    }
}

/// A moment to milliseconds, which is what the others keep.
fn moment(text: &str) -> String {
    let instant = crate::time::parse(text).unwrap().as_micros();
    Timestamp::from_micros(instant / 1000 * 1000).to_rfc3339()
}

fn address(text: &str) -> String {
    text.replace(['-', ':'], "").to_ascii_lowercase()
}

/// Our rows.
fn ours(body: &str) -> Vec<Flow> {
    let flow = |row: &Value| Flow {
        time: moment(&text(&row["TimeGenerated"])),
        source: (text(&row["SrcIp"]), text(&row["SrcPorts"])),
        target: (text(&row["DestIp"]), text(&row["DestPort"])),
        protocol: text(&row["L4Protocol"]),
        direction: text(&row["FlowDirection"]),
        decision: text(&row["FlowStatus"]),
        state: text(&row["AdditionalFields"]["flowState"]),
        encryption: text(&row["FlowEncryption"]),
        counters: [
            "PacketsSrcToDest",
            "BytesSrcToDest",
            "PacketsDestToSrc",
            "BytesDestToSrc",
        ]
        .map(|name| row[name].as_i64()),
        rule: text(&row["AclRule"]),
        mac: address(&text(&row["MacAddress"])),
    };
    rows(body).iter().map(flow).collect()
}

/// What Elastic's integration reads.
fn theirs(tuple: &Value, rule: &Value, mac: &Value) -> Flow {
    let state = text(tuple.get("flow_state").unwrap_or(&tuple["flow"]["state"]));
    let decision = match &tuple["traffic"]["decision"] {
        Value::Null if state == "Deny" => "Denied".to_owned(),
        Value::Null => "Allowed".to_owned(),
        decision => text(decision),
    };
    let direction = tuple["traffic"]
        .get("flow")
        .unwrap_or(&tuple["flow"]["direction"]);
    let end = |name: &str| (text(&tuple[name]["ip"]), text(&tuple[name]["port"]));
    Flow {
        time: moment(&text(&tuple["timestamp"])),
        source: end("source"),
        target: end("destination"),
        protocol: protocol(&text(&tuple["protocol"])).to_owned(),
        direction: text(direction),
        decision,
        state: state.chars().take(1).collect(),
        encryption: text(&tuple["flow"]["encryption"]),
        counters: [
            &tuple["packets"]["sent"],
            &tuple["bytes"]["sent"],
            &tuple["packets"]["received"],
            &tuple["bytes"]["received"],
        ]
        .map(Value::as_i64),
        rule: text(rule),
        mac: address(&text(mac)),
    }
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[test]
fn flows_are_what_others_expect() {
    let read = |name: &str| fs::read_to_string(folder().join("elastic+integrations").join(name));
    let (Ok(nsg), Ok(vnet)) = (
        read("nsg-flow/test-nsg.log"),
        read("vnet-flow/test-vnet.log"),
    ) else {
        return skipped("flows_are_what_others_expect");
    };
    let expected = |name: &str| -> Value { serde_json::from_str(&read(name).unwrap()).unwrap() };

    let mut flows = Vec::new();
    for event in items(&expected("nsg-flow/test-nsg.log-expected.json")["expected"]) {
        let log = &event["azure_network_watcher_nsg"]["log"];
        for list in items(&log["properties"]["flows"]) {
            for group in items(&list["flows"]) {
                let tuples = items(&group["tuples"]);
                flows.extend(tuples.map(|tuple| theirs(tuple, &list["rule"], &group["mac"])));
            }
        }
    }
    assert!(!flows.is_empty());
    assert_eq!(ours(&nsg), flows);

    let mut flows = Vec::new();
    for event in items(&expected("vnet-flow/test-vnet.log-expected.json")["expected"]) {
        let log = &event["azure_network_watcher_vnet"]["log"];
        for list in items(&log["records"]["flows"]) {
            for group in items(&list["groups"]) {
                let tuples = items(&group["tuples"]);
                flows
                    .extend(tuples.map(|tuple| theirs(tuple, &group["rule"], &log["mac_address"])));
            }
        }
    }
    assert!(!flows.is_empty());
    assert_eq!(ours(&vnet), flows);
}

/// Tuples in a file, in order, each with its rule and address.
fn tuples(value: &Value, rule: &str, mac: &str, found: &mut Vec<(String, String, String)>) {
    let Some(object) = value.as_object() else {
        return items(value).for_each(|item| tuples(item, rule, mac, found));
    };
    let own = |names: [&str; 2]| names.iter().find_map(|name| object.get(*name)).map(text);
    let rule = own(["rule", "rule"]).unwrap_or_else(|| rule.to_owned());
    let mac = own(["mac", "macAddress"]).unwrap_or_else(|| mac.to_owned());
    for tuple in object.get("flowTuples").into_iter().flat_map(items) {
        found.push((text(tuple), rule.clone(), address(&mac)));
    }
    for member in [
        "records",
        "properties",
        "flowRecords",
        "flows",
        "flowGroups",
    ] {
        if let Some(inner) = object.get(member) {
            tuples(inner, &rule, &mac, found);
        }
    }
}

/// A tuple by position, as the documents describe it.
fn by_position((tuple, rule, mac): &(String, String, String), is_vnet: bool) -> Flow {
    let parts: Vec<_> = tuple.split(',').map(str::to_owned).collect();
    let part = |at: usize| parts.get(at).cloned().unwrap_or_default();
    let epoch: i64 = part(0).parse().unwrap();
    let micros = if epoch < 100_000_000_000 {
        epoch * 1_000_000
    } else {
        epoch * 1_000
    };
    let word = |text: String, words: &[(&str, &str)]| {
        let found = words.iter().find(|(letter, _)| *letter == text);
        found.map_or(text.clone(), |(_, word)| (*word).to_owned())
    };
    let decisions = [("A", "Allowed"), ("D", "Denied")];
    let decision = match (is_vnet, part(7).as_str()) {
        (true, "D") => "Denied".to_owned(),
        (true, _) => "Allowed".to_owned(),
        (false, _) => word(part(7), &decisions),
    };
    Flow {
        time: Timestamp::from_micros(micros).to_rfc3339(),
        source: (part(1), part(3)),
        target: (part(2), part(4)),
        protocol: protocol(&part(5)).to_owned(),
        direction: word(part(6), &[("I", "Inbound"), ("O", "Outbound")]),
        decision,
        state: if is_vnet { part(7) } else { part(8) },
        encryption: if is_vnet { part(8) } else { String::new() },
        counters: [9, 10, 11, 12].map(|at| part(at).parse().ok()),
        rule: rule.clone(),
        mac: mac.clone(),
    }
}

#[test]
fn every_flow_of_every_file_is_a_row() {
    let Some(samples) = samples() else {
        return skipped("every_flow_of_every_file_is_a_row");
    };
    let mut count = 0;
    for sample in samples
        .iter()
        .filter(|sample| sample.kind.contains("-flow"))
    {
        let body = std::str::from_utf8(&sample.bytes).unwrap();
        let mut found = Vec::new();
        let whole: Value = serde_json::from_str(body).unwrap();
        tuples(&whole, "", "", &mut found);
        let is_vnet = sample.kind.starts_with("vnet");
        let expected: Vec<_> = found
            .iter()
            .map(|tuple| by_position(tuple, is_vnet))
            .collect();
        assert_eq!(ours(body), expected, "{}", sample.name);
        count += expected.len();
    }
    assert!(count > 300, "{count} flows");
}
