//! The outbox against a receiver on a local socket, on a clock that stands still.

use std::time::Duration;

use serde_json::{Value, json};
use store::{Table, Workspace};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::support::{World, at, only};
use crate::{
    Delivered, DeliveryStatus, Receiver, ReceiverKind, Secret, Service, Settings, Severity,
    WebhookSettings,
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
    let deliveries = service.deliveries(&Workspace::default(), 1).await.unwrap();
    assert_eq!(deliveries.len(), 1);
    (deliveries[0].status, deliveries[0].attempts)
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
async fn gone_is_final() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (_world, service) = announced(&listener).await;
    let (_, outcome) = tokio::join!(answer(&listener, "410 Gone"), service.deliver_due());
    assert_eq!(
        outcome.unwrap(),
        Delivered {
            dead: 1,
            ..Delivered::default()
        }
    );
}

#[tokio::test]
async fn what_a_former_process_left_under_way_goes_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (world, service) = announced(&listener).await;
    // The process dies between lease and answer.
    let leased = crate::outbox::lease(
        world.store.database(),
        at("10:10:00"),
        Duration::from_hours(1),
        8,
    )
    .await;
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
