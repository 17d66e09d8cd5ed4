//! What requests may ask for at most.

use serde_json::{Value, json};

use super::*;

#[tokio::test]
async fn listings_have_bounds_that_are_told() {
    let fixture = fixture("").await;
    let key = fixture.key(&[Scope::Read]).await;
    for list in ["incidents", "deliveries"] {
        for (query, expected) in [
            ("", 200),
            ("limit=1", 200),
            ("limit=1000", 200),
            ("limit=0", 400),
            ("limit=1001", 400),
            ("limit=x", 400),
            ("status=Unknown", 400),
            ("colour=red", 400),
        ] {
            let path = format!("/api/v1/{list}?{query}");
            let (status, text) = fixture.call(&Method::GET, &path, Some(&key), "").await;
            assert_eq!(status.as_u16(), expected, "{path} {text}");
        }
    }
    for (query, expected) in [("severity=High&rule=r", 200), ("severity=Awful", 400)] {
        let path = format!("/api/v1/incidents?{query}");
        let (status, text) = fixture.call(&Method::GET, &path, Some(&key), "").await;
        assert_eq!(status.as_u16(), expected, "{path} {text}");
    }
}

#[tokio::test]
async fn a_change_of_an_incident_has_bounds() {
    let fixture = fixture("").await;
    let key = fixture.key(&[Scope::Manage]).await;
    // Within them there is no such incident.
    for (field, fits, exceeds) in [
        ("owner", json!("ä".repeat(256)), json!("ä".repeat(257))),
        ("labels", json!(vec!["a"; 50]), json!(vec!["a"; 51])),
        ("labels", json!(["a".repeat(100)]), json!(["a".repeat(101)])),
        (
            "comment",
            json!("c".repeat(30_000)),
            json!("c".repeat(30_001)),
        ),
    ] {
        for (value, expected) in [(fits, 404), (exceeds, 400)] {
            let patch = json!({field: value}).to_string();
            let path = "/api/v1/incidents/1";
            let (status, text) = fixture.call(&Method::PATCH, path, Some(&key), &patch).await;
            assert_eq!(status.as_u16(), expected, "{field} {text}");
        }
    }
}

#[tokio::test]
async fn a_key_ends_in_the_future() {
    let fixture = fixture("").await;
    let key = fixture.key(&[Scope::Admin]).await;
    for (expires, expected) in [
        (json!("2020-01-01T00:00:00Z"), 400),
        (json!("soon"), 400),
        (json!("2999-01-01T00:00:00Z"), 201),
        (Value::Null, 201),
    ] {
        let body = json!({"name": "k", "scopes": ["read"], "expires": expires}).to_string();
        let (status, text) = fixture
            .call(&Method::POST, "/api/v1/keys", Some(&key), &body)
            .await;
        assert_eq!(status.as_u16(), expected, "{expires} {text}");
    }
}
