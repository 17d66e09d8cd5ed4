//! A request that brings logs, as every door takes it in.

use std::sync::Arc;

use ::ingest::Encoding;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use store::Table;

use super::app::App;
use super::problem::Problem;
use crate::intake::{Delivery, IntakeError};
use crate::keys::Principal;

/// A request whose body is there as a whole and is not too long.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    encoding: Encoding,
    principal: Principal,
}

impl Arrived {
    /// The body for the intake, under the name of its door; `table` is where the door says that its records go.
    pub(super) fn into_delivery(self, source: &'static str, table: Option<Table>) -> Delivery {
        Delivery {
            workspace: self.principal.workspace,
            source,
            encoding: self.encoding,
            body: self.body,
            table,
        }
    }
}

impl FromRequest<Arc<App>> for Arrived {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        let encoding = encoding(&headers)?;
        let missing = || {
            let detail = "send an API key as 'Authorization: Bearer <key>'";
            Problem::new(StatusCode::UNAUTHORIZED, detail)
        };
        let principal: Option<&Principal> = request.extensions().get();
        let principal = principal.cloned().ok_or_else(missing)?;
        let body = Bytes::from_request(request, app).await;
        let body = body.map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                let bytes_max = app.http.body_bytes_max;
                return IntakeError::TooLarge { bytes_max }.into();
            }
            Problem::bad_request("the body ended before it was whole")
        })?;
        Ok(Self {
            headers,
            body,
            encoding,
            principal,
        })
    }
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
