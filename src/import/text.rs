//! A file as text that is read in parts: decompressed, known again by how it begins, taken up where it was left.
//!
//! A file's source is named after its first record (at most 4 KiB of it), not after its path: a file that is renamed,
//! compressed or copied is the same source, and another file under an old name is another. A position is an offset
//! into the text and digests of what stands before it, so that two files which only begin alike are not taken for
//! one: the second gets a name with a number.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ingest::Encoding;
use ingest::split::{self, End, Part, PartLimits, part};
use thiserror::Error;

use super::position::{DIGESTED_BYTES, Position, Samples, digest};

/// Bytes from the start that tell a file from others.
const HEAD_BYTES: usize = 4_096;

/// Bytes that are read at once.
const READ_BYTES: usize = 256 << 10;

/// Longest first line that is looked at.
const FIRST_LINE_BYTES: usize = 65_536;

/// A record longer than this is sent in pieces, which end up in quarantine.
pub(crate) const RECORD_BYTES_MAX: usize = 8 << 20;

/// A file that can't be read.
#[derive(Debug, Error)]
pub(crate) enum TextError {
    #[error(transparent)]
    Read(#[from] io::Error),
    #[error("is not text, nor gzip or zstd of text")]
    Binary,
    #[error(
        "is neither file nor folder; what a pipe or a device gives can't be read again after a crash, so write it to a file first"
    )]
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

/// How a text is like one that was read up to a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Likeness {
    /// It is that text.
    Same,
    /// It is shorter, and that text begins so as far as can be told.
    Beginning,
    /// It is another, though it may have the same first record.
    Another,
}

/// A file that is being read.
pub(crate) struct Text {
    reader: Reader,
    end: End,
    /// The line of names of comma-separated values, which goes before each part.
    names: Option<Vec<u8>>,
    /// What was read and not given out yet; begins at `offset`.
    window: Vec<u8>,
    offset: u64,
    has_ended: bool,
    /// Whether it is compressed and ends too early.
    is_cut: bool,
    /// The bytes before `offset`.
    tail: Vec<u8>,
    /// Those up to `offset`.
    samples: Samples,
    /// Those that were looked at ahead of `offset`.
    ahead: Samples,
    /// The position at `offset`, as the service has it.
    left_at: Option<String>,
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
        // Before it is opened: opening a pipe waits for its writer.
        if !std::fs::metadata(path)?.is_file() {
            return Err(TextError::NotAFile);
        }
        let mut file = File::open(path)?;
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
            names: None,
            window: Vec::new(),
            offset: 0,
            has_ended: false,
            is_cut: false,
            tail: Vec::new(),
            samples: Samples::default(),
            ahead: Samples::default(),
            left_at: None,
        };
        text.fill(HEAD_BYTES)?;
        let head = text.window.get(..HEAD_BYTES).unwrap_or(&text.window);
        if head.contains(&0) {
            return Err(TextError::Binary);
        }
        if !text.window.contains(&b'\n') {
            text.fill(FIRST_LINE_BYTES)?;
        }
        let names = split::names_end(&text.window).and_then(|end| text.window.get(..end));
        text.names = names.map(<[u8]>::to_vec);
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
        let end = if head.is_none() {
            self.end()
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

    /// Compares it with what was read up to a position. Ask before anything is read; a compressed text is read for it.
    pub(crate) fn liken(&mut self, position: &str) -> Result<Likeness, TextError> {
        let Some(position) = Position::parse(position) else {
            return Ok(Likeness::Another);
        };
        self.sample_to(position.offset)?;
        let length = self.length()?;
        if !position.agrees(&self.ahead, length.unwrap_or(u64::MAX)) {
            return Ok(Likeness::Another);
        }
        if length.is_some_and(|length| length < position.offset) {
            return Ok(Likeness::Beginning);
        }
        if self.before(position.offset)?.is_none() {
            if matches!(self.reader, Reader::Plain(_)) {
                return Ok(Likeness::Beginning);
            }
            self.read_to(position.offset)?;
            if !position.agrees(&self.samples, self.offset) {
                return Ok(Likeness::Another);
            }
        }
        Ok(match self.before(position.offset)? {
            None => Likeness::Beginning,
            Some(bytes) if position.is_behind(&bytes) => Likeness::Same,
            Some(_) => Likeness::Another,
        })
    }

    /// Goes to a position up to where the text is the same.
    pub(crate) fn take_up(&mut self, position: &str) -> Result<(), TextError> {
        let offset = Position::parse(position).map_or(0, |position| position.offset);
        let is_in_window = self.offset.saturating_add(self.window.len() as u64) >= offset;
        self.sample_to(offset)?;
        let tail = self.before(offset)?;
        match (&mut self.reader, tail) {
            (Reader::Plain(plain), Some(tail)) if !is_in_window => {
                plain.file.seek(SeekFrom::Start(offset))?;
                plain.bytes.store(offset, Ordering::Relaxed);
                self.window.clear();
                self.has_ended = false;
                self.offset = offset;
                self.tail = tail;
                self.samples = self.ahead.until(offset);
            }
            _ => self.read_to(offset)?,
        }
        self.left_at = Some(position.to_owned());
        Ok(())
    }

    /// Whether nothing was read yet but the window.
    pub(crate) fn is_at_start(&self) -> bool {
        self.offset == 0
    }

    /// Where the next record may begin.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether it is compressed and ends too early: it is still being written, or damaged.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// How many bytes both texts begin with. Ask before anything is read.
    pub(crate) fn common_length(&mut self, other: &mut Self) -> Result<u64, TextError> {
        loop {
            self.fill(READ_BYTES)?;
            other.fill(READ_BYTES)?;
            let pairs = self.window.iter().zip(&other.window);
            let common = pairs.take_while(|(one, other)| one == other).count();
            let is_end = common < self.window.len().min(other.window.len()) || common == 0;
            self.advance(common);
            other.advance(common);
            if is_end {
                return Ok(self.offset);
            }
        }
    }

    /// Reads on to an offset, or to the end.
    fn read_to(&mut self, offset: u64) -> io::Result<()> {
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

    /// Takes samples ahead, as far as they are there without reading on.
    fn sample_to(&mut self, offset: u64) -> io::Result<()> {
        while let Some(at) = self.ahead.next_at().filter(|at| *at <= offset) {
            let Some(bytes) = self.before(at)? else { break };
            self.ahead.push(&bytes);
        }
        Ok(())
    }

    /// The last bytes before an offset; `None` if they are not there, or not without reading on.
    fn before(&self, end: u64) -> io::Result<Option<Vec<u8>>> {
        if end == self.offset {
            return Ok(Some(self.tail.clone()));
        }
        let start = end.saturating_sub(DIGESTED_BYTES as u64);
        let in_window = |at: u64| usize::try_from(at.checked_sub(self.offset)?).ok();
        if let (Some(from), Some(to)) = (in_window(start), in_window(end))
            && let Some(bytes) = self.window.get(from..to)
        {
            return Ok(Some(bytes.to_vec()));
        }
        let Reader::Plain(plain) = &self.reader else {
            return Ok(None);
        };
        let mut bytes = vec![0; usize::try_from(end.saturating_sub(start)).unwrap_or_default()];
        match plain.file.read_exact_at(&mut bytes, start) {
            Ok(()) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How long the text is, if that is known without reading on.
    fn length(&self) -> io::Result<Option<u64>> {
        match &self.reader {
            Reader::Plain(plain) => Ok(Some(plain.file.metadata()?.len())),
            Reader::Coded(_) if self.has_ended => {
                Ok(Some(self.offset.saturating_add(self.window.len() as u64)))
            }
            Reader::Coded(_) => Ok(None),
        }
    }

    /// The next records, as many as the limits allow; `None` if there are none, or none yet.
    pub(crate) fn next_batch(&mut self, limits: &PartLimits) -> Result<Option<Batch>, TextError> {
        let mut wanted = limits.bytes_usual;
        loop {
            self.fill(wanted)?;
            let (found, body) = self.part(limits);
            if found.records > 0 {
                let offset = self.offset;
                self.advance(found.end);
                let to = Position::new(self.offset, &self.tail, self.samples.clone()).text();
                let from = self.left_at.replace(to.clone());
                return Ok(Some(Batch {
                    from,
                    to,
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

    /// The records at the start of the window, and the body to send them in.
    fn part(&self, limits: &PartLimits) -> (Part, Vec<u8>) {
        let Some(names) = &self.names else {
            let found = part(&self.window, self.end(), limits);
            let body = found.body(&self.window);
            return (found, body);
        };
        let found = split::rows(&self.window, self.names_left(), self.end(), limits);
        let before: &[u8] = if self.offset == 0 { &[] } else { names };
        let body = [before, &found.body(&self.window)].concat();
        (found, body)
    }

    /// How much of the window is the line of names.
    fn names_left(&self) -> usize {
        let names = self.names.as_ref().filter(|_| self.offset == 0);
        names.map_or(0, Vec::len)
    }

    /// Bytes at the end that are no whole record; asked when there is no next batch.
    pub(crate) fn unfinished(&self) -> usize {
        let filler = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b']' | b'}');
        let left = self.window.get(self.names_left()..).unwrap_or_default();
        let start = left.iter().position(|byte| !filler(byte));
        start.map_or(0, |start| left.len().saturating_sub(start))
    }

    fn end(&self) -> End {
        if self.has_ended && !self.is_cut {
            self.end
        } else {
            End::Open
        }
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
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    self.is_cut = true;
                    0
                }
                read => read?,
            };
            self.has_ended = count == 0;
            self.window
                .extend_from_slice(buffer.get(..count).unwrap_or_default());
        }
        Ok(())
    }

    fn advance(&mut self, step: usize) {
        let mut left = step.min(self.window.len());
        while left > 0 {
            let next_at = self.samples.next_at();
            let to_sample = next_at.map(|at| at.saturating_sub(self.offset));
            let to_sample = to_sample.and_then(|bytes| usize::try_from(bytes).ok());
            let step = to_sample.map_or(left, |bytes| bytes.min(left));
            self.pass(step);
            if to_sample == Some(step) {
                self.samples.push(&self.tail);
            }
            left = left.saturating_sub(step.max(1));
        }
    }

    fn pass(&mut self, step: usize) {
        let passed = self.window.get(..step).unwrap_or(&self.window);
        let kept = passed.len().saturating_sub(DIGESTED_BYTES);
        self.tail
            .extend_from_slice(passed.get(kept..).unwrap_or_default());
        let surplus = self.tail.len().saturating_sub(DIGESTED_BYTES);
        self.tail.drain(..surplus);
        self.offset = self.offset.saturating_add(passed.len() as u64);
        self.window.drain(..step.min(self.window.len()));
    }
}

#[cfg(test)]
mod tests;
