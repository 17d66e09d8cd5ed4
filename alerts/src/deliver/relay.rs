//! One conversation with the mail relay. Each recipient is accepted or refused alone (RFC 5321, section 3.3):
//! those who are accepted get the mail.

use std::error::Error as _;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, MailBodyParameter, MailParameter};

use super::mail::{MailError, is_invisible};
use crate::settings::{SmtpSecurity, SmtpSettings};

/// Longest text of the relay that is kept.
const ANSWER_CHARS_MAX: usize = 200;

/// How long the relay may take to say goodbye; by then the mail is its own.
const FAREWELL: Duration = Duration::from_secs(1);

/// The relay, as the settings describe it.
pub(super) struct Relay {
    host: String,
    port: u16,
    tls: Option<(TlsParameters, Begin)>,
    credentials: Option<Credentials>,
    timeout: Duration,
}

/// When the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begin {
    AtOnce,
    ByCommand,
}

/// What became of a mail that the relay took for at least one recipient, or for none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    /// What it said to the mail; empty if it took it for nobody.
    pub(super) answer: String,
    /// Who gets it.
    pub(super) reached: Vec<Address>,
    /// Who is refused for good, and why.
    pub(super) refused: Vec<(Address, String)>,
    /// Who is refused for the moment, and why.
    pub(super) postponed: Vec<(Address, String)>,
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Relay({}:{})", self.host, self.port)
    }
}

impl Relay {
    pub(super) fn new(smtp: &SmtpSettings, timeout: Duration) -> Result<Self, MailError> {
        let (tls, usual_port) = match smtp.security {
            SmtpSecurity::StartTls => (Some((tls_parameters(smtp)?, Begin::ByCommand)), 587),
            SmtpSecurity::Tls => (Some((tls_parameters(smtp)?, Begin::AtOnce)), 465),
            SmtpSecurity::None if is_loopback(&smtp.host) => (None, 25),
            SmtpSecurity::None => {
                return Err(MailError::Unprotected {
                    host: smtp.host.clone(),
                });
            }
        };
        let credentials = smtp.credentials.as_ref().map(|credentials| {
            let password = credentials.password.reveal().to_owned();
            Credentials::new(credentials.user.clone(), password)
        });
        Ok(Self {
            host: smtp.host.clone(),
            port: if smtp.port == 0 {
                usual_port
            } else {
                smtp.port
            },
            tls,
            credentials,
            timeout,
        })
    }

    /// Hands a mail over; an error is why the relay took it for nobody, and no recipient's fault.
    pub(super) async fn send(
        &self,
        from: &Address,
        to: &[Address],
        mail: &[u8],
    ) -> Result<Taken, String> {
        let conversation = async {
            let mut connection = self.connect().await?;
            let taken = converse(&mut connection, from, to, mail).await;
            Ok((taken, connection))
        };
        match tokio::time::timeout(self.timeout, conversation).await {
            Ok(Ok((taken, mut connection))) => {
                // What it took is taken, whether it says goodbye or not.
                let _farewell = tokio::time::timeout(FAREWELL, connection.quit()).await;
                taken.map_err(|error| reason(&error))
            }
            Ok(Err(error)) => Err(reason(&error)),
            Err(_elapsed) => Err(format!(
                "no answer of the relay within {} s",
                self.timeout.as_secs()
            )),
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let name = ClientId::default();
        let at_once = match &self.tls {
            Some((parameters, Begin::AtOnce)) => Some(parameters.clone()),
            Some((_, Begin::ByCommand)) | None => None,
        };
        let place = (self.host.as_str(), self.port);
        let timeout = Some(self.timeout);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(place, timeout, &name, at_once, None).await?;
        if let Some((parameters, Begin::ByCommand)) = &self.tls {
            connection.starttls(parameters.clone(), &name).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }
}

async fn converse(
    connection: &mut AsyncSmtpConnection,
    from: &Address,
    to: &[Address],
    mail: &[u8],
) -> Result<Taken, Error> {
    let mut parameters = Vec::new();
    let is_ascii = |address: &Address| {
        let text: &str = address.as_ref();
        text.is_ascii()
    };
    if !is_ascii(from) || !to.iter().all(is_ascii) {
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !mail.is_ascii() {
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    let begin = Mail::new(Some(from.clone()), parameters);
    connection.command(begin).await?;
    let mut taken = Taken::default();
    for address in to {
        let recipient = Rcpt::new(address.clone(), Vec::new());
        match connection.command(recipient).await {
            Ok(_accepted) => taken.reached.push(address.clone()),
            Err(error) if error.is_permanent() => {
                taken.refused.push((address.clone(), reason(&error)));
            }
            Err(error) if error.is_transient() => {
                taken.postponed.push((address.clone(), reason(&error)));
            }
            Err(error) => return Err(error),
        }
    }
    if !taken.reached.is_empty() {
        connection.command(Data).await?;
        let response = connection.message(mail).await?;
        taken.answer = format!("SMTP {}", response.code());
    }
    Ok(taken)
}

/// What went wrong, in the relay's words if it said any.
fn reason(error: &Error) -> String {
    let Some(code) = error.status() else {
        return if error.is_timeout() {
            "no answer of the relay in time"
        } else if error.is_tls() {
            "the relay's tls failed"
        } else if error.is_client() {
            "the relay lacks STARTTLS, a way to authenticate, or SMTPUTF8"
        } else {
            "no connection to the relay"
        }
        .to_owned();
    };
    let said = error.source().map(ToString::to_string).unwrap_or_default();
    let said: String = said
        .chars()
        .map(|character| {
            if is_invisible(character, &[]) {
                ' '
            } else {
                character
            }
        })
        .take(ANSWER_CHARS_MAX)
        .collect();
    format!("SMTP {code} {}", said.trim()).trim_end().to_owned()
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
