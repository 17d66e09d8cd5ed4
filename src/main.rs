//! The program: what it can do, and nothing of how.

mod cli;
mod client;
mod commands;
mod config;
mod demo;
mod external;
mod generate;
mod http;
mod import;
mod intake;
mod keys;
mod quarantine;
mod service;
mod terminal;
mod watchlists;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;

use cli::{Cli, Command, KeyCommand, LakeCommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Planning a query is recursive, and its frames are large without optimisation.
const THREAD_STACK_BYTES: usize = 16 << 20;

/// Threads for work that blocks. Each has a heap of its own, and many small bodies at once would ask for hundreds; no
/// such work waits for other such work, so it only has to wait for a thread.
const BLOCKING_THREADS_MAX: usize = 32;

/// A thread that has nothing to do for so long ends, and gives its heap back.
const BLOCKING_THREAD_IDLE: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            terminal::error(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        anyhow::bail!("another TLS provider is installed");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(THREAD_STACK_BYTES)
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .thread_keep_alive(BLOCKING_THREAD_IDLE)
        .build()?;
    runtime.block_on(async {
        match cli.command {
            Command::Serve(arguments) => commands::serve::run(arguments).await,
            Command::Check(arguments) => commands::check::run(arguments).await,
            Command::Key(KeyCommand::Create(arguments)) => commands::key::create(arguments).await,
            Command::Lake(LakeCommand::Verify(arguments)) => {
                commands::lake::verify(arguments).await
            }
            Command::Lake(LakeCommand::Status(arguments)) => {
                commands::lake::status(arguments).await
            }
            Command::Query(arguments) => commands::query::run(arguments).await,
            Command::Mapping(command) => commands::mapping::run(command),
            Command::Quarantine(command) => commands::quarantine::run(command).await,
            Command::Watchlist(command) => commands::watchlist::run(command).await,
            Command::Import(arguments) => commands::import::run(arguments).await,
            Command::Demo(arguments) => demo::run(arguments).await,
        }
    })
}
