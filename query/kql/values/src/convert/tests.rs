use std::cmp::Ordering;

use super::text::guid_text;
use super::*;

#[track_caller]
fn prints(value: &Value, text: &str) {
    assert_eq!(value.to_text(), text);
}

#[test]
fn values_print_as_kusto_prints_them() {
    prints(&Value::Null, "");
    prints(&Value::Bool(true), "true");
    prints(&Value::Real(1.0), "1.0");
    prints(&Value::Real(-0.25), "-0.25");
    prints(&Value::Real(1e20), "1E+20");
    prints(&Value::Real(1.5e-7), "1.5E-07");
    prints(&Value::Real(f64::NAN), "NaN");
    prints(&Value::Real(f64::NEG_INFINITY), "-Infinity");
    prints(&Value::Decimal(-DECIMAL_ONE * 3 / 2), "-1.5");
    prints(&Value::DateTime(0), "1970-01-01T00:00:00.0000000Z");
    prints(&Value::DateTime(-1), "1969-12-31T23:59:59.9999999Z");
    prints(
        &Value::DateTime(DATETIME_MIN),
        "0001-01-01T00:00:00.0000000Z",
    );
    prints(
        &Value::DateTime(DATETIME_MAX),
        "9999-12-31T23:59:59.9999999Z",
    );
    prints(&Value::TimeSpan(5 * SECOND), "00:00:05");
    prints(&Value::TimeSpan(-DAY - SECOND / 2), "-1.00:00:00.5000000");
    prints(&Value::Guid(0xa), "00000000-0000-0000-0000-00000000000a");
    prints(&Value::Dynamic("a".into()), "a");
    prints(&Value::list([1.into(), "b".into()]), r#"[1,"b"]"#);
}

#[track_caller]
fn reads(text: &str, iso: &str) {
    let ticks = parse_datetime(text).map(format_datetime_iso);
    assert_eq!(ticks.as_deref().unwrap_or(""), iso, "{text}");
}

#[test]
fn datetimes_are_read_in_all_forms() {
    let day = "2021-03-04T00:00:00.0000000Z";
    for text in [
        "2021-03-04",
        "2021/3/4",
        "3/4/2021",
        "03-04-2021",
        "4 Mar 21",
        "Thursday, 04-Mar-21",
        "March 4, 2021",
        "20210304",
        "2021 - 03 - 04",
        "2021, 3, 4",
    ] {
        reads(text, day);
    }
    let moment = "2021-03-04T05:06:07.0000000Z";
    for text in [
        "2021-03-04T05:06:07",
        "2021-03-04T05:06:07Z",
        "2021-03-04 05:06:07 GMT",
        "2021-03-04T07:36:07+02:30",
        "2021-03-03T21:06:07-0800",
        "Thu, 4 Mar 21 05:06:07 GMT",
        "Thu, 04 Mar 2021 00:06:07 EST",
        "04-Mar-21 05:06:07",
        "3/4/2021 5:06:07 AM",
        "3/4/2021, 5:06:07 AM",
    ] {
        reads(text, moment);
    }
    reads(
        "2021-03-04T05:06:07.1234567Z",
        "2021-03-04T05:06:07.1234567Z",
    );
    reads("2021-03-04 17:06", "2021-03-04T17:06:00.0000000Z");
    reads("12/31/1999, 1 pm", "");
    for text in [
        "",
        "x",
        "2021-13-01",
        "2021-02-29",
        "2021-01-01T24:00",
        "2021-01-01 05",
        "0000-01-01",
        "2021-01-01T05:06:07 XYZ",
    ] {
        reads(text, "");
    }
}

#[track_caller]
fn spans(text: &str, printed: &str) {
    let ticks = parse_timespan(text).map(format_timespan_default);
    assert_eq!(ticks.as_deref().unwrap_or(""), printed, "{text}");
}

#[test]
fn timespans_are_read_in_all_forms() {
    spans("2", "2.00:00:00");
    spans("1.5h", "01:30:00");
    spans("15 seconds", "00:00:15");
    spans("7tick", "00:00:00.0000007");
    spans("250ms", "00:00:00.2500000");
    spans("0.12:34:56.7", "12:34:56.7000000");
    spans("-1.02:03:04", "-1.02:03:04");
    spans("3:04", "03:04:00");
    spans("1:2:3:4", "1.02:03:04");
    for text in ["", "h", "1w", "1:60", "1:2:3:4:5", "a:b", "--1"] {
        spans(text, "");
    }
}

#[track_caller]
fn check(value: &Value, to: Type, expected: &Value) {
    assert_eq!(value.convert(to), *expected, "{value:?} to {to:?}");
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

#[test]
fn values_convert() {
    check(&text(" 12 "), Type::Long, &Value::Long(12));
    check(&text("0xff"), Type::Int, &Value::Int(255));
    check(&text("1.5"), Type::Long, &Value::Null);
    check(&text("1.5"), Type::Real, &Value::Real(1.5));
    check(
        &text("0.1"),
        Type::Decimal,
        &Value::Decimal(DECIMAL_ONE / 10),
    );
    check(
        &text("-25e-1"),
        Type::Decimal,
        &Value::Decimal(-DECIMAL_ONE * 5 / 2),
    );
    check(&text("TRUE"), Type::Bool, &Value::Bool(true));
    check(&text("7"), Type::Bool, &Value::Bool(true));
    check(&text("x"), Type::Bool, &Value::Null);
    check(&Value::Real(2.9), Type::Int, &Value::Int(2));
    check(
        &Value::Real(0.1),
        Type::Decimal,
        &Value::Decimal(DECIMAL_ONE / 10),
    );
    check(&Value::Real(f64::NAN), Type::Long, &Value::Null);
    check(&Value::Long(1 << 40), Type::Int, &Value::Null);
    check(&Value::Bool(true), Type::Real, &Value::Real(1.0));
    check(&Value::DateTime(0), Type::Long, &Value::Long(TICKS_TO_1970));
    check(
        &Value::Long(TICKS_TO_1970),
        Type::DateTime,
        &Value::DateTime(0),
    );
    check(&text("1d"), Type::TimeSpan, &Value::TimeSpan(DAY));
    check(&Value::Null, Type::String, &text(""));
    check(&Value::Null, Type::Dynamic, &Value::Null);
    let guid = Value::Guid(0x74be_27de_1e4e_49d9_b579_fe0b_331d_3642);
    check(
        &text("{74BE27DE-1e4e-49d9-b579-fe0b331d3642}"),
        Type::Guid,
        &guid,
    );
    check(
        &text("74be27de1e4e-49d9-b579fe0b331d3642 etc."),
        Type::Guid,
        &guid,
    );
    check(&text("74be27de-1e4e-49d9"), Type::Guid, &Value::Null);
    check(
        &text("74be27de-1e4e-49d9-b579-fe0b331d364x"),
        Type::Guid,
        &Value::Null,
    );
}

#[test]
fn dynamics_convert_by_what_they_hold() {
    check(&Value::Dynamic("12".into()), Type::Long, &Value::Long(12));
    check(&Value::Dynamic(3.7.into()), Type::Long, &Value::Long(3));
    check(&Value::Dynamic(true.into()), Type::String, &text("true"));
    check(
        &Value::Dynamic("2020-01-01".into()),
        Type::DateTime,
        &Value::DateTime(18_262 * DAY),
    );
    check(&Value::list([]), Type::Long, &Value::Null);
    check(&text("[1]"), Type::Dynamic, &Value::list([1.into()]));
    check(&text("[1"), Type::Dynamic, &Value::Dynamic("[1".into()));
    check(&text(""), Type::Dynamic, &Value::Null);
    check(
        &Value::Real(f64::INFINITY),
        Type::Dynamic,
        &Value::Dynamic("Infinity".into()),
    );
    check(
        &Value::TimeSpan(SECOND),
        Type::Dynamic,
        &Value::Dynamic("00:00:01".into()),
    );
}

#[track_caller]
fn ordered(left: &Value, right: &Value, expected: Option<Ordering>) {
    assert_eq!(compare(left, right), expected);
    assert_eq!(compare(right, left), expected.map(Ordering::reverse));
}

#[test]
fn values_compare_by_worth() {
    ordered(&Value::Int(1), &Value::Real(1.5), Some(Ordering::Less));
    ordered(
        &Value::Decimal(DECIMAL_ONE),
        &Value::Long(1),
        Some(Ordering::Equal),
    );
    ordered(&text("B"), &text("a"), Some(Ordering::Less));
    ordered(&text("10"), &Value::Long(9), Some(Ordering::Greater));
    ordered(
        &Value::Dynamic("a".into()),
        &text("b"),
        Some(Ordering::Less),
    );
    ordered(&Value::Null, &Value::Null, None);
    ordered(&Value::Real(f64::NAN), &Value::Real(1.0), None);
    ordered(&text("x"), &Value::Long(9), None);
    assert_eq!(
        total_order(&Value::Null, &Value::Real(f64::NAN)),
        Ordering::Less
    );
    assert_eq!(
        total_order(&Value::list([]), &Value::list([1.into()])),
        Ordering::Greater
    );
}

#[test]
fn types_have_the_wider_one_in_common() {
    assert_eq!(common_type(Type::Int, Type::Real), Some(Type::Real));
    assert_eq!(common_type(Type::Decimal, Type::Real), Some(Type::Decimal));
    assert_eq!(common_type(Type::Dynamic, Type::Guid), Some(Type::Dynamic));
    assert_eq!(common_type(Type::String, Type::Long), None);
}

#[test]
fn literals_have_values() {
    use kql_syntax::ast::{Json, Literal};
    let span = Literal::TimeSpan(Some("1h".to_owned()));
    assert_eq!(literal(&span), Ok(Value::TimeSpan(3_600 * SECOND)));
    let null = Literal::Dynamic(Json::Null);
    assert_eq!(literal(&null), Ok(Value::Null));
    let list = Json::Array(vec![Json::Long(1), Json::Typed(Box::new(span))]);
    let value = literal(&Literal::Dynamic(list));
    assert_eq!(value, Ok(Value::list([1.into(), "01:00:00".into()])));
    assert!(literal(&Literal::Guid(Some("x".to_owned()))).is_err());
    let deep = (0..200).fold(Json::Null, |inner, _| Json::Array(vec![inner]));
    assert!(json(&deep).is_err());
}

#[test]
fn new_guids_are_random() {
    let guid = crate::calls::call("new_guid", &serde_json::json!([])).unwrap();
    let text = guid.to_text();
    assert_eq!(text.chars().nth(14), Some('4'), "{text}");
    let other = crate::calls::call("new_guid", &serde_json::json!([])).unwrap();
    assert_ne!(guid, other);
}

proptest::proptest! {
    #[test]
    fn what_is_printed_reads_back(ticks in DATETIME_MIN..=DATETIME_MAX, span: i64, real: f64, guid: u128) {
        assert_eq!(parse_datetime(&format_datetime_iso(ticks)), Some(ticks));
        let span = span.max(-i64::MAX);
        assert_eq!(parse_timespan(&format_timespan_default(span)), Some(span));
        assert_eq!(parse_real(&format_real(real)).map(f64::to_bits), Some(real.to_bits()));
        assert_eq!(parse_guid(&guid_text(guid)), Some(guid));
    }

    #[test]
    fn decimals_read_back(units in -10_i128.pow(37)..10_i128.pow(37)) {
        assert_eq!(parse_decimal(&decimal_text(units)), Some(units));
    }

    #[test]
    fn any_text_is_read_or_refused(text: String) {
        let text = Value::String(text);
        for ty in Type::ALL {
            let value = text.convert(ty);
            assert!(value.is_null() || value.ty() == Some(ty));
        }
    }
}
