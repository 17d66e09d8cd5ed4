use arrow::array::{
    DictionaryArray, DurationNanosecondArray, StringViewArray, TimestampMicrosecondArray,
    TimestampNanosecondArray,
};

use super::*;

fn batch(array: ArrayRef) -> RecordBatch {
    let field = Field::new("c", array.data_type().clone(), true);
    RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![array]).unwrap()
}

fn columns(kind: Type) -> Arc<[ResultColumn]> {
    let name = "c".to_owned();
    Arc::from([ResultColumn { name, kind }])
}

#[track_caller]
fn check(kind: Type, array: impl Array + 'static, expected: &str) {
    let rows = batch(Arc::new(array));
    let mut writer = RowWriter::new(columns(kind), Dynamics::Nested);
    let written = writer.rows(&rows).unwrap();
    assert_eq!(String::from_utf8(written).unwrap(), expected);
}

#[test]
fn numbers_and_what_json_has_no_number_for() {
    check(
        Type::Bool,
        BooleanArray::from(vec![Some(true), None]),
        "[true],[null]",
    );
    check(Type::Int, Int32Array::from(vec![-1]), "[-1]");
    check(
        Type::Long,
        Int64Array::from(vec![i64::MAX]),
        "[9223372036854775807]",
    );
    let reals = [1.0, 0.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    check(
        Type::Real,
        Float64Array::from(reals.to_vec()),
        r#"[1.0],[0.1],["NaN"],["Infinity"],["-Infinity"]"#,
    );
    let decimals = Decimal128Array::from(vec![1_500_000_000_000_000_000_i128]);
    let decimals = decimals.with_precision_and_scale(38, 18).unwrap();
    check(Type::Decimal, decimals, r#"["1.5"]"#);
}

#[test]
fn instants_and_spans_have_ticks() {
    let micros = TimestampMicrosecondArray::from(vec![1_234_567, -1]).with_timezone("UTC");
    check(
        Type::DateTime,
        micros,
        r#"["1970-01-01T00:00:01.2345670Z"],["1969-12-31T23:59:59.9999990Z"]"#,
    );
    let nanos = TimestampNanosecondArray::from(vec![Some(123), None]);
    check(
        Type::DateTime,
        nanos,
        r#"["1970-01-01T00:00:00.0000001Z"],[null]"#,
    );
    let day = 86_400_000_000_000;
    let spans = DurationNanosecondArray::from(vec![day + 7_384_000_000_000, -100, 0]);
    check(
        Type::TimeSpan,
        spans,
        r#"["1.02:03:04"],["-00:00:00.0000001"],["00:00:00"]"#,
    );
}

#[test]
fn texts_are_never_null_in_whatever_form_they_come() {
    let texts = StringArray::from(vec![Some("a\"\n"), None]);
    check(Type::String, texts, r#"["a\"\n"],[""]"#);
    let texts: DictionaryArray<Int32Type> = ["a", "a"].into_iter().collect();
    check(Type::String, texts, r#"["a"],["a"]"#);
    check(Type::String, StringViewArray::from(vec!["a"]), r#"["a"]"#);
    let guids = StringArray::from(vec![
        Some("74be27de-1e4e-49d9-b579-fe0b331d3642"),
        None,
        Some(""),
    ]);
    check(
        Type::Guid,
        guids,
        r#"["74be27de-1e4e-49d9-b579-fe0b331d3642"],[null],[null]"#,
    );
}

#[test]
fn dynamic_is_a_part_of_the_json_unless_text_is_wanted() {
    let values = [r#"{"a":[1, null]}"#, r#""x""#, "no json {", ""];
    let values = StringArray::from(values.to_vec());
    check(
        Type::Dynamic,
        values.clone(),
        r#"[{"a":[1, null]}],["x"],["no json {"],[null]"#,
    );
    let mut writer = RowWriter::new(columns(Type::Dynamic), Dynamics::Text);
    let written = writer.rows(&batch(Arc::new(values.slice(0, 1)))).unwrap();
    assert_eq!(written, br#"["{\"a\":[1, null]}"]"#);
}

#[test]
fn rows_of_many_batches_are_one_list() {
    let mut writer = RowWriter::new(columns(Type::Long), Dynamics::Nested);
    let rows = |values: Vec<i64>| batch(Arc::new(Int64Array::from(values)));
    let mut written = writer.rows(&rows(vec![])).unwrap();
    written.extend(writer.rows(&rows(vec![1, 2])).unwrap());
    written.extend(writer.rows(&rows(vec![3])).unwrap());
    assert_eq!(written, b"[1],[2],[3]");
}

#[test]
fn other_formats_print_the_same() {
    let spans = batch(Arc::new(DurationNanosecondArray::from(vec![
        Some(100),
        None,
    ])));
    let columns = columns(Type::TimeSpan);
    let expected = b"{\"c\":\"00:00:00.0000001\"}\n{\"c\":null}\n";
    assert_eq!(lines(&columns, &spans).unwrap(), expected);
    let printed = printed(&columns, &spans).unwrap();
    let texts: Vec<_> = printed.column(0).as_string::<i32>().iter().collect();
    assert_eq!(texts, [Some("00:00:00.0000001"), None]);
}
