//! Errors as they leave: RFC 9457 `application/problem+json`.
//!
//! A 4xx says what to do about it; a 5xx says nothing but that it is logged.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use query::Fault;
use serde::Serialize;
use utoipa::ToSchema;

/// An error answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemBody {
    /// Always `about:blank`: status and detail say it all.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status's name.
    title: &'static str,
    /// HTTP status.
    status: u16,
    /// What is wrong and what to do about it.
    detail: String,
    /// Where in a body it is wrong, in bytes from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<usize>,
    /// Line of a query on which something is wrong, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    /// Column of that line, in characters from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    /// Where a source stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<String>,
}

/// An error on its way out.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
    offset: Option<usize>,
    /// What is wrong with a query's text, and on which line and column.
    query: Option<(Fault, Option<(usize, usize)>)>,
    position: Option<String>,
    retry_after_s: Option<u64>,
}

/// When to ask again for what needs a database that is away.
const DATABASE_RETRY_S: u64 = 10;

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            offset: None,
            query: None,
            position: None,
            retry_after_s: None,
        }
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(crate) fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(1)
    }

    /// A failure of ours: logged with its causes here, told without them. A database that is away for now is none.
    pub(crate) fn internal(doing: &'static str, error: &(dyn std::error::Error + 'static)) -> Self {
        if store::is_unavailable(error) {
            tracing::warn!(error, "cannot {doing} now");
            return Self::unavailable(
                "the catalog can't be reached or written now; send this again",
            )
            .retry_after(DATABASE_RETRY_S);
        }
        tracing::error!(error, "failed to {doing}");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the service failed; its log says why",
        )
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    pub(crate) fn standing_at(mut self, position: &str) -> Self {
        self.position = Some(position.to_owned());
        self
    }

    /// Says what is wrong with a query's text, and where.
    pub(crate) fn in_query(mut self, fault: Fault, position: Option<(usize, usize)>) -> Self {
        self.query = Some((fault, position));
        self
    }

    /// What is wrong with a query's text, and on which line and column.
    pub(crate) fn query_fault(&self) -> Option<(Fault, Option<(usize, usize)>)> {
        self.query
    }

    pub(crate) fn at(mut self, offset: usize) -> Self {
        self.offset = Some(offset);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let original = self.clone();
        let place = self.query.and_then(|(_, place)| place);
        let body = ProblemBody {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: self.detail,
            offset: self.offset,
            line: place.map(|(line, _)| line),
            column: place.map(|(_, column)| column),
            position: self.position,
        };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // For routes that say it in another form.
        response.extensions_mut().insert(original);
        response
    }
}
