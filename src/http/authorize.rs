//! Who may: denies by default, before a body is read.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::app::App;
use super::credential;
use super::problem::Problem;
use super::routes::Permission;
use crate::keys::{Principal, Scope};

/// Lets a request pass that the route's permission allows; handlers find the [`Principal`] in the extensions.
pub(super) async fn authorize(
    State((app, permission)): State<(Arc<App>, Permission)>,
    request: Request,
    next: Next,
) -> Response {
    let (mut head, body) = request.into_parts();
    match admit(&app, permission, &head).await {
        Ok(principal) => {
            if let Some(principal) = principal {
                head.extensions.insert(principal);
            }
            next.run(Request::from_parts(head, body)).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn admit(
    app: &App,
    permission: Permission,
    head: &Parts,
) -> Result<Option<Principal>, Problem> {
    if let Some(ConnectInfo(peer)) = head.extensions.get::<ConnectInfo<SocketAddr>>() {
        app.rates.check_address(peer.ip())?;
    }
    let Permission::Scope(needed) = permission else {
        return Ok(None);
    };
    let core = app.core()?;
    let secret = credential::key(&head.headers).map_err(unauthorized)?;
    let principal = core
        .keys
        .verify(&secret, app.clock.now())
        .await
        .map_err(|error| Problem::internal("look up a key", &error))?;
    let Some(principal) = principal else {
        return Err(unauthorized("the key is unknown, revoked or expired"));
    };
    if needed == Scope::Ingest {
        app.rates.check_ingest(&principal.key_id)?;
    } else {
        app.rates.check_other(&principal.key_id)?;
    }
    if !principal.may(needed) {
        let detail = format!(
            "{} {} needs a key with the scope '{}'",
            head.method,
            head.uri.path(),
            needed.name()
        );
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            detail + what_for(needed),
        ));
    }
    Ok(Some(principal))
}

fn what_for(scope: Scope) -> &'static str {
    match scope {
        Scope::Ingest => ", which lets send logs",
        Scope::Read => ", which lets query and read",
        Scope::Manage => ", which lets change incidents",
        Scope::Admin => ", which lets do everything",
    }
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, detail)
}
