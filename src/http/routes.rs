//! The table of routes: method, path, permission, handler. There is no other way in.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, StatusCode, header};
use axum::middleware;
use axum::response::Response;
use axum::routing::{MethodRouter, delete, get, patch, post, put};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::sensitive_headers::SetSensitiveRequestHeadersLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use super::app::App;
use super::authorize::authorize;
use super::forms::in_form;
use super::problem::Problem;
use super::{
    bulk, deliveries, elastic, incidents, ingest, keys, kusto, log_analytics, logs_ingestion,
    openapi, otlp, quarantine, query, rules, sources, system, watchlists,
};
use crate::keys::Scope;

/// What a route asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permission {
    /// Nothing.
    Public,
    /// A key with that scope.
    Scope(Scope),
}

/// One way in.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) permission: Permission,
    handler: MethodRouter<Arc<App>>,
}

fn public(method: Method, path: &'static str, handler: MethodRouter<Arc<App>>) -> Route {
    Route {
        method,
        path,
        permission: Permission::Public,
        handler,
    }
}

fn needs(
    scope: Scope,
    method: Method,
    path: &'static str,
    handler: MethodRouter<Arc<App>>,
) -> Route {
    Route {
        method,
        path,
        permission: Permission::Scope(scope),
        handler,
    }
}

/// Every way in.
pub(crate) fn routes() -> Vec<Route> {
    use Scope::{Admin, Ingest, Manage, Read};
    const STREAM: &str = "/dataCollectionRules/{rule}/streams/{stream}";
    const INDEX_BULK: &str = "/{index}/_bulk";
    const ELASTIC: &str = "/elastic/{*path}";
    const INCIDENTS: &str = "/api/v1/incidents";
    const INCIDENT: &str = "/api/v1/incidents/{number}";
    const DELIVERIES: &str = "/api/v1/deliveries";
    const RETRY: &str = "/api/v1/deliveries/{id}/retry";
    const QUARANTINE: &str = "/api/v1/quarantine";
    const QUARANTINED: &str = "/api/v1/quarantine/{id}";
    const REPLAY: &str = "/api/v1/quarantine/replay";
    const SOURCES: &str = "/api/v1/sources";
    const SOURCE: &str = "/api/v1/sources/{source}";
    const LISTS: &str = "/api/v1/watchlists";
    const LIST: &str = "/api/v1/watchlists/{alias}";
    const KEYS: &str = "/api/v1/keys";
    const KEY: &str = "/api/v1/keys/{id}";
    let mut routes = vec![
        public(Method::GET, "/healthz", get(system::healthz)),
        public(Method::GET, "/readyz", get(system::readyz)),
        needs(Read, Method::GET, "/metrics", get(system::metrics)),
        public(Method::GET, "/docs", get(openapi::docs_root)),
        public(Method::GET, "/docs/{*file}", get(openapi::docs_file)),
        public(Method::GET, "/api/v1/openapi.json", get(openapi::document)),
        needs(Ingest, Method::POST, "/api/v1/ingest", post(ingest::ingest)),
        needs(Ingest, Method::POST, STREAM, post(logs_ingestion::upload)),
        needs(Ingest, Method::POST, "/v1/logs", post(otlp::logs)),
        needs(Ingest, Method::POST, "/_bulk", post(bulk::bulk)),
        needs(Ingest, Method::PUT, "/_bulk", put(bulk::put_bulk)),
        needs(Ingest, Method::POST, INDEX_BULK, post(bulk::index_bulk)),
        needs(Ingest, Method::PUT, INDEX_BULK, put(bulk::put_index_bulk)),
        needs(Ingest, Method::GET, "/elastic", get(elastic::about)),
        needs(Ingest, Method::GET, "/elastic/", get(elastic::about)),
        needs(Ingest, Method::GET, ELASTIC, get(elastic::look)),
        needs(Ingest, Method::PUT, ELASTIC, put(elastic::change)),
        needs(Ingest, Method::POST, ELASTIC, post(elastic::change)),
        needs(Read, Method::GET, QUARANTINE, get(quarantine::list)),
        needs(Read, Method::GET, QUARANTINED, get(quarantine::get)),
        needs(Manage, Method::POST, REPLAY, post(quarantine::replay)),
        needs(Read, Method::GET, SOURCES, get(sources::list)),
        needs(Ingest, Method::GET, SOURCE, get(sources::get)),
        needs(Read, Method::POST, "/api/v1/query", post(query::query)),
        needs(Read, Method::GET, "/api/v1/query/words", get(query::words)),
        needs(Read, Method::GET, LISTS, get(watchlists::list)),
        needs(Read, Method::GET, LIST, get(watchlists::get)),
        needs(Manage, Method::PUT, LIST, put(watchlists::put)),
        needs(Manage, Method::DELETE, LIST, delete(watchlists::delete)),
        needs(Read, Method::GET, "/api/v1/rules", get(rules::list)),
        needs(Read, Method::GET, INCIDENTS, get(incidents::list)),
        needs(Read, Method::GET, INCIDENT, get(incidents::get)),
        needs(Manage, Method::PATCH, INCIDENT, patch(incidents::update)),
        needs(Read, Method::GET, DELIVERIES, get(deliveries::list)),
        needs(Manage, Method::POST, RETRY, post(deliveries::retry)),
        needs(Admin, Method::GET, KEYS, get(keys::list)),
        needs(Admin, Method::POST, KEYS, post(keys::create)),
        needs(Admin, Method::DELETE, KEY, delete(keys::revoke)),
    ];
    routes.extend(query_routes());
    routes
}

/// Ways to ask in KQL by Microsoft's protocols.
fn query_routes() -> Vec<Route> {
    const METADATA: &str = "/v1/rest/auth/metadata";
    const LOGS: &str = "/v1/workspaces/{workspace}/query";
    vec![
        needs(
            Scope::Read,
            Method::POST,
            "/v1/rest/query",
            post(kusto::query_v1),
        ),
        needs(
            Scope::Read,
            Method::POST,
            "/v2/rest/query",
            post(kusto::query_v2),
        ),
        needs(
            Scope::Read,
            Method::POST,
            "/v1/rest/mgmt",
            post(kusto::management),
        ),
        public(Method::GET, METADATA, get(kusto::metadata)),
        needs(Scope::Read, Method::POST, LOGS, post(log_analytics::query)),
        needs(
            Scope::Read,
            Method::GET,
            LOGS,
            get(log_analytics::query_get),
        ),
        needs(
            Scope::Read,
            Method::POST,
            "/v1/$batch",
            post(log_analytics::batch),
        ),
    ]
}

/// The service's router.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let mut router = Router::new();
    for route in routes() {
        tracing::debug!(method = %route.method, path = route.path, "serving {} {}", route.method, route.path);
        let admission = (Arc::clone(app), route.permission);
        let guarded = route
            .handler
            .route_layer(middleware::from_fn_with_state(admission, authorize));
        router = router.route(route.path, guarded);
    }
    let layers = ServiceBuilder::new()
        .layer(SetSensitiveRequestHeadersLayer::new([
            header::AUTHORIZATION,
        ]))
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetResponseHeaderLayer::if_not_present(
            header::X_CONTENT_TYPE_OPTIONS,
            header::HeaderValue::from_static("nosniff"),
        ))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::CACHE_CONTROL,
            header::HeaderValue::from_static("no-store"),
        ))
        .layer(middleware::from_fn(in_form))
        .layer(CatchPanicLayer::custom(
            |_panic: Box<dyn std::any::Any + Send>| -> Response {
                axum::response::IntoResponse::into_response(Problem::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the service failed; its log says why",
                ))
            },
        ))
        .layer(middleware::from_fn(system::count_request))
        .layer(middleware::from_fn_with_state(
            app.http.request_timeout,
            system::in_time,
        ))
        .layer(DefaultBodyLimit::max(app.http.body_bytes_max));
    router
        .fallback(system::not_found)
        .method_not_allowed_fallback(system::method_not_allowed)
        .layer(layers)
        .with_state(Arc::clone(app))
}
