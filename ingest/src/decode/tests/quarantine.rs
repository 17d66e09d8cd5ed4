use super::*;
use crate::ReasonClass;

/// Bytes, reason, offset and length of the quarantined.
pub(super) fn kept(decoded: &Decoded) -> Vec<(Vec<u8>, String, i64, i64)> {
    let mut parts = decoded.parts.iter();
    let Some((_, batch)) = parts.find(|(table, _)| *table == Table::Quarantine) else {
        return Vec::new();
    };
    let column = |name| batch.column_by_name(name).unwrap();
    let digests = column("Digest").as_string::<i32>();
    let reasons =
        arrow::compute::cast(column("Reason"), &arrow::datatypes::DataType::Utf8).unwrap();
    (0..batch.num_rows())
        .map(|row| {
            assert_eq!(digests.value(row).len(), 64);
            assert!(column("Batch").is_valid(row) && column("Source").is_valid(row));
            (
                column("Bytes").as_binary::<i32>().value(row).to_vec(),
                reasons.as_string::<i32>().value(row).to_owned(),
                column("Offset").as_primitive::<Int64Type>().value(row),
                column("Length").as_primitive::<Int64Type>().value(row),
            )
        })
        .collect()
}

/// Checks what is accepted, and bytes, offset and reason of what is not.
#[track_caller]
fn check(body: &str, accepted: u64, expected: &[(&str, i64, &str)]) {
    let limits = Limits {
        record_bytes_max: 400,
        depth_max: 10,
        ..Limits::default()
    };
    let decoded = run(&limits, body.as_bytes()).unwrap();
    let kept = kept(&decoded);
    let got: Vec<_> = kept
        .iter()
        .map(|(bytes, reason, offset, _)| (std::str::from_utf8(bytes).unwrap(), *offset, &**reason))
        .collect();
    assert_eq!((decoded.accepted, got.as_slice()), (accepted, expected));
    assert_eq!(decoded.quarantined, kept.len() as u64);
}

const GOOD: &str = r#"{"category":"GatewayLogs"}"#;

#[test]
fn broken_records_are_kept_as_they_are() {
    check(
        &format!(r#"[{GOOD},{{"p":{{'a:1}}}},{GOOD}]"#),
        2,
        &[(
            r#"{"p":{'a:1}}"#,
            28,
            "key must be a string (at byte 34 of the body)",
        )],
    );
    check(
        &format!("{GOOD}\n{GOOD}\n{{\"time\":\"20"),
        2,
        &[(
            "{\"time\":\"20",
            54,
            "EOF while parsing a string (at byte 64 of the body)",
        )],
    );
}

#[test]
fn parts_of_a_broken_record_are_no_records() {
    let reason = "key must be a string (at byte 8 of the body)";
    let broken = r#"{"a":1,b:{"time":"t","category":"c"}}"#;
    let whole = r#"{"time":"t","category":"c","resourceId":"/r"}"#;
    check(&format!("[{broken},{whole}]"), 1, &[(broken, 1, reason)]);
}

#[test]
fn unknown_kinds_are_kept() {
    let reason = "unknown kind of record: it has no resource id, no category with an operation or properties, and no mapping takes it";
    check(
        &format!(r#"[{GOOD},{{"message":"m"}}]"#),
        1,
        &[(r#"{"message":"m"}"#, 28, reason)],
    );
    check("{}", 0, &[("{}", 0, reason)]);
}

#[test]
fn records_are_bounded() {
    let long = format!(r#"{{"category":"GatewayLogs","a":"{}"}}"#, "x".repeat(1000));
    let limits = Limits {
        record_bytes_max: 400,
        records_max: 50,
        ..Limits::default()
    };
    let decoded = run(&limits, long.as_bytes()).unwrap();
    let kept = kept(&decoded);
    assert_eq!((kept[0].0.len(), kept[0].3), (400, 1033));
    assert_eq!(kept[0].1, "record of 1033 bytes is longer than 400");

    let deep = format!(
        r#"{{"category":"GatewayLogs","a":{}{}}}"#,
        "[".repeat(20),
        "]".repeat(20)
    );
    check(&deep, 0, &[(&deep, 0, "record is nested deeper than 10")]);

    let error = run(&limits, GOOD.repeat(51).as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "more than 50 records in the body");
}

#[test]
fn depth_does_not_cost_stack() {
    let body = format!(
        r#"{{"category":"GatewayLogs","a":{}"#,
        "[".repeat(1_000_000)
    );
    let decoded = run(&Limits::default(), body.as_bytes()).unwrap();
    assert_eq!((decoded.accepted, decoded.quarantined), (0, 1));
    for unit in ["[", "{\"a\":", "[{\"records\":"] {
        drop(run(&Limits::default(), unit.repeat(100_000).as_bytes()));
    }
}

#[test]
fn bytes_that_are_no_text_cost_only_their_record() {
    let body = [GOOD.as_bytes(), b"\n{\"a\":\"\xff\"}\n", GOOD.as_bytes()].concat();
    let decoded = run(&Limits::default(), &body).unwrap();
    assert_eq!((decoded.accepted, decoded.quarantined), (2, 1));
    assert_eq!(kept(&decoded)[0].0, b"{\"a\":\"\xff\"}");
}

#[test]
fn bodies_without_records_are_refused_or_empty() {
    #[track_caller]
    fn refused(body: &str, expected: &str) {
        let error = run(&Limits::default(), body.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    refused("", "the body is empty");
    refused(" \n", "the body is empty");
    refused(
        "\n  oops",
        "no records in the body: expected value at byte 3 (line 2, column 3)",
    );
    for body in ["[]", r#"{"records":[]}"#] {
        let decoded = run(&Limits::default(), body.as_bytes()).unwrap();
        assert_eq!(
            (decoded.accepted, decoded.quarantined, decoded.parts.len()),
            (0, 0, 0)
        );
    }
}

/// Checks the class of the one record that is quarantined, in its row and in the count.
#[track_caller]
fn check_class(body: &str, expected: ReasonClass) {
    let limits = Limits {
        record_bytes_max: 400,
        depth_max: 4,
        ..Limits::default()
    };
    let decoded = run(&limits, format!("{GOOD}\n{body}\n{GOOD}").as_bytes()).unwrap();
    let mut parts = decoded.parts.iter();
    let (_, batch) = parts
        .find(|(table, _)| *table == Table::Quarantine)
        .unwrap();
    let classes = batch.column_by_name("ReasonClass").unwrap();
    let classes = arrow::compute::cast(classes, &arrow::datatypes::DataType::Utf8).unwrap();
    let classes: Vec<_> = classes.as_string::<i32>().iter().flatten().collect();
    assert_eq!(classes, [expected.name()], "{body}");
    let counted = ReasonClass::ALL.map(|class| u64::from(class == expected));
    assert_eq!(decoded.kept.records, counted, "{body}");
    assert_eq!(ReasonClass::from_name(expected.name()), Some(expected));
}

#[test]
fn every_class_has_records() {
    for class in ReasonClass::ALL {
        // A class that is added without a case does not compile.
        let body = match class {
            ReasonClass::Syntax => r#"{"category":"a","p":{'a:1}}"#.to_owned(),
            ReasonClass::NotAnObject => "[17]".to_owned(),
            ReasonClass::UnknownKind => r#"{"a":1}"#.to_owned(),
            ReasonClass::TooLong => format!(r#"{{"category":"a","p":"{}"}}"#, "x".repeat(400)),
            ReasonClass::TooDeep => r#"{"category":"a","p":[[[[[1]]]]]}"#.to_owned(),
            ReasonClass::Flow => r#"{"category":"FlowLogFlowEvent","flowRecords":17}"#.to_owned(),
        };
        check_class(&body, class);
    }
}
