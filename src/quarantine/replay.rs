//! Reads quarantined records again, with the decoders and mappings of today.
//!
//! What is read now is appended together with a step of a source that stands for the record, from nothing to
//! `replayed`. So a record is appended at most once: a crash leaves rows and step, or neither, and a second replay
//! finds the step taken. What still can't be read stays as it is.

use std::collections::BTreeMap;

use arrow::compute::concat_batches;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use ingest::{Context, DecodeError, Decoded, Limits, Mappings};
use query::Engine;
use store::{
    AppendError, NewBatch, Position, Step, StepClaim, StepOutcome, Store, StoreError, Table,
    Workspace,
};
use thiserror::Error;
use uuid::Uuid;

use super::rows::{Bytes, Filter, Id, Quarantined, RowsError, list};

/// Records that are read again at once.
const PAGE: usize = 100;

/// Where the source of a record stands that was read after all.
const REPLAYED: &str = "replayed";

/// What became of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReplayOutcome {
    /// Records that were read now.
    pub(crate) replayed: u64,
    /// Records that were read by an earlier replay, or are by another one now.
    pub(crate) before: u64,
    /// Records that still can't be read.
    pub(crate) unreadable: u64,
    /// Records of which not all bytes were kept.
    pub(crate) incomplete: u64,
    /// Where to go on: there were more than one request reads.
    pub(crate) next: Option<Id>,
}

impl ReplayOutcome {
    /// Counts those of another replay in.
    pub(crate) fn add(&mut self, other: Self) {
        self.replayed += other.replayed;
        self.before += other.before;
        self.unreadable += other.unreadable;
        self.incomplete += other.incomplete;
    }
}

/// A replay that ended early; what it appended is appended.
#[derive(Debug, Error)]
pub(crate) enum ReplayError {
    #[error(transparent)]
    Rows(#[from] RowsError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error("join rows")]
    Join(#[from] ArrowError),
    #[error("decode in background")]
    Background(#[from] tokio::task::JoinError),
}

/// What a replay works with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tools<'a> {
    pub(crate) store: &'a Store,
    pub(crate) engine: &'a Engine,
    pub(crate) limits: &'a Limits,
    pub(crate) mappings: &'a Mappings,
}

/// Reads again what a filter lets through, the newest first, at most `count` records.
pub(crate) async fn replay(
    tools: Tools<'_>,
    workspace: &Workspace,
    mut filter: Filter,
    count: usize,
) -> Result<ReplayOutcome, ReplayError> {
    let mut total = ReplayOutcome::default();
    let mut left = count;
    while left > 0 {
        let page_length = left.min(PAGE);
        let page = list(tools.engine, workspace, &filter, (Bytes::With, page_length)).await?;
        let last = page.last().map(|record| record.id);
        let is_last = page.len() < page_length;
        page_of(tools, workspace, page, &mut total).await?;
        if is_last {
            return Ok(total);
        }
        filter.before = last;
        left = left.saturating_sub(page_length);
    }
    total.next = filter.before.filter(|_| filter.id.is_none());
    Ok(total)
}

/// Rows and steps that go into one batch.
#[derive(Default)]
struct Gathered {
    parts: BTreeMap<Table, Vec<RecordBatch>>,
    steps: Vec<StepClaim>,
    accepted: u64,
    quarantined: u64,
}

async fn page_of(
    tools: Tools<'_>,
    workspace: &Workspace,
    page: Vec<Quarantined>,
    total: &mut ReplayOutcome,
) -> Result<(), ReplayError> {
    let mut gathered = Gathered::default();
    for record in page {
        if record.whole().is_none() {
            total.incomplete += 1;
            continue;
        }
        let Some(claim) = claim(tools.store, workspace, &record).await? else {
            total.before += 1;
            continue;
        };
        let id = Uuid::now_v7();
        let Some(decoded) = decode(tools, workspace, record, id).await? else {
            total.unreadable += 1;
            continue;
        };
        total.replayed += 1;
        if decoded.quarantined > 0 {
            // Rows of quarantine are numbered by batch, so this one is a batch of its own.
            let mut alone = Gathered::default();
            alone.add(decoded, claim);
            alone.append(tools.store, workspace, id).await?;
        } else {
            gathered.add(decoded, claim);
        }
    }
    gathered
        .append(tools.store, workspace, Uuid::now_v7())
        .await
}

/// The right to append a record; `None` if somebody has or had it.
async fn claim(
    store: &Store,
    workspace: &Workspace,
    record: &Quarantined,
) -> Result<Option<StepClaim>, StoreError> {
    let (Some(source), Some(to)) = (record.id.source(), Position::new(REPLAYED)) else {
        return Ok(None);
    };
    let step = Step {
        source,
        from: None,
        to,
        origin: Some(record.source.clone()),
    };
    match store.claim_step(workspace, step).await? {
        StepOutcome::Claimed(claim) => Ok(Some(claim)),
        StepOutcome::Elsewhere(_) | StepOutcome::InProgress => Ok(None),
    }
}

/// What a record is now; `None` if it can't be read still. It came when it came, and from where.
async fn decode(
    tools: Tools<'_>,
    workspace: &Workspace,
    record: Quarantined,
    id: Uuid,
) -> Result<Option<Decoded>, ReplayError> {
    let (workspace, mappings, limits) = (workspace.clone(), tools.mappings.clone(), *tools.limits);
    let work = tokio::task::spawn_blocking(move || {
        let context = Context {
            workspace: &workspace,
            batch: &id.to_string(),
            source: &record.source,
            received: record.time,
            mappings: &mappings,
        };
        ingest::decode(&context, &limits, record.whole().unwrap_or_default())
    });
    match work.await? {
        Ok(decoded) => Ok(Some(decoded).filter(|decoded| decoded.accepted > 0)),
        Err(DecodeError::Build(error)) => Err(error.into()),
        Err(_) => Ok(None),
    }
}

impl Gathered {
    fn add(&mut self, decoded: Decoded, claim: StepClaim) {
        for (table, rows) in decoded.parts {
            self.parts.entry(table).or_default().push(rows);
        }
        self.steps.push(claim);
        self.accepted = self.accepted.saturating_add(decoded.accepted);
        self.quarantined = self.quarantined.saturating_add(decoded.quarantined);
    }

    async fn append(
        self,
        store: &Store,
        workspace: &Workspace,
        id: Uuid,
    ) -> Result<(), ReplayError> {
        if self.steps.is_empty() {
            return Ok(());
        }
        let joined = self.parts.into_iter().map(|(table, rows)| {
            let joined = concat_batches(&table.batch_schema(), &rows)?;
            Ok::<_, ArrowError>((table, joined))
        });
        let batch = NewBatch {
            workspace: workspace.clone(),
            id,
            idempotency: None,
            steps: self.steps,
            accepted: self.accepted,
            quarantined: self.quarantined,
            parts: joined.collect::<Result<_, _>>()?,
        };
        store.append(batch).await?;
        Ok(())
    }
}
