//! `dcount_intersect`: how many values several sets share, of which there are only sketches.

use kql_syntax::ast::Type;

use crate::aggregates::sketch::Sketch;
use crate::function::{Context, Failure};
use crate::rows::{Columns, Rows, TableArgument, TableFunction};
use crate::value::Value;

const NAME: &str = "dcount_intersect";

/// Most sets: each one doubles the number of unions that are counted.
const SETS_MAX: usize = 10;

pub(super) fn functions() -> Vec<TableFunction> {
    vec![TableFunction {
        name: NAME,
        columns,
        run,
    }]
}

fn places(arguments: &[TableArgument]) -> Result<Vec<usize>, Failure> {
    let place = |argument: &TableArgument| match argument {
        TableArgument::Column(place) => Some(*place),
        TableArgument::Constant(_) => None,
    };
    let places: Option<Vec<usize>> = arguments.iter().map(place).collect();
    places
        .filter(|places| (2..=SETS_MAX).contains(&places.len()))
        .ok_or_else(|| {
            Failure(format!(
                "dcount_intersect takes 2 to {SETS_MAX} columns that hll() made"
            ))
        })
}

fn columns(input: &Columns, arguments: &[TableArgument]) -> Result<Columns, Failure> {
    let counts = (0..places(arguments)?.len()).map(|place| (format!("s{place}"), Type::Long));
    Ok(input.iter().cloned().chain(counts).collect())
}

fn run(_: &mut Context, rows: Rows, arguments: &[TableArgument]) -> Result<Rows, Failure> {
    let places = places(arguments)?;
    let columns = columns(&rows.columns, arguments)?;
    let counted = rows.rows.into_iter().map(|mut row| {
        let sketch = |place: &usize| match row.get(*place) {
            Some(Value::Dynamic(json)) => Sketch::from_json(json),
            _ => None,
        };
        let sketches: Option<Vec<Sketch>> = places.iter().map(sketch).collect();
        row.extend(match sketches {
            Some(sketches) => shared(&sketches)?.into_iter().map(Value::Long).collect(),
            None => vec![Value::Null; places.len()],
        });
        Ok(row)
    });
    Ok(Rows {
        columns,
        rows: counted.collect::<Result<_, Failure>>()?,
    })
}

/// What the first set, the first two, the first three, ... share: counts of unions, added and taken away by turns.
fn shared(sketches: &[Sketch]) -> Result<Vec<i64>, Failure> {
    let mut unions: Vec<(Sketch, i64)> = Vec::new();
    let mut counts = Vec::with_capacity(sketches.len());
    for sketch in sketches {
        let mut with = vec![(sketch.clone(), 1)];
        for (union, sign) in &unions {
            let mut union = union.clone();
            union.join(sketch)?;
            with.push((union, -sign));
        }
        unions.extend(with);
        let of_all: i64 = unions
            .iter()
            .map(|(union, sign)| sign * union.count())
            .sum();
        counts.push(of_all.max(0));
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch(values: impl IntoIterator<Item = i64>) -> Sketch {
        let mut sketch = Sketch::new(1).unwrap();
        for value in values {
            sketch.add(&Value::Long(value));
        }
        sketch
    }

    #[test]
    fn sets_share_values() {
        let sets = [
            sketch(0..300),
            sketch((0..300).step_by(2)),
            sketch((0..300).step_by(3)),
        ];
        assert_eq!(shared(&sets).unwrap(), [300, 150, 50]);
        assert_eq!(shared(&[sketch(0..5), sketch(5..9)]).unwrap(), [5, 0]);
    }

    #[test]
    fn large_sets_share_about_as_many() {
        let shared = shared(&[sketch(0..20_000), sketch(10_000..30_000)]).unwrap();
        assert!((9_000..11_000).contains(&shared[1]), "{shared:?}");
    }

    #[test]
    fn columns_of_counts_are_added() {
        let column = |name: &str| (name.to_owned(), Type::Dynamic);
        let set = || Value::Dynamic(sketch(0..7).to_json());
        let table = Rows {
            columns: vec![column("a"), column("b")],
            rows: vec![vec![set(), set()], vec![set(), Value::Null]],
        };
        let arguments = [TableArgument::Column(0), TableArgument::Column(1)];
        let counted = run(&mut Context::new(0), table, &arguments).unwrap();
        assert_eq!(counted.columns[2], ("s0".to_owned(), Type::Long));
        assert_eq!(counted.rows[0][2..], [Value::Long(7), Value::Long(7)]);
        assert_eq!(counted.rows[1][2..], [Value::Null, Value::Null]);
        assert!(columns(&Vec::new(), &arguments[..1]).is_err());
    }
}
