//! Errors in the words of the protocol whose door was knocked at, so that its clients understand them.
//!
//! Whatever a [`Problem`] says is said in every form; only the wrapping differs.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::problem::Problem;

/// How a route says that something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// RFC 9457, ours.
    Problem,
    /// As Azure's services do.
    Azure,
    /// As Elasticsearch does.
    Elastic,
}

/// By which clients of Elasticsearch know it; they refuse to talk to anything else.
pub(super) const PRODUCT: HeaderName = HeaderName::from_static("x-elastic-product");

/// Names a request; Azure's clients look for their own id in the answer.
pub(super) const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");

/// Gives answers of a route the form of its protocol.
pub(super) async fn in_form(State(form): State<Form>, request: Request, next: Next) -> Response {
    let asked = request.headers().clone();
    let mut response = next.run(request).await;
    if form == Form::Problem {
        return response;
    }
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = said_in(form, &problem, response);
    }
    let headers = response.headers_mut();
    match form {
        Form::Elastic => {
            headers.insert(PRODUCT, HeaderValue::from_static("Elasticsearch"));
        }
        Form::Azure => {
            if let Some(id) = asked.get(&CLIENT_REQUEST_ID) {
                headers.insert(CLIENT_REQUEST_ID, id.clone());
            }
        }
        Form::Problem => {}
    }
    response
}

/// The same status and headers with another body.
fn said_in(form: Form, problem: &Problem, original: Response) -> Response {
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
        Form::Problem => return original,
    };
    for name in [header::RETRY_AFTER, header::WWW_AUTHENTICATE] {
        if let Some(value) = original.headers().get(&name) {
            said.headers_mut().insert(name, value.clone());
        }
    }
    said
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
