//! `bartizan import`.

use std::collections::{BTreeSet, HashMap};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::ImportArguments;
use crate::client::Client;
use crate::config::ClientConfig;
use crate::import::{Ending, Import, Open, Patience, Refused, Sender, is_written_to, walk};
use crate::terminal;

/// How long a service may be away before an import that does not follow gives up.
const PATIENCE: Duration = Duration::from_mins(10);

/// Files that are named in the summary, of each sort.
const NAMED_MAX: usize = 20;

/// What there is to say besides the totals.
#[derive(Debug, Default)]
struct Findings {
    /// What could not be read, and was not since.
    failed: BTreeSet<PathBuf>,
    unfinished: Vec<(PathBuf, usize)>,
    /// Files that may be unfinished copies.
    unclear: Vec<PathBuf>,
}

pub(crate) async fn run(arguments: ImportArguments) -> anyhow::Result<ExitCode> {
    let client = Client::new(ClientConfig::load(
        arguments.url.clone(),
        arguments.key.clone(),
    ))?;
    let patience = if arguments.follow {
        Patience::Endless
    } else {
        Patience::For(PATIENCE)
    };
    let progress = bar(arguments.follow)?;
    let sender = Sender::new(client, patience, progress.clone());
    let ending = if arguments.finished {
        Ending::Finished
    } else {
        Ending::MayGrow
    };
    let mut import = Import::new(sender, ending, progress);
    import.is_dry = arguments.dry_run;
    let mut terminate = signal(SignalKind::terminate()).context("watch for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("watch for SIGINT")?;
    let begin = Instant::now();
    let mut findings = Findings::default();
    let work = async {
        if arguments.follow {
            let interval = Duration::from_secs(arguments.interval);
            follow(&mut import, &arguments.paths, interval, &mut findings).await
        } else {
            once(&mut import, &arguments.paths, &mut findings).await
        }
    };
    let ended = tokio::select! {
        ended = work => Some(ended),
        () = stopped(&mut terminate, &mut interrupt) => None,
    };
    import.progress.finish_and_clear();
    summary(&import, &findings, begin.elapsed());
    let is_interrupted = ended.is_none();
    if let Some(waiting) = import.sender.waiting().filter(|_| is_interrupted) {
        terminal::note(&format!("ended while {waiting}"));
    }
    ended.unwrap_or(Ok(()))?;
    let is_whole = findings.failed.is_empty() && (arguments.follow || !is_interrupted);
    Ok(if is_whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn stopped(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Hidden where there is no terminal.
fn bar(follow: bool) -> anyhow::Result<ProgressBar> {
    if follow {
        return Ok(ProgressBar::hidden());
    }
    let template =
        "{bar:30} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {wide_msg}";
    let style = ProgressStyle::with_template(template).context("draw progress")?;
    Ok(ProgressBar::new(0).with_style(style))
}

async fn once(
    import: &mut Import,
    paths: &[PathBuf],
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let found = look(paths).await?;
    for (path, error) in &found.failures {
        fail(import, findings, path, &anyhow::anyhow!("{error}"));
    }
    let lengths = found.files.iter().map(|path| length(path));
    import.progress.set_length(lengths.sum());
    for path in &found.files {
        import
            .progress
            .set_message(terminal::visible(&path.display().to_string()));
        match one(import, path, findings).await? {
            Settled::Yes => {}
            Settled::MayBeCopy => findings.unclear.push(path.clone()),
            Settled::Cut => fail(import, findings, path, &cut()),
        }
        import.bytes_before += length(path);
        import.progress.set_position(import.bytes_before);
    }
    Ok(())
}

/// Looks again and again for files that are new or have changed.
async fn follow(
    import: &mut Import,
    paths: &[PathBuf],
    interval: Duration,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let mut seen: HashMap<PathBuf, Signature> = HashMap::new();
    // Files that were not settled when they looked like that.
    let mut open: HashMap<PathBuf, Signature> = HashMap::new();
    let mut missing = BTreeSet::new();
    loop {
        let found = look(paths).await?;
        seen.retain(|path, _| found.files.contains(path));
        open.retain(|path, _| found.files.contains(path));
        for (path, error) in &found.failures {
            if missing.insert(path.clone()) {
                let path = path.display();
                terminal::note(&format!("{path}: {error}; waiting for it"));
            }
        }
        missing.retain(|path| found.failures.iter().any(|(failed, _)| failed == path));
        for path in &found.files {
            // Taken before it is read, so that what is added meanwhile is a change.
            let Ok(signature) = std::fs::metadata(path).as_ref().map(signature) else {
                continue;
            };
            let is_open = open.get(path) == Some(&signature) && is_written_to(path);
            if is_open || seen.get(path) == Some(&signature) {
                continue;
            }
            match one(import, path, findings).await? {
                Settled::Yes => {}
                Settled::Cut if !is_written_to(path) => fail(import, findings, path, &cut()),
                Settled::MayBeCopy | Settled::Cut => {
                    open.insert(path.clone(), signature);
                    continue;
                }
            }
            open.remove(path);
            seen.insert(path.clone(), signature);
        }
        findings.unfinished.clear();
        tokio::time::sleep(interval).await;
    }
}

/// What changes with a file.
type Signature = (u64, u64, i64, i64);

fn signature(metadata: &Metadata) -> Signature {
    (
        metadata.ino(),
        metadata.len(),
        metadata.mtime(),
        metadata.mtime_nsec(),
    )
}

async fn look(paths: &[PathBuf]) -> anyhow::Result<crate::import::Walk> {
    let paths = paths.to_vec();
    tokio::task::spawn_blocking(move || walk(&paths))
        .await
        .context("look for files")
}

fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Whether there is nothing more to be done for a file before it changes.
enum Settled {
    Yes,
    /// It has to be looked at again: it may be an unfinished copy.
    MayBeCopy,
    /// It is compressed and ends too early.
    Cut,
}

fn cut() -> anyhow::Error {
    anyhow::anyhow!(
        "ends in the middle of what is compressed: it is damaged or still being written; what could be read of it was sent"
    )
}

/// Sends one file. A file that can't be read costs the others nothing; a service that takes nothing ends the import.
async fn one(import: &mut Import, path: &Path, findings: &mut Findings) -> anyhow::Result<Settled> {
    match import.file(path).await {
        Ok(outcome) => {
            findings.failed.remove(path);
            if outcome.unfinished > 0 {
                findings
                    .unfinished
                    .push((path.to_owned(), outcome.unfinished));
            }
            Ok(match outcome.open {
                None => Settled::Yes,
                Some(Open::MayBeCopy) => Settled::MayBeCopy,
                Some(Open::Cut) => Settled::Cut,
            })
        }
        Err(error) if error.is::<Refused>() => Err(error),
        Err(error) => {
            fail(import, findings, path, &error);
            Ok(Settled::Yes)
        }
    }
}

fn fail(import: &Import, findings: &mut Findings, path: &Path, error: &anyhow::Error) {
    findings.failed.insert(path.to_owned());
    let text = terminal::visible(&path.display().to_string());
    import
        .progress
        .suspend(|| terminal::error(&anyhow::anyhow!("{text}: {error:#}")));
}

fn summary(import: &Import, findings: &Findings, elapsed: Duration) {
    let totals = import.totals;
    let megabytes = bytes(totals.bytes);
    let seconds = elapsed.as_secs_f64().max(0.001);
    if import.is_dry {
        terminal::line(format!(
            "would send {} records, {megabytes:.1} MB, of {} files; nothing new in {}",
            totals.accepted, totals.files, totals.unchanged
        ));
    } else {
        terminal::line(format!(
            "{} files: {} records accepted, {} quarantined, {megabytes:.1} MB in {seconds:.1} s ({:.1} MB/s); nothing new in {} files",
            totals.files,
            totals.accepted,
            totals.quarantined,
            megabytes / seconds,
            totals.unchanged,
        ));
    }
    if totals.repeated > 0 {
        terminal::line(format!(
            "{} parts were on disk already when they were sent again; their records are not counted here",
            totals.repeated
        ));
    }
    for (path, left) in findings.unfinished.iter().take(NAMED_MAX) {
        let path = terminal::visible(&path.display().to_string());
        terminal::line(format!(
            "{path} ends in an unfinished record of {left} bytes, left for the next import (--finished sends it)"
        ));
    }
    if totals.quarantined > 0 {
        terminal::line(format!(
            "{} records could not be read and are kept with the reason: bartizan quarantine list",
            totals.quarantined
        ));
    }
    if totals.copies > 0 {
        terminal::line(format!(
            "{} of them hold only the beginning of files that were read",
            totals.copies
        ));
    }
    for path in findings.unclear.iter().take(NAMED_MAX) {
        let path = terminal::visible(&path.display().to_string());
        terminal::line(format!(
            "{path} may be an unfinished copy of a file that was read, and is being written; left for the next import"
        ));
    }
    if !findings.failed.is_empty() {
        terminal::line(format!("{} could not be read", findings.failed.len()));
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a figure for people, with one digit behind the point"
)]
fn bytes(count: u64) -> f64 {
    count as f64 / 1e6
}
