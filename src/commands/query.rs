//! `bartizan query`.

mod complete;
mod line;
mod print;
mod shell;

use std::io::{IsTerminal as _, Read as _};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use crate::cli::{FormatArgument, QueryArguments};
use crate::client::Client;
use crate::config::ClientConfig;

/// Longest query that is read from standard input, in bytes.
const INPUT_BYTES_MAX: u64 = 1 << 20;

pub(crate) async fn run(arguments: QueryArguments) -> anyhow::Result<ExitCode> {
    let client = Client::new(ClientConfig::load(arguments.url, arguments.key))?;
    let mut asking = Asking {
        client,
        is_sql: arguments.sql,
        format: arguments.format,
    };
    let text = match arguments.query {
        Some(text) => text,
        None if std::io::stdin().is_terminal() => {
            let runtime = tokio::runtime::Handle::current();
            let shell = tokio::task::spawn_blocking(move || shell::run(&runtime, &mut asking));
            shell.await.context("run the shell")??;
            return Ok(ExitCode::SUCCESS);
        }
        None => input()?,
    };
    match asking.ask(&text, arguments.explain).await? {
        Said::Answer(body) if arguments.explain => print::plans(&body)?,
        Said::Answer(body) => print::answer(asking.format, &body)?,
        Said::Refusal(refusal) => {
            print::refusal(&text, &refusal);
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn input() -> anyhow::Result<String> {
    let mut text = String::new();
    let mut input = std::io::stdin().lock().take(INPUT_BYTES_MAX);
    input.read_to_string(&mut text).context("read the query")?;
    if text.trim().is_empty() {
        bail!("there is no query on standard input");
    }
    Ok(text)
}

/// What questions are asked with.
struct Asking {
    client: Client,
    is_sql: bool,
    format: FormatArgument,
}

/// What a service says to a question.
enum Said {
    Answer(Bytes),
    Refusal(Refusal),
}

/// Why there is no answer, and where in the query that is.
#[derive(Debug, Deserialize)]
struct Refusal {
    detail: String,
    line: Option<usize>,
    column: Option<usize>,
    #[serde(skip)]
    status: u16,
}

impl Asking {
    /// A query, or with `explain` what the engine makes of it.
    async fn ask(&self, text: &str, explain: bool) -> anyhow::Result<Said> {
        let language = if self.is_sql { "sql" } else { "kql" };
        let format = match self.format {
            _ if explain => "json",
            FormatArgument::Table | FormatArgument::Json => "json",
            FormatArgument::Ndjson => "ndjson",
            FormatArgument::Csv => "csv",
        };
        let body =
            json!({"query": text, "language": language, "format": format, "explain": explain});
        self.post("/api/v1/query", &body).await
    }

    /// A management command, which is answered with tables.
    async fn command(&self, text: &str) -> anyhow::Result<Said> {
        self.post("/v1/rest/mgmt", &json!({"csl": text})).await
    }

    async fn post(&self, path: &str, body: &serde_json::Value) -> anyhow::Result<Said> {
        let request = self.client.request(Method::POST, path);
        let request = request.header("content-type", "application/json");
        let reply = self.client.reply(request.body(body.to_string())).await?;
        if reply.status.is_success() {
            return Ok(Said::Answer(reply.body));
        }
        let status = reply.status.as_u16();
        let refusal = serde_json::from_slice(&reply.body).unwrap_or_else(|_other_form| Refusal {
            detail: reply.text(),
            line: None,
            column: None,
            status,
        });
        Ok(Said::Refusal(Refusal { status, ..refusal }))
    }
}
