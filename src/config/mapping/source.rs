//! Sources and conditions of a mapping, from TOML values; every error says what can be written instead.

use ingest::mapping::{
    Bounds, Condition, How, Item, Part, Pointer, Source, Take, Test, Unit, UrlParts,
};
use toml::{Table, Value};

type Read<T> = Result<T, String>;

/// Keys of a source, and what takes each of them.
const SOURCE_KEYS: [&str; 11] = [
    "path", "value", "url", "object", "item", "part", "map", "from", "below", "unit", "when",
];

/// Sources inside of sources, at most.
const DEPTH_MAX: usize = 2;

/// A column's sources; `None` is `false`, which takes the column away.
pub(super) fn sources(value: &Value) -> Read<Option<Vec<Source>>> {
    match value {
        Value::Boolean(false) => Ok(None),
        other => list(other, DEPTH_MAX).map(Some),
    }
}

/// One source, or a list of which the first that gives a value counts.
fn list(value: &Value, depth: usize) -> Read<Vec<Source>> {
    let depth = depth.checked_sub(1).ok_or("is nested too deep")?;
    match value {
        Value::Array(items) => items.iter().map(|item| source(item, depth)).collect(),
        one => Ok(vec![source(one, depth)?]),
    }
}

fn source(value: &Value, depth: usize) -> Read<Source> {
    let table = match value {
        Value::String(path) => {
            let take = Take::Path(pointer(path)?, How::default());
            return Ok(Source { take, when: None });
        }
        Value::Table(table) => table,
        other => {
            return Err(format!(
                "{other} is no source: write a path such as \"/status\", or {{ path = .. }}"
            ));
        }
    };
    known_keys(table, &SOURCE_KEYS)?;
    let take = match (
        table.get("path"),
        table.get("value"),
        table.get("url"),
        table.get("object"),
    ) {
        (Some(path), None, None, None) => Take::Path(pointer(text("path", path)?)?, how(table)?),
        (None, Some(value), None, None) => Take::Constant(constant(value)?),
        (None, None, Some(parts), None) => Take::Url(Box::new(url(parts, depth)?)),
        (None, None, None, Some(members)) => Take::Object(object(members, depth)?),
        _ => return Err("needs one of path, value, url, object".to_owned()),
    };
    if !matches!(take, Take::Path(..)) && how(table)? != How::default() {
        return Err("item, part, map, from, below and unit go with path".to_owned());
    }
    let when = table.get("when").map(condition).transpose();
    let when = when.map_err(|reason| format!("when: {reason}"))?;
    Ok(Source { take, when })
}

fn how(table: &Table) -> Read<How> {
    let mut how = How::default();
    if let Some(value) = table.get("item") {
        how.item = Some(one_of(
            "item",
            value,
            &[("first", Item::First), ("last", Item::Last)],
        )?);
    }
    if let Some(value) = table.get("part") {
        let parts = [
            ("method", Part::Method),
            ("target", Part::Target),
            ("protocol", Part::Protocol),
            ("address", Part::Address),
        ];
        how.part = Some(one_of("part", value, &parts)?);
    }
    if let Some(value) = table.get("unit") {
        let units = [
            ("s", Unit::Seconds),
            ("ms", Unit::Millis),
            ("us", Unit::Micros),
            ("ns", Unit::Nanos),
        ];
        how.unit = Some(one_of("unit", value, &units)?);
    }
    how.within = bounds(table)?;
    if let Some(value) = table.get("map") {
        let entries = value.as_table().filter(|entries| !entries.is_empty());
        let entries =
            entries.ok_or("map is a table of texts, such as { 429 = \"RateLimitExceeded\" }")?;
        for (from, to) in entries {
            how.lookup.push((from.clone(), constant(to)?));
        }
    }
    Ok(how)
}

fn url(value: &Value, depth: usize) -> Read<UrlParts> {
    let table = value
        .as_table()
        .ok_or("url is a table of scheme, host, port, path, query")?;
    known_keys(table, &["scheme", "host", "port", "path", "query"])?;
    let part = |name: &str| {
        let found = table.get(name).map(|value| list(value, depth)).transpose();
        found
            .map(Option::unwrap_or_default)
            .map_err(|reason| format!("url.{name}: {reason}"))
    };
    let parts = UrlParts {
        scheme: part("scheme")?,
        host: part("host")?,
        port: part("port")?,
        path: part("path")?,
        query: part("query")?,
    };
    if parts.path.is_empty() {
        return Err("url needs a path".to_owned());
    }
    Ok(parts)
}

fn object(value: &Value, depth: usize) -> Read<Vec<(String, Vec<Source>)>> {
    let table = value
        .as_table()
        .ok_or("object is a table of names with their sources")?;
    let member = |(name, value): (&String, &Value)| {
        let found = list(value, depth).map_err(|reason| format!("object.{name}: {reason}"))?;
        Ok((name.clone(), found))
    };
    table.iter().map(member).collect()
}

/// One condition, or a list of which all hold.
pub(super) fn conditions(value: &Value) -> Read<Vec<Condition>> {
    match value {
        Value::Array(items) => items.iter().map(condition).collect(),
        one => Ok(vec![condition(one)?]),
    }
}

fn condition(value: &Value) -> Read<Condition> {
    let present = |path: &str| {
        Ok(Condition {
            paths: vec![pointer(path)?],
            test: Test::Present,
        })
    };
    let table = match value {
        Value::String(path) => return present(path),
        Value::Table(table) => table,
        other => {
            return Err(format!(
                "{other} is no condition: write a path such as \"/status\", or {{ path = .. }}"
            ));
        }
    };
    known_keys(table, &["path", "present", "equals", "from", "below"])?;
    let paths = table.get("path").ok_or("a condition needs a path")?;
    let paths = strings(paths)?
        .iter()
        .map(|path| pointer(path))
        .collect::<Read<Vec<_>>>()?;
    let test = match (table.get("present"), table.get("equals"), bounds(table)?) {
        (None | Some(Value::Boolean(true)), None, None) => Test::Present,
        (Some(Value::Boolean(false)), None, None) => Test::Absent,
        (None, Some(value), None) => Test::Equals(constant(value)?),
        (None, None, Some(bounds)) => Test::Within(bounds),
        _ => {
            let reason =
                "a condition has one of present (true or false), equals, and from and below";
            return Err(reason.to_owned());
        }
    };
    if paths.is_empty() {
        return Err("a condition needs a path".to_owned());
    }
    Ok(Condition { paths, test })
}

/// What a number has to be, if anything: `from` one on, `below` another, or both.
fn bounds(table: &Table) -> Read<Option<Bounds>> {
    let read = |key: &str| table.get(key).map(|value| number(key, value)).transpose();
    let (from, below) = (read("from")?, read("below")?);
    if from.is_none() && below.is_none() {
        return Ok(None);
    }
    Bounds::new(from, below).map(Some)
}

/// One text or a list of them.
pub(super) fn strings(value: &Value) -> Read<Vec<String>> {
    match value {
        Value::Array(items) => items
            .iter()
            .map(|item| Ok(text("list", item)?.to_owned()))
            .collect(),
        one => Ok(vec![text("value", one)?.to_owned()]),
    }
}

fn pointer(text: &str) -> Read<Pointer> {
    text.parse::<Pointer>().map_err(|error| error.to_string())
}

fn text<'a>(key: &str, value: &'a Value) -> Read<&'a str> {
    value
        .as_str()
        .ok_or_else(|| format!("{key}: {value} is no text"))
}

/// A text, number or boolean as records write it.
fn constant(value: &Value) -> Read<String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) => Ok(value.to_string()),
        other => Err(format!("{other} is neither text nor number nor boolean")),
    }
}

#[expect(clippy::cast_precision_loss, reason = "limits are small")]
fn number(key: &str, value: &Value) -> Read<f64> {
    let integer = value.as_integer().map(|number| number as f64);
    integer
        .or_else(|| value.as_float())
        .ok_or_else(|| format!("{key}: {value} is no number"))
}

fn one_of<T: Copy>(key: &str, value: &Value, all: &[(&str, T)]) -> Read<T> {
    let found = value
        .as_str()
        .and_then(|text| all.iter().find(|(name, _)| *name == text));
    let names = || {
        all.iter()
            .map(|(name, _)| *name)
            .collect::<Vec<_>>()
            .join(", ")
    };
    found
        .map(|(_, one)| *one)
        .ok_or_else(|| format!("{key} = {value} is none of {}", names()))
}

fn known_keys(table: &Table, known: &[&str]) -> Read<()> {
    match table.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(format!("unknown key {key}; there are {}", known.join(", "))),
        None => Ok(()),
    }
}
