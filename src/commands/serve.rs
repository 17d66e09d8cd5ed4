//! `bartizan serve`.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use store::SystemClock;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::cli::ServeArguments;
use crate::config::{Config, LogFormat};
use crate::service::Service;
use crate::terminal;

pub(crate) async fn run(arguments: ServeArguments) -> anyhow::Result<ExitCode> {
    let config = Config::load(&arguments.into())?;
    log_to_stdout(&config)?;
    let mut terminate = signal(SignalKind::terminate()).context("watch for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("watch for SIGINT")?;
    let mut service = Service::start(config, Arc::new(SystemClock)).await?;
    if let Some(first_key) = &service.first_key {
        terminal::line("");
        terminal::line("The first administrator's API key, shown this once:");
        terminal::line(format!("  {}", first_key.secret));
        terminal::line("");
    }
    tokio::select! {
        _ = terminate.recv() => tracing::info!("stopping on SIGTERM"),
        _ = interrupt.recv() => tracing::info!("stopping on SIGINT"),
        error = service.failed() => {
            tracing::error!("ending: {error:#}");
            service.abandon().await;
            return Err(error);
        }
    }
    service.stop().await?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

fn log_to_stdout(config: &Config) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.log_filter)
        .with_context(|| format!("setting log.filter: '{}'", config.log_filter))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false);
    let installed = match config.log_format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    installed.map_err(|error| anyhow::anyhow!("set up the log: {error}"))
}
