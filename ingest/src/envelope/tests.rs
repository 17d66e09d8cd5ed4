use super::*;

/// The pieces of a body: records as they are, broken ones in angle brackets, a complaint at the end.
#[track_caller]
fn check(body: &str, expected: &str) {
    let mut envelope = Envelope::new(body.as_bytes(), 1 << 20);
    let mut shown = Vec::new();
    while let Some(piece) = envelope.next() {
        shown.push(match piece {
            Piece::Record { range, .. } => body.get(range).unwrap().to_owned(),
            Piece::Rewritten { text, .. } => format!("~{text}"),
            Piece::Broken { range, .. } => format!("<{}>", body.get(range).unwrap()),
        });
    }
    if let Some((at, reason)) = envelope.complaint() {
        shown.push(format!("! {reason} at {at}"));
    }
    assert_eq!(shown.join(" "), expected, "{body}");
}

#[test]
fn every_envelope_is_entered() {
    check(r#"{"records":[{"a":1},{"a":2}]}"#, r#"{"a":1} {"a":2}"#);
    check(
        r#"{ "Records" : [ {"a":1} ] , "PartitionId":{"x":[1]} }"#,
        r#"{"a":1}"#,
    );
    check(
        r#"{"PartitionId":1,"records":[{"a":1}],"x":2}"#,
        r#"{"a":1}"#,
    );
    check(
        r#"[{"records":[{"a":1}]},{"records":[{"a":2}],"x":{}}]"#,
        r#"{"a":1} {"a":2}"#,
    );
    check(r#"[{"a":1},{"a":2}]"#, r#"{"a":1} {"a":2}"#);
    check("{\"a\":1}\r\n{\"a\":2}\n\n", r#"{"a":1} {"a":2}"#);
    check(
        "{\"records\":[{\"a\":1}]}\n{\"records\":[{\"a\":2}]}",
        r#"{"a":1} {"a":2}"#,
    );
    check(r#"{"a":1}"#, r#"{"a":1}"#);
    check(
        r#"{"records":[{"a":1},{"records":[{"a":2}]},{"a":3}]}"#,
        r#"{"a":1} {"a":2} {"a":3}"#,
    );
    check(r#"{"value":[{"a":1}],"nextLink":"u"}"#, r#"{"a":1}"#);
    check(r#"{"value":["a"]}"#, r#"{"value":["a"]}"#);
    check("\u{feff}{\"a\":1}", r#"{"a":1}"#);
    check(",{\"a\":1},{\"a\":2}", r#"{"a":1} {"a":2}"#); // blocks of a block blob
}

#[test]
fn a_body_without_records_is_empty_or_refused() {
    check("[]", "");
    check(r#"{"records":[]}"#, "");
    check(r#"{"records":null}"#, "");
    check("[[],[]]", "");
    check("hello", "<hello> ! expected value at 0");
    check("5", "<5> ! expected an object or a list at 0");
    check(r#"{"records":["#, "! the body ends inside of a list at 12");
    check("]", "! a list ends that did not begin at 0");
    check("{oops}", "<{oops}> ! key must be a string at 1");
}

#[test]
fn neighbours_of_a_broken_record_go_through() {
    let good = r#"{"category":"GatewayLogs"}"#;
    let case = |broken: &str, shown: &str| {
        let expected = format!("{good} {shown} {good}");
        check(
            &format!("{{\"records\":[{good},{broken},{good}]}}"),
            &expected,
        );
        check(&format!("{good}\n{broken}\n{good}\n"), &expected);
    };
    case(r#"{"p":{'a':'b}}"#, r#"<{"p":{'a':'b}}>"#);
    case("{\"p\":\"line\nend}", "<{\"p\":\"line\nend}>");
    case(r#"{"p":"no end}"#, r#"<{"p":"no end}>"#);
    case(r#"{"p":{"q":1}"#, r#"<{"p":{"q":1}>"#);
    case(r#"{"p" 1}"#, r#"<{"p" 1}>"#);
}

#[test]
fn records_with_plain_mistakes_are_rewritten() {
    let good = r#"{"category":"GatewayLogs"}"#;
    let case = |broken: &str, shown: &str| {
        let expected = format!("{good} ~{shown} {good}");
        check(
            &format!("{{\"records\":[{good},{broken},{good}]}}"),
            &expected,
        );
        check(&format!("{good}\n{broken}\n{good}\n"), &expected);
    };
    case(r#"{"p":{'a':'b'}}"#, r#"{"p":{"a":"b"}}"#);
    case("{\"p\":\"line\nend\"}", r#"{"p":"line\u000aend"}"#);
    case("{\"p\":\"{\n\",\"q\":1}", r#"{"p":"{\u000a","q":1}"#);
    case(r#"{"p":1,}"#, r#"{"p":1}"#);
    case(r#"{"p":"}{\d"}"#, r#"{"p":"}{\\d"}"#);
    case(r"{'p':'}'}", r#"{"p":"}"}"#);
    check("[{'p':1},{'p':2}]", r#"~{"p":1} ~{"p":2}"#);
    check("{'records': [{'p':1}, {'p':2}]}", r#"~{"p":1} ~{"p":2}"#);
}

#[test]
fn several_files_may_begin_with_a_mark() {
    check("\u{feff}{\"a\":1}\n\u{feff}{\"a\":2}", r#"{"a":1} {"a":2}"#);
}

#[test]
fn lists_hold_more_than_objects() {
    check(r#"[1,{"a":1},"x",null]"#, r#"<1> {"a":1} <"x"> <null>"#);
}

#[test]
fn garbage_behind_a_record_is_told_apart() {
    check(r#"{"records":[{"a":1}}{"b":2}}]}"#, r#"{"a":1} {"b":2}"#);
    check(
        "{\"a\":1} trailing\n{\"a\":2}",
        r#"{"a":1} <trailing> {"a":2}"#,
    );
}

#[test]
fn a_cut_body_keeps_its_whole_records() {
    check(r#"{"records":[{"a":1},{"a":"#, r#"{"a":1} <{"a":>"#);
    check(r#"{"records":[{"a":1},"#, r#"{"a":1}"#);
    check("{\"a\":1}\n{\"a\":\"x", "{\"a\":1} <{\"a\":\"x>");
}

#[test]
fn lines_behind_a_spent_budget_are_read_one_by_one() {
    // Each of the first lines is read far in vain, for the string goes on over the others.
    let costly = "{\"a\":\"{\"b\":1\n".repeat(2_000);
    let good = r#"{"category":"GatewayLogs"}"#;
    let lines = format!("{good}\n{{oops\nnoise\n{good},{{'a':'b,{good}\n\n{{'a':1}}\n[{good}]");
    let body = format!("{costly}{lines}");
    let mut envelope = Envelope::new(body.as_bytes(), 1 << 20);
    envelope.budget = 4_000;
    let mut shown = Vec::new();
    while let Some(piece) = envelope.next() {
        match piece {
            Piece::Record { range, .. } => shown.push(body.get(range).unwrap().to_owned()),
            Piece::Rewritten { text, .. } => shown.push(format!("~{text}")),
            Piece::Broken { range, .. } => shown.push(format!("<{}>", body.get(range).unwrap())),
        }
    }
    let rest = shown.iter().position(|piece| piece == good).unwrap();
    let expected = format!("{good} <{{oops> <noise> {good} <{{'a':'b> {good} ~{{\"a\":1}} {good}");
    assert_eq!(shown[rest..].join(" "), expected);
}

#[test]
fn hostile_bodies_take_linear_time() {
    // In a debug build each of these took minutes if one step were quadratic.
    let units = [
        "{\"a\":[",
        "x{\"",
        "{\"records\":[],\"a",
        "{\"records\":[",
        "[",
        "{",
        "\"",
        "{\"a\":\"",
        "{'a':",
        "{'a':'",
        "{\"a\":1,}",
        "{\"a\":\"{\"b\":1",
        "{\"a\":\"[[[",
        "{'a':1,",
        "{\"a\":\\",
        "{'a':\"\\",
        "{\"time\":1,\"category\":",
        "\u{feff}",
    ];
    for unit in units {
        for separator in ["", "\n", ",", ":\n"] {
            let body = format!("{unit}{separator}");
            let body = body.repeat(160_000 / body.len());
            let mut envelope = Envelope::new(body.as_bytes(), 1 << 20);
            while envelope.next().is_some() {}
        }
    }
}
