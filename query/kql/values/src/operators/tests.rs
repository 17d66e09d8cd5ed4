use kql_syntax::ast::{BinaryOperator, Type};

use super::*;
use crate::calls::{call, check, value};
use crate::convert::{DAY, DECIMAL_ONE, SECOND};
use crate::function::Functions;
use serde_json::json;

#[track_caller]
fn holds(text: &str, sign: &str, part: &str) {
    check(sign, &json!([text, part]), &json!(true));
    let negated = match sign {
        "like" | "likecs" => format!("not{sign}"),
        "=~" => "!~".to_owned(),
        sign => format!("!{sign}"),
    };
    check(&negated, &json!([text, part]), &json!(false));
}

#[track_caller]
fn fails(text: &str, sign: &str, part: &str) {
    check(sign, &json!([text, part]), &json!(false));
}

#[test]
fn has_finds_whole_terms() {
    holds("GET /api/Users?id=7", "has", "users");
    holds("GET /api/Users?id=7", "has", "api/users");
    holds("GET /api/Users?id=7", "has", "/API/");
    holds("xuser user", "has", "user");
    holds("aa aaa aa", "has", "AAA");
    holds("Grüße aus KÖLN", "has", "köln");
    holds("any", "has", "");
    fails("GET /api/Users", "has", "user");
    fails("Grüße", "has", "gr");
    fails("a_bc", "has", "b");
    holds("a_b", "has", "b");
    holds("North America", "has_cs", "America");
    fails("North America", "has_cs", "america");
    holds("North America", "hasprefix", "AME");
    fails("North America", "hasprefix", "mer");
    holds("North America", "hassuffix", "RICA");
    fails("North America", "hassuffix_cs", "RICA");
    fails("North America", "hasprefix_cs", "ame");
}

#[test]
fn parts_are_found_with_and_without_case() {
    holds("FabriKam", "contains", "BRIK");
    holds("ÄÖÜ", "contains", "öü");
    fails("FabriKam", "contains_cs", "BRIK");
    fails("ab", "contains", "abc");
    holds("FabriKam", "startswith", "fab");
    holds("École", "startswith", "éc");
    fails("FabriKam", "startswith_cs", "fab");
    holds("FabriKam", "endswith", "KAM");
    holds("CAFÉ", "endswith", "fé");
    fails("FabriKam", "endswith_cs", "KAM");
    holds("Straße", "=~", "STRAßE");
    holds("", "=~", "");
    fails("a", "=~", "ab");
}

#[test]
fn wildcards_match_the_whole_text() {
    holds("/api/v1/users/7", "like", "/API/*/users/*");
    holds("abc", "like", "abc");
    holds("abab", "like", "*ab");
    fails("abc", "like", "ab");
    fails("ab", "like", "ab*b");
    holds("abc", "likecs", "a*c");
    fails("abc", "likecs", "A*");
}

#[test]
fn patterns_are_searched() {
    check("matches regex", &json!(["abcd", "b.?d"]), &json!(true));
    assert!(call("matches regex", &json!(["a", "("])).is_err());
}

#[test]
fn nulls_are_neither_equal_nor_unknown_beside_a_value() {
    check("==", &json!([null, 1]), &json!(false));
    check("!=", &json!([null, 1]), &json!(true));
    check("==", &json!([null, null]), &json!(null));
    check("<", &json!([null, 1]), &json!(null));
    check("==", &json!(["", null]), &json!(false));
    check("and", &json!([false, null]), &json!(false));
    check("and", &json!([true, null]), &json!(null));
    check("or", &json!([null, true]), &json!(true));
    check("or", &json!([false, null]), &json!(null));
    check("not", &json!([true]), &json!(false));
}

#[test]
fn values_are_compared_by_worth() {
    check("==", &json!([1, 1.0]), &json!(true));
    check("==", &json!(["50", 50]), &json!(true));
    check("==", &json!(["x", 50]), &json!(false));
    check("==", &json!([[1, 2], [1, 2]]), &json!(true));
    check("==", &json!([["a"], "[\"a\"]"]), &json!(true));
    check("<", &json!([1, 1.5]), &json!(true));
    check(">=", &json!(["b", "a"]), &json!(true));
    check(">", &json!([2, 2]), &json!(false));
    check("<=", &json!([2, 2]), &json!(true));
    check("between", &json!([5, 1, 5]), &json!(true));
    check("!between", &json!([5, 1, 4.5]), &json!(true));
    check("between", &json!([5, null, 4]), &json!(false));
    let day = [
        Value::DateTime(DAY),
        Value::DateTime(0),
        Value::TimeSpan(DAY),
    ];
    assert_eq!(run("between", &day), Value::Bool(true));
    let nan = [Value::Real(f64::NAN), Value::Real(f64::NAN)];
    assert_eq!(run("==", &nan), Value::Bool(false));
    assert_eq!(run("<", &nan), Value::Bool(false));
}

#[test]
fn lists_are_searched_through_arrays() {
    check("in", &json!(["b", "a", "b"]), &json!(true));
    check("in", &json!([2, [1, 2]]), &json!(true));
    check("in", &json!(["B", "a", "b"]), &json!(false));
    check("!in", &json!(["B", "a", "b"]), &json!(true));
    check("in", &json!([null, 1]), &json!(false));
    check("in", &json!(["a"]), &json!(false));
    check("in~", &json!(["B", ["a", "b"]]), &json!(true));
    check("!in~", &json!(["c", "a", "b"]), &json!(true));
    check(
        "has_any",
        &json!(["North Carolina", "south", "NORTH"]),
        &json!(true),
    );
    check("has_any", &json!(["number 2", [1, 2]]), &json!(true));
    check("has_all", &json!(["number 2", ["number", 2]]), &json!(true));
    check(
        "has_all",
        &json!(["number 2", "number", "3"]),
        &json!(false),
    );
}

#[test]
fn numbers_are_computed() {
    check("+", &json!([1, 2]), &json!(3));
    check("-", &json!([1, 2.5]), &json!(-1.5));
    check("*", &json!([3, 4]), &json!(12));
    check("/", &json!([7, 2]), &json!(3));
    check("/", &json!([-7, 2]), &json!(-3));
    check("/", &json!([7, 0]), &json!(null));
    check("/", &json!([7, 2.0]), &json!(3.5));
    check("%", &json!([-14, 12]), &json!(10));
    check("%", &json!([-14, -12]), &json!(10));
    check("%", &json!([1, 0]), &json!(null));
    check("+", &json!(["a", 1]), &json!(null));
    check("negate", &json!([5]), &json!(-5));
    check("+", &json!([i64::MAX, 1]), &json!(i64::MIN));
    assert_eq!(
        run("/", &[Value::Real(1.0), Value::Long(0)]),
        Value::Real(f64::INFINITY)
    );
    assert_eq!(run("+", &[Value::Int(1), Value::Int(2)]), Value::Long(3));
    let (half, three) = (
        Value::Decimal(DECIMAL_ONE / 2),
        Value::Decimal(DECIMAL_ONE * 3),
    );
    assert_eq!(
        run("*", &[half.clone(), three.clone()]),
        Value::Decimal(DECIMAL_ONE * 3 / 2)
    );
    assert_eq!(
        run("/", &[three, half.clone()]),
        Value::Decimal(DECIMAL_ONE * 6)
    );
    assert_eq!(
        run("+", &[half, Value::Long(1)]),
        Value::Decimal(DECIMAL_ONE * 3 / 2)
    );
}

#[test]
fn dynamics_take_part_by_what_they_hold() {
    let five = Value::Dynamic(5.into());
    assert_eq!(run("+", &[five.clone(), Value::Long(1)]), Value::Long(6));
    assert_eq!(
        run("*", &[five.clone(), Value::Real(0.5)]),
        Value::Real(2.5)
    );
    assert_eq!(
        run("+", &[five.clone(), five.clone()]),
        Value::Dynamic(10.into())
    );
    assert_eq!(
        run("*", &[five.clone(), Value::TimeSpan(2)]),
        Value::TimeSpan(10)
    );
    assert_eq!(
        run("negate", std::slice::from_ref(&five)),
        Value::Dynamic((-5).into())
    );
    assert_eq!(run("==", &[five, Value::Real(5.0)]), Value::Bool(true));
    let day = |text: &str| Value::Dynamic(text.into());
    let span = run("-", &[day("2020-01-02"), day("2020-01-01")]);
    assert_eq!(span, day("1.00:00:00"));
    assert_eq!(run("+", &[Value::list([]), Value::Long(1)]), Value::Null);
}

#[test]
fn times_are_computed() {
    let (moment, hour) = (Value::DateTime(DAY), Value::TimeSpan(3_600 * SECOND));
    let day = Value::TimeSpan(DAY);
    assert_eq!(run("-", &[moment.clone(), Value::DateTime(0)]), day);
    assert_eq!(run("-", &[moment.clone(), day.clone()]), Value::DateTime(0));
    let sum = run("+", &[moment.clone(), Value::DateTime(0)]);
    assert_eq!(run("/", &[sum, Value::Long(2)]), Value::DateTime(DAY / 2));
    assert_eq!(run("*", &[Value::Int(1), moment.clone()]), moment);
    assert_eq!(run("+", &[day.clone(), Value::DateTime(0)]), moment);
    assert_eq!(run("/", &[day.clone(), hour.clone()]), Value::Real(24.0));
    assert_eq!(
        run("*", &[Value::Real(1.5), hour.clone()]),
        Value::TimeSpan(5_400 * SECOND)
    );
    assert_eq!(run("*", &[hour.clone(), Value::Long(24)]), day);
    assert_eq!(run("/", &[day.clone(), Value::Long(24)]), hour);
    assert_eq!(
        run("%", &[Value::TimeSpan(-SECOND), hour]),
        Value::TimeSpan(3_599 * SECOND)
    );
    assert_eq!(
        run("%", &[Value::DateTime(DAY + 7), day.clone()]),
        Value::TimeSpan(7)
    );
    assert_eq!(
        run("+", &[Value::DateTime(crate::convert::DATETIME_MAX), day]),
        Value::Null
    );
}

fn run(name: &str, arguments: &[Value]) -> Value {
    let functions = Functions::new();
    let kernel = functions.scalar(name).unwrap().kernel;
    kernel(&mut Context::new(0), arguments).unwrap()
}

#[test]
fn what_is_computed_has_the_type_that_is_foretold() {
    let samples = [
        Value::Int(3),
        Value::Long(2),
        Value::Real(1.5),
        Value::Decimal(DECIMAL_ONE),
        Value::DateTime(DAY),
        Value::TimeSpan(SECOND),
        value(&json!("2000-01-01")),
        value(&json!(true)),
        Value::Dynamic(7.into()),
    ];
    let operators = [
        BinaryOperator::Add,
        BinaryOperator::Subtract,
        BinaryOperator::Multiply,
        BinaryOperator::Divide,
        BinaryOperator::Modulo,
    ];
    for operator in operators {
        for left in &samples {
            for right in &samples {
                let foretold = binary_type(operator, left.ty().unwrap(), right.ty().unwrap());
                let result = run(operator.sign(), &[left.clone(), right.clone()]);
                let got = result.ty();
                assert!(
                    got.is_none() || got == foretold,
                    "{left:?} {operator:?} {right:?}"
                );
            }
        }
    }
    assert_eq!(negated_type(Type::String), None);
}

#[test]
fn every_operator_has_a_function() {
    let functions = Functions::new();
    for sign in [
        "==",
        "!has_cs",
        "notlike",
        "!endswith_cs",
        "matches regex",
        "in~",
        "!between",
    ] {
        assert!(functions.scalar(sign).is_some(), "{sign}");
    }
}

#[test]
fn a_value_is_chosen() {
    check("iff", &json!([true, 1, 2]), &json!(1));
    check("iif", &json!([null, 1, 2]), &json!(2));
    check("case", &json!([false, 1, true, 2, 3]), &json!(2));
    check("case", &json!([null, 1, 3]), &json!(3));
    check("coalesce", &json!([null, 4, 5]), &json!(4));
    check("coalesce", &json!(["", "a"]), &json!("a"));
    check("max_of", &json!([null, 4, 5]), &json!(5));
    check("min_of", &json!(["b", "a", "c"]), &json!("a"));
    check("max_of", &json!([null, null]), &json!(null));
    check("isnull", &json!([null]), &json!(true));
    check("isnotnull", &json!([""]), &json!(true));
    check("notnull", &json!([null]), &json!(false));
    check("around", &json!([11, 10, 1]), &json!(true));
    check("around", &json!([11.5, 10, 1]), &json!(false));
}

#[test]
fn types_have_names() {
    check("gettype", &json!([1.5]), &json!("real"));
    check("gettype", &json!([null]), &json!("null"));
    check("gettype", &json!([[1]]), &json!("array"));
    check("gettype", &json!([{"a": 1}]), &json!("dictionary"));
    let held = [Value::Dynamic((1_i64 << 40).into())];
    assert_eq!(run("gettype", &held), value(&json!("long")));
}

#[test]
fn an_assertion_ends_the_query() {
    check("assert", &json!([true, "unused"]), &json!(true));
    let failure = call("assert", &json!([false, "too many"])).unwrap_err();
    assert_eq!(failure.0, "assert() has failed with message: 'too many'");
}

#[test]
fn results_of_any_type_have_a_type_by_their_arguments() {
    use Type::{Bool, DateTime, Dynamic, Int, Long, Real, String, TimeSpan};
    assert_eq!(result_type("bin", &[Int, Int]), Some(Long));
    assert_eq!(result_type("bin", &[Long, Real]), Some(Real));
    assert_eq!(result_type("bin", &[DateTime, TimeSpan]), Some(DateTime));
    assert_eq!(result_type("bin", &[String, Long]), None);
    assert_eq!(result_type("floor", &[Real]), Some(Real));
    assert_eq!(
        result_type("bin_at", &[TimeSpan, TimeSpan, TimeSpan]),
        Some(TimeSpan)
    );
    assert_eq!(result_type("abs", &[Int]), Some(Long));
    assert_eq!(result_type("+", &[DateTime, TimeSpan]), Some(DateTime));
    assert_eq!(
        result_type("case", &[Bool, Int, Bool, Real, Long]),
        Some(Real)
    );
    assert_eq!(result_type("case", &[Bool, Dynamic, String]), Some(Dynamic));
    assert_eq!(result_type("case", &[Bool, Int]), None);
}

proptest::proptest! {
    #[test]
    fn terms_are_parts(text in "[a-cA-C_éÉ ]{0,12}", part in "[a-cA-Cé]{1,3}") {
        let folds = text::contains_cs(&text.to_lowercase(), &part.to_lowercase());
        assert_eq!(text::contains(&text, &part), folds);
        let is_term = text
            .split(|c| !text::is_term_char(c))
            .any(|term| text::equals(term, &part));
        assert_eq!(text::has(&text, &part), is_term);
        let begins = text
            .split(|c| !text::is_term_char(c))
            .any(|term| text::starts_with(term, &part));
        assert_eq!(text::has_prefix(&text, &part), begins);
        let ends = text
            .split(|c| !text::is_term_char(c))
            .any(|term| text::ends_with(term, &part));
        assert_eq!(text::has_suffix(&text, &part), ends);
        assert_eq!(text::like(&text, &format!("*{part}*")), folds);
    }
}
