//! A request that brings logs, as every door takes it in.

use std::sync::Arc;

use ::ingest::Encoding;
use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use futures::StreamExt as _;
use store::Table;

use super::app::App;
use super::problem::Problem;
use crate::intake::{Delivery, IntakeError, Room};
use crate::keys::Principal;

/// A request whose body is there as a whole and is not too long.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    encoding: Encoding,
    principal: Principal,
    room: Room,
}

impl Arrived {
    /// The body for the intake, under the name of its door; `table` is where the door says that its records go.
    pub(super) fn into_delivery(self, source: &'static str, table: Option<Table>) -> Delivery {
        Delivery {
            workspace: self.principal.workspace,
            sender: self.principal.key_id,
            source,
            encoding: self.encoding,
            body: self.body,
            table,
            room: self.room,
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
        let (body, room) = whole(request.into_body(), app).await?;
        app.rates
            .check_ingest_bytes(&principal.key_id, body.len())?;
        Ok(Self {
            headers,
            body,
            encoding,
            principal,
            room,
        })
    }
}

/// By how much a body grows that did not say how long it is; no part that a connection gives is longer.
const PART_BYTES: usize = 1 << 20;

/// Reads a body to its end. Its parts are copied to where the whole will stand as they come, so that each is given
/// back to the connection at once: kept until the last one, they would take the body's length once more.
async fn whole(body: Body, app: &App) -> Result<(Bytes, Room), Problem> {
    let bytes_max = app.http.body_bytes_max;
    let said = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let too_large = || Problem::from(IntakeError::TooLarge { bytes_max });
    if said > bytes_max {
        return Err(too_large());
    }
    let mut room = app.intake.room(said).await?;
    let mut roomy = said;
    let mut whole = Vec::with_capacity(said);
    let mut parts = body.into_data_stream();
    while let Some(part) = parts.next().await {
        let cut = |_error| Problem::bad_request("the body ended before it was whole");
        let part = part.map_err(cut)?;
        if whole.len() + part.len() > bytes_max {
            return Err(too_large());
        }
        if whole.len() + part.len() > roomy {
            room.grow(PART_BYTES)?;
            roomy += PART_BYTES;
        }
        whole.extend_from_slice(&part);
    }
    Ok((whole.into(), room))
}

/// Several lines of a header are one list (RFC 9110, 5.3), and of encodings only one is taken.
fn encoding(headers: &HeaderMap) -> Result<Encoding, Problem> {
    let lines = headers.get_all(header::CONTENT_ENCODING).into_iter();
    let lines: Vec<&str> = lines.map(|line| line.to_str().unwrap_or("?")).collect();
    let value = (!lines.is_empty()).then(|| lines.join(","));
    Encoding::from_header(value.as_deref()).ok_or_else(|| {
        let detail = "Content-Encoding must be identity, gzip or zstd";
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    })
}
