//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::Overrides;

/// Keeps watch over API gateways: logs in, incidents out.
#[derive(Debug, Parser)]
#[command(name = "bartizan", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the service
    Serve(ServeArguments),
    /// Check configuration and rules, and start nothing
    Check(ServeArguments),
    /// API keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// The lake's files; the service may be running
    #[command(subcommand)]
    Lake(LakeCommand),
    /// Ask a running service in KQL: once, or line by line
    Query(QueryArguments),
    /// How logs of other gateways become rows
    #[command(subcommand)]
    Mapping(MappingCommand),
    /// Send files and folders of logs to a running service, each record once
    Import(ImportArguments),
    /// What could not be read: look at it, and read it again
    #[command(subcommand)]
    Quarantine(QuarantineCommand),
    /// Lists that queries know, such as addresses of one's own
    #[command(subcommand)]
    Watchlist(WatchlistCommand),
    /// Watch a day of made-up logs with attacks in it
    Demo(DemoArguments),
}

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ServeArguments {
    /// Configuration file (TOML) [env: BARTIZAN_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Data folder [default: ./data]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    /// Address to listen on; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Listen beyond this machine without TLS, behind a proxy that has it
    #[arg(long)]
    pub(crate) allow_insecure_listen: bool,
}

impl From<ServeArguments> for Overrides {
    fn from(arguments: ServeArguments) -> Self {
        Self {
            config: arguments.config,
            data: arguments.data,
            listen: arguments.listen,
            allow_insecure_listen: arguments.allow_insecure_listen,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key and print it, once
    Create(KeyArguments),
}

#[derive(Debug, Args)]
pub(crate) struct KeyArguments {
    /// What it is for
    #[arg(long, default_value = "command line")]
    pub(crate) name: String,
    /// What it may do; give it more than once for more
    #[arg(long = "scope", required = true, value_enum)]
    pub(crate) scopes: Vec<ScopeArgument>,
    #[command(flatten)]
    pub(crate) service: ServeArguments,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ScopeArgument {
    Ingest,
    Read,
    Manage,
    Admin,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LakeCommand {
    /// Check that every file is what the catalog says; status 1 and a line for each that is not
    Verify(ServeArguments),
    /// Say what is in each table's files
    Status(ServeArguments),
}

#[derive(Debug, Args)]
pub(crate) struct QueryArguments {
    /// The query; from standard input if that is no terminal, else the shell asks for queries
    pub(crate) query: Option<String>,
    /// The query is in SQL
    #[arg(long)]
    pub(crate) sql: bool,
    /// Print how the query would be run instead of its rows
    #[arg(long)]
    pub(crate) explain: bool,
    /// How to print answers
    #[arg(long, value_enum, default_value_t = FormatArgument::Table)]
    pub(crate) format: FormatArgument,
    /// The service [env: BARTIZAN_URL] [default: http://127.0.0.1:8080]
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// API key with the scope read [env: BARTIZAN_KEY or BARTIZAN_ADMIN_KEY]
    #[arg(long)]
    pub(crate) key: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArgument {
    Table,
    Json,
    Ndjson,
    Csv,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MappingCommand {
    /// List the mappings in the order in which they are tried
    List {
        #[command(flatten)]
        service: ServeArguments,
    },
    /// Print a preset, as it can be written in a configuration
    Show {
        /// The preset
        name: String,
    },
    /// Print the rows that a mapping makes of a file, and why it does not take a record
    Test(MappingTestArguments),
}

#[derive(Debug, Args)]
pub(crate) struct MappingTestArguments {
    /// The mapping: of the configuration, or a preset
    pub(crate) name: String,
    /// A file with log records, plain; - is standard input
    pub(crate) file: PathBuf,
    /// How many rows to print
    #[arg(long, default_value_t = 3)]
    pub(crate) rows: usize,
    #[command(flatten)]
    pub(crate) service: ServeArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum QuarantineCommand {
    /// List quarantined records, the newest first
    List {
        #[command(flatten)]
        filter: QuarantineFilter,
        /// Go on behind this record
        #[arg(long, value_name = "ID")]
        before: Option<String>,
        /// How many
        #[arg(long, default_value_t = 50)]
        limit: usize,
        #[command(flatten)]
        service: ServiceArguments,
    },
    /// Print the bytes of a record
    Show {
        /// The record
        id: String,
        #[command(flatten)]
        service: ServiceArguments,
    },
    /// Read records again, with the decoders and mappings that the service has now
    Replay {
        /// Records; all that the filters let through if none is named
        ids: Vec<String>,
        #[command(flatten)]
        filter: QuarantineFilter,
        #[command(flatten)]
        service: ServiceArguments,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum WatchlistCommand {
    /// List the watchlists: those of the configuration, then those that were uploaded
    List {
        #[command(flatten)]
        service: ServiceArguments,
    },
    /// Print a watchlist as it was uploaded
    Show {
        /// Its alias
        alias: String,
        #[command(flatten)]
        service: ServiceArguments,
    },
    /// Upload a watchlist, in the place of one of the same alias
    Put {
        /// Its alias: letters, digits, - _ and .
        alias: String,
        /// CSV with a header line, up to 4 MiB
        file: PathBuf,
        /// The column by which items are looked up [default: the first]
        #[arg(long, value_name = "COLUMN")]
        search_key: Option<String>,
        #[command(flatten)]
        service: ServiceArguments,
    },
    /// Delete a watchlist
    Delete {
        /// Its alias
        alias: String,
        #[command(flatten)]
        service: ServiceArguments,
    },
}

#[derive(Debug, Args)]
pub(crate) struct QuarantineFilter {
    /// Only this class of reasons, such as syntax or unknown_kind
    #[arg(long, value_name = "CLASS")]
    pub(crate) class: Option<String>,
    /// Only from this source
    #[arg(long)]
    pub(crate) source: Option<String>,
    /// Only since then (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only before then (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ServiceArguments {
    /// The service [env: BARTIZAN_URL] [default: http://127.0.0.1:8080]
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// API key: read for list and show, manage for what changes something [env: BARTIZAN_KEY or BARTIZAN_ADMIN_KEY]
    #[arg(long)]
    pub(crate) key: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// Files, and folders with all that is below them; plain, gzip or zstd
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Go on with what is added, until Ctrl-C
    #[arg(long)]
    pub(crate) follow: bool,
    /// Seconds between two looks at the files when following
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) interval: u64,
    /// Files do not grow any more: send an unfinished record at the end too, for quarantine
    #[arg(long, conflicts_with = "follow")]
    pub(crate) finished: bool,
    /// Say what would be sent, and send nothing
    #[arg(long, conflicts_with = "follow")]
    pub(crate) dry_run: bool,
    /// The service [env: BARTIZAN_URL] [default: http://127.0.0.1:8080]
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// API key with the scope ingest [env: BARTIZAN_KEY or BARTIZAN_ADMIN_KEY]
    #[arg(long)]
    pub(crate) key: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// End when all is found, with status 0 only if every hidden attack was found and nothing else
    #[arg(long)]
    pub(crate) exit: bool,
    /// Another seed, another day
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
}
