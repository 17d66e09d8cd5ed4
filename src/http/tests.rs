use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use ::query::Engine;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::response::Parts;
use axum::http::{Method, Request, StatusCode};
use futures::StreamExt as _;
use metrics_exporter_prometheus::PrometheusBuilder;
use store::{Clock, Store, SystemClock, Timestamp, Workspace};
use tower::ServiceExt as _;

use super::routes::{Permission, routes};
use super::*;
use crate::config::Config;
use crate::keys::{Keys, NewKey, Scope};
use crate::watchlists::UploadedWatchlists;

mod doors;
mod gateways;
mod kusto;
mod limits;
mod watchlists;

struct Fixture {
    _folder: tempfile::TempDir,
    router: Router,
    core: Arc<Core>,
}

async fn fixture(config: &str) -> Fixture {
    fixture_at(config, Arc::new(SystemClock)).await
}

async fn fixture_at(config: &str, clock: Arc<dyn Clock>) -> Fixture {
    // Another test of this process may have installed it.
    drop(rustls::crypto::ring::default_provider().install_default());
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let config = Config::from_text(&format!("data = '{}'\n{config}", data.display())).unwrap();
    let metrics = MetricsHandle(PrometheusBuilder::new().build_recorder().handle());
    let app = Arc::new(App::new(&config, Arc::clone(&clock), metrics));
    let store = Arc::new(Store::open(config.store, Arc::clone(&clock)).await.unwrap());
    let engine =
        Arc::new(Engine::new(Arc::clone(&store), Arc::clone(&clock), config.engine).unwrap());
    let alerts = alerts::Service::open(
        Arc::clone(&store),
        Arc::clone(&engine),
        clock,
        config.alerts,
    );
    let alerts = Arc::new(alerts.await.unwrap());
    let keys = Keys::new(store.database().clone());
    let seen = engine.watchlists().clone();
    let watchlists = UploadedWatchlists::open(store.database().clone(), seen);
    let watchlists = watchlists.await.unwrap();
    let core = Arc::new(Core {
        store,
        engine,
        alerts,
        keys,
        watchlists,
    });
    app.open(Arc::clone(&core));
    Fixture {
        _folder: folder,
        router: router(&app),
        core,
    }
}

impl Fixture {
    async fn key(&self, scopes: &[Scope]) -> String {
        let new = NewKey {
            name: "test".to_owned(),
            scopes: scopes.to_vec(),
            expires: None,
        };
        let now = Timestamp::from_micros(0);
        self.core
            .keys
            .create(&Workspace::default(), &new, now)
            .await
            .unwrap()
            .secret
    }

    async fn call(
        &self,
        method: &Method,
        path: &str,
        key: Option<&str>,
        body: &str,
    ) -> (StatusCode, String) {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let (head, body) = self.send(request).await;
        (head.status, String::from_utf8_lossy(&body).into_owned())
    }

    async fn send(&self, mut request: Request<Body>) -> (Parts, Vec<u8>) {
        request
            .extensions_mut()
            .insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1))));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let mut bytes = Vec::new();
        let mut stream = body.into_data_stream();
        while let Some(chunk) = stream.next().await {
            bytes.extend(chunk.unwrap());
        }
        (head, bytes)
    }

    /// What a query answers, as CSV.
    async fn ask(&self, question: &str) -> String {
        let key = self.key(&[Scope::Read]).await;
        let body = serde_json::json!({"query": question, "format": "csv"}).to_string();
        let path = "/api/v1/query";
        let (status, text) = self.call(&Method::POST, path, Some(&key), &body).await;
        assert_eq!(status, StatusCode::OK, "{text}");
        text
    }
}

/// Every route and every set of scopes: who is let in, written down in full.
#[tokio::test]
async fn every_route_admits_exactly_who_its_permission_says() {
    let fixture = fixture("").await;
    let mut seen = String::new();
    for route in routes() {
        let path = route
            .path
            .replace("{number}", "1")
            .replace("{id}", "x")
            .replace("{source}", "x")
            .replace("{alias}", "x")
            .replace("{workspace}", "default")
            .replace("{*file}", "index.html")
            .replace("{*path}", "_license");
        let mut row = format!("{} {}:", route.method, route.path);
        let anonymous = fixture.call(&route.method, &path, None, "").await.0;
        let wrong = fixture
            .call(&route.method, &path, Some("bzn_wrong"), "")
            .await
            .0;
        assert_eq!(
            anonymous == StatusCode::UNAUTHORIZED,
            wrong == StatusCode::UNAUTHORIZED
        );
        if anonymous != StatusCode::UNAUTHORIZED {
            row.push_str(" everyone");
        }
        for scope in Scope::ALL {
            let key = fixture.key(&[scope]).await;
            let (status, text) = fixture.call(&route.method, &path, Some(&key), "").await;
            assert_ne!(status, StatusCode::UNAUTHORIZED, "{row} {text}");
            let expected = match route.permission {
                Permission::Public => true,
                Permission::Scope(needed) => scope.allows(needed),
            };
            assert_eq!(
                status != StatusCode::FORBIDDEN,
                expected,
                "{row} {} {status} {text}",
                scope.name()
            );
            if status != StatusCode::FORBIDDEN && anonymous == StatusCode::UNAUTHORIZED {
                row.push(' ');
                row.push_str(scope.name());
            }
        }
        seen.push_str(&row);
        seen.push('\n');
    }
    assert_eq!(seen, ADMITTED);
}

const ADMITTED: &str = "GET /healthz: everyone
GET /readyz: everyone
GET /metrics: read manage admin
GET /docs: everyone
GET /docs/{*file}: everyone
GET /api/v1/openapi.json: everyone
POST /api/v1/ingest: ingest admin
POST /dataCollectionRules/{rule}/streams/{stream}: ingest admin
POST /v1/logs: ingest admin
POST /_bulk: ingest admin
PUT /_bulk: ingest admin
POST /{index}/_bulk: ingest admin
PUT /{index}/_bulk: ingest admin
GET /elastic: ingest admin
GET /elastic/: ingest admin
GET /elastic/{*path}: ingest admin
PUT /elastic/{*path}: ingest admin
POST /elastic/{*path}: ingest admin
GET /api/v1/quarantine: read manage admin
GET /api/v1/quarantine/{id}: read manage admin
POST /api/v1/quarantine/replay: manage admin
GET /api/v1/sources: read manage admin
GET /api/v1/sources/{source}: ingest admin
POST /api/v1/query: read manage admin
GET /api/v1/query/words: read manage admin
GET /api/v1/watchlists: read manage admin
GET /api/v1/watchlists/{alias}: read manage admin
PUT /api/v1/watchlists/{alias}: manage admin
DELETE /api/v1/watchlists/{alias}: manage admin
GET /api/v1/rules: read manage admin
GET /api/v1/incidents: read manage admin
GET /api/v1/incidents/{number}: read manage admin
PATCH /api/v1/incidents/{number}: manage admin
GET /api/v1/deliveries: read manage admin
POST /api/v1/deliveries/{id}/retry: manage admin
GET /api/v1/keys: admin
POST /api/v1/keys: admin
DELETE /api/v1/keys/{id}: admin
POST /v1/rest/query: read manage admin
POST /v2/rest/query: read manage admin
POST /v1/rest/mgmt: read manage admin
GET /v1/rest/auth/metadata: everyone
POST /v1/workspaces/{workspace}/query: read manage admin
GET /v1/workspaces/{workspace}/query: read manage admin
POST /v1/$batch: read manage admin
";

#[test]
fn the_description_names_every_route_and_no_other() {
    let described: BTreeSet<String> = openapi::api()
        .paths
        .paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = [
                ("GET", item.get.is_some()),
                ("POST", item.post.is_some()),
                ("PUT", item.put.is_some()),
                ("PATCH", item.patch.is_some()),
                ("DELETE", item.delete.is_some()),
            ];
            let there = methods.into_iter().filter(|(_, there)| *there);
            there
                .map(|(method, _)| format!("{method} {path}"))
                .collect::<Vec<_>>()
        })
        .collect();
    let served: BTreeSet<String> = routes()
        .iter()
        .filter(|route| !route.path.starts_with("/docs") && !route.path.starts_with("/elastic"))
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    assert_eq!(described, served);
}

const RECORD: &str = r#"{"records":[{"time":"2026-01-01T00:00:00.1234567Z","category":"GatewayLogs",
    "operationName":"Microsoft.ApiManagement/GatewayLogs","callerIpAddress":"192.0.2.1","correlationId":"c-1",
    "properties":{"method":"GET","url":"https://api.example.org/","responseCode":200,"apiId":"orders"}}]}"#;

#[tokio::test]
async fn what_was_sent_can_be_asked_for_at_once() {
    let fixture = fixture("").await;
    let key = fixture.key(&[Scope::Ingest, Scope::Read]).await;
    let (status, text) = fixture
        .call(&Method::POST, "/api/v1/ingest", Some(&key), RECORD)
        .await;
    assert_eq!(status, StatusCode::OK, "{text}");
    assert!(
        text.starts_with(r#"{"accepted":1,"quarantined":0,"batch":""#),
        "{text}"
    );
    let question =
        r#"{"query":"select TimeGenerated, ApiId, ResponseCode from ApiManagementGatewayLogs"}"#;
    let (status, text) = fixture
        .call(&Method::POST, "/api/v1/query", Some(&key), question)
        .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        text,
        "{\"columns\":[{\"name\":\"TimeGenerated\",\"type\":\"datetime\"},{\"name\":\"ApiId\",\"type\":\"string\"},\
         {\"name\":\"ResponseCode\",\"type\":\"int\"}],\
         \"rows\":[[\"2026-01-01T00:00:00.123456Z\",\"orders\",200]],\"truncated\":false}\n"
    );
}

/// A request's name is its key's own, and the same logs are the same body however they are compressed.
#[tokio::test]
async fn a_request_that_is_sent_again_is_stored_once() {
    let fixture = fixture("").await;
    let keys = [
        fixture.key(&[Scope::Ingest]).await,
        fixture.key(&[Scope::Ingest]).await,
    ];
    let gzip = |level: u32| {
        let mut encoder =
            flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
        std::io::Write::write_all(&mut encoder, RECORD.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let bodies = [
        (None, RECORD.as_bytes().to_vec()),
        (Some("gzip"), gzip(0)),
        (Some("gzip"), gzip(9)),
    ];
    for key in &keys {
        let mut answers = BTreeSet::new();
        for (encoding, body) in &bodies {
            let mut request = Request::post("/api/v1/ingest")
                .header("authorization", format!("Bearer {key}"))
                .header("idempotency-key", "1");
            if let Some(encoding) = encoding {
                request = request.header("content-encoding", *encoding);
            }
            let request = request.body(Body::from(body.clone())).unwrap();
            let (head, answer) = fixture.send(request).await;
            assert_eq!(head.status, StatusCode::OK);
            answers.insert(String::from_utf8(answer).unwrap());
        }
        assert_eq!(answers.len(), 1, "{answers:?}");
    }
    let found = fixture
        .ask("select count(*) as n from ApiManagementGatewayLogs")
        .await;
    assert_eq!(found, "n\n2\n");
    let request = Request::post("/api/v1/ingest")
        .header("authorization", format!("Bearer {}", keys[0]))
        .header("idempotency-key", "1");
    let (head, _) = fixture.send(request.body(Body::from("[]")).unwrap()).await;
    assert_eq!(head.status, StatusCode::UNPROCESSABLE_ENTITY);
    for (name, status) in [("content-encoding", 415), ("idempotency-key", 400)] {
        let request = Request::post("/api/v1/ingest")
            .header("authorization", format!("Bearer {}", keys[0]))
            .header(name, "identity")
            .header(name, "gzip");
        let (head, _) = fixture
            .send(request.body(Body::from(RECORD)).unwrap())
            .await;
        assert_eq!(head.status.as_u16(), status, "two lines of {name}");
    }
}

#[tokio::test]
async fn a_body_without_records_is_answered_with_the_offset() {
    let fixture = fixture("").await;
    let key = fixture.key(&[Scope::Ingest]).await;
    let (status, text) = fixture
        .call(&Method::POST, "/api/v1/ingest", Some(&key), "  nonsense")
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(text.contains("\"offset\":2"), "{text}");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let fixture = fixture("[limits]\nbody_bytes = 100").await;
    let key = fixture.key(&[Scope::Ingest]).await;
    let (status, text) = fixture
        .call(&Method::POST, "/api/v1/ingest", Some(&key), RECORD)
        .await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{text}");
    assert!(text.contains("larger than 100 bytes"), "{text}");
}

#[tokio::test]
async fn a_key_over_its_rate_is_told_when_to_come_back() {
    let fixture = fixture("[limits]\nrequests_per_second = 1").await;
    let key = fixture.key(&[Scope::Read]).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(
            fixture
                .call(&Method::GET, "/api/v1/rules", Some(&key), "")
                .await
                .0
                .as_u16(),
        );
    }
    assert_eq!(statuses, [200, 200, 429, 429]);
    let other = fixture.key(&[Scope::Read]).await;
    assert_eq!(
        fixture
            .call(&Method::GET, "/api/v1/rules", Some(&other), "")
            .await
            .0,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_revoked_key_ends() {
    let fixture = fixture("").await;
    let admin = fixture.key(&[Scope::Admin]).await;
    let body = r#"{"name":"gateway","scopes":["read"]}"#;
    let (status, text) = fixture
        .call(&Method::POST, "/api/v1/keys", Some(&admin), body)
        .await;
    assert_eq!(status, StatusCode::CREATED, "{text}");
    let created: serde_json::Value = serde_json::from_str(&text).unwrap();
    let key = created["key"].as_str().unwrap();
    assert_eq!(
        fixture
            .call(&Method::GET, "/api/v1/rules", Some(key), "")
            .await
            .0,
        StatusCode::OK
    );
    let path = format!("/api/v1/keys/{}", created["id"].as_str().unwrap());
    assert_eq!(
        fixture
            .call(&Method::DELETE, &path, Some(&admin), "")
            .await
            .0,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        fixture
            .call(&Method::GET, "/api/v1/rules", Some(key), "")
            .await
            .0,
        StatusCode::UNAUTHORIZED
    );
    let (_, listed) = fixture
        .call(&Method::GET, "/api/v1/keys", Some(&admin), "")
        .await;
    assert!(!listed.contains(key), "a list never shows a key");
}

#[tokio::test]
async fn an_incident_that_is_not_there_is_404_and_a_wrong_status_400() {
    let fixture = fixture("").await;
    let key = fixture.key(&[Scope::Manage]).await;
    let (status, _) = fixture
        .call(&Method::GET, "/api/v1/incidents/7", Some(&key), "")
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, text) = fixture
        .call(
            &Method::PATCH,
            "/api/v1/incidents/7",
            Some(&key),
            r#"{"status":"Done"}"#,
        )
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(text.contains("status 'Done' is not known"), "{text}");
}

#[tokio::test]
async fn the_docs_page_needs_no_network() {
    let fixture = fixture("").await;
    let (status, page) = fixture
        .call(&Method::GET, "/docs/index.html", None, "")
        .await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("swagger-ui"), "{page}");
    assert!(
        !page.contains("http://") && !page.contains("https://"),
        "{page}"
    );
}
