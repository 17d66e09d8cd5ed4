//! The outbox: what must be told to whom. Rows are written with their cause in one transaction, leased
//! for an attempt, and end delivered or dead. This module alone writes `delivery` and `delivery_attempt`.

use std::time::Duration;

use rand::RngExt as _;
use sqlx::{SqliteConnection, SqlitePool};
use store::{Timestamp, Workspace};
use uuid::Uuid;

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

    fn from_name(name: &str) -> Self {
        match name {
            "leased" => Self::Leased,
            "delivered" => Self::Delivered,
            "dead" => Self::Dead,
            _ => Self::Pending,
        }
    }
}

/// A delivery, for people to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its id, also the `webhook-id`.
    pub id: String,
    /// The incident that it tells of.
    pub incident_number: i64,
    /// Name of the receiver.
    pub receiver: String,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// Attempts so far.
    pub attempts: i64,
    /// When the next attempt is due.
    pub due: Timestamp,
    /// When it was written.
    pub created: Timestamp,
    /// When it was delivered or given up.
    pub finished: Option<Timestamp>,
    /// What the last failed attempt met.
    pub error: Option<String>,
}

/// A delivery whose next attempt is ours.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Leased {
    pub(crate) id: String,
    pub(crate) receiver: String,
    pub(crate) message: String,
    pub(crate) attempts: i64,
    lease: String,
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
    },
    /// It never will.
    Refused {
        /// What went wrong.
        answer: String,
    },
}

impl Attempt {
    fn outcome(&self) -> (&'static str, &str) {
        match self {
            Self::Delivered { answer } => ("delivered", answer),
            Self::Retry { answer, .. } => ("retry", answer),
            Self::Refused { answer } => ("refused", answer),
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
    /// Pause before attempt `attempts + 1`; `None` when there are no more. `share` is from -1 to 1.
    fn pause_after(&self, attempts: usize, share: f64) -> Option<Duration> {
        let pause = self.pauses.get(attempts)?;
        let factor = (1.0 + self.jitter.clamp(0.0, 1.0) * share).max(0.0);
        Some(pause.mul_f64(factor))
    }
}

/// Writes a delivery that is due at once.
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

/// Leases what is due, longest waiting first.
pub(crate) async fn lease(
    database: &SqlitePool,
    now: Timestamp,
    lasting: Duration,
    deliveries_max: usize,
) -> sqlx::Result<Vec<Leased>> {
    sqlx::query_as(
        "update delivery set status = 'leased', lease = $2, lease_until = $3 where id in ( \
         select id from delivery where (status = 'pending' and due <= $1) \
         or (status = 'leased' and lease_until <= $1) order by due, id limit $4) \
         returning id, receiver, message, attempts, lease",
    )
    .bind(now.as_micros())
    .bind(Uuid::new_v4().to_string())
    .bind(now.plus(lasting).as_micros())
    .bind(i64::try_from(deliveries_max).unwrap_or(i64::MAX))
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
    let mut transaction = database.begin_with("begin immediate").await?;
    let done = sqlx::query(
        "update delivery set status = $3, attempts = attempts + 1, due = $4, finished = $5, error = $6, \
         lease = null, lease_until = null where id = $1 and lease = $2",
    )
    .bind(&leased.id)
    .bind(&leased.lease)
    .bind(status.name())
    .bind(due.as_micros())
    .bind(is_final.then_some(now.as_micros()))
    .bind((status != DeliveryStatus::Delivered).then_some(answer))
    .execute(&mut *transaction)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(DeliveryStatus::Leased);
    }
    sqlx::query(
        "insert into delivery_attempt (delivery_id, number, started, finished, outcome, answer) \
         values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&leased.id)
    .bind(leased.attempts + 1)
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
        Attempt::Refused { .. } => (DeliveryStatus::Dead, now),
        Attempt::Retry { after, .. } => match schedule.pause_after(attempts, share) {
            None => (DeliveryStatus::Dead, now),
            Some(pause) => {
                let asked = after.unwrap_or_default().min(RETRY_AFTER_MAX);
                (DeliveryStatus::Pending, now.plus(pause.max(asked)))
            }
        },
    }
}

#[derive(sqlx::FromRow)]
struct DeliveryRow {
    id: String,
    incident_number: i64,
    receiver: String,
    status: String,
    attempts: i64,
    due: i64,
    created: i64,
    finished: Option<i64>,
    error: Option<String>,
}

/// The deliveries of an incident, oldest first.
pub(crate) async fn list(
    database: &SqlitePool,
    workspace: &Workspace,
    incident_number: i64,
) -> sqlx::Result<Vec<Delivery>> {
    let rows: Vec<DeliveryRow> = sqlx::query_as(
        "select id, incident_number, receiver, status, attempts, due, created, finished, error \
         from delivery where workspace = $1 and incident_number = $2 order by created, receiver",
    )
    .bind(workspace.as_str())
    .bind(incident_number)
    .fetch_all(database)
    .await?;
    let delivery = |row: DeliveryRow| Delivery {
        id: row.id,
        incident_number: row.incident_number,
        receiver: row.receiver,
        status: DeliveryStatus::from_name(&row.status),
        attempts: row.attempts,
        due: Timestamp::from_micros(row.due),
        created: Timestamp::from_micros(row.created),
        finished: row.finished.map(Timestamp::from_micros),
        error: row.error,
    };
    Ok(rows.into_iter().map(delivery).collect())
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
