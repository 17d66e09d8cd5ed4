//! Text with parts of it replaced or taken away.

use std::collections::BTreeMap;

use regex::{Captures, Regex};

use crate::arguments::{bounded, text};
use crate::function::{Context, Failure, Outcome, ScalarFunction, function};
use crate::value::{Dynamic, Value};

#[rustfmt::skip]
pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function("replace_string(text: string, lookup: string, rewrite: string): string", replace_string),
        function("replace_strings(text: string, lookups: dynamic, rewrites: dynamic): string", replace_strings),
        function("replace_regex(source: string, lookup_regex: string, rewrite_pattern: string): string", replace_regex),
        function("replace(regex: string, rewrite: string, source: string): string", replace),
        function("trim(regex: string, source: string): string", trim),
        function("trim_start(regex: string, source: string): string", trim_start),
        function("trim_end(regex: string, source: string): string", trim_end),
        function("translate(searchList: string, replacementList: string, source: string): string", translate),
        function("regex_quote(string: string): string", regex_quote),
        function("string_quote(string: string): string", string_quote),
    ];
    table.into_iter().flatten().collect()
}

fn replace_string(context: &mut Context, arguments: &[Value]) -> Outcome {
    let (source, lookup, rewrite) = (text(arguments, 0), text(arguments, 1), text(arguments, 2));
    if lookup.is_empty() {
        return Ok(Value::String(source.to_owned()));
    }
    let mut out = String::with_capacity(source.len());
    let mut parts = source.split(lookup);
    out.push_str(parts.next().unwrap_or(""));
    for part in parts {
        out.push_str(rewrite);
        out.push_str(part);
        if out.len() > context.length_max {
            break;
        }
    }
    bounded(context, out)
}

/// A part of a text: still to be searched, or done.
enum Part<'a> {
    Open(&'a str),
    Done(&'a str),
}

/// Most lookups of `replace_strings`; each reads the text once.
const LOOKUPS_MAX: usize = 1_000;

fn replace_strings(context: &mut Context, arguments: &[Value]) -> Outcome {
    let [
        Value::String(source),
        Value::Dynamic(Dynamic::Array(lookups)),
        Value::Dynamic(Dynamic::Array(rewrites)),
    ] = arguments
    else {
        return Ok(Value::String(text(arguments, 0).to_owned()));
    };
    if lookups.len() > LOOKUPS_MAX {
        let text = format!("replace_strings() takes {LOOKUPS_MAX} lookups at most");
        return Err(Failure(text));
    }
    let mut parts = vec![Part::Open(source)];
    for (place, lookup) in lookups.iter().enumerate() {
        let Dynamic::String(lookup) = lookup else {
            continue;
        };
        if lookup.is_empty() {
            continue;
        }
        let rewrite = match rewrites.get(place) {
            Some(Dynamic::String(rewrite)) => rewrite,
            _ => lookup,
        };
        parts = rewritten(parts, lookup, rewrite);
    }
    let mut out = String::with_capacity(source.len());
    for Part::Open(text) | Part::Done(text) in parts {
        out.push_str(text);
        if out.len() > context.length_max {
            break;
        }
    }
    bounded(context, out)
}

fn rewritten<'a>(parts: Vec<Part<'a>>, lookup: &str, rewrite: &'a str) -> Vec<Part<'a>> {
    let mut out = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Part::Done(_) => out.push(part),
            Part::Open(text) => {
                for (place, between) in text.split(lookup).enumerate() {
                    if place > 0 {
                        out.push(Part::Done(rewrite));
                    }
                    out.push(Part::Open(between));
                }
            }
        }
    }
    out
}

fn replace_regex(context: &mut Context, arguments: &[Value]) -> Outcome {
    let (source, pattern, rewrite) = (text(arguments, 0), text(arguments, 1), text(arguments, 2));
    rewrite_matches(context, source, pattern, rewrite)
}

fn replace(context: &mut Context, arguments: &[Value]) -> Outcome {
    let (pattern, rewrite, source) = (text(arguments, 0), text(arguments, 1), text(arguments, 2));
    rewrite_matches(context, source, pattern, rewrite)
}

fn rewrite_matches(context: &mut Context, source: &str, pattern: &str, rewrite: &str) -> Outcome {
    let length_max = context.length_max;
    let mut out = String::with_capacity(source.len());
    let mut from = 0;
    for found in context.regex(pattern)?.captures_iter(source) {
        let Some(whole) = found.get(0) else { continue };
        out.push_str(source.get(from..whole.start()).unwrap_or(""));
        push_rewrite(&mut out, rewrite, &found);
        from = whole.end();
        if out.len() > length_max {
            break;
        }
    }
    out.push_str(source.get(from..).unwrap_or(""));
    bounded(context, out)
}

/// `\1` is the first group, `\\` a backslash.
fn push_rewrite(out: &mut String, rewrite: &str, found: &Captures<'_>) {
    let mut rest = rewrite.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match rest.next() {
            None => out.push('\\'),
            Some(digit) => match digit
                .to_digit(10)
                .and_then(|digit| usize::try_from(digit).ok())
            {
                Some(group) => out.push_str(found.get(group).map_or("", |part| part.as_str())),
                None if digit == '\\' => out.push('\\'),
                None => {
                    out.push('\\');
                    out.push(digit);
                }
            },
        }
    }
}

fn trim(context: &mut Context, arguments: &[Value]) -> Outcome {
    let (pattern, source) = (text(arguments, 0), text(arguments, 1));
    let source = without_start(context.regex(&format!(r"\A(?:{pattern})+"))?, source);
    let source = without_end(context.regex(&format!(r"(?:{pattern})+\z"))?, source);
    Ok(Value::String(source.to_owned()))
}

fn trim_start(context: &mut Context, arguments: &[Value]) -> Outcome {
    let (pattern, source) = (text(arguments, 0), text(arguments, 1));
    let source = without_start(context.regex(&format!(r"\A(?:{pattern})"))?, source);
    Ok(Value::String(source.to_owned()))
}

fn trim_end(context: &mut Context, arguments: &[Value]) -> Outcome {
    let (pattern, source) = (text(arguments, 0), text(arguments, 1));
    let source = without_end(context.regex(&format!(r"(?:{pattern})\z"))?, source);
    Ok(Value::String(source.to_owned()))
}

fn without_start<'a>(regex: &Regex, source: &'a str) -> &'a str {
    let end = regex.find(source).map_or(0, |found| found.end());
    source.get(end..).unwrap_or("")
}

fn without_end<'a>(regex: &Regex, source: &'a str) -> &'a str {
    let start = regex
        .find(source)
        .map_or(source.len(), |found| found.start());
    source.get(..start).unwrap_or("")
}

fn translate(_: &mut Context, arguments: &[Value]) -> Outcome {
    let replacements: Vec<char> = text(arguments, 1).chars().collect();
    let mut table = BTreeMap::new();
    for (place, c) in text(arguments, 0).chars().enumerate() {
        let replacement = replacements.get(place).or(replacements.last());
        table.entry(c).or_insert(replacement.copied());
    }
    let out = text(arguments, 2)
        .chars()
        .filter_map(|c| table.get(&c).copied().unwrap_or(Some(c)))
        .collect();
    Ok(Value::String(out))
}

fn regex_quote(context: &mut Context, arguments: &[Value]) -> Outcome {
    bounded(context, regex::escape(text(arguments, 0)))
}

fn string_quote(context: &mut Context, arguments: &[Value]) -> Outcome {
    bounded(context, Dynamic::from(text(arguments, 0)).to_string())
}
