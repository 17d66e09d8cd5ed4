//! `/api/v1/keys`.

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use store::Timestamp;
use utoipa::ToSchema;

use super::app::App;
use super::problem::{Problem, ProblemBody};
use crate::keys::{KeyRow, NewKey, Principal, Scope};

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateKey {
    /// What it is for, up to 200 characters.
    name: String,
    /// `ingest`, `read`, `manage` (which includes `read`), `admin` (which includes all).
    scopes: Vec<String>,
    /// When it ends (RFC 3339); never if left out.
    expires: Option<String>,
}

/// A new key.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreatedKeyAnswer {
    /// By which it is listed and revoked.
    id: String,
    /// The key. It is shown this once.
    key: String,
}

/// Keys without their secrets.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyList {
    keys: Vec<KeyView>,
}

/// A key without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyView {
    id: String,
    name: String,
    scopes: Vec<String>,
    created: String,
    expires: Option<String>,
    revoked: Option<String>,
}

impl From<KeyRow> for KeyView {
    fn from(row: KeyRow) -> Self {
        let text = |micros| Timestamp::from_micros(micros).to_rfc3339();
        Self {
            id: row.id,
            name: row.name,
            scopes: row.scopes.split(' ').map(str::to_owned).collect(),
            created: text(row.created),
            expires: row.expires.map(text),
            revoked: row.revoked.map(text),
        }
    }
}

/// Lists the keys.
#[utoipa::path(get, path = "/api/v1/keys", tag = "keys", security(("key" = [])), responses(
    (status = 200, description = "Every key, oldest first", body = KeyList),
    (status = 403, description = "The key lacks the scope `admin`", body = ProblemBody)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
) -> Result<Json<KeyList>, Problem> {
    let rows = app.core()?.keys.list(&principal.workspace).await;
    let rows = rows.map_err(|error| Problem::internal("list keys", &error))?;
    Ok(Json(KeyList {
        keys: rows.into_iter().map(KeyView::from).collect(),
    }))
}

/// Makes a key.
#[utoipa::path(post, path = "/api/v1/keys", tag = "keys", security(("key" = [])), request_body = CreateKey,
    responses(
        (status = 201, description = "The key, shown this once", body = CreatedKeyAnswer),
        (status = 400, description = "No such scope, or a time that is over", body = ProblemBody),
        (status = 403, description = "The key lacks the scope `admin`", body = ProblemBody)))]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    request: Result<Json<CreateKey>, JsonRejection>,
) -> Result<(StatusCode, Json<CreatedKeyAnswer>), Problem> {
    let Json(request) = request.map_err(|error| Problem::new(error.status(), error.body_text()))?;
    let new = new_key(&request, app.clock.now())?;
    let created = app
        .core()?
        .keys
        .create(&principal.workspace, &new, app.clock.now())
        .await;
    let created = created.map_err(|error| Problem::internal("create a key", &error))?;
    tracing::info!(key.id = %created.id, by = %principal.key_id, "created key {}", created.id);
    Ok((
        StatusCode::CREATED,
        Json(CreatedKeyAnswer {
            id: created.id,
            key: created.secret,
        }),
    ))
}

fn new_key(request: &CreateKey, now: Timestamp) -> Result<NewKey, Problem> {
    if request.name.is_empty() || request.name.chars().count() > 200 {
        return Err(Problem::bad_request("name must have 1 to 200 characters"));
    }
    if request.scopes.is_empty() {
        return Err(Problem::bad_request(
            "scopes must name at least one of ingest, read, manage, admin",
        ));
    }
    let mut scopes = Vec::with_capacity(request.scopes.len());
    for name in &request.scopes {
        let scope = Scope::from_name(name).ok_or_else(|| {
            Problem::bad_request(format!(
                "scope '{name}' is none of ingest, read, manage, admin"
            ))
        })?;
        scopes.push(scope);
    }
    let expires = request
        .expires
        .as_deref()
        .map(|text| match Timestamp::parse_rfc3339(text) {
            Some(instant) if instant > now => Ok(instant),
            Some(_) => Err(Problem::bad_request(format!(
                "expires '{text}' is over already"
            ))),
            None => Err(Problem::bad_request(format!(
                "expires '{text}' is not RFC 3339"
            ))),
        });
    Ok(NewKey {
        name: request.name.clone(),
        scopes,
        expires: expires.transpose()?,
    })
}

/// Ends a key.
#[utoipa::path(delete, path = "/api/v1/keys/{id}", tag = "keys", security(("key" = [])),
    params(("id" = String, Path, description = "as listed")),
    responses(
        (status = 204, description = "It has ended"),
        (status = 403, description = "The key lacks the scope `admin`", body = ProblemBody),
        (status = 404, description = "No such key", body = ProblemBody)))]
pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let revoked = app
        .core()?
        .keys
        .revoke(&principal.workspace, &id, app.clock.now())
        .await;
    if !revoked.map_err(|error| Problem::internal("revoke a key", &error))? {
        return Err(Problem::not_found(format!("there is no key {id}")));
    }
    tracing::info!(key.id = %id, by = %principal.key_id, "revoked key {id}");
    Ok(StatusCode::NO_CONTENT)
}
