//! `bartizan lake`.

use std::process::ExitCode;

use anyhow::Context as _;
use store::{Clock as _, StoreSettings, SystemClock, TableStatus};

use crate::cli::ServeArguments;
use crate::config::Config;
use crate::terminal;

/// Checks every file of the lake; status 1 if one is not what the catalog says.
pub(crate) async fn verify(arguments: ServeArguments) -> anyhow::Result<ExitCode> {
    let settings = Config::load(&arguments.into())?.store;
    let seen = store::verify(&settings, SystemClock.now()).await;
    let seen = seen.with_context(|| place(&settings))?;
    for finding in &seen.findings {
        terminal::line(terminal::visible(&format!(
            "{}: {}",
            finding.path.display(),
            finding.what
        )));
    }
    for orphan in &seen.orphans {
        terminal::line(format!(
            "{}: is in no catalog; the service removes it in time",
            orphan.display()
        ));
    }
    terminal::line(format!(
        "{} files, {} rows, {} bytes: {} findings, {} orphans",
        seen.files,
        seen.rows,
        seen.bytes,
        seen.findings.len(),
        seen.orphans.len()
    ));
    if seen.findings.is_empty() {
        Ok(ExitCode::SUCCESS)
    } else {
        Ok(ExitCode::FAILURE)
    }
}

/// Prints what is in each table.
pub(crate) async fn status(arguments: ServeArguments) -> anyhow::Result<ExitCode> {
    let settings = Config::load(&arguments.into())?.store;
    let tables = store::status(&settings).await;
    let tables = tables.with_context(|| place(&settings))?;
    terminal::line(format!(
        "{:<12} {:<32} {:>7} {:>7} {:>12} {:>14}  {:<27}  {:<27}",
        "workspace", "table", "files", "fresh", "rows", "bytes", "oldest", "newest"
    ));
    for table in &tables {
        terminal::line(row(table));
    }
    Ok(ExitCode::SUCCESS)
}

fn row(table: &TableStatus) -> String {
    format!(
        "{:<12} {:<32} {:>7} {:>7} {:>12} {:>14}  {:<27}  {:<27}",
        table.workspace.as_str(),
        table.table.name(),
        table.files,
        table.fresh,
        table.rows,
        table.bytes,
        table.oldest.to_rfc3339(),
        table.newest.to_rfc3339()
    )
}

fn place(settings: &StoreSettings) -> String {
    format!("read the lake in {}", settings.data.display())
}
