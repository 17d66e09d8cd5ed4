//! Configuration: written in a TOML file and `BARTIZAN_*` variables, checked once, then complete.
//!
//! The only module that reads the environment. What it gives out has every default filled in, so that nobody
//! else knows where a value came from. The README's table of settings is the reference.

mod bounds;
mod file;
mod http;
pub(crate) mod mapping;
mod raw;
mod storage;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use alerts::{
    AddressReach, EmailSettings, Receiver, ReceiverKind, Secret, Severity, SmtpCredentials,
    SmtpSecurity, SmtpSettings, WebhookSettings,
};
use query::{EngineSettings, Fetching, Watchlists};
use store::StoreSettings;
use thiserror::Error;
use tracing_subscriber::EnvFilter;

use crate::external::{Hosts, HttpFetch};
use crate::intake::Bounds;
use raw::{RawBytes, RawConfig, RawLogFormat, RawReceiver, RawSmtp, RawSmtpTls};

/// A configuration that can't be used; the text says which key, file and line.
#[derive(Debug, Error)]
pub(crate) enum ConfigError {
    #[error("read configuration {}: {source}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{}, {text}", path.display())]
    File { path: PathBuf, text: String },
    #[error("environment: {0}")]
    Environment(String),
    #[error("setting {key}: {reason}")]
    Setting { key: String, reason: String },
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// A certificate chain and its key, PEM files.
#[derive(Clone, Debug)]
pub(crate) struct TlsFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// Where and how HTTP is served.
#[derive(Clone, Debug)]
pub(crate) struct HttpConfig {
    pub(crate) listen: SocketAddr,
    pub(crate) tls: Option<TlsFiles>,
    /// Longest body as it comes, in bytes.
    pub(crate) body_bytes_max: usize,
    /// Longest time for a request to be read and answered; answers that stream have the query's timeout.
    pub(crate) request_timeout: Duration,
    /// Ingest requests per second and key.
    pub(crate) ingest_rate: u32,
    /// Other requests per second and key.
    pub(crate) request_rate: u32,
    /// Requests per second and address, with or without a key.
    pub(crate) address_rate: u32,
    /// Kilobytes (1,024 bytes) of logs per second and key, if they are limited.
    pub(crate) ingest_kib_rate: Option<u32>,
    /// How much is worked on at the same time.
    pub(crate) bounds: Bounds,
}

/// How many bytes of quarantined records are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QuarantineConfig {
    /// Bytes of the table `_Quarantine`, on disk and in memory.
    pub(crate) table_bytes: u64,
    /// Bytes of the records of a body.
    pub(crate) body_bytes: usize,
    /// Bytes of the records that came under one key within an hour.
    pub(crate) sender_bytes_per_hour: u64,
}

/// Bounds of a query over HTTP.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueryConfig {
    pub(crate) timeout: Duration,
    pub(crate) rows_max: usize,
}

/// Everything that the process is told.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) http: HttpConfig,
    pub(crate) log_format: LogFormat,
    pub(crate) log_filter: String,
    pub(crate) store: StoreSettings,
    pub(crate) engine: EngineSettings,
    pub(crate) query: QueryConfig,
    pub(crate) ingest: ingest::Limits,
    pub(crate) mappings: ingest::Mappings,
    pub(crate) quarantine: QuarantineConfig,
    /// Those that the configuration itself declares.
    pub(crate) mappings_own: Vec<ingest::mapping::Mapping>,
    pub(crate) alerts: alerts::Settings,
    /// The first administrator's key, from `BARTIZAN_ADMIN_KEY`.
    pub(crate) admin_key: Option<Secret>,
}

/// What the command line sets above file and environment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    pub(crate) config: Option<PathBuf>,
    pub(crate) data: Option<PathBuf>,
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) allow_insecure_listen: bool,
}

/// Address and key with which a command speaks to a running service.
#[derive(Clone, Debug)]
pub(crate) struct ClientConfig {
    pub(crate) url: String,
    pub(crate) key: Option<Secret>,
}

impl ClientConfig {
    /// Flags first, then `BARTIZAN_URL`, `BARTIZAN_KEY` and `BARTIZAN_ADMIN_KEY`.
    pub(crate) fn load(url: Option<String>, key: Option<String>) -> Self {
        Self {
            url: url
                .or_else(|| variable("BARTIZAN_URL"))
                .unwrap_or_else(|| "http://127.0.0.1:8080".to_owned()),
            key: key
                .or_else(|| variable("BARTIZAN_KEY"))
                .or_else(|| variable("BARTIZAN_ADMIN_KEY"))
                .map(Secret::new),
        }
    }

    /// Where the shell keeps its history: below `XDG_STATE_HOME`, or where that is by default.
    pub(crate) fn history() -> Option<PathBuf> {
        let state = variable("XDG_STATE_HOME").map(PathBuf::from);
        let home = || variable("HOME").map(|home| PathBuf::from(home).join(".local/state"));
        Some(state.or_else(home)?.join("bartizan/history"))
    }
}

impl Config {
    /// Reads, merges and checks.
    pub(crate) fn load(overrides: &Overrides) -> Result<Self, ConfigError> {
        let file = overrides
            .config
            .clone()
            .or_else(|| variable("BARTIZAN_CONFIG").map(PathBuf::from));
        let mut raw = file::read(file.as_deref())?;
        raw.data = overrides.data.clone().or(raw.data);
        raw.listen = overrides.listen.or(raw.listen);
        raw.allow_insecure_listen |= overrides.allow_insecure_listen;
        let mut config = checked(raw)?;
        config.admin_key = admin_key()?;
        Ok(config)
    }

    /// A configuration from TOML text alone, for the demo and for tests.
    pub(crate) fn from_text(text: &str) -> Result<Self, ConfigError> {
        checked(file::parsed(text).map_err(ConfigError::Environment)?)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The first administrator's key; a short one would be guessed.
fn admin_key() -> Result<Option<Secret>, ConfigError> {
    match variable("BARTIZAN_ADMIN_KEY") {
        Some(key) if key.len() < 24 => Err(setting(
            "BARTIZAN_ADMIN_KEY",
            "needs at least 24 characters",
        )),
        key => Ok(key.map(Secret::new)),
    }
}

fn setting(key: &str, reason: impl Into<String>) -> ConfigError {
    ConfigError::Setting {
        key: key.to_owned(),
        reason: reason.into(),
    }
}

fn checked(raw: RawConfig) -> Result<Config, ConfigError> {
    bounds::check(&raw)?;
    let mut alerts = alert_settings(&raw)?;
    alerts.public_url.clone_from(&raw.public_url);
    Ok(Config {
        http: http::checked(&raw)?,
        log_format: match raw.log.format {
            RawLogFormat::Text => LogFormat::Text,
            RawLogFormat::Json => LogFormat::Json,
        },
        log_filter: log_filter(&raw)?,
        store: storage::checked(&raw)?,
        query: QueryConfig {
            timeout: raw
                .query
                .timeout
                .map_or(Duration::from_secs(30), |timeout| timeout.0),
            rows_max: raw.query.rows.unwrap_or(100_000),
        },
        ingest: ingest_limits(&raw),
        quarantine: quarantine(&raw),
        mappings: mapping::all(&raw)?,
        alerts,
        admin_key: None,
        engine: engine(&raw)?,
        mappings_own: raw.mappings,
    })
}

fn log_filter(raw: &RawConfig) -> Result<String, ConfigError> {
    let filter = raw.log.filter.clone().unwrap_or_else(|| "info".to_owned());
    match EnvFilter::try_new(&filter) {
        Ok(_) => Ok(filter),
        Err(error) => {
            let reason =
                format!("'{filter}' is no filter, such as info or warn,store=debug: {error}");
            Err(setting("log.filter", reason))
        }
    }
}

fn engine(raw: &RawConfig) -> Result<EngineSettings, ConfigError> {
    let defaults = EngineSettings::default();
    let watchlists = Watchlists::new(&raw.watchlists);
    Ok(EngineSettings {
        memory_bytes_max: raw
            .query
            .memory_bytes
            .map_or(defaults.memory_bytes_max, RawBytes::in_memory),
        spill_bytes_max: raw
            .query
            .spill_bytes
            .map_or(defaults.spill_bytes_max, |bytes| bytes.0),
        concurrency_max: raw.query.concurrency.unwrap_or(defaults.concurrency_max),
        queue_timeout: defaults.queue_timeout,
        watchlists: watchlists.map_err(|error| setting("watchlists", error.to_string()))?,
        fetching: Some(fetching(raw)?),
    })
}

fn fetching(raw: &RawConfig) -> Result<Fetching, ConfigError> {
    let raw = &raw.query.externaldata;
    let hosts = Hosts::from_texts(&raw.hosts);
    let hosts = hosts.map_err(|reason| setting("query.externaldata.hosts", reason))?;
    let reach = if raw.allow_private {
        AddressReach::Private
    } else {
        AddressReach::Public
    };
    let timeout = raw
        .timeout
        .map_or(Duration::from_secs(15), |timeout| timeout.0);
    Ok(Fetching {
        fetch: Arc::new(HttpFetch::new(hosts, reach, timeout)),
        bytes_max: raw.bytes.map_or(16 << 20, RawBytes::in_memory),
    })
}

fn quarantine(raw: &RawConfig) -> QuarantineConfig {
    let raw = &raw.quarantine;
    QuarantineConfig {
        table_bytes: raw.bytes.map_or(1 << 30, |bytes| bytes.0),
        body_bytes: raw.body_bytes.map_or(16 << 20, RawBytes::in_memory),
        sender_bytes_per_hour: raw.sender_bytes_per_hour.map_or(64 << 20, |bytes| bytes.0),
    }
}

fn ingest_limits(raw: &RawConfig) -> ingest::Limits {
    let defaults = ingest::Limits::default();
    ingest::Limits {
        records_max: raw.limits.records.unwrap_or(defaults.records_max),
        record_bytes_max: raw
            .limits
            .record_bytes
            .map_or(defaults.record_bytes_max, RawBytes::in_memory),
        ..defaults
    }
}

fn alert_settings(raw: &RawConfig) -> Result<alerts::Settings, ConfigError> {
    let mut settings = alerts::Settings::default();
    let rules = &raw.rules;
    settings.rules_directory.clone_from(&rules.folder);
    settings.rules_disabled.clone_from(&rules.disabled);
    settings.lateness = rules
        .lateness
        .map_or(settings.lateness, |lateness| lateness.0);
    settings.idle = rules.idle.map_or(settings.idle, |idle| idle.0);
    settings.interval = rules
        .interval
        .map_or(settings.interval, |interval| interval.0);
    settings.query_timeout = raw
        .query
        .timeout
        .map_or(settings.query_timeout, |timeout| timeout.0);
    settings.delivery_timeout = raw
        .delivery
        .timeout
        .map_or(settings.delivery_timeout, |timeout| timeout.0);
    if let Some(schedule) = &raw.delivery.retry_schedule {
        settings.retry_schedule = schedule.iter().map(|pause| pause.0).collect();
    }
    settings.smtp = raw.smtp.clone().map(smtp).transpose()?;
    let mut names = BTreeSet::new();
    for receiver in &raw.receivers {
        if !names.insert(receiver.name.as_str()) {
            return Err(setting(
                "receivers",
                format!("two receivers are named '{}'", receiver.name),
            ));
        }
        settings.receivers.append(&mut receivers(receiver)?);
    }
    let mails = |receiver: &Receiver| matches!(receiver.kind, ReceiverKind::Email(_));
    if settings.smtp.is_none() && settings.receivers.iter().any(mails) {
        return Err(setting(
            "smtp",
            "a receiver is an e-mail, so the mail relay must be set",
        ));
    }
    Ok(settings)
}

fn receivers(raw: &RawReceiver) -> Result<Vec<Receiver>, ConfigError> {
    let key = format!("receivers.{}", raw.name);
    let severity_min = match &raw.severity {
        None => Severity::Informational,
        Some(name) => Severity::from_name(name).ok_or_else(|| {
            let names = Severity::ALL.map(Severity::name).join(", ");
            setting(
                &format!("{key}.severity"),
                format!("'{name}' is none of {names}"),
            )
        })?,
    };
    let mut all = Vec::new();
    if let Some(email) = &raw.email {
        let kind = ReceiverKind::Email(EmailSettings {
            to: email.to.clone(),
        });
        all.push(Receiver {
            name: format!("{}/email", raw.name),
            severity_min,
            kind,
        });
    }
    if let Some(webhook) = &raw.webhook {
        let kind = ReceiverKind::Webhook(WebhookSettings {
            url: Secret::new(webhook.url.clone()),
            secret: Secret::new(webhook.secret.clone()),
            allow_private: webhook.allow_private,
        });
        all.push(Receiver {
            name: format!("{}/webhook", raw.name),
            severity_min,
            kind,
        });
    }
    if all.is_empty() {
        return Err(setting(&key, "has neither email nor webhook"));
    }
    Ok(all)
}

fn smtp(raw: RawSmtp) -> Result<SmtpSettings, ConfigError> {
    let credentials = match (raw.username, raw.password) {
        (Some(user), Some(password)) => Some(SmtpCredentials {
            user,
            password: Secret::new(password),
        }),
        (None, None) => None,
        _ => return Err(setting("smtp", "username and password come together")),
    };
    let ca_pem = raw.ca_certificate.map(|path| {
        std::fs::read_to_string(&path).map_err(|error| {
            setting(
                "smtp.ca_certificate",
                format!("read {}: {error}", path.display()),
            )
        })
    });
    Ok(SmtpSettings {
        host: raw.host,
        port: raw.port,
        security: match raw.tls {
            RawSmtpTls::Starttls => SmtpSecurity::StartTls,
            RawSmtpTls::Implicit => SmtpSecurity::Tls,
            RawSmtpTls::None => SmtpSecurity::None,
        },
        credentials,
        from: raw.from,
        ca_pem: ca_pem.transpose()?,
    })
}

#[cfg(test)]
mod tests;
