//! Errors in the words of the protocol whose door was knocked at, so that its clients understand them.
//!
//! Whatever a [`Problem`] says is said in every form; only the wrapping differs.

mod queries;

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::problem::Problem;

pub(super) use queries::{PARTIAL, log_analytics_body, too_large};

/// How it is said that something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// RFC 9457, ours.
    Problem,
    /// As Azure's services do.
    Azure,
    /// As Elasticsearch does.
    Elastic,
    /// `google.rpc.Status`, in the encoding of the request.
    Rpc,
    /// As Azure Data Explorer does.
    Kusto,
    /// As the query API of Log Analytics does.
    LogAnalytics,
}

impl Form {
    /// That of the protocol to which a path belongs, also where there is no such route.
    fn of(path: &str) -> Self {
        let mut parts = path.split('/').skip(1);
        match (parts.next(), parts.next(), parts.next()) {
            (Some("elastic"), ..) | (Some("_bulk"), None, _) | (Some(_), Some("_bulk"), None) => {
                Self::Elastic
            }
            (Some("v1"), Some("logs"), _) => Self::Rpc,
            (Some("dataCollectionRules"), ..) => Self::Azure,
            (Some("v1" | "v2"), Some("rest"), _) => Self::Kusto,
            (Some("v1"), Some("workspaces" | "$batch"), _) => Self::LogAnalytics,
            _ => Self::Problem,
        }
    }
}

/// By which clients of Elasticsearch know it; they refuse to talk to anything else.
pub(super) const PRODUCT: HeaderName = HeaderName::from_static("x-elastic-product");

/// Names a request; Azure's clients look for their own id in the answer.
pub(super) const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");

/// Gives answers the form of their protocol, whoever gave them.
pub(super) async fn in_form(request: Request, next: Next) -> Response {
    let form = Form::of(request.uri().path());
    let asked = request.headers().clone();
    let mut response = next.run(request).await;
    if form == Form::Problem {
        return response;
    }
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = said_in(form, &problem, &asked, response);
    }
    let headers = response.headers_mut();
    match form {
        Form::Elastic => {
            headers.insert(PRODUCT, HeaderValue::from_static("Elasticsearch"));
        }
        Form::Azure | Form::Kusto | Form::LogAnalytics => {
            if let Some(id) = asked.get(&CLIENT_REQUEST_ID) {
                headers.insert(CLIENT_REQUEST_ID, id.clone());
            }
        }
        Form::Problem | Form::Rpc => {}
    }
    response
}

/// The same status and headers with another body.
fn said_in(form: Form, problem: &Problem, asked: &HeaderMap, original: Response) -> Response {
    let (status, detail) = (problem.status(), problem.detail());
    let mut said = match form {
        Form::Azure => {
            let code = azure_code(status);
            let body = Json(json!({"error": {"code": code, "message": detail}}));
            let code = [("x-ms-error-code", code)];
            (status, code, body).into_response()
        }
        Form::Elastic => {
            let cause = json!({"type": elastic_type(status), "reason": detail});
            let mut error = cause.clone();
            error["root_cause"] = json!([cause]);
            let body = Json(json!({"error": error, "status": status.as_u16()}));
            (status, body).into_response()
        }
        Form::Rpc => {
            let code = rpc_code(status);
            if is_json(asked) {
                (status, Json(json!({"code": code, "message": detail}))).into_response()
            } else {
                let kind = [(header::CONTENT_TYPE, "application/x-protobuf")];
                (status, kind, rpc_status(code, detail)).into_response()
            }
        }
        Form::Kusto => queries::kusto(problem),
        Form::LogAnalytics => queries::log_analytics(problem),
        Form::Problem => return original,
    };
    for name in [header::RETRY_AFTER, header::WWW_AUTHENTICATE] {
        if let Some(value) = original.headers().get(&name) {
            said.headers_mut().insert(name, value.clone());
        }
    }
    said
}

/// What a request's body is, without parameters.
pub(super) fn media_type(headers: &HeaderMap) -> &str {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|value| value.to_str().ok()).unwrap_or("");
    kind.split(';').next().unwrap_or("").trim()
}

/// Whether a request's body is JSON.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    media_type(headers).eq_ignore_ascii_case("application/json")
}

fn azure_code(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "InvalidRequest",
        StatusCode::UNAUTHORIZED => "InvalidAccessToken",
        StatusCode::FORBIDDEN => "OperationFailed",
        StatusCode::NOT_FOUND => "NotFound",
        StatusCode::PAYLOAD_TOO_LARGE => "ContentLengthLimitExceeded",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "UnsupportedContentEncoding",
        StatusCode::TOO_MANY_REQUESTS => "RateLimitExceeded",
        StatusCode::SERVICE_UNAVAILABLE => "ServiceUnavailable",
        status if status.is_server_error() => "InternalServerError",
        _ => "BadRequest",
    }
}

fn elastic_type(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "security_exception",
        StatusCode::NOT_FOUND => "resource_not_found_exception",
        StatusCode::TOO_MANY_REQUESTS => "es_rejected_execution_exception",
        StatusCode::SERVICE_UNAVAILABLE => "unavailable_shards_exception",
        status if status.is_server_error() => "exception",
        _ => "illegal_argument_exception",
    }
}

/// Codes of `google.rpc.Code`.
fn rpc_code(status: StatusCode) -> u8 {
    match status {
        StatusCode::UNAUTHORIZED => 16,
        StatusCode::FORBIDDEN => 7,
        StatusCode::NOT_FOUND => 5,
        StatusCode::CONFLICT => 10,
        StatusCode::TOO_MANY_REQUESTS => 8,
        StatusCode::SERVICE_UNAVAILABLE => 14,
        status if status.is_server_error() => 13,
        _ => 3,
    }
}

/// `google.rpc.Status` as protobuf: field 1 is the code, field 2 the message.
fn rpc_status(code: u8, message: &str) -> Vec<u8> {
    let mut bytes = vec![0x08, code];
    put_text(&mut bytes, 0x12, message);
    bytes
}

/// Appends a protobuf field of text.
pub(super) fn put_text(bytes: &mut Vec<u8>, tag: u8, text: &str) {
    bytes.push(tag);
    put_varint(bytes, text.len() as u64);
    bytes.extend_from_slice(text.as_bytes());
}

/// Appends a protobuf number.
pub(super) fn put_varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        let [low, ..] = number.to_le_bytes();
        bytes.push(low | 0x80);
        number >>= 7;
    }
    let [low, ..] = number.to_le_bytes();
    bytes.push(low);
}
