//! What senders ask a server of Elasticsearch before they send: who it is, and whether it is ready for their index.
//!
//! They want to hear that all is there, and to set up indices, templates, policies and pipelines. There is nothing to
//! set up: tables are known and records find theirs. So everything is there, and every wish is acknowledged and
//! changes nothing.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
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

/// What is there.
pub(super) async fn look(
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let body = match parts.as_slice() {
        ["_license"] => license(),
        ["_xpack"] => features(),
        ["_cat", "health"] => return Ok("bartizan green\n".into_response()),
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
        _ => return Err(not_there(&path)),
    };
    Ok(bulk::in_kind(&headers, Json(body).into_response()))
}

/// A bulk body, or a wish.
pub(super) async fn change(
    State(app): State<Arc<App>>,
    Path(path): Path<String>,
    arrived: Arrived,
) -> Result<Response, Problem> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let body = match parts.as_slice() {
        ["_bulk"] => return bulk::take(&app, arrived, None).await,
        [index, "_bulk"] => {
            let index = Some((*index).to_owned());
            return bulk::take(&app, arrived, index).await;
        }
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
        _ => return Err(not_there(&path)),
    };
    Ok(bulk::in_kind(&arrived.headers, Json(body).into_response()))
}

fn not_there(path: &str) -> Problem {
    Problem::not_found(format!(
        "there is no /elastic/{path}: only what senders of logs need is served here"
    ))
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
