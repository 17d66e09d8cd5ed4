//! Webhooks by Standard Webhooks 1.0: a signed POST whose id stays the same over all attempts.

use std::error::Error as _;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, StatusCode, redirect};
use sha2::Sha256;
use store::Timestamp;
use url::Url;

use super::guard::{AddressRefused, GuardedResolver, Reach, is_host_allowed};
use crate::outbox::{Attempt, Leased};
use crate::settings::WebhookSettings;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Why a webhook can't be used. It never shows the URL, which may hold a secret.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// Not a URL.
    #[error("read the url")]
    Url(#[source] url::ParseError),
    /// Not `https`, or a port other than 443, without leave for private targets.
    #[error("the url must be https on port 443 unless allow_private is set")]
    Insecure,
    /// User and password in the URL.
    #[error("the url must not carry a user or password")]
    UserInfo,
    /// An address that must not be reached.
    #[error("the url's address is not allowed")]
    Address,
    /// Not a signing secret.
    #[error("the secret must be whsec_ and base64 of 24 to 64 bytes")]
    Secret,
    /// The HTTP client can't be built.
    #[error("build the http client")]
    Client(#[source] reqwest::Error),
}

/// A webhook that is ready to use.
#[derive(Debug)]
pub(super) struct Webhook {
    client: Client,
    url: Url,
    key: SigningKey,
}

/// The bytes of a signing secret.
struct SigningKey(Vec<u8>);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SigningKey(..)")
    }
}

impl Webhook {
    pub(super) fn new(settings: &WebhookSettings, timeout: Duration) -> Result<Self, WebhookError> {
        let reach = if settings.allow_private {
            Reach::Private
        } else {
            Reach::Public
        };
        let url = check_url(settings.url.reveal(), reach)?;
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .dns_resolver(GuardedResolver { reach })
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(timeout)
            .user_agent(concat!("bartizan/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(WebhookError::Client)?;
        Ok(Self {
            client,
            url,
            key: SigningKey(key_of(settings.secret.reveal())?),
        })
    }

    pub(super) async fn send(&self, leased: &Leased, now: Timestamp) -> Attempt {
        let timestamp = now.as_micros().div_euclid(1_000_000);
        let Ok(signature) = sign_with(&self.key.0, &leased.id, timestamp, &leased.message) else {
            return Attempt::retry("the secret can't sign");
        };
        let sent = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &leased.id)
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", signature)
            .body(leased.message.clone())
            .send()
            .await;
        match sent {
            Ok(response) => attempt_of(response.status(), response.headers(), now),
            Err(error) => attempt_of_error(&error),
        }
    }
}

/// A URL that is safe to post to as far as its text shows; its addresses are checked on connecting.
fn check_url(text: &str, reach: Reach) -> Result<Url, WebhookError> {
    let url = Url::parse(text).map_err(WebhookError::Url)?;
    let is_secure = url.scheme() == "https" && url.port_or_known_default() == Some(443);
    let is_http = matches!(url.scheme(), "http" | "https");
    if !is_http || (reach == Reach::Public && !is_secure) {
        return Err(WebhookError::Insecure);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(WebhookError::UserInfo);
    }
    if !is_host_allowed(&url, reach) {
        return Err(WebhookError::Address);
    }
    Ok(url)
}

fn key_of(secret: &str) -> Result<Vec<u8>, WebhookError> {
    let encoded = secret.strip_prefix("whsec_").ok_or(WebhookError::Secret)?;
    let key = STANDARD
        .decode(encoded)
        .ok()
        .filter(|key| SECRET_BYTES.contains(&key.len()));
    key.ok_or(WebhookError::Secret)
}

/// The `webhook-signature` of a message: `v1,` and base64 of HMAC-SHA256 over id, time and body.
pub fn sign(secret: &str, id: &str, timestamp_s: i64, body: &str) -> Result<String, WebhookError> {
    sign_with(&key_of(secret)?, id, timestamp_s, body)
}

fn sign_with(key: &[u8], id: &str, timestamp_s: i64, body: &str) -> Result<String, WebhookError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_length| WebhookError::Secret)?;
    mac.update(format!("{id}.{timestamp_s}.{body}").as_bytes());
    Ok(format!(
        "v1,{}",
        STANDARD.encode(mac.finalize().into_bytes())
    ))
}

/// Success is 2xx; 410 asks never to come again; anything else is tried again.
fn attempt_of(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Attempt {
    let answer = format!("HTTP {}", status.as_u16());
    if status.is_success() {
        return Attempt::Delivered { answer };
    }
    if status == StatusCode::GONE {
        return Attempt::Gone { answer };
    }
    Attempt::Retry {
        answer,
        after: headers
            .get(RETRY_AFTER)
            .and_then(|value| pause_of(value.to_str().ok()?, now)),
        reached: Vec::new(),
    }
}

/// `Retry-After`: seconds, or the date until which to wait (RFC 9110, section 10.2.3).
fn pause_of(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let now = SystemTime::UNIX_EPOCH + now.since(Timestamp::from_micros(0));
    Some(until.duration_since(now).unwrap_or_default())
}

/// Says what kind of error it was, without URL and address.
fn attempt_of_error(error: &reqwest::Error) -> Attempt {
    let mut source = error.source();
    while let Some(inner) = source {
        if inner.is::<AddressRefused>() {
            return Attempt::retry("the address is not allowed");
        }
        source = inner.source();
    }
    let answer = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the request failed"
    };
    Attempt::retry(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_equal_the_published_vectors() {
        let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
        let body = r#"{"type":"incident.created","timestamp":"2026-09-01T10:00:00Z","data":{"incidentNumber":42,"title":"APIM key listed by unusual principal","severity":"High","status":"New"}}"#;
        let signature = sign(secret, "msg_01J6N0QW8ZJ4", 1_788_256_800, body).unwrap();
        assert_eq!(signature, "v1,UYjyQhPK9ZYURQAzeWP79YqSg/ufi/IXL5ezD4CbCas=");
    }

    #[test]
    fn urls_that_point_inside_are_refused() {
        #[track_caller]
        fn check(text: &str, reach: Reach, is_accepted: bool) {
            assert_eq!(check_url(text, reach).is_ok(), is_accepted, "{text}");
        }
        check("https://hooks.example.com/a?sig=x", Reach::Public, true);
        check("https://good.example.:443/", Reach::Public, true);
        let refused = [
            "http://hooks.example.com/",
            "https://hooks.example.com:8443/",
            "https://[::ffff:169.254.169.254]/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://127.1/",
            "https://0/",
            "https://[::]/",
            "https://１６９.254.169.254/",
            "https://good@evil.example/",
            "file:///etc/passwd",
            "gopher://evil.example/",
            "not a url",
        ];
        for text in refused {
            check(text, Reach::Public, false);
        }
        check("http://127.0.0.1:9000/hook", Reach::Private, true);
        check("http://169.254.169.254/metadata", Reach::Private, false);
        check("http://168.63.129.16/", Reach::Private, false);
    }

    fn attempt(status: u16, retry_after: &str) -> Attempt {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, retry_after.parse().unwrap())]);
        let now = Timestamp::parse_rfc3339("2026-09-01T10:00:00Z").unwrap();
        attempt_of(StatusCode::from_u16(status).unwrap(), &headers, now)
    }

    #[test]
    fn answers_tell_delivered_later_and_never() {
        let answer = |status| format!("HTTP {status}");
        let later = |status| Attempt::Retry {
            answer: answer(status),
            after: Some(Duration::from_mins(2)),
            reached: Vec::new(),
        };
        let answered = answer(204);
        assert_eq!(attempt(204, "120"), Attempt::Delivered { answer: answered });
        for status in [302, 404, 503] {
            assert_eq!(attempt(status, "120"), later(status));
        }
        assert_eq!(
            attempt(410, "120"),
            Attempt::Gone {
                answer: answer(410)
            }
        );
    }

    #[test]
    fn a_receiver_asks_for_a_pause_in_seconds_or_by_date() {
        #[track_caller]
        fn check(text: &str, expected_s: Option<u64>) {
            let Attempt::Retry { after, .. } = attempt(429, text) else {
                panic!("{text}");
            };
            assert_eq!(after, expected_s.map(Duration::from_secs), "{text}");
        }
        check("7", Some(7));
        check("Tue, 01 Sep 2026 10:00:20 GMT", Some(20));
        check("Tuesday, 01-Sep-26 10:01:00 GMT", Some(60));
        check("Tue, 01 Sep 2026 09:00:00 GMT", Some(0)); // over already
        check("soon", None);
    }

    #[tokio::test]
    async fn a_name_that_points_inside_for_the_moment_is_tried_again() {
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let settings = WebhookSettings {
            url: crate::Secret::new("https://localhost/hook"),
            secret: crate::Secret::new("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"),
            allow_private: false,
        };
        let webhook = Webhook::new(&settings, Duration::from_secs(5)).unwrap();
        let leased = crate::outbox::leased("msg_1", "{}");
        let attempt = webhook.send(&leased, Timestamp::from_micros(0)).await;
        assert_eq!(attempt, Attempt::retry("the address is not allowed"));
    }
}
