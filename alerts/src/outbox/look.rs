//! The outbox for people: what waits, what was given up, and trying that again.

use sqlx::SqlitePool;
use store::{Timestamp, Workspace};

use super::DeliveryStatus;

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

/// Which deliveries to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Only those.
    pub status: Option<DeliveryStatus>,
    /// Only those to that receiver.
    pub receiver: Option<String>,
    /// Only those of that incident.
    pub incident_number: Option<i64>,
    /// Only those behind this one in the listing, which is newest first.
    pub after: Option<String>,
    /// At most so many.
    pub limit: u32,
}

/// What became of the wish to try a delivery again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resent {
    /// It is due now, with the whole schedule before it.
    Done(Box<Delivery>),
    /// There is no such delivery.
    NotFound,
    /// It is neither dead nor waiting.
    Refused(DeliveryStatus),
}

/// How a receiver's queue stands.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Standing {
    pub(crate) receiver: String,
    pub(crate) pending: i64,
    pub(crate) dead: i64,
    /// When the oldest of the pending ones was written.
    pub(crate) oldest: Option<i64>,
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

impl From<DeliveryRow> for Delivery {
    fn from(row: DeliveryRow) -> Self {
        Self {
            id: row.id,
            incident_number: row.incident_number,
            receiver: row.receiver,
            // The table's check holds it to known names.
            status: DeliveryStatus::from_name(&row.status).unwrap_or(DeliveryStatus::Pending),
            attempts: row.attempts,
            due: Timestamp::from_micros(row.due),
            created: Timestamp::from_micros(row.created),
            finished: row.finished.map(Timestamp::from_micros),
            error: row.error,
        }
    }
}

/// Deliveries, newest first.
pub(crate) async fn list(
    database: &SqlitePool,
    workspace: &Workspace,
    filter: &DeliveryFilter,
) -> sqlx::Result<Vec<Delivery>> {
    let rows: Vec<DeliveryRow> = sqlx::query_as(
        "select id, incident_number, receiver, status, attempts, due, created, finished, error \
         from delivery where workspace = $1 and ($2 is null or status = $2) \
         and ($3 is null or receiver = $3) and ($4 is null or incident_number = $4) \
         and ($5 is null or (created, id) < (select created, id from delivery where id = $5)) \
         order by created desc, id desc limit $6",
    )
    .bind(workspace.as_str())
    .bind(filter.status.map(DeliveryStatus::name))
    .bind(&filter.receiver)
    .bind(filter.incident_number)
    .bind(&filter.after)
    .bind(filter.limit)
    .fetch_all(database)
    .await?;
    Ok(rows.into_iter().map(Delivery::from).collect())
}

/// Makes a delivery that is dead, or that waits, due now.
pub(crate) async fn resend(
    database: &SqlitePool,
    workspace: &Workspace,
    id: &str,
    now: Timestamp,
) -> sqlx::Result<Resent> {
    let row: Option<DeliveryRow> = sqlx::query_as(
        "update delivery set status = 'pending', attempts = 0, due = $3, finished = null \
         where workspace = $1 and id = $2 and status in ('pending', 'dead') \
         returning id, incident_number, receiver, status, attempts, due, created, finished, error",
    )
    .bind(workspace.as_str())
    .bind(id)
    .bind(now.as_micros())
    .fetch_optional(database)
    .await?;
    if let Some(row) = row {
        return Ok(Resent::Done(Box::new(row.into())));
    }
    let status: Option<String> =
        sqlx::query_scalar("select status from delivery where workspace = $1 and id = $2")
            .bind(workspace.as_str())
            .bind(id)
            .fetch_optional(database)
            .await?;
    let status = status.as_deref().and_then(DeliveryStatus::from_name);
    Ok(status.map_or(Resent::NotFound, Resent::Refused))
}

/// How the queues stand that are not empty.
pub(crate) async fn standings(database: &SqlitePool) -> sqlx::Result<Vec<Standing>> {
    sqlx::query_as(
        "select receiver, sum(status <> 'dead') as pending, sum(status = 'dead') as dead, \
         min(case when status <> 'dead' then created end) as oldest from delivery \
         where status in ('pending', 'leased', 'dead') group by receiver order by receiver",
    )
    .fetch_all(database)
    .await
}
