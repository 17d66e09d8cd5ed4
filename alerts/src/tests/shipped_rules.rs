//! Each shipped rule finds its attack and stays silent on its benign twin.

use serde_json::{Value, json};
use store::{Table, Timestamp};

use super::support::{MINUTE, RESOURCE, at, incidents, request};
use crate::{Entity, Incident, Severity};

const GUESSING: &str = "6f0e1a52-5d0b-4c0e-9f43-0f6c2a7d1b01";
const SPREAD: &str = "6f0e1a52-5d0b-4c0e-9f43-0f6c2a7d1b02";
const SPIKE: &str = "6f0e1a52-5d0b-4c0e-9f43-0f6c2a7d1b03";
const BYPASS: &str = "6f0e1a52-5d0b-4c0e-9f43-0f6c2a7d1b04";
const DELETED: &str = "6f0e1a52-5d0b-4c0e-9f43-0f6c2a7d1b05";

const GATEWAY: Table = Table::ApiManagementGatewayLogs;

fn entity(kind: &str, identifier: &str, value: &str) -> Entity {
    Entity {
        kind: kind.to_owned(),
        fields: [(identifier.to_owned(), value.to_owned())].into(),
    }
}

fn titles(incidents: &[Incident]) -> Vec<&str> {
    incidents
        .iter()
        .map(|incident| incident.title.as_str())
        .collect()
}

/// A refused request; the key in the URL and the API change as the closures say.
fn refused(time: Timestamp, caller: &str, url: &str, api: &str) -> Value {
    let fields = json!({
        "ResponseCode": 401, "LastErrorReason": "SubscriptionKeyInvalid", "Url": url, "ApiId": api,
        "OperationId": format!("get-{api}"),
    });
    request(time, caller, &fields)
}

fn every_6_s(start: &str, index: usize) -> Timestamp {
    at(start).plus(std::time::Duration::from_secs(6) * u32::try_from(index).unwrap())
}

#[tokio::test]
async fn guessed_keys_are_found_even_across_the_edge_of_a_window() {
    let events: Vec<Value> = (0..24)
        .map(|index| {
            let url = format!("https://api.example/orders/v1/1?subscription-key=k{index}");
            refused(
                every_6_s("09:58:50", index),
                "198.51.100.7",
                &url,
                "orders-v1",
            )
        })
        .collect();
    let found = incidents(GUESSING, GATEWAY, &events).await;
    assert_eq!(
        titles(&found),
        ["Subscription keys guessed from 198.51.100.7"]
    );
    let incident = &found[0];
    assert_eq!(incident.severity, Severity::Medium);
    let expected = [
        entity("IP", "Address", "198.51.100.7"),
        entity("AzureResource", "ResourceId", RESOURCE),
    ];
    assert_eq!(incident.entities, expected);
    assert_eq!(incident.first_event, Some(at("09:58:50")));
    assert_eq!(incident.evidence.rows.len(), 5);
    assert!(
        incident.evidence.rows[0]
            .contains(&"https://api.example/orders/v1/1?subscription-key=***".to_owned())
    );
    assert_eq!(incident.tactics, ["CredentialAccess"]);
    assert!(!incident.runbook.is_empty());
}

#[tokio::test]
async fn a_guess_that_works_is_high_and_names_the_credential() {
    let mut events: Vec<Value> = (0..30)
        .map(|index| {
            let api = format!("api-{}", index % 4);
            refused(
                every_6_s("09:55:30", index),
                "198.51.100.7",
                "https://api.example/",
                &api,
            )
        })
        .collect();
    let accepted = json!({"ApimSubscriptionId": "sub-0007"});
    events.push(request(at("09:58:40"), "198.51.100.7", &accepted));
    let found = incidents(GUESSING, GATEWAY, &events).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].severity, Severity::High);
    assert!(
        found[0]
            .entities
            .contains(&entity("CloudApplication", "Name", "sub-0007"))
    );
}

#[tokio::test]
async fn a_client_with_one_stale_key_is_no_guesser() {
    let retry_loop = (0..300).map(|index| {
        let url = "https://api.example/orders/v1/1?subscription-key=stale";
        refused(
            at("09:50:00").plus(std::time::Duration::from_secs(index)),
            "203.0.113.9",
            url,
            "orders-v1",
        )
    });
    // Known within the hour: its key expired, and it goes on with all that it does.
    let known = request(
        at("09:30:00"),
        "203.0.113.10",
        &json!({"ApimSubscriptionId": "sub-0001"}),
    );
    let expired = (0..40).map(|index| {
        let url = format!("https://api.example/{index}");
        refused(
            every_6_s("09:50:00", index),
            "203.0.113.10",
            &url,
            &format!("api-{index}"),
        )
    });
    // Many addresses with few failures each.
    let few = (0..40).map(|index| {
        let url = format!("https://api.example/{index}?subscription-key={index}");
        refused(
            every_6_s("09:50:00", index),
            &format!("203.0.113.{}", 20 + index % 4),
            &url,
            "orders-v1",
        )
    });
    let events: Vec<Value> = retry_loop
        .chain([known])
        .chain(expired)
        .chain(few)
        .collect();
    assert_eq!(
        titles(&incidents(GUESSING, GATEWAY, &events).await),
        [""; 0]
    );
}

/// Requests of one key, every 10 minutes from 00:00 to 10:00, from `addresses` addresses in turn.
fn everyday(key: &str, addresses: usize) -> Vec<Value> {
    let call = |minute: u32| {
        let caller = format!("192.0.2.{}", minute as usize % addresses);
        request(
            at("00:00:00").plus(MINUTE * minute),
            &caller,
            &json!({"ApimSubscriptionId": key}),
        )
    };
    (0..600).step_by(10).map(call).collect()
}

fn burst(key: &str, addresses: usize) -> Vec<Value> {
    let call = |index: usize| {
        let caller = format!("198.51.100.{index}");
        request(
            every_6_s("10:10:00", index),
            &caller,
            &json!({"ApimSubscriptionId": key}),
        )
    };
    (0..addresses).map(call).collect()
}

#[tokio::test]
async fn a_key_that_many_new_addresses_use_is_found() {
    let mut events = everyday("sub-0042", 1);
    events.extend(burst("sub-0042", 12));
    let found = incidents(SPREAD, GATEWAY, &events).await;
    // Twelve new ones and the usual one.
    assert_eq!(
        titles(&found),
        ["Subscription sub-0042 used from 13 addresses, usually at most 1"]
    );
    assert!(
        found[0]
            .entities
            .contains(&entity("CloudApplication", "Name", "sub-0042"))
    );
    assert!(found[0].entities.iter().any(|entity| entity.kind == "IP"));
    assert!(
        found[0]
            .entities
            .contains(&entity("AzureResource", "ResourceId", RESOURCE))
    );
}

#[tokio::test]
async fn a_new_key_and_a_key_shared_every_day_are_no_leak() {
    let mut events = burst("sub-new", 12);
    let shared = |minute: u32| {
        let fields = json!({"ApimSubscriptionId": "sub-mobile"});
        request(
            at("00:00:00").plus(MINUTE * minute),
            &format!("203.0.113.{}", minute % 200),
            &fields,
        )
    };
    events.extend((0..640).map(shared));
    events.extend(burst("sub-mobile", 12));
    assert_eq!(titles(&incidents(SPREAD, GATEWAY, &events).await), [""; 0]);
}

/// `per_minute(minute)` requests in each minute from 00:00 on.
fn traffic(minutes: u32, per_minute: impl Fn(u32) -> u32) -> Vec<Value> {
    let mut events = Vec::new();
    for minute in 0..minutes {
        for index in 0..per_minute(minute) {
            let time = at("00:00:00")
                .plus(MINUTE * minute)
                .plus(std::time::Duration::from_millis(u64::from(index)));
            let fields = json!({"ApimSubscriptionId": format!("sub-{}", index % 3)});
            events.push(request(time, &format!("192.0.2.{}", index % 7), &fields));
        }
    }
    events
}

#[tokio::test]
async fn a_spike_is_found_wherever_the_window_cuts_it() {
    let events = traffic(12 * 60, |minute| {
        if (657..672).contains(&minute) {
            60
        } else {
            4 + minute % 3
        }
    });
    let found = incidents(SPIKE, GATEWAY, &events).await;
    assert_eq!(found.len(), 1, "{:?}", titles(&found));
    assert!(
        found[0]
            .title
            .starts_with("Traffic to API orders-v1 spikes"),
        "{}",
        found[0].title
    );
    let kinds: Vec<&str> = found[0]
        .entities
        .iter()
        .map(|entity| entity.kind.as_str())
        .collect();
    assert_eq!(kinds, ["IP", "CloudApplication", "AzureResource"]);
}

#[tokio::test]
async fn the_morning_rise_is_no_spike() {
    // Two requests a minute in the night, 30 by day, the rise between 06:00 and 08:00.
    let rising = |minute: u32| match minute {
        0..360 => 2,
        360..480 => 2 + (minute - 360) * 28 / 120,
        _ => 30,
    };
    assert_eq!(
        titles(&incidents(SPIKE, GATEWAY, &traffic(12 * 60, rising)).await),
        [""; 0]
    );
    // No history yet.
    let young = |minute: u32| if minute > 120 { 100 } else { 2 };
    assert_eq!(
        titles(&incidents(SPIKE, GATEWAY, &traffic(180, young)).await),
        [""; 0]
    );
}

fn flow(time: &str, source: &str, target: &str, status: &str, direction: &str) -> Value {
    json!({
        "TimeGenerated": at(time).to_rfc3339(), "SrcIp": source, "DestIp": target, "DestPort": 443,
        "FlowStatus": status, "FlowDirection": direction, "L4Protocol": "T", "_ResourceId": RESOURCE,
    })
}

#[tokio::test]
async fn a_way_past_the_gateway_is_found() {
    let events = [
        flow("10:00:10", "10.9.9.9", "10.0.2.4", "Allowed", "Inbound"),
        flow("10:00:20", "10.9.9.9", "10.0.2.5", "A", "I"),
        flow("10:01:00", "198.51.100.7", "10.0.2.4", "Allowed", "Inbound"),
    ];
    let mut found = incidents(BYPASS, Table::NtaNetAnalytics, &events).await;
    found.sort_by(|left, right| left.title.cmp(&right.title));
    let expected = [
        "Back end 10.0.2.4 reached from 198.51.100.7 past the gateway",
        "Back end 10.0.2.5 reached from 10.9.9.9 past the gateway",
    ];
    assert_eq!(titles(&found), expected);
    assert_eq!(
        [found[0].severity, found[1].severity],
        [Severity::High, Severity::Medium]
    );
    assert!(
        found[0]
            .entities
            .contains(&entity("IP", "Address", "198.51.100.7"))
    );
}

#[tokio::test]
async fn flows_through_the_gateway_or_denied_are_no_bypass() {
    let events = [
        flow("10:00:10", "10.0.1.4", "10.0.2.4", "Allowed", "Inbound"), // the gateway
        flow("10:00:11", "10.0.2.5", "10.0.2.4", "Allowed", "Inbound"), // another back end
        flow(
            "10:00:12",
            "168.63.129.16",
            "10.0.2.4",
            "Allowed",
            "Inbound",
        ), // Azure's probe
        flow("10:00:13", "198.51.100.7", "10.0.2.4", "Denied", "Inbound"),
        flow(
            "10:00:14",
            "198.51.100.7",
            "10.0.2.4",
            "Allowed",
            "Outbound",
        ),
        flow("10:00:15", "198.51.100.7", "10.0.3.4", "Allowed", "Inbound"), // not a back end
    ];
    assert_eq!(
        titles(&incidents(BYPASS, Table::NtaNetAnalytics, &events).await),
        [""; 0]
    );
}

fn activity(time: &str, operation: &str, status: &str) -> Value {
    json!({
        "TimeGenerated": at(time).to_rfc3339(), "OperationNameValue": operation, "ActivityStatusValue": status,
        "Caller": "eve@example.com", "CallerIpAddress": "198.51.100.7:50123", "CorrelationId": "c-1",
        "_ResourceId": format!("{RESOURCE}/providers/microsoft.insights/diagnosticsettings/to-bartizan"),
    })
}

#[tokio::test]
async fn deleted_diagnostic_settings_are_found_once() {
    let events = [
        activity(
            "10:00:01",
            "Microsoft.Insights/diagnosticSettings/delete",
            "Start",
        ),
        activity(
            "10:00:02",
            "Microsoft.Insights/diagnosticSettings/delete",
            "Success",
        ),
    ];
    let found = incidents(DELETED, Table::AzureActivity, &events).await;
    assert_eq!(
        titles(&found),
        ["Diagnostic settings deleted by eve@example.com"]
    );
    assert_eq!(found[0].severity, Severity::High);
    assert_eq!(
        found[0].entities[0],
        entity("Account", "FullName", "eve@example.com")
    );
    assert_eq!(
        found[0].entities[1],
        entity("IP", "Address", "198.51.100.7")
    );
}

#[tokio::test]
async fn other_operations_and_failed_deletions_are_silent() {
    let events = [
        activity(
            "10:00:01",
            "MICROSOFT.INSIGHTS/DIAGNOSTICSETTINGS/WRITE",
            "Success",
        ),
        activity(
            "10:00:02",
            "MICROSOFT.INSIGHTS/DIAGNOSTICSETTINGS/DELETE",
            "Start",
        ),
        activity(
            "10:00:03",
            "MICROSOFT.INSIGHTS/DIAGNOSTICSETTINGS/DELETE",
            "Failure",
        ),
    ];
    assert_eq!(
        titles(&incidents(DELETED, Table::AzureActivity, &events).await),
        [""; 0]
    );
}
