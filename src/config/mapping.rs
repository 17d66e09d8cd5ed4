//! `[[mapping]]`: how logs of other gateways are told and read, from TOML to what `ingest` compiles.
//!
//! Presets are TOML of the same form. A mapping that names one begins with its match, its texts for "none" and its
//! columns, and changes what it writes itself.

mod source;

use std::collections::BTreeMap;

use ingest::Mappings;
use ingest::mapping::{Format, Mapping, PRESETS, Problem};
use serde::Deserialize;
use toml::{Spanned, Value};

use super::raw::RawConfig;
use super::{ConfigError, setting};
use source::{conditions, sources, strings};

/// The part of a configuration that is read here; the rest is somebody else's.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    mapping: Vec<Spanned<RawMapping>>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMapping {
    name: Spanned<String>,
    preset: Option<Spanned<String>>,
    r#match: Option<Spanned<Value>>,
    none: Option<Spanned<Value>>,
    format: Option<Spanned<String>>,
    #[serde(default)]
    columns: BTreeMap<String, Spanned<Value>>,
}

/// What is wrong with the mappings of a text, and at which byte.
#[derive(Debug)]
struct Fault {
    at: usize,
    problem: Problem,
}

/// The mappings that a file's text declares, checked; or what is wrong, with the line.
pub(super) fn read(text: &str) -> Result<Vec<Mapping>, String> {
    declared(text).map_err(|fault| {
        let before = text.get(..fault.at).unwrap_or_default();
        format!(
            "line {}, {}",
            before.matches('\n').count() + 1,
            fault.problem
        )
    })
}

/// The mappings of a configuration and those that come with the program.
pub(super) fn all(raw: &RawConfig) -> Result<Mappings, ConfigError> {
    let shipped = presets(&raw.presets_disabled)
        .map_err(|problem| setting("presets_disabled", problem.reason))?;
    Mappings::new(raw.mappings.clone(), shipped)
        .map_err(|problem| setting("mapping", problem.to_string()))
}

fn declared(text: &str) -> Result<Vec<Mapping>, Fault> {
    let file: File = toml::from_str(text).map_err(|error| Fault {
        at: error.span().map_or(0, |span| span.start),
        problem: Problem {
            mapping: "?".to_owned(),
            column: None,
            reason: error.message().replace('\n', " "),
        },
    })?;
    let raws = file.mapping;
    let read: Result<Vec<_>, _> = raws.iter().map(|raw| mapping(raw.get_ref())).collect();
    let mappings = read?;
    if let Err(problem) = Mappings::new(mappings.clone(), Vec::new()) {
        let at = place(&raws, &problem);
        return Err(Fault { at, problem });
    }
    Ok(mappings)
}

/// The byte that a problem is about: its column's, or its mapping's.
fn place(raws: &[Spanned<RawMapping>], problem: &Problem) -> usize {
    // Of two with one name the later one is wrong.
    let named = |raw: &&Spanned<RawMapping>| *raw.get_ref().name.get_ref() == problem.mapping;
    let Some(raw) = raws.iter().rfind(named).map(Spanned::get_ref) else {
        return 0;
    };
    let column = problem
        .column
        .as_ref()
        .and_then(|name| raw.columns.get(name));
    column.map_or(raw.name.span().start, |value| value.span().start)
}

/// The mappings that come with the program, but for those that are named.
fn presets(without: &[String]) -> Result<Vec<Mapping>, Problem> {
    if let Some(name) = without.iter().find(|name| preset_text(name).is_none()) {
        let mapping = name.clone();
        return Err(Problem {
            mapping,
            column: None,
            reason: unknown_preset(name),
        });
    }
    let wanted = PRESETS
        .iter()
        .filter(|(name, _)| !without.iter().any(|other| other == name));
    wanted.map(|(name, _)| preset(name)).collect()
}

/// The mapping that a preset is.
pub(crate) fn preset(name: &str) -> Result<Mapping, Problem> {
    let problem = |reason| Problem {
        mapping: name.to_owned(),
        column: None,
        reason,
    };
    let text = preset_text(name).ok_or_else(|| problem(unknown_preset(name)))?;
    let mut mappings = declared(text).map_err(|fault| fault.problem)?;
    mappings
        .pop()
        .ok_or_else(|| problem("has no mapping".to_owned()))
}

/// A preset as it is written.
pub(crate) fn preset_text(name: &str) -> Option<&'static str> {
    let found = PRESETS.iter().find(|(known, _)| *known == name);
    found.map(|(_, text)| *text)
}

pub(crate) fn unknown_preset(name: &str) -> String {
    let names = PRESETS.map(|(name, _)| name);
    format!(
        "there is no preset '{name}'; there are {}",
        names.join(", ")
    )
}

fn mapping(raw: &RawMapping) -> Result<Mapping, Fault> {
    let name = raw.name.get_ref();
    let fault = |at: usize, column: Option<&str>, reason: String| Fault {
        at,
        problem: Problem {
            mapping: name.clone(),
            column: column.map(str::to_owned),
            reason,
        },
    };
    let mut mapping = match &raw.preset {
        Some(wanted) => {
            let found = preset(wanted.get_ref());
            found.map_err(|problem| fault(wanted.span().start, None, problem.reason))?
        }
        None => Mapping {
            name: name.clone(),
            conditions: Vec::new(),
            absent: vec!["-".to_owned(), String::new()],
            format: Format::Json,
            columns: Vec::new(),
        },
    };
    if name.is_empty() {
        return Err(fault(
            raw.name.span().start,
            None,
            "needs a name".to_owned(),
        ));
    }
    mapping.name.clone_from(name);
    if let Some(value) = &raw.r#match {
        let at = value.span().start;
        let found = conditions(value.get_ref())
            .map_err(|reason| fault(at, None, format!("match: {reason}")))?;
        mapping.conditions = found;
    }
    if let Some(value) = &raw.none {
        let at = value.span().start;
        mapping.absent = strings(value.get_ref())
            .map_err(|reason| fault(at, None, format!("none: {reason}")))?;
    }
    if let Some(value) = &raw.format {
        mapping.format = match value.get_ref().as_str() {
            "json" => Format::Json,
            "combined" => Format::Combined,
            other => {
                let reason = format!("format '{other}' is neither json nor combined");
                return Err(fault(value.span().start, None, reason));
            }
        };
    }
    for (column, value) in &raw.columns {
        let found = sources(value.get_ref());
        let found = found.map_err(|reason| fault(value.span().start, Some(column), reason))?;
        mapping.columns.retain(|(known, _)| known != column);
        // `false` takes a preset's column away.
        if let Some(found) = found {
            mapping.columns.push((column.clone(), found));
        }
    }
    Ok(mapping)
}

#[cfg(test)]
mod tests;
