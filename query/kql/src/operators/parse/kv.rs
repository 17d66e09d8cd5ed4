//! Pairs of keys and values in text.

use kql_syntax::ast::Type;
use kql_values::Value;
use regex::Regex;

/// How pairs are written.
#[derive(Debug)]
pub(super) struct Settings {
    /// Between pairs; any sign that is no letter or digit if none is given.
    pub(super) pair: Option<String>,
    /// Between a key and its value; the same.
    pub(super) between: Option<String>,
    /// Signs that open a quoted value; a second one closes it, else the same does.
    pub(super) quotes: Vec<char>,
    /// The sign before a quote that does not close.
    pub(super) escape: Option<char>,
    /// A value goes on until the next pair begins.
    pub(super) is_greedy: bool,
    /// Two groups, the key and the value, instead of all this.
    pub(super) regex: Option<Regex>,
}

/// The values of the wanted keys; the first of equal keys counts.
pub(super) fn values(text: &str, settings: &Settings, wanted: &[(String, Type)]) -> Vec<Value> {
    let pairs = match &settings.regex {
        Some(regex) => regex
            .captures_iter(text)
            .filter_map(|groups| {
                Some((
                    groups.get(1)?.as_str().to_owned(),
                    groups.get(2)?.as_str().to_owned(),
                ))
            })
            .collect(),
        None => match (&settings.pair, &settings.between) {
            (Some(pair), Some(between)) if settings.is_greedy => {
                greedy(text, pair, between, settings)
            }
            _ => pairs(text, settings),
        },
    };
    wanted
        .iter()
        .map(|(name, ty)| {
            let found = pairs.iter().find(|(key, _)| key == name);
            let text = found.map_or("", |(_, value)| value.as_str());
            Value::String(text.to_owned()).convert(*ty)
        })
        .collect()
}

fn greedy(text: &str, pair: &str, between: &str, settings: &Settings) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for part in text.split(pair) {
        match part.split_once(between) {
            Some((key, value)) => found.push((key.trim().to_owned(), unquoted(value, settings))),
            None => {
                if let Some((_, value)) = found.last_mut() {
                    value.push_str(pair);
                    value.push_str(part);
                }
            }
        }
    }
    found
}

fn unquoted(value: &str, settings: &Settings) -> String {
    let mut signs = value.chars();
    match (signs.next(), signs.next_back()) {
        (Some(open), Some(close))
            if settings.quotes.first() == Some(&open) && close == closing(settings, open) =>
        {
            signs.as_str().to_owned()
        }
        _ => value.to_owned(),
    }
}

fn closing(settings: &Settings, open: char) -> char {
    settings.quotes.get(1).copied().unwrap_or(open)
}

/// Reads pairs from the left: quoted values may hold delimiters.
fn pairs(text: &str, settings: &Settings) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let trimmed = rest.trim_start();
        if let (Some(open), Some(between)) = (settings.quotes.first(), &settings.between)
            && let Some(quoted) = trimmed.strip_prefix(*open)
        {
            let (key, after) = quoted_value(quoted, closing(settings, *open), settings);
            if let Some(after) = after.strip_prefix(between.as_str()) {
                let (value, after_value) = value(after, settings);
                found.push((key, value));
                rest = after_value;
                continue;
            }
        }
        let (key, after_key, has_value) = until_key_ends(rest, settings);
        if !has_value {
            rest = after_key;
            continue;
        }
        let (value, after_value) = value(after_key, settings);
        found.push((last_word(key, settings).trim().to_owned(), value));
        rest = after_value;
    }
    found
}

/// The text up to the delimiter of key and value, or up to the end of a pair without one.
fn until_key_ends<'t>(text: &'t str, settings: &Settings) -> (&'t str, &'t str, bool) {
    for (at, sign) in text.char_indices() {
        let here = text.get(at..).unwrap_or_default();
        if let Some(between) = &settings.between {
            if let Some(after) = here.strip_prefix(between.as_str()) {
                return (text.get(..at).unwrap_or_default(), after, true);
            }
            if let Some(after) = settings
                .pair
                .as_deref()
                .and_then(|pair| here.strip_prefix(pair))
            {
                return (text.get(..at).unwrap_or_default(), after, false);
            }
        } else if !is_word(sign) {
            let after = here.get(sign.len_utf8()..).unwrap_or_default();
            let is_pair = settings
                .pair
                .as_deref()
                .is_some_and(|pair| here.starts_with(pair));
            return (
                text.get(..at).unwrap_or_default(),
                after.trim_start_matches(|sign: char| {
                    settings.pair.is_none() && !is_word(sign) && !settings.quotes.contains(&sign)
                }),
                !is_pair && at > 0,
            );
        }
    }
    (text, "", false)
}

/// Without a delimiter of pairs, a key is the last word before its value.
fn last_word<'t>(key: &'t str, settings: &Settings) -> &'t str {
    if settings.pair.is_some() {
        return key;
    }
    key.trim_end()
        .rsplit(|sign: char| !is_word(sign))
        .next()
        .unwrap_or(key)
}

fn value<'t>(text: &'t str, settings: &Settings) -> (String, &'t str) {
    let trimmed = if settings
        .pair
        .as_deref()
        .is_some_and(|pair| pair.trim().is_empty())
    {
        text
    } else {
        text.trim_start()
    };
    let open = settings.quotes.first().copied();
    if let Some(open) = open
        && let Some(quoted) = trimmed.strip_prefix(open)
    {
        return quoted_value(quoted, closing(settings, open), settings);
    }
    let end = match &settings.pair {
        Some(pair) => text.find(pair.as_str()).map(|at| (at, at + pair.len())),
        None => trimmed
            .find(|sign: char| !is_word(sign))
            .map(|at| (at, at + 1)),
    };
    let source = if settings.pair.is_some() {
        text
    } else {
        trimmed
    };
    match end {
        Some((at, next)) => {
            let rest = source.get(next..).or_else(|| {
                source
                    .get(at..)
                    .map(|rest| rest.trim_start_matches(|sign: char| !is_word(sign)))
            });
            (
                source.get(..at).unwrap_or_default().trim().to_owned(),
                rest.unwrap_or_default(),
            )
        }
        None => (source.trim().to_owned(), ""),
    }
}

fn quoted_value<'t>(text: &'t str, close: char, settings: &Settings) -> (String, &'t str) {
    let mut value = String::new();
    let mut signs = text.char_indices();
    while let Some((at, sign)) = signs.next() {
        if Some(sign) == settings.escape {
            if let Some((_, next)) = signs.next() {
                value.push(next);
            }
            continue;
        }
        if sign == close {
            let after = text.get(at + sign.len_utf8()..).unwrap_or_default();
            let after = settings
                .pair
                .as_deref()
                .and_then(|pair| after.trim_start().strip_prefix(pair))
                .unwrap_or(after);
            return (value, after);
        }
        value.push(sign);
    }
    (value, "")
}

fn is_word(sign: char) -> bool {
    sign.is_alphanumeric() || sign == '_' || sign == '-'
}
