//! The same attack in the logs of any gateway opens the same incident.

use std::time::Duration;

use alerts::{Filter, Incident};
use serde_json::{Value, json};
use store::ManualClock;

use super::*;

/// Rules that have nothing to do here: each takes its time.
const CONFIG: &str = r#"
[rules]
disabled = ["6f0e1a52-5d0b-4c0e-9f43-0f6c2a7d1b03", "6f0e1a52-5d0b-4c0e-9f43-0f6c2a7d1b04", "6f0e1a52-5d0b-4c0e-9f43-0f6c2a7d1b05"]
"#;

/// A request as no gateway writes it.
#[derive(Clone, Copy)]
struct Call<'a> {
    at: Timestamp,
    caller: &'a str,
    path: &'a str,
    /// The credential that was accepted; a refused request has none.
    key: Option<&'a str>,
}

/// What a gateway writes of a request.
type Written = fn(Call<'_>) -> String;

fn status(call: Call<'_>, refused: u16) -> u16 {
    if call.key.is_some() { 200 } else { refused }
}

fn azure(call: Call<'_>) -> String {
    let mut properties = json!({
        "method": "GET", "url": format!("https://api.example{}", call.path), "responseCode": status(call, 401),
        "apiId": "orders", "apimSubscriptionId": call.key,
    });
    if call.key.is_none() {
        properties["lastError"] = json!({"reason": "SubscriptionKeyInvalid"});
    }
    json!({"time": call.at.to_rfc3339(), "category": "GatewayLogs", "callerIpAddress": call.caller, "properties": properties}).to_string()
}

fn kong(call: Call<'_>) -> String {
    let mut record = json!({
        "request": {"method": "GET", "uri": call.path, "url": format!("https://api.example:443{}", call.path), "size": 75, "headers": {"host": "api.example"}},
        "response": {"status": status(call, 401), "size": 434, "headers": {}}, "latencies": {"kong": 2, "proxy": -1, "request": 3},
        "client_ip": call.caller, "started_at": call.at.as_micros() / 1000, "route": {"id": "r"}, "service": {"id": "s", "name": "orders"},
    });
    if let Some(key) = call.key {
        record["authenticated_entity"] = json!({"id": key});
        record["latencies"]["proxy"] = json!(12);
    }
    record.to_string()
}

fn envoy(call: Call<'_>) -> String {
    let (details, upstream) = match call.key {
        Some(_) => ("via_upstream", "10.0.2.1:80"),
        None => ("unkonwn_api_key", "-"),
    };
    json!({
        "start_time": call.at.to_rfc3339(), "method": "GET", "path": call.path, "authority": "api.example", "protocol": "HTTP/2",
        "response_code": status(call, 401), "response_flags": "-", "response_code_details": details, "duration": 3,
        "downstream_remote_address": format!("{}:51234", call.caller), "upstream_host": upstream, "client_id": call.key,
    })
    .to_string()
}

fn nginx(call: Call<'_>) -> String {
    let seconds = format!("{}.000", call.at.as_micros() / 1_000_000);
    json!({
        "msec": seconds, "remote_addr": call.caller, "scheme": "https", "host": "api.example", "request_method": "GET",
        "request_uri": call.path, "status": status(call, 401).to_string(), "request_time": "0.003", "server_name": "orders",
        "upstream_status": if call.key.is_some() { "200" } else { "" }, "api_client_name": call.key.unwrap_or_default(),
    })
    .to_string()
}

/// Basic authentication, as the format knows no other credential.
fn combined(call: Call<'_>) -> String {
    let time = call.at.to_rfc3339();
    let (day, clock) = (&time.get(8..10).unwrap(), &time.get(11..19).unwrap());
    let (user, status) = (call.key.unwrap_or("-"), status(call, 401));
    format!(
        "{} - {user} [{day}/Nov/2026:{clock} +0000] \"GET {} HTTP/1.1\" {status} 324 \"-\" \"curl/8\"",
        call.caller, call.path
    )
}

fn aws(call: Call<'_>) -> String {
    let refusal = if call.key.is_some() {
        "-"
    } else {
        "INVALID_API_KEY"
    };
    json!({
        "requestId": "r", "ip": call.caller, "requestTimeEpoch": (call.at.as_micros() / 1000).to_string(), "httpMethod": "GET",
        "path": call.path, "resourcePath": "/{proxy+}", "status": status(call, 403).to_string(), "protocol": "HTTP/1.1",
        "apiId": "orders", "domainName": "api.example", "apiKeyId": call.key.unwrap_or("-"), "responseType": refusal,
    })
    .to_string()
}

/// 24 paths tried with wrong keys; and a key of one address that twelve others suddenly have.
fn attacks(written: Written, guesser: &str, leaked: &str) -> String {
    let at = |time: &str| Timestamp::parse_rfc3339(&format!("2026-11-02T{time}Z")).unwrap();
    let mut lines = Vec::new();
    let mut write = |at: Timestamp, caller: &str, path: &str, key: Option<&str>| {
        lines.push(written(Call {
            at,
            caller,
            path,
            key,
        }));
    };
    for index in 0..24_u32 {
        let time = at("09:55:30").plus(Duration::from_secs(6) * index);
        write(time, guesser, &format!("/orders/v1/{index}?x=1"), None);
    }
    for minute in (0..180).step_by(10) {
        let time = at("07:00:00").plus(Duration::from_mins(1) * minute);
        write(time, "192.0.2.1", "/orders/v1/1", Some(leaked));
    }
    for index in 0..12_u32 {
        let time = at("10:10:00").plus(Duration::from_secs(6) * index);
        write(
            time,
            &format!("203.0.113.{index}"),
            "/orders/v1/1",
            Some(leaked),
        );
    }
    lines.join("\n")
}

/// What of an incident is the same whoever wrote the log.
fn told(incident: &Incident) -> String {
    let entities = incident.entities.iter();
    let entities: Vec<_> = entities
        .map(|entity| format!("{} {:?}", entity.kind, entity.fields))
        .collect();
    let rows = incident.evidence.rows.len();
    format!(
        "{} {:?} {entities:?} {:?} {rows}",
        incident.title, incident.severity, incident.first_event
    )
}

#[tokio::test]
async fn an_attack_opens_the_same_incidents_whatever_gateway_saw_it() {
    let gateways: [Written; 6] = [azure, kong, envoy, nginx, combined, aws];
    let names = |gateway: usize| (format!("198.51.100.{gateway}"), format!("key-{gateway}"));
    let now = Timestamp::parse_rfc3339("2026-11-02T11:30:00Z").unwrap();
    let clock = Arc::new(ManualClock::new(now));
    let fixture = fixture_at(CONFIG, Arc::<ManualClock>::clone(&clock)).await;
    let key = fixture.key(&[Scope::Ingest]).await;
    for (gateway, written) in gateways.into_iter().enumerate() {
        let (guesser, leaked) = names(gateway);
        let body = attacks(written, &guesser, &leaked);
        let answer = fixture
            .call(&Method::POST, "/api/v1/ingest", Some(&key), &body)
            .await;
        assert_eq!(answer.0, StatusCode::OK, "{}", answer.1);
        let counts: Value = serde_json::from_str(&answer.1).unwrap();
        assert_eq!(
            (&counts["accepted"], &counts["quarantined"]),
            (&json!(54), &json!(0))
        );
    }
    clock.set(now.plus(Duration::from_mins(2)));
    let alerts = &fixture.core.alerts;
    assert_eq!(alerts.evaluate_due().await.unwrap().failures, 0);
    let incidents = alerts
        .list(&Workspace::default(), Filter::default())
        .await
        .unwrap();
    let mut found: Vec<String> = incidents.iter().map(told).collect();
    found.sort();
    // What API Management's records gave, said of each of the others.
    let (guesser, leaked) = names(0);
    let of_azure = found
        .iter()
        .filter(|text| text.contains(&guesser) || text.contains(&leaked));
    let of_azure: Vec<_> = of_azure.cloned().collect();
    assert!(
        of_azure[0]
            .starts_with("Subscription key-0 used from 13 addresses, usually at most 1 High"),
        "{of_azure:?}"
    );
    assert!(
        of_azure[1].starts_with("Subscription keys guessed from 198.51.100.0 Medium"),
        "{of_azure:?}"
    );
    let mut expected: Vec<String> = Vec::new();
    for gateway in 0..gateways.len() {
        let (own_guesser, own_leaked) = names(gateway);
        expected.extend(of_azure.iter().map(|text| {
            text.replace(&guesser, &own_guesser)
                .replace(&leaked, &own_leaked)
        }));
    }
    expected.sort();
    assert_eq!(found, expected);
}
