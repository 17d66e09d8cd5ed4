//! Looks at a lake from beside the service, which may be running: what is in it, and whether the files are what the
//! catalog says.
//!
//! It writes nothing and takes no lock. A file that the service replaced meanwhile is no finding: what looks wrong is
//! looked up once more.

mod file;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::{FileRecord, Reading};
use crate::compaction::day;
use crate::disk::Disk;
use crate::schema::Table;
use crate::segment::{Level, created};
use crate::store::{StoreError, StoreSettings, lake_folder};
use crate::time::Timestamp;
use crate::upkeep;
use crate::workspace::Workspace;

/// What is in a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableStatus {
    /// Its workspace.
    pub workspace: Workspace,
    /// The table.
    pub table: Table,
    /// Files.
    pub files: u64,
    /// Files among them that are not compacted.
    pub fresh: u64,
    /// Rows.
    pub rows: u64,
    /// Length of the files.
    pub bytes: u64,
    /// First event time.
    pub oldest: Timestamp,
    /// Last event time.
    pub newest: Timestamp,
}

/// Something that is not as the catalog says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub what: String,
}

/// What a verification saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Files that were read.
    pub files: u64,
    /// Rows in them.
    pub rows: u64,
    /// Their length.
    pub bytes: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Files that the catalog does not name: left by a crash, harmless, and removed by the service in time.
    pub orphans: Vec<PathBuf>,
}

/// A file younger than this may be on its way into the catalog.
const ORPHAN_AGE_MIN: Duration = Duration::from_hours(1);

/// What is in each table that has files; rows that are only in the log are not counted.
pub async fn status(settings: &StoreSettings) -> Result<Vec<TableStatus>, StoreError> {
    let lake = lake_folder(&settings.data)?;
    let reading = Reading::open(settings).await?;
    let mut tables: BTreeMap<(Workspace, Table), TableStatus> = BTreeMap::new();
    for (workspace, table, segment) in reading.segments(&lake).await? {
        let name = (workspace.clone(), table);
        let status = tables.entry(name).or_insert_with(|| TableStatus {
            workspace,
            table,
            files: 0,
            fresh: 0,
            rows: 0,
            bytes: 0,
            oldest: segment.time_min,
            newest: segment.time_max,
        });
        status.files += 1;
        status.fresh += u64::from(segment.level == Level::Fresh);
        status.rows += segment.rows;
        status.bytes += segment.bytes;
        status.oldest = status.oldest.min(segment.time_min);
        status.newest = status.newest.max(segment.time_max);
    }
    Ok(tables.into_values().collect())
}

/// Checks every file that the catalog names, and looks for files that it does not name.
pub async fn verify(settings: &StoreSettings, now: Timestamp) -> Result<Verification, StoreError> {
    let lake = lake_folder(&settings.data)?;
    let reading = Reading::open(settings).await?;
    reading.check().await?;
    // Listed before the catalog is read: what is published in between is known then.
    let listed = listed(Arc::clone(&settings.disk), lake.clone()).await?;
    let named = reading.paths().await?;
    let mut seen = Verification::default();
    let files = reading.files().await?;
    let mut suspects: Vec<(i64, Finding)> = twice(&lake, &files);
    suspects.extend(overlapping(&lake, &files));
    for file in files {
        let columns = reading.columns(file.id).await?;
        let disk = Arc::clone(&settings.disk);
        let path = lake.join(&file.path);
        seen.files += 1;
        seen.rows += file.rows;
        seen.bytes += file.bytes;
        let (id, about) = (file.id, path.clone());
        let found =
            tokio::task::spawn_blocking(move || file::check(disk.as_ref(), &path, &file, &columns));
        let found = found.await?.into_iter().map(|what| {
            let path = about.clone();
            (id, Finding { path, what })
        });
        suspects.extend(found);
    }
    for (id, finding) in suspects {
        if reading.is_named(id).await? {
            seen.findings.push(finding);
        }
    }
    seen.findings
        .extend(reading.unheeded().await?.iter().map(|unheeded| Finding {
            path: lake.join(&unheeded.path),
            what: unheeded.to_string(),
        }));
    seen.findings.sort();
    let is_orphan = |path: &PathBuf| {
        let is_named = path
            .strip_prefix(&lake)
            .is_ok_and(|path| named.contains(path));
        !is_named && now.since(created(path)) >= ORPHAN_AGE_MIN
    };
    seen.orphans = listed.into_iter().filter(is_orphan).collect();
    Ok(seen)
}

async fn listed(disk: Arc<dyn Disk>, lake: PathBuf) -> Result<Vec<PathBuf>, StoreError> {
    let listed = tokio::task::spawn_blocking(move || upkeep::files(disk.as_ref(), &lake));
    Ok(listed.await??)
}

/// Files that the catalog names more than once, by name or by content.
fn twice(lake: &Path, files: &[FileRecord]) -> Vec<(i64, Finding)> {
    let mut found = Vec::new();
    let mut paths = BTreeSet::new();
    let mut digests: BTreeMap<&[u8], &FileRecord> = BTreeMap::new();
    for file in files {
        let finding = |what: String| {
            let path = lake.join(&file.path);
            (file.id, Finding { path, what })
        };
        if !paths.insert(&file.path) {
            found.push(finding("is in the catalog twice".to_owned()));
        } else if let Some(digest) = &file.digest {
            match digests.get(digest.as_slice()) {
                Some(other) if file.is_live && other.is_live => {
                    let other = lake.join(&other.path);
                    found.push(finding(format!(
                        "has the same content as {}",
                        other.display()
                    )));
                }
                _ => drop(digests.insert(digest, file)),
            }
        }
    }
    found
}

/// Compacted files of the same table and day that overlap in event time.
fn overlapping(lake: &Path, files: &[FileRecord]) -> Vec<(i64, Finding)> {
    let mut days: BTreeMap<(i64, i64), Vec<&FileRecord>> = BTreeMap::new();
    let compacted = files
        .iter()
        .filter(|file| file.is_live && file.segment.level == Level::Compacted);
    for file in compacted {
        let group = (file.table_id, day(&file.segment));
        days.entry(group).or_default().push(file);
    }
    let mut found = Vec::new();
    for mut files in days.into_values() {
        files.sort_by_key(|file| (file.segment.time_min, file.segment.time_max));
        let mut reach: Option<&FileRecord> = None;
        for file in files {
            if let Some(before) = reach
                && file.segment.time_min < before.segment.time_max
            {
                let other = lake.join(&before.path);
                let what = format!("overlaps {} in time", other.display());
                let path = lake.join(&file.path);
                found.push((file.id, Finding { path, what }));
            }
            let is_further = |before: &FileRecord| file.segment.time_max >= before.segment.time_max;
            if reach.is_none_or(is_further) {
                reach = Some(file);
            }
        }
    }
    found
}
