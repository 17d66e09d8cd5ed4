//! Watchlists as they are uploaded and asked for.

use super::*;

#[tokio::test]
async fn an_uploaded_list_is_known_to_the_next_query() {
    let fixture = fixture("[watchlists]\nconfigured = ['192.0.2.0/24']\n").await;
    let key = fixture.key(&[Scope::Manage]).await;
    let call = async |method: Method, path: &str, body: &str| {
        let path = format!("/api/v1/watchlists{path}");
        fixture.call(&method, &path, Some(&key), body).await
    };
    let asked = "select ip_in_watchlist('198.51.100.7', 'own') as own";
    assert_eq!(fixture.ask(asked).await, "own\nfalse\n");
    let csv = "Name,Address\nann,198.51.100.0/24\n";
    let (status, text) = call(Method::PUT, "/own?search_key=Address", csv).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    assert_eq!(fixture.ask(asked).await, "own\ntrue\n");
    assert_eq!(call(Method::GET, "/own", "").await.1, csv);
    let (_, listed) = call(Method::GET, "", "").await;
    let expected = r#"{"watchlists":[{"alias":"configured","search_key":"IPAddress","items":1},{"alias":"own","search_key":"Address","items":1,"updated":""#;
    assert!(listed.starts_with(expected), "{listed}");
    assert_eq!(
        call(Method::DELETE, "/own", "").await.0,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        call(Method::DELETE, "/own", "").await.0,
        StatusCode::NOT_FOUND
    );
    assert_eq!(fixture.ask(asked).await, "own\nfalse\n");
}

#[tokio::test]
async fn a_list_that_cannot_be_is_refused_with_the_reason() {
    let fixture = fixture("[watchlists]\nconfigured = ['192.0.2.0/24']\n").await;
    let key = fixture.key(&[Scope::Manage]).await;
    let put = async |path: &str, body: &str| {
        let path = format!("/api/v1/watchlists/{path}");
        fixture.call(&Method::PUT, &path, Some(&key), body).await
    };
    let (status, text) = put("own?search_key=b", "a\n1\n").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(text.contains("no column 'b'"), "{text}");
    assert_eq!(put("configured", "a\n1\n").await.0, StatusCode::CONFLICT);
    let long = format!("a\n{}", "x\n".repeat(::query::LIST_BYTES_MAX));
    assert_eq!(put("own", &long).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(put("a%20b", "a\n1\n").await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn lists_are_there_again_after_a_restart() {
    let fixture = fixture("").await;
    let key = fixture.key(&[Scope::Manage]).await;
    let path = "/api/v1/watchlists/own";
    let csv = "Address\n198.51.100.7\n";
    let (status, text) = fixture.call(&Method::PUT, path, Some(&key), csv).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    let seen = ::query::Watchlists::default();
    let database = fixture.core.store.database().clone();
    UploadedWatchlists::open(database, seen.clone())
        .await
        .unwrap();
    let lists = seen.of(&Workspace::default());
    let own = lists.get("own").unwrap();
    assert_eq!((own.search_key(), own.rows().num_rows()), ("Address", 1));
}
