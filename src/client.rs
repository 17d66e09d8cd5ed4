//! The API as a client: what `query`, `import`, `quarantine` and `demo` speak to a service with.

use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use reqwest::{Method, RequestBuilder, StatusCode, header};
use url::Url;

use crate::config::ClientConfig;

/// An answer as it came.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Bytes,
}

impl Reply {
    /// Whether the same request may fare better later.
    pub(crate) fn is_to_repeat(&self) -> bool {
        let is_passing = self.status.is_server_error()
            || matches!(
                self.status,
                StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
            );
        is_passing || (self.status == StatusCode::CONFLICT && self.retry_after.is_some())
    }

    /// What it says, for people.
    pub(crate) fn text(&self) -> String {
        format!("{}: {}", self.status, detail(&self.body))
    }
}

/// A service and a key for it.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    config: ClientConfig,
}

impl Client {
    pub(crate) fn new(mut config: ClientConfig) -> anyhow::Result<Self> {
        let url = Url::parse(&config.url).ok();
        if !url.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
            bail!(
                "'{}' is no address of a service: write http://host:port or https://host:port (--url, BARTIZAN_URL)",
                config.url
            );
        }
        let length = config.url.trim_end_matches('/').len();
        config.url.truncate(length);
        let http = reqwest::Client::builder()
            .no_proxy()
            .build()
            .context("set up an HTTP client")?;
        Ok(Self { http, config })
    }

    /// The service's address.
    pub(crate) fn url(&self) -> &str {
        &self.config.url
    }

    /// Posts a body; the answer's bytes, or an error that says what the service said.
    pub(crate) async fn post(
        &self,
        path: &str,
        body: impl Into<reqwest::Body>,
    ) -> anyhow::Result<Bytes> {
        let request = self.http.post(format!("{}{path}", self.config.url));
        let request = request
            .header("content-type", "application/json")
            .body(body);
        self.send(request).await
    }

    /// What is at a path; as [`Self::post`] otherwise.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Bytes> {
        self.send(self.request(Method::GET, path)).await
    }

    /// A request to be filled in.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.config.url))
    }

    /// The answer to a request, whatever its status.
    pub(crate) async fn reply(&self, mut request: RequestBuilder) -> anyhow::Result<Reply> {
        if let Some(key) = &self.config.key {
            request = request.bearer_auth(key.reveal());
        }
        let response = request
            .send()
            .await
            .with_context(|| format!("reach {}", self.config.url))?;
        let status = response.status();
        let retry_after = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let body = response.bytes().await.context("read the answer")?;
        Ok(Reply {
            status,
            retry_after,
            body,
        })
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Bytes> {
        let reply = self.reply(request).await?;
        if reply.status != StatusCode::OK {
            bail!("{}", reply.text());
        }
        Ok(reply.body)
    }
}

fn detail(body: &[u8]) -> String {
    let problem: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let detail = problem
        .as_ref()
        .and_then(|problem| problem.get("detail")?.as_str());
    detail.map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned)
}
