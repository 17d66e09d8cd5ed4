//! The table `rule_state`: where each rule stands and whether it runs.

use std::time::Duration;

use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction};
use store::{Timestamp, Workspace};

/// Where a rule stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleState {
    /// The rule.
    pub rule_id: String,
    /// End of the window that comes next.
    pub next_window_end: Timestamp,
    /// Rows received up to here were looked at.
    pub received_seen: Timestamp,
    /// Nothing is evaluated before this event time.
    pub suppressed_until: Option<Timestamp>,
    /// Windows evaluated so far.
    pub windows: u64,
    /// When the last one was.
    pub evaluated: Option<Timestamp>,
    /// Set while the rule fails.
    pub failing: Option<Failing>,
}

/// How a rule fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// The last error.
    pub error: String,
    /// When the first of this run of failures was.
    pub since: Timestamp,
    /// How many there were in this run.
    pub failures: u64,
    /// When it is tried again.
    pub retry_at: Timestamp,
}

/// What happened to an advance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Advanced {
    /// The window is ours.
    Yes,
    /// Somebody else evaluated it; nothing of ours may be committed.
    Lost,
}

/// The move to the next window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Advance {
    /// End of the window that was evaluated.
    pub(crate) from: Timestamp,
    /// End of the one after it.
    pub(crate) to: Timestamp,
    /// New end of suppression, if it changes.
    pub(crate) suppressed_until: Option<Timestamp>,
    /// The present.
    pub(crate) now: Timestamp,
}

#[derive(sqlx::FromRow)]
struct StateRow {
    rule_id: String,
    next_window_end: i64,
    received_seen: i64,
    suppressed_until: Option<i64>,
    windows: i64,
    error: Option<String>,
    failing_since: Option<i64>,
    failures: i64,
    retry_at: Option<i64>,
    evaluated: Option<i64>,
}

impl From<StateRow> for RuleState {
    fn from(row: StateRow) -> Self {
        let instant = Timestamp::from_micros;
        let failing = row.failing_since.map(|since| Failing {
            error: row.error.unwrap_or_default(),
            since: instant(since),
            failures: u64::try_from(row.failures).unwrap_or(0),
            retry_at: instant(row.retry_at.unwrap_or(since)),
        });
        Self {
            rule_id: row.rule_id,
            next_window_end: instant(row.next_window_end),
            received_seen: instant(row.received_seen),
            suppressed_until: row.suppressed_until.map(instant),
            windows: u64::try_from(row.windows).unwrap_or(0),
            evaluated: row.evaluated.map(instant),
            failing,
        }
    }
}

/// Every rule's state in a workspace, by rule id.
pub(crate) async fn list(
    database: &SqlitePool,
    workspace: &Workspace,
) -> sqlx::Result<Vec<RuleState>> {
    let rows: Vec<StateRow> = sqlx::query_as(
        "select rule_id, next_window_end, received_seen, suppressed_until, windows, error, failing_since, \
         failures, retry_at, evaluated from rule_state where workspace = $1 order by rule_id",
    )
    .bind(workspace.as_str())
    .fetch_all(database)
    .await?;
    Ok(rows.into_iter().map(RuleState::from).collect())
}

/// A rule's state, if it was ever started.
pub(crate) async fn find(
    database: &SqlitePool,
    workspace: &Workspace,
    rule_id: &str,
) -> sqlx::Result<Option<RuleState>> {
    let row: Option<StateRow> = sqlx::query_as(
        "select rule_id, next_window_end, received_seen, suppressed_until, windows, error, failing_since, \
         failures, retry_at, evaluated from rule_state where workspace = $1 and rule_id = $2",
    )
    .bind(workspace.as_str())
    .bind(rule_id)
    .fetch_optional(database)
    .await?;
    Ok(row.map(RuleState::from))
}

/// Puts a rule at its first window; does nothing if it already stands somewhere.
pub(crate) async fn start(
    database: &SqlitePool,
    workspace: &Workspace,
    rule_id: &str,
    first: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(
        "insert into rule_state (workspace, rule_id, next_window_end, received_seen, status) \
         values ($1, $2, $3, 0, 'ok') on conflict do nothing",
    )
    .bind(workspace.as_str())
    .bind(rule_id)
    .bind(first.as_micros())
    .execute(database)
    .await?;
    Ok(())
}

/// Moves a rule on, if it still stands where it was read.
pub(crate) async fn advance(
    transaction: &mut Transaction<'_, Sqlite>,
    workspace: &Workspace,
    rule_id: &str,
    advance: Advance,
) -> sqlx::Result<Advanced> {
    let connection: &mut SqliteConnection = transaction;
    let done = sqlx::query(
        "update rule_state set next_window_end = $4, suppressed_until = coalesce($5, suppressed_until), \
         evaluated = $6, windows = windows + 1, status = 'ok', error = null, failing_since = null, \
         failures = 0, retry_at = null \
         where workspace = $1 and rule_id = $2 and next_window_end = $3",
    )
    .bind(workspace.as_str())
    .bind(rule_id)
    .bind(advance.from.as_micros())
    .bind(advance.to.as_micros())
    .bind(advance.suppressed_until.map(Timestamp::as_micros))
    .bind(advance.now.as_micros())
    .execute(connection)
    .await?;
    Ok(if done.rows_affected() == 1 {
        Advanced::Yes
    } else {
        Advanced::Lost
    })
}

/// Notes up to which time of receipt rows were looked at.
pub(crate) async fn saw(
    database: &SqlitePool,
    workspace: &Workspace,
    rule_id: &str,
    received: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(
        "update rule_state set received_seen = max(received_seen, $3) where workspace = $1 and rule_id = $2",
    )
    .bind(workspace.as_str())
    .bind(rule_id)
    .bind(received.as_micros())
    .execute(database)
    .await?;
    Ok(())
}

/// Notes a failure; the rule stays where it is.
pub(crate) async fn fail(
    database: &SqlitePool,
    workspace: &Workspace,
    rule_id: &str,
    failing: &Failing,
) -> sqlx::Result<()> {
    sqlx::query(
        "update rule_state set status = 'failing', error = $3, failing_since = $4, failures = $5, \
         retry_at = $6 where workspace = $1 and rule_id = $2",
    )
    .bind(workspace.as_str())
    .bind(rule_id)
    .bind(&failing.error)
    .bind(failing.since.as_micros())
    .bind(i64::try_from(failing.failures).unwrap_or(i64::MAX))
    .bind(failing.retry_at.as_micros())
    .execute(database)
    .await?;
    Ok(())
}

/// Pause before the next try after so many failures in a row: it doubles, up to `longest`.
pub(crate) fn pause_after(failures: u64, first: Duration, longest: Duration) -> Duration {
    let doublings = u32::try_from(failures.saturating_sub(1))
        .unwrap_or(u32::MAX)
        .min(20);
    first
        .saturating_mul(2_u32.saturating_pow(doublings))
        .min(longest)
}
