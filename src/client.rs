//! The API as a client: what `query` and `demo` speak to a service with.

use anyhow::{Context as _, bail};
use bytes::Bytes;
use reqwest::StatusCode;

use crate::config::ClientConfig;

/// A service and a key for it.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    config: ClientConfig,
}

impl Client {
    pub(crate) fn new(config: ClientConfig) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .build()
            .context("set up an HTTP client")?;
        Ok(Self { http, config })
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

    async fn send(&self, mut request: reqwest::RequestBuilder) -> anyhow::Result<Bytes> {
        if let Some(key) = &self.config.key {
            request = request.bearer_auth(key.reveal());
        }
        let response = request
            .send()
            .await
            .with_context(|| format!("reach {}", self.config.url))?;
        let status = response.status();
        let body = response.bytes().await.context("read the answer")?;
        if status != StatusCode::OK {
            bail!("{status}: {}", detail(&body));
        }
        Ok(body)
    }
}

fn detail(body: &[u8]) -> String {
    let problem: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let detail = problem
        .as_ref()
        .and_then(|problem| problem.get("detail")?.as_str());
    detail.map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned)
}
