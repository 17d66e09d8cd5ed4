//! Groups of rows, each by itself: what `partition` and `mv-apply` do with operators that look at many rows.

use super::{check, refuse};

/// Two callers, whose rows come in turns, with a minute between those of one and an hour at the end of the other.
const ROWS: &str = "let rows = datatable(k: string, t: datetime, a: long, d: dynamic)[\
    'x', datetime(2026-01-01), 1, dynamic({'p': 1}), 'y', datetime(2026-01-01 00:00:30), 5, dynamic({'q': 2}), \
    'x', datetime(2026-01-01 00:01), 2, dynamic({'p': 3}), 'y', datetime(2026-01-01 01:00), 6, dynamic({'q': 4})];";

/// Operators over each caller's rows.
#[track_caller]
fn within(operators: &str, rest: &str, expected: &[&str]) {
    let query = format!("{ROWS} rows | partition hint.strategy=native by k ({operators}) {rest}");
    check(&query, expected);
}

#[test]
fn sessions_are_of_one_group() {
    within(
        "sort by t asc | extend s = row_window_session(t, 1h, 2m), n = row_number(), before = prev(a)",
        "| sort by k asc, t asc | project k, a, s = format_datetime(s, 'HH:mm:ss'), n, before",
        &[
            "k:string, a:long, s:string, n:long, before:long",
            "x, 1, 00:00:00, 1, ",
            "x, 2, 00:00:00, 2, 1",
            "y, 5, 00:00:30, 1, ",
            "y, 6, 01:00:00, 2, 5",
        ],
    );
    within(
        "sort by t desc | extend s = row_window_session(t, 1h, 2m, a == 1) | extend n = row_number()",
        "| sort by k asc, n asc | project k, a, n",
        &[
            "k:string, a:long, n:long",
            "x, 2, 1",
            "x, 1, 2",
            "y, 6, 1",
            "y, 5, 2",
        ],
    );
    check(
        &format!(
            "{ROWS} rows | sort by t asc | extend s = row_window_session(t, 1h, 45s) \
             | extend n = row_number() | project a, s = format_datetime(s, 'HH:mm:ss'), n"
        ),
        &[
            "a:long, s:string, n:long",
            "1, 00:00:00, 1",
            "5, 00:00:00, 2",
            "2, 00:00:00, 3",
            "6, 01:00:00, 4",
        ],
    );
}

#[test]
fn functions_over_tables_see_one_group() {
    within(
        "project a | evaluate narrow() | where Column == 'a' | project Row, Value",
        "| sort by Value asc",
        &["Row:long, Value:string", "0, 1", "1, 2", "0, 5", "1, 6"],
    );
    within(
        "extend u = 1 | evaluate session_count(u, t, datetime(2026-01-01), datetime(2026-01-02), 1d, 1d) \
         | project count_sessions",
        "",
        &["count_sessions:long", "1", "1"],
    );
    within("reduce by k | project Count", "", &["Count:long", "2", "2"]);
    within(
        "scan declare (n: long = 0) with (step s: true => n = s.n + a;) | summarize max(n)",
        "| sort by max_n asc",
        &["max_n:long", "3", "11"],
    );
    within(
        "project a | getschema | project ColumnName, ColumnOrdinal",
        "",
        &["ColumnName:string, ColumnOrdinal:long", "a, 0", "a, 0"],
    );
    within(
        "make-series n = count() default = 0 on t from datetime(2026-01-01) to datetime(2026-01-01 02:00) step 1h \
         | project n",
        "| sort by tostring(n) asc",
        &["n:dynamic", "[1,1]", "[2,0]"],
    );
}

#[test]
fn the_elements_of_a_row_are_a_group() {
    let apply = |body: &str| {
        format!(
            "{ROWS} rows | where a < 3 | project a | mv-apply m = dynamic([7, 8]) to typeof(long) on ({body})"
        )
    };
    check(
        &format!(
            "{} | sort by a asc, m asc",
            apply("extend n = row_number()")
        ),
        &[
            "a:long, m:long, n:long",
            "1, 7, 1",
            "1, 8, 2",
            "2, 7, 1",
            "2, 8, 2",
        ],
    );
    check(
        &format!("{} | sort by a asc", apply("where m > prev(m)")),
        &["a:long, m:long", "1, 8", "2, 8"],
    );
    check(
        &format!(
            "{} | sort by a asc, Value asc | project a, Value",
            apply("project m | evaluate narrow()")
        ),
        &["a:long, Value:string", "1, 7", "1, 8", "2, 7", "2, 8"],
    );
    check(
        &format!(
            "{} | project a, s | sort by a asc",
            apply("make-series s = sum(m) on m from 7 to 9 step 1")
        ),
        &["a:long, s:dynamic", "1, [7,8]", "2, [7,8]"],
    );
}

#[test]
fn what_would_mix_groups_is_refused() {
    refuse(
        "Calls | partition by Caller (union Calls)",
        "line 1, column 30: within partition and mv-apply there is no union: rows of other tables belong to no group",
    );
    refuse(
        "Calls | partition by Caller (join kind=rightouter Calls on Caller)",
        "line 1, column 30: within partition and mv-apply a join keeps rows of its left side: the others belong to no group",
    );
    refuse(
        "Calls | partition by Caller (make-series count() on Time step 1d)",
        "line 1, column 53: within partition and mv-apply make-series needs from and to",
    );
}
