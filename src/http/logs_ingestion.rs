//! The door of Azure Monitor's Logs Ingestion API.
//!
//! The stream names the table. Data collection rules are Azure's way to configure it; here there are none, and
//! their id is not looked at.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use store::Table;
use utoipa::ToSchema;
use uuid::Uuid;

use super::app::App;
use super::arrived::Arrived;
use super::forms::CLIENT_REQUEST_ID;
use super::problem::Problem;
use crate::intake::{IntakeError, RequestName};

/// Versions of the API, which differ in nothing that is seen here.
const VERSIONS: [&str; 2] = ["2023-01-01", "2021-11-01-preview"];

/// An error as Azure's services write it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes what `forms` writes")]
pub(crate) struct AzureError {
    error: AzureErrorBody,
}

/// What is wrong.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes what `forms` writes")]
pub(crate) struct AzureErrorBody {
    /// Such as `ContentLengthLimitExceeded`.
    code: String,
    /// What is wrong and what to do about it.
    message: String,
}

/// What follows the question mark.
#[derive(Debug, Deserialize)]
pub(super) struct Parameters {
    #[serde(rename = "api-version")]
    api_version: Option<String>,
}

/// Azure Monitor's Logs Ingestion API.
///
/// Takes rows of the table that the stream is named after (`Microsoft-ApiManagementGatewayLogs`,
/// `Custom-AzureActivity`); of rows in other streams the kind is found from each record. A request with an
/// `x-ms-client-request-id` that is a UUID may be sent again to the same stream with the same body for 24 hours and is
/// stored once.
#[utoipa::path(post, path = "/dataCollectionRules/{rule}/streams/{stream}", tag = "senders", security(("key" = [])),
    params(
        ("rule" = String, Path, description = "any"),
        ("stream" = String, Path, description = "`Microsoft-` or `Custom-` and a table's name"),
        ("api-version" = String, Query, description = "`2023-01-01` or `2021-11-01-preview`"),
        ("Content-Encoding" = Option<String>, Header, description = "`identity`, `gzip` or `zstd`"),
        ("x-ms-client-request-id" = Option<String>, Header, description = "repeated in the answer")),
    request_body(content = String, content_type = "application/json", description = "array of rows"),
    responses(
        (status = 204, description = "On disk"),
        (status = 400, description = "No record can be told apart, or the version is unknown", body = AzureError),
        (status = 401, description = "No valid key", body = AzureError),
        (status = 403, description = "The key lacks the scope `ingest`", body = AzureError),
        (status = 413, description = "Larger than the limit", body = AzureError),
        (status = 415, description = "Unknown Content-Encoding", body = AzureError),
        (status = 429, description = "Over the rate limit; see Retry-After", body = AzureError),
        (status = 503, description = "Starting, overloaded or too slow, or the disk or the catalog is away; see Retry-After", body = AzureError)))]
pub(super) async fn upload(
    State(app): State<Arc<App>>,
    Path((rule, stream)): Path<(String, String)>,
    parameters: Result<Query<Parameters>, QueryRejection>,
    arrived: Arrived,
) -> Result<StatusCode, Problem> {
    let core = app.core()?;
    let version = parameters
        .ok()
        .and_then(|Query(parameters)| parameters.api_version);
    check_version(version.as_deref())?;
    let name = request_name(&arrived.headers, &rule, &stream);
    let delivery = arrived.into_delivery("logs-ingestion", table_of(&stream));
    let taken = app.intake.take(&core.store, delivery, name).await;
    let _receipt = taken.map_err(|error| match error {
        // Azure's clients send again after 503, and give up after 409.
        IntakeError::InProgress => Problem::unavailable(error.to_string()),
        error => error.into(),
    })?;
    Ok(StatusCode::NO_CONTENT)
}

fn check_version(version: Option<&str>) -> Result<(), Problem> {
    if version.is_some_and(|version| VERSIONS.contains(&version)) {
        return Ok(());
    }
    let known = VERSIONS.join(" or ");
    let detail = format!("the parameter api-version must be {known}");
    Err(Problem::bad_request(detail))
}

/// The table that a stream is named after.
fn table_of(stream: &str) -> Option<Table> {
    let name = stream
        .strip_prefix("Microsoft-")
        .or_else(|| stream.strip_prefix("Custom-"))
        .unwrap_or(stream);
    let mut tables = Table::ALL.into_iter();
    tables.find(|table| table.name().eq_ignore_ascii_case(name))
}

/// The client's id, and where the rows go. Azure's clients name each request anew and repeat the name when they send it
/// again; but a caller may choose one name for an upload, which the client sends in many requests. So the same name with
/// another body is another request.
fn request_name(headers: &HeaderMap, rule: &str, stream: &str) -> Option<RequestName> {
    let name = headers.get(&CLIENT_REQUEST_ID)?.to_str().ok()?;
    let id = Uuid::parse_str(name).ok().filter(|id| !id.is_nil())?;
    Some(RequestName::WithBody(format!(
        "logs-ingestion:{id}:{rule}/{stream}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_named_after_a_table() {
        let gateway = Some(Table::ApiManagementGatewayLogs);
        assert_eq!(table_of("Microsoft-ApiManagementGatewayLogs"), gateway);
        assert_eq!(table_of("Custom-AzureActivity"), Some(Table::AzureActivity));
        assert_eq!(table_of("Custom-MyTable_CL"), None);
    }

    #[test]
    fn an_id_names_a_request_to_one_stream() {
        let name = |id: &str, stream: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CLIENT_REQUEST_ID, id.parse().unwrap());
            request_name(&headers, "dcr", stream)
        };
        let id = "3f2b8a52-9d0e-11ef-8f3b-6045bd1e2a34";
        assert_eq!(name(id, "a"), name(id, "a"));
        assert_ne!(name(id, "a"), name(id, "b"));
        assert_eq!(name("my-application", "a"), None);
        assert_eq!(name("00000000-0000-0000-0000-000000000000", "a"), None);
    }
}
