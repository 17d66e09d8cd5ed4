//! `POST /api/v1/ingest`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::Serialize;
use store::Receipt;
use utoipa::ToSchema;
use uuid::Uuid;

use super::app::App;
use super::arrived::Arrived;
use super::problem::{Problem, ProblemBody};
use super::sources;
use crate::intake::{IntakeError, RequestName};

/// What became of a body's records; all of it is on disk.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IngestAnswer {
    /// Records that became rows.
    accepted: u64,
    /// Records that could not be read and are kept in `_Quarantine` with the reason.
    quarantined: u64,
    /// Names the batch; `_Quarantine.Batch` carries it.
    #[schema(value_type = String)]
    batch: Uuid,
}

impl From<Receipt> for IngestAnswer {
    fn from(receipt: Receipt) -> Self {
        Self {
            accepted: receipt.accepted,
            quarantined: receipt.quarantined,
            batch: receipt.batch,
        }
    }
}

/// Longest idempotency key, in bytes.
const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;

/// Takes logs of Azure and of other gateways, each record told by itself.
///
/// API Management gateway logs, VNet and NSG flow logs, Activity logs, sign-in and audit logs of Entra ID, audit logs of
/// Key Vault, access and firewall logs of Application Gateway, logs of language models, tools, WebSocket connections and the
/// developer portal of API Management, and rows of all these tables exported from Log Analytics; any other resource log
/// goes to `AzureDiagnostics`. Access logs of Kong, Envoy, nginx and Amazon API Gateway, and records of mappings in the
/// configuration, go to `ApiManagementGatewayLogs`.
///
/// The body is `{"records":[..]}`, an array of records or of such objects, one record, one per line (NDJSON), lines of the
/// Combined Log Format, or comma-separated values with a column `TimeGenerated`; plain, gzip or zstd. The answer comes when
/// everything is on disk and can be queried. A request with an
/// `Idempotency-Key` may be sent again for 24 hours, compressed or not: it is stored once and answered the same. Each API
/// key has names of its own.
///
/// A sender that reads a source in parts names source and positions instead. A part is taken only if the source stands
/// where the part begins, and moves it to where the part ends, together with its rows; so each part is taken once,
/// however late it is sent again. What can't be read in a part is quarantined, even if that is all of it.
#[utoipa::path(post, path = "/api/v1/ingest", tag = "ingest", security(("key" = [])),
    params(
        ("Content-Encoding" = Option<String>, Header, description = "`identity`, `gzip` or `zstd`"),
        ("Idempotency-Key" = Option<String>, Header, description = "up to 255 visible ASCII characters"),
        ("Bartizan-Source" = Option<String>, Header, description = "the source that the body is a part of, up to 512 visible ASCII characters that do not begin with `quarantine:`"),
        ("Bartizan-From" = Option<String>, Header, description = "position where the part begins; absent for the first"),
        ("Bartizan-To" = Option<String>, Header, description = "position where it ends, up to 256 visible ASCII characters"),
        ("Bartizan-Origin" = Option<String>, Header, description = "where the source is found, such as a path")),
    request_body(content = String, content_type = "application/json", description = "log records"),
    responses(
        (status = 200, description = "On disk", body = IngestAnswer),
        (status = 400, description = "No record can be told apart; `offset` says where", body = ProblemBody),
        (status = 401, description = "No valid key", body = ProblemBody),
        (status = 403, description = "The key lacks the scope `ingest`", body = ProblemBody),
        (status = 409, description = "The same Idempotency-Key or source is being worked on, or the source stands elsewhere: at `position`", body = ProblemBody),
        (status = 413, description = "Larger than the limit", body = ProblemBody),
        (status = 415, description = "Unknown Content-Encoding", body = ProblemBody),
        (status = 422, description = "The Idempotency-Key was used for another body", body = ProblemBody),
        (status = 429, description = "Over the rate limit; see Retry-After", body = ProblemBody),
        (status = 503, description = "Starting, overloaded or too slow, or the disk or the catalog is away; see Retry-After", body = ProblemBody)))]
pub(super) async fn ingest(
    State(app): State<Arc<App>>,
    arrived: Arrived,
) -> Result<Json<IngestAnswer>, Problem> {
    let core = app.core()?;
    let headers = arrived.headers.clone();
    let key = idempotency_key(&headers)?;
    let step = sources::step(&headers)?;
    let delivery = arrived.into_delivery("http", None);
    let receipt = match step {
        None => app.intake.take(&core.store, delivery, key).await?,
        Some(_) if key.is_some() => return Err(two_ways()),
        Some(step) => app.intake.take_step(&core.store, delivery, step).await?,
    };
    Ok(Json(receipt.into()))
}

fn two_ways() -> Problem {
    Problem::bad_request("a part of a source needs no Idempotency-Key: its position is one")
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<RequestName>, Problem> {
    let mut values = headers.get_all("idempotency-key").into_iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let key = value.to_str().unwrap_or_default();
    if key.is_empty() || key.len() > IDEMPOTENCY_KEY_BYTES_MAX || values.next().is_some() {
        let detail = "Idempotency-Key must be one of 1 to 255 visible ASCII characters";
        return Err(Problem::bad_request(detail));
    }
    Ok(Some(RequestName::Strict(key.to_owned())))
}

impl From<IntakeError> for Problem {
    fn from(error: IntakeError) -> Self {
        let status = match &error {
            IntakeError::TooLarge { .. } | IntakeError::TooManyRecords(_) => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            IntakeError::Corrupt(_) | IntakeError::Unreadable { .. } => StatusCode::BAD_REQUEST,
            IntakeError::OtherBody => StatusCode::UNPROCESSABLE_ENTITY,
            IntakeError::Elsewhere(standing) => return sources::elsewhere(standing.as_ref()),
            IntakeError::InProgress | IntakeError::Moving => StatusCode::CONFLICT,
            IntakeError::Busy
            | IntakeError::Stopping
            | IntakeError::TakenOver
            | IntakeError::DiskFailed
            | IntakeError::DiskFull => StatusCode::SERVICE_UNAVAILABLE,
            IntakeError::Internal { doing, source } => return Self::internal(doing, &**source),
        };
        let problem = Self::new(status, error.to_string());
        match error {
            IntakeError::Unreadable {
                offset: Some(offset),
                ..
            } => problem.at(offset),
            IntakeError::InProgress | IntakeError::Moving | IntakeError::Stopping => {
                problem.retry_after(1)
            }
            IntakeError::Busy | IntakeError::TakenOver => problem.retry_after(5),
            IntakeError::DiskFailed | IntakeError::DiskFull => problem.retry_after(30),
            _ => problem,
        }
    }
}
