//! A configuration's file and environment, merged; what is wrong in them is told with line and key.

use std::path::Path;

use figment::Figment;
use figment::providers::{Env, Format as _, Toml};

use super::raw::RawConfig;
use super::{ConfigError, mapping};

/// Variables that are no settings.
const OTHER_VARIABLES: [&str; 4] = ["ADMIN_KEY", "CONFIG", "URL", "KEY"];

/// Reads a file and merges the environment over it.
pub(super) fn read(file: Option<&Path>) -> Result<RawConfig, ConfigError> {
    let mut figment = Figment::new();
    let mut mappings = Vec::new();
    if let Some(path) = file {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        // figment names the key but not the line, toml both.
        let raw = parsed(&text).map_err(|text| ConfigError::File {
            path: path.to_owned(),
            text,
        })?;
        mappings = raw.mappings;
        figment = figment.merge(Toml::string(&text));
    }
    let environment = Env::prefixed("BARTIZAN_")
        .ignore(&OTHER_VARIABLES)
        .split("__");
    let merged = figment.merge(environment);
    let raw: RawConfig = merged.extract().map_err(|error| {
        let key = error.path.join("__").to_uppercase();
        ConfigError::Environment(format!("BARTIZAN_{key}: {}", error.kind))
    })?;
    Ok(RawConfig { mappings, ..raw })
}

/// A file's text, or what is wrong with it and where.
pub(super) fn parsed(text: &str) -> Result<RawConfig, String> {
    let raw: RawConfig = toml::from_str(text).map_err(|error| one_line(&error, text))?;
    let mappings = mapping::read(text)?;
    Ok(RawConfig { mappings, ..raw })
}

/// "line 2, column 12, rules.lateness: .." out of toml's drawing of the place.
fn one_line(error: &toml::de::Error, text: &str) -> String {
    let drawn = error.to_string();
    let place = drawn
        .lines()
        .next()
        .unwrap_or_default()
        .strip_prefix("TOML parse error at ");
    let key = error.span().and_then(|span| key_at(text, span.start));
    let message = error.message().replace('\n', " ");
    let parts = [place.map(str::to_owned), key]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>();
    if parts.is_empty() {
        message
    } else {
        format!("{}: {message}", parts.join(", "))
    }
}

/// The key whose line holds that byte, with its table's name before it.
fn key_at(text: &str, byte: usize) -> Option<String> {
    let before = text.get(..byte)?;
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let key = text
        .get(line_start..)?
        .lines()
        .next()?
        .split_once('=')?
        .0
        .trim();
    let mut headers = text
        .get(..line_start)?
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with('['));
    let table = headers
        .next_back()
        .map(|header| header.trim_matches(['[', ']']));
    Some(table.map_or_else(|| key.to_owned(), |table| format!("{table}.{key}")))
}
