//! `/api/v1/deliveries`: messages about incidents, and trying again what was given up.

use std::sync::Arc;

use ::alerts::{Delivery, DeliveryFilter, DeliveryStatus, Resent};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use store::Timestamp;
use utoipa::ToSchema;

use super::app::App;
use super::incidents::limit_of;
use super::problem::{Problem, ProblemBody};
use crate::keys::Principal;

/// Which deliveries.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListParameters {
    status: Option<String>,
    receiver: Option<String>,
    after: Option<String>,
    limit: Option<u32>,
}

/// A page of deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryList {
    /// Newest first.
    deliveries: Vec<DeliveryView>,
}

/// A message about an incident.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeliveryView {
    /// Also its `webhook-id`.
    id: String,
    incident_number: i64,
    receiver: String,
    /// `pending`, `leased` (an attempt is under way), `delivered` or `dead` (given up).
    status: String,
    attempts: i64,
    /// What the last failed attempt met.
    error: Option<String>,
    created_time_utc: String,
    /// When the next attempt is due, while it is pending.
    next_attempt_time_utc: Option<String>,
    /// When it was delivered or given up.
    finished_time_utc: Option<String>,
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        let is_pending = delivery.status == DeliveryStatus::Pending;
        Self {
            id: delivery.id,
            incident_number: delivery.incident_number,
            receiver: delivery.receiver,
            status: delivery.status.name().to_owned(),
            attempts: delivery.attempts,
            error: delivery.error,
            created_time_utc: delivery.created.to_rfc3339(),
            next_attempt_time_utc: is_pending.then(|| delivery.due.to_rfc3339()),
            finished_time_utc: delivery.finished.map(Timestamp::to_rfc3339),
        }
    }
}

/// Lists messages about incidents, newest first.
#[utoipa::path(get, path = "/api/v1/deliveries", tag = "incidents", security(("key" = [])),
    params(
        ("status" = Option<String>, Query, description = "`pending`, `leased`, `delivered` or `dead`"),
        ("receiver" = Option<String>, Query, description = "its name and channel, such as `oncall/email`"),
        ("after" = Option<String>, Query, description = "go on behind the delivery of this id: the list is newest first"),
        ("limit" = Option<u32>, Query, description = "most deliveries of the answer, 1 to 1000; 100 if left out")),
    responses(
        (status = 200, description = "A page of deliveries", body = DeliveryList),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
        (status = 403, description = "The key lacks the scope `read`", body = ProblemBody)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    parameters: Result<Query<ListParameters>, QueryRejection>,
) -> Result<Json<DeliveryList>, Problem> {
    let Query(parameters) = parameters.map_err(|error| Problem::bad_request(error.body_text()))?;
    let status = parameters.status.as_deref().map(|name| {
        DeliveryStatus::from_name(name).ok_or_else(|| {
            Problem::bad_request(format!(
                "status '{name}' is none of pending, leased, delivered, dead"
            ))
        })
    });
    let filter = DeliveryFilter {
        status: status.transpose()?,
        receiver: parameters.receiver,
        incident_number: None,
        after: parameters.after,
        limit: limit_of(parameters.limit)?,
    };
    let core = app.core()?;
    let deliveries = core.alerts.deliveries(&principal.workspace, &filter).await;
    let deliveries = deliveries.map_err(|error| Problem::internal("list deliveries", &error))?;
    Ok(Json(DeliveryList {
        deliveries: deliveries.into_iter().map(DeliveryView::from).collect(),
    }))
}

/// Tries a message again that was given up, or that waits, at once and with the whole schedule before it.
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/retry", tag = "incidents", security(("key" = [])),
    params(("id" = String, Path, description = "as listed")),
    responses(
        (status = 200, description = "The delivery, pending", body = DeliveryView),
        (status = 403, description = "The key lacks the scope `manage`", body = ProblemBody),
        (status = 404, description = "No such delivery", body = ProblemBody),
        (status = 409, description = "It is delivered, or an attempt is under way", body = ProblemBody)))]
pub(super) async fn retry(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<Json<DeliveryView>, Problem> {
    let core = app.core()?;
    let resent = core.alerts.resend(&principal.workspace, &id).await;
    match resent.map_err(|error| Problem::internal("try a delivery again", &error))? {
        Resent::Done(delivery) => {
            tracing::info!(delivery.id = %id, by = %principal.key_id, "trying delivery {id} again");
            Ok(Json((*delivery).into()))
        }
        Resent::NotFound => Err(Problem::not_found(format!("there is no delivery {id}"))),
        Resent::Refused(status) => Err(Problem::new(
            StatusCode::CONFLICT,
            format!(
                "the delivery is {}; only what is dead or pending is tried again",
                status.name()
            ),
        )),
    }
}
