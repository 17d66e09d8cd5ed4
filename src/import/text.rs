//! A file as text that is read in parts: decompressed, known again by how it begins, taken up where it was left.
//!
//! A file's source is named after its first record (at most 4 KiB of it), not after its path: a file that is renamed,
//! compressed or copied is the same source, and another file under an old name is another. A position is an offset
//! into the text and a digest of what stands before it, so that two files which only begin alike are not taken for
//! one: the second gets a name with a number.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ingest::Encoding;
use ingest::split::{End, PartLimits, part};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// Bytes from the start that tell a file from others.
const HEAD_BYTES: usize = 4_096;

/// Bytes before a position that are looked at when a file is taken up again.
const TAIL_BYTES: usize = 1_024;

/// Bytes that are read at once.
const READ_BYTES: usize = 256 << 10;

/// A record longer than this is sent in pieces, which end up in quarantine.
pub(crate) const RECORD_BYTES_MAX: usize = 8 << 20;

/// A file that can't be read.
#[derive(Debug, Error)]
pub(crate) enum TextError {
    #[error(transparent)]
    Read(#[from] io::Error),
    #[error("is not text, nor gzip or zstd of text")]
    Binary,
    #[error("is a folder, or no file with contents")]
    NotAFile,
}

/// Whether what is unfinished at a file's end may be finished later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    MayGrow,
    Finished,
}

/// Whole records, and where in the text they are.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    /// `None` at the start of the text.
    pub(crate) from: Option<String>,
    pub(crate) to: String,
    /// Offset of its first byte in the text.
    pub(crate) offset: u64,
    pub(crate) records: usize,
    pub(crate) body: Vec<u8>,
}

/// A file that is being read.
pub(crate) struct Text {
    reader: Reader,
    end: End,
    /// What was read and not given out yet; begins at `offset`.
    window: Vec<u8>,
    offset: u64,
    has_ended: bool,
    /// The bytes before `offset`.
    tail: Vec<u8>,
}

enum Reader {
    Plain(Counted),
    Coded(Box<dyn Read + Send>),
}

/// Counts what is read of the file, compressed as it is.
struct Counted {
    file: File,
    bytes: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl Text {
    /// Opens a file; its first bytes tell how it is compressed. `bytes` counts what is read of it.
    pub(crate) fn open(
        path: &Path,
        ending: Ending,
        bytes: Arc<AtomicU64>,
    ) -> Result<Self, TextError> {
        let mut file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(TextError::NotAFile);
        }
        let mut magic = Vec::new();
        io::copy(&mut Read::by_ref(&mut file).take(4), &mut magic)?;
        file.seek(SeekFrom::Start(0))?;
        let file = Counted { file, bytes };
        let encoding = Encoding::of(&magic);
        let reader = match encoding {
            Encoding::Identity => Reader::Plain(file),
            coded => Reader::Coded(ingest::bounded::reader(coded, file)?),
        };
        let is_final = ending == Ending::Finished || encoding != Encoding::Identity;
        let mut text = Self {
            reader,
            end: if is_final { End::Final } else { End::Open },
            window: Vec::new(),
            offset: 0,
            has_ended: false,
            tail: Vec::new(),
        };
        text.fill(HEAD_BYTES)?;
        let head = text.window.get(..HEAD_BYTES).unwrap_or(&text.window);
        if head.contains(&0) {
            return Err(TextError::Binary);
        }
        Ok(text)
    }

    /// What the file's source is named after; `None` while its first record is not there. Ask before anything is read.
    pub(crate) fn head(&self) -> Option<String> {
        let head = self.window.get(..HEAD_BYTES);
        let window = head.unwrap_or(&self.window);
        let limits = PartLimits {
            bytes_usual: HEAD_BYTES,
            record_bytes_max: usize::MAX,
            records_max: 1,
        };
        let end = if head.is_none() && self.has_ended {
            self.end
        } else {
            End::Open
        };
        let first = part(window, end, &limits).first_end;
        let named_after = match (first, head) {
            (0, None) => return None,
            (0, Some(head)) => head,
            (first_end, _) => window.get(..first_end).unwrap_or(window),
        };
        Some(digest(named_after, 16))
    }

    /// Goes to a position that an earlier reading gave; `false` if this text was not read up to there.
    pub(crate) fn resume(&mut self, position: &str) -> Result<bool, TextError> {
        let Some((offset, _)) = position.split_once(':') else {
            return Ok(false);
        };
        let Ok(offset) = offset.parse::<u64>() else {
            return Ok(false);
        };
        self.go_to(offset)?;
        Ok(self.offset == offset && self.position() == position)
    }

    fn go_to(&mut self, offset: u64) -> io::Result<()> {
        if let Reader::Plain(plain) = &mut self.reader {
            let length = plain.file.metadata()?.len();
            if offset > length {
                return Ok(());
            }
            let tail_start = offset.saturating_sub(TAIL_BYTES as u64);
            plain.file.seek(SeekFrom::Start(tail_start))?;
            plain.bytes.store(tail_start, Ordering::Relaxed);
            self.window.clear();
            self.has_ended = false;
            self.offset = tail_start;
            self.tail.clear();
        }
        while self.offset < offset {
            let wanted = usize::try_from(offset - self.offset).unwrap_or(usize::MAX);
            self.fill(wanted.min(READ_BYTES))?;
            let step = wanted.min(self.window.len());
            if step == 0 {
                break;
            }
            self.advance(step);
        }
        Ok(())
    }

    /// The next records, as many as the limits allow; `None` if there are none, or none yet.
    pub(crate) fn next_batch(&mut self, limits: &PartLimits) -> Result<Option<Batch>, TextError> {
        let mut wanted = limits.bytes_usual;
        loop {
            self.fill(wanted)?;
            let end = if self.has_ended { self.end } else { End::Open };
            let found = part(&self.window, end, limits);
            if found.records > 0 {
                let from = (self.offset > 0).then(|| self.position());
                let (offset, body) = (self.offset, found.body(&self.window));
                self.advance(found.end);
                return Ok(Some(Batch {
                    from,
                    to: self.position(),
                    offset,
                    records: found.records,
                    body,
                }));
            }
            if self.has_ended {
                return Ok(None);
            }
            wanted = self.window.len().saturating_mul(2).max(limits.bytes_usual);
        }
    }

    /// Bytes at the end that are no whole record; asked when there is no next batch.
    pub(crate) fn unfinished(&self) -> usize {
        let filler = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b']' | b'}');
        let start = self.window.iter().position(|byte| !filler(byte));
        start.map_or(0, |start| self.window.len().saturating_sub(start))
    }

    fn position(&self) -> String {
        format!("{}:{}", self.offset, digest(&self.tail, 8))
    }

    fn fill(&mut self, wanted: usize) -> io::Result<()> {
        let mut buffer = vec![0; READ_BYTES];
        while self.window.len() < wanted && !self.has_ended {
            let read = match &mut self.reader {
                Reader::Plain(plain) => plain.read(&mut buffer),
                Reader::Coded(coded) => coded.read(&mut buffer),
            };
            let count = match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            self.has_ended = count == 0;
            self.window
                .extend_from_slice(buffer.get(..count).unwrap_or_default());
        }
        Ok(())
    }

    fn advance(&mut self, step: usize) {
        let passed = self.window.get(..step).unwrap_or(&self.window);
        let kept = passed.len().saturating_sub(TAIL_BYTES);
        self.tail
            .extend_from_slice(passed.get(kept..).unwrap_or_default());
        let surplus = self.tail.len().saturating_sub(TAIL_BYTES);
        self.tail.drain(..surplus);
        self.offset = self.offset.saturating_add(passed.len() as u64);
        self.window.drain(..step.min(self.window.len()));
    }
}

fn digest(bytes: &[u8], length: usize) -> String {
    let digest = Sha256::digest(bytes);
    let hex = digest.iter().take(length).map(|byte| format!("{byte:02x}"));
    hex.collect()
}

#[cfg(test)]
mod tests;
