//! The doors of other protocols: what comes in by them, and how they say no.

use serde_json::{Value, json};

use super::*;

const STREAM: &str =
    "/dataCollectionRules/dcr-1/streams/Custom-AzureActivity?api-version=2023-01-01";

fn request(method: &Method, path: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

impl Fixture {
    /// Status, headers and body of an answer in JSON.
    async fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> (Parts, Value) {
        let (head, body) = self.send(request(&Method::POST, path, headers, body)).await;
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        (head, body)
    }

    async fn bearer(&self) -> String {
        format!("Bearer {}", self.key(&[Scope::Ingest]).await)
    }
}

#[tokio::test]
async fn rows_of_a_stream_go_to_its_table_and_are_stored_once() {
    let fixture = fixture("").await;
    let bearer = fixture.bearer().await;
    let id = "3f2b8a52-9d0e-11ef-8f3b-6045bd1e2a34";
    let headers = [
        ("authorization", bearer.as_str()),
        ("x-ms-client-request-id", id),
    ];
    let rows = r#"[{"TimeGenerated":"2026-01-01T00:00:00Z","Caller":"a"},{"TimeGenerated":"2026-01-01T00:00:00Z","Caller":"b"}]"#;
    let cut = rows.strip_suffix(']').unwrap();
    for body in [rows, rows, cut] {
        let (head, _) = fixture.post(STREAM, &headers, body).await;
        assert_eq!(head.status, StatusCode::NO_CONTENT);
        assert_eq!(head.headers["x-ms-client-request-id"], id);
    }
    // The third body is another, though it holds the same rows and was cut.
    let found = fixture.ask("select count(*) as n from AzureActivity").await;
    assert_eq!(found, "n\n4\n");
    // So is the same body for another table.
    let path = STREAM.replace("AzureActivity", "AuditLogs");
    let (head, _) = fixture.post(&path, &headers, rows).await;
    assert_eq!(head.status, StatusCode::NO_CONTENT);
    let found = fixture.ask("select count(*) as n from AuditLogs").await;
    assert_eq!(found, "n\n2\n");
}

#[tokio::test]
async fn azures_clients_are_told_in_azures_words() {
    let fixture = fixture("[limits]\nbody_bytes = 100").await;
    let bearer = fixture.bearer().await;
    let headers = [
        ("authorization", bearer.as_str()),
        ("x-ms-client-request-id", "mine"),
    ];
    let (head, body) = fixture
        .post("/dataCollectionRules/d/streams/s", &headers, "[]")
        .await;
    assert_eq!(head.status, StatusCode::BAD_REQUEST);
    assert_eq!(body["error"]["code"], "InvalidRequest");
    assert!(
        body["error"]["message"].to_string().contains("api-version"),
        "{body}"
    );
    assert_eq!(head.headers["x-ms-client-request-id"], "mine");
    let (head, body) = fixture.post(STREAM, &[], "[]").await;
    assert_eq!(head.status, StatusCode::UNAUTHORIZED);
    assert_eq!(body["error"]["code"], "InvalidAccessToken");
    let (head, body) = fixture.post(STREAM, &headers, &" ".repeat(101)).await;
    assert_eq!(head.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(body["error"]["code"], "ContentLengthLimitExceeded");
    let (head, _) = fixture.post(STREAM, &headers, "[]").await;
    assert_eq!(head.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn each_item_of_a_bulk_body_is_answered() {
    let fixture = fixture("").await;
    let key = fixture.key(&[Scope::Ingest]).await;
    let basic = format!(
        "Basic {}",
        base64::Engine::encode(&base64::prelude::BASE64_STANDARD, format!("filebeat:{key}"))
    );
    let headers = [("authorization", basic.as_str())];
    let line = json!({"@timestamp": "2026-01-02T00:00:00Z", "agent": {"type": "filebeat"},
        "message": r#"{"time":"2026-01-01T00:00:00Z","category":"GatewayLogs","properties":{"method":"PUT"}}"#});
    let body = format!(
        "{{\"create\":{{\"_index\":\"filebeat-8\"}}}}\n{line}\n{{\"create\":{{}}}}\n{{\"message\":\"text\"}}\n{{\"delete\":{{\"_id\":\"7\"}}}}\n"
    );
    let (head, answer) = fixture.post("/elastic/_bulk", &headers, &body).await;
    assert_eq!(head.status, StatusCode::OK, "{answer}");
    assert_eq!(head.headers["x-elastic-product"], "Elasticsearch");
    assert_eq!(answer["errors"], true);
    let items = &answer["items"];
    assert_eq!(items[0]["create"]["status"], 201);
    assert_eq!(items[0]["create"]["_index"], "filebeat-8");
    assert_eq!(items[1]["create"]["status"], 201);
    assert_eq!(items[1]["create"]["_index"], "_Quarantine");
    assert!(items[1]["create"]["reason"].is_string(), "{answer}");
    assert_eq!(items[2]["delete"]["status"], 400);
    assert_eq!(items[2]["delete"]["_id"], "7");
    let found = fixture
        .ask("select Method from ApiManagementGatewayLogs")
        .await;
    assert_eq!(found, "Method\nPUT\n");
    let found = fixture
        .ask("select \"Source\", \"Offset\" from \"_Quarantine\"")
        .await;
    let offset = body.find("{\"message\":\"text\"}").unwrap();
    assert_eq!(found, format!("Source,Offset\nbulk,{offset}\n"));
}

#[tokio::test]
async fn senders_of_elasticsearch_find_what_they_look_for() {
    let fixture = fixture("").await;
    let bearer = fixture.bearer().await;
    let headers = [
        ("authorization", bearer.as_str()),
        (
            "accept",
            "application/vnd.elasticsearch+json; compatible-with=8",
        ),
    ];
    for path in [
        "/elastic",
        "/elastic/",
        "/elastic/_license",
        "/elastic/_xpack",
        "/elastic/_nodes/http",
        "/elastic/_ilm/policy/filebeat",
        "/elastic/_index_template/filebeat-8.19.0",
        "/elastic/_template/logstash",
        "/elastic/_ingest/pipeline/p",
        "/elastic/filebeat-8.19.0",
        "/elastic/_refresh",
        "/elastic/%3Clogs-%7Bnow%2Fd%7D%3E/_refresh",
        "/elastic/_cat/health?v=true&format=json",
    ] {
        for method in [Method::GET, Method::HEAD] {
            let (head, body) = fixture.send(request(&method, path, &headers, "")).await;
            assert_eq!(head.status, StatusCode::OK, "{path}");
            assert_eq!(head.headers["x-elastic-product"], "Elasticsearch");
            assert_eq!(head.headers["content-type"], headers[1].1);
            assert_eq!(body.is_empty(), method == Method::HEAD, "{path}");
        }
    }
    let wish = request(&Method::PUT, "/elastic/_index_template/t", &headers, "{}");
    let (head, body) = fixture.send(wish).await;
    assert_eq!(
        (head.status, body.as_slice()),
        (StatusCode::OK, &br#"{"acknowledged":true}"#[..])
    );
    let (head, answer) = fixture.post("/elastic/x/_search", &headers, "{}").await;
    assert_eq!(head.status, StatusCode::NOT_FOUND);
    assert_eq!(answer["error"]["type"], "resource_not_found_exception");
    assert_eq!(answer["status"], 404);
}

#[tokio::test]
async fn an_index_may_be_named_by_a_date() {
    let fixture = fixture("").await;
    let bearer = fixture.bearer().await;
    let headers = [("authorization", bearer.as_str())];
    let body = "{\"index\":{}}\n{\"message\":\"text\"}\n";
    for path in [
        "/elastic/%3Clogs-%7Bnow%2Fd%7D%3E/_bulk",
        "/%3Clogs-%7Bnow%2Fd%7D%3E/_bulk",
    ] {
        let (head, answer) = fixture.post(path, &headers, body).await;
        assert_eq!(head.status, StatusCode::OK, "{path} {answer}");
    }
}

/// Where there is no route, and where the request never ends.
#[tokio::test]
async fn every_refusal_is_said_in_the_words_of_its_protocol() {
    let fixture = fixture("[limits]\nrequest_timeout = '200ms'").await;
    let bearer = fixture.bearer().await;
    for (method, path, status, told) in [
        (Method::DELETE, "/elastic/logs", 405, "/error/reason"),
        (Method::DELETE, "/_bulk", 405, "/error/reason"),
        (Method::PUT, "/v1/logs", 405, "/message"),
        (Method::PUT, STREAM, 405, "/error/message"),
        (
            Method::POST,
            "/dataCollectionRules/d/streams/",
            404,
            "/error/message",
        ),
        (Method::PUT, "/v1/rest/query", 405, "/error/@message"),
        (
            Method::PUT,
            "/v1/workspaces/w/query",
            405,
            "/error/innererror/message",
        ),
        (Method::PUT, "/api/v1/ingest", 405, "/detail"),
        (Method::POST, "/elastic/_bulk", 503, "/error/reason"),
        (Method::POST, "/v1/logs", 503, "/message"),
        (Method::POST, STREAM, 503, "/error/message"),
        (Method::POST, "/api/v1/ingest", 503, "/detail"),
    ] {
        let parts = futures::stream::pending::<Result<&[u8], std::io::Error>>();
        let request = Request::builder()
            .method(&method)
            .uri(path)
            .header("authorization", &bearer)
            .header("content-type", "application/json");
        let request = request.body(Body::from_stream(parts)).unwrap();
        let (head, body) = fixture.send(request).await;
        assert_eq!(head.status.as_u16(), status, "{method} {path}");
        let answer: Value = serde_json::from_slice(&body).unwrap();
        let told = answer
            .pointer(told)
            .and_then(Value::as_str)
            .unwrap_or_default();
        let expected = match status {
            503 => "not read and answered within 200ms",
            405 => "does not take",
            _ => "there is no",
        };
        assert!(told.contains(expected), "{method} {path} {answer}");
        assert_eq!(
            head.headers.contains_key("retry-after"),
            status == 503,
            "{path}"
        );
    }
}

#[tokio::test]
async fn log_records_are_answered_in_their_encoding() {
    let fixture = fixture("").await;
    let bearer = fixture.bearer().await;
    let json = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json; charset=utf-8"),
    ];
    let good = json!({"timeUnixNano": "1767225600000000000", "body": {"stringValue": "text"}});
    let logs = |records: Value| json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]});
    let (head, answer) = fixture
        .post("/v1/logs", &json, &logs(json!([good])).to_string())
        .await;
    assert_eq!((head.status, answer), (StatusCode::OK, json!({})));
    let (_, answer) = fixture
        .post(
            "/v1/logs",
            &json,
            &logs(json!([good, {"body": 5}])).to_string(),
        )
        .await;
    assert_eq!(answer["partialSuccess"]["rejectedLogRecords"], "1");
    let message = answer["partialSuccess"]["errorMessage"].to_string();
    assert!(message.contains("_Quarantine"), "{message}");
    let found = fixture
        .ask("select count(*) as n, max(\"Body\") as b from \"OTelLogs\"")
        .await;
    assert_eq!(found, "n,b\n2,text\n");
    let (head, answer) = fixture.post("/v1/logs", &json, "nonsense").await;
    assert_eq!(
        (head.status, &answer["code"]),
        (StatusCode::BAD_REQUEST, &json!(3))
    );
    let protobuf = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/x-protobuf"),
    ];
    // A resource with a scope with a record that ends within a field.
    let cut = "\n\x07\x12\x05\x12\x03\x2a\x05a";
    let (head, bytes) = fixture
        .send(request(&Method::POST, "/v1/logs", &protobuf, cut))
        .await;
    assert_eq!(head.status, StatusCode::OK);
    assert_eq!(head.headers["content-type"], "application/x-protobuf");
    let rest = u8::try_from(bytes.len()).unwrap() - 2;
    assert_eq!(bytes.get(..5), Some(&[0x0a, rest, 0x08, 1, 0x12][..]));
    let (head, bytes) = fixture
        .send(request(&Method::POST, "/v1/logs", &protobuf[1..], ""))
        .await;
    assert_eq!(head.status, StatusCode::UNAUTHORIZED);
    assert_eq!(bytes.get(..2), Some(&[0x08, 16][..]));
    let plain = [
        ("authorization", bearer.as_str()),
        ("content-type", "text/plain"),
    ];
    let (head, _) = fixture.post("/v1/logs", &plain, "").await;
    assert_eq!(head.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn every_door_says_when_to_come_back() {
    let fixture = fixture("[limits]\ningest_requests_per_second = 1").await;
    for (path, told) in [
        (STREAM, "/error/message"),
        ("/_bulk", "/error/reason"),
        ("/v1/logs", "/message"),
    ] {
        let bearer = fixture.bearer().await;
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        for _ in 0..2 {
            fixture.post(path, &headers, "[]").await;
        }
        let (head, answer) = fixture.post(path, &headers, "[]").await;
        assert_eq!(head.status, StatusCode::TOO_MANY_REQUESTS, "{path}");
        assert_eq!(head.headers["retry-after"], "1", "{path}");
        let told = answer
            .pointer(told)
            .map(Value::to_string)
            .unwrap_or_default();
        assert!(
            told.contains("more requests than its limit"),
            "{path} {answer}"
        );
    }
}
