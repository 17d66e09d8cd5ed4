//! `/api/v1/watchlists`.

use std::sync::Arc;

use ::query::{Watchlist, WatchlistError};
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use store::Timestamp;
use utoipa::ToSchema;

use super::app::App;
use super::problem::{Problem, ProblemBody};
use crate::keys::Principal;
use crate::watchlists::UploadError;

/// A list without its items.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WatchlistView {
    /// The name that `_GetWatchlist` and `ip_in_watchlist` know.
    alias: String,
    /// The column that `SearchKey` repeats.
    search_key: String,
    /// How many items it has.
    items: usize,
    /// When it was uploaded; absent for a list of the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<String>,
}

impl From<&Watchlist> for WatchlistView {
    fn from(list: &Watchlist) -> Self {
        Self {
            alias: list.alias().to_owned(),
            search_key: list.search_key().to_owned(),
            items: list.rows().num_rows(),
            updated: list.updated().map(Timestamp::to_rfc3339),
        }
    }
}

/// Every list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WatchlistsBody {
    watchlists: Vec<WatchlistView>,
}

/// What follows the question mark.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PutQuery {
    search_key: Option<String>,
}

/// Lists the watchlists.
#[utoipa::path(get, path = "/api/v1/watchlists", tag = "watchlists", security(("key" = [])), responses(
    (status = 200, description = "Those of the configuration, then those that were uploaded", body = WatchlistsBody)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
) -> Result<Json<WatchlistsBody>, Problem> {
    let core = app.core()?;
    let lists = core.engine.watchlists().of(&principal.workspace);
    let watchlists = lists.all().map(|list| list.as_ref().into()).collect();
    Ok(Json(WatchlistsBody { watchlists }))
}

/// Gives a watchlist as it was uploaded.
#[utoipa::path(get, path = "/api/v1/watchlists/{alias}", tag = "watchlists", security(("key" = [])),
    params(("alias" = String, Path, description = "its alias")),
    responses((status = 200, description = "Its CSV", content_type = "text/csv", body = String),
              (status = 404, description = "No list of that alias was uploaded", body = ProblemBody)))]
pub(super) async fn get(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Path(alias): Path<String>,
) -> Result<Response, Problem> {
    let core = app.core()?;
    let csv = core.watchlists.csv(&principal.workspace, &alias).await;
    let csv = csv.map_err(|error| Problem::internal("read a watchlist", &error))?;
    let csv = csv.ok_or_else(|| missing(&alias))?;
    let kind = [(header::CONTENT_TYPE, "text/csv; charset=utf-8")];
    Ok((kind, csv).into_response())
}

/// Uploads a watchlist, in the place of one of the same alias.
///
/// The body is CSV with a header line, of at most 4 MiB. In queries each item has `_DTItemId`, `LastUpdatedTimeUTC`,
/// `SearchKey` and the columns of the header as text.
#[utoipa::path(put, path = "/api/v1/watchlists/{alias}", tag = "watchlists", security(("key" = [])),
    params(("alias" = String, Path, description = "letters, digits, `-`, `_` and `.`, up to 100"),
           ("search_key" = Option<String>, Query, description = "a column of the header; the first if left out")),
    request_body(content = String, content_type = "text/csv", description = "a header line, then a line for each item"),
    responses((status = 200, description = "Queries see it", body = WatchlistView),
              (status = 400, description = "The list or its alias can't be used", body = ProblemBody),
              (status = 409, description = "The configuration has a list of that alias, or there are too many", body = ProblemBody),
              (status = 413, description = "Larger than 4 MiB", body = ProblemBody)))]
pub(super) async fn put(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Path(alias): Path<String>,
    query: Result<Query<PutQuery>, QueryRejection>,
    csv: Result<Bytes, BytesRejection>,
) -> Result<Json<WatchlistView>, Problem> {
    let core = app.core()?;
    let Query(query) = query.map_err(|error| Problem::bad_request(error.body_text()))?;
    let csv = csv.map_err(|error| Problem::new(error.status(), error.body_text()))?;
    let key = query.search_key.as_deref();
    let list = Watchlist::from_csv(&alias, &csv, key, app.clock.now());
    let list = list.map_err(|error| refusal(&error))?;
    let view = WatchlistView::from(&list);
    let put = core.watchlists.put(&principal.workspace, list, &csv).await;
    put.map_err(|error| match error {
        UploadError::List(error) => refusal(&error),
        UploadError::Database(_) => Problem::internal("write a watchlist", &error),
    })?;
    tracing::info!(watchlist.alias = %alias, by = %principal.key_id, "uploaded watchlist {alias}");
    Ok(Json(view))
}

/// Deletes a watchlist.
#[utoipa::path(delete, path = "/api/v1/watchlists/{alias}", tag = "watchlists", security(("key" = [])),
    params(("alias" = String, Path, description = "its alias")),
    responses((status = 204, description = "It is gone"),
              (status = 404, description = "No list of that alias was uploaded", body = ProblemBody)))]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Path(alias): Path<String>,
) -> Result<StatusCode, Problem> {
    let core = app.core()?;
    let deleted = core.watchlists.delete(&principal.workspace, &alias).await;
    if !deleted.map_err(|error| Problem::internal("delete a watchlist", &error))? {
        return Err(missing(&alias));
    }
    tracing::info!(watchlist.alias = %alias, by = %principal.key_id, "deleted watchlist {alias}");
    Ok(StatusCode::NO_CONTENT)
}

fn missing(alias: &str) -> Problem {
    Problem::not_found(format!("no watchlist '{alias}' was uploaded"))
}

fn refusal(error: &WatchlistError) -> Problem {
    let status = match error {
        WatchlistError::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
        WatchlistError::TooMany | WatchlistError::Configured(_) => StatusCode::CONFLICT,
        WatchlistError::Build(_) => return Problem::internal("build a watchlist", error),
        _ => StatusCode::BAD_REQUEST,
    };
    Problem::new(status, error.to_string())
}
