//! Errors in the words of those whose languages queries are in.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use query::Fault;
use serde_json::{Value, json};

use crate::http::problem::Problem;

/// What Azure Data Explorer calls a kind of failure.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct KustoFailure {
    code: &'static str,
    message: &'static str,
    exception: &'static str,
    is_permanent: bool,
}

const INVALID: &str = "Request is invalid and cannot be executed.";

/// A query that failed after its first rows were sent.
pub(in crate::http) const PARTIAL: KustoFailure = KustoFailure {
    code: "LimitsExceeded",
    message: INVALID,
    exception: "Kusto.Data.Exceptions.KustoServicePartialQueryFailureLimitsExceededException",
    is_permanent: false,
};

/// What is said of an answer that the row limit cut off.
pub(in crate::http) fn too_large() -> String {
    "Query result set has exceeded the service's limit of rows (E_QUERY_RESULT_SET_TOO_LARGE): ask for fewer rows".to_owned()
}

impl KustoFailure {
    fn of(status: StatusCode) -> Self {
        let (code, message, exception, is_permanent) = match status {
            StatusCode::UNAUTHORIZED => (
                "Unauthorized",
                "Caller is not authenticated",
                "KustoRequestDeniedException",
                true,
            ),
            StatusCode::FORBIDDEN => (
                "Forbidden",
                "Caller is not authorized to perform this action",
                "KustoRequestDeniedException",
                true,
            ),
            StatusCode::TOO_MANY_REQUESTS => (
                "TooManyRequests",
                "Request is denied due to throttling.",
                "KustoRequestThrottledException",
                false,
            ),
            StatusCode::REQUEST_TIMEOUT => (
                "Timeout",
                "Request execution has timed out.",
                "KustoServiceTimeoutException",
                false,
            ),
            status if status.is_server_error() => (
                "General_InternalServerError",
                "Unknown error",
                "KustoServiceException",
                false,
            ),
            _ => (
                "General_BadRequest",
                INVALID,
                "KustoBadRequestException",
                true,
            ),
        };
        let exception = EXCEPTIONS
            .into_iter()
            .find(|known| known.ends_with(exception));
        Self {
            code,
            message,
            exception: exception.unwrap_or(EXCEPTION),
            is_permanent,
        }
    }

    /// The error that `detail` tells.
    pub(in crate::http) fn body(self, detail: &str) -> Value {
        json!({"code": self.code, "message": self.message, "@type": self.exception, "@message": detail,
            "@permanent": self.is_permanent})
    }
}

const EXCEPTION: &str = "Kusto.Data.Exceptions.KustoServiceException";

const EXCEPTIONS: [&str; 5] = [
    "Kusto.Data.Exceptions.KustoRequestDeniedException",
    "Kusto.Data.Exceptions.KustoRequestThrottledException",
    "Kusto.Data.Exceptions.KustoServiceTimeoutException",
    EXCEPTION,
    "Kusto.Data.Exceptions.KustoBadRequestException",
];

/// As Azure Data Explorer says it.
pub(in crate::http) fn kusto(problem: &Problem) -> Response {
    let status = problem.status();
    let detail = match problem.query_fault() {
        Some((Fault::Syntax, _)) => format!("Syntax error: {}", problem.detail()),
        Some((Fault::Meaning, _)) => format!("Semantic error: {}", problem.detail()),
        None => problem.detail().to_owned(),
    };
    let body = Json(json!({"error": KustoFailure::of(status).body(&detail)}));
    (timed_out(status), body).into_response()
}

/// As the query API of Log Analytics says it.
pub(super) fn log_analytics(problem: &Problem) -> Response {
    let body = Json(log_analytics_body(problem));
    (timed_out(problem.status()), body).into_response()
}

/// The body of an error of Log Analytics.
pub(in crate::http) fn log_analytics_body(problem: &Problem) -> Value {
    let detail = problem.detail();
    let (code, message) = match problem.status() {
        StatusCode::UNAUTHORIZED => (
            "AuthorizationRequiredError",
            "Valid authentication was not provided",
        ),
        StatusCode::FORBIDDEN => (
            "InsufficientAccessError",
            "The provided credentials have insufficient access to perform the requested operation",
        ),
        StatusCode::NOT_FOUND => ("PathNotFoundError", "The requested path does not exist"),
        StatusCode::TOO_MANY_REQUESTS => ("ThrottledError", "The request is throttled"),
        StatusCode::REQUEST_TIMEOUT => ("GatewayTimeout", "Gateway timeout"),
        StatusCode::SERVICE_UNAVAILABLE => (
            "TemporarilyUnavailable",
            "The service is temporarily unavailable",
        ),
        status if status.is_server_error() => (
            "InternalServerError",
            "Something went wrong processing your query on the server",
        ),
        _ => (
            "BadArgumentError",
            "The request had some invalid properties",
        ),
    };
    let place = |(line, column)| json!({"line": line, "pos": column});
    let inner = match problem.query_fault() {
        Some((Fault::Syntax, position)) => {
            let mut inner = position.map_or_else(|| json!({}), place);
            inner["code"] = json!("SYN0002");
            inner["message"] = json!(detail);
            json!({"code": "SyntaxError", "message": "A recognition error occurred in the query.", "innererror": inner})
        }
        Some((Fault::Meaning, _)) => {
            let inner = json!({"code": "SEM0100", "message": detail});
            json!({"code": "SemanticError", "message": "A semantic error occurred.", "innererror": inner})
        }
        None => json!({"code": code, "message": detail}),
    };
    json!({"error": {"code": code, "message": message, "innererror": inner}})
}

/// Both say so of a query that took too long, where others blame the sender of the request.
fn timed_out(status: StatusCode) -> StatusCode {
    if status == StatusCode::REQUEST_TIMEOUT {
        StatusCode::GATEWAY_TIMEOUT
    } else {
        status
    }
}
