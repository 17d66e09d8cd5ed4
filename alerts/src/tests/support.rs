//! A deployment in a temporary folder, and events as JSON.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::json::ReaderBuilder;
use query::{Engine, EngineSettings, Watchlists};
use serde_json::{Value, json};
use store::{ManualClock, NewBatch, Store, StoreSettings, Table, Timestamp, Workspace};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{Filter, Incident, OpenError, Service, Settings};

pub(crate) const MINUTE: Duration = Duration::from_mins(1);

pub(crate) const RESOURCE: &str =
    "/subscriptions/s/resourcegroups/rg/providers/microsoft.apimanagement/service/apim";

/// Store, engine and clock over a folder that outlives them.
pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<Store>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) folder: TempDir,
}

/// An instant on 2026-11-02.
pub(crate) fn at(time: &str) -> Timestamp {
    Timestamp::parse_rfc3339(&format!("2026-11-02T{time}Z")).unwrap()
}

impl World {
    pub(crate) async fn new(now: Timestamp) -> Self {
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        Self::in_folder(tempfile::tempdir().unwrap(), now).await
    }

    /// The same folder after the process ended.
    pub(crate) async fn reopen(self) -> Self {
        let Self {
            clock,
            store,
            engine,
            folder,
        } = self;
        drop((store, engine));
        Self::in_folder(folder, store::Clock::now(clock.as_ref())).await
    }

    async fn in_folder(folder: TempDir, now: Timestamp) -> Self {
        let clock = Arc::new(ManualClock::new(now));
        let watchlist = |network: &str| vec![network.parse().unwrap()];
        let watchlists = Watchlists::new(&BTreeMap::from([
            ("gateway_addresses".to_owned(), watchlist("10.0.1.0/24")),
            ("backend_addresses".to_owned(), watchlist("10.0.2.0/24")),
        ]))
        .unwrap();
        let settings = StoreSettings::new(folder.path());
        let store = Arc::new(
            Store::open(settings, Arc::<ManualClock>::clone(&clock))
                .await
                .unwrap(),
        );
        let engine_settings = EngineSettings {
            watchlists,
            ..EngineSettings::default()
        };
        let engine = Engine::new(
            Arc::clone(&store),
            Arc::<ManualClock>::clone(&clock),
            engine_settings,
        )
        .unwrap();
        Self {
            clock,
            store,
            engine: Arc::new(engine),
            folder,
        }
    }

    pub(crate) async fn service(&self, settings: Settings) -> Service {
        self.try_service(settings).await.unwrap()
    }

    pub(crate) async fn try_service(&self, settings: Settings) -> Result<Service, OpenError> {
        let (store, engine) = (Arc::clone(&self.store), Arc::clone(&self.engine));
        Service::open(
            store,
            engine,
            Arc::<ManualClock>::clone(&self.clock),
            settings,
        )
        .await
    }

    /// Appends events as received now.
    pub(crate) async fn append(&self, table: Table, events: &[Value]) {
        let batch = batch(table, events, store::Clock::now(self.clock.as_ref()));
        let batch = NewBatch {
            workspace: Workspace::default(),
            id: Uuid::now_v7(),
            idempotency: None,
            steps: Vec::new(),
            accepted: events.len() as u64,
            quarantined: 0,
            parts: vec![(table, batch)],
        };
        self.store.append(batch).await.unwrap();
    }

    pub(crate) fn advance(&self, duration: Duration) {
        self.clock
            .set(store::Clock::now(self.clock.as_ref()).plus(duration));
    }
}

pub(crate) fn batch(table: Table, events: &[Value], received: Timestamp) -> RecordBatch {
    let stamped: Vec<Value> = events
        .iter()
        .map(|event| {
            let mut event = event.clone();
            event["_TimeReceived"] = json!(received.to_rfc3339());
            event
        })
        .collect();
    let mut decoder = ReaderBuilder::new(table.arrow_schema())
        .with_batch_size(stamped.len().max(1))
        .build_decoder()
        .unwrap();
    decoder.serialize(&stamped).unwrap();
    let rows = decoder.flush().unwrap().unwrap();
    table.conform(&rows).unwrap()
}

/// Settings that run only the rules of these ids.
pub(crate) fn only(rule_ids: &[&str]) -> Settings {
    let all = crate::RuleSet::load(None, &[]).rules;
    let others = all
        .into_iter()
        .map(|rule| rule.id)
        .filter(|id| !rule_ids.contains(&id.as_str()));
    Settings {
        rules_disabled: others.collect(),
        ..Settings::default()
    }
}

/// What one shipped rule makes of events that were received at once, one hour after the last of them.
pub(crate) async fn incidents(rule_id: &str, table: Table, events: &[Value]) -> Vec<Incident> {
    let last = events
        .iter()
        .filter_map(|event| event["TimeGenerated"].as_str())
        .max()
        .unwrap();
    let now = Timestamp::parse_rfc3339(last).unwrap().plus(MINUTE * 60);
    let world = World::new(now).await;
    world.append(table, events).await;
    let service = world.service(only(&[rule_id])).await;
    world.advance(MINUTE * 2);
    assert_eq!(service.rules().failures, []);
    let outcome = service.evaluate_due().await.unwrap();
    let states = service.rule_states(&Workspace::default()).await.unwrap();
    assert_eq!(outcome.failures, 0, "{states:?}");
    service
        .list(&Workspace::default(), Filter::default())
        .await
        .unwrap()
}

/// A gateway request; `fields` come on top of an accepted one.
pub(crate) fn request(time: Timestamp, caller: &str, fields: &Value) -> Value {
    let mut event = json!({
        "TimeGenerated": time.to_rfc3339(),
        "CallerIpAddress": caller,
        "ResponseCode": 200,
        "Method": "GET",
        "Url": "https://api.example/orders/v1/1",
        "ApiId": "orders-v1",
        "OperationId": "get-orders",
        "_ResourceId": RESOURCE,
    });
    for (name, value) in fields.as_object().unwrap() {
        event[name] = value.clone();
    }
    event
}
