//! `POST /api/v1/query`.

use std::sync::Arc;
use std::time::Duration;

use ::query::format::{Encoder, Format};
use ::query::{Answer, Fault, Language, QueryError, Question, Span};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use futures::stream;
use serde::{Deserialize, Serialize};
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
    /// `sql` (default) or `kql`.
    language: Option<String>,
    /// `json` (default), `ndjson`, `csv` or `arrow` (IPC stream).
    format: Option<String>,
    /// Only rows whose `TimeGenerated` lies in `start/end` (RFC 3339, end exclusive); `now()` is the end.
    #[schema(example = "2026-01-01T00:00:00Z/2026-01-02T00:00:00Z")]
    timespan: Option<String>,
    /// Most rows of the answer, up to the service's limit (100,000 unless configured).
    rows: Option<usize>,
    /// Instead of rows the plans that give them: `plan_type` (`logical_plan`, `physical_plan`) and `plan`, as text.
    #[serde(default)]
    explain: bool,
    /// Longest time in milliseconds, up to the service's limit (30,000 unless configured).
    timeout_ms: Option<u64>,
}

/// Words of KQL.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WordsBody {
    /// Operators that may stand behind a pipe.
    operators: Vec<&'static str>,
    /// Operators between values, and other words.
    words: Vec<&'static str>,
    /// Functions and aggregates.
    functions: Vec<&'static str>,
}

/// What may stand at the beginning besides an operator, for completion.
const BEGINNINGS: [&str; 4] = ["datatable", "externaldata", "let", "set"];

/// Tabular operators, for completion; some are never without `by`.
fn operators() -> impl Iterator<Item = &'static str> {
    ::query::kql_operators().map(|name| match name {
        "order" => "order by",
        "reduce" => "reduce by",
        "sort" => "sort by",
        name => name,
    })
}

/// Words within operators, for completion.
const WORDS: [&str; 44] = [
    "and",
    "or",
    "by",
    "on",
    "in",
    "in~",
    "!in",
    "!in~",
    "has",
    "!has",
    "has_cs",
    "has_all",
    "has_any",
    "hasprefix",
    "hassuffix",
    "contains",
    "!contains",
    "contains_cs",
    "startswith",
    "!startswith",
    "endswith",
    "!endswith",
    "matches regex",
    "between",
    "!between",
    "asc",
    "desc",
    "nulls first",
    "nulls last",
    "kind=inner",
    "kind=leftouter",
    "kind=rightouter",
    "kind=fullouter",
    "kind=leftanti",
    "kind=leftsemi",
    "kind=innerunique",
    "isfuzzy=true",
    "withsource",
    "typeof",
    "dynamic",
    "datetime",
    "timespan",
    "true",
    "false",
];

/// Lists the words of KQL, for completion.
#[utoipa::path(get, path = "/api/v1/query/words", tag = "query", security(("key" = [])), responses(
    (status = 200, description = "Operators, words and functions", body = WordsBody)))]
pub(super) async fn words(State(app): State<Arc<App>>) -> Result<Json<WordsBody>, Problem> {
    let core = app.core()?;
    Ok(Json(WordsBody {
        operators: operators().chain(BEGINNINGS).collect(),
        words: WORDS.to_vec(),
        functions: core.engine.kql_functions(),
    }))
}

/// Rows as `json`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes what `Encoder` writes")]
pub(crate) struct QueryAnswer {
    /// Columns, in order.
    columns: Vec<QueryColumn>,
    /// An array of values for each row.
    #[schema(value_type = Vec<Vec<Object>>)]
    rows: (),
    /// Whether the row limit left rows out.
    truncated: bool,
}

/// A column of an answer.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes what `Encoder` writes")]
pub(crate) struct QueryColumn {
    name: String,
    /// Kusto's name of its type, such as `datetime`.
    #[schema(rename = "type")]
    kind: String,
}

/// Of the Server Timing specification (W3C); durations are milliseconds.
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Answers a query over the event tables.
///
/// `json` is one object: `columns` (name and Kusto type), `rows` (an array per row) and `truncated`, which is true
/// if the row limit left rows out. Closing the connection ends the query.
#[utoipa::path(post, path = "/api/v1/query", tag = "query", security(("key" = [])),
    request_body = QueryRequest,
    responses(
        (status = 200, description = "Rows in the format asked for", headers(
            ("Server-Timing" = String, description = "`plan;dur=`: milliseconds from the text to the plan that runs")),
            content((QueryAnswer = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"),
                (String = "application/vnd.apache.arrow.stream"))),
        (status = 400, description = "The query can't be run; `detail` says why", body = ProblemBody),
        (status = 401, description = "No valid key", body = ProblemBody),
        (status = 403, description = "The key lacks the scope `read`", body = ProblemBody),
        (status = 408, description = "It took too long", body = ProblemBody),
        (status = 429, description = "Over the rate limit; see Retry-After", body = ProblemBody),
        (status = 500, description = "A file of the lake can't be read; the log says which", body = ProblemBody),
        (status = 503, description = "Too many queries run; see Retry-After", body = ProblemBody)))]
pub(super) async fn query(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    request: Result<Json<QueryRequest>, JsonRejection>,
) -> Result<Response, Problem> {
    let core = app.core()?;
    let Json(request) = request.map_err(|error| Problem::new(error.status(), error.body_text()))?;
    let (format, language) = (format(&request)?, language(&request)?);
    let question = question(&app, language, request)?;
    let mut answer = core
        .engine
        .answer(&principal.workspace, question)
        .await
        .map_err(|error| problem(&error))?;
    // What fails before the first row is still a clean error.
    let first = answer.next_batch().await.map_err(|error| problem(&error))?;
    let broken = |error| Problem::internal("encode an answer", &error);
    let (mut encoder, mut head) = answer.encoder(format).map_err(broken)?;
    if let Some(batch) = &first {
        head.extend(encoder.rows(batch).map_err(broken)?);
    }
    let planning_ms = answer.planning_time().as_secs_f64() * 1e3;
    let rest = stream::try_unfold(Some(Rest { answer, encoder }), next_bytes);
    let body = futures::StreamExt::chain(stream::iter([Ok(Bytes::from(head))]), rest);
    let head = [
        (header::CONTENT_TYPE, format.content_type().to_owned()),
        (SERVER_TIMING, format!("plan;dur={planning_ms:.3}")),
    ];
    Ok((head, Body::from_stream(body)).into_response())
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
        if let QueryError::Storage(_) = error {
            // Logged there with its causes.
            drop(problem(error));
        }
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
    let name = request.format.as_deref().unwrap_or("json");
    Format::from_name(name).ok_or_else(|| {
        Problem::bad_request(format!(
            "format '{name}' is none of json, ndjson, csv, arrow"
        ))
    })
}

fn language(request: &QueryRequest) -> Result<Language, Problem> {
    let name = request.language.as_deref().unwrap_or("sql");
    Language::from_name(name)
        .ok_or_else(|| Problem::bad_request(format!("language '{name}' is neither sql nor kql")))
}

fn question(app: &App, language: Language, request: QueryRequest) -> Result<Question, Problem> {
    let mut question = match language {
        Language::Sql => Question::sql(request.query),
        Language::Kql => Question::kql(request.query),
    };
    question.explain = request.explain;
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

/// What is wrong with a question, to be told.
pub(super) fn problem(error: &QueryError) -> Problem {
    match error {
        QueryError::Timeout(_) => Problem::new(StatusCode::REQUEST_TIMEOUT, error.to_string()),
        QueryError::Kql {
            fault, position, ..
        } => Problem::bad_request(error.to_string()).in_query(*fault, *position),
        QueryError::Syntax(_) => {
            Problem::bad_request(error.to_string()).in_query(Fault::Syntax, None)
        }
        QueryError::Busy => Problem::unavailable(error.to_string()),
        QueryError::Storage(_) => {
            metrics::counter!("bartizan_query_storage_failures_total").increment(1);
            Problem::internal(
                "read the lake for a query (`bartizan lake verify` says which files are damaged)",
                error,
            )
        }
        QueryError::Run(_) => {
            tracing::info!(%error, "query failed");
            Problem::bad_request(error.to_string())
        }
        _ => Problem::bad_request(error.to_string()),
    }
}
