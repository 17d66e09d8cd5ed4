//! `bartizan quarantine`.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::cli::{QuarantineCommand, QuarantineFilter, ServiceArguments};
use crate::client::Client;
use crate::config::ClientConfig;
use crate::quarantine::Id;
use crate::terminal;

#[derive(Deserialize)]
struct Page {
    records: Vec<Record>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Record {
    id: String,
    time: String,
    source: String,
    reason: String,
    reason_class: String,
    length: i64,
    digest: String,
    bytes_kept: bool,
    replayed: bool,
    bytes: Option<String>,
    text: Option<String>,
}

#[derive(Default, Deserialize)]
struct ReplayAnswer {
    replayed: u64,
    replayed_before: u64,
    unreadable: u64,
    incomplete: u64,
    #[serde(default)]
    unknown: Vec<String>,
    next: Option<String>,
}

pub(crate) async fn run(command: QuarantineCommand) -> anyhow::Result<ExitCode> {
    match command {
        QuarantineCommand::List {
            filter,
            before,
            limit,
            service,
        } => list(&client(service)?, filter, before, limit).await?,
        QuarantineCommand::Show { id, service } => show(&client(service)?, &id).await?,
        QuarantineCommand::Replay {
            ids,
            filter,
            service,
        } => return replay(&client(service)?, &ids, filter).await,
    }
    Ok(ExitCode::SUCCESS)
}

fn client(service: ServiceArguments) -> anyhow::Result<Client> {
    Client::new(ClientConfig::load(service.url, service.key))
}

fn members(filter: QuarantineFilter) -> Vec<(&'static str, String)> {
    let all = [
        ("class", filter.class),
        ("source", filter.source),
        ("since", filter.since),
        ("until", filter.until),
    ];
    let given = all.into_iter();
    given
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

fn list_path(filter: QuarantineFilter, before: Option<String>, limit: usize) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(members(filter));
    query.extend_pairs(before.map(|before| ("before", before)));
    query.append_pair("limit", &limit.to_string());
    format!("/api/v1/quarantine?{}", query.finish())
}

async fn list(
    client: &Client,
    filter: QuarantineFilter,
    before: Option<String>,
    limit: usize,
) -> anyhow::Result<()> {
    let path = list_path(filter, before, limit);
    let answer = client.get(&path).await?;
    let page: Page = serde_json::from_slice(&answer).context("read the answer")?;
    for record in &page.records {
        let state = match (record.replayed, record.bytes_kept) {
            (true, _) => ", replayed",
            (false, false) => ", bytes not kept",
            (false, true) => "",
        };
        line(&format!(
            "{}  {}  {}  {}: {} ({} bytes{state})",
            record.id,
            record.time,
            record.source,
            record.reason_class,
            record.reason,
            record.length
        ));
    }
    if let Some(next) = page.next {
        line(&format!("more with --before {next}"));
    }
    Ok(())
}

async fn show(client: &Client, id: &str) -> anyhow::Result<()> {
    let Some(id) = Id::parse(id) else {
        bail!("'{id}' is no id of a record: bartizan quarantine list shows them");
    };
    let answer = client.get(&format!("/api/v1/quarantine/{id}")).await?;
    let record: Record = serde_json::from_slice(&answer).context("read the answer")?;
    line(&format!(
        "{}  {}  {}",
        record.id, record.time, record.source
    ));
    line(&format!("{}: {}", record.reason_class, record.reason));
    line(&format!(
        "{} bytes, BLAKE3 {}",
        record.length, record.digest
    ));
    if record.replayed {
        line("replayed");
    }
    line("");
    match (record.text, record.bytes) {
        (Some(text), _) => line(&text),
        (None, Some(bytes)) => line(&format!("not UTF-8; in base64: {bytes}")),
        (None, None) => line("its bytes were not kept"),
    }
    Ok(())
}

async fn replay(
    client: &Client,
    ids: &[String],
    filter: QuarantineFilter,
) -> anyhow::Result<ExitCode> {
    let given = members(filter).into_iter();
    let mut wanted: Map<String, Value> = given
        .map(|(name, value)| (name.to_owned(), Value::String(value)))
        .collect();
    let mut total = ReplayAnswer::default();
    loop {
        let request = if ids.is_empty() {
            json!({"filter": wanted})
        } else {
            json!({"ids": ids})
        };
        let answer = client.post("/api/v1/quarantine/replay", request.to_string());
        let part: ReplayAnswer =
            serde_json::from_slice(&answer.await?).context("read the answer")?;
        total.replayed += part.replayed;
        total.replayed_before += part.replayed_before;
        total.unreadable += part.unreadable;
        total.incomplete += part.incomplete;
        total.unknown.extend(part.unknown);
        match part.next {
            Some(next) => wanted.insert("before".to_owned(), Value::String(next)),
            None => break,
        };
    }
    line(&format!(
        "{} read now, {} were before, {} still can't be, of {} bytes are missing",
        total.replayed, total.replayed_before, total.unreadable, total.incomplete
    ));
    for id in &total.unknown {
        terminal::note(&format!("there is no quarantined record '{id}'"));
    }
    Ok(if total.unknown.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn line(text: &str) {
    terminal::line(terminal::visible(text));
}
