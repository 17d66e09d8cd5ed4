//! Fetches what `externaldata` of KQL names: by HTTPS, from hosts that the configuration names, and no others. It never
//! sends a credential, and shows of an address no more than its host and path.

use std::error::Error as _;
use std::time::Duration;

use alerts::{AddressReach, AddressRefused, GuardedResolver, is_host_allowed};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use ingest::{BoundError, Encoding, decompress};
use query::Fetch;
use reqwest::{Client, Response, redirect};
use url::Url;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Most redirects of an address, each to a host that is named too.
const REDIRECTS_MAX: usize = 5;

/// How a gzip file begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Hosts that may be asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts(Vec<Origin>);

/// Scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Origin {
    fn of(url: &Url) -> Option<Self> {
        Some(Self {
            scheme: url.scheme().to_owned(),
            host: url.host_str()?.to_owned(),
            port: url.port_or_known_default()?,
        })
    }
}

impl Hosts {
    /// Reads `host`, `host:port` and `http://host:port`; without a scheme it is `https`.
    pub(crate) fn from_texts(texts: &[String]) -> Result<Self, String> {
        texts
            .iter()
            .map(|text| origin(text))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether an address may be asked. An error says why not.
    fn check(&self, url: &Url) -> Result<(), String> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err("an address must not carry a user or password".to_owned());
        }
        let origin = Origin::of(url);
        if origin.is_some_and(|origin| self.0.contains(&origin)) {
            return Ok(());
        }
        let (scheme, host) = (url.scheme(), url.host_str().unwrap_or_default());
        let port = url
            .port()
            .map_or_else(String::new, |port| format!(":{port}"));
        let scheme = if scheme == "https" { "" } else { "http://" };
        Err(format!(
            "{host}{port} is not asked: the setting query.externaldata.hosts would have to name '{scheme}{host}{port}'"
        ))
    }
}

fn origin(text: &str) -> Result<Origin, String> {
    let wrong = || {
        format!(
            "'{text}' is no host: write it like 'raw.example.org', or 'http://lists.example.org:8080'"
        )
    };
    let full = if text.contains("://") {
        text.to_owned()
    } else {
        format!("https://{text}")
    };
    let url = Url::parse(&full).map_err(|_error| wrong())?;
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let is_plain = url.username().is_empty() && url.password().is_none() && !text.ends_with('/');
    let is_http = matches!(url.scheme(), "http" | "https") && !text.contains('*');
    let origin = Origin::of(&url).filter(|_| is_bare && is_plain && is_http);
    origin.ok_or_else(wrong)
}

/// Fetches by HTTP.
#[derive(Clone, Debug)]
pub(crate) struct HttpFetch {
    hosts: Hosts,
    reach: AddressReach,
    timeout: Duration,
}

impl HttpFetch {
    pub(crate) fn new(hosts: Hosts, reach: AddressReach, timeout: Duration) -> Self {
        Self {
            hosts,
            reach,
            timeout,
        }
    }

    fn url(&self, address: &str) -> Result<Url, String> {
        if address.contains(';') {
            return Err(
                "what stands behind ';' in an address is a credential for Azure's storage, and none is sent: \
                 leave it out"
                    .to_owned(),
            );
        }
        let url =
            Url::parse(address.trim()).map_err(|error| format!("read the address: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("'{}:' is no https: address", url.scheme()));
        }
        self.hosts.check(&url)?;
        self.check_reach(&url)?;
        Ok(url)
    }

    fn check_reach(&self, url: &Url) -> Result<(), String> {
        if is_host_allowed(url, self.reach) {
            return Ok(());
        }
        let host = url.host_str().unwrap_or_default();
        Err(format!("{host} {UNREACHABLE}"))
    }

    /// A client for one address: what is fetched is fetched seldom.
    fn client(&self) -> Result<Client, reqwest::Error> {
        let fetch = self.clone();
        let policy = redirect::Policy::custom(move |attempt| {
            let count = attempt.previous().len();
            let checked = fetch.hosts.check(attempt.url());
            match checked.and_then(|()| fetch.check_reach(attempt.url())) {
                Err(reason) => attempt.error(Redirected(reason)),
                Ok(()) if count > REDIRECTS_MAX => {
                    attempt.error(Redirected(format!("more than {REDIRECTS_MAX} times")))
                }
                Ok(()) => attempt.follow(),
            }
        });
        Client::builder()
            .redirect(policy)
            .no_proxy()
            .referer(false)
            .dns_resolver(GuardedResolver { reach: self.reach })
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(self.timeout)
            .user_agent(concat!("bartizan/", env!("CARGO_PKG_VERSION")))
            .build()
    }

    fn reason(&self, error: &reqwest::Error) -> String {
        let mut source = error.source();
        while let Some(inner) = source {
            if let Some(redirected) = inner.downcast_ref::<Redirected>() {
                return redirected.to_string();
            }
            if inner.is::<AddressRefused>() {
                return UNREACHABLE.to_owned();
            }
            source = inner.source();
        }
        if error.is_timeout() {
            format!(
                "gave no whole answer within {} s",
                self.timeout.as_secs_f64()
            )
        } else if error.is_connect() {
            "can't be connected to".to_owned()
        } else {
            "broke the request off".to_owned()
        }
    }
}

/// What is said of an address that must not be reached.
const UNREACHABLE: &str = "has an address that is not allowed (private networks are by \
                           query.externaldata.allow_private, those of metadata services never)";

/// A redirect that is not followed.
#[derive(Debug, thiserror::Error)]
#[error("redirects, and is not followed: {0}")]
struct Redirected(String);

#[async_trait]
impl Fetch for HttpFetch {
    fn check(&self, address: &str) -> Result<(), String> {
        self.url(address).map(|_url| ())
    }

    async fn fetch(&self, address: &str, bytes_max: usize) -> Result<Bytes, String> {
        let url = self.url(address)?;
        let shown = format!("{}{}", url.host_str().unwrap_or_default(), url.path());
        let told = |error: reqwest::Error| format!("{shown} {}", self.reason(&error));
        let client = self.client();
        let client = client.map_err(|_error| format!("{shown}: no HTTP client can be made"))?;
        let request = client.get(url).header("accept-encoding", "gzip, identity");
        let response = request.send().await.map_err(told)?;
        let status = response.status();
        if !status.is_success() {
            return Err(format!("{shown} answers {status}"));
        }
        let body = body(response, bytes_max).await.map_err(told)?;
        let too_large = || {
            format!(
                "{shown} is larger than the {bytes_max} bytes that are left to this query; the setting \
                 query.externaldata.bytes says how many one may fetch"
            )
        };
        let body = body.ok_or_else(too_large)?;
        let plain = tokio::task::spawn_blocking(move || plain(body, bytes_max)).await;
        let plain = plain.map_err(|_error| format!("{shown} can't be decompressed"))?;
        let plain = plain.map_err(|error| match error {
            BoundError::TooLarge { .. } => too_large(),
            BoundError::Corrupt { .. } => format!("{shown} is no whole gzip file"),
        })?;
        tracing::info!(
            address = shown,
            bytes = plain.len(),
            "fetched external data"
        );
        Ok(plain)
    }
}

/// The body, or nothing if it is too long.
async fn body(mut response: Response, bytes_max: usize) -> Result<Option<Bytes>, reqwest::Error> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len().saturating_add(chunk.len()) > bytes_max {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body.freeze()))
}

/// A file may be compressed, and its transport too.
fn plain(mut body: Bytes, bytes_max: usize) -> Result<Bytes, BoundError> {
    for _layer in 0..2 {
        if !body.starts_with(&GZIP) {
            break;
        }
        body = decompress(Encoding::Gzip, body, bytes_max)?;
    }
    Ok(body)
}

#[cfg(test)]
mod tests;
