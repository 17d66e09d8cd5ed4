//! The door of Elasticsearch's bulk API, the one of its requests that brings logs.
//!
//! Senders treat an item's error differently: Filebeat and Logstash drop the item, Fluent Bit sends the whole body
//! again. So a record that is kept in `_Quarantine` is an item that was created, in that index, with the reason
//! beside it; only what was not kept at all is an error.

use std::sync::Arc;

use ::ingest::{Action, BulkItem, Outcome};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use store::Receipt;
use utoipa::{IntoResponses, ToSchema};

use super::app::App;
use super::arrived::Arrived;
use super::problem::Problem;
use crate::intake::IntakeError;

/// What became of the actions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BulkAnswer {
    /// Milliseconds.
    took: u64,
    /// Whether there is an item with an error.
    errors: bool,
    /// For each action, in order, an object named after it with `_index`, `_id`, `status`, and `error` where
    /// nothing was kept. `_index` is `_Quarantine`, with a `reason`, where the record could not be read.
    #[schema(value_type = Vec<Object>)]
    items: Vec<Said>,
}

/// How a bulk body is answered.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only describes what `take` and `forms` write")]
enum BulkAnswers {
    /// On disk, but for items with an error
    #[response(status = 200)]
    Taken(BulkAnswer),
    /// No body of this API
    #[response(status = 400)]
    Unreadable(ElasticError),
    /// No valid key
    #[response(status = 401)]
    NoKey(ElasticError),
    /// The key lacks the scope `ingest`
    #[response(status = 403)]
    Forbidden(ElasticError),
    /// Larger than the limit
    #[response(status = 413)]
    TooLarge(ElasticError),
    /// Unknown Content-Encoding
    #[response(status = 415)]
    Encoding(ElasticError),
    /// Over the rate limit; see Retry-After
    #[response(status = 429)]
    TooMany(ElasticError),
    /// Starting, overloaded or too slow, or the disk or the catalog is away; see Retry-After
    #[response(status = 503)]
    Unavailable(ElasticError),
}

/// An error as Elasticsearch says it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes what `forms` writes")]
pub(crate) struct ElasticError {
    /// `type`, `reason`, and `root_cause` with the same.
    #[schema(value_type = Object)]
    error: (),
    /// HTTP status.
    status: u16,
}

/// An item as Elasticsearch says it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Said {
    Index(SaidItem),
    Create(SaidItem),
    Update(SaidItem),
    Delete(SaidItem),
}

/// What became of an item.
#[derive(Debug, Serialize)]
struct SaidItem {
    #[serde(rename = "_index")]
    index: String,
    #[serde(rename = "_id")]
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'static str>,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<SaidError>,
}

/// Why nothing was kept.
#[derive(Debug, Serialize)]
struct SaidError {
    #[serde(rename = "type")]
    kind: &'static str,
    reason: &'static str,
}

/// Elasticsearch's bulk API, as Filebeat, Logstash, Vector, Fluent Bit and others use it.
///
/// NDJSON: a line with the action, `index` or `create`, and a line with the document. The record is the document, or
/// the line of a log that its `message`, `event.original` or `log` carries. Also below `/elastic`, for senders that
/// look at the server first. A record that can't be read is kept in `_Quarantine` and is no error: it need not be
/// sent again. `update` and `delete` are errors.
#[utoipa::path(post, path = "/_bulk", tag = "senders", security(("key" = []), ("basic" = []), ("elastic_key" = [])),
    params(("Content-Encoding" = Option<String>, Header, description = "`identity`, `gzip` or `zstd`")),
    request_body(content = String, content_type = "application/x-ndjson", description = "actions and documents"),
    responses(BulkAnswers))]
pub(super) async fn bulk(
    State(app): State<Arc<App>>,
    arrived: Arrived,
) -> Result<Response, Problem> {
    take(&app, arrived, None).await
}

/// As POST.
#[utoipa::path(put, path = "/_bulk", tag = "senders", security(("key" = []), ("basic" = []), ("elastic_key" = [])),
    request_body(content = String, content_type = "application/x-ndjson", description = "actions and documents"),
    responses(BulkAnswers))]
pub(super) async fn put_bulk(app: State<Arc<App>>, arrived: Arrived) -> Result<Response, Problem> {
    bulk(app, arrived).await
}

/// As `/_bulk`, with the index of the actions that name none.
///
/// An index named after a table, in any casing, alone or as a part between dashes (`logs-azureactivity-default`),
/// takes the records that do not say themselves what they are.
#[utoipa::path(post, path = "/{index}/_bulk", tag = "senders", security(("key" = []), ("basic" = []), ("elastic_key" = [])),
    params(("index" = String, Path, description = "any, or a table's name")),
    request_body(content = String, content_type = "application/x-ndjson", description = "actions and documents"),
    responses(BulkAnswers))]
pub(super) async fn index_bulk(
    State(app): State<Arc<App>>,
    Path(index): Path<String>,
    arrived: Arrived,
) -> Result<Response, Problem> {
    take(&app, arrived, Some(index)).await
}

/// As POST.
#[utoipa::path(put, path = "/{index}/_bulk", tag = "senders", security(("key" = []), ("basic" = []), ("elastic_key" = [])),
    params(("index" = String, Path, description = "any, or a table's name")),
    request_body(content = String, content_type = "application/x-ndjson", description = "actions and documents"),
    responses(BulkAnswers))]
pub(super) async fn put_index_bulk(
    app: State<Arc<App>>,
    index: Path<String>,
    arrived: Arrived,
) -> Result<Response, Problem> {
    index_bulk(app, index, arrived).await
}

/// Takes a body; `index` is that of the path.
pub(super) async fn take(
    app: &App,
    arrived: Arrived,
    index: Option<String>,
) -> Result<Response, Problem> {
    let core = app.core()?;
    let begin = app.clock.now();
    let headers = arrived.headers.clone();
    let delivery = arrived.into_delivery("bulk", None);
    let taken = app
        .intake
        .take_with(&core.store, delivery, move |context, limits, body| {
            let decoded = ::ingest::decode_bulk(context, limits, body, index.as_deref());
            decoded.map_err(IntakeError::from)
        });
    let (receipt, items) = taken.await?;
    let took = app.clock.now().since(begin).as_millis();
    let answer = BulkAnswer {
        took: u64::try_from(took).unwrap_or(u64::MAX),
        errors: items.iter().any(|item| item.outcome == Outcome::Refused),
        items: numbered(&receipt, items),
    };
    Ok(in_kind(&headers, Json(answer).into_response()))
}

fn numbered(receipt: &Receipt, items: Vec<BulkItem>) -> Vec<Said> {
    let numbers = 0_u64..;
    let numbered = items.into_iter().zip(numbers);
    numbered
        .map(|(item, number)| said(receipt, item, number))
        .collect()
}

fn said(receipt: &Receipt, item: BulkItem, number: u64) -> Said {
    let named = item.id;
    let id = named.unwrap_or_else(|| format!("{}-{number}", receipt.batch));
    let index = item.index.unwrap_or_default();
    let created = |index, id, reason| SaidItem {
        index,
        id,
        result: Some("created"),
        status: StatusCode::CREATED.as_u16(),
        reason,
        error: None,
    };
    let body = match item.outcome {
        Outcome::Kept => created(index, id, None),
        Outcome::Quarantined { reason } => created("_Quarantine".to_owned(), id, Some(reason)),
        Outcome::Refused => SaidItem {
            index,
            id,
            result: None,
            status: StatusCode::BAD_REQUEST.as_u16(),
            reason: None,
            error: Some(SaidError {
                kind: "illegal_argument_exception",
                reason: "logs are kept as they came: send index or create, not update or delete",
            }),
        },
    };
    match item.action {
        Action::Index => Said::Index(body),
        Action::Create => Said::Create(body),
        Action::Update => Said::Update(body),
        Action::Delete => Said::Delete(body),
    }
}

/// Answers in the media type that was asked for, where it is one of Elasticsearch's own.
pub(super) fn in_kind(headers: &HeaderMap, mut response: Response) -> Response {
    let accepted = headers.get(header::ACCEPT);
    let text = accepted.and_then(|value| value.to_str().ok()).unwrap_or("");
    let own = text.split(',').map(str::trim);
    let mut own = own.filter(|kind| kind.starts_with("application/vnd.elasticsearch+json"));
    if let Some(kind) = own.next_back().and_then(|kind| kind.parse().ok()) {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response
}
