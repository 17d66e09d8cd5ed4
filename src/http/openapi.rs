//! The API's description, and a page that shows it without a network.

use std::sync::Arc;

use axum::Json;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse as _, Redirect, Response};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, OpenApi as Document, RefOr};
use utoipa::{Modify, OpenApi, ToSchema as _};

use super::problem::{Problem, ProblemBody};
use super::{
    bulk, deliveries, incidents, ingest, keys, kusto, log_analytics, logs_ingestion, otlp,
    quarantine, query, rules, sources, system, watchlists,
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
        deliveries::list, deliveries::retry,
        keys::list, keys::create, keys::revoke,
    ),
    modifiers(&KeySchemes, &ProblemJson),
)]
struct Api;

struct KeySchemes;

impl Modify for KeySchemes {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        for (name, scheme, description) in [
            ("key", HttpAuthScheme::Bearer, "API key"),
            (
                "basic",
                HttpAuthScheme::Basic,
                "any user, with the API key as password",
            ),
        ] {
            let scheme = HttpBuilder::new()
                .scheme(scheme)
                .description(Some(description));
            components.add_security_scheme(name, SecurityScheme::Http(scheme.build()));
        }
        let described = "`ApiKey ` and the Base64 of `<any name>:<key>`";
        let elastic = ApiKeyValue::with_description("Authorization", described);
        let elastic = SecurityScheme::ApiKey(ApiKey::Header(elastic));
        components.add_security_scheme("elastic_key", elastic);
    }
}

/// Gives answers that are problems their media type.
struct ProblemJson;

impl Modify for ProblemJson {
    fn modify(&self, document: &mut Document) {
        let items = document.paths.paths.values_mut();
        let operations = items.flat_map(|item| {
            [
                &mut item.get,
                &mut item.put,
                &mut item.post,
                &mut item.delete,
                &mut item.patch,
            ]
        });
        for operation in operations.flatten() {
            for answer in operation.responses.responses.values_mut() {
                if let RefOr::T(answer) = answer
                    && answer
                        .content
                        .get("application/json")
                        .is_some_and(is_problem)
                    && let Some(content) = answer.content.shift_remove("application/json")
                {
                    answer
                        .content
                        .insert("application/problem+json".to_owned(), content);
                }
            }
        }
    }
}

fn is_problem(content: &RefOr<Content>) -> bool {
    let RefOr::T(content) = content else {
        return false;
    };
    let name = ProblemBody::name();
    matches!(&content.schema, Some(RefOr::Ref(schema)) if schema.ref_location.ends_with(&*name))
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
