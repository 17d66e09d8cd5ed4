//! The door of OTLP over HTTP: log records of OpenTelemetry's SDKs and collectors.

use std::sync::Arc;

use ::ingest::OtlpEncoding;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use utoipa::ToSchema;

use super::app::App;
use super::arrived::Arrived;
use super::forms::{is_json, media_type, put_text, put_varint};
use super::problem::Problem;
use crate::intake::IntakeError;

/// Media type of OTLP's protobuf.
const PROTOBUF: &str = "application/x-protobuf";

/// `google.rpc.Status`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes what `forms` writes")]
pub(crate) struct RpcStatus {
    /// Of `google.rpc.Code`, such as 14 for 503.
    code: u8,
    /// What is wrong and what to do about it.
    message: String,
}

/// OpenTelemetry's logs (OTLP over HTTP).
///
/// An `ExportLogsServiceRequest` as protobuf (`application/x-protobuf`) or JSON; the answer has the same encoding. A
/// log record whose body or attributes are a record of a known kind becomes a row of that kind, one that says what an
/// HTTP server was asked and answered a row of `ApiManagementGatewayLogs`, any other a row of `OTelLogs`. Records that
/// can't be read are kept in `_Quarantine` and counted in `partialSuccess`; they need not be sent again. Errors are
/// `google.rpc.Status`.
#[utoipa::path(post, path = "/v1/logs", tag = "senders", security(("key" = [])),
    params(("Content-Encoding" = Option<String>, Header, description = "`identity`, `gzip` or `zstd`")),
    request_body(description = "ExportLogsServiceRequest",
        content((String = "application/x-protobuf"), (Object = "application/json"))),
    responses(
        (status = 200, description = "On disk: ExportLogsServiceResponse, in the encoding of the request",
            content((String = "application/x-protobuf"), (Object = "application/json"))),
        (status = 400, description = "No such request", content((String = "application/x-protobuf"), (RpcStatus = "application/json"))),
        (status = 401, description = "No valid key", content((String = "application/x-protobuf"), (RpcStatus = "application/json"))),
        (status = 403, description = "The key lacks the scope `ingest`", content((String = "application/x-protobuf"), (RpcStatus = "application/json"))),
        (status = 413, description = "Larger than the limit", content((String = "application/x-protobuf"), (RpcStatus = "application/json"))),
        (status = 415, description = "Unknown Content-Type or Content-Encoding", content((String = "application/x-protobuf"), (RpcStatus = "application/json"))),
        (status = 429, description = "Over the rate limit; see Retry-After", content((String = "application/x-protobuf"), (RpcStatus = "application/json"))),
        (status = 503, description = "Starting, overloaded or too slow, or the disk or the catalog is away; see Retry-After", content((String = "application/x-protobuf"), (RpcStatus = "application/json")))))]
pub(super) async fn logs(
    State(app): State<Arc<App>>,
    arrived: Arrived,
) -> Result<Response, Problem> {
    let core = app.core()?;
    let encoding = encoding(&arrived.headers)?;
    let delivery = arrived.into_delivery("otlp", None);
    let taken = app
        .intake
        .take_with(&core.store, delivery, move |context, limits, body| {
            let decoded = ::ingest::decode_otlp(context, limits, body, encoding);
            decoded.map_err(IntakeError::from)
        });
    let (receipt, reason) = taken.await?;
    let refused = receipt.quarantined;
    let reason = reason.map(|reason| format!("kept in _Quarantine: {reason}"));
    Ok(answer(encoding, refused, reason.as_deref()))
}

fn encoding(headers: &HeaderMap) -> Result<OtlpEncoding, Problem> {
    if is_json(headers) {
        return Ok(OtlpEncoding::Json);
    }
    if media_type(headers).eq_ignore_ascii_case(PROTOBUF) {
        return Ok(OtlpEncoding::Protobuf);
    }
    let detail = "Content-Type must be application/x-protobuf or application/json";
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail))
}

/// An `ExportLogsServiceResponse`: its field 1 is `partial_success`, which has the count in field 1 and the reason in
/// field 2.
fn answer(encoding: OtlpEncoding, refused: u64, reason: Option<&str>) -> Response {
    let reason = reason.filter(|_| refused > 0);
    match (encoding, reason) {
        (OtlpEncoding::Json, None) => Json(json!({})).into_response(),
        (OtlpEncoding::Json, Some(reason)) => Json(json!({"partialSuccess":
            {"rejectedLogRecords": refused.to_string(), "errorMessage": reason}}))
        .into_response(),
        (OtlpEncoding::Protobuf, reason) => {
            let mut bytes = Vec::new();
            if let Some(reason) = reason {
                let mut partial = vec![0x08];
                put_varint(&mut partial, refused);
                put_text(&mut partial, 0x12, reason);
                bytes.push(0x0a);
                put_varint(&mut bytes, partial.len() as u64);
                bytes.extend(partial);
            }
            ([(header::CONTENT_TYPE, PROTOBUF)], bytes).into_response()
        }
    }
}
