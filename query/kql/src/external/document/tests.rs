use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use kql_syntax::ast::Type;

use super::*;
use crate::external::{cells, column_type};

/// The rows of a document of columns `a: string, n: long, t: datetime`; cells stand between strokes, null is `-`.
fn rows(format: &str, text: &[u8], skips_first: bool, mapping: Option<&str>) -> String {
    let columns = [
        ("a", Type::String),
        ("n", Type::Long),
        ("t", Type::DateTime),
    ];
    let columns = columns.map(|(name, ty)| (name.to_owned(), ty)).to_vec();
    let fields = columns.iter();
    let fields = fields.map(|(name, ty)| Field::new(name, column_type(*ty), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let reading = Arc::new(Reading {
        cells: cells(&columns, mapping).unwrap(),
        columns,
        skips_first,
    });
    let bytes = Bytes::copy_from_slice(text);
    let mut lines = Vec::new();
    for batch in Batches::new(bytes, Format::named(format).unwrap(), reading, schema) {
        let batch = match batch {
            Ok(batch) => batch,
            Err(error) => return error.strip_backtrace(),
        };
        let options = FormatOptions::new().with_null("-");
        let columns = batch.columns().iter();
        let cells: Vec<_> = columns
            .map(|column| ArrayFormatter::try_new(column, &options).unwrap())
            .collect();
        for row in 0..batch.num_rows() {
            let cells = cells.iter().map(|cell| cell.value(row).to_string());
            lines.push(cells.collect::<Vec<_>>().join("|"));
        }
    }
    lines.join("\n")
}

#[track_caller]
fn check(format: &str, text: &str, expected: &str) {
    assert_eq!(rows(format, text.as_bytes(), false, None), expected);
}

#[test]
fn separated_values_have_quotes_and_their_own_separator() {
    let quoted = "\"x,\"\"y\"\"\nz\",7,2026-01-02T03:04:05Z\r\n\r\nplain,8\n";
    check(
        "csv",
        quoted,
        "x,\"y\"\nz|7|2026-01-02T03:04:05Z\nplain|8|-",
    );
    check("tsv", "a b\t1\t\n", "a b|1|-");
    check("psv", "a|1|2026-01-02", "a|1|2026-01-02T00:00:00Z");
    check("scsv", "a;1;;more", "a|1|-");
    check("tsve", "a\\tb\\\\\t2", "a\tb\\|2|-");
}

#[test]
fn what_is_not_of_its_columns_type_is_null() {
    check("csv", "x,seven,someday\n,,\n", "x|-|-\n|-|-");
}

#[test]
fn lines_and_whole_documents_are_the_first_column() {
    check("txt", "a,1\n\n b \r\n", "a,1|-|-\n b |-|-");
    check("raw", "a,1\nb", "a,1\nb|-|-");
}

#[test]
fn json_stands_in_lines_in_an_array_or_over_several_lines() {
    let expected = "x|1|-\n{\"b\":[2]}|-|2026-01-02T00:00:00Z";
    let first = r#"{"a": "x", "n": 1}"#;
    let second = "{\"a\": {\"b\": [2]},\n \"t\": \"2026-01-02\"}";
    check("json", &format!("{first}\n{second}\n"), expected);
    check("multijson", &format!(" [{first}, {second}]"), expected);
    check("multijson", &format!("[{first}]{second}"), expected);
}

#[test]
fn what_is_no_json_is_an_error_that_says_where() {
    let text = rows("json", b"{\"a\": 1}\n<html>", false, None);
    assert!(text.contains("from byte 9 on is no JSON"), "{text}");
    let text = rows("multijson", b"[{}", false, None);
    assert!(text.contains("not closed"), "{text}");
}

#[test]
fn the_first_record_can_be_left_out() {
    let csv = b"\xef\xbb\xbf\"name\nof\",n\nx,1\n";
    assert_eq!(rows("csv", csv, true, None), "x|1|-");
    assert_eq!(rows("csv", csv, false, None), "name\nof|-|-\nx|1|-");
    assert_eq!(rows("json", b"{} {\"n\": 2}", true, None), "-|2|-");
}

#[test]
fn octets_that_are_no_text_are_shown_as_such() {
    assert_eq!(rows("csv", b"a\xff,1", false, None), "a\u{fffd}|1|-");
}

#[test]
fn a_mapping_says_where_values_stand() {
    let mapping = r#"[{"Column": "a", "Properties": {"Path": "$.x['y z'][1]"}},
        {"column": "n", "path": "$.x.n"}, {"Column": "t", "Properties": {"ConstValue": "2026-01-02"}}]"#;
    let json = br#"{"x": {"y z": [0, "one"], "n": 3}}"#;
    let found = rows("multijson", json, false, Some(mapping));
    assert_eq!(found, "one|3|2026-01-02T00:00:00Z");
    let mapping = r#"[{"Column": "n", "Properties": {"Ordinal": "2"}}]"#;
    assert_eq!(rows("csv", b"x,1,9", false, Some(mapping)), "-|9|-");
    let columns = [("a".to_owned(), Type::String)];
    let transform =
        r#"[{"Column": "a", "Properties": {"Path": "$", "Transform": "SourceLocation"}}]"#;
    let refused = cells(&columns, Some(transform)).unwrap_err();
    assert!(refused.contains("SourceLocation"), "{refused}");
}

#[test]
fn many_rows_come_in_small_batches() {
    let text = "x,1\n".repeat(20_000);
    assert_eq!(
        rows("csv", text.as_bytes(), false, None).lines().count(),
        20_000
    );
}

#[test]
fn a_row_does_not_outgrow_its_document() {
    let entry = |name: &str| format!(r#"{{"Column": "{name}", "Path": "$"}}"#);
    let mapping = format!("[{}, {}, {}]", entry("a"), entry("n"), entry("t"));
    let json = format!("{{\"a\": \"{}\"}}", "x".repeat(17 << 20));
    let text = rows("json", json.as_bytes(), false, Some(&mapping));
    assert!(text.contains("longer than 64 MiB"), "{}", text.len());
}

#[test]
fn the_end_of_an_address_tells_the_format() {
    #[track_caller]
    fn check(address: &str, expected: Result<Format, &'static str>) {
        assert_eq!(Format::of_address(address), expected, "{address}");
    }
    check("https://a.example/b.txt", Ok(Format::Lines));
    check(
        "https://a.example/b.CSV.gz?sig=x.json",
        Ok(Format::Separated(b',')),
    );
    check("https://a.example/b.tsv#c", Ok(Format::Separated(b'\t')));
    check("https://a.example/b.jsonl", Ok(Format::Json));
    check("https://a.example/v1.2/list", Ok(Format::Separated(b',')));
    check("https://a.example/b.netset", Ok(Format::Separated(b',')));
    check("https://a.example/b.csv.zip", Err("zip"));
    check("https://a.example/b.parquet", Err("parquet"));
}
