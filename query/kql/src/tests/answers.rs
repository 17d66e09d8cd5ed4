//! What queries give: values, and the columns that nobody named.

use super::check;

#[test]
fn a_table_gives_the_first_value_of_its_first_row() {
    check(
        "let n = toscalar(range x from 1 to 1000 step 1); print n = n",
        &["n:long", "1"],
    );
    check(
        "print n = toscalar(Calls | project Caller)",
        &["n:string", "ann"],
    );
    check(
        "print n = toscalar(Calls | where false)",
        &["n:datetime", ""],
    );
}

#[test]
fn an_address_is_looked_up_in_networks() {
    let networks = "let nets = datatable(net: string, who: string)\
        ['10.0.0.0/8', 'wide', ' 10.1.0.0/16', 'near', '2001:db8::/32', 'six', 'none', 'x'];";
    let calls = "datatable(ip: string)['10.1.2.3', '2001:db8::1', '9.9.9.9']";
    check(
        &format!("{networks} {calls} | evaluate ipv4_lookup(nets, ip, net)"),
        &[
            "ip:string, net:string, who:string",
            "10.1.2.3, 10.0.0.0/8, wide",
            "10.1.2.3,  10.1.0.0/16, near",
            "2001:db8::1, 2001:db8::/32, six",
        ],
    );
    check(
        &format!(
            "{networks} {calls} | extend who = 'near' \
             | evaluate ipv4_lookup(nets, ip, net, who, return_unmatched = true) | project ip, net"
        ),
        &[
            "ip:string, net:string",
            "10.1.2.3,  10.1.0.0/16",
            "2001:db8::1, ",
            "9.9.9.9, ",
        ],
    );
    check(
        &format!(
            "{networks} {calls} | take 1 | evaluate ipv4_lookup((nets | take 0), ip, net, true)"
        ),
        &["ip:string, net:string, who:string", "10.1.2.3, , "],
    );
}

#[test]
fn steps_lead_into_a_dynamic() {
    check(
        "Calls | take 1 | project name = Details.user.name, text = tostring(Details.user.name), \
         tail = Details.user.tags[-1], all = tostring(Details.user.tags), none = Details.user[0], \
         empty = tostring(Details.gone.name), own = Details[strcat('us', 'er')].name",
        &[
            "name:dynamic, text:string, tail:dynamic, all:string, none:dynamic, empty:string, own:dynamic",
            r#"Ann, Ann, b, ["a","b"], , , Ann"#,
        ],
    );
    check(
        "datatable(json: string, key: string, place: long)[\
           '{\"a\": [1.50, {\"b\": \"\\\\u0041\"}]}', 'a', 1, '[]', 'a', 0, 'no', 'a', 0] \
         | extend d = parse_json(json) \
         | project d[key][place], d.a[0], tostring(d.a[1].b), tostring(d[key])",
        &[
            "Column1:dynamic, d_a_0:dynamic, d_a_1_b:string, Column2:string",
            r#"{"b":"A"}, 1.5, A, [1.5,{"b":"A"}]"#,
            ", , , ",
            ", , , ",
        ],
    );
}

#[test]
fn lists_hold_the_values_of_groups() {
    const WORDS: &str =
        "datatable(s: string, n: long)['GET', 1, 'POST', long(null), 'GET', 3, '', 4]";
    check(
        &format!(
            "{WORDS} | summarize make_list(s), two = make_list(s, 2), make_list_if(s, n != 3), \
             make_list(n), nulls = make_list_with_nulls(n)"
        ),
        &[
            "list_s:dynamic, two:dynamic, list_s1:dynamic, list_n:dynamic, nulls:dynamic",
            r#"["GET","POST","GET",""], ["GET","POST"], ["GET","POST",""], [1,3,4], [1,null,3,4]"#,
        ],
    );
    check(
        &format!("{WORDS} | where false | summarize make_list(s)"),
        &["list_s:dynamic", "[]"],
    );
    check(
        "print a = dynamic([1, 2]) | union (print a = dynamic([1, 2])) | summarize l = make_list(a)",
        &["l:dynamic", "[[1,2],[1,2]]"],
    );
    check(
        "range x from 1 to 200 step 1 | summarize old = array_length(makelist(x)), \
         new = array_length(make_list(x)), set = array_length(makeset(x))",
        &["old:long, new:long, set:long", "128, 200, 128"],
    );
}

#[test]
fn distinct_values_are_counted_missing_text_too() {
    check(
        "datatable(k: long)[1, 2, 3, 4] \
         | join kind=leftouter (datatable(k: long, s: string, n: long)[1, 'a', 7, 2, '', 7]) on k \
         | summarize count_distinct(s), dcount(s), count_distinct(n), dcount(n), \
           count_distinctif(s, k > 2), count(s)",
        &[
            "count_distinct_s:long, dcount_s:long, count_distinct_n:long, dcount_n:long, \
             count_distinctif_s:long, count_s:long",
            "2, 2, 1, 1, 1, 4",
        ],
    );
}

#[test]
fn columns_without_a_name_get_one() {
    check(
        "Calls | summarize count(), sum(Bytes), dcount(Caller), take_any(Caller), any(Caller), \
         percentile(Bytes, 50)",
        &[
            "count_:long, sum_Bytes:long, dcount_Caller:long, Caller:string, any_Caller:string, \
             percentile_Bytes_50:long",
            "2, 30, 2, ann, ann, 10",
        ],
    );
    check(
        "Calls | summarize sum(Bytes) + 1, sum(Bytes) * 2 by bin(Bytes, 100), substring('abc', 1)",
        &[
            "Bytes:long, Column1:string, Column2:long, Column3:long",
            "0, bc, 31, 60",
        ],
    );
    check(
        "Calls | take 1 | project Bytes + 1, Bytes * 2, tostring(Bytes), strlen(Caller), \
         Details.user.name, Details['user']['name']",
        &[
            "Column1:long, Column2:long, Bytes:string, strlen_Caller:long, Details_user_name:dynamic, \
             Details_user_name1:dynamic",
            "11, 20, 10, 3, Ann, Ann",
        ],
    );
    check(
        "print 1, b = 2, 'x'",
        &["print_0:long, b:long, print_2:string", "1, 2, x"],
    );
    check("Calls | count", &["Count:long", "2"]);
}

#[test]
fn columns_of_both_sides_of_a_join_are_told_apart() {
    check(
        "Calls | project Caller, Bytes | join kind=inner (Calls | project Caller, Bytes) on Caller \
         | sort by Caller asc",
        &[
            "Caller:string, Bytes:long, Caller1:string, Bytes1:long",
            "ann, 10, ann, 10",
            "bob, 20, bob, 20",
        ],
    );
    check(
        "Calls | project Caller, Bytes | lookup (Calls | project Caller, Bytes, ResultType) on Caller \
         | sort by Caller asc | take 1",
        &[
            "Caller:string, Bytes:long, Bytes1:long, ResultType:string",
            "ann, 10, 10, 0",
        ],
    );
}

#[test]
fn text_is_compared_with_numbers_as_rules_do() {
    for condition in ["ResultType == 0", "0 == ResultType", "ResultType in (0, 1)"] {
        let query = format!("Calls | where {condition} | project Caller");
        check(&query, &["Caller:string", "ann"]);
    }
    check(
        "Calls | where ResultType != 0 | project Caller",
        &["Caller:string", "bob"],
    );
}

#[test]
fn a_watchlist_that_is_not_there_has_the_columns_that_are_asked_for() {
    check(
        "_GetWatchlist('hosts') | where Owner has 'ann' | extend l = strlen(Room) | project Owner, l",
        &["Owner:string, l:long"],
    );
    check(
        "let hosts = _GetWatchlist('hosts') | where Zone == 'a';
        Calls | join kind=leftouter (hosts) on $left.Caller == $right.Host
        | summarize n = count() by Owner",
        &["Owner:string, n:long", ", 2"],
    );
    check(
        "Calls | where Caller !in ((_GetWatchlist('known') | project Name)) | count",
        &["Count:long", "2"],
    );
}

#[test]
fn keys_of_two_types_are_joined() {
    check(
        "Calls | extend n = toint(Bytes) | join (Calls) on $left.n == $right.Bytes | count",
        &["Count:long", "2"],
    );
}

#[test]
fn a_sort_before_sums_means_nothing() {
    check(
        "union withsource=T Calls, Calls | summarize s = sum(Bytes) by T, Caller, ResultType
        | project s, Caller | order by s | summarize t = sum(s) by Caller | order by Caller asc",
        &["Caller:string, t:long", "ann, 20", "bob, 40"],
    );
}

#[test]
fn years_that_nanoseconds_do_not_reach_are_compared() {
    check(
        "print s = '2026-01-01' | extend t = todatetime(s)
        | project t != datetime(0001-01-01), t > datetime(0001-01-01), t < datetime(9999-01-01)",
        &[
            "Column1:bool, Column2:bool, Column3:bool",
            "true, true, true",
        ],
    );
    check("print datetime(now) == now()", &["print_0:bool", "true"]);
}
