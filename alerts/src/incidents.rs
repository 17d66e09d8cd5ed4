//! Incidents, with the fields and names of Microsoft Sentinel's. This module and its children alone
//! write the tables `incident`, `alert` and `incident_change`.

mod change;
mod record;
mod stored_row;

use std::collections::BTreeMap;

use sqlx::SqlitePool;
use store::{Timestamp, Workspace};

use crate::model::{Entity, Evidence, Severity};
use crate::window::Window;

pub use change::{Change, Refusal, Updated};
pub(crate) use record::{Origin, Recorded, record};

use stored_row::IncidentRow;

/// Most incidents of one listing.
pub const LIST_MAX: u32 = 1_000;

/// Where the work on an incident stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nobody looked at it.
    New,
    /// Somebody works on it.
    Active,
    /// Done.
    Closed,
}

/// What a closed incident turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Classification {
    /// Not known.
    Undetermined,
    /// An attack.
    TruePositive,
    /// What the rule looks for, and meant to be.
    BenignPositive,
    /// Not what the rule looks for.
    FalsePositive,
}

/// Why it is classified so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassificationReason {
    /// Of a true positive.
    SuspiciousActivity,
    /// Of a benign positive.
    SuspiciousButExpected,
    /// Of a false positive: the rule errs.
    IncorrectAlertLogic,
    /// Of a false positive: the data err.
    InaccurateData,
}

macro_rules! names {
    ($kind:ty: $($variant:ident),+) => {
        impl $kind {
            /// Sentinel's name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant)),+ }
            }

            /// The value of that name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $(stringify!($variant) => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

names!(Status: New, Active, Closed);
names!(Classification: Undetermined, TruePositive, BenignPositive, FalsePositive);
names!(ClassificationReason: SuspiciousActivity, SuspiciousButExpected, IncorrectAlertLogic, InaccurateData);

/// Something for people to look at: the alerts of one rule about the same entities.
#[derive(Clone, Debug, PartialEq)]
pub struct Incident {
    /// Number within the workspace, from 1.
    pub number: i64,
    /// GUID.
    pub id: String,
    /// The rule that found it.
    pub rule_id: String,
    /// What it is.
    pub title: String,
    /// Why it matters.
    pub description: String,
    /// The worst severity among its alerts.
    pub severity: Severity,
    /// Where the work stands.
    pub status: Status,
    /// Set once closed.
    pub classification: Option<Classification>,
    /// Set once closed, except when undetermined.
    pub classification_reason: Option<ClassificationReason>,
    /// What the person who closed it said.
    pub classification_comment: Option<String>,
    /// Who works on it.
    pub owner: Option<String>,
    /// Free words.
    pub labels: Vec<String>,
    /// Event time of the first activity.
    pub first_activity: Timestamp,
    /// Event time of the last activity.
    pub last_activity: Timestamp,
    /// When it was opened.
    pub created: Timestamp,
    /// When it last changed.
    pub modified: Timestamp,
    /// When it was closed.
    pub closed: Option<Timestamp>,
    /// Counts its changes, from 1; the etag.
    pub version: i64,
    /// How many alerts it has.
    pub alerts: i64,
    /// ATT&CK tactics of the rule.
    pub tactics: Vec<String>,
    /// ATT&CK techniques of the rule.
    pub techniques: Vec<String>,
    /// Who and what it is about.
    pub entities: Vec<Entity>,
    /// Facts by name, of its first alert.
    pub details: BTreeMap<String, String>,
    /// Sample rows of its first alert.
    pub evidence: Evidence,
    /// What to do.
    pub runbook: String,
    /// Which comparison over which window opened it.
    pub reason: String,
    /// Whether rows that came late opened it.
    pub is_late: bool,
    /// Event time of the first row that opened it, if the rule tells.
    pub first_event: Option<Timestamp>,
    /// Event time of the last row that opened it, if the rule tells.
    pub last_event: Option<Timestamp>,
    /// The window that opened it.
    pub window: Window,
    /// When the last row that opened it was received, if the rule tells.
    pub received: Option<Timestamp>,
}

/// Which incidents to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those.
    pub status: Option<Status>,
    /// Only those.
    pub severity: Option<Severity>,
    /// Only those of that rule.
    pub rule_id: Option<String>,
    /// Only those after this number in the listing, which is newest first.
    pub after: Option<i64>,
    /// At most so many; 0 and more than [`LIST_MAX`] mean [`LIST_MAX`].
    pub limit: u32,
}

/// One change of an incident by a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentChange {
    /// The version that it made.
    pub version: i64,
    /// When.
    pub changed: Timestamp,
    /// Who.
    pub actor: String,
    /// Field, old and new value, as JSON text.
    pub changes: String,
    /// What they said.
    pub comment: Option<String>,
}

/// Incidents newest first.
pub(crate) async fn list(
    database: &SqlitePool,
    workspace: &Workspace,
    filter: Filter,
) -> sqlx::Result<Vec<Incident>> {
    let limit = if filter.limit == 0 {
        LIST_MAX
    } else {
        filter.limit.min(LIST_MAX)
    };
    let rows: Vec<IncidentRow> = sqlx::query_as(
        "select * from incident where workspace = $1 and ($2 is null or status = $2) \
         and ($3 is null or number < $3) and ($5 is null or severity = $5) \
         and ($6 is null or rule_id = $6) order by number desc limit $4",
    )
    .bind(workspace.as_str())
    .bind(filter.status.map(Status::name))
    .bind(filter.after)
    .bind(limit)
    .bind(filter.severity.map(Severity::name))
    .bind(filter.rule_id)
    .fetch_all(database)
    .await?;
    Ok(rows.into_iter().map(Incident::from).collect())
}

/// One incident.
pub(crate) async fn get(
    database: &SqlitePool,
    workspace: &Workspace,
    number: i64,
) -> sqlx::Result<Option<Incident>> {
    let row: Option<IncidentRow> =
        sqlx::query_as("select * from incident where workspace = $1 and number = $2")
            .bind(workspace.as_str())
            .bind(number)
            .fetch_optional(database)
            .await?;
    Ok(row.map(Incident::from))
}

/// What people did to an incident, oldest first.
pub(crate) async fn changes(
    database: &SqlitePool,
    workspace: &Workspace,
    number: i64,
) -> sqlx::Result<Vec<IncidentChange>> {
    type Row = (i64, i64, String, String, Option<String>);
    let rows: Vec<Row> = sqlx::query_as(
        "select version, changed, actor, changes, comment from incident_change \
         where workspace = $1 and number = $2 order by version",
    )
    .bind(workspace.as_str())
    .bind(number)
    .fetch_all(database)
    .await?;
    let change = |(version, changed, actor, changes, comment)| IncidentChange {
        version,
        changed: Timestamp::from_micros(changed),
        actor,
        changes,
        comment,
    };
    Ok(rows.into_iter().map(change).collect())
}

pub(crate) use change::{Target, update};
