//! Files and folders as a source: each record is sent once, whatever crashes on either side.
//!
//! The importer remembers nothing between runs. How far a file was read is a position that the service keeps with the
//! rows (see `store::Step`), and a part is taken only if it begins there.

mod send;
mod text;
mod walk;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, bail};
use indicatif::ProgressBar;
use ingest::split::PartLimits;

pub(crate) use send::{Patience, Refused, Sender};
pub(crate) use text::Ending;
pub(crate) use walk::{Walk, walk};

use send::Sent;
use text::{Batch, Text, TextError};

/// Files that begin with the same record and go on differently.
const ALIKE_MAX: usize = 1_000;

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
}

/// Sends files.
pub(crate) struct Import {
    pub(crate) sender: Sender,
    pub(crate) ending: Ending,
    /// Says what would be sent instead.
    pub(crate) is_dry: bool,
    pub(crate) progress: ProgressBar,
    /// Bytes of the files before this one, for the progress.
    pub(crate) bytes_before: u64,
    pub(crate) totals: Totals,
}

/// How one reading of a file ended.
enum Pass {
    Done(FileOutcome),
    /// It has to be taken up anew from where its source stands.
    Again {
        is_vain: bool,
    },
}

/// A file that stands where its source does.
struct Resumed {
    text: Text,
    source: String,
    /// What was read of the file so far.
    bytes_read: Arc<AtomicU64>,
}

impl Import {
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
        if (self.totals.bytes, self.totals.repeated) == before {
            self.totals.unchanged += 1;
        } else {
            self.totals.files += 1;
        }
        Ok(outcome)
    }

    async fn pass(&mut self, path: &Path, limits: &mut PartLimits) -> anyhow::Result<Pass> {
        let Some(resumed) = self.resume(path).await? else {
            let unfinished = self.open(path, Arc::default()).await?.0.unfinished();
            return Ok(Pass::Done(FileOutcome { unfinished }));
        };
        let Resumed {
            text,
            source,
            bytes_read,
        } = resumed;
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
                Sent::Elsewhere => return Ok(Pass::Again { is_vain }),
                Sent::TooLarge => {
                    smaller(limits, &batch)?;
                    return Ok(Pass::Again { is_vain });
                }
            }
            is_vain = false;
            let read = bytes_read.load(Ordering::Relaxed);
            self.progress.set_position(self.bytes_before + read);
            (text, next) = following?;
        }
        let unfinished = text.unfinished();
        Ok(Pass::Done(FileOutcome { unfinished }))
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

    /// Opens a file where its source stands; `None` if it has no first record yet.
    async fn resume(&self, path: &Path) -> anyhow::Result<Option<Resumed>> {
        for number in 0..ALIKE_MAX {
            let bytes_read = Arc::new(AtomicU64::new(0));
            let (text, head) = self.open(path, Arc::clone(&bytes_read)).await?;
            let Some(head) = head else {
                return Ok(None);
            };
            let source = match number {
                0 => format!("file:{head}"),
                number => format!("file:{head}~{number}"),
            };
            let Some(position) = self.sender.standing(&source).await? else {
                return Ok(Some(Resumed {
                    text,
                    source,
                    bytes_read,
                }));
            };
            let resumed = tokio::task::spawn_blocking(move || {
                let mut text = text;
                let is_same = text.resume(&position)?;
                Ok::<_, TextError>((text, is_same))
            });
            if let (text, true) = resumed.await.context("read in background")?? {
                return Ok(Some(Resumed {
                    text,
                    source,
                    bytes_read,
                }));
            }
        }
        bail!("more than {ALIKE_MAX} files begin with the same record")
    }

    async fn open(
        &self,
        path: &Path,
        bytes: Arc<AtomicU64>,
    ) -> anyhow::Result<(Text, Option<String>)> {
        let (path, ending) = (path.to_owned(), self.ending);
        let opened = tokio::task::spawn_blocking(move || {
            let text = Text::open(&path, ending, bytes)?;
            let head = text.head();
            Ok::<_, TextError>((text, head))
        });
        Ok(opened.await.context("read in background")??)
    }
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
