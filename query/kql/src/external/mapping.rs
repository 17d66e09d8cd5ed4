//! Where a column's values stand in a record: by place or name, or as `ingestionMapping` says.

use kql_syntax::ast::Type;
use kql_values::dynamic::{Step, json_path, walk};
use kql_values::{Dynamic, Value};
use serde_json::Map;

use super::document::Record;

/// Where a column's values stand in a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// A field at a place, or a member of that name.
    Own(usize, String),
    /// A field at a place.
    Field(usize),
    /// What a path leads to.
    Path(Vec<Step>),
    /// The same in every row.
    Constant(String),
    /// Nowhere: a mapping leaves the column out.
    Nowhere,
}

impl Cell {
    pub(super) fn value(&self, record: &Record, ty: Type) -> Value {
        let found = match (self, record) {
            (Self::Own(place, _) | Self::Field(place), Record::Fields(fields)) => {
                fields.get(*place).cloned().map(Value::String)
            }
            (Self::Own(_, name), Record::Element(element)) => {
                element.get(name).cloned().map(Value::dynamic)
            }
            (Self::Path(steps), Record::Element(element)) => {
                walk(element, steps).cloned().map(Value::dynamic)
            }
            (Self::Constant(text), _) => Some(Value::String(text.clone())),
            _ => None,
        };
        found.map_or(Value::Null, |value| value.convert(ty))
    }

    /// How many bytes a value takes at most besides those of its record, which each column of its own name takes a part
    /// of.
    pub(super) fn bytes_more(&self, record: &Record, length: usize) -> usize {
        match (self, record) {
            (Self::Field(place), Record::Fields(fields)) => {
                fields.get(*place).map_or(0, String::len)
            }
            (Self::Path(_), Record::Element(_)) => length,
            (Self::Constant(text), _) => text.len(),
            _ => 0,
        }
    }
}

/// Where the values of columns stand: in order and by name, or as a mapping says.
pub(crate) fn cells(
    columns: &[(String, Type)],
    mapping: Option<&str>,
) -> Result<Vec<Cell>, String> {
    let Some(mapping) = mapping else {
        let own = |(place, (name, _)): (usize, &(String, Type))| Cell::Own(place, name.clone());
        return Ok(columns.iter().enumerate().map(own).collect());
    };
    let entries: Vec<Map<String, Dynamic>> = serde_json::from_str(mapping)
        .map_err(|error| format!("ingestionMapping is no array of JSON objects: {error}"))?;
    let mut cells = vec![Cell::Nowhere; columns.len()];
    for entry in &entries {
        let name = text(entry, "Column").or_else(|| text(entry, "Name"));
        let name = name.ok_or("an entry of ingestionMapping has no \"Column\"")?;
        let found = columns.iter().zip(&mut cells);
        let found = found.filter(|((column, _), _)| *column == name);
        for (_, cell) in found {
            *cell = one(entry)?;
        }
    }
    Ok(cells)
}

fn one(entry: &Map<String, Dynamic>) -> Result<Cell, String> {
    let empty = Map::new();
    let properties = member(entry, "Properties").and_then(Dynamic::as_object);
    let properties = properties.unwrap_or(&empty);
    let of = |name: &str| text(properties, name).or_else(|| text(entry, name));
    if let Some(transform) = of("Transform").filter(|transform| transform != "None") {
        return Err(format!(
            "the transformation '{transform}' of ingestionMapping is not there; compute it behind externaldata"
        ));
    }
    if let Some(ordinal) = of("Ordinal") {
        let place = ordinal.parse();
        return place
            .map(Cell::Field)
            .map_err(|_error| format!("the ordinal '{ordinal}' of ingestionMapping is no number"));
    }
    if let Some(constant) = of("ConstValue") {
        return Ok(Cell::Constant(constant));
    }
    match of("Path") {
        Some(path) if path.starts_with('$') => json_path(&path.replace(".[", "["))
            .map(Cell::Path)
            .ok_or_else(|| format!("the path '{path}' of ingestionMapping can't be read")),
        Some(constant) => Ok(Cell::Constant(constant)),
        None => Err("an entry of ingestionMapping has no Path, Ordinal or ConstValue".to_owned()),
    }
}

/// A member by its name in any casing.
fn member<'a>(object: &'a Map<String, Dynamic>, name: &str) -> Option<&'a Dynamic> {
    let found = object
        .iter()
        .find(|(member, _)| member.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value)
}

fn text(object: &Map<String, Dynamic>, name: &str) -> Option<String> {
    match member(object, name)? {
        Dynamic::Null => None,
        Dynamic::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
