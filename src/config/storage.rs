//! Settings of the store: `[store]`.

use std::path::PathBuf;

use store::{CatalogSettings, PostgresSettings, StoreSettings};

use super::raw::{RawConfig, RawStore};
use super::{ConfigError, setting};

/// The store's settings, checked.
pub(super) fn checked(raw: &RawConfig) -> Result<StoreSettings, ConfigError> {
    let mut settings =
        StoreSettings::new(raw.data.clone().unwrap_or_else(|| PathBuf::from("data")));
    let store = &raw.store;
    settings.flush_interval = store
        .flush_interval
        .map_or(settings.flush_interval, |interval| interval.0);
    settings.segment_bytes = store.segment_bytes.unwrap_or(settings.segment_bytes);
    settings.recent_bytes_max = store.recent_bytes.unwrap_or(settings.recent_bytes_max);
    settings.free_bytes_min = store.free_bytes.unwrap_or(settings.free_bytes_min);
    settings.wal_file_bytes_max = store.wal_file_bytes.unwrap_or(settings.wal_file_bytes_max);
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
