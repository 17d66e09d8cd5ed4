//! Deliveries: leases what is due, tries it, writes down what came of it. At least once.

mod guard;
mod mail;
pub(crate) mod message;
mod webhook;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use sqlx::SqlitePool;
use store::{Clock, Timestamp};

use crate::outbox::{self, Attempt, DeliveryStatus, Leased, Schedule};
use crate::settings::{Receiver, ReceiverKind, Settings};

pub use guard::Reach as AddressReach;
pub use guard::is_allowed as is_address_allowed;
pub use guard::{AddressRefused, GuardedResolver, is_host_allowed};
pub use mail::MailError;
pub use webhook::{WebhookError, sign};

/// Why deliveries can't begin.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// Two receivers have one name.
    #[error("receiver {receiver} is configured twice")]
    DuplicateReceiver {
        /// The name.
        receiver: String,
    },
    /// A receiver's e-mail settings are wrong.
    #[error("set up receiver {receiver}")]
    Mail {
        /// The receiver.
        receiver: String,
        /// What is wrong.
        #[source]
        source: MailError,
    },
    /// A receiver's webhook settings are wrong.
    #[error("set up receiver {receiver}")]
    Webhook {
        /// The receiver.
        receiver: String,
        /// What is wrong.
        #[source]
        source: WebhookError,
    },
    /// The outbox can't be read or written.
    #[error("use the outbox")]
    Outbox(#[from] sqlx::Error),
}

/// What a pass over the outbox did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Now with their receivers.
    pub delivered: u64,
    /// To be tried again.
    pub postponed: u64,
    /// Given up.
    pub dead: u64,
}

#[derive(Debug)]
enum Channel {
    Mail(Box<mail::Mail>),
    Webhook(webhook::Webhook),
}

/// Takes deliveries out of the outbox and to their receivers.
#[derive(Debug)]
pub(crate) struct Deliverer {
    database: SqlitePool,
    clock: Arc<dyn Clock>,
    channels: BTreeMap<String, Channel>,
    schedule: Schedule,
    timeout: Duration,
    deliveries_max: usize,
}

impl Deliverer {
    /// Checks the receivers.
    pub(crate) fn new(
        database: SqlitePool,
        clock: Arc<dyn Clock>,
        settings: &Settings,
    ) -> Result<Self, DeliverError> {
        let mut channels = BTreeMap::new();
        for receiver in &settings.receivers {
            let channel = channel(receiver, settings)?;
            if channels.insert(receiver.name.clone(), channel).is_some() {
                return Err(DeliverError::DuplicateReceiver {
                    receiver: receiver.name.clone(),
                });
            }
        }
        Ok(Self {
            database,
            clock,
            channels,
            schedule: Schedule {
                pauses: settings.retry_schedule.clone(),
                jitter: settings.retry_jitter,
            },
            timeout: settings.delivery_timeout,
            deliveries_max: settings.deliveries_max.max(1),
        })
    }

    /// Tries everything that is due, until nothing is.
    pub(crate) async fn deliver_due(&self) -> Result<Delivered, DeliverError> {
        let mut total = Delivered::default();
        let lease_lasting = self.timeout.saturating_mul(2).max(Duration::from_mins(1));
        loop {
            let now = self.clock.now();
            let leased =
                outbox::lease(&self.database, now, lease_lasting, self.deliveries_max).await?;
            if leased.is_empty() {
                return Ok(total);
            }
            let attempts: Vec<_> = futures::stream::iter(leased)
                .map(|leased| self.attempt(leased))
                .buffer_unordered(self.deliveries_max)
                .collect()
                .await;
            for attempt in attempts {
                match attempt? {
                    DeliveryStatus::Delivered => total.delivered += 1,
                    DeliveryStatus::Dead => total.dead += 1,
                    DeliveryStatus::Pending | DeliveryStatus::Leased => total.postponed += 1,
                }
            }
        }
    }

    async fn attempt(&self, leased: Leased) -> Result<DeliveryStatus, DeliverError> {
        let started = self.clock.now();
        let attempt = match self.channels.get(&leased.receiver) {
            None => Attempt::Refused {
                answer: "the receiver is no longer configured".to_owned(),
            },
            Some(channel) => self.send(channel, &leased, started).await,
        };
        let finished = self.clock.now();
        let status = outbox::finish(
            &self.database,
            &leased,
            &attempt,
            (started, finished),
            &self.schedule,
        )
        .await?;
        log(&leased, &attempt, status);
        Ok(status)
    }

    async fn send(&self, channel: &Channel, leased: &Leased, now: Timestamp) -> Attempt {
        let sent = async {
            match channel {
                Channel::Mail(mail) => mail.send(leased, now).await,
                Channel::Webhook(webhook) => webhook.send(leased, now).await,
            }
        };
        match tokio::time::timeout(self.timeout, sent).await {
            Ok(attempt) => attempt,
            Err(_elapsed) => Attempt::Retry {
                answer: format!("no answer within {} s", self.timeout.as_secs()),
                after: None,
            },
        }
    }
}

fn channel(receiver: &Receiver, settings: &Settings) -> Result<Channel, DeliverError> {
    let name = || receiver.name.clone();
    match &receiver.kind {
        ReceiverKind::Email(email) => {
            mail::Mail::new(email, settings.smtp.as_ref(), settings.delivery_timeout)
                .map(|mail| Channel::Mail(Box::new(mail)))
                .map_err(|source| DeliverError::Mail {
                    receiver: name(),
                    source,
                })
        }
        ReceiverKind::Webhook(hook) => webhook::Webhook::new(hook, settings.delivery_timeout)
            .map(Channel::Webhook)
            .map_err(|source| DeliverError::Webhook {
                receiver: name(),
                source,
            }),
    }
}

fn log(leased: &Leased, attempt: &Attempt, status: DeliveryStatus) {
    let (id, receiver) = (&leased.id, &leased.receiver);
    metrics::counter!("bartizan_delivery_attempts_total", "status" => status.name()).increment(1);
    match (status, attempt) {
        (DeliveryStatus::Delivered, _) => {
            tracing::info!(delivery.id = %id, %receiver, "delivered {id} to {receiver}");
        }
        (
            _,
            Attempt::Retry { answer, .. }
            | Attempt::Refused { answer }
            | Attempt::Delivered { answer },
        ) => {
            let status = status.name();
            tracing::warn!(delivery.id = %id, %receiver, status, answer, "failed to deliver {id} to {receiver}");
        }
    }
}
