use serde_json::json;

use crate::calls::{call, check};

#[test]
fn text_is_measured_and_cut() {
    check("strlen", &json!(["Grüße"]), &json!(5));
    check("string_size", &json!(["Grüße"]), &json!(7));
    check("substring", &json!(["gateway", 4]), &json!("way"));
    check("substring", &json!(["gateway", 1, 3]), &json!("ate"));
    check("substring", &json!(["Grüße", 2, 2]), &json!("üß"));
    check("substring", &json!(["gateway", -3, 2]), &json!("wa"));
    check("substring", &json!(["gateway", 99]), &json!(""));
    check("substring", &json!(["gateway", -99, 2]), &json!("ga"));
    check("reverse", &json!(["aüb"]), &json!("büa"));
    check("toupper", &json!(["straße"]), &json!("STRAßE"));
    check("tolower", &json!(["ÄB"]), &json!("äb"));
}

#[test]
fn text_is_split_and_joined() {
    check(
        "split",
        &json!(["a/b//c", "/"]),
        &json!(["a", "b", "", "c"]),
    );
    check("split", &json!(["a/b", "/", 1]), &json!(["b"]));
    check("split", &json!(["a/b", "/", 7]), &json!([]));
    check("split", &json!(["", "/"]), &json!([""]));
    check("split", &json!(["ab", ""]), &json!(["ab"]));
    check("strcat", &json!(["a", 1, null, [2]]), &json!("a1[2]"));
    check(
        "strcat_delim",
        &json!(["-", 1, "b", true]),
        &json!("1-b-true"),
    );
    check("strcmp", &json!(["b", "a"]), &json!(1));
    check("strcmp", &json!(["ab", "abc"]), &json!(-1));
    check("strrep", &json!(["ab", 3, "."]), &json!("ab.ab.ab"));
    check("strrep", &json!(["ab", 0]), &json!(""));
    assert!(call("strrep", &json!(["x".repeat(2_000), 5_000])).is_err());
}

#[test]
fn emptiness_and_alphabet_are_told() {
    check("isempty", &json!([""]), &json!(true));
    check("isempty", &json!([null]), &json!(true));
    check("isempty", &json!([[]]), &json!(false));
    check("isnotempty", &json!(["a"]), &json!(true));
    check("notempty", &json!([""]), &json!(false));
    check("isascii", &json!(["aé"]), &json!(false));
    check("isutf8", &json!(["aé"]), &json!(true));
}

#[test]
fn bytes_are_formatted() {
    check("format_bytes", &json!([999.0]), &json!("999 Bytes"));
    check("format_bytes", &json!([1536.0, 2]), &json!("1.5 KB"));
    check("format_bytes", &json!([3_000_000.0, 1]), &json!("2.9 MB"));
    check(
        "format_bytes",
        &json!([3_000_000.0, 0, "KB"]),
        &json!("2930 KB"),
    );
    check("format_bytes", &json!([1.0, 0, "mm"]), &json!(""));
}

#[test]
fn codepoints_go_both_ways() {
    check("to_utf8", &json!(["aé"]), &json!([97, 233]));
    check(
        "unicode_codepoints_from_string",
        &json!(["⒦"]),
        &json!([9382]),
    );
    check("make_string", &json!([72, [105, 33]]), &json!("Hi!"));
    check("unicode_codepoints_to_string", &json!([-1]), &json!(""));
}

#[test]
fn parts_are_replaced() {
    check(
        "replace_string",
        &json!(["a.b.c", ".", "--"]),
        &json!("a--b--c"),
    );
    check("replace_string", &json!(["abc", "", "x"]), &json!("abc"));
    let source = "there is a thesis";
    check(
        "replace_strings",
        &json!([source, ["thesis", "is"], ["paper", "was"]]),
        &json!("there was a paper"),
    );
    check(
        "replace_strings",
        &json!([source, ["is", "thesis"], ["was", "paper"]]),
        &json!("there was a theswas"),
    );
    check(
        "replace_strings",
        &json!([source, ["thesis", "is"], [1, "was"]]),
        &json!("there was a thesis"),
    );
    check(
        "replace_regex",
        &json!(["id=17 id=5", r"id=(\d+)", r"<\1>\\"]),
        &json!("<17>\\ <5>\\"),
    );
    check("replace", &json!(["a(b)", r"\1\0", "xab"]), &json!("xbab"));
    check("translate", &json!(["abc", "x-", "cab!"]), &json!("-x-!"));
    check("translate", &json!(["ab", "", "cab"]), &json!("c"));
    check("regex_quote", &json!(["a.b(c)"]), &json!(r"a\.b\(c\)"));
    check("string_quote", &json!(["a\"b"]), &json!("\"a\\\"b\""));
}

#[test]
fn ends_are_trimmed() {
    check("trim", &json!([r"\s", "  a b "]), &json!("a b"));
    check("trim", &json!(["--", "--x--"]), &json!("x"));
    check(
        "trim_start",
        &json!(["[a-z]+://", "http://a.b"]),
        &json!("a.b"),
    );
    check("trim_end", &json!([r"\.com", "a.com.com"]), &json!("a.com"));
    check("trim_end", &json!([r"\d*", "a12"]), &json!("a"));
    assert!(call("trim", &json!(["(", "a"])).is_err());
}

#[test]
fn places_are_found() {
    check("indexof", &json!(["grüße grüße", "ß"]), &json!(3));
    check("indexof", &json!(["grüße grüße", "ß", 4]), &json!(9));
    check("indexof", &json!(["grüße grüße", "ß", 0, -1, 2]), &json!(9));
    check("indexof", &json!(["abcabc", "c", -3]), &json!(5));
    check("indexof", &json!(["abcabc", "bc", 0, 2]), &json!(-1));
    check("indexof", &json!(["abcabc", "bc", 0, -2]), &json!(null));
    check(
        "indexof_regex",
        &json!(["ab12cd34", r"\d+", 0, -1, 2]),
        &json!(6),
    );
    check(
        "indexof_regex",
        &json!(["ab12cd34", r"\d+", -1]),
        &json!(null),
    );
    check("indexof_regex", &json!(["ab", r"\d+"]), &json!(-1));
    check("countof", &json!(["aaaa", "aa"]), &json!(3));
    check("countof", &json!(["aaaa", "aa", "regex"]), &json!(2));
    check("countof", &json!(["aaaa", ""]), &json!(0));
    assert!(call("countof", &json!(["a", "a", "other"])).is_err());
    check(
        "has_any_index",
        &json!(["call number 7", ["seven", 7]]),
        &json!(1),
    );
    check("has_any_index", &json!(["call number 7", []]), &json!(-1));
}

#[test]
fn matches_are_extracted() {
    let line = "user=ann ip=10.0.0.1 user=bob ip=10.0.0.2";
    let pattern = r"user=(\w+) ip=(?P<ip>\S+)";
    check("extract", &json!([pattern, 2, line]), &json!("10.0.0.1"));
    check("extract", &json!([pattern, 9, line]), &json!(""));
    check("extract", &json!(["x=(y)", 1, line]), &json!(""));
    check(
        "extract_all",
        &json!([r"user=(\w+)", line]),
        &json!(["ann", "bob"]),
    );
    check(
        "extract_all",
        &json!([pattern, line]),
        &json!([["ann", "10.0.0.1"], ["bob", "10.0.0.2"]]),
    );
    check(
        "extract_all",
        &json!([pattern, ["ip"], line]),
        &json!(["10.0.0.1", "10.0.0.2"]),
    );
    check(
        "extractall",
        &json!([pattern, [2, 1], line]),
        &json!([["10.0.0.1", "ann"], ["10.0.0.2", "bob"]]),
    );
    check("extract_all", &json!(["(x)y", line]), &json!(null));
    assert!(call("extract_all", &json!(["x", line])).is_err());
    assert!(call("extract_all", &json!(["(x)", [3], line])).is_err());
}
