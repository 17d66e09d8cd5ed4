//! Windows are evaluated exactly once, whatever happens in between.

use serde_json::json;
use sqlx::SqlitePool;
use store::{Table, Workspace};

use super::support::{MINUTE, World, at, only, request};
use crate::{
    Change, Classification, Filter, Outcome, Receiver, ReceiverKind, Refusal, Secret, Service,
    Settings, Severity, Status, Updated, WebhookSettings,
};

const RULE: &str = "
id: count
name: Requests
kind: Scheduled
severity: Low
queryFrequency: 5m
queryPeriod: 5m
query: |
  select CallerIpAddress, count(*) as Requests, max(TimeGenerated) as EndTime
  from ApiManagementGatewayLogs group by CallerIpAddress
eventGroupingSettings: {aggregationKind: AlertPerResult}
entityMappings:
- entityType: IP
  fieldMappings: [{identifier: Address, columnName: CallerIpAddress}]
bartizan: {language: sql}
";

/// Only the rule above, told to a webhook that is never reached here.
fn settings(world: &World, rule: &str) -> Settings {
    let directory = world.folder.path().join("rules");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("count.yaml"), rule).unwrap();
    let hook = WebhookSettings {
        url: Secret::new("http://127.0.0.1:9/"),
        secret: Secret::new("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"),
        allow_private: true,
    };
    let receiver = Receiver {
        name: "hook".to_owned(),
        severity_min: Severity::Low,
        kind: ReceiverKind::Webhook(hook),
    };
    Settings {
        rules_directory: Some(directory),
        receivers: vec![receiver],
        ..only(&["count"])
    }
}

async fn append(world: &World, time: &str, caller: &str) {
    world
        .append(
            Table::ApiManagementGatewayLogs,
            &[request(at(time), caller, &json!({}))],
        )
        .await;
}

async fn counts(database: &SqlitePool) -> (i64, i64, i64) {
    let count = "select (select count(*) from incident), (select count(*) from alert), (select count(*) from delivery)";
    sqlx::query_as(count).fetch_one(database).await.unwrap()
}

#[tokio::test]
async fn a_window_is_evaluated_once_also_after_a_restart() {
    let world = World::new(at("10:01:10")).await;
    append(&world, "10:01:00", "192.0.2.1").await;
    world.clock.set(at("10:07:00"));
    append(&world, "10:06:30", "192.0.2.2").await;
    let service = world.service(settings(&world, RULE)).await;
    let first = service.evaluate_due().await.unwrap();
    assert_eq!(
        first,
        Outcome {
            windows: 1,
            alerts: 1,
            incidents: 1,
            ..Outcome::default()
        }
    );
    assert_eq!(service.evaluate_due().await.unwrap(), Outcome::default());
    assert_eq!(counts(world.store.database()).await, (1, 1, 1));
    drop(service);

    let world = world.reopen().await;
    let service = world.service(settings(&world, RULE)).await;
    assert_eq!(service.evaluate_due().await.unwrap(), Outcome::default());
    // What fell due while nobody looked is caught up, in order.
    append(&world, "10:22:00", "192.0.2.1").await;
    world.clock.set(at("10:23:00"));
    append(&world, "10:22:30", "192.0.2.3").await;
    let outcome = service.evaluate_due().await.unwrap();
    assert_eq!(
        outcome,
        Outcome {
            windows: 3,
            alerts: 1,
            incidents: 1,
            ..Outcome::default()
        }
    );
    assert_eq!(counts(world.store.database()).await, (2, 2, 2));
}

#[tokio::test]
async fn alerts_about_the_same_entity_join_the_open_incident() {
    let world = World::new(at("10:07:00")).await;
    let service = world.service(settings(&world, RULE)).await;
    append(&world, "10:01:00", "192.0.2.1").await;
    append(&world, "10:06:00", "192.0.2.1").await;
    world.clock.set(at("10:20:00"));
    append(&world, "10:19:00", "192.0.2.9").await;
    let outcome = service.evaluate_due().await.unwrap();
    assert_eq!(
        (outcome.windows, outcome.alerts, outcome.incidents),
        (3, 2, 1)
    );
    let found = service
        .list(&Workspace::default(), Filter::default())
        .await
        .unwrap();
    assert_eq!((found[0].alerts, found[0].version), (2, 2));
    assert_eq!(
        (found[0].first_activity, found[0].last_activity),
        (at("10:00:00"), at("10:06:00"))
    );
}

/// Grouped into one incident or not, every row of a window is an alert, and its entities are in the incident.
#[tokio::test]
async fn alerts_of_one_window_share_an_incident_and_all_are_there() {
    let world = World::new(at("10:07:00")).await;
    let grouping = "incidentConfiguration: {groupingConfiguration: {matchingMethod: AnyAlert}}\n";
    let settings = settings(&world, &format!("{RULE}{grouping}"));
    let service = world.service(settings).await;
    for caller in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        append(&world, "10:01:00", caller).await;
    }
    append(&world, "10:06:30", "192.0.2.4").await;
    let outcome = service.evaluate_due().await.unwrap();
    assert_eq!((outcome.alerts, outcome.incidents), (3, 1));
    let workspace = Workspace::default();
    let found = service.list(&workspace, Filter::default()).await.unwrap();
    assert_eq!((found[0].alerts, found[0].entities.len()), (3, 3));
}

#[tokio::test]
async fn a_trigger_counts_rows_that_are_not_kept() {
    let world = World::new(at("10:07:00")).await;
    let rule = RULE.replace("query:", "triggerOperator: gt\ntriggerThreshold: 4\nquery:");
    let mut settings = settings(&world, &rule);
    settings.findings_max = 2;
    let service = world.service(settings).await;
    for caller in 1..=5 {
        append(&world, "10:01:00", &format!("192.0.2.{caller}")).await;
    }
    append(&world, "10:06:30", "192.0.2.9").await;
    assert_eq!(service.evaluate_due().await.unwrap().alerts, 2);
}

#[tokio::test]
async fn a_rule_over_a_view_runs_and_one_over_nothing_is_refused() {
    let world = World::new(at("10:07:00")).await;
    let view = "kind: Scheduled\nseverity: Low\nqueryFrequency: 5m\nqueryPeriod: 5m\n\
        query: _Im_WebSession | summarize Requests = count() by SrcIpAddr\n";
    let service = world
        .service(settings(&world, &format!("id: count\nname: a\n{view}")))
        .await;
    append(&world, "10:01:00", "192.0.2.1").await;
    append(&world, "10:06:30", "192.0.2.2").await;
    assert_eq!(service.rules().failures, []);
    let outcome = service.evaluate_due().await.unwrap();
    assert_eq!(
        (outcome.windows, outcome.alerts),
        (1, 1),
        "{:?}",
        service.rules().rules[0].tables
    );
    drop(service);
    let nothing = view.replace(
        "_Im_WebSession | summarize Requests = count() by SrcIpAddr",
        "print x = 1",
    );
    let service = world
        .service(settings(&world, &format!("id: count\nname: a\n{nothing}")))
        .await;
    let failures = &service.rules().failures;
    assert!(
        failures[0].reason.contains("reads no table of logs"),
        "{failures:?}"
    );
}

/// Who hears of severe incidents only hears of one that becomes severe; who was told of it before is told again.
#[tokio::test]
async fn an_incident_that_becomes_more_severe_is_told() {
    let world = World::new(at("10:07:00")).await;
    let rule = RULE.replace(
        "count(*) as Requests",
        "count(*) as Requests, case when count(*) > 1 then 'High' else 'Low' end as Sev",
    ) + "alertDetailsOverride: {alertSeverityColumnName: Sev}\n";
    let mut settings = settings(&world, &rule);
    settings.receivers.push(Receiver {
        name: "pager".to_owned(),
        severity_min: Severity::High,
        ..settings.receivers[0].clone()
    });
    let service = world.service(settings).await;
    append(&world, "10:01:00", "192.0.2.1").await;
    append(&world, "10:06:00", "192.0.2.1").await;
    append(&world, "10:06:10", "192.0.2.1").await;
    append(&world, "10:11:00", "192.0.2.1").await;
    world.clock.set(at("10:20:00"));
    append(&world, "10:19:00", "192.0.2.9").await;
    let outcome = service.evaluate_due().await.unwrap();
    assert_eq!((outcome.alerts, outcome.incidents), (3, 1));
    let told: Vec<(String, String)> = sqlx::query_as(
        "select receiver, json_extract(message, '$.type') from delivery order by rowid",
    )
    .fetch_all(world.store.database())
    .await
    .unwrap();
    let expected = [
        ("hook", "incident.created"),
        ("hook", "incident.updated"),
        ("pager", "incident.created"),
    ];
    assert_eq!(
        told,
        expected.map(|(who, what)| (who.to_owned(), what.to_owned()))
    );
    let incident = service
        .list(&Workspace::default(), Filter::default())
        .await
        .unwrap()
        .remove(0);
    assert_eq!(incident.severity, Severity::High);
}

/// What was sent while the service was down still comes: its windows are not closed by the clock.
#[tokio::test]
async fn a_backlog_after_a_stop_is_not_late() {
    let world = World::new(at("01:07:00")).await;
    let service = world.service(settings(&world, RULE)).await;
    append(&world, "01:06:00", "192.0.2.1").await;
    service.evaluate_due().await.unwrap();
    drop(service);
    let world = world.reopen().await;
    world.clock.set(at("20:00:00"));
    let service = world.service(settings(&world, RULE)).await;
    world.clock.set(at("20:01:00"));
    service.evaluate_due().await.unwrap();
    append(&world, "05:01:00", "192.0.2.2").await;
    append(&world, "05:10:00", "192.0.2.3").await;
    assert_eq!(service.evaluate_due().await.unwrap().incidents, 1);
    let workspace = Workspace::default();
    let found = service.list(&workspace, Filter::default()).await.unwrap();
    assert_eq!(
        (found[0].is_late, found[0].window.end),
        (false, at("05:05:00"))
    );
}

#[tokio::test]
async fn rows_that_come_late_reopen_their_window_and_the_alert_says_so() {
    let world = World::new(at("10:07:00")).await;
    let service = world.service(settings(&world, RULE)).await;
    append(&world, "10:01:00", "192.0.2.1").await;
    append(&world, "10:06:30", "192.0.2.2").await;
    assert_eq!(service.evaluate_due().await.unwrap().windows, 1);
    world.clock.set(at("10:08:00"));
    append(&world, "10:02:00", "192.0.2.3").await;
    // It waits for the next window.
    assert_eq!(service.evaluate_due().await.unwrap(), Outcome::default());
    world.clock.set(at("10:12:00"));
    append(&world, "10:11:30", "192.0.2.2").await;
    let outcome = service.evaluate_due().await.unwrap();
    let expected = Outcome {
        windows: 1,
        windows_late: 1,
        alerts: 2,
        incidents: 2,
        ..Outcome::default()
    };
    assert_eq!(outcome, expected);
    let found = service
        .list(&Workspace::default(), Filter::default())
        .await
        .unwrap();
    let late: Vec<_> = found.iter().filter(|incident| incident.is_late).collect();
    assert_eq!(late.len(), 1);
    assert_eq!(late[0].window.end, at("10:05:00"));
    assert_eq!(service.evaluate_due().await.unwrap(), Outcome::default());
}

#[tokio::test]
async fn a_gap_of_days_is_jumped() {
    let world = World::new(at("10:00:00")).await;
    let service = world.service(settings(&world, RULE)).await;
    append(&world, "00:01:00", "192.0.2.1").await;
    append(&world, "09:59:30", "192.0.2.2").await;
    let outcome = service.evaluate_due().await.unwrap();
    assert_eq!((outcome.windows, outcome.gaps, outcome.alerts), (8, 1, 1));
    world.advance(MINUTE * 5);
    let outcome = service.evaluate_due().await.unwrap();
    assert_eq!((outcome.windows, outcome.alerts), (1, 1));
}

async fn failing(service: &Service) -> Option<crate::Failing> {
    service
        .rule_states(&Workspace::default())
        .await
        .unwrap()
        .remove(0)
        .failing
}

#[tokio::test]
async fn a_failing_rule_stays_where_it_is_and_is_tried_again_later() {
    let world = World::new(at("10:07:00")).await;
    let broken = RULE.replace(
        "count(*) as Requests",
        "cast(CallerIpAddress as bigint) + count(*) as Requests",
    );
    let service = world.service(settings(&world, &broken)).await;
    append(&world, "10:01:00", "192.0.2.1").await;
    append(&world, "10:06:30", "192.0.2.1").await;
    assert_eq!(service.evaluate_due().await.unwrap().failures, 1);
    let first = failing(&service).await.unwrap();
    assert_eq!((first.failures, first.since), (1, at("10:07:00")));
    assert!(first.error.contains("192.0.2.1"), "{}", first.error);
    assert_eq!(service.evaluate_due().await.unwrap(), Outcome::default());
    world.clock.set(first.retry_at);
    assert_eq!(service.evaluate_due().await.unwrap().failures, 1);
    assert_eq!(failing(&service).await.unwrap().failures, 2);
    // Repaired: the window that failed is evaluated, none is lost.
    world.advance(MINUTE);
    let service = world.service(settings(&world, RULE)).await;
    let outcome = service.evaluate_due().await.unwrap();
    assert_eq!((outcome.failures, outcome.alerts > 0), (0, true));
    assert_eq!(failing(&service).await, None);
}

#[tokio::test]
async fn a_change_needs_the_version_that_it_was_made_for() {
    let world = World::new(at("10:07:00")).await;
    let service = world.service(settings(&world, RULE)).await;
    let workspace = Workspace::default();
    append(&world, "10:01:00", "192.0.2.1").await;
    append(&world, "10:06:30", "192.0.2.1").await;
    service.evaluate_due().await.unwrap();
    let close = Change {
        status: Some(Status::Closed),
        classification: Some(Classification::TruePositive),
        comment: Some("key rotated".to_owned()),
        ..Change::default()
    };
    let update = |version| service.update(&workspace, (1, version), &close, "ann");
    assert_eq!(update(7).await.unwrap(), Updated::Stale { version: 1 });
    let Updated::Done(closed) = update(1).await.unwrap() else {
        panic!("the version is right");
    };
    assert_eq!((closed.status, closed.version), (Status::Closed, 2));
    assert_eq!(closed.closed, Some(at("10:07:00")));
    assert_eq!(
        service
            .update(&workspace, (2, 1), &close, "ann")
            .await
            .unwrap(),
        Updated::NotFound
    );
    let changes = service.changes(&workspace, 1).await.unwrap();
    assert_eq!((changes.len(), changes[0].actor.as_str()), (1, "ann"));
    assert!(
        changes[0]
            .changes
            .contains(r#""status":{"new":"Closed","old":"New"}"#)
    );

    // More of the same opens a new incident, and the old one can't be opened beside it.
    world.clock.set(at("10:13:00"));
    append(&world, "10:12:30", "192.0.2.1").await;
    assert_eq!(service.evaluate_due().await.unwrap().incidents, 1);
    let reopen = Change {
        status: Some(Status::Active),
        ..Change::default()
    };
    let refused = service
        .update(&workspace, (1, 2), &reopen, "ann")
        .await
        .unwrap();
    assert_eq!(
        refused,
        Updated::Refused(Refusal::OpenElsewhere { number: 2 })
    );
    let open = Filter {
        status: Some(Status::New),
        ..Filter::default()
    };
    assert_eq!(service.list(&workspace, open).await.unwrap().len(), 1);
}
