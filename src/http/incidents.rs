//! `/api/v1/incidents`: Sentinel's incidents, in Sentinel's names.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::alerts::{
    Change, Classification, ClassificationReason, DeliveryFilter, Entity, Filter, Incident,
    IncidentChange, LIST_MAX, Severity, Status, Updated,
};
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::app::App;
use super::deliveries::DeliveryView;
use super::problem::{Problem, ProblemBody};
use crate::keys::Principal;

/// Entries of a listing, if not said.
const LIMIT_USUAL: u32 = 100;

/// Longest owner.
const OWNER_CHARS_MAX: usize = 256;

/// Most labels of an incident, and the longest.
const LABELS_MAX: usize = 50;
const LABEL_CHARS_MAX: usize = 100;

/// Longest comment, as in Microsoft Sentinel.
const COMMENT_CHARS_MAX: usize = 30_000;

/// Which incidents.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListParameters {
    /// `New`, `Active` or `Closed`.
    status: Option<String>,
    /// `Informational`, `Low`, `Medium` or `High`.
    severity: Option<String>,
    /// Id of the rule that found it.
    rule: Option<String>,
    /// Go on behind this incident number: the list is newest first.
    after: Option<i64>,
    /// Most incidents of the answer, 1 to 1000; 100 if left out.
    limit: Option<u32>,
}

/// A page of incidents.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IncidentList {
    /// Newest first.
    incidents: Vec<IncidentView>,
}

/// An incident.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IncidentView {
    incident_number: i64,
    id: String,
    rule_id: String,
    title: String,
    description: String,
    /// `Informational`, `Low`, `Medium` or `High`.
    severity: String,
    /// `New`, `Active` or `Closed`.
    status: String,
    classification: Option<String>,
    classification_reason: Option<String>,
    classification_comment: Option<String>,
    owner: Option<String>,
    labels: Vec<String>,
    first_activity_time_utc: String,
    last_activity_time_utc: String,
    created_time_utc: String,
    last_modified_time_utc: String,
    closed_time_utc: Option<String>,
    /// Goes into `If-Match` of a change.
    etag: String,
    alerts_count: i64,
    tactics: Vec<String>,
    techniques: Vec<String>,
    entities: Vec<EntityView>,
    /// Facts of its first alert.
    custom_details: BTreeMap<String, String>,
    /// Rows that show why it was raised.
    evidence: EvidenceView,
    /// Which comparison over which window raised it.
    reason: String,
    /// What to do about it.
    runbook: String,
}

/// Who or what an incident is about.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EntityView {
    /// Sentinel's entity type, such as `IP`.
    kind: String,
    /// Identifier and value, such as `Address`.
    properties: BTreeMap<String, String>,
}

/// Sample rows as text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EvidenceView {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// An incident with what was done about it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IncidentDetail {
    #[serde(flatten)]
    incident: IncidentView,
    /// Messages about it, newest first, at most 1000.
    deliveries: Vec<DeliveryView>,
    /// What people did and said about it, oldest first.
    history: Vec<ChangeView>,
}

/// What somebody did to an incident.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChangeView {
    /// The version that it made.
    version: i64,
    time_utc: String,
    /// Name of the key.
    actor: String,
    /// By field, its `old` and `new` value.
    #[schema(value_type = Object)]
    changes: serde_json::Value,
    comment: Option<String>,
}

impl From<IncidentChange> for ChangeView {
    fn from(change: IncidentChange) -> Self {
        Self {
            version: change.version,
            time_utc: change.changed.to_rfc3339(),
            actor: change.actor,
            // What we wrote reads back.
            changes: serde_json::from_str(&change.changes).unwrap_or_default(),
            comment: change.comment,
        }
    }
}

/// A change; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct IncidentPatch {
    /// `New`, `Active` or `Closed`.
    status: Option<String>,
    /// Who works on it, at most 256 characters; empty for nobody.
    owner: Option<String>,
    /// At most 50, each of at most 100 characters.
    labels: Option<Vec<String>>,
    /// Needed to close: `TruePositive`, `BenignPositive`, `FalsePositive`, `Undetermined`.
    classification: Option<String>,
    /// Sentinel's reasons, such as `SuspiciousActivity`.
    classification_reason: Option<String>,
    /// At most 30,000 characters.
    comment: Option<String>,
}

impl From<Incident> for IncidentView {
    fn from(incident: Incident) -> Self {
        Self {
            incident_number: incident.number,
            etag: etag(incident.version),
            id: incident.id,
            rule_id: incident.rule_id,
            title: incident.title,
            description: incident.description,
            severity: incident.severity.to_string(),
            status: incident.status.name().to_owned(),
            classification: incident.classification.map(|it| it.name().to_owned()),
            classification_reason: incident
                .classification_reason
                .map(|it| it.name().to_owned()),
            classification_comment: incident.classification_comment,
            owner: incident.owner,
            labels: incident.labels,
            first_activity_time_utc: incident.first_activity.to_rfc3339(),
            last_activity_time_utc: incident.last_activity.to_rfc3339(),
            created_time_utc: incident.created.to_rfc3339(),
            last_modified_time_utc: incident.modified.to_rfc3339(),
            closed_time_utc: incident.closed.map(store::Timestamp::to_rfc3339),
            alerts_count: incident.alerts,
            tactics: incident.tactics,
            techniques: incident.techniques,
            entities: incident
                .entities
                .into_iter()
                .map(EntityView::from)
                .collect(),
            custom_details: incident.details,
            evidence: EvidenceView {
                columns: incident.evidence.columns,
                rows: incident.evidence.rows,
            },
            reason: incident.reason,
            runbook: incident.runbook,
        }
    }
}

impl From<Entity> for EntityView {
    fn from(entity: Entity) -> Self {
        Self {
            kind: entity.kind,
            properties: entity.fields,
        }
    }
}

/// Lists incidents, newest first.
#[utoipa::path(get, path = "/api/v1/incidents", tag = "incidents", security(("key" = [])),
    params(
        ("status" = Option<String>, Query, description = "`New`, `Active` or `Closed`"),
        ("severity" = Option<String>, Query, description = "`Informational`, `Low`, `Medium` or `High`"),
        ("rule" = Option<String>, Query, description = "id of the rule that found it"),
        ("after" = Option<i64>, Query, description = "go on behind this incident number: the list is newest first"),
        ("limit" = Option<u32>, Query, description = "most incidents of the answer, 1 to 1000; 100 if left out")),
    responses(
        (status = 200, description = "A page of incidents", body = IncidentList),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
        (status = 403, description = "The key lacks the scope `read`", body = ProblemBody)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    parameters: Result<Query<ListParameters>, QueryRejection>,
) -> Result<Json<IncidentList>, Problem> {
    let Query(parameters) = parameters.map_err(|error| Problem::bad_request(error.body_text()))?;
    let filter = Filter {
        status: parameters.status.as_deref().map(status).transpose()?,
        after: parameters.after,
        severity: parameters.severity.as_deref().map(severity).transpose()?,
        rule_id: parameters.rule,
        limit: limit_of(parameters.limit)?,
    };
    let incidents = app.core()?.alerts.list(&principal.workspace, filter).await;
    let incidents = incidents.map_err(|error| Problem::internal("list incidents", &error))?;
    Ok(Json(IncidentList {
        incidents: incidents.into_iter().map(IncidentView::from).collect(),
    }))
}

/// Shows an incident and the messages about it.
#[utoipa::path(get, path = "/api/v1/incidents/{number}", tag = "incidents", security(("key" = [])),
    params(("number" = i64, Path, description = "incident number")),
    responses(
        (status = 200, description = "The incident; the ETag header is its version", body = IncidentDetail),
        (status = 403, description = "The key lacks the scope `read`", body = ProblemBody),
        (status = 404, description = "No such incident", body = ProblemBody)))]
pub(super) async fn get(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    number: Result<Path<i64>, PathRejection>,
) -> Result<Response, Problem> {
    let number = incident_number(number)?;
    let core = app.core()?;
    let failed = |error| Problem::internal("read an incident", &error);
    let incident = core
        .alerts
        .get(&principal.workspace, number)
        .await
        .map_err(failed)?;
    let incident = incident.ok_or_else(|| no_incident(number))?;
    let filter = DeliveryFilter {
        incident_number: Some(number),
        limit: LIST_MAX,
        ..DeliveryFilter::default()
    };
    let deliveries = core.alerts.deliveries(&principal.workspace, &filter).await;
    let deliveries = deliveries.map_err(failed)?;
    let history = core.alerts.changes(&principal.workspace, number).await;
    let history = history.map_err(failed)?;
    let version = incident.version;
    let detail = IncidentDetail {
        incident: incident.into(),
        deliveries: deliveries.into_iter().map(DeliveryView::from).collect(),
        history: history.into_iter().map(ChangeView::from).collect(),
    };
    Ok(with_etag(version, Json(detail).into_response()))
}

/// Changes an incident's status, owner or labels.
///
/// With `If-Match` the change is made only if nobody else changed the incident since that version.
#[utoipa::path(patch, path = "/api/v1/incidents/{number}", tag = "incidents", security(("key" = [])),
    params(
        ("number" = i64, Path, description = "incident number"),
        ("If-Match" = Option<String>, Header, description = "the incident's etag, or `*` for any")),
    request_body = IncidentPatch,
    responses(
        (status = 200, description = "The incident as it is now", body = IncidentView),
        (status = 400, description = "A value is wrong", body = ProblemBody),
        (status = 403, description = "The key lacks the scope `manage`", body = ProblemBody),
        (status = 404, description = "No such incident", body = ProblemBody),
        (status = 409, description = "The change is not legal in its status", body = ProblemBody),
        (status = 412, description = "Somebody else changed it meanwhile", body = ProblemBody)))]
pub(super) async fn update(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    number: Result<Path<i64>, PathRejection>,
    headers: HeaderMap,
    patch: Result<Json<IncidentPatch>, JsonRejection>,
) -> Result<Response, Problem> {
    let number = incident_number(number)?;
    let Json(patch) = patch.map_err(|error| Problem::new(error.status(), error.body_text()))?;
    let change = change(patch)?;
    let core = app.core()?;
    let failed = |error| Problem::internal("change an incident", &error);
    let version = match headers.get(header::IF_MATCH) {
        Some(value) if value != "*" => version_of(value)?,
        // Any version will do.
        Some(_) | None => {
            let incident = core
                .alerts
                .get(&principal.workspace, number)
                .await
                .map_err(failed)?;
            incident.ok_or_else(|| no_incident(number))?.version
        }
    };
    let target = (number, version);
    let updated = core
        .alerts
        .update(&principal.workspace, target, &change, &principal.name)
        .await;
    match updated.map_err(failed)? {
        Updated::Done(incident) => {
            let version = incident.version;
            Ok(with_etag(
                version,
                Json(IncidentView::from(*incident)).into_response(),
            ))
        }
        Updated::NotFound => Err(no_incident(number)),
        Updated::Stale { version } => {
            let detail = format!(
                "the incident was changed meanwhile; its etag is now {}",
                etag(version)
            );
            Err(Problem::new(StatusCode::PRECONDITION_FAILED, detail))
        }
        Updated::Refused(refusal) => Err(Problem::new(StatusCode::CONFLICT, refusal.to_string())),
    }
}

fn change(patch: IncidentPatch) -> Result<Change, Problem> {
    let classification = patch
        .classification
        .as_deref()
        .map(|name| Classification::from_name(name).ok_or_else(|| unknown("classification", name)));
    let reason = patch.classification_reason.as_deref().map(|name| {
        ClassificationReason::from_name(name).ok_or_else(|| unknown("classificationReason", name))
    });
    check_bounds(&patch)?;
    Ok(Change {
        status: patch.status.as_deref().map(status).transpose()?,
        owner: patch.owner,
        labels: patch.labels,
        classification: classification.transpose()?,
        classification_reason: reason.transpose()?,
        comment: patch.comment,
    })
}

fn check_bounds(patch: &IncidentPatch) -> Result<(), Problem> {
    let is_longer = |text: &str, chars_max| text.chars().nth(chars_max).is_some();
    let owner = patch.owner.as_deref().unwrap_or_default();
    if is_longer(owner, OWNER_CHARS_MAX) {
        let detail = format!("owner must have at most {OWNER_CHARS_MAX} characters");
        return Err(Problem::bad_request(detail));
    }
    let labels = patch.labels.as_deref().unwrap_or_default();
    if labels.len() > LABELS_MAX || labels.iter().any(|it| is_longer(it, LABEL_CHARS_MAX)) {
        return Err(Problem::bad_request(format!(
            "labels must be at most {LABELS_MAX}, each of at most {LABEL_CHARS_MAX} characters"
        )));
    }
    let comment = patch.comment.as_deref().unwrap_or_default();
    if is_longer(comment, COMMENT_CHARS_MAX) {
        let detail = format!("comment must have at most {COMMENT_CHARS_MAX} characters");
        return Err(Problem::bad_request(detail));
    }
    Ok(())
}

/// How many a listing may have.
pub(super) fn limit_of(limit: Option<u32>) -> Result<u32, Problem> {
    match limit.unwrap_or(LIMIT_USUAL) {
        limit if (1..=LIST_MAX).contains(&limit) => Ok(limit),
        limit => Err(Problem::bad_request(format!(
            "limit {limit} is not between 1 and {LIST_MAX}"
        ))),
    }
}

fn severity(name: &str) -> Result<Severity, Problem> {
    Severity::from_name(name).ok_or_else(|| unknown("severity", name))
}

fn status(name: &str) -> Result<Status, Problem> {
    Status::from_name(name).ok_or_else(|| unknown("status", name))
}

fn unknown(what: &str, name: &str) -> Problem {
    Problem::bad_request(format!("{what} '{name}' is not known; /docs lists them"))
}

fn incident_number(number: Result<Path<i64>, PathRejection>) -> Result<i64, Problem> {
    let Path(number) =
        number.map_err(|_not_a_number| Problem::not_found("incidents have numbers"))?;
    Ok(number)
}

fn no_incident(number: i64) -> Problem {
    Problem::not_found(format!("there is no incident {number}"))
}

fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

fn version_of(etag: &HeaderValue) -> Result<i64, Problem> {
    let text = etag.to_str().unwrap_or_default().trim_matches('"');
    text.parse()
        .map_err(|_not_a_number| Problem::bad_request("If-Match is no etag of an incident"))
}

fn with_etag(version: i64, mut response: Response) -> Response {
    if let Ok(value) = HeaderValue::from_str(&etag(version)) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}
