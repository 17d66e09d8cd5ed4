//! Health, metrics, and what is not there.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::app::App;
use super::problem::Problem;

/// The process runs.
#[utoipa::path(get, path = "/healthz", tag = "system",
    responses((status = 200, description = "The process runs", body = String)))]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// The service takes requests: its log is replayed and its disk works.
#[utoipa::path(get, path = "/readyz", tag = "system", responses(
    (status = 200, description = "Requests are taken", body = String),
    (status = 503, description = "Starting, or the disk fails or is full, or another process has the lake", body = super::problem::ProblemBody)))]
pub(super) async fn readyz(State(app): State<Arc<App>>) -> Result<&'static str, Problem> {
    let core = app.core()?;
    if core.store.is_taken_over() {
        return Err(Problem::unavailable(
            "another process has taken this lake over; this one ends",
        ));
    }
    if !core.store.is_healthy() {
        return Err(Problem::unavailable(
            "the disk fails or is full; batches are refused until it works again",
        ));
    }
    Ok("ready\n")
}

/// Metrics in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "system", security(("key" = [])),
    responses((status = 200, description = "Prometheus text format", body = String, content_type = "text/plain")))]
pub(super) async fn metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    app.metrics.0.run_upkeep();
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4")],
        app.metrics.0.render(),
    )
}

/// Counts an answer by route, method and status.
pub(super) async fn count_request(request: Request, next: Next) -> Response {
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let method = request.method().to_string();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    metrics::counter!("bartizan_http_requests_total", "path" => path, "method" => method, "status" => status)
        .increment(1);
    response
}

/// Ends what takes too long. The answer is 503 though the sender may be what is slow: many senders give up after 408.
pub(super) async fn in_time(
    State(time_max): State<Duration>,
    request: Request,
    next: Next,
) -> Response {
    match tokio::time::timeout(time_max, next.run(request)).await {
        Ok(response) => response,
        Err(_elapsed) => {
            let detail = format!(
                "not read and answered within {time_max:?} (limits.request_timeout): send it again"
            );
            Problem::unavailable(detail).into_response()
        }
    }
}

pub(super) async fn not_found(uri: Uri) -> Problem {
    Problem::not_found(format!(
        "there is no {}; /docs lists what there is",
        uri.path()
    ))
}

pub(super) async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{} does not take {method}", uri.path()),
    )
}
