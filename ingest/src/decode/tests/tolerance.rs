//! Records that mean the same, however they are deformed: each gives the row of the good one.

use super::*;

/// A record of each kind, without what only some deformations can express.
const RECORDS: [&str; 9] = [
    r#"{"time":"2026-03-04T05:06:07Z","category":"GatewayLogs","durationMs":12,"Level":4,
        "properties":{"method":"GET","responseCode":401,"isTraceRequested":true,
            "lastError":{"reason":"SubscriptionKeyInvalid"},"requestHeaders":{"a":"b"},"cacheTime":null}}"#,
    r#"{"time":"2026-03-04T05:06:07Z","category":"GatewayLlmLogs","properties":{"promptTokens":3,"isStreamCompletion":false}}"#,
    r#"{"time":"2026-03-04T05:06:07Z","category":"Administrative","resultType":"Success",
        "identity":{"claims":{"name":"Ann"},"authorization":{"scope":"/s"}},
        "properties":{"eventCategory":"Policy","hierarchy":"h","isHidden":true,"entity":null}}"#,
    r#"{"time":"2026-03-04T05:06:07Z","category":"SignInLogs","identity":"Ann","resultType":"50126","durationMs":0,
        "properties":{"userPrincipalName":"ann@example.com","isInteractive":true,"status":{"errorCode":50126}}}"#,
    r#"{"time":"2026-03-04T05:06:07Z","category":"AuditLogs","properties":{"category":"Policy","initiatedBy":{"user":{"id":"i"}}}}"#,
    r#"{"time":"2026-03-04T05:06:07Z","category":"AuditEvent","resultType":"Success","durationMs":78,
        "identity":{"claim":{"appid":"a"}},"properties":{"httpStatusCode":200,"isRbacAuthorized":true,"requestUri":"u"}}"#,
    r#"{"time":"2026-03-04T05:06:07Z","category":"ApplicationGatewayAccessLog","properties":{"clientPort":4711,"timeTaken":0.034,"other":[1,2]}}"#,
    r#"{"time":"2026-03-04T05:06:07Z","category":"NetworkSecurityGroupFlowEvent","properties":{"Version":2,"flows":[{"rule":"r",
        "flows":[{"mac":"000D3AF87856","flowTuples":["1600000000,10.0.0.4,192.0.2.7,5001,443,T,O,A,C,1,66,2,133"]}]}]}}"#,
    r#"{"time":"2026-03-04T05:06:07Z","category":"Other","properties":{"depth":5,"name":"q"}}"#,
];

/// Members whose value is an object, as a text that `write` makes of it.
fn in_strings(record: &Value, write: impl Fn(&Value) -> String) -> Value {
    let mut record = record.clone();
    for (name, member) in record.as_object_mut().unwrap() {
        // What is text in the good record is text in both.
        if member.is_object() && (name == "properties" || name == "identity") {
            *member = json!(write(member));
        }
    }
    record
}

/// As Python writes it; the records have no text with quotes.
fn python(value: &Value) -> String {
    let text = value.to_string().replace('"', "'");
    text.replace(":true", ": True")
        .replace(":false", ": False")
        .replace(":null", ": None")
}

/// Every name in another casing, at the top and in `properties`.
fn renamed(value: &Value, depth: usize, case: fn(&str) -> String) -> Value {
    let Some(object) = value.as_object().filter(|_| depth > 0) else {
        return value.clone();
    };
    let members = object.iter().map(|(name, member)| {
        let depth = if name == "properties" { depth } else { 0 };
        (case(name), renamed(member, depth.saturating_sub(1), case))
    });
    Value::Object(members.collect())
}

fn pascal(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    first.to_ascii_uppercase() + rest
}

/// Numbers as strings.
fn as_strings(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.to_string()),
        Value::Object(object) => {
            let members = object.iter();
            Value::Object(
                members
                    .map(|(name, value)| (name.clone(), as_strings(value)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}

/// The only row of a body, and what was repaired in it.
#[track_caller]
fn row(body: &[u8]) -> (Value, Option<Value>) {
    let body = std::str::from_utf8(body).unwrap();
    let mut found = rows(body);
    assert_eq!(found.len(), 1, "{body}");
    let mut row = found.remove(0);
    let mut fault = None;
    let extras = row.get_mut("AdditionalFields");
    if let Some(extras) = extras.and_then(Value::as_object_mut) {
        fault = extras.remove("_Repaired");
        if extras.is_empty() {
            row.as_object_mut().unwrap().remove("AdditionalFields");
        }
    }
    (row, fault)
}

fn good() -> impl Iterator<Item = (Value, Value)> {
    RECORDS.into_iter().map(|text| {
        let (good, fault) = row(text.as_bytes());
        assert_eq!(fault, None);
        (serde_json::from_str(text).unwrap(), good)
    })
}

/// The columns of a row that hold JSON, and so may differ in spelling, parsed.
fn parsed(row: &Value) -> Value {
    let document = |cell: &Value| -> Option<Value> {
        let text = cell.as_str().filter(|text| text.starts_with(['{', '[']))?;
        serde_json::from_str(text).ok()
    };
    let columns = row.as_object().unwrap().iter();
    let columns =
        columns.map(|(name, cell)| (name.clone(), document(cell).unwrap_or(cell.clone())));
    Value::Object(columns.collect())
}

#[test]
fn objects_in_strings() {
    for (record, good) in good() {
        let once = in_strings(&record, Value::to_string);
        let twice = in_strings(&record, |value| json!(value.to_string()).to_string());
        let quoted = in_strings(&record, python);
        for deformed in [once, twice, quoted] {
            let body = deformed.to_string();
            let (row, fault) = row(body.as_bytes());
            assert_eq!((parsed(&row), fault), (parsed(&good), None), "{body}");
        }
    }
}

#[test]
fn records_as_python_writes_them() {
    for (record, good) in good() {
        let body = python(&record);
        let (row, fault) = row(body.as_bytes());
        assert_eq!(parsed(&row), parsed(&good), "{body}");
        assert_eq!(fault, Some(json!("single quotes")));
    }
}

#[test]
fn names_in_any_casing() {
    for (record, good) in good() {
        for case in [str::to_ascii_uppercase, str::to_ascii_lowercase, pascal] {
            let body = renamed(&record, 2, case).to_string();
            let (mut row, _) = row(body.as_bytes());
            let mut good = good.clone();
            // What no column takes keeps its spelling.
            row.as_object_mut().unwrap().remove("AdditionalFields");
            good.as_object_mut().unwrap().remove("AdditionalFields");
            for properties in ["Properties", "Properties_d"] {
                row.as_object_mut().unwrap().remove(properties);
                good.as_object_mut().unwrap().remove(properties);
            }
            assert_eq!(row, good, "{body}");
        }
    }
}

#[test]
fn numbers_as_strings() {
    for (record, good) in good() {
        let body = as_strings(&record).to_string();
        let (mut row, _) = row(body.as_bytes());
        let mut good = good.clone();
        for documents in ["AdditionalFields", "Status"] {
            row.as_object_mut().unwrap().remove(documents);
            good.as_object_mut().unwrap().remove(documents);
        }
        assert_eq!(parsed(&row), parsed(&good), "{body}");
    }
}

#[test]
fn what_lies_around_a_record() {
    for (record, good) in good() {
        let text = record.to_string();
        let bodies = [
            format!("\u{feff}{text}"),
            format!("\n\r\n {text}\r\n"),
            format!("\u{feff}{{\"records\":[{text}]}}\r\n\u{feff}"),
            format!("[{text},]"),
            format!("{},\n}}", text.strip_suffix('}').unwrap()),
        ];
        for body in bodies {
            let (row, _) = row(body.as_bytes());
            assert_eq!(parsed(&row), parsed(&good), "{body}");
        }
    }
}

#[test]
fn line_ends_and_other_controls_in_strings() {
    let record = "{\"time\":\"2026-03-04T05:06:07Z\",\"category\":\"GatewayLogs\",\"properties\":{\"method\":\"GET\",
        \"requestBody\":\"one\r\ntwo\tthree\u{0}\",\"responseBody\":\"four\n{\"}}";
    let body = format!("{{\"records\":[{record},{record}]}}\n{record}\n{record}");
    let found = rows(&body);
    assert_eq!(found.len(), 4);
    for row in found {
        assert_eq!(row["RequestBody"], json!("one\r\ntwo\tthree\u{0}"));
        assert_eq!(row["ResponseBody"], json!("four\n{"));
        let fault = json!("control characters in strings");
        assert_eq!(row["AdditionalFields"]["_Repaired"], fault);
    }
}

/// Bytes that are no UTF-8 may be what an attacker sent: the call is a row all the same.
#[test]
fn bytes_that_are_no_text() {
    let body = b"{\"category\":\"GatewayLogs\",\"properties\":{\"url\":\"https://a/\xff\xfe?x=1\",\"responseCode\":200}}";
    let decoded = run(&Limits::default(), body).unwrap();
    assert_eq!((decoded.accepted, decoded.quarantined), (1, 0));
    let (_, batch) = &decoded.parts[0];
    let url = batch.column_by_name("Url").unwrap();
    let url = arrow::compute::cast(url, &arrow::datatypes::DataType::Utf8).unwrap();
    assert_eq!(
        url.as_string::<i32>().value(0),
        "https://a/\u{fffd}\u{fffd}?x=1"
    );
}

#[test]
fn times_in_every_form() {
    #[track_caller]
    fn check_time(time: &str, expected: &str) {
        check_some(
            &format!(r#"{{"category":"Administrative","time":{time}}}"#),
            json!({"TimeGenerated": expected, "AdditionalFields": null}),
        );
    }
    check_time(r#""01/09/2007 09:41:00""#, "2007-01-09T09:41:00Z");
    check_time(r#""1/9/2007 10:41:00 AM +01:00""#, "2007-01-09T09:41:00Z");
    check_time(
        r#""2007-01-09T09:41:00.535404056Z""#,
        "2007-01-09T09:41:00.535404Z",
    );
    check_time(r#""2021-02-04T07: 45: 44.58Z""#, "2021-02-04T07:45:44.580Z");
    check_time(r#""2023-01-01 12:00:00.000""#, "2023-01-01T12:00:00Z");
    check_time("1700000000123", "2023-11-14T22:13:20.123Z");
}
