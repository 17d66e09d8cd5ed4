//! How far the catalog of a data folder had come.
//!
//! A catalog out of a backup looks like any other: it names the files of its time, and those written since look like
//! orphans. So the folder keeps, in a file of its own, the last position and snapshot that it saw committed. The file is
//! written behind a commit, and before anything goes that only an older catalog needs: log files, files that were
//! replaced. The catalog is never behind it. It may be ahead, if a crash came in between; then it was the process that
//! is named in the file that wrote to it. If it was another, there is a copy of the folder whose log was published, and
//! this folder's log means nothing to the catalog any more.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use uuid::Uuid;

use crate::catalog::{Catalog, CatalogError};
use crate::disk::{self, Disk, DiskError};
use crate::point::Point;
use crate::store::{Store, StoreError};

const FILE_NAME: &str = "lake.position";

/// A place in the life of a catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The last position in the log whose rows are published.
    pub sequence: u64,
    /// The newest snapshot.
    pub snapshot: i64,
}

impl fmt::Display for Mark {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sequence, snapshot } = self;
        write!(formatter, "log position {sequence}, snapshot {snapshot}")
    }
}

/// What the folder's file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) mark: Mark,
    /// The process that had the lake then.
    pub(crate) instance: Uuid,
}

impl Kept {
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let mut value = |name| lines.next()?.strip_prefix(name);
        Some(Self {
            mark: Mark {
                sequence: value("sequence ")?.parse().ok()?,
                snapshot: value("snapshot ")?.parse().ok()?,
            },
            instance: value("instance ")?.parse().ok()?,
        })
    }

    fn write(&self, disk: &dyn Disk, data: &Path) -> Result<(), DiskError> {
        let Self { mark, instance } = self;
        let text = format!(
            "sequence {}\nsnapshot {}\ninstance {instance}\n",
            mark.sequence, mark.snapshot
        );
        disk::replace_file(disk, &data.join(FILE_NAME), text.as_bytes())
    }
}

/// What a folder keeps; `None` if it never saw a commit.
fn read(disk: &dyn Disk, data: &Path) -> Result<Option<Kept>, StoreError> {
    let path = data.join(FILE_NAME);
    match disk.read(&path) {
        Ok(bytes) => {
            let kept = std::str::from_utf8(&bytes).ok().and_then(Kept::parse);
            let damaged = || {
                let path = path.display();
                CatalogError::Inconsistent(format!(
                    "{path} is damaged; remove it to take the catalog as it is"
                ))
            };
            Ok(Some(kept.ok_or_else(damaged)?))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(DiskError::new("read", &path, source).into()),
    }
}

/// Refuses a catalog that is not the one that the folder saw last.
pub(crate) async fn check(
    disk: &dyn Disk,
    data: &Path,
    catalog: &Catalog,
) -> Result<Option<Kept>, StoreError> {
    let Some(kept) = read(disk, data)? else {
        return Ok(None);
    };
    let (folder, data) = (kept.mark, data.to_owned());
    let (catalog, instance) = catalog.reached().await?;
    if catalog.sequence < folder.sequence || catalog.snapshot < folder.snapshot {
        return Err(CatalogError::Behind {
            catalog,
            folder,
            data,
        }
        .into());
    }
    if catalog != folder && instance != Some(kept.instance) {
        return Err(CatalogError::Ahead {
            catalog,
            folder,
            data,
        }
        .into());
    }
    Ok(Some(kept))
}

/// Notes that a process takes the lake, before it does.
pub(crate) async fn begin(
    disk: &dyn Disk,
    data: &Path,
    (catalog, instance): (&Catalog, Uuid),
) -> Result<Mark, StoreError> {
    let (mark, _) = catalog.reached().await?;
    Kept { mark, instance }.write(disk, data)?;
    Ok(mark)
}

impl Store {
    /// Notes how far the catalog has come. Fails if another process has taken it over.
    pub(crate) async fn note_mark(&self) -> Result<(), StoreError> {
        let mut noted = self.mark.lock().await;
        let mark = self.catalog.reached_by_us().await?;
        if *noted == Some(mark) {
            return Ok(());
        }
        self.reach(Point::MarkWrite)?;
        let disk = Arc::clone(&self.settings.disk);
        let data: PathBuf = self.settings.data.clone();
        let instance = self.catalog.instance();
        let kept = Kept { mark, instance };
        tokio::task::spawn_blocking(move || kept.write(disk.as_ref(), &data)).await??;
        *noted = Some(mark);
        Ok(())
    }
}
