//! The query API of Log Analytics.
//!
//! A workspace is the key's: it is named as here, or by any GUID, because clients carry the one that Azure gave theirs.

use std::sync::Arc;

use ::query::{External, Question};
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::app::App;
use super::forms::log_analytics_body;
use super::kusto::{Envelope, Facts, answer, whole};
use super::problem::Problem;
use super::query::problem;
use super::timespan;
use crate::keys::Principal;

/// Most questions of a batch.
const BATCH_MAX: usize = 100;

/// An error as Log Analytics writes it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes what `forms` writes")]
pub(crate) struct LogsError {
    error: LogsErrorBody,
}

/// What is wrong.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes what `forms` writes")]
pub(crate) struct LogsErrorBody {
    /// Such as `BadArgumentError`.
    code: String,
    /// What kind of thing is wrong.
    message: String,
    /// What is wrong and what to do about it.
    innererror: String,
}

/// A question.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct LogsQuery {
    /// In KQL.
    query: Option<String>,
    /// Only rows of that time: an ISO 8601 duration up to now, or an interval.
    #[schema(example = "PT1H")]
    timespan: Option<String>,
}

/// Answers a query in KQL.
///
/// Of the header `Prefer` are heard `wait`, `include-statistics` and `include-render`.
#[utoipa::path(post, path = "/v1/workspaces/{workspace}/query", tag = "log analytics", security(("key" = [])),
    params(("workspace" = String, Path, description = "`default`, or any GUID"),
           ("Prefer" = Option<String>, Header, description = "`wait=30,include-statistics=true`")),
    request_body = LogsQuery,
    responses((status = 200, description = "`tables`", content_type = "application/json", body = String),
              (status = 400, description = "The query can't be run", body = LogsError),
              (status = 401, description = "No valid key", body = LogsError),
              (status = 404, description = "The key is for another workspace", body = LogsError),
              (status = 504, description = "It took too long", body = LogsError)))]
pub(super) async fn query(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Path(workspace): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    check_workspace(&workspace, &principal)?;
    let body = body.map_err(|error| Problem::new(error.status(), error.body_text()))?;
    let asked = read(&body)?;
    respond(&app, &principal, &headers, asked).await
}

/// Answers a query in KQL that stands in the address.
#[utoipa::path(get, path = "/v1/workspaces/{workspace}/query", tag = "log analytics", security(("key" = [])),
    params(("workspace" = String, Path, description = "`default`, or any GUID"),
           ("query" = String, Query, description = "in KQL"),
           ("timespan" = Option<String>, Query, description = "an ISO 8601 duration or interval")),
    responses((status = 200, description = "`tables`", content_type = "application/json", body = String),
              (status = 400, description = "The query can't be run", body = LogsError)))]
pub(super) async fn query_get(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Path(workspace): Path<String>,
    asked: Result<Query<LogsQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    check_workspace(&workspace, &principal)?;
    let Query(asked) = asked.map_err(|error| Problem::bad_request(error.body_text()))?;
    respond(&app, &principal, &headers, asked).await
}

#[derive(Deserialize)]
struct Batch {
    requests: Vec<BatchRequest>,
}

#[derive(Deserialize)]
struct BatchRequest {
    id: Option<String>,
    workspace: Option<String>,
    body: Option<LogsQuery>,
    #[serde(default)]
    headers: std::collections::BTreeMap<String, String>,
}

/// Answers several queries, one after the other.
#[utoipa::path(post, path = "/v1/$batch", tag = "log analytics", security(("key" = [])),
    request_body(content = String, content_type = "application/json", description = "`requests`, up to 100"),
    responses((status = 200, description = "`responses`, each with a status", content_type = "application/json", body = String),
              (status = 400, description = "The batch can't be read", body = LogsError)))]
pub(super) async fn batch(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, Problem> {
    let body = body.map_err(|error| Problem::new(error.status(), error.body_text()))?;
    let batch: Batch = serde_json::from_slice(&body).map_err(|error| unreadable(&error))?;
    if batch.requests.len() > BATCH_MAX {
        let detail = format!("a batch has at most {BATCH_MAX} requests");
        return Err(Problem::bad_request(detail));
    }
    let mut responses = Vec::with_capacity(batch.requests.len());
    for request in batch.requests {
        let (status, body) = match one(&app, &principal, &headers, &request).await {
            Ok(body) => (StatusCode::OK, body),
            Err(problem) => (problem.status(), log_analytics_body(&problem)),
        };
        let id = request.id;
        responses.push(json!({"id": id, "status": status.as_u16(), "headers": {}, "body": body}));
    }
    Ok(Json(json!({"responses": responses})))
}

async fn one(
    app: &App,
    principal: &Principal,
    headers: &HeaderMap,
    request: &BatchRequest,
) -> Result<Value, Problem> {
    let workspace = request.workspace.as_deref().unwrap_or_default();
    check_workspace(workspace, principal)?;
    let asked = request.body.as_ref();
    let mut given = request.headers.iter();
    let prefer = given.find(|(name, _)| name.eq_ignore_ascii_case("prefer"));
    let prefer = Prefer::parse(prefer.map_or("", |(_, value)| value));
    let question = question(app, asked.unwrap_or(&LogsQuery::default()), prefer)?;
    let core = app.core()?;
    let answers = core.engine.answers(&principal.workspace, question).await;
    let answers = answers.map_err(|error| problem(&error))?;
    let facts = Facts::begin(headers, app.clock.now());
    let body = whole(prefer.envelope(), facts, answers).await?;
    serde_json::from_slice(&body).map_err(|error| Problem::internal("read an answer again", &error))
}

async fn respond(
    app: &App,
    principal: &Principal,
    headers: &HeaderMap,
    asked: LogsQuery,
) -> Result<Response, Problem> {
    let core = app.core()?;
    let facts = Facts::begin(headers, app.clock.now());
    let prefer = headers.get("prefer").and_then(|value| value.to_str().ok());
    let prefer = Prefer::parse(prefer.unwrap_or_default());
    let question = question(app, &asked, prefer)?;
    let answers = core.engine.answers(&principal.workspace, question).await;
    let answers = answers.map_err(|error| problem(&error))?;
    answer(prefer.envelope(), facts, answers).await
}

fn read(body: &[u8]) -> Result<LogsQuery, Problem> {
    serde_json::from_slice(body).map_err(|error| unreadable(&error))
}

fn unreadable(error: &serde_json::Error) -> Problem {
    Problem::bad_request(format!("read the body: {error}"))
}

fn check_workspace(named: &str, principal: &Principal) -> Result<(), Problem> {
    let is_own = named.eq_ignore_ascii_case(principal.workspace.as_str());
    if is_own || Uuid::parse_str(named).is_ok() {
        return Ok(());
    }
    let own = &principal.workspace;
    let detail = format!("the workspace '{named}' is not that of the key, which is '{own}'");
    Err(Problem::not_found(detail))
}

fn question(app: &App, asked: &LogsQuery, prefer: Prefer) -> Result<Question, Problem> {
    let text = asked
        .query
        .as_deref()
        .ok_or_else(|| super::kusto::missing("query"))?;
    let mut question = Question::kql(text);
    question.external = External::Empty;
    question.rows_max = app.query.rows_max;
    let wait = prefer.wait.map(std::time::Duration::from_secs);
    question.timeout = wait.map_or(app.query.timeout, |wait| wait.min(app.query.timeout));
    if let Some(text) = &asked.timespan {
        let span = timespan::span(text, app.clock.now());
        let wrong = || format!("timespan '{text}' is neither an ISO 8601 duration nor an interval");
        question.span = Some(span.ok_or_else(|| Problem::bad_request(wrong()))?);
    }
    Ok(question)
}

/// What a client prefers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Prefer {
    /// Seconds.
    wait: Option<u64>,
    statistics: bool,
    render: bool,
}

impl Prefer {
    fn parse(text: &str) -> Self {
        let mut prefer = Self::default();
        for part in text.split([',', ';']) {
            let (name, value) = part.split_once('=').unwrap_or((part, "true"));
            let is_wanted = value.trim().eq_ignore_ascii_case("true");
            match name.trim().to_ascii_lowercase().as_str() {
                "wait" => prefer.wait = value.trim().parse().ok(),
                "include-statistics" => prefer.statistics = is_wanted,
                "include-render" => prefer.render = is_wanted,
                _ => {}
            }
        }
        prefer
    }

    fn envelope(self) -> Envelope {
        Envelope::LogAnalytics {
            statistics: self.statistics,
            render: self.render,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences() {
        let expected = Prefer {
            wait: Some(30),
            statistics: true,
            render: false,
        };
        let found = Prefer::parse("wait=30, include-statistics=true,include-render=false,x");
        assert_eq!(found, expected);
        assert_eq!(Prefer::parse(""), Prefer::default());
    }
}
