//! Settings of the store: `[store]`.

use std::path::PathBuf;
use std::time::Duration;

use store::{
    CatalogSettings, CompactionSettings, PostgresSettings, Retention, StoreSettings, Table,
};

use super::raw::{RawBytes, RawConfig, RawStore};
use super::{ConfigError, setting};

/// The store's settings, checked.
pub(super) fn checked(raw: &RawConfig) -> Result<StoreSettings, ConfigError> {
    let mut settings =
        StoreSettings::new(raw.data.clone().unwrap_or_else(|| PathBuf::from("data")));
    let store = &raw.store;
    settings.flush_interval = store
        .flush_interval
        .map_or(settings.flush_interval, |interval| interval.0);
    settings.segment_bytes = store
        .segment_bytes
        .map_or(settings.segment_bytes, RawBytes::in_memory);
    settings.recent_bytes_max = store
        .recent_bytes
        .map_or(settings.recent_bytes_max, RawBytes::in_memory);
    settings.free_bytes_min = store
        .free_bytes
        .map_or(settings.free_bytes_min, |bytes| bytes.0);
    settings.wal_file_bytes_max = store
        .wal_file_bytes
        .map_or(settings.wal_file_bytes_max, |bytes| bytes.0);
    settings.zstd_level = store.zstd_level.unwrap_or(settings.zstd_level);
    if !(1..=22).contains(&settings.zstd_level) {
        return Err(setting("store.zstd_level", "must be 1 to 22"));
    }
    if settings.recent_bytes_max < settings.segment_bytes {
        return Err(setting(
            "store.recent_bytes",
            "must be at least store.segment_bytes",
        ));
    }
    settings.catalog = catalog(store)?;
    settings.compaction = compaction(store)?;
    settings.retention = retention(store)?;
    settings.snapshot_retention = store
        .snapshot_retention
        .map_or(settings.snapshot_retention, |kept| kept.0);
    settings.orphan_retention = store
        .orphan_retention
        .map_or(settings.orphan_retention, |kept| kept.0);
    settings.upkeep_interval = store
        .upkeep_interval
        .map_or(settings.upkeep_interval, |interval| interval.0);
    if settings.upkeep_interval < INTERVAL_MIN {
        return Err(setting("store.upkeep_interval", "must be at least 100ms"));
    }
    Ok(settings)
}

fn catalog(raw: &RawStore) -> Result<CatalogSettings, ConfigError> {
    let password = match (&raw.catalog_password, &raw.catalog_password_file) {
        (Some(_), Some(_)) => {
            let reason = "give it here or by catalog_password_file, not both";
            return Err(setting("store.catalog_password", reason));
        }
        (Some(password), None) => Some(password.clone()),
        (None, Some(path)) => {
            let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
                path: path.clone(),
                source,
            })?;
            Some(text.trim_end_matches(['\r', '\n']).to_owned())
        }
        (None, None) => None,
    };
    let Some(address) = raw
        .catalog
        .as_deref()
        .filter(|address| *address != "sqlite")
    else {
        return match password {
            Some(_) => Err(setting(
                "store.catalog_password",
                "is of use only with store.catalog",
            )),
            None => Ok(CatalogSettings::Embedded),
        };
    };
    match PostgresSettings::parse(address, password.as_deref()) {
        Ok(settings) => Ok(CatalogSettings::Postgres(settings)),
        Err(error) => Err(setting(
            "store.catalog",
            format!("{error}: write postgres://user@host/database, or sqlite"),
        )),
    }
}

const INTERVAL_MIN: Duration = Duration::from_millis(100);

fn compaction(raw: &RawStore) -> Result<CompactionSettings, ConfigError> {
    let defaults = CompactionSettings::default();
    let settings = CompactionSettings {
        file_bytes: raw
            .compaction
            .file_bytes
            .map_or(defaults.file_bytes, |bytes| bytes.0),
        file_rows: raw.compaction.file_rows.unwrap_or(defaults.file_rows),
        files_min: raw.compaction.files.unwrap_or(defaults.files_min),
    };
    if settings.file_bytes == 0 || settings.file_rows == 0 {
        let reason = "file_bytes and file_rows must be at least 1";
        return Err(setting("store.compaction", reason));
    }
    if settings.files_min < 2 {
        return Err(setting("store.compaction.files", "must be at least 2"));
    }
    Ok(settings)
}

/// How long rows are kept if nothing is said of them.
const RETENTION: Duration = Duration::from_hours(90 * 24);

fn retention(raw: &RawStore) -> Result<Retention, ConfigError> {
    let mut retention = Retention {
        usual: Some(RETENTION),
        ..Retention::default()
    };
    for (name, kept) in &raw.retention {
        let key = format!("store.retention.{name}");
        if kept.0.is_some_and(|kept| kept.is_zero()) {
            return Err(setting(&key, "must be longer than nothing"));
        }
        // A variable of the environment keeps no case.
        let is_named = |table: &Table| table.name().eq_ignore_ascii_case(name);
        if name == "default" {
            retention.usual = kept.0;
        } else if let Some(table) = Table::ALL.into_iter().find(is_named) {
            retention.tables.insert(table, kept.0);
        } else {
            return Err(setting(&key, "no table has this name"));
        }
    }
    Ok(retention)
}
