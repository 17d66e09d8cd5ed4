//! The table of routes: method, path, permission, handler. There is no other way in.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, StatusCode, header};
use axum::middleware;
use axum::response::Response;
use axum::routing::{MethodRouter, delete, get, patch, post};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::sensitive_headers::SetSensitiveRequestHeadersLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

use super::app::App;
use super::authorize::authorize;
use super::problem::Problem;
use super::{incidents, ingest, keys, openapi, query, rules, system};
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

fn route(
    method: Method,
    path: &'static str,
    permission: Permission,
    handler: MethodRouter<Arc<App>>,
) -> Route {
    Route {
        method,
        path,
        permission,
        handler,
    }
}

/// Every way in.
pub(crate) fn routes() -> Vec<Route> {
    use Permission::{Public, Scope as Needs};
    vec![
        route(Method::GET, "/healthz", Public, get(system::healthz)),
        route(Method::GET, "/readyz", Public, get(system::readyz)),
        route(
            Method::GET,
            "/metrics",
            Needs(Scope::Read),
            get(system::metrics),
        ),
        route(Method::GET, "/docs", Public, get(openapi::docs_root)),
        route(
            Method::GET,
            "/docs/{*file}",
            Public,
            get(openapi::docs_file),
        ),
        route(
            Method::GET,
            "/api/v1/openapi.json",
            Public,
            get(openapi::document),
        ),
        route(
            Method::POST,
            "/api/v1/ingest",
            Needs(Scope::Ingest),
            post(ingest::ingest),
        ),
        route(
            Method::POST,
            "/api/v1/query",
            Needs(Scope::Read),
            post(query::query),
        ),
        route(
            Method::GET,
            "/api/v1/rules",
            Needs(Scope::Read),
            get(rules::list),
        ),
        route(
            Method::GET,
            "/api/v1/incidents",
            Needs(Scope::Read),
            get(incidents::list),
        ),
        route(
            Method::GET,
            "/api/v1/incidents/{number}",
            Needs(Scope::Read),
            get(incidents::get),
        ),
        route(
            Method::PATCH,
            "/api/v1/incidents/{number}",
            Needs(Scope::Manage),
            patch(incidents::update),
        ),
        route(
            Method::GET,
            "/api/v1/keys",
            Needs(Scope::Admin),
            get(keys::list),
        ),
        route(
            Method::POST,
            "/api/v1/keys",
            Needs(Scope::Admin),
            post(keys::create),
        ),
        route(
            Method::DELETE,
            "/api/v1/keys/{id}",
            Needs(Scope::Admin),
            delete(keys::revoke),
        ),
    ]
}

/// The service's router.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let mut router = Router::new();
    for route in routes() {
        let admission = (Arc::clone(app), route.permission);
        let guarded = route
            .handler
            .route_layer(middleware::from_fn_with_state(admission, authorize));
        router = router.route(route.path, guarded);
    }
    let timeout =
        TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, app.http.request_timeout);
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
        .layer(CatchPanicLayer::custom(
            |_panic: Box<dyn std::any::Any + Send>| -> Response {
                axum::response::IntoResponse::into_response(Problem::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the service failed; its log says why",
                ))
            },
        ))
        .layer(timeout)
        .layer(middleware::from_fn(system::count_request))
        .layer(DefaultBodyLimit::max(app.http.body_bytes_max));
    router
        .fallback(system::not_found)
        .method_not_allowed_fallback(system::method_not_allowed)
        .layer(layers)
        .with_state(Arc::clone(app))
}
