//! The outbox against a receiver on a local socket, on a clock that stands still.

use std::time::Duration;

use serde_json::{Value, json};
use store::{Table, Workspace};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::support::{World, at, only};
use crate::{
    Delivered, Delivery, DeliveryFilter, DeliveryStatus, Receiver, ReceiverKind, Resent, Secret,
    Service, Settings, Severity, WebhookSettings,
};

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// A request as it came.
#[derive(Debug)]
struct Received {
    head: String,
    body: String,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .unwrap()
            .1
    }
}

/// Answers one request with `status`.
async fn answer(listener: &TcpListener, status: &str) -> Received {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut bytes = Vec::new();
    loop {
        let mut buffer = [0_u8; 4096];
        let count = stream.read(&mut buffer).await.unwrap();
        bytes.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let received = Received {
            head: head.to_owned(),
            body: body.to_owned(),
        };
        if received.body.len() >= received.header("content-length").parse().unwrap() {
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            return received;
        }
    }
}

fn settings(listener: &TcpListener, allow_private: bool) -> Settings {
    let port = listener.local_addr().unwrap().port();
    let hook = WebhookSettings {
        url: Secret::new(format!("http://127.0.0.1:{port}/hook")),
        secret: Secret::new(SECRET),
        allow_private,
    };
    let receiver = Receiver {
        name: "soc".to_owned(),
        severity_min: Severity::Medium,
        kind: ReceiverKind::Webhook(hook),
    };
    Settings {
        receivers: vec![receiver],
        public_url: Some("https://bartizan.example/".parse().unwrap()),
        retry_schedule: [0, 10, 20].map(Duration::from_secs).to_vec(),
        retry_jitter: 0.0,
        ..only(&["6f0e1a52-5d0b-4c0e-9f43-0f6c2a7d1b05"])
    }
}

/// A world with one incident whose message is due.
async fn announced(listener: &TcpListener) -> (World, Service) {
    let world = World::new(at("10:00:30")).await;
    let event = json!({
        "TimeGenerated": at("10:00:00").to_rfc3339(), "Caller": "eve@example.com", "CorrelationId": "c-1",
        "OperationNameValue": "MICROSOFT.INSIGHTS/DIAGNOSTICSETTINGS/DELETE", "ActivityStatusValue": "Success",
        "CallerIpAddress": "198.51.100.7", "_ResourceId": "/subscriptions/s",
    });
    world.append(Table::AzureActivity, &[event]).await;
    let service = world.service(settings(listener, true)).await;
    world.clock.set(at("10:10:00"));
    assert_eq!(service.evaluate_due().await.unwrap().incidents, 1);
    (world, service)
}

async fn status(service: &Service) -> (DeliveryStatus, i64) {
    let deliveries = deliveries(service).await;
    assert_eq!(deliveries.len(), 1);
    (deliveries[0].status, deliveries[0].attempts)
}

async fn deliveries(service: &Service) -> Vec<Delivery> {
    let filter = DeliveryFilter {
        limit: 100,
        ..DeliveryFilter::default()
    };
    let found = service.deliveries(&Workspace::default(), &filter).await;
    found.unwrap()
}

/// Writes further messages about the first incident.
async fn enqueue(world: &World, receiver: &str, count: usize) {
    let mut connection = world.store.database().acquire().await.unwrap();
    let now = store::Clock::now(world.clock.as_ref());
    let cause = (&Workspace::default(), 1);
    for _message in 0..count {
        crate::outbox::enqueue(&mut connection, cause, receiver, "{}", now)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_message_is_tried_again_with_the_same_id_until_it_is_taken() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (world, service) = announced(&listener).await;
    let (first, outcome) = tokio::join!(answer(&listener, "500 Oops"), service.deliver_due());
    assert_eq!(
        outcome.unwrap(),
        Delivered {
            postponed: 1,
            ..Delivered::default()
        }
    );
    // Not due yet.
    world.advance(Duration::from_secs(9));
    assert_eq!(service.deliver_due().await.unwrap(), Delivered::default());
    world.advance(Duration::from_secs(1));
    let (second, outcome) =
        tokio::join!(answer(&listener, "204 No Content"), service.deliver_due());
    assert_eq!(
        outcome.unwrap(),
        Delivered {
            delivered: 1,
            ..Delivered::default()
        }
    );
    assert_eq!(status(&service).await, (DeliveryStatus::Delivered, 2));

    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert_eq!(first.body, second.body);
    let timestamp: i64 = second.header("webhook-timestamp").parse().unwrap();
    assert_eq!(timestamp, at("10:10:10").as_micros() / 1_000_000);
    let signature =
        crate::sign(SECRET, second.header("webhook-id"), timestamp, &second.body).unwrap();
    assert_eq!(second.header("webhook-signature"), signature);
    assert!(
        second.head.starts_with("POST /hook HTTP/1.1"),
        "{}",
        second.head
    );
    assert_eq!(second.header("content-type"), "application/json");
    let body: Value = serde_json::from_str(&second.body).unwrap();
    assert_eq!(body["type"], "incident.created");
    assert_eq!(body["data"]["incidentNumber"], 1);
    assert_eq!(
        body["data"]["incidentUrl"],
        "https://bartizan.example/incidents/1"
    );
    assert_eq!(
        body["data"]["entities"][1],
        json!({"type": "IP", "fields": {"Address": "198.51.100.7"}})
    );
    assert_eq!(
        body["data"]["evidence"]["rows"].as_array().unwrap().len(),
        1
    );
}

#[tokio::test]
async fn a_message_that_nobody_takes_ends_dead() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (world, service) = announced(&listener).await;
    for _attempt in 0..3 {
        let (_, outcome) = tokio::join!(answer(&listener, "302 Found"), service.deliver_due());
        outcome.unwrap();
        world.advance(Duration::from_secs(20));
    }
    assert_eq!(status(&service).await, (DeliveryStatus::Dead, 3));
    assert_eq!(service.deliver_due().await.unwrap(), Delivered::default());
}

#[tokio::test]
async fn gone_ends_what_is_sent_there_until_the_next_start() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (world, service) = announced(&listener).await;
    let (_, outcome) = tokio::join!(answer(&listener, "410 Gone"), service.deliver_due());
    assert_eq!(
        outcome.unwrap(),
        Delivered {
            dead: 1,
            ..Delivered::default()
        }
    );
    enqueue(&world, "soc", 1).await;
    assert_eq!(service.deliver_due().await.unwrap(), Delivered::default());
    let found = deliveries(&service).await;
    assert!(found.iter().any(|delivery| delivery.attempts == 0));
    let service = world.service(settings(&listener, true)).await;
    let (_, outcome) = tokio::join!(answer(&listener, "200 OK"), service.deliver_due());
    assert_eq!(outcome.unwrap().delivered, 1);
}

#[tokio::test]
async fn a_message_waits_for_a_name_that_is_put_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (world, service) = announced(&listener).await;
    drop(service);
    let mut renamed = settings(&listener, true);
    renamed.receivers[0].name = "siem".to_owned();
    let service = world.service(renamed).await;
    assert_eq!(service.deliver_due().await.unwrap().postponed, 1);
    assert_eq!(status(&service).await, (DeliveryStatus::Pending, 1));
    // Long before its next attempt would be due.
    let service = world.service(settings(&listener, true)).await;
    let (_, outcome) = tokio::join!(answer(&listener, "200 OK"), service.deliver_due());
    assert_eq!(outcome.unwrap().delivered, 1);
    assert_eq!(status(&service).await, (DeliveryStatus::Delivered, 2));
}

#[tokio::test]
async fn a_receiver_that_hangs_holds_up_nobody_else() {
    let slow = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let good = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (world, service) = announced(&slow).await;
    drop(service);
    let mut both = settings(&slow, true);
    let mut second = settings(&good, true).receivers.remove(0);
    second.name = "zz-good".to_owned();
    both.receivers.push(second);
    let service = world.service(both).await;
    enqueue(&world, "soc", 30).await;
    enqueue(&world, "zz-good", 30).await;
    let all_taken = async {
        for _message in 0..30 {
            answer(&good, "200 OK").await;
        }
    };
    tokio::select! {
        outcome = service.deliver_due() => panic!("{outcome:?} although one receiver hangs"),
        taken = tokio::time::timeout(Duration::from_secs(10), all_taken) => taken.unwrap(),
    }
}

#[tokio::test]
async fn slow_answers_take_their_own_places_only() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (world, service) = announced(&listener).await;
    enqueue(&world, "soc", 30).await;
    let all_taken = async {
        let mut never_answered = Vec::new();
        for _message in 0..7 {
            never_answered.push(listener.accept().await.unwrap());
        }
        for _message in 0..24 {
            answer(&listener, "200 OK").await;
        }
    };
    tokio::select! {
        outcome = service.deliver_due() => panic!("{outcome:?} although answers are missing"),
        taken = tokio::time::timeout(Duration::from_secs(14), all_taken) => taken.unwrap(),
    }
}

#[tokio::test]
async fn the_first_attempt_waits_for_the_schedules_first_pause() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (world, service) = announced(&listener).await;
    drop(service);
    let patient = Settings {
        retry_schedule: vec![Duration::from_secs(30)],
        ..settings(&listener, true)
    };
    let service = world.service(patient).await;
    world.advance(Duration::from_secs(29));
    assert_eq!(service.deliver_due().await.unwrap(), Delivered::default());
    world.advance(Duration::from_secs(1));
    let (_, outcome) = tokio::join!(answer(&listener, "200 OK"), service.deliver_due());
    assert_eq!(outcome.unwrap().delivered, 1);
}

#[tokio::test]
async fn what_was_given_up_is_tried_again_on_demand() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (world, service) = announced(&listener).await;
    for _attempt in 0..3 {
        let (_, outcome) = tokio::join!(answer(&listener, "500 Oops"), service.deliver_due());
        outcome.unwrap();
        world.advance(Duration::from_secs(20));
    }
    let dead = DeliveryFilter {
        status: Some(DeliveryStatus::Dead),
        limit: 1,
        ..DeliveryFilter::default()
    };
    let workspace = Workspace::default();
    let found = service.deliveries(&workspace, &dead).await.unwrap();
    assert_eq!(found[0].error.as_deref(), Some("HTTP 500"));
    let id = found[0].id.as_str();
    let resent = service.resend(&workspace, id).await.unwrap();
    assert!(matches!(resent, Resent::Done(_)), "{resent:?}");
    let (_, outcome) = tokio::join!(answer(&listener, "200 OK"), service.deliver_due());
    assert_eq!(outcome.unwrap().delivered, 1);
    let again = service.resend(&workspace, id).await.unwrap();
    assert_eq!(again, Resent::Refused(DeliveryStatus::Delivered));
    let missing = service.resend(&workspace, "msg_0").await.unwrap();
    assert_eq!(missing, Resent::NotFound);
    let attempts: Vec<(i64, String)> =
        sqlx::query_as("select number, answer from delivery_attempt order by number")
            .fetch_all(world.store.database())
            .await
            .unwrap();
    let answers = ["HTTP 500", "HTTP 500", "HTTP 500", "HTTP 200"].map(str::to_owned);
    assert_eq!(attempts, (1..).zip(answers).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_a_former_process_left_under_way_goes_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (world, service) = announced(&listener).await;
    // The process dies between lease and answer.
    let lease = crate::outbox::Lease {
        now: at("10:10:00"),
        lasting: Duration::from_hours(1),
        deliveries_max: 8,
        first_pause: Duration::ZERO,
    };
    let queue = crate::outbox::Queue::Of("soc");
    let leased = crate::outbox::lease(world.store.database(), queue, lease).await;
    assert_eq!(leased.unwrap().len(), 1);
    assert_eq!(service.deliver_due().await.unwrap(), Delivered::default());
    drop(service);
    let world = world.reopen().await;
    let service = world.service(settings(&listener, true)).await;
    let (_, outcome) = tokio::join!(answer(&listener, "200 OK"), service.deliver_due());
    assert_eq!(
        outcome.unwrap(),
        Delivered {
            delivered: 1,
            ..Delivered::default()
        }
    );
    assert_eq!(status(&service).await, (DeliveryStatus::Delivered, 1));
}

#[tokio::test]
async fn a_private_target_needs_leave() {
    let world = World::new(at("10:00:00")).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let opened = world.try_service(settings(&listener, false)).await;
    assert!(matches!(opened, Err(crate::OpenError::Receivers(_))));
}
