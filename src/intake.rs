//! What becomes of a body, whichever door it came through: bounded, decoded, made durable, counted.
//!
//! It knows nothing of HTTP: a door translates what its protocol says into a [`Delivery`], and what comes back into
//! its protocol's words.

mod repetition;
mod room;

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use ingest::{BoundError, Context, DecodeError, Decoded, Encoding, Limits, Mappings};
use sha2::Digest as _;
use store::{
    AppendError, Claim, Clock, NewBatch, Receipt, Standing, Step, StepClaim, StepOutcome, Store,
    Table, WalError, Workspace,
};
use thiserror::Error;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::quarantine::{self, Budget};
use repetition::Claimed;
pub(crate) use repetition::RequestName;
use room::Memory;
pub(crate) use room::Room;

/// The way in for bodies of any door.
#[derive(Debug)]
pub(crate) struct Intake {
    limits: Limits,
    /// How logs of other gateways are told and read.
    mappings: Mappings,
    /// Longest body once decompressed.
    bytes_max: usize,
    /// Bodies that are decoded at the same time.
    turns: Arc<Semaphore>,
    memory: Memory,
    clock: Arc<dyn Clock>,
    budget: Budget,
}

/// How much is worked on at the same time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Longest body once decompressed.
    pub(crate) bytes_max: usize,
    /// Bodies that are decoded at the same time.
    pub(crate) concurrency: usize,
    /// What all bodies together may take, as they came and decompressed.
    pub(crate) memory_bytes_max: usize,
}

/// A body as a door hands it over.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// Whose logs.
    pub(crate) workspace: Workspace,
    /// The key it came under, by which the bounds of quarantine are counted.
    pub(crate) sender: String,
    /// The door, as metrics and `_Quarantine.Source` name it.
    pub(crate) source: &'static str,
    /// How the body is compressed.
    pub(crate) encoding: Encoding,
    pub(crate) body: Bytes,
    /// Where its records go that do not say it themselves.
    pub(crate) table: Option<Table>,
    /// What the body takes of the memory for bodies; kept until its rows are durable.
    pub(crate) room: Room,
}

/// Why nothing of a body was taken.
#[derive(Debug, Error)]
pub(crate) enum IntakeError {
    /// Larger than the limit once decompressed.
    #[error("the body is larger than {bytes_max} bytes; send it in parts")]
    TooLarge { bytes_max: usize },
    /// More records than the limit.
    #[error("{0}; send it in parts")]
    TooManyRecords(DecodeError),
    /// Not what its encoding says.
    #[error("{0}")]
    Corrupt(String),
    /// No record can be told apart in it.
    #[error("{reason}")]
    Unreadable {
        reason: String,
        /// Where, in bytes from 0, if it is at one place.
        offset: Option<usize>,
    },
    /// The idempotency key stands for another body.
    #[error("this idempotency key was used for another body; use a new one")]
    OtherBody,
    /// A request with the same idempotency key is being worked on.
    #[error("a request with this idempotency key is being worked on")]
    InProgress,
    /// The source does not stand where the part begins.
    #[error("the source does not stand where this part begins")]
    Elsewhere(Option<Standing>),
    /// Another part of the source is being worked on.
    #[error("another part of this source is being worked on")]
    Moving,
    /// The disk is slower than the senders.
    #[error("more logs come in than can be written; send this again")]
    Busy,
    /// The service is ending.
    #[error("the service is stopping")]
    Stopping,
    /// Another process has the lake.
    #[error("another process has taken this lake over, and this one ends; send this to that one")]
    TakenOver,
    /// The log can't be written now.
    #[error("the disk fails; nothing is taken until it works again: send this again then")]
    DiskFailed,
    /// The log has no room.
    #[error("the disk is full; nothing is taken until there is space: send this again then")]
    DiskFull,
    /// A defect of ours, or the machine's.
    #[error("{doing}")]
    Internal {
        doing: &'static str,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl IntakeError {
    /// A failure of ours.
    pub(crate) fn internal(
        doing: &'static str,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Internal {
            doing,
            source: source.into(),
        }
    }
}

impl From<DecodeError> for IntakeError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Unreadable { offset, .. } => Self::Unreadable {
                reason: error.to_string(),
                offset: Some(offset),
            },
            DecodeError::Empty => Self::Unreadable {
                reason: error.to_string(),
                offset: None,
            },
            DecodeError::TooManyRecords { .. } => Self::TooManyRecords(error),
            DecodeError::Build(_) => Self::internal("decode a body", error),
        }
    }
}

impl From<AppendError> for IntakeError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Busy => Self::Busy,
            AppendError::TakenOver => Self::TakenOver,
            AppendError::Wal(WalError::Closed) => Self::Stopping,
            AppendError::Wal(WalError::Failed) => Self::DiskFailed,
            AppendError::Wal(WalError::Full) => Self::DiskFull,
            AppendError::Batch(_) | AppendError::Schema(_) | AppendError::Background(_) => {
                Self::internal("store a batch", error)
            }
        }
    }
}

/// What a batch alone may use or move.
#[derive(Debug, Default)]
struct Claims {
    idempotency: Option<Claim>,
    steps: Vec<StepClaim>,
}

impl Intake {
    pub(crate) fn new(
        (limits, mappings): (Limits, Mappings),
        bounds: Bounds,
        budget: Budget,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            limits,
            mappings,
            bytes_max: bounds.bytes_max,
            turns: Arc::new(Semaphore::new(bounds.concurrency)),
            memory: Memory::new(bounds.memory_bytes_max),
            clock,
            budget,
        }
    }

    /// With what records are read.
    pub(crate) fn decoding(&self) -> (&Limits, &Mappings) {
        (&self.limits, &self.mappings)
    }

    /// Room for a body of that length, as soon as there is.
    pub(crate) async fn room(&self, bytes: usize) -> Result<Room, IntakeError> {
        self.memory.room(bytes).await
    }

    /// Takes a body of log records. Under a name, the same body again gets the first answer again.
    pub(crate) async fn take(
        &self,
        store: &Store,
        mut delivery: Delivery,
        name: Option<RequestName>,
    ) -> Result<Receipt, IntakeError> {
        let mut claim = None;
        if let Some(name) = name {
            let digest;
            (delivery, digest) = self.decompressed(delivery).await?;
            match name.claim(store, &delivery, digest).await? {
                Claimed::New(new) => claim = Some(new),
                Claimed::Answered(receipt) => return Ok(receipt),
            }
        }
        let table = delivery.table;
        let read = move |context: &Context<'_>, limits: &Limits, body: &[u8]| {
            Ok((ingest::decode_as(context, limits, body, table)?, ()))
        };
        let claims = Claims {
            idempotency: claim,
            steps: Vec::new(),
        };
        let (receipt, ()) = self.append(store, delivery, claims, read).await?;
        Ok(receipt)
    }

    /// Takes a part of a source, which moves along with it. What can't be read in it is quarantined: its sender has
    /// nothing else to send.
    pub(crate) async fn take_step(
        &self,
        store: &Store,
        delivery: Delivery,
        step: Step,
    ) -> Result<Receipt, IntakeError> {
        let origin = step.origin.clone();
        let outcome = store.claim_step(&delivery.workspace, step).await;
        let outcome = outcome.map_err(|error| IntakeError::internal("claim a source", error))?;
        let claims = match outcome {
            StepOutcome::Claimed(claim) => Claims {
                idempotency: None,
                steps: vec![claim],
            },
            StepOutcome::Elsewhere(standing) => return Err(IntakeError::Elsewhere(standing)),
            StepOutcome::InProgress => return Err(IntakeError::Moving),
        };
        let read = move |context: &Context<'_>, limits: &Limits, body: &[u8]| {
            let context = Context {
                source: origin.as_deref().unwrap_or(context.source),
                ..*context
            };
            Ok((ingest::decode_part(&context, limits, body)?, ()))
        };
        let (receipt, ()) = self.append(store, delivery, claims, read).await?;
        Ok(receipt)
    }

    /// Takes a body of which `read` makes rows, and something to tell the sender.
    pub(crate) async fn take_with<T, R>(
        &self,
        store: &Store,
        delivery: Delivery,
        read: R,
    ) -> Result<(Receipt, T), IntakeError>
    where
        T: Send + 'static,
        R: FnOnce(&Context<'_>, &Limits, &[u8]) -> Result<(Decoded, T), IntakeError>
            + Send
            + 'static,
    {
        self.append(store, delivery, Claims::default(), read).await
    }

    async fn append<T, R>(
        &self,
        store: &Store,
        delivery: Delivery,
        claims: Claims,
        read: R,
    ) -> Result<(Receipt, T), IntakeError>
    where
        T: Send + 'static,
        R: FnOnce(&Context<'_>, &Limits, &[u8]) -> Result<(Decoded, T), IntakeError>
            + Send
            + 'static,
    {
        let id = Uuid::now_v7();
        let (workspace, source) = (delivery.workspace.clone(), delivery.source);
        let sender = delivery.sender.clone();
        let held = store.table_bytes(&workspace, Table::Quarantine);
        let kept_max = self.budget.room(&sender, held, self.clock.now());
        let (decoded, told, _room) = self.decode((delivery, kept_max), id, read).await?;
        self.budget
            .spend(&sender, decoded.kept.bytes, self.clock.now());
        for (mapping, rows) in decoded.mapped {
            metrics::counter!("bartizan_ingest_mapped_rows_total", "source" => source, "mapping" => mapping)
                .increment(rows);
        }
        let batch = NewBatch {
            workspace,
            id,
            idempotency: claims.idempotency,
            steps: claims.steps,
            accepted: decoded.accepted,
            quarantined: decoded.quarantined,
            parts: decoded.parts,
        };
        let receipt = store.append(batch).await?;
        count(source, "accepted", receipt.accepted);
        count(source, "quarantined", receipt.quarantined);
        quarantine::count(&decoded.kept, held);
        Ok((receipt, told))
    }

    /// Decompresses and reads.
    async fn decode<T, R>(
        &self,
        (delivery, kept_max): (Delivery, usize),
        id: Uuid,
        read: R,
    ) -> Result<(Decoded, T, Room), IntakeError>
    where
        T: Send + 'static,
        R: FnOnce(&Context<'_>, &Limits, &[u8]) -> Result<(Decoded, T), IntakeError>
            + Send
            + 'static,
    {
        let (bytes_max, received) = (self.bytes_max, self.clock.now());
        let limits = Limits {
            quarantine_bytes_max: kept_max,
            ..self.limits
        };
        let mappings = self.mappings.clone();
        self.work("decode a body", move || {
            let delivery = delivery.decompressed(bytes_max)?;
            metrics::counter!("bartizan_ingest_bytes_total", "source" => delivery.source)
                .increment(delivery.body.len() as u64);
            let batch = id.to_string();
            let context = Context {
                workspace: &delivery.workspace,
                batch: &batch,
                source: delivery.source,
                received,
                mappings: &mappings,
            };
            let (decoded, told) = read(&context, &limits, &delivery.body)?;
            Ok((decoded, told, delivery.room))
        })
        .await
    }

    /// A body decompressed, and its digest: compressed again, the same logs may be other bytes.
    async fn decompressed(&self, delivery: Delivery) -> Result<(Delivery, [u8; 32]), IntakeError> {
        let bytes_max = self.bytes_max;
        self.work("decompress a body", move || {
            let delivery = delivery.decompressed(bytes_max)?;
            let digest = sha2::Sha256::digest(&delivery.body).into();
            Ok((delivery, digest))
        })
        .await
    }

    /// Does what is work for the processor on a thread of its own, when it is its turn.
    async fn work<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce() -> Result<T, IntakeError> + Send + 'static,
    ) -> Result<T, IntakeError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|error| IntakeError::internal("wait for a turn", error))?;
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        done.await
            .map_err(|error| IntakeError::internal(doing, error))?
    }
}

impl Delivery {
    fn decompressed(mut self, bytes_max: usize) -> Result<Self, IntakeError> {
        if self.encoding == Encoding::Identity && self.body.len() <= bytes_max {
            return Ok(self);
        }
        let body = ingest::decompress(self.encoding, self.body, bytes_max);
        self.body = body.map_err(|error| match error {
            BoundError::TooLarge { bytes_max } => IntakeError::TooLarge { bytes_max },
            BoundError::Corrupt { .. } => IntakeError::Corrupt(with_causes(&error)),
        })?;
        self.encoding = Encoding::Identity;
        self.room.grow(self.body.len())?;
        Ok(self)
    }
}

fn count(source: &'static str, outcome: &'static str, records: u64) {
    metrics::counter!("bartizan_ingest_records_total", "source" => source, "outcome" => outcome)
        .increment(records);
}

fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
