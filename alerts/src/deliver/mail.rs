//! E-mail: text and HTML of an incident, through the relay. What a log said stays text everywhere.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::address::AddressError;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Mailboxes, MultiPart};
use lettre::{Address, Message};
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value};
use store::Timestamp;

use super::relay::{Relay, Taken};
use crate::outbox::{Attempt, Leased};
use crate::settings::{EmailSettings, SmtpSettings};

const TEXT_TEMPLATE: &str = "incident.txt";
const HTML_TEMPLATE: &str = "incident.html";
const SUBJECT_CHARS_MAX: usize = 200;

/// Recipients whose refusal an answer tells of.
const REASONS_MAX: usize = 5;

/// Octets of text in an encoded word, which may have 75 characters in all (RFC 2047, section 2).
const ENCODED_OCTETS_MAX: usize = 45;

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
    relay: Relay,
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
            relay: Relay::new(smtp, timeout)?,
            templates: templates()?,
            from: mailbox(&smtp.from)?,
            to: to.into_iter().collect(),
        })
    }

    /// Sends to whoever doesn't have it yet.
    pub(super) async fn send(&self, leased: &Leased, now: Timestamp) -> Attempt {
        let message = match self.message(leased, now) {
            Ok(message) => message.formatted(),
            Err(error) => return Attempt::retry(format!("can't write the mail: {error}")),
        };
        let reached = leased.reached();
        let waiting: Vec<Address> = self
            .to
            .iter()
            .map(|mailbox| mailbox.email.clone())
            .filter(|address| !reached.contains(&address.to_string()))
            .collect();
        if waiting.is_empty() {
            return Attempt::Delivered {
                answer: "every recipient has it".to_owned(),
            };
        }
        match self.relay.send(&self.from.email, &waiting, &message).await {
            Ok(taken) => attempt_of(&leased.receiver, &taken, !reached.is_empty()),
            Err(reason) => Attempt::retry(reason),
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
            .raw_header(subject_header(&subject(incident))?)
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

/// A subject as it came, or encoded whole where a client would take a part of it for an encoded word.
fn subject_header(subject: &str) -> Result<HeaderValue, MailError> {
    if !subject.contains("=?") {
        return header("Subject", subject);
    }
    let mut words: Vec<String> = vec![String::new()];
    for character in subject.chars() {
        match words.last_mut() {
            Some(word) if word.len() + character.len_utf8() <= ENCODED_OCTETS_MAX => {
                word.push(character);
            }
            _ => words.push(character.to_string()),
        }
    }
    let encoded: Vec<_> = words
        .iter()
        .map(|word| format!("=?utf-8?B?{}?=", STANDARD.encode(word)))
        .collect();
    let name =
        HeaderName::new_from_ascii("Subject".to_owned()).map_err(|_invalid| MailError::Header)?;
    Ok(HeaderValue::dangerous_new_pre_encoded(
        name,
        subject.to_owned(),
        encoded.join("\r\n "),
    ))
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
pub(super) fn is_invisible(character: char, except: &[char]) -> bool {
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

/// Delivered is what somebody has and nobody still may get. Refusals are reported then, once.
fn attempt_of(receiver: &str, taken: &Taken, has_reached: bool) -> Attempt {
    let is_over = taken.postponed.is_empty() && (has_reached || !taken.reached.is_empty());
    if !is_over {
        let open = taken.postponed.iter().chain(&taken.refused);
        let reasons: Vec<_> = open
            .take(REASONS_MAX)
            .map(|(address, reason)| format!("{address}: {reason}"))
            .collect();
        return Attempt::Retry {
            answer: reasons.join("; "),
            after: None,
            reached: taken.reached.iter().map(Address::to_string).collect(),
        };
    }
    for (address, reason) in &taken.refused {
        metrics::counter!("bartizan_delivery_recipients_refused_total", "receiver" => receiver.to_owned())
            .increment(1);
        tracing::error!(%receiver, %address, reason, "the relay refuses {address}: correct the addresses of {receiver}");
    }
    let refused = taken.refused.iter().take(REASONS_MAX);
    let refused = refused.map(|(address, reason)| format!("{address}: {reason}"));
    let taken = Some(taken.answer.clone()).filter(|answer| !answer.is_empty());
    Attempt::Delivered {
        answer: taken
            .into_iter()
            .chain(refused)
            .collect::<Vec<_>>()
            .join("; "),
    }
}

#[cfg(test)]
mod tests;
