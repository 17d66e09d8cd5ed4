//! `bartizan bench ingest`: what a megabyte of logs costs.
//!
//! The service runs as a child process, so that its processor time is its own and not the sender's. It is
//! measured twice, each time on an empty data folder: once with publication put off, for the way to the
//! acknowledgement, and once until every row is in a published segment.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::cli::BenchArguments;
use crate::client::Client;
use crate::config::ClientConfig;
use crate::generate::gateway_bodies;
use crate::terminal;

const KEY: &str = "bench-key-of-no-other-use-0123456789";

/// Ticks of `/proc/<pid>/stat` in a second; Linux has used this for every architecture since 2.6.
const TICKS_PER_SECOND: f64 = 100.0;

const PUT_OFF: &str =
    "[store]\nflush_interval = '1d'\nsegment_bytes = 17179869184\nrecent_bytes = 17179869184\n";
const AT_ONCE: &str = "[store]\nflush_interval = '1s'\n";
const NO_LIMITS: &str = "[limits]\ningest_requests_per_second = 1000000\nrequests_per_second = 1000000\naddress_requests_per_second = 1000000\n";

pub(crate) async fn run(arguments: BenchArguments) -> anyhow::Result<ExitCode> {
    if cfg!(debug_assertions) {
        terminal::line(
            "note: this is a debug build; figures count from `cargo run --release -- bench ingest`",
        );
    }
    let bodies = bodies(&arguments);
    let bytes: usize = bodies.iter().map(Vec::len).sum();
    terminal::line(format!(
        "{} bodies, {:.0} MB, {} senders",
        bodies.len(),
        megabytes(bytes),
        arguments.senders
    ));
    let acknowledged = measure(&bodies, &arguments, PUT_OFF).await?;
    report("to acknowledgement", bytes, &acknowledged);
    let published = measure(&bodies, &arguments, AT_ONCE).await?;
    report("to published Parquet", bytes, &published);
    let ratio = megabytes(bytes) / megabytes(published.lake_bytes);
    terminal::line(format!(
        "Parquet: {:.1} MB, {ratio:.1}x smaller than the JSON",
        megabytes(published.lake_bytes)
    ));
    terminal::line(format!(
        "peak memory: {:.0} MB",
        megabytes(published.peak_bytes)
    ));
    Ok(ExitCode::SUCCESS)
}

fn bodies(arguments: &BenchArguments) -> Vec<Vec<u8>> {
    let wanted = usize::try_from(arguments.megabytes * 1_000_000).unwrap_or(usize::MAX);
    let mut total = 0;
    let mut bodies = Vec::new();
    for body in gateway_bodies(7, arguments.records) {
        total += body.len();
        bodies.push(body);
        if total >= wanted {
            break;
        }
    }
    bodies
}

struct Measured {
    cpu_s: f64,
    wall_s: f64,
    lake_bytes: usize,
    peak_bytes: usize,
}

fn report(what: &str, bytes: usize, measured: &Measured) {
    let per_cpu = megabytes(bytes) / measured.cpu_s;
    let per_wall = megabytes(bytes) / measured.wall_s;
    terminal::line(format!(
        "{what}: {per_cpu:.0} MB per CPU-second ({:.2} s of CPU, {:.2} s on the clock, {per_wall:.0} MB/s)",
        measured.cpu_s, measured.wall_s
    ));
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}

async fn measure(
    bodies: &[Vec<u8>],
    arguments: &BenchArguments,
    store: &str,
) -> anyhow::Result<Measured> {
    let folder = tempfile::tempdir().context("make a scratch folder")?;
    let config = folder.path().join("bench.toml");
    fs::write(&config, format!("{NO_LIMITS}{store}"))?;
    let (mut service, url) = start(folder.path(), &config)?;
    let client = Client::new(ClientConfig {
        url,
        key: Some(alerts::Secret::new(KEY)),
    })?;
    wait_until_ready(&client).await?;
    let pid = service.child.id();
    let (cpu_before, begin) = (cpu_seconds(pid)?, Instant::now());
    let rows = send(bodies, arguments.senders, &client).await?;
    if store == AT_ONCE {
        wait_until_published(&client, rows).await?;
    }
    let measured = Measured {
        cpu_s: cpu_seconds(pid)? - cpu_before,
        wall_s: begin.elapsed().as_secs_f64(),
        lake_bytes: folder_bytes(&folder.path().join("data/lake"))?,
        peak_bytes: peak_bytes(pid)?,
    };
    service.end()?;
    Ok(measured)
}

/// A child process that does not outlive its measurement.
struct ServiceProcess {
    child: Child,
    /// Kept open: the service would meet a closed pipe.
    output: BufReader<ChildStdout>,
}

impl ServiceProcess {
    fn end(&mut self) -> anyhow::Result<()> {
        self.child.kill().context("end the service")?;
        self.child.wait().context("end the service")?;
        Ok(())
    }
}

impl Drop for ServiceProcess {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::debug!(%error, "service ended before");
        }
    }
}

fn start(folder: &Path, config: &Path) -> anyhow::Result<(ServiceProcess, String)> {
    let program = std::env::current_exe().context("find this program")?;
    let mut child = Command::new(program)
        .args(["serve", "--listen", "127.0.0.1:0", "--config"])
        .arg(config)
        .arg("--data")
        .arg(folder.join("data"))
        .env("BARTIZAN_ADMIN_KEY", KEY)
        .stdout(Stdio::piped())
        .spawn()
        .context("start the service")?;
    let stdout = child
        .stdout
        .take()
        .context("read what the service prints")?;
    let output = BufReader::new(stdout);
    let mut service = ServiceProcess { child, output };
    let mut line = String::new();
    while service.output.read_line(&mut line)? > 0 {
        if let Some((_, url)) = line.trim_end().split_once("listening on ") {
            let url = url.split(' ').next().unwrap_or(url).to_owned();
            return Ok((service, url));
        }
        line.clear();
    }
    bail!("the service ended before it listened")
}

async fn wait_until_ready(client: &Client) -> anyhow::Result<()> {
    for _ in 0..600 {
        if client.get("/readyz").await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("the service did not become ready within a minute")
}

/// Sends every body once; returns the records that were accepted.
async fn send(bodies: &[Vec<u8>], senders: usize, client: &Client) -> anyhow::Result<u64> {
    let mut running = JoinSet::new();
    let mut accepted = 0;
    for body in bodies {
        if running.len() >= senders
            && let Some(answer) = running.join_next().await
        {
            accepted += accepted_of(&answer??)?;
        }
        let (client, body) = (client.clone(), body.clone());
        running.spawn(async move { client.post("/api/v1/ingest", body).await });
    }
    while let Some(answer) = running.join_next().await {
        accepted += accepted_of(&answer??)?;
    }
    Ok(accepted)
}

fn accepted_of(answer: &bytes::Bytes) -> anyhow::Result<u64> {
    let answer: serde_json::Value = serde_json::from_slice(answer)?;
    if answer["quarantined"] != 0 {
        bail!("the service could not read what it was sent: {answer}");
    }
    answer["accepted"].as_u64().context("read the answer")
}

async fn wait_until_published(client: &Client, rows: u64) -> anyhow::Result<()> {
    for _ in 0..6_000 {
        let metrics = client.get("/metrics").await?;
        let text = String::from_utf8_lossy(&metrics);
        let published = text
            .lines()
            .find_map(|line| line.strip_prefix("bartizan_segment_rows_published_total "));
        if published
            .and_then(|count| count.parse::<u64>().ok())
            .is_some_and(|count| count >= rows)
        {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("not every row was published within five minutes")
}

/// User and system time of a process, all threads, from `/proc` (man 5 proc, fields 14 and 15).
fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))
        .context("read processor time (Linux only)")?;
    let (_, fields) = stat.rsplit_once(')').context("read processor time")?;
    let ticks: f64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum();
    Ok(ticks / TICKS_PER_SECOND)
}

/// Largest resident set of a process so far, from `/proc`.
fn peak_bytes(pid: u32) -> anyhow::Result<usize> {
    let status =
        fs::read_to_string(format!("/proc/{pid}/status")).context("read memory (Linux only)")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    Ok(kibibytes.context("read memory")? * 1024)
}

fn folder_bytes(folder: &Path) -> anyhow::Result<usize> {
    if !folder.try_exists()? {
        return Ok(0);
    }
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() {
            folder_bytes(&entry.path())?
        } else {
            usize::try_from(metadata.len())?
        };
    }
    Ok(bytes)
}
