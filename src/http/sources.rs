//! `GET /api/v1/sources`: how far each source was read; and the step that a part sent to `ingest` takes.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use store::{Position, Source, Standing, Step, Store, StoreError, Workspace};
use utoipa::ToSchema;

use super::app::App;
use super::problem::{Problem, ProblemBody};
use crate::keys::Principal;
use crate::quarantine;

/// Sources of a page at most.
const PAGE_MAX: usize = 1_000;

/// Longest origin, in bytes.
const ORIGIN_BYTES_MAX: usize = 1_024;

/// Where a source stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceBody {
    /// Its name.
    source: String,
    /// How far it was read, in its reader's words.
    position: String,
    /// Where it was last found.
    origin: Option<String>,
    /// When it last moved.
    updated: String,
}

impl From<(Source, Standing)> for SourceBody {
    fn from((source, standing): (Source, Standing)) -> Self {
        Self {
            source: source.as_str().to_owned(),
            position: standing.position.as_str().to_owned(),
            origin: standing.origin,
            updated: standing.updated.to_rfc3339(),
        }
    }
}

/// A page of sources.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourcesBody {
    /// By name.
    sources: Vec<SourceBody>,
    /// Pass it as `after` for the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Which sources.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourcesQuery {
    after: Option<String>,
    limit: Option<usize>,
}

/// Lists how far each source was read.
#[utoipa::path(get, path = "/api/v1/sources", tag = "ingest", security(("key" = [])), 
    params(
        ("after" = Option<String>, Query, description = "go on behind this name"),
        ("limit" = Option<usize>, Query, description = "most sources of the answer, 1 to 1000; 100 if left out")),
    responses((status = 200, description = "By name", body = SourcesBody),
              (status = 400, description = "A wrong parameter", body = ProblemBody)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    query: Result<Query<SourcesQuery>, QueryRejection>,
) -> Result<Json<SourcesBody>, Problem> {
    let core = app.core()?;
    let Query(query) = query.map_err(|error| Problem::bad_request(error.body_text()))?;
    let after = query.after.as_deref().map(source).transpose()?;
    let limit = query.limit.unwrap_or(100).clamp(1, PAGE_MAX);
    let found = readable(&core.store, &principal.workspace, after, limit).await;
    let found = found.map_err(|error| Problem::internal("list sources", &error))?;
    let is_full = found.len() == limit;
    let sources: Vec<SourceBody> = found.into_iter().map(SourceBody::from).collect();
    let next = sources.last().filter(|_| is_full);
    Ok(Json(SourcesBody {
        next: next.map(|last| last.source.clone()),
        sources,
    }))
}

/// The first sources behind `after` that somebody reads, without those that stand for quarantined records.
async fn readable(
    store: &Store,
    workspace: &Workspace,
    after: Option<Source>,
    count: usize,
) -> Result<Vec<(Source, Standing)>, StoreError> {
    let is_own = |source: &Source| source.as_str().starts_with(quarantine::SOURCES);
    let mut found = store.standings(workspace, after.as_ref(), count).await?;
    let length = found.len();
    found.retain(|(source, _)| !is_own(source));
    let missing = length.saturating_sub(found.len());
    // They follow each other, and no id has a tilde.
    let behind_own = Source::new(&format!("{}~", quarantine::SOURCES));
    if missing > 0 && length == count {
        let more = store.standings(workspace, behind_own.as_ref(), missing);
        let known = found.last().map(|(source, _)| source.clone());
        let more = more.await?.into_iter();
        found.extend(more.filter(|(source, _)| known.as_ref() < Some(source)));
    }
    Ok(found)
}

/// Tells how far one source was read; for who sends from it.
#[utoipa::path(get, path = "/api/v1/sources/{source}", tag = "ingest", security(("key" = [])),
    params(("source" = String, Path, description = "its name")),
    responses((status = 200, description = "Where it stands", body = SourceBody),
              (status = 404, description = "Nothing was read from it", body = ProblemBody)))]
pub(super) async fn get(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Path(name): Path<String>,
) -> Result<Json<SourceBody>, Problem> {
    let core = app.core()?;
    let source = source(&name)?;
    let standing = core.store.standing(&principal.workspace, &source).await;
    match standing.map_err(|error| Problem::internal("look up a source", &error))? {
        Some(standing) => Ok(Json((source, standing).into())),
        None => Err(Problem::not_found(format!(
            "nothing was read from the source '{name}'"
        ))),
    }
}

fn source(name: &str) -> Result<Source, Problem> {
    Source::new(name).ok_or_else(|| {
        let most = Source::LENGTH_MAX;
        Problem::bad_request(format!(
            "a source's name is 1 to {most} visible ASCII characters"
        ))
    })
}

/// The step that a request's headers name, if any.
pub(super) fn step(headers: &HeaderMap) -> Result<Option<Step>, Problem> {
    let text = |name: &str| {
        let value = headers.get(name).map(|value| value.to_str());
        value.transpose().map_err(|_not_ascii| {
            Problem::bad_request(format!("{name} holds other than visible ASCII characters"))
        })
    };
    let (from, to) = (text("bartizan-from")?, text("bartizan-to")?);
    let Some(name) = text("bartizan-source")? else {
        if from.or(to).is_some() {
            let detail = "Bartizan-From and Bartizan-To need a Bartizan-Source";
            return Err(Problem::bad_request(detail));
        }
        return Ok(None);
    };
    let position = |text: &str| {
        Position::new(text).ok_or_else(|| {
            let most = Position::LENGTH_MAX;
            let detail = format!("a position is 1 to {most} visible ASCII characters");
            Problem::bad_request(detail)
        })
    };
    let to = to.ok_or_else(|| Problem::bad_request("Bartizan-Source needs a Bartizan-To"))?;
    let origin = text("bartizan-origin")?.map(str::to_owned);
    if origin
        .as_ref()
        .is_some_and(|origin| origin.len() > ORIGIN_BYTES_MAX)
    {
        let detail = format!("Bartizan-Origin is longer than {ORIGIN_BYTES_MAX} bytes");
        return Err(Problem::bad_request(detail));
    }
    if name.starts_with(quarantine::SOURCES) {
        let detail = format!(
            "names of sources that begin with '{}' are the service's own; choose another",
            quarantine::SOURCES
        );
        return Err(Problem::bad_request(detail));
    }
    Ok(Some(Step {
        source: source(name)?,
        from: from.map(position).transpose()?,
        to: position(to)?,
        origin,
    }))
}

/// The answer to a step from where the source does not stand.
pub(super) fn elsewhere(standing: Option<&Standing>) -> Problem {
    let conflict = |detail: &str| Problem::new(StatusCode::CONFLICT, detail);
    match standing {
        Some(standing) => {
            let detail = "the source does not stand at Bartizan-From; go on from 'position'";
            conflict(detail).standing_at(standing.position.as_str())
        }
        None => conflict("nothing was read from the source; leave Bartizan-From out"),
    }
}
