use std::path::Path;
use std::sync::Arc;

use crate::tests::{batch, open, visible};
use crate::{NewBatch, Position, Receipt, Source, Step, StepClaim, StepOutcome, Store, Workspace};

fn step(source: &str, from: Option<&str>, to: &str) -> Step {
    Step {
        source: Source::new(source).unwrap(),
        from: from.map(|from| Position::new(from).unwrap()),
        to: Position::new(to).unwrap(),
        origin: None,
    }
}

async fn claim(store: &Store, step: Step) -> StepClaim {
    match store.claim_step(&Workspace::default(), step).await.unwrap() {
        StepOutcome::Claimed(claim) => claim,
        other => panic!("{other:?}"),
    }
}

async fn append(store: &Store, number: i64, claim: StepClaim) -> Receipt {
    let batch = NewBatch {
        steps: vec![claim],
        ..batch(&[number], None)
    };
    store.append(batch).await.unwrap()
}

async fn stands(store: &Store, source: &str) -> Option<String> {
    let source = Source::new(source).unwrap();
    let standing = store
        .standing(&Workspace::default(), &source)
        .await
        .unwrap();
    standing.map(|standing| standing.position.as_str().to_owned())
}

/// The data folder as a crash would leave it now: a copy of every file of a store that goes on running.
fn crash(folder: &Path) -> tempfile::TempDir {
    fn copy(from: &Path, to: &Path) {
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let target = to.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                std::fs::create_dir(&target).unwrap();
                copy(&entry.path(), &target);
            } else {
                std::fs::copy(entry.path(), &target).unwrap();
            }
        }
    }
    let left = tempfile::tempdir().unwrap();
    copy(folder, left.path());
    left
}

#[tokio::test]
async fn a_source_moves_with_its_batch_through_crash_and_publication() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    assert_eq!(stands(&store, "file:a").await, None);
    let first = claim(&store, step("file:a", None, "10")).await;
    append(&store, 1, first).await;
    assert_eq!(stands(&store, "file:a").await.as_deref(), Some("10"));
    // Between the log and the publication.
    let left = crash(folder.path());
    let replayed = open(left.path()).await;
    assert_eq!(visible(&replayed), [1]);
    assert_eq!(stands(&replayed, "file:a").await.as_deref(), Some("10"));
    replayed.publish().await.unwrap();
    let second = claim(&replayed, step("file:a", Some("10"), "25")).await;
    append(&replayed, 2, second).await;
    // One batch published, one in the log.
    let left = crash(left.path());
    let again = open(left.path()).await;
    assert_eq!(visible(&again), [1, 2]);
    assert_eq!(stands(&again, "file:a").await.as_deref(), Some("25"));
    again.publish().await.unwrap();
    drop(again);
    let reopened = open(left.path()).await;
    assert_eq!(stands(&reopened, "file:a").await.as_deref(), Some("25"));
    assert_eq!(visible(&reopened), [1, 2]);
}

#[tokio::test]
async fn a_batch_that_was_never_durable_moves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    drop(claim(&store, step("file:a", None, "10")).await);
    assert_eq!(stands(&store, "file:a").await, None);
    // And the right to move it was given back.
    drop(claim(&store, step("file:a", None, "10")).await);
}

#[tokio::test]
async fn a_step_from_elsewhere_is_told_where_the_source_stands() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let workspace = Workspace::default();
    let first = claim(&store, step("file:a", None, "10")).await;
    append(&store, 1, first).await;
    for published in [false, true] {
        if published {
            store.publish().await.unwrap();
        }
        for from in [None, Some("9"), Some("11")] {
            let outcome = store.claim_step(&workspace, step("file:a", from, "20"));
            let StepOutcome::Elsewhere(Some(standing)) = outcome.await.unwrap() else {
                panic!("{from:?} is not where it stands");
            };
            assert_eq!(standing.position.as_str(), "10");
        }
    }
    let outcome = store.claim_step(&workspace, step("file:b", Some("1"), "2"));
    assert!(matches!(
        outcome.await.unwrap(),
        StepOutcome::Elsewhere(None)
    ));
}

#[tokio::test]
async fn of_many_senders_of_one_step_one_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mut senders = tokio::task::JoinSet::new();
    for number in 0..16 {
        let store = Arc::clone(&store);
        senders.spawn(async move {
            let wish = step("file:a", None, "10");
            match store.claim_step(&Workspace::default(), wish).await.unwrap() {
                StepOutcome::Claimed(claim) => {
                    append(&store, number, claim).await;
                    true
                }
                StepOutcome::Elsewhere(_) | StepOutcome::InProgress => false,
            }
        });
    }
    let taken = senders.join_all().await;
    assert_eq!(taken.iter().filter(|taken| **taken).count(), 1);
    assert_eq!(visible(&store).len(), 1);
}

#[tokio::test]
async fn sources_are_listed_by_name_wherever_they_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for (number, name) in (0..).zip(["file:d", "file:b", "file:a", "file:c"]) {
        let first = claim(&store, step(name, None, "1")).await;
        append(&store, number, first).await;
        if number == 1 {
            store.publish().await.unwrap();
        }
    }
    let moved = claim(&store, step("file:b", Some("1"), "2")).await;
    append(&store, 9, moved).await;
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store
            .standings(&Workspace::default(), after.as_ref(), 3)
            .await
            .unwrap();
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        seen.extend(page.iter().map(|(source, standing)| {
            format!("{}={}", source.as_str(), standing.position.as_str())
        }));
    }
    assert_eq!(seen, ["file:a=1", "file:b=2", "file:c=1", "file:d=1"]);
}

#[test]
fn names_and_positions_are_visible_ascii_of_bounded_length() {
    assert!(Source::new("hub/namespace/3").is_some());
    for wrong in ["", "a b", "é", "a\n", &"x".repeat(513)] {
        assert!(Source::new(wrong).is_none(), "{wrong}");
    }
    assert!(Position::new(&"x".repeat(256)).is_some());
    assert!(Position::new(&"x".repeat(257)).is_none());
}
