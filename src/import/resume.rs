//! Which source a file is, and where that stands.
//!
//! Files that begin with the same record are sources with a number each. A file is the source whose position it
//! reaches with the same text before it. One that is shorter than what was read and begins alike may be an unfinished
//! or an older copy, or a new file with the same first record. It is a copy if a file that the source is known by
//! begins with all of its records. Otherwise it waits while it is written to, and then it is a source of its own: a
//! record may then be there twice, but none is left out.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use store::{Clock as _, SystemClock, Timestamp};

use super::known::Known;
use super::send::Standing;
use super::text::{Ending, Likeness, Text, TextError};
use super::{Import, LIMITS};

/// Files that begin with the same record and go on differently.
const ALIKE_MAX: usize = 20_000;

/// A file that nobody has written to for so long is taken as it is.
const QUIET: Duration = Duration::from_mins(1);

/// Where to look for a file that a source is known by.
const PLACES_MAX: usize = 4;

/// What a file is.
pub(super) enum Found {
    /// It is to be read from where its source stands.
    Source(Box<Resumed>),
    /// It has no first record yet.
    Nothing,
    /// All of its records are at the beginning of another file, which was read.
    Copy,
    /// It may be one, and it is being written to.
    Unclear,
}

/// A file that stands where its source does.
pub(super) struct Resumed {
    pub(super) text: Text,
    pub(super) head: String,
    pub(super) number: usize,
}

impl Resumed {
    /// The source's name.
    pub(super) fn source(&self) -> String {
        name(&self.head, self.number)
    }
}

fn name(head: &str, number: usize) -> String {
    match number {
        0 => format!("file:{head}"),
        number => format!("file:{head}~{number}"),
    }
}

/// How a file is like the sources that are known.
struct Alike {
    text: Text,
    same: Option<usize>,
    /// Sources that may begin with all of it.
    beginnings: Vec<usize>,
}

impl Import {
    /// Finds a file's source and opens the file where that stands.
    pub(super) async fn resume(&mut self, path: &Path) -> anyhow::Result<Found> {
        let (mut text, head) = self.open(path).await?;
        let Some(head) = head else {
            return Ok(Found::Nothing);
        };
        let mut beginnings = Vec::new();
        let mut looked_at = 0_usize;
        loop {
            let known = self.sources.of(&head).get(looked_at..).unwrap_or_default();
            let known: Vec<String> = known.iter().map(|one| one.position.clone()).collect();
            let end = looked_at.saturating_add(known.len());
            let alike = self.alike(path, text, known).await?;
            beginnings.extend(alike.beginnings.iter().map(|place| looked_at + place));
            text = alike.text;
            if let Some(place) = alike.same {
                let number = looked_at.saturating_add(place);
                self.note_place(&head, number, path);
                let resumed = Resumed { text, head, number };
                return Ok(Found::Source(Box::new(resumed)));
            }
            if end >= ALIKE_MAX {
                bail!("more than {ALIKE_MAX} files begin with the same record");
            }
            let Some(standing) = self.sender.standing(&name(&head, end)).await? else {
                looked_at = end;
                break;
            };
            self.sources.set(&head, end, Known::from(standing));
            looked_at = end;
        }
        if let Some(found) = self.copy(path, &head, beginnings).await? {
            return Ok(found);
        }
        let number = looked_at;
        if !text.is_at_start() {
            text = self.open(path).await?.0;
        }
        let resumed = Resumed { text, head, number };
        Ok(Found::Source(Box::new(resumed)))
    }

    /// Compares a text with positions until one is its own.
    async fn alike(
        &self,
        path: &Path,
        text: Text,
        positions: Vec<String>,
    ) -> anyhow::Result<Alike> {
        let (path, ending) = (path.to_owned(), self.ending);
        let bytes_read = std::sync::Arc::clone(&self.bytes_read);
        let compared = tokio::task::spawn_blocking(move || {
            let mut alike = Alike {
                text,
                same: None,
                beginnings: Vec::new(),
            };
            for (place, position) in positions.iter().enumerate() {
                if !alike.text.is_at_start() {
                    alike.text = Text::open(&path, ending, std::sync::Arc::clone(&bytes_read))?;
                }
                match alike.text.liken(position)? {
                    Likeness::Another => {}
                    Likeness::Beginning => alike.beginnings.push(place),
                    Likeness::Same => {
                        alike.text.take_up(position)?;
                        alike.same = Some(place);
                        break;
                    }
                }
            }
            Ok::<_, TextError>(alike)
        });
        Ok(compared.await.context("read in background")??)
    }

    /// Notes that a file is a source, so that a copy of its beginning can be told.
    fn note_place(&mut self, head: &str, number: usize, path: &Path) {
        let Some(known) = self.sources.of(head).get(number) else {
            return;
        };
        if known.places.first().is_some_and(|first| first == path) {
            return;
        }
        let mut known = known.clone();
        known.places.retain(|place| place != path);
        known.places.insert(0, path.to_owned());
        known.places.truncate(PLACES_MAX);
        self.sources.set(head, number, known);
    }

    /// Whether a file that is shorter than what was read is a copy of that, as far as can be told now; `None` if it
    /// is to be taken for a file of its own.
    async fn copy(
        &self,
        path: &Path,
        head: &str,
        beginnings: Vec<usize>,
    ) -> anyhow::Result<Option<Found>> {
        let sources = self.sources.of(head).iter().enumerate();
        let sources = sources.filter(|(number, _)| beginnings.contains(number));
        let sources: Vec<Known> = sources.map(|(_, known)| known.clone()).collect();
        if sources.is_empty() {
            return Ok(None);
        }
        let (path, ending) = (path.to_owned(), self.ending);
        let told = tokio::task::spawn_blocking(move || {
            let proves = |known: &Known| {
                let mut places = known.places.iter();
                places.any(|place| begins_with(place, known, &path, ending).unwrap_or(false))
            };
            if sources.iter().any(proves) {
                return Some(Found::Copy);
            }
            let can_wait = sources
                .iter()
                .any(|known| super::has_samples(&known.position));
            (can_wait && is_written_to(&path)).then_some(Found::Unclear)
        });
        told.await.context("read in background")
    }
}

impl From<Standing> for Known {
    fn from(standing: Standing) -> Self {
        let origin = standing.origin.as_deref().map(super::send::path);
        Self {
            position: standing.position,
            places: origin.into_iter().collect(),
        }
    }
}

/// Whether a file that is a source begins with all records of another.
fn begins_with(
    whole: &Path,
    known: &Known,
    part: &Path,
    ending: Ending,
) -> Result<bool, TextError> {
    let of = |path: &Path| std::fs::metadata(path).map(|found| (found.dev(), found.ino()));
    if of(whole)? == of(part)? {
        return Ok(false);
    }
    let open = |path: &Path| Text::open(path, ending, std::sync::Arc::default());
    if open(whole)?.liken(&known.position)? != Likeness::Same {
        return Ok(false);
    }
    let common = open(whole)?.common_length(&mut open(part)?)?;
    let mut records = open(part)?;
    while records.next_batch(&LIMITS)?.is_some() {
        if records.offset() > common {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether somebody has just written to a file. One from the future is not waited for.
pub(crate) fn is_written_to(path: &Path) -> bool {
    let Ok(found) = std::fs::metadata(path) else {
        return false;
    };
    let micros = found.mtime().saturating_mul(1_000_000);
    let written = Timestamp::from_micros(micros.saturating_add(found.mtime_nsec() / 1_000));
    let now = SystemClock.now();
    written <= now && now.since(written) < QUIET
}

/// A path that does not depend on where the program was started.
pub(super) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
