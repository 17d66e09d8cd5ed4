//! Forms of operators and names of columns that the documentation has and few use.

use super::{Tables, check};

#[test]
fn any_value_is_one_that_is_there() {
    let rows = "datatable(k: long, s: string, n: long, d: dynamic)[\
        1, '', long(null), dynamic(null), 1, 'a', long(null), dynamic(null), 1, '', 7, dynamic([1]), 2, '', long(null), dynamic(null)]";
    check(
        &format!("{rows} | summarize take_any(s), take_any(n), any(d) by k | sort by k asc"),
        &[
            "k:long, s:string, n:long, any_d:dynamic",
            "1, a, 7, [1]",
            "2, , , ",
        ],
    );
    check(
        &format!(
            "{rows} | sort by s desc | summarize take_any(n), x = take_anyif(s, n == 7 or s == 'a')"
        ),
        &["n:long, x:string", "7, a"],
    );
    check(
        &format!("{rows} | take 1 | summarize take_any(v = strcat(s, 'z'))"),
        &["v:string", "z"],
    );
    // Of several columns one row is taken.
    check(
        &format!(
            "{rows} | summarize take_any(s, n) by k | where k == 1 and isnotempty(s) and isnotnull(n)"
        ),
        &["k:long, s:string, n:long"],
    );
}

#[test]
fn columns_of_one_row_have_the_names_that_are_given() {
    check(
        "Calls | summarize arg_max(Time, who = Caller, size = Bytes * 2)",
        &[
            "Time:datetime, who:string, size:long",
            "2026-01-02T00:00:00.0000000Z, bob, 40",
        ],
    );
    check(
        "Calls | summarize arg_min(least = Bytes, Bytes + 1, strlen(Caller))",
        &[
            "least:long, min_least_arg1:long, strlen_Caller:long",
            "10, 11, 3",
        ],
    );
    check(
        "Calls | project Caller, Bytes, ResultType | summarize arg_max(Bytes, who = Caller, *) by ResultType \
         | sort by Bytes asc",
        &[
            "ResultType:string, Bytes:long, who:string",
            "0, 10, ann",
            "50126, 20, bob",
        ],
    );
    check(
        "Calls | where Caller == 'bob' | summarize arg_max(Bytes, Bytes), (a, b) = take_any(Caller, Bytes)",
        &[
            "Bytes:long, Bytes1:long, a:string, b:long",
            "20, 20, bob, 20",
        ],
    );
    check(
        "Calls | where Caller == 'bob' | summarize take_any(who = Caller, Bytes + 1)",
        &["who:string, any_arg1:long", "bob, 21"],
    );
}

#[test]
fn small_forms() {
    check(
        "print datetime() == now(), date() == now()",
        &["print_0:bool, print_1:bool", "true, true"],
    );
    check("Calls | count as Rows", &["Rows:long", "2"]);
    check(
        "Calls | project Caller | project-reorder | project-rename | take 1",
        &["Caller:string", "ann"],
    );
    check(
        "datatable(s: string)['a[1]=x'] | parse kind=regex s with * '[[]' n: long '[]]=' v: string | project n, v",
        &["n:long, v:string", "1, x"],
    );
}

#[test]
fn properties_under_old_names_are_columns_everywhere() {
    let rows = "let rows = datatable(id: long, AdditionalFields: dynamic)[\
        1, dynamic({'ip': '10.0.0.1', 'size_d': 5}), 2, dynamic({'ip_s': '10.0.0.2'}), 3, dynamic({})]; rows |";
    check(
        &format!("{rows} project-rename address = ip_s | project-away AdditionalFields, size_d"),
        &[
            "id:long, address:string",
            "1, 10.0.0.1",
            "2, 10.0.0.2",
            "3, ",
        ],
    );
    check(
        &format!("{rows} project-keep ip_s, size_d | take 1"),
        &["ip_s:string, size_d:real", "10.0.0.1, 5.0"],
    );
    check(
        &format!("{rows} project-reorder size_d, id | project-away Add* | take 1"),
        &["size_d:real, id:long", "5.0, 1"],
    );
    check(
        &format!("{rows} distinct ip_s | where isnotempty(ip_s) | sort by ip_s asc"),
        &["ip_s:string", "10.0.0.1", "10.0.0.2"],
    );
    check(
        &format!("{rows} summarize n = count() by ip_s | sort by ip_s asc | take 2"),
        &["ip_s:string, n:long", ", 1", "10.0.0.1, 1"],
    );
    let known = "(datatable(ip_s: string, who: string)['10.0.0.2', 'bob'])";
    check(
        &format!("{rows} join kind=inner {known} on ip_s | project id, ip_s, ip_s1, who"),
        &[
            "id:long, ip_s:string, ip_s1:string, who:string",
            "2, 10.0.0.2, 10.0.0.2, bob",
        ],
    );
    check(
        &format!("{rows} join kind=inner {known} on $left.ip_s == $right.ip_s | project id, who"),
        &["id:long, who:string", "2, bob"],
    );
    check(
        &format!("{rows} lookup {known} on ip_s | where isnotempty(who) | project id, ip_s, who"),
        &["id:long, ip_s:string, who:string", "2, 10.0.0.2, bob"],
    );
}

#[test]
fn a_property_that_was_not_looked_at_is_told() {
    let query = "range x from 0 to 1000000 step 1 | extend d = bag_pack('a', x) | evaluate bag_unpack(d) | count";
    let planned = Tables::new().plan(query).unwrap().remove(0);
    let told = planned
        .warnings
        .iter()
        .any(|text| text.starts_with("bag_unpack looked at 1000000 rows"));
    assert!(told, "{:?}", planned.warnings);
    let query = query.replace("1000000", "999");
    let planned = Tables::new().plan(&query).unwrap().remove(0);
    assert_eq!(planned.warnings, Vec::<String>::new());
}
