//! Every function with arguments that nobody means: nothing panics, and results have the type that is foretold.

use std::panic::{AssertUnwindSafe, catch_unwind};

use kql_syntax::ast::Type;

use crate::convert::{DATETIME_MAX, DATETIME_MIN};
use crate::function::{Context, Functions, ScalarFunction};
use crate::{ParameterType, Returns, Value};

const TEXTS: [&str; 20] = [
    "",
    "a",
    "ab,c",
    "Grüße ß€",
    "[1,{\"a\":null}]",
    "2020-01-01",
    "10.0.0.1/8",
    "::1",
    "-1",
    "1e400",
    "(a)(b",
    "(a)|b",
    "year",
    "Meter",
    "http://u:p@h:1/p?a=b#c",
    "xn--a-b",
    "YWJj",
    "%zz",
    "<a b='c'/>",
    "\\",
];

const JSONS: [&str; 12] = [
    "[]",
    "{}",
    "[1,2,3]",
    "[1.5,null,\"a\",\"NaN\"]",
    "{\"a\":1,\"b\":[1]}",
    "5",
    "\"x\"",
    "true",
    "[[1,2],[3]]",
    "[9223372036854775807,-1e308]",
    "[0,0,0,0,0,0,0,0]",
    "[true,false]",
];

fn values(ty: Type) -> Vec<Value> {
    match ty {
        Type::Bool => vec![Value::Bool(true), Value::Bool(false)],
        Type::Int => [0, 1, -1, i32::MIN, i32::MAX].map(Value::Int).to_vec(),
        Type::Long => [0, 1, -1, 7, 64, i64::MIN, i64::MAX]
            .map(Value::Long)
            .to_vec(),
        Type::Real => [0.0, 1.5, -1.5, f64::NAN, f64::INFINITY, f64::MAX, 1e19]
            .map(Value::Real)
            .to_vec(),
        Type::Decimal => [0, 1, 1 - 10_i128.pow(38), 10_i128.pow(18)]
            .map(Value::Decimal)
            .to_vec(),
        Type::String => TEXTS.map(|text| Value::String(text.to_owned())).to_vec(),
        Type::DateTime => [0, -1, DATETIME_MIN, DATETIME_MAX]
            .map(Value::DateTime)
            .to_vec(),
        Type::TimeSpan => [0, 1, i64::MIN, i64::MAX].map(Value::TimeSpan).to_vec(),
        Type::Guid => [0, u128::MAX].map(Value::Guid).to_vec(),
        Type::Dynamic => JSONS
            .map(|text| Value::dynamic(serde_json::from_str(text).unwrap()))
            .to_vec(),
    }
}

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())].clone()
    }
}

fn arguments(function: &ScalarFunction, common: Type, number: Type, dice: &mut Dice) -> Vec<Value> {
    let signature = &function.signature;
    let fewest = signature.arity_min();
    let most = signature.arity_max().unwrap_or(fewest + 2);
    let count = fewest + dice.below(most - fewest + 1);
    let argument = |place: usize, dice: &mut Dice| {
        let ty = match signature.parameter(place).unwrap().ty {
            ParameterType::Exactly(ty) => ty,
            ParameterType::Any => dice.pick(&Type::ALL),
            ParameterType::Common => common,
            ParameterType::Number => number,
        };
        let is_null = function.takes_nulls && ty != Type::String && dice.below(8) == 0;
        if is_null {
            Value::Null
        } else {
            dice.pick(&values(ty))
        }
    };
    (0..count).map(|place| argument(place, dice)).collect()
}

#[test]
fn no_arguments_make_a_function_panic() {
    let functions = Functions::new();
    let mut dice = Dice(1);
    for name in functions.names() {
        let function = functions.scalar(name).unwrap();
        for _ in 0..20 {
            let common = dice.pick(&Type::ALL);
            let number = dice.pick(&[Type::Int, Type::Long, Type::Real, Type::Decimal]);
            let arguments = arguments(function, common, number, &mut dice);
            let call = || (function.kernel)(&mut Context::new(0), &arguments);
            let Ok(outcome) = catch_unwind(AssertUnwindSafe(call)) else {
                panic!("{name}({arguments:?}) panics");
            };
            let foretold = match function.signature.returns {
                Returns::One(ParameterType::Exactly(ty)) => ty,
                Returns::One(ParameterType::Common) => common,
                Returns::One(ParameterType::Number) => number,
                _ => continue,
            };
            let got = outcome.ok().and_then(|value| value.ty());
            assert!(
                got.is_none_or(|got| got == foretold),
                "{name}({arguments:?}) is {got:?}"
            );
        }
    }
}
