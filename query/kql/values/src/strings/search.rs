//! Search in text: places, counts, parts that match.

use regex::Regex;

use crate::arguments::{long, text};
use crate::function::{Context, Failure, Outcome, ScalarFunction, function};
use crate::operators::text::has;
use crate::strings::{byte_of, from_end};
use crate::value::{Dynamic, Value};

#[rustfmt::skip]
pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function("indexof(string: string, match: string, start?: long, length?: long, occurrence?: long): long", indexof),
        function("indexof_regex(string: string, match: string, start?: long, length?: long, occurrence?: long): long", indexof_regex),
        function("countof(source: string, search: string, kind?: string): long", countof),
        function("extract(regex: string, captureGroup: long, source: string): string", extract),
        function("extract_all(regex: string, captureGroups: any, source?: string): dynamic", extract_all),
        function("extractall(regex: string, captureGroups: any, source?: string): dynamic", extract_all),
        function("has_any_index(source: string, values: dynamic): long", has_any_index),
    ];
    table.into_iter().flatten().collect()
}

/// What part of a text is searched, and which of the matches in it is wanted.
struct Search<'a> {
    /// The text from the start on.
    rest: &'a str,
    /// Characters before the rest.
    before: usize,
    /// How many characters of the rest count.
    length: Option<usize>,
    occurrence: usize,
}

impl<'a> Search<'a> {
    /// None if the arguments make no sense.
    fn new(source: &'a str, start: i64, arguments: &[Value]) -> Option<Self> {
        let length = arguments.get(3).map_or(Some(-1), |_| long(arguments, 3))?;
        let occurrence = arguments.get(4).map_or(Some(1), |_| long(arguments, 4))?;
        if length < -1 || occurrence < 0 {
            return None;
        }
        let before = from_end(source, start);
        Some(Self {
            rest: source.get(byte_of(source, before)..)?,
            before,
            length: usize::try_from(length).ok(),
            occurrence: usize::try_from(occurrence).ok()?.max(1),
        })
    }

    /// So many characters of a text as count.
    fn window(&self, text: &'a str) -> &'a str {
        let end = self
            .length
            .map_or(text.len(), |length| byte_of(text, length));
        text.get(..end).unwrap_or("")
    }

    /// The character at a byte of the rest.
    fn character(&self, byte: Option<usize>) -> Value {
        let Some(byte) = byte else {
            return Value::Long(-1);
        };
        let characters = self.rest.get(..byte).unwrap_or("").chars().count();
        i64::try_from(self.before + characters).map_or(Value::Null, Value::Long)
    }

    /// Where the wanted match of a text begins. Each match is looked for behind the begin of the one before it, and
    /// again in as many characters as the length says.
    fn find(&self, wanted: &str) -> Option<usize> {
        let mut from = 0;
        let mut found = None;
        for _ in 0..self.occurrence {
            let text = self.rest.get(from..)?;
            let place = text.find(wanted)?;
            let seen = text.get(..place + wanted.len())?;
            if self
                .length
                .is_some_and(|length| seen.chars().count() > length)
            {
                return None;
            }
            found = Some(from + place);
            let step = text.get(place..)?.chars().next().map_or(1, char::len_utf8);
            from += place + step;
        }
        found
    }
}

/// Where a text is found; matches may overlap.
fn places<'a>(part: &'a str, wanted: &'a str) -> impl Iterator<Item = usize> + 'a {
    let mut from = 0;
    std::iter::from_fn(move || {
        let place = from + part.get(from..)?.find(wanted)?;
        let step = part.get(place..)?.chars().next().map_or(1, char::len_utf8);
        from = place + step;
        Some(place)
    })
}

fn indexof(_: &mut Context, arguments: &[Value]) -> Outcome {
    let (source, wanted) = (text(arguments, 0), text(arguments, 1));
    let start = long(arguments, 2).unwrap_or(0);
    Ok(match Search::new(source, start, arguments) {
        Some(search) => search.character(search.find(wanted)),
        None => Value::Null,
    })
}

fn indexof_regex(context: &mut Context, arguments: &[Value]) -> Outcome {
    let (source, pattern) = (text(arguments, 0), text(arguments, 1));
    let regex = context.regex(pattern)?;
    let start = long(arguments, 2).unwrap_or(0);
    if start < 0 {
        return Ok(Value::Null);
    }
    let Some(search) = Search::new(source, start, arguments) else {
        return Ok(Value::Null);
    };
    let mut matches = regex.find_iter(search.window(search.rest));
    let found = matches.nth(search.occurrence - 1);
    Ok(search.character(found.map(|found| found.start())))
}

fn countof(context: &mut Context, arguments: &[Value]) -> Outcome {
    let (source, wanted) = (text(arguments, 0), text(arguments, 1));
    let count = match text(arguments, 2) {
        "" | "normal" if wanted.is_empty() => 0,
        "" | "normal" => places(source, wanted).count(),
        "regex" => context.regex(wanted)?.find_iter(source).count(),
        other => {
            return Err(Failure(format!(
                "countof() knows the kinds 'normal' and 'regex', not '{other}'"
            )));
        }
    };
    Ok(i64::try_from(count).map_or(Value::Null, Value::Long))
}

fn extract(context: &mut Context, arguments: &[Value]) -> Outcome {
    let regex = context.regex(text(arguments, 0))?;
    let group = long(arguments, 1).and_then(|group| usize::try_from(group).ok());
    let found = group.and_then(|group| regex.captures(text(arguments, 2))?.get(group));
    let found = found.map_or("", |found| found.as_str());
    Ok(Value::String(found.to_owned()))
}

fn extract_all(context: &mut Context, arguments: &[Value]) -> Outcome {
    let length_max = context.length_max;
    let regex = context.regex(text(arguments, 0))?;
    let (wanted, source) = match arguments {
        [_, wanted, Value::String(source)] => (Some(wanted), source.as_str()),
        [_, Value::String(source)] => (None, source.as_str()),
        [_, Value::Dynamic(Dynamic::String(source))] => (None, source.as_str()),
        _ => return Ok(Value::Null),
    };
    let groups = groups(regex, wanted)?;
    let mut out = Vec::new();
    for found in regex.captures_iter(source) {
        let part =
            |group: &usize| Dynamic::from(found.get(*group).map_or("", |part| part.as_str()));
        out.push(match groups.as_slice() {
            [group] => part(group),
            groups => Dynamic::Array(groups.iter().map(part).collect()),
        });
        if out.len() > length_max {
            return Err(Failure::new("extract_all() finds too many matches"));
        }
    }
    Ok(if out.is_empty() {
        Value::Null
    } else {
        Value::list(out)
    })
}

/// Numbers of the groups that are wanted; all if nothing is said.
fn groups(regex: &Regex, wanted: Option<&Value>) -> Result<Vec<usize>, Failure> {
    let count = regex.captures_len();
    if count < 2 {
        return Err(Failure::new(
            "extract_all() needs a regular expression with at least one group in parentheses",
        ));
    }
    let Some(Value::Dynamic(Dynamic::Array(wanted))) = wanted else {
        return Ok((1..count).collect());
    };
    wanted
        .iter()
        .map(|group| {
            let number = match group {
                Dynamic::String(name) => regex
                    .capture_names()
                    .position(|named| named == Some(name.as_str())),
                group => group.as_u64().and_then(|group| usize::try_from(group).ok()),
            };
            number.filter(|number| *number < count).ok_or_else(|| {
                Failure(format!(
                    "extract_all(): the regular expression has no group {group}, but {} groups",
                    count - 1
                ))
            })
        })
        .collect()
}

fn has_any_index(_: &mut Context, arguments: &[Value]) -> Outcome {
    let Some(Value::Dynamic(Dynamic::Array(items))) = arguments.get(1) else {
        return Ok(Value::Long(-1));
    };
    let source = text(arguments, 0);
    let found = items
        .iter()
        .position(|item| has(source, &Value::dynamic(item.clone()).to_text()));
    let found = found.and_then(|place| i64::try_from(place).ok());
    Ok(Value::Long(found.unwrap_or(-1)))
}
