//! `bartizan key`.

use std::process::ExitCode;

use anyhow::Context as _;
use store::{Clock as _, SystemClock, Workspace};

use crate::cli::{KeyArguments, ScopeArgument};
use crate::config::Config;
use crate::keys::{Keys, NewKey, Scope};
use crate::terminal;

/// Makes a key in the database; the service may run meanwhile.
pub(crate) async fn create(arguments: KeyArguments) -> anyhow::Result<ExitCode> {
    let config = Config::load(&arguments.service.into())?;
    let data = &config.store.data;
    std::fs::create_dir_all(data)
        .with_context(|| format!("create data folder {}", data.display()))?;
    let pool = store::open_database(&config.store).await?;
    let scopes = arguments.scopes.into_iter().map(|scope| match scope {
        ScopeArgument::Ingest => Scope::Ingest,
        ScopeArgument::Read => Scope::Read,
        ScopeArgument::Manage => Scope::Manage,
        ScopeArgument::Admin => Scope::Admin,
    });
    let new = NewKey {
        name: arguments.name,
        scopes: scopes.collect(),
        expires: None,
    };
    let created = Keys::new(pool)
        .create(&Workspace::default(), &new, SystemClock.now())
        .await?;
    terminal::line(created.secret);
    Ok(ExitCode::SUCCESS)
}
