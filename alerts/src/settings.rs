//! What a deployment sets for rules, incidents and deliveries. `src/config` fills it in; nothing here
//! reads a file or the environment.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use store::Workspace;
use url::Url;

use crate::model::Severity;

/// Everything that the crate is told from outside.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Workspaces whose events the rules read.
    pub workspaces: Vec<Workspace>,
    /// How long a window stays open for rows that come out of order, in event time.
    pub lateness: Duration,
    /// A table that received nothing for so long no longer holds its last window open.
    pub idle: Duration,
    /// Rows that arrive after their window closed still count if they are at most so late.
    pub late_max: Duration,
    /// Longest pause between two passes; accepted batches wake the loop earlier.
    pub interval: Duration,
    /// First pause after a failed evaluation; it doubles up to `failure_pause_max`.
    pub failure_pause: Duration,
    /// Longest pause after a failed evaluation.
    pub failure_pause_max: Duration,
    /// Most result rows of one evaluation.
    pub findings_max: usize,
    /// Longest run of a rule's query.
    pub query_timeout: Duration,
    /// Base of links in messages, e.g. `https://bartizan.example/`.
    pub public_url: Option<Url>,
    /// Where incidents are announced.
    pub receivers: Vec<Receiver>,
    /// The mail relay; needed as soon as one receiver is an e-mail.
    pub smtp: Option<SmtpSettings>,
    /// Pauses before each attempt of a delivery; after the last one it is dead.
    pub retry_schedule: Vec<Duration>,
    /// Share by which each pause is varied at random, 0.0 to 1.0.
    pub retry_jitter: f64,
    /// How long one attempt may take.
    pub delivery_timeout: Duration,
    /// Most deliveries under way at once to one receiver.
    pub deliveries_max: usize,
    /// Directory of the user's own rules, `*.yaml` and `*.yml`.
    pub rules_directory: Option<PathBuf>,
    /// Ids of rules that are left out.
    pub rules_disabled: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            workspaces: vec![Workspace::default()],
            lateness: Duration::from_mins(1),
            idle: Duration::from_secs(30),
            late_max: Duration::from_hours(24),
            interval: Duration::from_secs(5),
            failure_pause: Duration::from_secs(10),
            failure_pause_max: Duration::from_mins(10),
            findings_max: 1_000,
            query_timeout: Duration::from_secs(30),
            public_url: None,
            receivers: Vec::new(),
            smtp: None,
            retry_schedule: standard_webhooks_schedule(),
            retry_jitter: 0.1,
            delivery_timeout: Duration::from_secs(15),
            deliveries_max: 8,
            rules_directory: None,
            rules_disabled: Vec::new(),
        }
    }
}

/// The pauses that Standard Webhooks recommends: ten attempts over a little more than three days.
fn standard_webhooks_schedule() -> Vec<Duration> {
    let hours = [2, 5, 10, 14, 20, 24].map(Duration::from_hours);
    let mut schedule = vec![
        Duration::ZERO,
        Duration::from_secs(5),
        Duration::from_mins(5),
        Duration::from_mins(30),
    ];
    schedule.extend(hours);
    schedule
}

/// Someone or something that is told of incidents.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// Unique name, by which deliveries refer to it.
    pub name: String,
    /// Incidents below this are not sent.
    pub severity_min: Severity,
    /// How it is reached.
    pub kind: ReceiverKind,
}

/// How a receiver is reached.
#[derive(Clone, Debug)]
pub enum ReceiverKind {
    /// By e-mail through the relay of [`SmtpSettings`].
    Email(EmailSettings),
    /// By a signed HTTP request.
    Webhook(WebhookSettings),
}

/// An e-mail receiver.
#[derive(Clone, Debug)]
pub struct EmailSettings {
    /// Addresses, `name@host` or `Name <name@host>`.
    pub to: Vec<String>,
}

/// A webhook receiver.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// Where to post. It may hold a secret (Logic Apps' `sig=`), so it is never logged.
    pub url: Secret,
    /// Signing secret, `whsec_` and base64 of 24 to 64 bytes.
    pub secret: Secret,
    /// Lets the hook lie on a private or loopback address, and use plain `http`.
    pub allow_private: bool,
}

/// The mail relay.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    /// Host name of the relay; its certificate must carry it.
    pub host: String,
    /// Port; 0 takes the one usual for `security`.
    pub port: u16,
    /// How the connection is protected.
    pub security: SmtpSecurity,
    /// User and password, if the relay wants them.
    pub credentials: Option<SmtpCredentials>,
    /// Sender, `name@host` or `Name <name@host>`.
    pub from: String,
    /// Certificate authorities, PEM, trusted beside the system's.
    pub ca_pem: Option<String>,
}

/// How a connection to the relay is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// STARTTLS, and no mail without it (port 587).
    #[default]
    StartTls,
    /// TLS from the first byte (port 465).
    Tls,
    /// None; only a relay on the loopback interface is accepted (port 25).
    None,
}

/// User and password of the relay.
#[derive(Clone, Debug)]
pub struct SmtpCredentials {
    /// User name.
    pub user: String,
    /// Password.
    pub password: Secret,
}

/// Text that must not reach a log or an error message.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}
