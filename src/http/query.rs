//! `POST /api/v1/query`.

use std::sync::Arc;
use std::time::Duration;

use ::query::format::{Encoder, Format};
use ::query::{Answer, QueryError, Question, Span};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use futures::stream;
use serde::Deserialize;
use store::Timestamp;
use utoipa::ToSchema;

use super::app::App;
use super::problem::{Problem, ProblemBody};
use crate::keys::Principal;

/// A question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueryRequest {
    /// The query. Names of tables and columns are case-sensitive.
    #[schema(
        example = "select ApiId, count(*) as calls from ApiManagementGatewayLogs group by ApiId"
    )]
    query: String,
    /// `sql`.
    language: Option<String>,
    /// `json` (default), `ndjson`, `csv` or `arrow` (IPC stream).
    format: Option<String>,
    /// Only rows whose `TimeGenerated` lies in `start/end` (RFC 3339, end exclusive); `now()` is the end.
    #[schema(example = "2026-01-01T00:00:00Z/2026-01-02T00:00:00Z")]
    timespan: Option<String>,
    /// Most rows of the answer, up to the service's limit (100,000 unless configured).
    rows: Option<usize>,
    /// Longest time in milliseconds, up to the service's limit (30,000 unless configured).
    timeout_ms: Option<u64>,
}

/// Answers a query over the event tables.
///
/// `json` is one object: `columns` (name and Kusto type), `rows` (an array per row) and `truncated`, which is true
/// if the row limit left rows out. Closing the connection ends the query.
#[utoipa::path(post, path = "/api/v1/query", tag = "query", security(("key" = [])),
    request_body = QueryRequest,
    responses(
        (status = 200, description = "Rows in the format asked for", body = String),
        (status = 400, description = "The query can't be run; `detail` says why", body = ProblemBody),
        (status = 401, description = "No valid key", body = ProblemBody),
        (status = 403, description = "The key lacks the scope `read`", body = ProblemBody),
        (status = 408, description = "It took too long", body = ProblemBody),
        (status = 429, description = "Over the rate limit; see Retry-After", body = ProblemBody),
        (status = 503, description = "Too many queries run; see Retry-After", body = ProblemBody)))]
pub(super) async fn query(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    request: Result<Json<QueryRequest>, JsonRejection>,
) -> Result<Response, Problem> {
    let core = app.core()?;
    let Json(request) = request.map_err(|error| Problem::new(error.status(), error.body_text()))?;
    let format = format(&request)?;
    let question = question(&app, request)?;
    let mut answer = core
        .engine
        .answer(&principal.workspace, question)
        .await
        .map_err(|error| problem(&error))?;
    // What fails before the first row is still a clean error.
    let first = answer.next_batch().await.map_err(|error| problem(&error))?;
    let broken = |error| Problem::internal("encode an answer", &error);
    let (mut encoder, mut head) = Encoder::start(format, answer.schema()).map_err(broken)?;
    if let Some(batch) = &first {
        head.extend(encoder.rows(batch).map_err(broken)?);
    }
    let rest = stream::try_unfold(Some(Rest { answer, encoder }), next_bytes);
    let body = futures::StreamExt::chain(stream::iter([Ok(Bytes::from(head))]), rest);
    Ok((
        [(header::CONTENT_TYPE, format.content_type())],
        Body::from_stream(body),
    )
        .into_response())
}

struct Rest {
    answer: Answer,
    encoder: Encoder,
}

async fn next_bytes(rest: Option<Rest>) -> Result<Option<(Bytes, Option<Rest>)>, axum::BoxError> {
    let Some(mut rest) = rest else {
        return Ok(None);
    };
    // The status is sent: an error here can only cut the answer off, so that nobody takes it for whole.
    let next = rest.answer.next_batch().await.inspect_err(|error| {
        tracing::warn!(%error, "query failed after its first rows were sent");
    })?;
    match next {
        Some(batch) => Ok(Some((rest.encoder.rows(&batch)?.into(), Some(rest)))),
        None => {
            let truncated = rest.answer.is_truncated();
            Ok(Some((rest.encoder.finish(truncated)?.into(), None)))
        }
    }
}

fn format(request: &QueryRequest) -> Result<Format, Problem> {
    if let Some(language) = request
        .language
        .as_deref()
        .filter(|language| *language != "sql")
    {
        return Err(Problem::bad_request(format!(
            "language '{language}' is not known; it is 'sql'"
        )));
    }
    let name = request.format.as_deref().unwrap_or("json");
    Format::from_name(name).ok_or_else(|| {
        Problem::bad_request(format!(
            "format '{name}' is none of json, ndjson, csv, arrow"
        ))
    })
}

fn question(app: &App, request: QueryRequest) -> Result<Question, Problem> {
    let mut question = Question::sql(request.query);
    question.rows_max = request
        .rows
        .unwrap_or(app.query.rows_max)
        .min(app.query.rows_max);
    let timeout = request
        .timeout_ms
        .map_or(app.query.timeout, Duration::from_millis);
    question.timeout = timeout.min(app.query.timeout);
    if let Some(text) = request.timespan {
        let instants = text.split_once('/').and_then(|(start, end)| {
            Some(Span {
                start: Timestamp::parse_rfc3339(start)?,
                end: Timestamp::parse_rfc3339(end)?,
            })
        });
        question.span = Some(instants.ok_or_else(|| {
            Problem::bad_request(format!("timespan '{text}' is not start/end in RFC 3339"))
        })?);
    }
    Ok(question)
}

fn problem(error: &QueryError) -> Problem {
    match error {
        QueryError::Timeout(_) => Problem::new(StatusCode::REQUEST_TIMEOUT, error.to_string()),
        QueryError::Busy => Problem::unavailable(error.to_string()),
        QueryError::Run(_) => {
            tracing::info!(%error, "query failed");
            Problem::bad_request(error.to_string())
        }
        _ => Problem::bad_request(error.to_string()),
    }
}
