//! Kusto's REST protocol: what Azure Data Explorer's clients, notebooks and plug-ins ask by.
//!
//! The database is the key's workspace. Results are never sent progressively.

mod commands;
mod envelope;
mod frames;
mod request;
mod schema;
mod table;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::{Extension, Json};
use serde_json::{Value, json};
use utoipa::ToSchema;

use self::commands::Command;
use self::request::Request;
use super::app::App;
use super::problem::Problem;
use super::query::problem;
use crate::keys::Principal;

pub(super) use self::envelope::{Envelope, answer, whole};
pub(super) use self::frames::Facts;

/// An error as Kusto writes it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes what `forms` writes")]
pub(crate) struct KustoError {
    error: KustoErrorBody,
}

/// What is wrong.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes what `forms` writes")]
pub(crate) struct KustoErrorBody {
    /// Such as `General_BadRequest`.
    code: String,
    /// What kind of thing is wrong.
    message: String,
    /// The exception that Microsoft's service would throw.
    #[schema(rename = "@type")]
    kind: String,
    /// What is wrong and what to do about it.
    #[schema(rename = "@message")]
    detail: String,
    /// Whether the same request would fail again.
    #[schema(rename = "@permanent")]
    permanent: bool,
}

/// Answers a query in KQL, as version 1 of the protocol does.
///
/// The result is the table `Table_0`; the last table says what the others are. Of `properties` are heard
/// `servertimeout`, `norequesttimeout`, `query_take_max_records`, `truncationmaxrecords` and the parameters.
#[utoipa::path(post, path = "/v1/rest/query", tag = "kusto", security(("key" = [])),
    request_body(content = String, content_type = "application/json", description = "`db`, `csl`, `properties`"),
    responses((status = 200, description = "Tables", content_type = "application/json", body = String),
              (status = 400, description = "The query can't be run", body = KustoError),
              (status = 401, description = "No valid key", body = KustoError),
              (status = 504, description = "It took too long", body = KustoError)))]
pub(super) async fn query_v1(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    run(&app, &principal, (&headers, body), Envelope::V1).await
}

/// Answers a query in KQL, as version 2 of the protocol does: a list of frames.
#[utoipa::path(post, path = "/v2/rest/query", tag = "kusto", security(("key" = [])),
    request_body(content = String, content_type = "application/json", description = "`db`, `csl`, `properties`"),
    responses((status = 200, description = "Frames", content_type = "application/json", body = String),
              (status = 400, description = "The query can't be run", body = KustoError),
              (status = 401, description = "No valid key", body = KustoError),
              (status = 504, description = "It took too long", body = KustoError)))]
pub(super) async fn query_v2(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    run(&app, &principal, (&headers, body), Envelope::V2).await
}

/// Answers a management command that looks at something.
///
/// Such are `.show version`, `databases`, `tables`, `table T cslschema`, `database schema as json`, `functions`,
/// `cluster`. A pipe behind a command asks its answer in KQL.
#[utoipa::path(post, path = "/v1/rest/mgmt", tag = "kusto", security(("key" = [])),
    request_body(content = String, content_type = "application/json", description = "`db`, `csl`, `properties`"),
    responses((status = 200, description = "A table", content_type = "application/json", body = String),
              (status = 400, description = "The command is not served", body = KustoError),
              (status = 401, description = "No valid key", body = KustoError)))]
pub(super) async fn management(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    run(&app, &principal, (&headers, body), Envelope::V1).await
}

/// Tells a client how to get a token: not from Microsoft, whose tokens are worth too much to be sent elsewhere.
///
/// A client shows one of the service's keys as its token.
#[utoipa::path(get, path = "/v1/rest/auth/metadata", tag = "kusto", responses(
    (status = 200, description = "That there is no Entra ID", content_type = "application/json", body = String)))]
pub(super) async fn metadata() -> Json<Value> {
    Json(json!({"AzureAD": null, "dSTS": null}))
}

async fn run(
    app: &Arc<App>,
    principal: &Principal,
    (headers, body): (&HeaderMap, Result<Bytes, BytesRejection>),
    envelope: Envelope,
) -> Result<Response, Problem> {
    let core = app.core()?;
    let body = body.map_err(|error| Problem::new(error.status(), error.body_text()))?;
    let request = Request::parse(&body)?;
    request.check_database(principal.workspace.as_str())?;
    let facts = Facts::begin(headers, app.clock.now());
    let mut request = request;
    // Plug-ins send commands to the door for queries too.
    let explained = commands::explained(&request.text).map(str::to_owned);
    let explain = explained.is_some();
    if let Some(query) = explained {
        request.text = query;
    } else if request.text.trim_start().starts_with('.') {
        let command = Command::parse(&request.text)
            .ok_or_else(|| Problem::bad_request(commands::unknown(&request.text)))?;
        let found = command.run(&core, &principal.workspace, app.http.listen)?;
        match command.pipe {
            None => return Ok(found.into_response(envelope, &facts)),
            Some(pipe) => request.text = format!("{}\n|{pipe}", found.as_kql()),
        }
    }
    let mut question = request.question(&app.query);
    question.explain = explain;
    let answers = core.engine.answers(&principal.workspace, question).await;
    let answers = answers.map_err(|error| problem(&error))?;
    answer(envelope, facts, answers).await
}

/// What a request can't do without.
pub(super) fn missing(name: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, format!("the body has no '{name}'"))
}
