//! Every function takes whatever comes, and gives what its signature says.

use kql_syntax::ast::Type;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use crate::aggregate::{Accumulator, AggregateFunction, Aggregates};
use crate::convert::{DATETIME_MAX, DATETIME_MIN};
use crate::function::{Context, Functions};
use crate::fuzz::runs;
use crate::signature::{ParameterType, Returns, Signature};
use crate::value::{Dynamic, Value};

fn text() -> impl Strategy<Value = String> {
    let texts: &'static [&'static str] = &[
        "",
        "a",
        "é",
        "日本",
        "-1",
        "1.5e300",
        "2024-02-29T12:00:00Z",
        "01:02:03",
        "[1,2]",
        "{\"a\":1}",
        "10.0.0.1/8",
        "::1",
        "%zz",
        "((",
        "Europe/Berlin",
        "yyyy-MM-dd",
        "http://a:b@c:1/d?e=f#g",
        "\"a,b",
        "windows",
        "$.a[0]",
        "NaN",
        "Infinity",
        "<a b='c'>d</a>",
        "==",
        "week",
        "a\\\"b",
        "ab,c",
        "Grüße ß€",
        "1e400",
        "(a)|b",
        "year",
        "Meter",
        "xn--a-b",
        "YWJj",
        "\\",
    ];
    prop_oneof![select(texts).prop_map(str::to_owned), "\\PC{0,12}"]
}

fn whole() -> impl Strategy<Value = i64> {
    prop_oneof![
        select(&[0, 1, -1, 2, 64, 65, i64::MIN, i64::MAX, i64::MIN + 1][..]),
        -40..40_i64,
        any::<i64>()
    ]
}

fn real() -> impl Strategy<Value = f64> {
    let special: &'static [f64] = &[
        0.0,
        -0.0,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MAX,
        f64::MIN_POSITIVE,
    ];
    prop_oneof![select(special), -3.0..3.0, any::<f64>()]
}

fn dynamic() -> impl Strategy<Value = Dynamic> {
    let leaf = prop_oneof![
        Just(Dynamic::Null),
        any::<bool>().prop_map(Dynamic::from),
        whole().prop_map(Dynamic::from),
        real().prop_map(|number| json!(number)),
        text().prop_map(Dynamic::from),
    ];
    let arrays = prop::collection::vec(real().prop_map(|number| json!(number)), 0..20);
    let nested = leaf.prop_recursive(3, 24, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Dynamic::from),
            prop::collection::btree_map("[a-c]", inner, 0..4)
                .prop_map(|slots| Dynamic::Object(slots.into_iter().collect())),
        ]
    });
    prop_oneof![nested, arrays.prop_map(Dynamic::from)]
}

fn value(ty: Type) -> BoxedStrategy<Value> {
    let datetimes = -600_000_000_000_000_000..2_500_000_000_000_000_000_i64;
    let value = match ty {
        Type::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Type::Int => prop_oneof![select(&[0, i32::MIN, i32::MAX][..]), any::<i32>()]
            .prop_map(Value::Int)
            .boxed(),
        Type::Long => whole().prop_map(Value::Long).boxed(),
        Type::Real => real().prop_map(Value::Real).boxed(),
        Type::Decimal => any::<i128>()
            .prop_map(|value| Value::Decimal(value % 10_i128.pow(38)))
            .boxed(),
        Type::String => return text().prop_map(Value::String).boxed(),
        Type::DateTime => prop_oneof![select(&[0, DATETIME_MIN, DATETIME_MAX][..]), datetimes]
            .prop_map(Value::DateTime)
            .boxed(),
        Type::TimeSpan => whole().prop_map(Value::TimeSpan).boxed(),
        Type::Guid => any::<u128>().prop_map(Value::Guid).boxed(),
        Type::Dynamic => dynamic().prop_map(Value::dynamic).boxed(),
    };
    prop_oneof![9 => value, 1 => Just(Value::Null)].boxed()
}

const TYPES: [Type; 10] = [
    Type::Bool,
    Type::Int,
    Type::Long,
    Type::Real,
    Type::Decimal,
    Type::String,
    Type::DateTime,
    Type::TimeSpan,
    Type::Guid,
    Type::Dynamic,
];

const NUMBERS: [Type; 4] = [Type::Int, Type::Long, Type::Real, Type::Decimal];

/// Arguments as a binder would give them.
fn arguments(signature: &Signature) -> impl Strategy<Value = Vec<Value>> + use<> {
    let signature = signature.clone();
    let (min, max) = (signature.arity_min(), signature.arity_max());
    let count = min..=max.unwrap_or(min + 3);
    (count, select(&TYPES[..]), select(&NUMBERS[..])).prop_flat_map(
        move |(count, common, number)| {
            let types = (0..count).filter_map(|place| signature.parameter(place).map(|it| it.ty));
            let values = types.map(|ty| match ty {
                ParameterType::Exactly(ty) => value(ty),
                ParameterType::Any => select(&TYPES[..]).prop_flat_map(value).boxed(),
                ParameterType::Common => value(common),
                ParameterType::Number => value(number),
            });
            values.collect::<Vec<_>>()
        },
    )
}

#[test]
fn whatever_comes_is_taken() {
    let functions = Functions::new();
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(CASES)
    };
    for name in functions.names() {
        let function = functions.scalar(name).unwrap();
        let mut runner = proptest::test_runner::TestRunner::new(config.clone());
        let outcome = runner.run(&arguments(&function.signature), |arguments| {
            let parameters = (0..).map(|place| function.signature.parameter(place));
            let mut strict = arguments
                .iter()
                .zip(parameters)
                .filter(|(value, parameter)| {
                    let is_any = parameter.is_some_and(|one| one.ty == ParameterType::Any);
                    value.is_null() && !is_any
                });
            if function.takes_nulls || strict.next().is_none() {
                runs(function, &arguments);
            }
            Ok(())
        });
        assert!(outcome.is_ok(), "{name}: {}", outcome.unwrap_err());
    }
}

/// Calls of each function.
const CASES: u32 = 16;

/// Gathers rows; none if the constants, which are those of the first row, are refused.
fn gathered(function: &AggregateFunction, rows: &[Vec<Value>]) -> Option<Box<dyn Accumulator>> {
    let mut accumulator = (function.start)(rows.first()?).ok()?;
    let mut context = Context::new(0);
    for row in rows {
        accumulator.update(&mut context, row).ok()?;
    }
    Some(accumulator)
}

#[test]
fn whatever_comes_is_gathered() {
    let aggregates = Aggregates::new();
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(CASES)
    };
    for name in aggregates.names() {
        let function = aggregates.get(name).unwrap();
        let rows = prop::collection::vec(arguments(&function.signature), 1..12);
        let mut runner = proptest::test_runner::TestRunner::new(config.clone());
        let outcome = runner.run(&rows, |rows| {
            let Some(whole) = gathered(function, &rows) else {
                return Ok(());
            };
            // A state goes to another thread as text.
            let state = whole.state().to_string();
            let Some(mut merged) = gathered(function, &rows) else {
                return Ok(());
            };
            let state = serde_json::from_str(&state).unwrap();
            prop_assert!(merged.merge(state).is_ok(), "{name}");
            for value in [whole.finish(), merged.finish()] {
                if let Returns::One(ParameterType::Exactly(ty)) = function.signature.returns {
                    let fits = value.is_null() || value.ty() == Some(ty);
                    prop_assert!(fits, "{name}: {value:?} is no {ty:?}");
                }
            }
            prop_assert!(merged.bytes() > 0);
            Ok(())
        });
        assert!(outcome.is_ok(), "{name}: {}", outcome.unwrap_err());
    }
}
