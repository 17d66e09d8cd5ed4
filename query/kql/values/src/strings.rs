//! Text. Positions and lengths count characters.

mod classes;
mod codepoints;
mod replace;
mod search;

use crate::arguments::{bounded, long, text};
use crate::convert::{format_real, seeing_nulls};
use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::math::round_to;
use crate::value::{Dynamic, Value};

pub use classes::plain_classes;

/// The functions of this module.
pub(crate) fn functions() -> Vec<ScalarFunction> {
    let mut all = codepoints::functions();
    all.extend(replace::functions());
    all.extend(search::functions());
    all.extend(table().into_iter().flatten());
    all
}

#[rustfmt::skip]
fn table() -> Vec<Option<ScalarFunction>> {
    vec![
        function("strlen(source: string): long", strlen),
        function("string_size(source: string): long", string_size),
        function("substring(source: string, startingIndex: long, length?: long): string", substring),
        function("split(source: string, delimiter: string, requestedIndex?: long): dynamic", split),
        function("strcat(argument...: any): string", strcat).map(seeing_nulls),
        function("strcat_delim(delimiter: string, argument...: any): string", strcat_delim).map(seeing_nulls),
        function("strcmp(string1: string, string2: string): long", strcmp),
        function("strrep(value: string, multiplier: long, delimiter?: string): string", strrep),
        function("toupper(value: string): string", |_, a| each(a, upper)),
        function("tolower(value: string): string", |_, a| each(a, lower)),
        function("reverse(value: string): string", reverse),
        function("isempty(value: any): bool", |_, a| Ok(Value::Bool(is_empty(a)))).map(seeing_nulls),
        function("isnotempty(value: any): bool", |_, a| Ok(Value::Bool(!is_empty(a)))).map(seeing_nulls),
        function("notempty(value: any): bool", |_, a| Ok(Value::Bool(!is_empty(a)))).map(seeing_nulls),
        function("isascii(value: string): bool", |_, a| Ok(Value::Bool(text(a, 0).is_ascii()))),
        function("isutf8(value: string): bool", |_, a| Ok(Value::Bool(!a.is_empty()))),
        function("format_bytes(size: real, precision?: long, units?: string): string", format_bytes),
    ]
}

fn count(number: usize) -> Value {
    i64::try_from(number).map_or(Value::Null, Value::Long)
}

fn strlen(_: &mut Context, arguments: &[Value]) -> Outcome {
    Ok(count(text(arguments, 0).chars().count()))
}

fn string_size(_: &mut Context, arguments: &[Value]) -> Outcome {
    Ok(count(text(arguments, 0).len()))
}

/// The byte at which a character begins; the end if there are fewer.
pub(super) fn byte_of(text: &str, character: usize) -> usize {
    if text.is_ascii() {
        return character.min(text.len());
    }
    text.char_indices()
        .nth(character)
        .map_or(text.len(), |(place, _)| place)
}

/// A place as a character from the beginning; a negative one counts from the end.
pub(super) fn from_end(text: &str, place: i64) -> usize {
    let size = usize::try_from(place.unsigned_abs()).unwrap_or(usize::MAX);
    if place < 0 {
        text.chars().count().saturating_sub(size)
    } else {
        size
    }
}

fn substring(_: &mut Context, arguments: &[Value]) -> Outcome {
    let source = text(arguments, 0);
    let Some(start) = long(arguments, 1) else {
        return Ok(Value::String(String::new()));
    };
    let rest = source
        .get(byte_of(source, from_end(source, start))..)
        .unwrap_or("");
    let part = match arguments.get(2) {
        None => rest,
        Some(_) => {
            let length = long(arguments, 2).and_then(|length| usize::try_from(length).ok());
            rest.get(..byte_of(rest, length.unwrap_or(0))).unwrap_or("")
        }
    };
    Ok(Value::String(part.to_owned()))
}

fn split(_: &mut Context, arguments: &[Value]) -> Outcome {
    let (source, delimiter) = (text(arguments, 0), text(arguments, 1));
    let parts: Vec<Dynamic> = if delimiter.is_empty() {
        vec![source.into()]
    } else {
        source.split(delimiter).map(Dynamic::from).collect()
    };
    if arguments.len() < 3 {
        return Ok(Value::list(parts));
    }
    let index = long(arguments, 2).and_then(|index| usize::try_from(index).ok());
    let part = index.and_then(|index| parts.into_iter().nth(index));
    Ok(Value::list(part))
}

fn strcat(context: &mut Context, arguments: &[Value]) -> Outcome {
    join(context, "", arguments)
}

fn strcat_delim(context: &mut Context, arguments: &[Value]) -> Outcome {
    join(
        context,
        text(arguments, 0),
        arguments.get(1..).unwrap_or_default(),
    )
}

fn join(context: &Context, delimiter: &str, parts: &[Value]) -> Outcome {
    let mut out = String::new();
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            out.push_str(delimiter);
        }
        match part {
            Value::String(text) => out.push_str(text),
            other => out.push_str(&other.to_text()),
        }
    }
    bounded(context, out)
}

fn strcmp(_: &mut Context, arguments: &[Value]) -> Outcome {
    let order = text(arguments, 0).cmp(text(arguments, 1));
    Ok(Value::Long(order as i64))
}

/// Most copies that `strrep` makes, as documented.
const COPIES_MAX: i64 = 1_024;

fn strrep(context: &mut Context, arguments: &[Value]) -> Outcome {
    let (value, delimiter) = (text(arguments, 0), text(arguments, 2));
    let copies = long(arguments, 1).unwrap_or(0).clamp(0, COPIES_MAX);
    let mut out = String::new();
    for copy in 0..copies {
        if copy > 0 {
            out.push_str(delimiter);
        }
        out.push_str(value);
        if out.len() > context.length_max {
            break;
        }
    }
    bounded(context, out)
}

fn each(arguments: &[Value], map: fn(char) -> char) -> Outcome {
    Ok(Value::String(text(arguments, 0).chars().map(map).collect()))
}

/// A character as a capital, if that is one character.
fn upper(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(upper), None) => upper,
        _ => c,
    }
}

fn lower(c: char) -> char {
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(lower), None) => lower,
        _ => c,
    }
}

fn reverse(_: &mut Context, arguments: &[Value]) -> Outcome {
    Ok(Value::String(text(arguments, 0).chars().rev().collect()))
}

fn is_empty(arguments: &[Value]) -> bool {
    match arguments.first() {
        None | Some(Value::Null) => true,
        Some(Value::String(text) | Value::Dynamic(Dynamic::String(text))) => text.is_empty(),
        Some(_) => false,
    }
}

const BYTE_UNITS: [&str; 7] = ["Bytes", "KB", "MB", "GB", "TB", "PB", "EB"];

fn format_bytes(_: &mut Context, arguments: &[Value]) -> Outcome {
    let Some(Value::Real(size)) = arguments.first() else {
        return Ok(Value::String(String::new()));
    };
    let precision = long(arguments, 1).unwrap_or(0);
    let wanted = text(arguments, 2);
    let mut number = *size;
    for (place, unit) in BYTE_UNITS.into_iter().enumerate() {
        let is_last = if wanted.is_empty() {
            number.abs() < 1024.0 || place + 1 == BYTE_UNITS.len()
        } else {
            unit.eq_ignore_ascii_case(wanted)
        };
        if is_last {
            let number = format_real(round_to(number, precision));
            let number = number.strip_suffix(".0").unwrap_or(&number);
            return Ok(Value::String(format!("{number} {unit}")));
        }
        number /= 1024.0;
    }
    Ok(Value::String(String::new()))
}

#[cfg(test)]
mod tests;
