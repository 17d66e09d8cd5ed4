//! What people may do to an incident: legal changes only, and none over somebody else's.

use serde_json::{Map, Value, json};
use sqlx::{SqliteConnection, SqlitePool};
use store::{Timestamp, Workspace};

use super::stored_row::IncidentRow;
use super::{Classification, ClassificationReason, Incident, Status};
use crate::stored::to_json;

/// A change; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// New status.
    pub status: Option<Status>,
    /// New owner; an empty one takes the owner away.
    pub owner: Option<String>,
    /// New labels.
    pub labels: Option<Vec<String>>,
    /// What it turned out to be; needed to close it and only then legal.
    pub classification: Option<Classification>,
    /// Why; may be left out where the classification has but one reason.
    pub classification_reason: Option<ClassificationReason>,
    /// Kept with the change and, on closing, with the incident.
    pub comment: Option<String>,
}

/// What happened to a change.
#[derive(Clone, Debug, PartialEq)]
pub enum Updated {
    /// It was made; the incident as it is now.
    Done(Box<Incident>),
    /// There is no such incident.
    NotFound,
    /// The incident has another version than expected.
    Stale {
        /// The version that it has.
        version: i64,
    },
    /// It is not legal.
    Refused(Refusal),
}

/// Why a change is not legal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// New to Active, either to Closed, Closed to Active; nothing else.
    #[error("an incident that is {} can't become {}", from.name(), to.name())]
    Transition {
        /// Present status.
        from: Status,
        /// Status asked for.
        to: Status,
    },
    /// Closing says what it turned out to be.
    #[error("closing an incident needs a classification")]
    ClassificationNeeded,
    /// Only a closing classifies.
    #[error("only closing an incident classifies it")]
    ClassificationWithoutClosing,
    /// A false positive says whose error it was.
    #[error("a false positive needs the reason IncorrectAlertLogic or InaccurateData")]
    ReasonNeeded,
    /// The reason belongs to another classification.
    #[error("{} does not go with {}", reason.name(), classification.name())]
    ReasonMismatch {
        /// Classification asked for.
        classification: Classification,
        /// Reason asked for.
        reason: ClassificationReason,
    },
    /// Re-opening would make two open incidents of one kind.
    #[error("incident {number} about the same is already open")]
    OpenElsewhere {
        /// The open one.
        number: i64,
    },
}

/// The fields that a change sets.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Next {
    status: Status,
    classification: Option<Classification>,
    reason: Option<ClassificationReason>,
    owner: Option<String>,
    labels: Vec<String>,
}

/// Applies `change` if the incident still has `expected_version`.
pub(crate) async fn update(
    database: &SqlitePool,
    target: Target<'_>,
    change: &Change,
    now: Timestamp,
) -> sqlx::Result<Updated> {
    let mut transaction = database.begin_with("begin immediate").await?;
    let row: Option<IncidentRow> =
        sqlx::query_as("select * from incident where workspace = $1 and number = $2")
            .bind(target.workspace.as_str())
            .bind(target.number)
            .fetch_optional(&mut *transaction)
            .await?;
    let Some(incident) = row.map(Incident::from) else {
        return Ok(Updated::NotFound);
    };
    if incident.version != target.expected_version {
        return Ok(Updated::Stale {
            version: incident.version,
        });
    }
    let next = match apply(&incident, change) {
        Ok(next) => next,
        Err(refusal) => return Ok(Updated::Refused(refusal)),
    };
    let reopens = incident.status == Status::Closed && next.status != Status::Closed;
    if reopens && let Some(number) = open_twin(&mut transaction, target).await? {
        return Ok(Updated::Refused(Refusal::OpenElsewhere { number }));
    }
    let updated = write(&mut transaction, target, (&incident, &next), (change, now)).await?;
    transaction.commit().await?;
    Ok(Updated::Done(Box::new(updated)))
}

/// Which incident, in which version, for whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) number: i64,
    pub(crate) expected_version: i64,
    pub(crate) actor: &'a str,
}

fn apply(incident: &Incident, change: &Change) -> Result<Next, Refusal> {
    let status = change.status.unwrap_or(incident.status);
    let is_legal = matches!(
        (incident.status, status),
        (Status::New | Status::Closed, Status::Active)
            | (Status::New | Status::Active, Status::Closed)
    );
    if status != incident.status && !is_legal {
        return Err(Refusal::Transition {
            from: incident.status,
            to: status,
        });
    }
    let closes = status == Status::Closed && incident.status != Status::Closed;
    let classifies = change.classification.is_some() || change.classification_reason.is_some();
    let (classification, reason) = match (closes, change.classification) {
        (true, None) => return Err(Refusal::ClassificationNeeded),
        (true, Some(classification)) => (
            Some(classification),
            reason_of(classification, change.classification_reason)?,
        ),
        (false, _) if classifies => return Err(Refusal::ClassificationWithoutClosing),
        (false, _) if status == Status::Closed => {
            (incident.classification, incident.classification_reason)
        }
        (false, _) => (None, None),
    };
    let owner = change.owner.clone().or_else(|| incident.owner.clone());
    Ok(Next {
        status,
        classification,
        reason,
        owner: owner.filter(|owner| !owner.is_empty()),
        labels: change
            .labels
            .clone()
            .unwrap_or_else(|| incident.labels.clone()),
    })
}

fn reason_of(
    classification: Classification,
    reason: Option<ClassificationReason>,
) -> Result<Option<ClassificationReason>, Refusal> {
    use ClassificationReason as Reason;
    let legal: &[Reason] = match classification {
        Classification::Undetermined => &[],
        Classification::TruePositive => &[Reason::SuspiciousActivity],
        Classification::BenignPositive => &[Reason::SuspiciousButExpected],
        Classification::FalsePositive => &[Reason::IncorrectAlertLogic, Reason::InaccurateData],
    };
    match (reason, legal) {
        (Some(reason), _) if legal.contains(&reason) => Ok(Some(reason)),
        (Some(reason), _) => Err(Refusal::ReasonMismatch {
            classification,
            reason,
        }),
        (None, []) => Ok(None),
        (None, [only]) => Ok(Some(*only)),
        (None, _) => Err(Refusal::ReasonNeeded),
    }
}

async fn open_twin(
    connection: &mut SqliteConnection,
    target: Target<'_>,
) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar(
        "select twin.number from incident twin join incident this on this.workspace = twin.workspace \
         and this.rule_id = twin.rule_id and this.fingerprint = twin.fingerprint \
         where this.workspace = $1 and this.number = $2 and twin.status <> 'Closed'",
    )
    .bind(target.workspace.as_str())
    .bind(target.number)
    .fetch_optional(connection)
    .await
}

async fn write(
    connection: &mut SqliteConnection,
    target: Target<'_>,
    (incident, next): (&Incident, &Next),
    (change, now): (&Change, Timestamp),
) -> sqlx::Result<Incident> {
    let is_closed = next.status == Status::Closed;
    let closed = if is_closed {
        incident.closed.or(Some(now))
    } else {
        None
    };
    let closing_comment = match (is_closed, incident.status == Status::Closed) {
        (true, false) => change.comment.clone(),
        (true, true) => incident.classification_comment.clone(),
        (false, _) => None,
    };
    let row: IncidentRow = sqlx::query_as(
        "update incident set status = $3, classification = $4, classification_reason = $5, \
         classification_comment = $6, owner = $7, labels = $8, closed = $9, modified = $10, \
         version = version + 1 where workspace = $1 and number = $2 returning *",
    )
    .bind(target.workspace.as_str())
    .bind(target.number)
    .bind(next.status.name())
    .bind(next.classification.map(Classification::name))
    .bind(next.reason.map(ClassificationReason::name))
    .bind(closing_comment)
    .bind(&next.owner)
    .bind(to_json(&next.labels))
    .bind(closed.map(Timestamp::as_micros))
    .bind(now.as_micros())
    .fetch_one(&mut *connection)
    .await?;
    let updated = Incident::from(row);
    sqlx::query(
        "insert into incident_change (workspace, number, version, changed, actor, changes, comment) \
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(target.workspace.as_str())
    .bind(target.number)
    .bind(updated.version)
    .bind(now.as_micros())
    .bind(target.actor)
    .bind(differences(incident, &updated).to_string())
    .bind(&change.comment)
    .execute(connection)
    .await?;
    Ok(updated)
}

/// Old and new value of each field that differs.
fn differences(old: &Incident, new: &Incident) -> Value {
    let fields = |incident: &Incident| {
        [
            ("status", json!(incident.status.name())),
            (
                "classification",
                json!(incident.classification.map(Classification::name)),
            ),
            (
                "classificationReason",
                json!(
                    incident
                        .classification_reason
                        .map(ClassificationReason::name)
                ),
            ),
            ("owner", json!(incident.owner)),
            ("labels", json!(incident.labels)),
        ]
    };
    let pairs = fields(old).into_iter().zip(fields(new));
    let changed = pairs.filter(|((_, old), (_, new))| old != new);
    let entries =
        changed.map(|((name, old), (_, new))| (name.to_owned(), json!({"old": old, "new": new})));
    Value::Object(entries.collect::<Map<String, Value>>())
}

#[cfg(test)]
mod tests;
