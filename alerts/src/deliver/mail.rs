//! E-mail: text and HTML of an incident, through the relay. What a log said stays text everywhere.

use std::time::{Duration, SystemTime};

use lettre::address::AddressError;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Mailboxes, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value};
use store::Timestamp;

use crate::outbox::{Attempt, Leased};
use crate::settings::{EmailSettings, SmtpSecurity, SmtpSettings};

const TEXT_TEMPLATE: &str = "incident.txt";
const HTML_TEMPLATE: &str = "incident.html";
const SUBJECT_CHARS_MAX: usize = 200;

/// Why mail can't be sent or written.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// There is a receiver but no relay.
    #[error("no mail relay is configured")]
    NoRelay,
    /// There is nobody to write to.
    #[error("there is no address to send to")]
    NoAddress,
    /// Not an address.
    #[error("read the address {address}")]
    Address {
        /// The text.
        address: String,
        /// What is wrong.
        #[source]
        source: AddressError,
    },
    /// Mail in the clear would leave the machine.
    #[error("security none is for a relay on the loopback interface, not for {host}")]
    Unprotected {
        /// The relay.
        host: String,
    },
    /// The TLS settings can't be used.
    #[error("set up tls to the mail relay")]
    Tls(#[source] lettre::transport::smtp::Error),
    /// A template is broken.
    #[error("render the message")]
    Template(#[from] minijinja::Error),
    /// The message is not an incident's.
    #[error("read the message")]
    Message(#[from] serde_json::Error),
    /// The mail can't be put together.
    #[error("build the mail")]
    Build(#[from] lettre::error::Error),
    /// A header is not one.
    #[error("build a mail header")]
    Header,
}

/// A mail receiver that is ready to use.
#[derive(Debug)]
pub(super) struct Mail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    templates: Environment<'static>,
    from: Mailbox,
    to: Mailboxes,
}

impl Mail {
    pub(super) fn new(
        email: &EmailSettings,
        smtp: Option<&SmtpSettings>,
        timeout: Duration,
    ) -> Result<Self, MailError> {
        let smtp = smtp.ok_or(MailError::NoRelay)?;
        if email.to.is_empty() {
            return Err(MailError::NoAddress);
        }
        let to: Vec<Mailbox> = email
            .to
            .iter()
            .map(|address| mailbox(address))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            transport: transport(smtp, timeout)?,
            templates: templates()?,
            from: mailbox(&smtp.from)?,
            to: to.into_iter().collect(),
        })
    }

    pub(super) async fn send(&self, leased: &Leased, now: Timestamp) -> Attempt {
        let message = match self.message(leased, now) {
            Ok(message) => message,
            Err(error) => {
                return Attempt::Refused {
                    answer: error.to_string(),
                };
            }
        };
        match self.transport.send(message).await {
            Ok(response) => Attempt::Delivered {
                answer: format!("SMTP {}", response.code()),
            },
            Err(error) => {
                let answer = match error.status() {
                    Some(code) => format!("SMTP {code}"),
                    None if error.is_timeout() => "no answer in time".to_owned(),
                    None if error.is_tls() => "the relay's tls failed".to_owned(),
                    None => "no connection to the relay".to_owned(),
                };
                if error.is_permanent() {
                    Attempt::Refused { answer }
                } else {
                    Attempt::Retry {
                        answer,
                        after: None,
                    }
                }
            }
        }
    }

    /// The mail. Its id comes from the delivery, so that a repeated attempt is recognised as one.
    fn message(&self, leased: &Leased, now: Timestamp) -> Result<Message, MailError> {
        let body: serde_json::Value = serde_json::from_str(&leased.message)?;
        let incident = &body["data"];
        let context = Value::from(Serde(incident));
        let text = self
            .templates
            .get_template(TEXT_TEMPLATE)?
            .render(&context)?;
        let html = self
            .templates
            .get_template(HTML_TEMPLATE)?
            .render(&context)?;
        let domain = self.from.email.domain();
        let thread = format!("<incident-{}@{domain}>", plain(&incident["id"], 64));
        let mut builder = Message::builder()
            .from(self.from.clone())
            .subject(subject(incident))
            .date(system_time(now))
            .message_id(Some(format!("<{}@{domain}>", leased.id)))
            .references(thread)
            .raw_header(header("Auto-Submitted", "auto-generated")?)
            .raw_header(header("X-Auto-Response-Suppress", "All")?)
            .raw_header(header(
                "List-Id",
                &format!("Bartizan incidents <incidents.{domain}>"),
            )?)
            .raw_header(header(
                "X-Bartizan-Incident",
                &plain(&incident["incidentNumber"], 20),
            )?)
            .raw_header(header(
                "X-Bartizan-Severity",
                &plain(&incident["severity"], 20),
            )?);
        for mailbox in self.to.iter() {
            builder = builder.to(mailbox.clone());
        }
        Ok(builder.multipart(MultiPart::alternative_plain_html(text, html))?)
    }
}

fn mailbox(text: &str) -> Result<Mailbox, MailError> {
    text.parse().map_err(|source| MailError::Address {
        address: text.to_owned(),
        source,
    })
}

fn header(name: &'static str, value: &str) -> Result<HeaderValue, MailError> {
    let name = HeaderName::new_from_ascii(name.to_owned()).map_err(|_invalid| MailError::Header)?;
    Ok(HeaderValue::new(name, value.to_owned()))
}

fn subject(incident: &serde_json::Value) -> String {
    format!(
        "[{}] {} (incident {})",
        plain(&incident["severity"], 20),
        plain(&incident["title"], SUBJECT_CHARS_MAX),
        plain(&incident["incidentNumber"], 20)
    )
}

/// A value as one line of visible text, of at most `chars_max` characters.
fn plain(value: &serde_json::Value, chars_max: usize) -> String {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    text.chars()
        .filter(|character| !is_invisible(*character, &[]))
        .take(chars_max)
        .collect()
}

/// Control characters, line and paragraph separators, and marks that turn the direction of writing.
fn is_invisible(character: char, except: &[char]) -> bool {
    let is_mark = matches!(character,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    (character.is_control() || is_mark) && !except.contains(&character)
}

fn system_time(now: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + now.since(Timestamp::from_micros(0))
}

fn templates() -> Result<Environment<'static>, MailError> {
    let mut templates = Environment::new();
    templates.set_auto_escape_callback(|name| {
        let is_html = std::path::Path::new(name)
            .extension()
            .is_some_and(|extension| extension == "html");
        if is_html {
            AutoEscape::Html
        } else {
            AutoEscape::None
        }
    });
    templates.add_filter("line", |text: &str| -> String {
        text.chars()
            .map(|character| {
                if is_invisible(character, &[]) {
                    ' '
                } else {
                    character
                }
            })
            .collect()
    });
    templates.add_filter("lines", |text: &str| -> String {
        text.chars()
            .filter(|character| !is_invisible(*character, &['\n']))
            .collect()
    });
    templates.add_filter("fields", fields);
    templates.add_template(TEXT_TEMPLATE, include_str!("templates/incident.txt"))?;
    templates.add_template(HTML_TEMPLATE, include_str!("templates/incident.html"))?;
    Ok(templates)
}

/// `identifier value` of an entity's fields.
fn fields(fields: &Value) -> Result<String, minijinja::Error> {
    let mut texts = Vec::new();
    for name in fields.try_iter()? {
        texts.push(format!("{name} {}", fields.get_item(&name)?));
    }
    Ok(texts.join(", "))
}

fn transport(
    smtp: &SmtpSettings,
    timeout: Duration,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, MailError> {
    let (tls, usual_port) = match smtp.security {
        SmtpSecurity::StartTls => (Tls::Required(tls_parameters(smtp)?), 587),
        SmtpSecurity::Tls => (Tls::Wrapper(tls_parameters(smtp)?), 465),
        SmtpSecurity::None if is_loopback(&smtp.host) => (Tls::None, 25),
        SmtpSecurity::None => {
            return Err(MailError::Unprotected {
                host: smtp.host.clone(),
            });
        }
    };
    let port = if smtp.port == 0 {
        usual_port
    } else {
        smtp.port
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.host)
        .port(port)
        .tls(tls)
        .timeout(Some(timeout));
    if let Some(credentials) = &smtp.credentials {
        let password = credentials.password.reveal().to_owned();
        builder = builder.credentials(Credentials::new(credentials.user.clone(), password));
    }
    Ok(builder.build())
}

fn tls_parameters(smtp: &SmtpSettings) -> Result<TlsParameters, MailError> {
    let mut builder = TlsParameters::builder(smtp.host.clone());
    if let Some(pem) = &smtp.ca_pem {
        builder = builder
            .add_root_certificate(Certificate::from_pem(pem.as_bytes()).map_err(MailError::Tls)?);
    }
    builder.build().map_err(MailError::Tls)
}

fn is_loopback(host: &str) -> bool {
    let address: Result<std::net::IpAddr, _> = host.parse();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests;
