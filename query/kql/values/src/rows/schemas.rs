//! `schema_merge`: several outputs of `getschema` as one schema.

use std::collections::HashMap;

use kql_syntax::ast::Type;

use crate::convert::common_type;
use crate::function::{Context, Failure};
use crate::rows::{Columns, Rows, TableArgument, TableFunction};
use crate::value::Value;

const NAME: &str = "schema_merge";

pub(super) fn functions() -> Vec<TableFunction> {
    vec![TableFunction {
        name: NAME,
        columns: |_, _| Ok(columns()),
        run,
    }]
}

fn columns() -> Columns {
    let columns = [
        ("ColumnName", Type::String),
        ("ColumnOrdinal", Type::Int),
        ("DataType", Type::String),
        ("ColumnType", Type::String),
    ];
    columns.map(|(name, ty)| (name.to_owned(), ty)).to_vec()
}

/// A column of the merged schema.
struct Merged {
    name: String,
    first: i64,
    last: i64,
    moves: bool,
    ty: Option<Type>,
}

fn run(_: &mut Context, rows: Rows, arguments: &[TableArgument]) -> Result<Rows, Failure> {
    let keeps_order = match arguments {
        [] => true,
        [TableArgument::Constant(Value::Bool(keeps))] => *keeps,
        _ => {
            return Err(Failure::new(
                "schema_merge takes one constant at most: PreserveOrder, a bool",
            ));
        }
    };
    let place = |name: &str| {
        let place = rows.columns.iter().position(|column| column.0 == name);
        place.ok_or_else(|| {
            Failure(format!(
                "schema_merge needs a column {name}: give it what getschema gives"
            ))
        })
    };
    let places = (
        place("ColumnName")?,
        place("ColumnOrdinal")?,
        place("ColumnType")?,
    );
    let mut merged = merge(rows.rows, places);
    merged.sort_by_key(|column| column.last);
    let row = |(place, column): (usize, Merged)| {
        let (ordinal, ty) = match column.ty {
            _ if keeps_order && column.moves => (-1, Err("ERROR(columns are out of order)")),
            None => (-1, Err("ERROR(types have nothing in common)")),
            Some(ty) if keeps_order => (i32::try_from(column.first).unwrap_or(-1), Ok(ty)),
            Some(ty) => (i32::try_from(place).unwrap_or(-1), Ok(ty)),
        };
        let (data_type, ty) = match ty {
            Ok(ty) => (ty.dotnet_name().to_owned(), ty.name()),
            Err(error) => (format!("ERROR(unknown CSL type:{error})"), error),
        };
        let texts = [data_type, ty.to_owned()].map(Value::String);
        let [data_type, ty] = texts;
        vec![
            Value::String(column.name),
            Value::Int(ordinal),
            data_type,
            ty,
        ]
    };
    Ok(Rows {
        columns: columns(),
        rows: merged.into_iter().enumerate().map(row).collect(),
    })
}

fn merge(rows: Vec<Vec<Value>>, (name, ordinal, ty): (usize, usize, usize)) -> Vec<Merged> {
    let mut merged: Vec<Merged> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for row in rows {
        let text = |place: usize| row.get(place).map(Value::to_text).unwrap_or_default();
        let ordinal = row.get(ordinal).and_then(Value::as_long).unwrap_or(0);
        let (name, ty) = (text(name), Type::from_name(&text(ty)));
        let there = places.get(&name).and_then(|place| merged.get_mut(*place));
        if let Some(column) = there {
            column.moves |= column.last != ordinal;
            column.last = column.last.max(ordinal);
            column.ty = column
                .ty
                .zip(ty)
                .and_then(|(left, right)| common(left, right));
            continue;
        }
        places.insert(name.clone(), merged.len());
        merged.push(Merged {
            name,
            first: ordinal,
            last: ordinal,
            moves: false,
            ty,
        });
    }
    merged
}

fn common(left: Type, right: Type) -> Option<Type> {
    if left == right {
        return Some(left);
    }
    common_type(left, right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(schemas: &[&[(&str, &str)]], keeps_order: bool, expected: &[&str]) {
        let schema = schemas.iter().flat_map(|schema| schema.iter().zip(0..));
        let row = |((name, ty), place): (&(&str, &str), i32)| {
            let text = |text: &str| Value::String(text.to_owned());
            vec![text(name), Value::Int(place), text(""), text(ty)]
        };
        let table = Rows {
            columns: columns(),
            rows: schema.map(row).collect(),
        };
        let argument = TableArgument::Constant(Value::Bool(keeps_order));
        let merged = run(&mut Context::new(0), table, &[argument]).unwrap();
        let line = |row: &Vec<Value>| {
            format!(
                "{} {} {}",
                row[0].to_text(),
                row[1].to_text(),
                row[3].to_text()
            )
        };
        assert_eq!(merged.rows.iter().map(line).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn schemas_become_one() {
        let first = [("a", "int"), ("b", "string")];
        let second = [("a", "long"), ("b", "string"), ("c", "bool")];
        check(
            &[&first, &second],
            true,
            &["a 0 long", "b 1 string", "c 2 bool"],
        );
    }

    #[test]
    fn a_column_may_have_moved() {
        let first = [("a", "int"), ("b", "string")];
        let second = [("a", "int"), ("c", "bool"), ("b", "string")];
        let error = "b -1 ERROR(columns are out of order)";
        check(&[&first, &second], true, &["a 0 int", "c 1 bool", error]);
        check(
            &[&first, &second],
            false,
            &["a 0 int", "c 1 bool", "b 2 string"],
        );
    }

    #[test]
    fn types_may_not_fit() {
        let error = "a -1 ERROR(types have nothing in common)";
        check(&[&[("a", "int")], &[("a", "guid")]], true, &[error]);
    }
}
