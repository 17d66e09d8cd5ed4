use super::*;
use crate::model::{Evidence, Severity};
use crate::window::Window;

fn incident(status: Status) -> Incident {
    let instant = Timestamp::default();
    let classification = (status == Status::Closed).then_some(Classification::Undetermined);
    Incident {
        number: 1,
        id: String::new(),
        rule_id: String::new(),
        title: String::new(),
        description: String::new(),
        severity: Severity::Low,
        status,
        classification,
        classification_reason: None,
        classification_comment: None,
        owner: Some("ann".to_owned()),
        labels: Vec::new(),
        first_activity: instant,
        last_activity: instant,
        created: instant,
        modified: instant,
        closed: None,
        version: 1,
        alerts: 1,
        tactics: Vec::new(),
        techniques: Vec::new(),
        entities: Vec::new(),
        details: std::collections::BTreeMap::new(),
        evidence: Evidence::default(),
        runbook: String::new(),
        reason: String::new(),
        is_late: false,
        first_event: None,
        last_event: None,
        window: Window {
            start: instant,
            end: instant,
        },
        received: None,
    }
}

type Facts = (Status, Option<Classification>, Option<ClassificationReason>);

#[track_caller]
fn check(
    from: Status,
    to: Option<Status>,
    (classification, classification_reason): (Option<Classification>, Option<ClassificationReason>),
    expected: Result<Facts, Refusal>,
) {
    let change = Change {
        status: to,
        classification,
        classification_reason,
        ..Change::default()
    };
    let next = apply(&incident(from), &change);
    assert_eq!(
        next.map(|next| (next.status, next.classification, next.reason)),
        expected
    );
}

#[test]
fn only_legal_changes_of_status_are_made() {
    use Status::{Active, Closed, New};
    let undetermined = Some(Classification::Undetermined);
    let none = (None, None);
    let refused = |from, to| Err(Refusal::Transition { from, to });
    check(New, Some(Active), none, Ok((Active, None, None)));
    check(New, None, none, Ok((New, None, None)));
    check(Active, Some(New), none, refused(Active, New));
    check(Closed, Some(New), none, refused(Closed, New));
    // Opening again clears the classification.
    check(Closed, Some(Active), none, Ok((Active, None, None)));
    check(Closed, None, none, Ok((Closed, undetermined, None)));
    check(
        New,
        Some(Closed),
        (undetermined, None),
        Ok((Closed, undetermined, None)),
    );
}

#[test]
fn only_closing_classifies_and_the_reason_must_fit() {
    use Classification::{BenignPositive, FalsePositive, TruePositive};
    use ClassificationReason::{InaccurateData, SuspiciousActivity, SuspiciousButExpected};
    use Status::{Active, Closed, New};
    check(
        New,
        Some(Closed),
        (None, None),
        Err(Refusal::ClassificationNeeded),
    );
    let unclosed = Err(Refusal::ClassificationWithoutClosing);
    check(Active, None, (Some(TruePositive), None), unclosed);
    let positive = Ok((Closed, Some(TruePositive), Some(SuspiciousActivity)));
    check(Active, Some(Closed), (Some(TruePositive), None), positive);
    check(
        Active,
        Some(Closed),
        (Some(FalsePositive), None),
        Err(Refusal::ReasonNeeded),
    );
    let wrong = Refusal::ReasonMismatch {
        classification: BenignPositive,
        reason: InaccurateData,
    };
    let asked = (Some(BenignPositive), Some(InaccurateData));
    check(Active, Some(Closed), asked, Err(wrong));
    let asked = (Some(BenignPositive), Some(SuspiciousButExpected));
    let benign = Ok((Closed, Some(BenignPositive), Some(SuspiciousButExpected)));
    check(New, Some(Closed), asked, benign);
}

#[test]
fn an_empty_owner_takes_the_owner_away() {
    let owner = |owner: Option<&str>| {
        let change = Change {
            owner: owner.map(str::to_owned),
            ..Change::default()
        };
        apply(&incident(Status::New), &change).unwrap().owner
    };
    assert_eq!(owner(None).as_deref(), Some("ann"));
    assert_eq!(owner(Some("bob")).as_deref(), Some("bob"));
    assert_eq!(owner(Some("")), None);
}
