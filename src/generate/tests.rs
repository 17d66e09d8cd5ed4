//! What a day must hold, and what an ordinary day must not.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::*;

const START: &str = "2026-11-17T00:00:00Z"; // a Tuesday

fn plan(hours: u32, attacks: bool) -> Plan {
    let start = Timestamp::parse_rfc3339(START).unwrap();
    Plan {
        seed: 7,
        start,
        hours,
        requests_per_minute: 30,
        attacks,
    }
}

fn records(piece: &Piece) -> Vec<Value> {
    let body: Value = serde_json::from_slice(&piece.body).unwrap();
    body["records"].as_array().unwrap().clone()
}

fn time(record: &Value) -> Timestamp {
    let text = record["time"].as_str().unwrap();
    assert_eq!(text.len(), "2026-11-17T00:00:00.1234567Z".len(), "{text}");
    Timestamp::parse_rfc3339(text).unwrap()
}

/// Every gateway record of a plan.
fn gateway(plan: &Plan) -> Vec<Value> {
    let pieces = pieces(plan).filter(|piece| piece.kind == Kind::Gateway);
    pieces.flat_map(|piece| records(&piece)).collect()
}

fn reason(record: &Value) -> &str {
    record["properties"]["lastError"]["reason"]
        .as_str()
        .unwrap_or("")
}

fn caller(record: &Value) -> &str {
    record["callerIpAddress"].as_str().unwrap()
}

/// The most that any window of `minutes` holds, by key, where a window may begin with any record.
fn busiest(items: &[(Timestamp, String, String)], minutes: u32, distinct: bool) -> (String, usize) {
    let mut groups: BTreeMap<&str, Vec<(Timestamp, &str)>> = BTreeMap::new();
    for (time, key, value) in items {
        groups.entry(key).or_default().push((*time, value));
    }
    let mut most = (String::new(), 0);
    for (key, entries) in groups {
        for (place, (from, _)) in entries.iter().enumerate() {
            let window = entries[place..]
                .iter()
                .take_while(|(at, _)| at.since(*from) < MINUTE * minutes);
            let values: Vec<&str> = window.map(|(_, value)| *value).collect();
            let count = if distinct {
                values.iter().collect::<BTreeSet<_>>().len()
            } else {
                values.len()
            };
            if count > most.1 {
                most = (key.to_owned(), count);
            }
        }
    }
    most
}

fn guesses(records: &[Value]) -> Vec<(Timestamp, String, String)> {
    let guesses = records
        .iter()
        .filter(|one| reason(one) == "SubscriptionKeyInvalid");
    guesses
        .map(|one| (time(one), caller(one).to_owned(), String::new()))
        .collect()
}

fn key_users(records: &[Value]) -> Vec<(Timestamp, String, String)> {
    let with_key = records.iter().filter_map(|one| {
        let subscription = one["properties"]["apimSubscriptionId"].as_str()?;
        Some((time(one), subscription.to_owned(), caller(one).to_owned()))
    });
    with_key.collect()
}

/// Calls by API and quarter of an hour since the beginning.
fn quarters(plan: &Plan, records: &[Value]) -> BTreeMap<String, BTreeMap<u64, u64>> {
    let mut counts: BTreeMap<String, BTreeMap<u64, u64>> = BTreeMap::new();
    for record in records {
        if let Some(api) = record["properties"]["apiId"].as_str() {
            let quarter = time(record).since(plan.start).as_secs() / 900;
            *counts
                .entry(api.to_owned())
                .or_default()
                .entry(quarter)
                .or_default() += 1;
        }
    }
    counts
}

#[test]
fn the_same_plan_gives_the_same_bytes_and_another_seed_gives_others() {
    let bodies = |plan: &Plan| pieces(plan).map(|piece| piece.body).collect::<Vec<_>>();
    let plan = plan(11, true);
    assert_eq!(bodies(&plan), bodies(&plan));
    assert_ne!(bodies(&plan)[..50], bodies(&Plan { seed: 8, ..plan })[..50]);
}

#[test]
fn a_day_is_ordered_parses_and_has_the_size_that_was_planned() {
    let plan = plan(24, true);
    let mut rows: BTreeMap<Kind, u32> = BTreeMap::new();
    let mut last = plan.start;
    for piece in pieces(&plan) {
        assert!(piece.time >= last, "{} before {last}", piece.time);
        last = piece.time;
        let records = records(&piece);
        assert_eq!(records.len(), usize::try_from(piece.records).unwrap());
        assert!(records.len() <= RECORDS_MAX);
        let times: Vec<_> = records.iter().map(time).collect();
        assert!(times.is_sorted());
        assert_eq!(*times.last().unwrap(), piece.time);
        *rows.entry(piece.kind).or_default() += piece.rows;
    }
    assert!(last < plan.start.plus(MINUTE * 60 * 24));
    let bounds = [
        (Kind::Gateway, 40_000..48_000),
        (Kind::VnetFlow, 8_000..24_000),
        (Kind::NsgFlow, 200..1_000),
        (Kind::Activity, 150..600),
    ];
    for (kind, bounds) in bounds {
        assert!(bounds.contains(&rows[&kind]), "{rows:?}");
    }
}

#[test]
fn each_attack_lies_behind_eight_hours_of_history_and_within_the_plan() {
    for hours in [10, 12, 24, 72] {
        let plan = plan(hours, true);
        let attacks = attacks(&plan);
        let rules: BTreeSet<_> = attacks.iter().map(|attack| attack.rule).collect();
        assert_eq!((attacks.len(), rules.len()), (7, 5));
        for attack in attacks {
            assert!(attack.start >= plan.start.plus(MINUTE * 480), "{attack:?}");
            assert!(attack.start < attack.end, "{attack:?}");
            assert!(
                attack.end < plan.start.plus(MINUTE * 60 * hours),
                "{attack:?}"
            );
        }
    }
    assert_eq!(attacks(&plan(9, true)), []);
    assert_eq!(attacks(&plan(24, false)), []);
}

#[test]
fn the_attacks_are_in_the_gateway_logs() {
    let plan = plan(24, true);
    let records = gateway(&plan);
    let attacks = attacks(&plan);
    let within = |place: usize| {
        let attack = &attacks[place];
        let inside = |one: &&Value| attack.start <= time(one) && time(one) <= attack.end;
        records.iter().filter(inside).cloned().collect::<Vec<_>>()
    };
    // Keys guessed fast, then slowly.
    let (address, fast) = busiest(&guesses(&within(0)), 5, false);
    assert!(
        address == "203.0.113.66" && (88..=92).contains(&fast),
        "{fast}"
    );
    let (address, slow) = busiest(&guesses(&within(5)), 5, false);
    assert!(
        address == "203.0.113.91" && (28..=36).contains(&slow),
        "{slow}"
    );
    let operations: BTreeSet<_> = within(0)
        .iter()
        .filter(|one| caller(one) == "203.0.113.66")
        .map(|one| one["properties"]["operationId"].to_string())
        .collect();
    assert!(operations.len() >= 12, "{operations:?}");
    // A key stolen.
    let (subscription, addresses) = busiest(&key_users(&within(1)), 15, true);
    assert!(
        subscription == "inverlea-wines" && addresses >= 40,
        "{subscription} {addresses}"
    );
    // An API flooded, against its own quarters in all hours before.
    let quarters = quarters(&plan, &records);
    let flooded = &quarters["warehouses-v1"];
    let first = attacks[3].start.since(plan.start).as_secs() / 900;
    let before = flooded
        .range(..first)
        .map(|(_, count)| *count)
        .max()
        .unwrap();
    assert!(
        flooded[&(first + 1)] >= before * 8,
        "{} {before}",
        flooded[&(first + 1)]
    );
}

#[test]
fn the_attacks_are_in_the_flow_and_activity_logs() {
    let plan = plan(24, true);
    let mut tuples = BTreeSet::new();
    let mut deleted = Vec::new();
    for piece in pieces(&plan) {
        let text = String::from_utf8(piece.body.clone()).unwrap();
        for source in ["10.20.7.23", "203.0.113.121"] {
            let accepted = text
                .split('"')
                .filter(|one| one.contains(&format!(",{source},10.20.2.")));
            tuples.extend(
                accepted
                    .filter(|one| one.contains(",6,I,E,NX,"))
                    .map(str::to_owned),
            );
        }
        let events = records(&piece).into_iter();
        deleted.extend(
            events.filter(|one| {
                one["operationName"] == "MICROSOFT.INSIGHTS/DIAGNOSTICSETTINGS/DELETE"
            }),
        );
    }
    assert_eq!(tuples.len(), 12, "{tuples:?}");
    let results: Vec<_> = deleted
        .iter()
        .map(|one| one["resultType"].as_str().unwrap())
        .collect();
    assert_eq!(results, ["Start", "Success"]);
    assert_eq!(deleted[0]["correlationId"], deleted[1]["correlationId"]);
    assert_eq!(deleted[0]["callerIpAddress"], "203.0.113.137");
}

#[test]
fn an_ordinary_day_stays_below_what_the_rules_look_for() {
    let plan = plan(48, false);
    let records = gateway(&plan);
    let (who, tries) = busiest(&guesses(&records), 5, false);
    assert!(tries < 10, "{tries} wrong keys of {who}");
    let (whose, addresses) = busiest(&key_users(&records), 15, true);
    assert!(addresses < 8, "{addresses} addresses of {whose}");
    for (api, counts) in quarters(&plan, &records) {
        for quarter in 98..192 {
            let yesterday = (quarter - 98)..=(quarter - 94);
            let usual = counts
                .range(yesterday)
                .map(|(_, count)| *count)
                .max()
                .unwrap();
            let count = counts[&quarter];
            assert!(count * 2 < usual.max(8) * 5, "{api}: {count} after {usual}");
        }
        for quarter in 12..192 {
            let hours = (quarter - 12)..quarter;
            let usual: u64 = hours
                .map(|one| counts.get(&one).copied().unwrap_or(0))
                .sum();
            let count = counts[&quarter];
            assert!(
                count * 12 < usual.max(120) * 7 / 2,
                "{api}: {count} after {usual} in 3 h"
            );
        }
    }
    for piece in pieces(&plan).filter(|piece| piece.kind != Kind::Gateway) {
        let text = String::from_utf8(piece.body).unwrap();
        assert!(!text.contains("DIAGNOSTICSETTINGS/DELETE"));
        for tuple in text
            .split('"')
            .filter(|one| one.contains(",6,I,") && !one.contains(",I,D,"))
        {
            let source = tuple.split(',').nth(1).unwrap();
            assert!(source.starts_with("10.20.1."), "{tuple}");
        }
    }
}

#[test]
fn errors_carry_what_the_gateway_says_of_them() {
    let mut reasons: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for record in gateway(&plan(24, true)) {
        let status = record["properties"]["responseCode"].as_u64().unwrap();
        reasons
            .entry(reason(&record).to_owned())
            .or_default()
            .insert(status);
        assert_eq!(record["isRequestSuccess"], status < 400);
    }
    let expected = [
        ("", vec![200, 201, 204, 304, 400, 404, 503]),
        ("BackendConnectionFailure", vec![500, 502]),
        ("OperationNotFound", vec![404]),
        ("RateLimitExceeded", vec![429]),
        ("SubscriptionKeyInvalid", vec![401]),
        ("SubscriptionKeyNotFound", vec![401]),
        ("TokenExpired", vec![401]),
    ];
    let expected = expected.map(|(reason, codes)| (reason.to_owned(), codes.into_iter().collect()));
    assert_eq!(reasons, BTreeMap::from(expected));
}
