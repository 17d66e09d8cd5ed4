//! Deliveries: leases what is due, tries it, writes down what came of it. At least once.

mod guard;
mod mail;
pub(crate) mod message;
mod relay;
mod webhook;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use sqlx::SqlitePool;
use store::{Clock, Timestamp};

use crate::outbox::{self, Attempt, DeliveryStatus, Lease, Leased, Queue, Schedule};
use crate::settings::{Receiver, ReceiverKind, Settings};

pub use guard::Reach as AddressReach;
pub use guard::is_allowed as is_address_allowed;
pub use guard::{AddressRefused, GuardedResolver, is_host_allowed};
pub use mail::MailError;
pub use webhook::{WebhookError, sign};

/// How long what falls due waits for a place while attempts are under way.
const LEASE_PAUSE: Duration = Duration::from_millis(500);

/// The same where more is due already: what ends within it is replaced together.
const BATCH_PAUSE: Duration = Duration::from_millis(20);

/// Most connections to a mail relay at once, for each receiver: Exchange Online takes three.
const MAIL_CONNECTIONS_MAX: usize = 3;

/// Deliveries to unknown receivers that are put off together.
const UNKNOWN_MAX: usize = 100;

const PENDING: &str = "bartizan_deliveries_pending";
const DEAD: &str = "bartizan_deliveries_dead";
const OLDEST: &str = "bartizan_delivery_oldest_pending_seconds";
const GONE: &str = "bartizan_receiver_gone";

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

impl Delivered {
    fn count(&mut self, status: DeliveryStatus) {
        match status {
            DeliveryStatus::Delivered => self.delivered += 1,
            DeliveryStatus::Dead => self.dead += 1,
            DeliveryStatus::Pending | DeliveryStatus::Leased => self.postponed += 1,
        }
    }

    fn add(&mut self, other: Self) {
        self.delivered += other.delivered;
        self.postponed += other.postponed;
        self.dead += other.dead;
    }
}

#[derive(Debug)]
enum Channel {
    Mail(Box<mail::Mail>),
    Webhook(webhook::Webhook),
}

/// A receiver that is ready to use.
#[derive(Debug)]
struct Endpoint {
    channel: Channel,
    /// It asked never to be sent to again, which holds until the next start.
    is_gone: AtomicBool,
}

/// An attempt that is over and not yet written down.
#[derive(Debug)]
struct Tried {
    leased: Leased,
    attempt: Attempt,
    /// When it began and ended.
    times: (Timestamp, Timestamp),
}

/// Takes deliveries out of the outbox and to their receivers.
#[derive(Debug)]
pub(crate) struct Deliverer {
    database: SqlitePool,
    clock: Arc<dyn Clock>,
    endpoints: BTreeMap<String, Endpoint>,
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
        let mut endpoints = BTreeMap::new();
        for receiver in &settings.receivers {
            let endpoint = Endpoint {
                channel: channel(receiver, settings)?,
                is_gone: AtomicBool::new(false),
            };
            if endpoints.insert(receiver.name.clone(), endpoint).is_some() {
                return Err(DeliverError::DuplicateReceiver {
                    receiver: receiver.name.clone(),
                });
            }
        }
        Ok(Self {
            database,
            clock,
            endpoints,
            schedule: Schedule {
                pauses: settings.retry_schedule.clone(),
                jitter: settings.retry_jitter,
            },
            timeout: settings.delivery_timeout,
            deliveries_max: settings.deliveries_max.max(1),
        })
    }

    /// Takes back the leases of a former process, and what waited for a receiver that is configured again.
    pub(crate) async fn recover(&self) -> sqlx::Result<u64> {
        let released = outbox::release(&self.database).await?;
        let names: Vec<String> = self.receivers().map(str::to_owned).collect();
        let resumed = outbox::resume(&self.database, &names, self.clock.now()).await?;
        Ok(released + resumed)
    }

    /// Names of the receivers, each of which has a queue of its own.
    pub(crate) fn receivers(&self) -> impl Iterator<Item = &str> {
        self.endpoints.keys().map(String::as_str)
    }

    /// Tries everything that is due, until nothing is.
    pub(crate) async fn deliver_due(&self) -> Result<Delivered, DeliverError> {
        let mut total = self.postpone_unknown().await?;
        let queues = self
            .receivers()
            .map(|receiver| self.deliver_due_to(receiver));
        for delivered in futures::future::join_all(queues).await {
            total.add(delivered?);
        }
        Ok(total)
    }

    /// Tries everything of one receiver that is due, until nothing is. A slow answer holds up its own place alone.
    pub(crate) async fn deliver_due_to(&self, receiver: &str) -> Result<Delivered, DeliverError> {
        let mut total = Delivered::default();
        let Some(endpoint) = self.endpoints.get(receiver) else {
            return Ok(total);
        };
        let places = match endpoint.channel {
            Channel::Mail(_) => self.deliveries_max.min(MAIL_CONNECTIONS_MAX),
            Channel::Webhook(_) => self.deliveries_max,
        };
        let mut running = FuturesUnordered::new();
        let (mut has_waited, mut pause) = (true, LEASE_PAUSE);
        loop {
            // In batches, because each lease is a write; but places that are free are not left so for long.
            let room = places.saturating_sub(running.len());
            let is_time = has_waited || room >= places.div_ceil(2);
            if room > 0 && is_time && !endpoint.is_gone.load(Ordering::Relaxed) {
                let leased = self.lease(Queue::Of(receiver), room).await?;
                pause = if leased.len() < room {
                    LEASE_PAUSE
                } else {
                    BATCH_PAUSE
                };
                running.extend(leased.into_iter().map(|it| self.attempt(it, endpoint)));
            }
            if running.is_empty() {
                return Ok(total);
            }
            has_waited = tokio::select! {
                Some(tried) = running.next() => {
                    total.count(self.finish(&tried).await?);
                    false
                }
                () = tokio::time::sleep(pause) => true,
            };
        }
    }

    /// Puts off what is for receivers that nobody configured: a name that is put back gets it still.
    pub(crate) async fn postpone_unknown(&self) -> Result<Delivered, DeliverError> {
        let names: Vec<String> = self.receivers().map(str::to_owned).collect();
        let mut total = Delivered::default();
        loop {
            let leased = self.lease(Queue::NotOf(&names), UNKNOWN_MAX).await?;
            if leased.is_empty() {
                return Ok(total);
            }
            for leased in leased {
                let now = self.clock.now();
                let tried = Tried {
                    leased,
                    attempt: Attempt::retry(outbox::NOT_CONFIGURED),
                    times: (now, now),
                };
                total.count(self.finish(&tried).await?);
            }
        }
    }

    /// Tells in metrics how the queues stand; `told` are the receivers that were told of before.
    pub(crate) async fn measure(&self, told: &mut BTreeSet<String>) -> Result<(), DeliverError> {
        let now = self.clock.now();
        let standings = outbox::standings(&self.database).await?;
        told.extend(self.receivers().map(str::to_owned));
        told.extend(standings.iter().map(|standing| standing.receiver.clone()));
        for receiver in told.iter() {
            let standing = standings.iter().find(|it| it.receiver == *receiver);
            let age = standing
                .and_then(|it| it.oldest)
                .map(|oldest| now.since(Timestamp::from_micros(oldest)))
                .unwrap_or_default();
            let is_gone = self
                .endpoints
                .get(receiver)
                .is_some_and(|endpoint| endpoint.is_gone.load(Ordering::Relaxed));
            let gauge = |name, value: f64| {
                metrics::gauge!(name, "receiver" => receiver.clone()).set(value);
            };
            gauge(PENDING, figure(standing.map(|it| it.pending)));
            gauge(DEAD, figure(standing.map(|it| it.dead)));
            gauge(OLDEST, age.as_secs_f64());
            gauge(GONE, if is_gone { 1.0 } else { 0.0 });
        }
        Ok(())
    }

    async fn lease(
        &self,
        queue: Queue<'_>,
        deliveries_max: usize,
    ) -> Result<Vec<Leased>, DeliverError> {
        let lease = Lease {
            now: self.clock.now(),
            lasting: self.timeout.saturating_mul(2).max(Duration::from_mins(1)),
            deliveries_max,
            first_pause: self.schedule.first(),
        };
        Ok(outbox::lease(&self.database, queue, lease).await?)
    }

    /// Tries one delivery. It must not use the database: nobody polls it while its queue does.
    async fn attempt(&self, leased: Leased, endpoint: &Endpoint) -> Tried {
        let started = self.clock.now();
        let attempt = self.send(&endpoint.channel, &leased, started).await;
        let is_gone = matches!(attempt, Attempt::Gone { .. });
        if is_gone && !endpoint.is_gone.swap(true, Ordering::Relaxed) {
            let receiver = &leased.receiver;
            tracing::error!(%receiver, "{receiver} answered 410 Gone: nothing is sent to it until the next start; correct its url or remove it");
        }
        Tried {
            leased,
            attempt,
            times: (started, self.clock.now()),
        }
    }

    async fn finish(&self, tried: &Tried) -> Result<DeliveryStatus, DeliverError> {
        let (leased, attempt) = (&tried.leased, &tried.attempt);
        let (database, schedule) = (&self.database, &self.schedule);
        let status = outbox::finish(database, leased, attempt, tried.times, schedule).await?;
        log(leased, attempt, status);
        Ok(status)
    }

    async fn send(&self, channel: &Channel, leased: &Leased, now: Timestamp) -> Attempt {
        match channel {
            // It bounds its time itself, because what the relay has taken is taken.
            Channel::Mail(mail) => mail.send(leased, now).await,
            Channel::Webhook(webhook) => {
                match tokio::time::timeout(self.timeout, webhook.send(leased, now)).await {
                    Ok(attempt) => attempt,
                    Err(_elapsed) => {
                        Attempt::retry(format!("no answer within {} s", self.timeout.as_secs()))
                    }
                }
            }
        }
    }
}

/// A count as a metric's value.
fn figure(count: Option<i64>) -> f64 {
    f64::from(u32::try_from(count.unwrap_or(0)).unwrap_or(u32::MAX))
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
    metrics::counter!("bartizan_delivery_attempts_total", "receiver" => receiver.clone(), "status" => status.name())
        .increment(1);
    let (Attempt::Delivered { answer } | Attempt::Retry { answer, .. } | Attempt::Gone { answer }) =
        attempt;
    match status {
        DeliveryStatus::Delivered => {
            tracing::info!(delivery.id = %id, %receiver, answer, "delivered {id} to {receiver}");
        }
        DeliveryStatus::Dead => {
            tracing::error!(delivery.id = %id, %receiver, answer, "gave up on {id} to {receiver}: POST /api/v1/deliveries/{id}/retry tries it again");
        }
        DeliveryStatus::Pending | DeliveryStatus::Leased => {
            let status = status.name();
            tracing::warn!(delivery.id = %id, %receiver, status, answer, "failed to deliver {id} to {receiver}: {answer}");
        }
    }
}
