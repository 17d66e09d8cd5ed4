//! `bartizan watchlist`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use reqwest::{Method, RequestBuilder};
use serde::Deserialize;

use crate::cli::{ServiceArguments, WatchlistCommand};
use crate::client::{Client, Reply};
use crate::config::ClientConfig;
use crate::terminal;

#[derive(Deserialize)]
struct Lists {
    watchlists: Vec<List>,
}

#[derive(Deserialize)]
struct List {
    alias: String,
    search_key: String,
    items: u64,
    updated: Option<String>,
}

pub(crate) async fn run(command: WatchlistCommand) -> anyhow::Result<ExitCode> {
    match command {
        WatchlistCommand::List { service } => list(&client(service)?).await?,
        WatchlistCommand::Show { alias, service } => {
            let csv = client(service)?.get(&path(&alias)).await?;
            let text = String::from_utf8_lossy(&csv);
            terminal::line(terminal::visible(text.trim_end_matches(['\r', '\n'])));
        }
        WatchlistCommand::Put {
            alias,
            file,
            search_key,
            service,
        } => put(&client(service)?, &alias, &file, search_key).await?,
        WatchlistCommand::Delete { alias, service } => {
            let client = client(service)?;
            done(&client, client.request(Method::DELETE, &path(&alias))).await?;
            terminal::line(format!("deleted {alias}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn client(service: ServiceArguments) -> anyhow::Result<Client> {
    Client::new(ClientConfig::load(service.url, service.key))
}

fn path(alias: &str) -> String {
    let alias: String = url::form_urlencoded::byte_serialize(alias.as_bytes()).collect();
    format!("/api/v1/watchlists/{alias}")
}

fn put_path(alias: &str, search_key: Option<String>) -> String {
    let mut parameters = url::form_urlencoded::Serializer::new(String::new());
    parameters.extend_pairs(search_key.map(|key| ("search_key", key)));
    format!("{}?{}", path(alias), parameters.finish())
}

async fn done(client: &Client, request: RequestBuilder) -> anyhow::Result<Reply> {
    let reply = client.reply(request).await?;
    if !reply.status.is_success() {
        bail!("{}", reply.text());
    }
    Ok(reply)
}

async fn list(client: &Client) -> anyhow::Result<()> {
    let answer = client.get("/api/v1/watchlists").await?;
    let lists: Lists = serde_json::from_slice(&answer).context("read the answer")?;
    for list in lists.watchlists {
        let updated = list.updated.as_deref().unwrap_or("configuration");
        let (alias, items, key) = (&list.alias, list.items, &list.search_key);
        terminal::line(format!("{alias:32}{items:>9} items  {key:24}{updated}"));
    }
    Ok(())
}

async fn put(
    client: &Client,
    alias: &str,
    file: &Path,
    search_key: Option<String>,
) -> anyhow::Result<()> {
    let csv = tokio::fs::read(file).await;
    let csv = csv.with_context(|| format!("read {}", file.display()))?;
    let request = client.request(Method::PUT, &put_path(alias, search_key));
    let request = request.header("content-type", "text/csv").body(csv);
    let reply = done(client, request).await?;
    let list: List = serde_json::from_slice(&reply.body).context("read the answer")?;
    let (items, key) = (list.items, &list.search_key);
    terminal::line(format!("{alias}: {items} items, search key {key}"));
    Ok(())
}
