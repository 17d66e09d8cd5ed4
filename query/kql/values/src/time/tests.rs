use serde_json::json;

use crate::calls::value;
use crate::convert::parse_datetime;
use crate::function::{Context, Functions, Outcome};
use crate::value::{Dynamic, Value};

fn try_call(name: &str, arguments: &Dynamic) -> Outcome {
    let functions = Functions::new();
    let kernel = functions.scalar(name).unwrap().kernel;
    let argument = |json: &Dynamic| match json.as_str() {
        Some(text) if text.starts_with(|c: char| c.is_ascii_digit()) => {
            Value::DateTime(parse_datetime(text).unwrap())
        }
        Some(text) if text.starts_with('+') => {
            value(&text.trim_start_matches('+').into()).convert(crate::Type::TimeSpan)
        }
        _ => value(json),
    };
    let arguments: Vec<Value> = arguments.as_array().unwrap().iter().map(argument).collect();
    kernel(&mut Context::new(0), &arguments)
}

/// Text that begins with a digit is a datetime, with `+` a timespan; the result as text.
#[track_caller]
fn check(name: &str, arguments: &Dynamic, expected: &str) {
    let text = try_call(name, arguments).unwrap().to_text();
    let text = text.replace(".0000000Z", "Z").replace("T00:00:00Z", "");
    assert_eq!(text, expected, "{name}({arguments})");
}

#[test]
fn now_is_the_time_of_the_query() {
    check("now", &json!([]), "1970-01-01");
    check("now", &json!(["+1h"]), "1970-01-01T01:00:00Z");
    check("ago", &json!(["+2d"]), "1969-12-30");
    check("ago", &json!(["+9999999d"]), "");
}

#[test]
fn parts_of_datetimes() {
    let moment = "2023-11-05T14:07:09.1234567Z";
    for (part, expected) in [
        ("Year", "2023"),
        ("quarter", "4"),
        ("month", "11"),
        ("week_of_year", "44"),
        ("day", "5"),
        ("dayOfYear", "309"),
        ("hour", "14"),
        ("minute", "7"),
        ("second", "9"),
        ("millisecond", "123"),
        ("microsecond", "123456"),
        ("nanosecond", "123456700"),
    ] {
        check("datetime_part", &json!([part, moment]), expected);
    }
    check("datepart", &json!(["day", moment]), "5");
    assert!(try_call("datetime_part", &json!(["eon", moment])).is_err());
    check("getyear", &json!([moment]), "2023");
    check("getmonth", &json!([moment]), "11");
    check("monthofyear", &json!([moment]), "11");
    check("dayofmonth", &json!([moment]), "5");
    check("dayofyear", &json!(["2024-12-31"]), "366");
    check("hourofday", &json!([moment]), "14");
    check("dayofweek", &json!([moment]), "00:00:00");
    check("dayofweek", &json!(["2023-11-11"]), "6.00:00:00");
    check("week_of_year", &json!(["2021-01-03"]), "53");
    check("week_of_year", &json!(["2018-12-31"]), "1");
    check("weekofyear", &json!(["2021-01-03"]), "1");
    check("weekofyear", &json!(["2021-01-02"]), "53");
}

#[test]
fn periods_begin_and_end() {
    let moment = "2024-02-14T14:07:09Z";
    check("startofday", &json!([moment]), "2024-02-14");
    check("startofweek", &json!([moment]), "2024-02-11");
    check("startofweek", &json!([moment, -2]), "2024-01-28");
    check("startofmonth", &json!([moment, 11]), "2025-01-01");
    check("startofyear", &json!([moment, -1]), "2023-01-01");
    check("endofday", &json!([moment]), "2024-02-14T23:59:59.9999999Z");
    check(
        "endofweek",
        &json!([moment]),
        "2024-02-17T23:59:59.9999999Z",
    );
    check(
        "endofmonth",
        &json!([moment]),
        "2024-02-29T23:59:59.9999999Z",
    );
    check(
        "endofyear",
        &json!([moment, 1]),
        "2025-12-31T23:59:59.9999999Z",
    );
    check(
        "endofyear",
        &json!(["9999-05-05"]),
        "9999-12-31T23:59:59.9999999Z",
    );
    check("startofyear", &json!([moment, 9_000]), "");
    check("startofweek", &json!(["0001-01-01"]), "");
}

#[test]
fn periods_are_added() {
    let moment = "2024-01-31T10:00:00Z";
    check(
        "datetime_add",
        &json!(["month", 1, moment]),
        "2024-02-29T10:00:00Z",
    );
    check(
        "datetime_add",
        &json!(["Quarter", -1, moment]),
        "2023-10-31T10:00:00Z",
    );
    check(
        "datetime_add",
        &json!(["year", 1, "2024-02-29"]),
        "2025-02-28",
    );
    check(
        "datetime_add",
        &json!(["week", 2, moment]),
        "2024-02-14T10:00:00Z",
    );
    check(
        "datetime_add",
        &json!(["hour", -11, moment]),
        "2024-01-30T23:00:00Z",
    );
    check(
        "datetime_add",
        &json!(["nanosecond", 250, moment]),
        "2024-01-31T10:00:00.0000002Z",
    );
    check("datetime_add", &json!(["year", 9_000, moment]), "");
    assert!(try_call("datetime_add", &json!(["eon", 1, moment])).is_err());
}

#[test]
fn periods_are_counted() {
    check(
        "datetime_diff",
        &json!(["year", "2024-01-01", "2022-12-31"]),
        "2",
    );
    check(
        "datetime_diff",
        &json!(["quarter", "2024-01-01", "2023-12-31"]),
        "1",
    );
    check(
        "datetime_diff",
        &json!(["month", "2023-01-31", "2024-02-01"]),
        "-13",
    );
    check(
        "datetime_diff",
        &json!(["week", "2024-02-11", "2024-02-10"]),
        "1",
    );
    check(
        "datetime_diff",
        &json!(["day", "2024-02-11T00:00", "2024-02-09T23:59"]),
        "2",
    );
    check(
        "datetime_diff",
        &json!(["minute", "2024-02-11T10:01:00", "2024-02-11T10:00:59"]),
        "1",
    );
    check(
        "datetime_diff",
        &json!([
            "nanosecond",
            "2024-02-11T10:00:00.0000003",
            "2024-02-11T10:00"
        ]),
        "300",
    );
}

#[test]
fn times_are_made_of_numbers() {
    check("make_datetime", &json!([2024, 2, 29]), "2024-02-29");
    check(
        "make_datetime",
        &json!([2024, 2, 29, 5, 6]),
        "2024-02-29T05:06:00Z",
    );
    check(
        "make_datetime",
        &json!([2024, 2, 29, 5, 6, 7.25]),
        "2024-02-29T05:06:07.2500000Z",
    );
    check("make_datetime", &json!([2023, 2, 29]), "");
    check("make_datetime", &json!([2023, 2, 1, 24, 0]), "");
    check("make_timespan", &json!([5, 6]), "05:06:00");
    check("make_timespan", &json!([5, 6, 7.5]), "05:06:07.5000000");
    check("make_timespan", &json!([2, 5, 6.0, 7.0]), "2.05:06:07");
    check("make_timespan", &json!([25, 6]), "");
    check("make_timespan", &json!(["-1:30"]), "-01:30:00");
    check("make_datetime", &json!(["March 4, 2021"]), "2021-03-04");
    check(
        "unixtime_seconds_todatetime",
        &json!([1_700_000_000]),
        "2023-11-14T22:13:20Z",
    );
    check(
        "unixtime_seconds_todatetime",
        &json!([-0.5]),
        "1969-12-31T23:59:59.5000000Z",
    );
    check(
        "unixtime_milliseconds_todatetime",
        &json!([1_700_000_000_123_i64]),
        "2023-11-14T22:13:20.1230000Z",
    );
    check(
        "unixtime_microseconds_todatetime",
        &json!([1_700_000_000_000_001_i64]),
        "2023-11-14T22:13:20.0000010Z",
    );
    check(
        "unixtime_nanoseconds_todatetime",
        &json!([1_700_000_000_000_000_100_i64]),
        "2023-11-14T22:13:20.0000001Z",
    );
    check("unixtime_seconds_todatetime", &json!([i64::MAX]), "");
}

#[test]
fn times_take_a_chosen_form() {
    let moment = "2024-02-03T16:05:09.0120000Z";
    for (format, expected) in [
        ("yyyy-MM-dd HH:mm:ss.fff", "2024-02-03 16:05:09.012"),
        ("y/M/d [h:m:s tt]", "24/2/3 [4:5:9 PM]"),
        ("yy_MM_dd hh, t", "24_02_03 04, P"),
        ("s.FFFFFF", "9.012"),
        ("s.F", "9."),
    ] {
        check("format_datetime", &json!([moment, format]), expected);
    }
    check(
        "format_datetime",
        &json!(["2024-02-03T00:05:00", "h tt"]),
        "12 AM",
    );
    check(
        "format_timespan",
        &json!(["+3.04:05:06.789", "ddd.HH:mm:ss.ff"]),
        "003.04:05:06.78",
    );
    check(
        "format_timespan",
        &json!(["+3.04:05:06.7", "d [h:m:s] FFF"]),
        "3 [4:5:6] 7",
    );
}

#[test]
fn zones_shift_times() {
    let to_local = |moment: &str, zone: &str| {
        try_call("datetime_utc_to_local", &json!([moment, zone]))
            .unwrap()
            .to_text()
    };
    assert_eq!(
        to_local("2024-07-01T12:00:00.5", "Europe/Berlin"),
        "2024-07-01T14:00:00.5000000Z"
    );
    check(
        "datetime_utc_to_local",
        &json!(["2024-01-01", "Asia/Kolkata"]),
        "2024-01-01T05:30:00Z",
    );
    check(
        "datetime_utc_to_local",
        &json!(["2024-01-01", "No/Where"]),
        "",
    );
    check(
        "datetime_local_to_utc",
        &json!(["2024-01-01", "US/Pacific"]),
        "2024-01-01T08:00:00Z",
    );
    check(
        "datetime_local_to_utc",
        &json!(["2024-03-31T02:30:00", "Europe/Berlin"]),
        "2024-03-31T00:30:00Z",
    );
    check(
        "datetime_local_to_utc",
        &json!(["2024-10-27T02:30:00", "Europe/Berlin"]),
        "2024-10-27T01:30:00Z",
    );
    let Ok(Value::Dynamic(Dynamic::Array(zones))) = try_call("datetime_list_timezones", &json!([]))
    else {
        panic!();
    };
    assert!(zones.contains(&"Africa/Abidjan".into()));
}
