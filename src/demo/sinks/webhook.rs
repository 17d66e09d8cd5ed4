//! A webhook receiver that believes only what is signed by the Standard Webhooks scheme.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use store::{Clock, Timestamp};
use subtle::ConstantTimeEq as _;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::WAITING_MAX;

const BODY_BYTES_MAX: usize = 1 << 20;
/// How far the sender's clock may be from ours.
const TOLERANCE: Duration = Duration::from_mins(5);

/// A webhook's message whose signature was right.
#[derive(Clone, Debug)]
pub(crate) struct ReceivedEvent {
    /// `webhook-id`: the same when it is delivered again.
    pub(crate) id: String,
    /// The body.
    pub(crate) event: serde_json::Value,
}

/// The receiver, bound but not yet running.
#[derive(Debug)]
pub(crate) struct WebhookSink {
    listener: TcpListener,
    checker: Checker,
}

#[derive(Clone)]
struct Checker {
    secret: Arc<[u8]>,
    clock: Arc<dyn Clock>,
    events: mpsc::Sender<ReceivedEvent>,
}

impl std::fmt::Debug for Checker {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Checker").finish_non_exhaustive()
    }
}

impl WebhookSink {
    /// Binds a free port of loopback, for messages signed with `secret` (`whsec_..`); they come out of
    /// the receiver.
    pub(crate) async fn bind(
        secret: &str,
        clock: Arc<dyn Clock>,
    ) -> io::Result<(Self, SocketAddr, mpsc::Receiver<ReceivedEvent>)> {
        let encoded = secret.strip_prefix("whsec_").unwrap_or(secret);
        let secret = STANDARD.decode(encoded).map_err(io::Error::other)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (events, received) = mpsc::channel(WAITING_MAX);
        let checker = Checker {
            secret: secret.into(),
            clock,
            events,
        };
        Ok((Self { listener, checker }, address, received))
    }

    /// Serves every path until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let router = Router::new()
            .fallback_service(post(receive).with_state(self.checker))
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX));
        let server = axum::serve(self.listener, router);
        if let Err(error) = server.with_graceful_shutdown(stop.cancelled_owned()).await {
            debug!(%error, "the webhook receiver broke off");
        }
    }
}

async fn receive(State(checker): State<Checker>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("")
    };
    let signed = Signed {
        id: text("webhook-id"),
        timestamp: text("webhook-timestamp"),
        body: &body,
    };
    if !signed.is_by(
        &checker.secret,
        text("webhook-signature"),
        checker.clock.now(),
    ) {
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(event) = serde_json::from_slice(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    match checker.events.try_send(ReceivedEvent {
        id: signed.id.to_owned(),
        event,
    }) {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// What a signature covers.
struct Signed<'a> {
    id: &'a str,
    timestamp: &'a str,
    body: &'a [u8],
}

impl Signed<'_> {
    /// Whether one of `signatures` was made with `secret`, not long before `now`.
    fn is_by(&self, secret: &[u8], signatures: &str, now: Timestamp) -> bool {
        let seconds: Option<i64> = self.timestamp.parse().ok();
        let sent = seconds.map(|seconds| Timestamp::from_micros(seconds.saturating_mul(1_000_000)));
        let recent = sent.is_some_and(|sent| now.since(sent).max(sent.since(now)) <= TOLERANCE);
        let expected = self.signature(secret);
        let mut candidates = signatures
            .split(' ')
            .filter_map(|one| one.strip_prefix("v1,"));
        let right = candidates.any(|one| one.as_bytes().ct_eq(expected.as_bytes()).into());
        right && recent && !self.id.is_empty()
    }

    fn signature(&self, secret: &[u8]) -> String {
        let id = self.id.as_bytes();
        let message = [id, b".", self.timestamp.as_bytes(), b".", self.body].concat();
        STANDARD.encode(hmac(secret, &message))
    }
}

/// HMAC-SHA256 (RFC 2104), apart from the sender's, so that the demo checks one against the other.
fn hmac(secret: &[u8], message: &[u8]) -> [u8; 32] {
    let mut key = [0; 64];
    if secret.len() > key.len() {
        key[..32].copy_from_slice(&Sha256::digest(secret));
    } else {
        key[..secret.len()].copy_from_slice(secret);
    }
    let inner = Sha256::new()
        .chain_update(key.map(|octet| octet ^ 0x36))
        .chain_update(message);
    let outer = Sha256::new().chain_update(key.map(|octet| octet ^ 0x5c));
    outer.chain_update(inner.finalize()).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that the scheme's own libraries test with.
    const GOLDEN: (&str, Signed<'_>, &str) = (
        "C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        Signed {
            id: "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            timestamp: "1649367553",
            body: br#"{"email":"test@example.com","username":"test_user"}"#,
        },
        "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
    );

    #[track_caller]
    fn check(signatures: &str, seconds_later: i64, expected: bool) {
        let (secret, signed, _) = GOLDEN;
        let now = Timestamp::from_micros((1_649_367_553 + seconds_later) * 1_000_000);
        assert_eq!(
            signed.is_by(&STANDARD.decode(secret).unwrap(), signatures, now),
            expected
        );
    }

    #[test]
    fn the_schemes_own_example_is_believed() {
        check(GOLDEN.2, 0, true);
        check(&format!("v1,wrong v1a,x {}", GOLDEN.2), 300, true);
    }

    #[test]
    fn wrong_cut_missing_and_stale_signatures_are_not() {
        check("", 0, false);
        check("v1,", 0, false);
        check("v1,tZ1I4/hD", 0, false);
        check("v2,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=", 0, false);
        check(GOLDEN.2, 301, false);
        check(GOLDEN.2, -301, false);
    }

    #[test]
    fn long_secrets_are_hashed_first() {
        // RFC 4231, test case 6.
        let mac = hmac(
            &[0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
        );
        assert_eq!(mac[..8], [0x60, 0xe4, 0x31, 0x59, 0x1e, 0xe0, 0xb6, 0x7f]);
    }
}
