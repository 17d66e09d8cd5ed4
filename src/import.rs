//! Files and folders as a source: each record is sent once, whatever crashes on either side.
//!
//! The importer remembers nothing between runs. How far a file was read is a position that the service keeps with the
//! rows (see `store::Step`), and a part is taken only if it begins there.

mod known;
mod position;
mod resume;
mod send;
mod text;
mod walk;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, bail};
use indicatif::ProgressBar;
use ingest::split::PartLimits;

pub(crate) use resume::is_written_to;
pub(crate) use send::{Patience, Refused, Sender};
pub(crate) use text::Ending;
pub(crate) use walk::{Walk, walk};

use known::{Known, Sources};
use position::Position;
use resume::{Found, Resumed};
use send::Sent;
use text::{Batch, Text, TextError};

/// Looks at a file without a part taken before it is given up: somebody else reads it too.
const VAIN_MAX: usize = 50;

/// Parts as they are sent, before the service says that they are too large.
const LIMITS: PartLimits = PartLimits {
    bytes_usual: 2 << 20,
    record_bytes_max: text::RECORD_BYTES_MAX,
    records_max: 20_000,
};

/// What was done so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    /// Files from which something was sent.
    pub(crate) files: u64,
    /// Files in which nothing was new.
    pub(crate) unchanged: u64,
    /// Those of them that are copies of the beginning of other files.
    pub(crate) copies: u64,
    /// Records that became rows, as the service says.
    pub(crate) accepted: u64,
    /// Records that went to quarantine.
    pub(crate) quarantined: u64,
    /// Parts that were on disk already when they were sent again.
    pub(crate) repeated: u64,
    /// Bytes of text that were sent.
    pub(crate) bytes: u64,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FileOutcome {
    /// Bytes at its end that are no whole record yet.
    pub(crate) unfinished: usize,
    /// Why there may be more to send of it, if so.
    pub(crate) open: Option<Open>,
}

/// Why a file is not settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Open {
    /// It is shorter than what was read, begins alike, and is being written to.
    MayBeCopy,
    /// It is compressed and ends too early.
    Cut,
}

/// Sends files.
pub(crate) struct Import {
    pub(crate) sender: Sender,
    ending: Ending,
    /// Says what would be sent instead.
    pub(crate) is_dry: bool,
    pub(crate) progress: ProgressBar,
    /// Bytes of the files before this one, for the progress.
    pub(crate) bytes_before: u64,
    pub(crate) totals: Totals,
    /// What was read of this file so far.
    bytes_read: Arc<AtomicU64>,
    sources: Sources,
}

/// How one reading of a file ended.
enum Pass {
    Done(FileOutcome),
    /// It has to be taken up anew from where its source stands.
    Again {
        is_vain: bool,
    },
}

impl Import {
    pub(crate) fn new(sender: Sender, ending: Ending, progress: ProgressBar) -> Self {
        Self {
            sender,
            ending,
            is_dry: false,
            progress,
            bytes_before: 0,
            totals: Totals::default(),
            bytes_read: Arc::default(),
            sources: Sources::default(),
        }
    }

    /// Sends what is new in a file.
    pub(crate) async fn file(&mut self, path: &Path) -> anyhow::Result<FileOutcome> {
        let before = (self.totals.bytes, self.totals.repeated);
        let mut limits = LIMITS;
        let mut vain = 0_usize;
        let outcome = loop {
            match self.pass(path, &mut limits).await? {
                Pass::Done(outcome) => break outcome,
                Pass::Again { is_vain: false } => vain = 0,
                Pass::Again { is_vain: true } => vain = vain.saturating_add(1),
            }
            if vain >= VAIN_MAX {
                bail!("somebody else sends it too; let one finish");
            }
        };
        if (self.totals.bytes, self.totals.repeated) != before {
            self.totals.files += 1;
        } else if outcome.open.is_none() {
            self.totals.unchanged += 1;
        }
        Ok(outcome)
    }

    async fn pass(&mut self, path: &Path, limits: &mut PartLimits) -> anyhow::Result<Pass> {
        let resumed = match self.resume(path).await? {
            Found::Source(resumed) => *resumed,
            Found::Nothing => return Ok(Pass::done(&self.open(path).await?.0)),
            Found::Copy => {
                self.totals.copies += 1;
                return Ok(Pass::Done(FileOutcome::default()));
            }
            Found::Unclear => {
                return Ok(Pass::Done(FileOutcome {
                    open: Some(Open::MayBeCopy),
                    ..FileOutcome::default()
                }));
            }
        };
        let source = resumed.source();
        let Resumed { text, head, number } = resumed;
        let (mut text, mut next) = read(text, *limits).await?;
        let mut is_vain = true;
        while let Some(batch) = next {
            // The next part is read while this one is on its way.
            let (sent, following) =
                tokio::join!(self.send(&source, path, &batch), read(text, *limits));
            match sent? {
                Sent::Taken {
                    accepted,
                    quarantined,
                } => {
                    self.totals.accepted += accepted;
                    self.totals.quarantined += quarantined;
                    self.totals.bytes += batch.body.len() as u64;
                }
                Sent::Before => self.totals.repeated += 1,
                Sent::Elsewhere => {
                    self.sources.forget(&head);
                    return Ok(Pass::Again { is_vain });
                }
                Sent::TooLarge => {
                    smaller(limits, &batch)?;
                    return Ok(Pass::Again { is_vain });
                }
            }
            is_vain = false;
            if !self.is_dry {
                let (position, places) = (batch.to, vec![path.to_owned()]);
                self.sources.set(&head, number, Known { position, places });
            }
            let read = self.bytes_read.load(Ordering::Relaxed);
            self.progress.set_position(self.bytes_before + read);
            (text, next) = following?;
        }
        Ok(Pass::done(&text))
    }

    async fn send(&self, source: &str, path: &Path, batch: &Batch) -> anyhow::Result<Sent> {
        if self.is_dry {
            return Ok(Sent::Taken {
                accepted: batch.records as u64,
                quarantined: 0,
            });
        }
        self.sender.send(source, path, batch).await
    }

    /// Opens a file; `None` if it has no first record yet.
    async fn open(&self, path: &Path) -> anyhow::Result<(Text, Option<String>)> {
        self.bytes_read.store(0, Ordering::Relaxed);
        let (path, ending, bytes) = (path.to_owned(), self.ending, Arc::clone(&self.bytes_read));
        let opened = tokio::task::spawn_blocking(move || {
            let text = Text::open(&path, ending, bytes)?;
            let head = text.head();
            Ok::<_, TextError>((text, head))
        });
        Ok(opened.await.context("read in background")??)
    }
}

impl Pass {
    /// A file was read as far as it goes.
    fn done(text: &Text) -> Self {
        Self::Done(FileOutcome {
            unfinished: if text.is_cut() { 0 } else { text.unfinished() },
            open: text.is_cut().then_some(Open::Cut),
        })
    }
}

/// Whether a position tells a shorter text that is another from its beginning.
fn has_samples(position: &str) -> bool {
    Position::parse(position).is_some_and(|position| !position.samples.is_empty())
}

/// Halves what is sent at once.
fn smaller(limits: &mut PartLimits, refused: &Batch) -> anyhow::Result<()> {
    if refused.records <= 1 {
        bail!(
            "the record at byte {} has {} bytes, more than the service takes in a body (limits.body_bytes)",
            refused.offset,
            refused.body.len()
        );
    }
    limits.bytes_usual = (refused.body.len() / 2).max(1);
    limits.records_max = (refused.records / 2).max(1);
    Ok(())
}

async fn read(text: Text, limits: PartLimits) -> anyhow::Result<(Text, Option<Batch>)> {
    let work = tokio::task::spawn_blocking(move || {
        let mut text = text;
        let batch = text.next_batch(&limits)?;
        Ok::<_, TextError>((text, batch))
    });
    Ok(work.await.context("read in background")??)
}
