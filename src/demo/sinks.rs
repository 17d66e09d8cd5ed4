//! Where the demo's messages arrive: a mail server and a webhook receiver on loopback, so that nothing
//! leaves the machine and no outside service is needed.
//!
//! Both check what a careful receiver would check, and hand over what they took on a bounded channel;
//! when that is full they answer "try again later", as a busy receiver does.

mod mail;
mod smtp;
mod webhook;

pub(crate) use mail::ReceivedMail;
pub(crate) use smtp::SmtpSink;
pub(crate) use webhook::{ReceivedEvent, WebhookSink};

/// Messages that may wait to be taken.
const WAITING_MAX: usize = 256;
