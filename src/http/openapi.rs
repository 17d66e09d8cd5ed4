//! The API's description, and a page that shows it without a network.

use std::sync::Arc;

use axum::Json;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse as _, Redirect, Response};
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::problem::Problem;
use super::{
    bulk, incidents, ingest, keys, kusto, log_analytics, logs_ingestion, otlp, quarantine, query,
    rules, sources, system, watchlists,
};

#[derive(OpenApi)]
#[openapi(
    info(title = "Bartizan", description = "Keeps watch over API gateways: logs in, incidents out.",
         license(name = "Apache-2.0", identifier = "Apache-2.0")),
    paths(
        system::healthz, system::readyz, system::metrics, document,
        ingest::ingest, logs_ingestion::upload, otlp::logs,
        bulk::bulk, bulk::put_bulk, bulk::index_bulk, bulk::put_index_bulk,
        sources::list, sources::get, quarantine::list, quarantine::get, quarantine::replay,
         query::query, query::words, rules::list,
        kusto::query_v1, kusto::query_v2, kusto::management, kusto::metadata,
        log_analytics::query, log_analytics::query_get, log_analytics::batch,
        watchlists::list, watchlists::get, watchlists::put, watchlists::delete,
        incidents::list, incidents::get, incidents::update,
        keys::list, keys::create, keys::revoke,
    ),
    modifiers(&KeyScheme),
)]
struct Api;

struct KeyScheme;

impl Modify for KeyScheme {
    fn modify(&self, document: &mut Document) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("API key"))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(scheme));
    }
}

/// The description as a value, for tests.
pub(super) fn api() -> Document {
    Api::openapi()
}

/// The API's description (OpenAPI 3.1).
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "system",
    responses((status = 200, description = "This document", content_type = "application/json", body = String)))]
pub(super) async fn document() -> Json<Document> {
    Json(api())
}

pub(super) async fn docs_root() -> Redirect {
    Redirect::permanent("/docs/index.html")
}

pub(super) async fn docs_file(Path(file): Path<String>) -> Result<Response, Problem> {
    let config = Arc::new(utoipa_swagger_ui::Config::from("/api/v1/openapi.json"));
    let missing = || Problem::not_found(format!("there is no /docs/{file}"));
    match utoipa_swagger_ui::serve(&file, config) {
        Ok(Some(page)) => Ok((
            [(header::CONTENT_TYPE, page.content_type)],
            page.bytes.into_owned(),
        )
            .into_response()),
        Ok(None) => Err(missing()),
        Err(error) => {
            tracing::warn!(%error, "read page of the API's description");
            Err(missing())
        }
    }
}
