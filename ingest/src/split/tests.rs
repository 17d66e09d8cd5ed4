use proptest::prelude::*;

use super::*;
use crate::envelope::{Envelope, Piece};

/// What stands between records.
const FILLERS: [char; 7] = [',', ' ', '\n', ']', '}', '[', '\u{feff}'];

const LIMITS: PartLimits = PartLimits {
    bytes_usual: 1 << 20,
    record_bytes_max: 200,
    records_max: 1000,
};

/// The bodies that a text gives when it is read `step` bytes at a time, with `|` between parts, and what is left.
fn parts(text: &str, step: usize, end: End) -> (Vec<String>, String) {
    let bytes = text.as_bytes();
    let mut bodies = Vec::new();
    let (mut from, mut seen) = (0, 0);
    loop {
        let last = seen == bytes.len();
        let found = part(
            &bytes[from..seen],
            if last { end } else { End::Open },
            &LIMITS,
        );
        if found.records > 0 {
            let body = String::from_utf8(found.body(&bytes[from..])).unwrap();
            bodies.push(body.trim().to_owned());
            from += found.end;
        } else if last {
            return (
                bodies,
                String::from_utf8_lossy(&bytes[from..]).trim().to_owned(),
            );
        } else {
            seen = (seen + step).min(bytes.len());
        }
    }
}

#[track_caller]
fn check(text: &str, end: End, expected: &[&str], left: &str) {
    // Byte by byte each record is a part of its own.
    let (bodies, rest) = parts(text, 1, end);
    let bodies: Vec<_> = bodies
        .iter()
        .map(|body| body.trim_matches(FILLERS).trim())
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|body| body.trim_matches(FILLERS).trim())
        .collect();
    assert_eq!((bodies, rest.as_str()), (expected, left), "{text}");
}

#[test]
fn records_of_every_wrapping_are_told_apart() {
    check(
        r#"{"a":1}{"b":{"c":"}"}}"#,
        End::Open,
        &[r#"{"a":1}"#, r#"{"b":{"c":"}"}}"#],
        "",
    );
    check(
        "{\"a\":1}\r\n\n{\"b\":2}\n",
        End::Open,
        &[r#"{"a":1}"#, r#"{"b":2}"#],
        "",
    );
    check(
        r#"[{"a":1},{"b":2}]"#,
        End::Open,
        &[r#"{"a":1}"#, r#"{"b":2}"#],
        "]",
    );
    check(
        "\u{feff}{ \"records\" : [\n {\"a\":1},\n {\"b\":2}\n]}",
        End::Open,
        &[r#"{"a":1}"#, r#"{"b":2}"#],
        "\n]}".trim(),
    );
    check(
        r#"{"records":[{"a":1}]}{"records":[{"b":2}]}"#,
        End::Open,
        &[r#"{"a":1}"#, r#"{"b":2}"#],
        "]}",
    );
    check(
        "nginx says [hello\n[2026-01-01T00:00:00Z] \"GET /\"\n",
        End::Open,
        &["nginx says [hello", "2026-01-01T00:00:00Z] \"GET /\""],
        "",
    );
}

#[test]
fn what_an_envelope_has_besides_records_is_not_sent() {
    let text = r#"{"records":[{"a":1}],"PartitionId":"}"}  {"records":[{"b":2}]}"#;
    let whole = part(text.as_bytes(), End::Final, &LIMITS);
    assert_eq!(whole.records, 2);
    let body = String::from_utf8(whole.body(text.as_bytes())).unwrap();
    assert_eq!(body.len(), whole.end);
    assert_eq!(
        body.find(r#"{"b":2}"#),
        text.find(r#"{"b":2}"#),
        "bytes stay where they were"
    );
    assert_eq!(
        body.split_whitespace().collect::<Vec<_>>(),
        [r#"{"a":1}"#, r#"{"b":2}"#]
    );
}

#[test]
fn a_list_whose_end_is_written_anew_goes_on_behind_its_last_record() {
    let before = r#"{"records":[{"a":1},{"b":2}]}"#;
    let first = part(before.as_bytes(), End::Open, &LIMITS);
    assert_eq!(
        &before.as_bytes()[..first.end],
        br#"{"records":[{"a":1},{"b":2}"#
    );
    let after = r#"{"records":[{"a":1},{"b":2},{"c":3}]}"#;
    let second = part(&after.as_bytes()[first.end..], End::Open, &LIMITS);
    assert_eq!(second.records, 1);
    assert_eq!(second.body(&after.as_bytes()[first.end..]), br#" {"c":3}"#);
}

#[test]
fn what_is_unfinished_waits_until_nothing_more_can_come() {
    check("{\"a\":1}\n{\"b\":", End::Open, &[r#"{"a":1}"#], r#"{"b":"#);
    check(
        "{\"a\":1}\n{\"b\":",
        End::Final,
        &[r#"{"a":1}"#, r#"{"b":"#],
        "",
    );
    check("a line", End::Open, &[], "a line");
    check("a line", End::Final, &["a line"], "");
    check(r#"{"rec"#, End::Open, &[], r#"{"rec"#);
}

#[test]
fn a_broken_record_ends_before_its_neighbour() {
    check(
        "{\"a\":\"no end\n{\"b\":2}\n",
        End::Open,
        &["{\"a\":\"no end", r#"{"b":2}"#],
        "",
    );
    check(
        "{\"a\":{\n{\"b\":2}\n",
        End::Open,
        &["{\"a\":{", r#"{"b":2}"#],
        "",
    );
    check(
        "{\"a\":1}}\n{\"b\":2}\n",
        End::Open,
        &[r#"{"a":1}"#, r#"{"b":2}"#],
        "",
    );
}

#[test]
fn what_is_too_long_is_cut_where_it_costs_least() {
    let long = "x".repeat(500);
    assert_eq!(parts(&long, 64, End::Open).0.concat(), "x".repeat(400));
    assert_eq!(parts(&long, 64, End::Final).0.concat(), long);
    // A brace is missing: the records behind it are found again.
    let list = format!(r#"[{{"broken":{{,{}"#, r#"{"a":1},"#.repeat(100));
    let (bodies, _) = parts(&list, 64, End::Open);
    assert!(bodies.last().unwrap().ends_with(r#"{"a":1}"#), "{bodies:?}");
    assert!(bodies.len() > 5, "{}", bodies.len());
    assert_eq!(bodies.concat().matches(r#"{"a":1}"#).count(), 100);
}

proptest! {
    /// However the text is cut into windows, every record comes out once, in order.
    #[test]
    fn parts_are_the_records(
        records in prop::collection::vec(prop::collection::vec("[a-z\"\\\\{}\\[\\],\n ]{0,12}", 1..4), 1..20),
        wrap in 0..3_usize,
        step in 1..64_usize,
    ) {
        let records: Vec<String> = records
            .iter()
            .map(|values| serde_json::json!({"time": values, "n": {"x": [values]}}).to_string())
            .collect();
        let text = match wrap {
            0 => records.join("\n") + "\n",
            1 => format!("[{}]", records.join(" , ")),
            _ => format!("{{\"records\":[{}]}}", records.join(",")),
        };
        let limits = PartLimits { record_bytes_max: 100_000, ..LIMITS };
        let bytes = text.as_bytes();
        let (mut from, mut seen, mut found) = (0, 0, Vec::new());
        loop {
            let part = part(&bytes[from..seen], End::Open, &limits);
            if part.records > 0 {
                let body = String::from_utf8(part.body(&bytes[from..])).unwrap();
                let mut envelope = Envelope::new(body.as_bytes(), limits.record_bytes_max);
                while let Some(piece) = envelope.next() {
                    let Piece::Record { range, .. } = piece else { panic!("{piece:?}") };
                    found.push(String::from_utf8_lossy(&body.as_bytes()[range]).into_owned());
                }
                from += part.end;
            } else if seen == bytes.len() {
                break;
            } else {
                seen = (seen + step).min(bytes.len());
            }
        }
        prop_assert_eq!(found, records);
    }
}
