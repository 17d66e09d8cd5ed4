//! `bartizan check`.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use query::Engine;
use store::{Clock, Store, StoreSettings, SystemClock, Workspace};

use crate::cli::ServeArguments;
use crate::config::Config;
use crate::{service, terminal};

/// Checks configuration and rules; queries are planned against an empty store, so that no data is touched.
pub(crate) async fn run(arguments: ServeArguments) -> anyhow::Result<ExitCode> {
    let config = Config::load(&arguments.into())?;
    if let Some(files) = &config.http.tls {
        service::tls(files).await?;
    }
    let scratch = tempfile::tempdir().context("make a scratch folder")?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let settings = StoreSettings::new(scratch.path());
    let store = Arc::new(Store::open(settings, Arc::clone(&clock)).await?);
    let engine = Arc::new(Engine::new(
        Arc::clone(&store),
        Arc::clone(&clock),
        config.engine,
    )?);
    let workspace = Workspace::default();
    let rules = alerts::check_rules(
        config.alerts.rules_directory.as_deref(),
        &config.alerts.rules_disabled,
        Some((&engine, &workspace)),
    );
    let rules = rules.await;
    if !rules.failures.is_empty() {
        let failures: Vec<String> = rules.failures.iter().map(ToString::to_string).collect();
        bail!("rules that do not run: {}", failures.join("; "));
    }
    alerts::Service::open(store, engine, clock, config.alerts).await?;
    terminal::line(format!("ok: configuration, {} rules", rules.rules.len()));
    Ok(ExitCode::SUCCESS)
}
