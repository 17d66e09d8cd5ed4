//! Which lake a data folder holds.
//!
//! The log of a folder and the files of its lake mean something only beside their own catalog: with another one the
//! log would be replayed from the wrong place and every file would look like an orphan. So both carry one id.

use std::io;
use std::path::Path;

use sqlx::SqlitePool;
use uuid::Uuid;

use crate::catalog::{self, CatalogError, CatalogSettings};
use crate::disk::{self, Disk, DiskError};
use crate::store::{StoreError, StoreSettings};
use crate::{upkeep, wal};

const FILE_NAME: &str = "lake.id";

/// The id in the folder; one that has none is given one, unless it was used with another catalog before.
pub(crate) async fn of_folder(
    settings: &StoreSettings,
    embedded: &SqlitePool,
) -> Result<Uuid, StoreError> {
    let disk = settings.disk.as_ref();
    let path = settings.data.join(FILE_NAME);
    match disk.read(&path) {
        Ok(text) => {
            let id = std::str::from_utf8(&text).ok().map(str::trim);
            let id = id.and_then(|id| Uuid::parse_str(id).ok());
            let damaged = || format!("{} holds no id", path.display());
            Ok(id.ok_or_else(|| CatalogError::Inconsistent(damaged()))?)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let id = match &settings.catalog {
                // It lies in the folder, so they belong together.
                CatalogSettings::Embedded => catalog::embedded_owner(embedded).await?,
                CatalogSettings::Postgres(_) if settings.data.join("wal").is_dir() => {
                    return Err(CatalogError::OtherLake.into());
                }
                CatalogSettings::Postgres(_) => None,
            };
            let id = id.unwrap_or_else(Uuid::now_v7);
            disk::replace_file(disk, &path, format!("{id}\n").as_bytes())?;
            Ok(id)
        }
        Err(source) => Err(DiskError::new("read", &path, source).into()),
    }
}

/// Whether a folder holds rows, in files or in a log; what begins with nothing, or was cut short before the first
/// batch, holds none.
pub(crate) fn is_used(disk: &dyn Disk, data: &Path) -> Result<bool, StoreError> {
    Ok(!wal::wal_files(disk, &data.join("wal"))?.is_empty()
        || !upkeep::files(disk, &data.join("lake"))?.is_empty())
}
