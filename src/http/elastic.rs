//! What senders ask a server of Elasticsearch before they send: who it is, and whether it is ready for their index.
//!
//! They want to hear that all is there, and to set up indices, templates, policies and pipelines. There is nothing to
//! set up: tables are known and records find theirs. So everything is there, and every wish is acknowledged and
//! changes nothing.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse as _, Response};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::app::App;
use super::arrived::Arrived;
use super::bulk;
use super::problem::Problem;

/// The version whose protocol is spoken. Senders compare it with their own and with what they can.
const VERSION: &str = "8.19.0";

/// `GET /elastic/`.
pub(super) async fn about(headers: HeaderMap) -> Response {
    let body = json!({
        "name": "bartizan", "cluster_name": "bartizan", "cluster_uuid": "bartizan",
        "version": {
            "number": VERSION, "build_flavor": "default", "build_type": "tar", "build_hash": "0000000",
            "build_date": "2025-01-01T00:00:00.000Z", "build_snapshot": false, "lucene_version": "9.12.1",
            "minimum_wire_compatibility_version": "7.17.0", "minimum_index_compatibility_version": "7.0.0"},
        "tagline": "You Know, for Search"});
    bulk::in_kind(&headers, Json(body).into_response())
}

/// The parts of a path below `/elastic`. They are told apart before they are decoded: an index may be called
/// `<logs-{now/d}>`.
fn parts(uri: &Uri) -> Vec<Cow<'_, str>> {
    let parts = uri
        .path()
        .split('/')
        .skip(2)
        .filter(|part| !part.is_empty());
    parts
        .map(|part| percent_decode_str(part).decode_utf8_lossy())
        .collect()
}

/// What is there.
pub(super) async fn look(uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let parts = parts(&uri);
    let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
    let body = match parts.as_slice() {
        ["_license"] => license(),
        ["_xpack"] => features(),
        ["_cat", "health"] if is_json_wanted(&uri) => {
            json!([{"cluster": "bartizan", "status": "green", "node.total": "1", "node.data": "1"}])
        }
        ["_cat", "health"] => return Ok("bartizan green\n".into_response()),
        ["_refresh" | "_flush"] | [_, "_refresh" | "_flush"] => shards(),
        ["_cluster", "health", ..] => {
            json!({"cluster_name": "bartizan", "status": "green", "timed_out": false,
            "number_of_nodes": 1, "number_of_data_nodes": 1})
        }
        // Senders that look for more nodes would leave the address that they were given.
        ["_nodes", ..] => json!({"cluster_name": "bartizan", "nodes": {}}),
        ["_ilm", "policy", name] => json!({*name: {"version": 1, "policy": {"phases": {}}}}),
        ["_ingest", "pipeline", name] => json!({*name: {"version": 1, "processors": []}}),
        ["_template", name] => json!({*name: {"order": 1, "index_patterns": []}}),
        ["_index_template", name] => {
            json!({"index_templates": [{"name": name, "index_template": {"index_patterns": []}}]})
        }
        ["_component_template", name] => {
            json!({"component_templates": [{"name": name, "component_template": {}}]})
        }
        ["_data_stream", name] => json!({"data_streams": [{"name": name, "indices": []}]}),
        ["_alias", name] => json!({*name: {"aliases": {}}}),
        [index] | [index, "_alias" | "_mapping" | "_settings"] if !index.starts_with('_') => {
            json!({*index: {"aliases": {}, "mappings": {}, "settings": {}}})
        }
        _ => return Err(not_there(&uri)),
    };
    Ok(bulk::in_kind(&headers, Json(body).into_response()))
}

/// A bulk body, or a wish.
pub(super) async fn change(
    State(app): State<Arc<App>>,
    uri: Uri,
    arrived: Arrived,
) -> Result<Response, Problem> {
    let parts = parts(&uri);
    let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
    let body = match parts.as_slice() {
        ["_bulk"] => return bulk::take(&app, arrived, None).await,
        [index, "_bulk"] => {
            let index = Some((*index).to_owned());
            return bulk::take(&app, arrived, index).await;
        }
        ["_refresh" | "_flush"] | [_, "_refresh" | "_flush"] => shards(),
        ["_ilm", "policy", _]
        | ["_ingest", "pipeline", _]
        | [
            "_template" | "_index_template" | "_component_template" | "_data_stream",
            _,
        ]
        | ["_aliases"] => json!({"acknowledged": true}),
        [index] | [index, "_alias" | "_mapping" | "_settings", ..] if !index.starts_with('_') => {
            json!({"acknowledged": true, "shards_acknowledged": true, "index": index})
        }
        _ => return Err(not_there(&uri)),
    };
    Ok(bulk::in_kind(&arrived.headers, Json(body).into_response()))
}

fn not_there(uri: &Uri) -> Problem {
    let path = uri.path();
    Problem::not_found(format!(
        "there is no {path}: only what senders of logs need is served here"
    ))
}

fn is_json_wanted(uri: &Uri) -> bool {
    let mut pairs = uri.query().unwrap_or("").split('&');
    pairs.any(|pair| pair == "format=json")
}

/// What was sent can be asked for as soon as it is answered: there is nothing to refresh.
fn shards() -> Value {
    json!({"_shards": {"total": 1, "successful": 1, "failed": 0}})
}

/// Logstash sends nothing without one.
fn license() -> Value {
    json!({"license": {"status": "active", "uid": "bartizan", "type": "basic", "issued_to": "bartizan",
        "issuer": "bartizan", "max_nodes": 1}})
}

/// Older Beats look here for lifecycle policies.
fn features() -> Value {
    let there = json!({"available": true, "enabled": true});
    json!({"license": {"status": "active", "type": "basic", "mode": "basic"},
        "features": {"ilm": there, "security": there}})
}
