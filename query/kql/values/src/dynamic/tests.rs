use serde_json::json;

use crate::calls::{call, check};
use crate::function::{Context, Functions, Outcome};
use crate::value::{Dynamic, Value};

fn run(name: &str, arguments: &[Value]) -> Outcome {
    let functions = Functions::new();
    (functions.scalar(name).unwrap().kernel)(&mut Context::new(0), arguments)
}

#[test]
fn lengths_and_sums() {
    check("array_length", &json!([[1, [2, 3], null]]), &json!(3));
    check("arraylength", &json!([{"a": 1}]), &json!(null));
    assert_eq!(call("array_sum", &json!([[1, 2.5]])), Ok(Value::Real(3.5)));
    assert_eq!(call("array_sum", &json!([[]])), Ok(Value::Real(0.0)));
    check("array_sum", &json!([[1, "2"]]), &json!(null));
    let infinite = call("array_sum", &json!([["Infinity", 1]]));
    assert_eq!(infinite, Ok(Value::Real(f64::INFINITY)));
}

#[test]
fn arrays_are_put_together() {
    check(
        "array_concat",
        &json!([[1], [], ["a", null]]),
        &json!([1, "a", null]),
    );
    check("array_concat", &json!([[1], {"a": 1}]), &json!(null));
    check(
        "zip",
        &json!([[1, 2], ["a"]]),
        &json!([[1, "a"], [2, null]]),
    );
    check("zip", &json!([[], []]), &json!([]));
    check(
        "pack_array",
        &json!([1, "a", null, [2]]),
        &json!([1, "a", null, [2]]),
    );
    check("pack_array", &json!([]), &json!([]));
    let typed = [Value::TimeSpan(600_000_000), Value::DateTime(0)];
    let list = Value::Dynamic(json!(["00:01:00", "1970-01-01T00:00:00.0000000Z"]));
    assert_eq!(run("pack_array", &typed), Ok(list));
    check("repeat", &json!(["a", 2]), &json!(["a", "a"]));
    check("repeat", &json!([null, 1]), &json!([null]));
    check("repeat", &json!([1, 0]), &json!([]));
    check("repeat", &json!([1, -1]), &json!(null));
    let failure = call("repeat", &json!([1, 10_000_000])).unwrap_err();
    assert!(failure.0.contains("1048576"));
}

#[test]
fn an_array_of_conditions_chooses() {
    let conditions = json!([true, 0, "x", null, -0.5]);
    let chosen = json!([1, "b", null, null, null]);
    check(
        "array_iff",
        &json!([conditions, [1, 2], ["a", "b"]]),
        &chosen,
    );
    check(
        "array_iif",
        &json!([[true, false], "y", null]),
        &json!(["y", null]),
    );
    check("array_iff", &json!([true, 1, 2]), &json!(null));
}

#[test]
fn an_element_is_found() {
    let array = json!(["a", 1, "b", "a", 1.0]);
    for (rest, expected) in [
        (json!(["a"]), json!(0)),
        (json!(["a", 1]), json!(3)),
        (json!(["a", 1, 2]), json!(-1)),
        (json!(["a", 1, 3]), json!(3)),
        (json!(["a", 0, -1, 2]), json!(3)),
        (json!(["a", 0, -1, 3]), json!(-1)),
        (json!(["a", -2]), json!(3)),
        (json!(["a", -9]), json!(0)),
        (json!(["b", -2]), json!(-1)),
        (json!([1, 2]), json!(4)),
        (json!(["1"]), json!(-1)),
        (json!(["a", 0, -2]), json!(null)),
        (json!(["a", 0, -1, -1]), json!(null)),
    ] {
        let mut arguments = vec![array.clone()];
        arguments.extend(rest.as_array().unwrap().iter().cloned());
        check("array_index_of", &Dynamic::Array(arguments), &expected);
    }
    check("array_index_of", &json!(["abc", "a"]), &json!(null));
}

#[test]
fn parts_of_arrays() {
    let array = json!([0, 1, 2, 3, 4]);
    check("array_slice", &json!([array, 1, 2]), &json!([1, 2]));
    check("array_slice", &json!([array, -2, -1]), &json!([3, 4]));
    check("array_slice", &json!([array, -9, 9]), &array);
    check("array_slice", &json!([array, 3, 1]), &json!([]));
    check("array_slice", &json!([array, 9, 12]), &json!([]));
    check("array_slice", &json!([array, 0, -9]), &json!([]));
    check(
        "array_split",
        &json!([array, 2]),
        &json!([[0, 1], [2, 3, 4]]),
    );
    check(
        "array_split",
        &json!([array, -1]),
        &json!([[0, 1, 2, 3], [4]]),
    );
    check(
        "array_split",
        &json!([array, [1, 1, 9]]),
        &json!([[0], [], [1, 2, 3, 4], []]),
    );
}

#[test]
fn arrays_in_another_order() {
    let array = json!([0, 1, 2, 3]);
    check("array_reverse", &json!([array]), &json!([3, 2, 1, 0]));
    check(
        "array_rotate_left",
        &json!([array, 1]),
        &json!([1, 2, 3, 0]),
    );
    check(
        "array_rotate_left",
        &json!([array, -5]),
        &json!([3, 0, 1, 2]),
    );
    check(
        "array_rotate_right",
        &json!([array, 6]),
        &json!([2, 3, 0, 1]),
    );
    check("array_rotate_right", &json!([[], 6]), &json!([]));
    check(
        "array_shift_left",
        &json!([array, 3]),
        &json!([3, null, null, null]),
    );
    check(
        "array_shift_left",
        &json!([array, -1, "x"]),
        &json!(["x", 0, 1, 2]),
    );
    check(
        "array_shift_left",
        &json!([array, 9, 7]),
        &json!([7, 7, 7, 7]),
    );
    check(
        "array_shift_right",
        &json!([["a", "b"], 1]),
        &json!(["", "a"]),
    );
    check(
        "array_shift_right",
        &json!([array, -1]),
        &json!([1, 2, 3, null]),
    );
}

#[test]
fn text_of_an_array() {
    check(
        "strcat_array",
        &json!([["a", 1, 2.5, true], "-"]),
        &json!("a-1-2.5-true"),
    );
    check(
        "array_strcat",
        &json!([[[1], null, {"a": 1}], ", "]),
        &json!("[1], , {\"a\":1}"),
    );
    check("strcat_array", &json!([[], ","]), &json!(""));
    let long = vec!["x"; 2_000];
    let failure = call("strcat_array", &json!([long, "-".repeat(2_000)])).unwrap_err();
    assert!(failure.0.contains("1048576"));
}

#[test]
fn arrays_are_sorted_together() {
    let letters = ["a", "b", "c"];
    check(
        "array_sort_asc",
        &json!([[3, 1, 2.5], letters]),
        &json!([[1, 2.5, 3], ["b", "c", "a"]]),
    );
    check(
        "array_sort_desc",
        &json!([[3, 1, 2.5], letters]),
        &json!([[3, 2.5, 1], ["a", "c", "b"]]),
    );
    check(
        "array_sort_asc",
        &json!([["b", null, "a"], [1], false]),
        &json!([[null, "a", "b"], null]),
    );
    check(
        "array_sort_desc",
        &json!([["b", null, "a"]]),
        &json!([["b", "a", null]]),
    );
    check("array_sort_asc", &json!([null, [1]]), &json!([null, null]));
}

#[test]
fn kinds_of_elements_sort_apart() {
    let guid = "0a000000-0000-0000-0000-000000000001";
    let mixed = json!([[{"a": 1}, guid, "x", "1.00:00:00", "02:00:00", 5]]);
    let ordered = json!([[5, "02:00:00", "1.00:00:00", "x", guid, {"a": 1}]]);
    check("array_sort_asc", &mixed, &ordered);
    let ordered = json!([[5, "1.00:00:00", "02:00:00", "x", guid, {"a": 1}]]);
    check("array_sort_desc", &mixed, &ordered);
}

#[test]
fn sets() {
    let left = json!([3, 1, 3.0, "1", [1], [1]]);
    check(
        "set_union",
        &json!([left, [1.0, 2]]),
        &json!([3, 1, "1", [1], 2]),
    );
    check(
        "set_intersect",
        &json!([left, [[1], "1", 1], [1, [1]]]),
        &json!([1, [1]]),
    );
    check(
        "set_difference",
        &json!([left, [3], ["1"]]),
        &json!([1, [1]]),
    );
    check("set_difference", &json!([[1], [1]]), &json!([]));
    check("set_union", &json!([[1], "x"]), &json!(null));
    check("set_has_element", &json!([left, 3]), &json!(true));
    check("set_has_element", &json!([left, "3"]), &json!(false));
    check("set_has_element", &json!([{"a": 1}, "a"]), &json!(null));
    check("set_equals", &json!([[1, 2, 2], [2.0, 1]]), &json!(true));
    check("set_equals", &json!([[1], ["1"]]), &json!(false));
    check(
        "jaccard_index",
        &json!([[1, 2, 2, 3], [3, 4]]),
        &json!(0.25),
    );
    let empty = call("jaccard_index", &json!([[], []]));
    assert!(matches!(empty, Ok(Value::Real(index)) if index.is_nan()));
}

#[test]
fn slots_of_bags() {
    let bag = json!({"a": {"b": 1, "c.d": 2}, "$x": 3, "n": null});
    for (key, expected) in [
        ("a", true),
        ("n", true),
        ("b", false),
        ("$.a.b", true),
        ("$.a['c.d']", true),
        ("$.a.x", false),
        ("$x", true),
    ] {
        check("bag_has_key", &json!([bag, key]), &json!(expected));
    }
    check("bag_has_key", &json!([[1], "a"]), &json!(null));
    check(
        "bag_keys",
        &json!([{"a": 1, "b": {"c": 2}}]),
        &json!(["a", "b"]),
    );
    check("bag_keys", &json!([[1]]), &json!(null));
    check("bag_keys", &json!([{}]), &json!([]));
}

#[test]
fn bags_are_changed() {
    let bag = json!({"a": {"b": 1, "c": 2}, "d": 3});
    check(
        "bag_remove_keys",
        &json!([bag, ["d", "$.a.b", "no", "$.d.x"]]),
        &json!({"a": {"c": 2}}),
    );
    check("bag_remove_keys", &json!([[1], ["a"]]), &json!(null));
    check(
        "bag_set_key",
        &json!([bag, "d", "x"]),
        &json!({"a": {"b": 1, "c": 2}, "d": "x"}),
    );
    check(
        "bag_set_key",
        &json!([{}, "$.e.f", [1]]),
        &json!({"e": {"f": [1]}}),
    );
    check("bag_set_key", &json!([bag, "$.d.x", 1]), &json!(null));
    check("bag_set_key", &json!([[1], "a", 1]), &json!(null));
}

#[test]
fn a_row_is_packed_without_what_is_empty() {
    check(
        "\u{1}bag_without_nulls",
        &json!([{"a": 1, "b": null, "c": "", "d": []}]),
        &json!({"a": 1, "d": []}),
    );
}

#[test]
fn bags_are_made() {
    let merged = json!({"a": 1, "b": 2, "c": 3});
    check(
        "bag_merge",
        &json!([{"a": 1, "b": 2}, {"b": 9, "c": 3}]),
        &merged,
    );
    check("bag_merge", &json!([{"a": 1}, [2]]), &json!(null));
    check(
        "bag_pack",
        &json!(["a", 1, "b", null, "c", [2]]),
        &json!({"a": 1, "b": null, "c": [2]}),
    );
    check("pack", &json!(["a", "x"]), &json!({"a": "x"}));
    check("pack_dictionary", &json!([]), &json!({}));
    check(
        "bag_zip",
        &json!([["a", 5, "b", "c"], [1, 2, 3]]),
        &json!({"a": 1, "b": 3, "c": null}),
    );
    check("bag_zip", &json!([["a"], 1]), &json!({"a": null}));
    check("bag_zip", &json!(["a", [1]]), &json!(null));
}

#[test]
fn paths_within() {
    let object = json!({"a": {"b": 1}, "c": [1, {"d": 2}, {"d": 3, "e": []}]});
    let paths = [
        "['a']",
        "['a']['b']",
        "['c']",
        "['c'][0]",
        "['c'][0]['d']",
        "['c'][0]['e']",
    ];
    check("treepath", &json!([object]), &json!(paths));
    check("treepath", &json!([{}]), &json!([]));
}

#[test]
fn evenly_spaced() {
    check("range", &json!([2, 9, 3]), &json!([2, 5, 8]));
    check("range", &json!([3, 1]), &json!([]));
    check("range", &json!([3, 1, -1]), &json!([3, 2, 1]));
    check("range", &json!([1, 2, 0.5]), &json!([1.0, 1.5, 2.0]));
    check("range", &json!([1, 2, 0]), &json!(null));
    check("range", &json!([1, "b"]), &json!(null));
    check(
        "range",
        &json!([i64::MAX - 1, i64::MAX]),
        &json!([i64::MAX - 1, i64::MAX]),
    );
    let Ok(Value::Dynamic(long)) = call("range", &json!([1, 100_000_000])) else {
        panic!();
    };
    assert_eq!(long.as_array().unwrap().len(), 1 << 20);
}

#[test]
fn evenly_spaced_times() {
    let (hour, day) = (36_000_000_000, 864_000_000_000);
    let spans = run("range", &[Value::TimeSpan(0), Value::TimeSpan(2 * hour)]);
    assert_eq!(
        spans,
        Ok(Value::Dynamic(json!(["00:00:00", "01:00:00", "02:00:00"])))
    );
    let days = [
        Value::DateTime(0),
        Value::DateTime(2 * day - 1),
        Value::TimeSpan(day),
    ];
    let texts = [
        "1970-01-01T00:00:00.0000000Z",
        "1970-01-02T00:00:00.0000000Z",
    ];
    assert_eq!(run("range", &days), Ok(Value::Dynamic(json!(texts))));
    assert_eq!(
        run("range", &[Value::DateTime(0), Value::Long(1)]),
        Ok(Value::Null)
    );
}

#[test]
fn json_text_is_read() {
    check(
        "parse_json",
        &json!(["{\"a\": [1, 2.5]}"]),
        &json!({"a": [1, 2.5]}),
    );
    let text = call("parse_json", &json!(["no json"]));
    assert_eq!(text, Ok(Value::Dynamic(json!("no json"))));
    assert_eq!(
        call("todynamic", &json!(["12"])),
        Ok(Value::Dynamic(json!(12)))
    );
    assert_eq!(
        call("toobject", &json!([12])),
        Ok(Value::Dynamic(json!(12)))
    );
    check("parsejson", &json!(["null"]), &json!(null));
    check("parse_json", &json!([""]), &json!(null));
    check("parse_json", &json!([[1]]), &json!([1]));
    let deep = "[".repeat(100_000);
    assert_eq!(
        call("parse_json", &json!([deep])),
        Ok(Value::Dynamic(deep.into()))
    );
}

#[test]
fn json_text_is_written() {
    let canonical = r#"{"a":[1,{"b":2,"c":"x"}],"z":null}"#;
    check(
        "dynamic_to_json",
        &json!([{"z": null, "a": [1, {"c": "x", "b": 2}]}]),
        &json!(canonical),
    );
    check("dynamic_to_json", &json!(["x"]), &json!("x"));
    check("dynamic_to_json", &json!([null]), &json!(""));
}

#[test]
fn a_path_into_json_text() {
    let text = r#"{"a": [{"b c": "x"}, 2.5, {"d": [1]}], "e": null}"#;
    for (path, expected) in [
        ("$.a[0]['b c']", "x"),
        ("$.a[1]", "2.5"),
        ("$.a[2]", "{\"d\":[1]}"),
        ("$.a[9]", ""),
        ("$.e", ""),
    ] {
        check("extract_json", &json!([path, text]), &json!(expected));
    }
    check("extractjson", &json!(["$.a", "{broken"]), &json!(""));
    let failure = call("extract_json", &json!(["a[*]", text])).unwrap_err();
    assert!(failure.0.contains("'a[*]'"));
}
