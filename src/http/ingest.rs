//! `POST /api/v1/ingest`.

use std::sync::Arc;

use ::ingest::{BoundError, Context, DecodeError, Decoded, Encoding};
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::{Extension, Json};
use serde::Serialize;
use store::{AppendError, Claim, ClaimOutcome, NewBatch, Receipt, WalError};
use utoipa::ToSchema;
use uuid::Uuid;

use super::app::{App, Core};
use super::problem::{Problem, ProblemBody};
use crate::keys::Principal;

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

/// Takes Azure's logs, each record told by itself.
///
/// API Management gateway logs, VNet and NSG flow logs, Activity logs, sign-in and audit logs of Entra ID, audit logs of
/// Key Vault, access and firewall logs of Application Gateway; any other resource log goes to `AzureDiagnostics`.
///
/// The body is `{"records":[..]}`, an array of records or of such objects, one record, or one per line (NDJSON),
/// plain, gzip or zstd. The answer comes when everything is on disk and can be queried. A request with an
/// `Idempotency-Key` may be sent again for 24 hours: it is stored once and answered the same.
#[utoipa::path(post, path = "/api/v1/ingest", tag = "ingest", security(("key" = [])),
    params(
        ("Content-Encoding" = Option<String>, Header, description = "`identity`, `gzip` or `zstd`"),
        ("Idempotency-Key" = Option<String>, Header, description = "up to 255 visible ASCII characters")),
    request_body(content = String, content_type = "application/json", description = "log records"),
    responses(
        (status = 200, description = "On disk", body = IngestAnswer),
        (status = 400, description = "No record can be told apart; `offset` says where", body = ProblemBody),
        (status = 401, description = "No valid key", body = ProblemBody),
        (status = 403, description = "The key lacks the scope `ingest`", body = ProblemBody),
        (status = 409, description = "The same Idempotency-Key is being worked on", body = ProblemBody),
        (status = 413, description = "Larger than the limit", body = ProblemBody),
        (status = 415, description = "Unknown Content-Encoding", body = ProblemBody),
        (status = 422, description = "The Idempotency-Key was used for another body", body = ProblemBody),
        (status = 429, description = "Over the rate limit; see Retry-After", body = ProblemBody),
        (status = 503, description = "Starting or overloaded; see Retry-After", body = ProblemBody)))]
pub(super) async fn ingest(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<IngestAnswer>, Problem> {
    let core = app.core()?;
    let encoding = encoding(&headers)?;
    let body = body.map_err(|rejection| unreadable(&app, &rejection))?;
    let claim = match idempotency_key(&headers)? {
        None => None,
        Some(key) => match claim(&core, &principal, key, &body).await? {
            Claimed::New(claim) => Some(claim),
            Claimed::Answered(receipt) => return Ok(Json(receipt.into())),
        },
    };
    let id = Uuid::now_v7();
    let decoded = decode(&app, &principal, (encoding, body), id).await?;
    metrics::counter!("bartizan_ingest_records_total", "outcome" => "accepted")
        .increment(decoded.accepted);
    metrics::counter!("bartizan_ingest_records_total", "outcome" => "quarantined")
        .increment(decoded.quarantined);
    let batch = NewBatch {
        workspace: principal.workspace,
        id,
        idempotency: claim,
        accepted: decoded.accepted,
        quarantined: decoded.quarantined,
        parts: decoded.parts,
    };
    let receipt = core
        .store
        .append(batch)
        .await
        .map_err(|error| not_stored(&error))?;
    Ok(Json(receipt.into()))
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, Problem> {
    let value = headers
        .get(header::CONTENT_ENCODING)
        .map(|value| value.to_str().unwrap_or("?"));
    Encoding::from_header(value).ok_or_else(|| {
        let detail = "Content-Encoding must be identity, gzip or zstd";
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    })
}

fn unreadable(app: &App, rejection: &BytesRejection) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return too_large(app.http.body_bytes_max);
    }
    Problem::bad_request("the body ended before it was whole")
}

fn too_large(bytes_max: usize) -> Problem {
    let detail = format!("the body is larger than {bytes_max} bytes; send it in parts");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = value.to_str().unwrap_or_default();
    if key.is_empty() || key.len() > IDEMPOTENCY_KEY_BYTES_MAX {
        let detail = "Idempotency-Key must be 1 to 255 visible ASCII characters";
        return Err(Problem::bad_request(detail));
    }
    Ok(Some(key))
}

enum Claimed {
    New(Claim),
    Answered(Receipt),
}

async fn claim(
    core: &Core,
    principal: &Principal,
    key: &str,
    body: &Bytes,
) -> Result<Claimed, Problem> {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(body).into();
    let outcome = core.store.claim(&principal.workspace, key, digest).await;
    match outcome.map_err(|error| Problem::internal("claim an idempotency key", &error))? {
        ClaimOutcome::Claimed(claim) => Ok(Claimed::New(claim)),
        ClaimOutcome::Repeated(receipt) => Ok(Claimed::Answered(receipt)),
        ClaimOutcome::OtherBody => {
            let detail = "this Idempotency-Key was used for another body; use a new one";
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail))
        }
        ClaimOutcome::InProgress => {
            let detail = "a request with this Idempotency-Key is being worked on";
            Err(Problem::new(StatusCode::CONFLICT, detail).retry_after(1))
        }
    }
}

/// Decompresses and decodes on a thread of its own: both are work for the processor.
async fn decode(
    app: &App,
    principal: &Principal,
    (encoding, body): (Encoding, Bytes),
    id: Uuid,
) -> Result<Decoded, Problem> {
    let turn = Arc::clone(&app.decoding).acquire_owned().await;
    let turn = turn.map_err(|error| Problem::internal("wait for a turn", &error))?;
    let (limits, bytes_max) = (app.ingest, app.http.decompressed_bytes_max);
    let (workspace, received) = (principal.workspace.clone(), app.clock.now());
    let work = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let body =
            ::ingest::decompress(encoding, body, bytes_max).map_err(|error| match error {
                BoundError::TooLarge { .. } => too_large(bytes_max),
                corrupt @ BoundError::Corrupt { .. } => Problem::bad_request(with_causes(&corrupt)),
            })?;
        metrics::counter!("bartizan_ingest_bytes_total").increment(body.len() as u64);
        let batch = id.to_string();
        let context = Context {
            workspace: &workspace,
            batch: &batch,
            source: "http",
            received,
        };
        ::ingest::decode(&context, &limits, &body).map_err(|error| not_decoded(&error))
    });
    work.await
        .map_err(|error| Problem::internal("decode a body", &error))?
}

fn not_decoded(error: &DecodeError) -> Problem {
    match error {
        DecodeError::Unreadable { offset, .. } => {
            Problem::bad_request(error.to_string()).at(*offset)
        }
        DecodeError::Empty => Problem::bad_request(error.to_string()),
        DecodeError::TooManyRecords { .. } => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("{error}; send it in parts"),
        ),
        DecodeError::Build(_) => Problem::internal("decode a body", error),
    }
}

fn not_stored(error: &AppendError) -> Problem {
    match error {
        AppendError::Busy => {
            Problem::unavailable("more logs come in than can be written; send this again")
                .retry_after(5)
        }
        AppendError::Wal(WalError::Closed) => Problem::unavailable("the service is stopping"),
        AppendError::Wal(WalError::Failed) => {
            Problem::unavailable("the disk failed; nothing is taken until the service is restarted")
                .retry_after(30)
        }
        AppendError::Batch(_) | AppendError::Schema(_) | AppendError::Background(_) => {
            Problem::internal("store a batch", error)
        }
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
