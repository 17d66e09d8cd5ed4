//! `/api/v1/quarantine`: what could not be read.

use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ingest::ReasonClass;
use serde::{Deserialize, Deserializer, Serialize};
use store::Timestamp;
use utoipa::ToSchema;

use super::app::{App, Core};
use super::problem::{Problem, ProblemBody};
use crate::intake::IntakeError;
use crate::keys::Principal;
use crate::quarantine::{
    self, Bytes, Filter, Id, Quarantined, ReplayError, ReplayOutcome, RowsError, Tools,
};

/// Records of a page at most.
const PAGE_MAX: usize = 500;

/// Records that one request reads again at most.
const REPLAY_MAX: usize = 1_000;

/// A record that could not be read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QuarantinedBody {
    /// Names it.
    id: String,
    /// When it came.
    time: String,
    /// Where it came from: a door, or a file's path.
    source: String,
    /// Why it was not read.
    reason: String,
    /// The reason's class: `syntax`, `not_an_object`, `unknown_kind`, `too_long`, `too_deep` or `flow`.
    reason_class: String,
    /// Where it began in its body, in bytes from 0.
    offset: i64,
    /// Its length in bytes.
    length: i64,
    /// BLAKE3 of its bytes.
    digest: String,
    /// Whether its bytes are kept; the first ones, if it was too long.
    bytes_kept: bool,
    /// Whether it was read after all.
    replayed: bool,
    /// Its bytes in base64, where one record is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<String>,
    /// Its bytes as text, if they are UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

impl QuarantinedBody {
    fn new(record: Quarantined, replayed: bool) -> Self {
        let text = record.bytes.as_deref().map(std::str::from_utf8);
        Self {
            id: record.id.to_string(),
            time: record.time.to_rfc3339(),
            source: record.source,
            reason: record.reason,
            reason_class: record.class,
            offset: record.offset,
            length: record.length,
            digest: record.digest,
            bytes_kept: record.has_bytes,
            replayed,
            text: text.and_then(Result::ok).map(str::to_owned),
            bytes: record.bytes.map(|bytes| STANDARD.encode(bytes)),
        }
    }
}

/// A page of records.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QuarantineBody {
    /// The newest first.
    records: Vec<QuarantinedBody>,
    /// Pass it as `before` for the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Which records.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordsFilter {
    /// Only this class of reasons.
    class: Option<String>,
    /// Only from this source.
    source: Option<String>,
    /// Only since then (RFC 3339).
    since: Option<String>,
    /// Only before then (RFC 3339).
    until: Option<String>,
    /// Only those older than this record.
    before: Option<String>,
    /// At most so many.
    limit: Option<usize>,
}

/// What to read again: records by id, or all that the filter lets through.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayRequest {
    /// Ids of records, 1 to 1000; the filter counts only without this member.
    #[serde(default, deserialize_with = "named")]
    ids: Option<Vec<String>>,
    /// Which records.
    filter: Option<RecordsFilter>,
}

/// A list that is there: only without the member all records are meant, so `null` is a mistake.
fn named<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    Vec::deserialize(deserializer).map(Some)
}

/// What became of them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReplayBody {
    /// Records that were read now and are on disk.
    replayed: u64,
    /// Records that were read by an earlier replay.
    replayed_before: u64,
    /// Records that still can't be read.
    unreadable: u64,
    /// Records of which not all bytes were kept.
    incomplete: u64,
    /// Ids of which there is no record.
    unknown: Vec<String>,
    /// Pass it as `before` to go on: there are more than one request reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Lists records that could not be read, the newest first.
#[utoipa::path(get, path = "/api/v1/quarantine", tag = "quarantine", security(("key" = [])),
    params(
        ("class" = Option<String>, Query, description = "only this class of reasons"),
        ("source" = Option<String>, Query, description = "only from this source"),
        ("since" = Option<String>, Query, description = "only since then (RFC 3339)"),
        ("until" = Option<String>, Query, description = "only before then (RFC 3339)"),
        ("before" = Option<String>, Query, description = "go on behind this record"),
        ("limit" = Option<usize>, Query, description = "most records of the answer, 1 to 500; 50 if left out")),
    responses((status = 200, description = "A page", body = QuarantineBody),
              (status = 400, description = "A wrong parameter", body = ProblemBody)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    query: Result<Query<RecordsFilter>, QueryRejection>,
) -> Result<Json<QuarantineBody>, Problem> {
    let core = app.core()?;
    let Query(query) = query.map_err(|error| Problem::bad_request(error.body_text()))?;
    let limit = query.limit.unwrap_or(50).clamp(1, PAGE_MAX);
    let (filter, workspace) = (filter(&query)?, &principal.workspace);
    let found = quarantine::list(&core.engine, workspace, &filter, (Bytes::Without, limit)).await;
    let found = found.map_err(|error| rows_problem(&error))?;
    let last = found.last().filter(|_| found.len() == limit);
    let next = last.map(|record| record.id.to_string());
    let mut records = Vec::with_capacity(found.len());
    for record in found {
        records.push(body(&core, &principal, record).await?);
    }
    Ok(Json(QuarantineBody { records, next }))
}

/// Shows a record that could not be read, with its bytes.
#[utoipa::path(get, path = "/api/v1/quarantine/{id}", tag = "quarantine", security(("key" = [])),
    params(("id" = String, Path, description = "its id")),
    responses((status = 200, description = "The record", body = QuarantinedBody),
              (status = 404, description = "There is none", body = ProblemBody)))]
pub(super) async fn get(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<Json<QuarantinedBody>, Problem> {
    let core = app.core()?;
    let missing = || Problem::not_found(format!("there is no quarantined record '{id}'"));
    let id = Id::parse(&id).ok_or_else(missing)?;
    let found = quarantine::one(&core.engine, &principal.workspace, id).await;
    let found = found.map_err(|error| rows_problem(&error))?;
    let record = found.ok_or_else(missing)?;
    Ok(Json(body(&core, &principal, record).await?))
}

/// Reads records again, with the decoders and mappings of today.
///
/// What is read now is appended, once: a record that was replayed before is passed over. Source and time of arrival
/// stay the record's own. What still can't be read stays in quarantine.
#[utoipa::path(post, path = "/api/v1/quarantine/replay", tag = "quarantine", security(("key" = [])),
    request_body = ReplayRequest,
    responses((status = 200, description = "What became of them", body = ReplayBody),
              (status = 400, description = "A wrong parameter, or no ids in `ids`; nothing was replayed", body = ProblemBody),
              (status = 503, description = "Overloaded; see Retry-After. What was replayed is not replayed again", body = ProblemBody)))]
pub(super) async fn replay(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    request: Result<Json<ReplayRequest>, JsonRejection>,
) -> Result<Json<ReplayBody>, Problem> {
    let core = app.core()?;
    let Json(request) = request.map_err(|error| Problem::bad_request(error.body_text()))?;
    let (limits, mappings) = app.intake.decoding();
    let tools = Tools {
        store: &core.store,
        engine: &core.engine,
        limits,
        mappings,
    };
    let workspace = &principal.workspace;
    let mut unknown = Vec::new();
    let mut total = ReplayOutcome::default();
    if let Some(ids) = request.ids {
        for id in ids_of(&ids)? {
            let wanted = Filter {
                id: Some(id),
                ..Filter::default()
            };
            let done = quarantine::replay(tools, workspace, wanted, 1).await;
            let done = done.map_err(replay_problem)?;
            if done == ReplayOutcome::default() {
                unknown.push(id.to_string());
            }
            total.add(done);
        }
    } else {
        let wanted = request.filter.unwrap_or_default();
        let limit = wanted.limit.unwrap_or(REPLAY_MAX).clamp(1, REPLAY_MAX);
        let done = quarantine::replay(tools, workspace, filter(&wanted)?, limit).await;
        total = done.map_err(replay_problem)?;
    }
    Ok(Json(ReplayBody {
        replayed: total.replayed,
        replayed_before: total.before,
        unreadable: total.unreadable,
        incomplete: total.incomplete,
        unknown,
        next: total.next.map(|id| id.to_string()),
    }))
}

async fn body(
    core: &Core,
    principal: &Principal,
    record: Quarantined,
) -> Result<QuarantinedBody, Problem> {
    let replayed = quarantine::was_replayed(&core.store, &principal.workspace, record.id).await;
    let replayed = replayed.map_err(|error| rows_problem(&error))?;
    Ok(QuarantinedBody::new(record, replayed))
}

/// All ids, before any is replayed.
fn ids_of(texts: &[String]) -> Result<Vec<Id>, Problem> {
    if texts.is_empty() {
        let detail = "ids is empty: name records, or leave it out to replay all that the filter lets through";
        return Err(Problem::bad_request(detail));
    }
    if texts.len() > REPLAY_MAX {
        let detail = format!("more than {REPLAY_MAX} ids; send them in parts");
        return Err(Problem::bad_request(detail));
    }
    texts.iter().map(|text| id_of(text)).collect()
}

fn id_of(text: &str) -> Result<Id, Problem> {
    Id::parse(text).ok_or_else(|| Problem::bad_request(format!("'{text}' is no id of a record")))
}

fn filter(query: &RecordsFilter) -> Result<Filter, Problem> {
    let instant = |text: &String| {
        Timestamp::parse_rfc3339(text)
            .ok_or_else(|| Problem::bad_request(format!("'{text}' is no time in RFC 3339")))
    };
    let class = |name: &String| {
        ReasonClass::from_name(name).ok_or_else(|| {
            let names = ReasonClass::ALL.map(ReasonClass::name).join(", ");
            Problem::bad_request(format!("class '{name}' is none of {names}"))
        })
    };
    Ok(Filter {
        class: query.class.as_ref().map(class).transpose()?,
        source: query.source.clone(),
        since: query.since.as_ref().map(instant).transpose()?,
        until: query.until.as_ref().map(instant).transpose()?,
        before: query.before.as_deref().map(id_of).transpose()?,
        id: None,
    })
}

fn rows_problem(error: &RowsError) -> Problem {
    match error {
        RowsError::Query(query::QueryError::Busy | query::QueryError::Timeout(_)) => {
            Problem::unavailable(error.to_string())
        }
        _ => Problem::internal("look into quarantine", error),
    }
}

fn replay_problem(error: ReplayError) -> Problem {
    match error {
        ReplayError::Rows(error) => rows_problem(&error),
        ReplayError::Append(error) => IntakeError::from(error).into(),
        error => Problem::internal("replay quarantined records", &error),
    }
}
