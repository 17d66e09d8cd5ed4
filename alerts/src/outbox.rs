//! The outbox: what must be told to whom. Rows are written with their cause in one transaction, leased
//! for an attempt, and end delivered or dead. This module alone writes `delivery` and `delivery_attempt`.

mod look;

use std::time::Duration;

use rand::RngExt as _;
use sqlx::{SqliteConnection, SqlitePool};
use store::{Timestamp, Workspace};
use uuid::Uuid;

use crate::stored::{to_json, words_from_json};

pub use look::{Delivery, DeliveryFilter, Resent};
pub(crate) use look::{list, resend, standings};

/// What is written down of a delivery whose receiver the settings don't name.
pub(crate) const NOT_CONFIGURED: &str = "no receiver of this name is configured";

/// Longest pause that a receiver may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// Waits for its next attempt.
    Pending,
    /// An attempt is under way.
    Leased,
    /// The receiver has it.
    Delivered,
    /// Given up.
    Dead,
}

impl DeliveryStatus {
    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Leased => "leased",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Pending, Self::Leased, Self::Delivered, Self::Dead];
        all.into_iter().find(|status| status.name() == name)
    }
}

/// A delivery whose next attempt is ours.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Leased {
    pub(crate) id: String,
    pub(crate) receiver: String,
    pub(crate) message: String,
    pub(crate) attempts: i64,
    lease: String,
    pub(crate) reached: String,
}

impl Leased {
    /// Recipients of an e-mail who have it already.
    pub(crate) fn reached(&self) -> Vec<String> {
        words_from_json(&self.reached)
    }
}

/// Whose deliveries.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Queue<'a> {
    /// Those of one receiver.
    Of(&'a str),
    /// Those of everybody but these.
    NotOf(&'a [String]),
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// The receiver has it.
    Delivered {
        /// What it answered.
        answer: String,
    },
    /// It may work later.
    Retry {
        /// What went wrong.
        answer: String,
        /// How long the receiver asked to wait.
        after: Option<Duration>,
        /// Recipients of an e-mail who have it now.
        reached: Vec<String>,
    },
    /// The receiver asks never to be sent to again.
    Gone {
        /// What it answered.
        answer: String,
    },
}

impl Attempt {
    /// One that may work later.
    pub(crate) fn retry(answer: impl Into<String>) -> Self {
        Self::Retry {
            answer: answer.into(),
            after: None,
            reached: Vec::new(),
        }
    }

    fn outcome(&self) -> (&'static str, &str) {
        match self {
            Self::Delivered { answer } => ("delivered", answer),
            Self::Retry { answer, .. } => ("retry", answer),
            Self::Gone { answer } => ("refused", answer),
        }
    }
}

/// When to try again: a pause before each attempt, varied at random.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub(crate) pauses: Vec<Duration>,
    pub(crate) jitter: f64,
}

impl Schedule {
    /// Pause before the first attempt.
    pub(crate) fn first(&self) -> Duration {
        self.pauses.first().copied().unwrap_or_default()
    }

    /// Pause before attempt `attempts + 1`; `None` when there are no more. `share` is from -1 to 1.
    fn pause_after(&self, attempts: usize, share: f64) -> Option<Duration> {
        let pause = self.pauses.get(attempts)?;
        let factor = (1.0 + self.jitter.clamp(0.0, 1.0) * share).max(0.0);
        Some(pause.mul_f64(factor))
    }
}

/// Writes a delivery, whose first attempt comes after the schedule's first pause.
pub(crate) async fn enqueue(
    connection: &mut SqliteConnection,
    (workspace, incident_number): (&Workspace, i64),
    receiver: &str,
    message: &str,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(
        "insert into delivery (id, workspace, incident_number, receiver, message, status, attempts, due, \
         created) values ($1, $2, $3, $4, $5, 'pending', 0, $6, $6)",
    )
    .bind(format!("msg_{}", Uuid::new_v4().simple()))
    .bind(workspace.as_str())
    .bind(incident_number)
    .bind(receiver)
    .bind(message)
    .bind(now.as_micros())
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes back every lease. One process owns the database, so at its start no attempt is under way.
pub(crate) async fn release(database: &SqlitePool) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "update delivery set status = 'pending', lease = null, lease_until = null where status = 'leased'",
    )
    .execute(database)
    .await?;
    Ok(done.rows_affected())
}

/// Makes due at once what only waits because its receiver was not configured, and now is.
pub(crate) async fn resume(
    database: &SqlitePool,
    receivers: &[String],
    now: Timestamp,
) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "update delivery set due = min(due, $1) where status = 'pending' and error = $2 \
         and receiver in (select value from json_each($3))",
    )
    .bind(now.as_micros())
    .bind(NOT_CONFIGURED)
    .bind(to_json(&receivers))
    .execute(database)
    .await?;
    Ok(done.rows_affected())
}

/// A lease of deliveries that are due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease {
    pub(crate) now: Timestamp,
    /// Until it lapses.
    pub(crate) lasting: Duration,
    pub(crate) deliveries_max: usize,
    /// Pause before the first attempt.
    pub(crate) first_pause: Duration,
}

/// Leases what is due, longest waiting first.
pub(crate) async fn lease(
    database: &SqlitePool,
    queue: Queue<'_>,
    wanted: Lease,
) -> sqlx::Result<Vec<Leased>> {
    let (query, names) = match queue {
        Queue::Of(receiver) => (
            sqlx::query_as(
                "update delivery set status = 'leased', lease = $2, lease_until = $3 where id in ( \
                 select id from delivery where receiver = $6 and ((status = 'pending' and due <= $1 \
                 and (attempts > 0 or created <= $5)) or (status = 'leased' and lease_until <= $1)) \
                 order by due, id limit $4) returning id, receiver, message, attempts, lease, reached",
            ),
            receiver.to_owned(),
        ),
        Queue::NotOf(receivers) => (
            sqlx::query_as(
                "update delivery set status = 'leased', lease = $2, lease_until = $3 where id in ( \
                 select id from delivery where receiver not in (select value from json_each($6)) \
                 and ((status = 'pending' and due <= $1 and (attempts > 0 or created <= $5)) \
                 or (status = 'leased' and lease_until <= $1)) \
                 order by due, id limit $4) returning id, receiver, message, attempts, lease, reached",
            ),
            to_json(&receivers),
        ),
    };
    query
        .bind(wanted.now.as_micros())
        .bind(Uuid::new_v4().to_string())
        .bind(wanted.now.plus(wanted.lasting).as_micros())
        .bind(i64::try_from(wanted.deliveries_max).unwrap_or(i64::MAX))
        .bind(wanted.now.minus(wanted.first_pause).as_micros())
        .bind(names)
        .fetch_all(database)
        .await
}

/// Writes down what an attempt came to, unless its lease was lost meanwhile.
pub(crate) async fn finish(
    database: &SqlitePool,
    leased: &Leased,
    attempt: &Attempt,
    (started, now): (Timestamp, Timestamp),
    schedule: &Schedule,
) -> sqlx::Result<DeliveryStatus> {
    let share: f64 = rand::rng().random_range(-1.0..=1.0);
    let (status, due) = next(leased, attempt, schedule, share, now);
    let (outcome, answer) = attempt.outcome();
    let is_final = matches!(status, DeliveryStatus::Delivered | DeliveryStatus::Dead);
    let mut reached = leased.reached();
    if let Attempt::Retry { reached: now, .. } = attempt {
        reached.extend_from_slice(now);
    }
    let mut transaction = database.begin_with("begin immediate").await?;
    let done = sqlx::query(
        "update delivery set status = $3, attempts = attempts + 1, due = $4, finished = $5, error = $6, \
         reached = $7, lease = null, lease_until = null where id = $1 and lease = $2",
    )
    .bind(&leased.id)
    .bind(&leased.lease)
    .bind(status.name())
    .bind(due.as_micros())
    .bind(is_final.then_some(now.as_micros()))
    .bind((status != DeliveryStatus::Delivered).then_some(answer))
    .bind(to_json(&reached))
    .execute(&mut *transaction)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(DeliveryStatus::Leased);
    }
    sqlx::query(
        "insert into delivery_attempt (delivery_id, number, started, finished, outcome, answer) \
         select $1, coalesce(max(number), 0) + 1, $2, $3, $4, $5 from delivery_attempt where delivery_id = $1",
    )
    .bind(&leased.id)
    .bind(started.as_micros())
    .bind(now.as_micros())
    .bind(outcome)
    .bind(answer)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(status)
}

/// Status after an attempt and when the next one is due.
fn next(
    leased: &Leased,
    attempt: &Attempt,
    schedule: &Schedule,
    share: f64,
    now: Timestamp,
) -> (DeliveryStatus, Timestamp) {
    let attempts = usize::try_from(leased.attempts)
        .unwrap_or(usize::MAX)
        .saturating_add(1);
    match attempt {
        Attempt::Delivered { .. } => (DeliveryStatus::Delivered, now),
        Attempt::Gone { .. } => (DeliveryStatus::Dead, now),
        Attempt::Retry { after, .. } => match schedule.pause_after(attempts, share) {
            None => (DeliveryStatus::Dead, now),
            Some(pause) => {
                let asked = after.unwrap_or_default().min(RETRY_AFTER_MAX);
                (DeliveryStatus::Pending, now.plus(pause.max(asked)))
            }
        },
    }
}

/// A leased delivery as tests need it.
#[cfg(test)]
pub(crate) fn leased(id: &str, message: &str) -> Leased {
    Leased {
        id: id.to_owned(),
        receiver: String::new(),
        message: message.to_owned(),
        attempts: 0,
        lease: String::new(),
        reached: "[]".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_attempt_follows_the_schedule_and_the_receiver() {
        #[track_caller]
        fn check(attempts: i64, share: f64, after_s: Option<u64>, expected: (DeliveryStatus, u64)) {
            let pauses = [0, 10, 100].map(Duration::from_secs).to_vec();
            let schedule = Schedule {
                pauses,
                jitter: 0.1,
            };
            let leased = Leased {
                attempts,
                ..leased("msg", "")
            };
            let attempt = Attempt::Retry {
                answer: String::new(),
                after: after_s.map(Duration::from_secs),
                reached: Vec::new(),
            };
            let now = Timestamp::from_micros(0);
            let (status, due) = next(&leased, &attempt, &schedule, share, now);
            assert_eq!(
                (status, due.since(now)),
                (expected.0, Duration::from_secs(expected.1))
            );
        }
        use DeliveryStatus::{Dead, Pending};
        check(0, 0.0, None, (Pending, 10));
        check(0, 1.0, None, (Pending, 11));
        check(0, -1.0, None, (Pending, 9));
        check(1, 0.0, None, (Pending, 100));
        check(2, 0.0, None, (Dead, 0)); // that was the last one
        check(0, 0.0, Some(60), (Pending, 60));
        check(1, 0.0, Some(60), (Pending, 100));
        check(0, 0.0, Some(86_400), (Pending, 3_600)); // nobody may ask for more than an hour
    }
}
