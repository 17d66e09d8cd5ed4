//! What is wrong with queries, and where.

use super::{Tables, refuse};

#[test]
fn a_list_from_a_table_has_a_bound() {
    refuse(
        "Calls | where Bytes in (range x from 1 to 100002 step 1)",
        "line 1, column 25: a list of more than 100000 values; a join takes more",
    );
}

#[test]
fn names_that_do_not_exist_get_the_nearest() {
    refuse(
        "Cals | take 1",
        "line 1, column 1: there is no table 'Cals'; did you mean 'Calls'?",
    );
    refuse(
        "Calls | union Cals",
        "line 1, column 15: there is no table 'Cals'; did you mean 'Calls'?",
    );
    refuse(
        "Calls\n| where Callr == 'x'",
        "line 2, column 9: there is no column or variable 'Callr'; did you mean 'Caller'?",
    );
    refuse(
        "Calls | project-away Byte",
        "line 1, column 22: there is no column 'Byte'; did you mean 'Bytes'?",
    );
    refuse(
        "Calls | join (Calls) on Calle",
        "line 1, column 25: on the left side of the join, there is no column 'Calle'; \
         did you mean 'Caller'?",
    );
    refuse(
        "print tolowr('A')",
        "line 1, column 7: there is no function 'tolowr'; did you mean 'tolower'?",
    );
    refuse(
        "Calls | evaluate pivt(Caller)",
        "line 1, column 18: there is no plugin 'pivt'; did you mean 'pivot'?",
    );
    refuse("print x", "line 1, column 7: there is no variable 'x'");
}

#[test]
fn calls_with_too_few_arguments_or_too_many() {
    refuse(
        "print strlen()",
        "line 1, column 7: strlen(source) takes 1 argument, and has 0 here",
    );
    refuse(
        "print substring('abc')",
        "line 1, column 7: substring(source, startingIndex, length) takes 2 to 3 arguments, \
         and has 1 here",
    );
    refuse(
        "Calls | summarize sum(Bytes, Bytes)",
        "line 1, column 19: sum() takes 1 argument, and has 2 here",
    );
    refuse(
        "Calls | summarize make_list()",
        "line 1, column 19: make_list() takes 1 to 2 arguments, and has 0 here",
    );
    refuse(
        "Calls | summarize percentile(Bytes)",
        "line 1, column 19: percentile(expr, percentile) takes 2 arguments, and has 1 here",
    );
    refuse(
        "let f = (a: long) { a }; print f()",
        "line 1, column 32: the argument 'a' is missing",
    );
    refuse(
        "let f = (a: long) { a }; print f(b = 2)",
        "line 1, column 38: this function has no parameter 'b'",
    );
    refuse(
        "print iff(true, 1)",
        "line 1, column 7: iff takes conditions and values by turns, and a last value for all else",
    );
}

#[test]
fn values_of_the_wrong_type() {
    refuse(
        "print 'a' - 1",
        "line 1, column 7: there is no string - long",
    );
    refuse("print -'a'", "line 1, column 7: a string has no negative");
    refuse(
        "Calls | where Caller",
        "line 1, column 15: a condition is needed here, and this is a string; each side of `and` and `or` is a condition: \
         a == 'x' or a == 'y'",
    );
    refuse(
        "Calls | where Bytes.x == 1",
        "line 1, column 21: a long has no members; only dynamic values have",
    );
    refuse(
        "Calls | summarize sum(Caller)",
        "line 1, column 19: a string cannot be added up",
    );
    refuse(
        "Calls | mv-expand Bytes",
        "line 1, column 19: mv-expand takes arrays and property bags, and this is a long",
    );
    refuse(
        "Calls | take 'x'",
        "line 1, column 14: a whole number that is not negative is needed here",
    );
    for size in [
        "make_list(Bytes, 0)",
        "make_set(Bytes, 0)",
        "makelist(Bytes, 'x')",
    ] {
        refuse(
            &format!("Calls | summarize {size}"),
            "line 1, column 19: a maximum size must be a whole number from 1",
        );
    }
}

#[test]
fn things_in_the_wrong_place() {
    refuse(
        "Calls | summarize Caller",
        "line 1, column 19: 'Caller' differs within a group: put it into an aggregate such as \
         take_any(), or after by",
    );
    refuse(
        "Calls | extend n = count()",
        "line 1, column 20: count() counts rows of groups: it stands in summarize, make-series \
         and their kin",
    );
    refuse(
        "print Calls",
        "line 1, column 7: 'Calls' is a table, and one value is needed here; toscalar(Calls) takes \
         the first value of its first row",
    );
    refuse(
        "Calls | project a = Caller, a = Bytes",
        "line 1, column 21: two columns are named 'a'",
    );
    refuse(
        "let a = 1;",
        "line 1, column 1: the query has no result: its last statement is no expression",
    );
}

#[test]
fn what_was_probably_meant_is_told() {
    refuse(
        "Calls | where ResultType == null",
        "line 1, column 29: there is no column or variable 'null'; isnull(...) and isempty(...) tell what is missing, \
         and int(null) is such a value",
    );
    refuse(
        "Calls | where Caller == zed",
        "line 1, column 25: there is no column or variable 'zed'; a text stands in quotes: 'zed'",
    );
    refuse(
        "Calls | where Time > now - 1d",
        "line 1, column 22: there is no column or variable 'now'; a function is called: now()",
    );
    refuse(
        "print x = 1 | where ResultType == '0'",
        "line 1, column 21: there is no column or variable 'ResultType'; there is one in Calls",
    );
    refuse(
        "Calls | where Caller == 'ann' or 'bob'",
        "line 1, column 34: a condition is needed here, and this is a string; each side of `and` and `or` is a \
         condition: a == 'x' or a == 'y'",
    );
    refuse(
        "Calls | where len(Caller) == 3",
        "line 1, column 15: there is no function 'len'; did you mean 'strlen'?",
    );
    refuse(
        "Calls | extend x = Caller + '!'",
        "line 1, column 20: there is no string + string; strcat(a, b) joins texts",
    );
    refuse(
        "Calls | join kind=inner Calls on Caller == Caller",
        "line 1, column 34: the columns of a join say of which side they are: $left.Caller == $right.Caller",
    );
    refuse(
        "Calls | join kind=left Calls on Caller",
        "line 1, column 9: there is no join kind 'left': innerunique, inner, leftouter, rightouter, fullouter, \
         leftsemi, leftanti, rightsemi, rightanti; did you mean leftouter?",
    );
}

#[test]
fn a_query_comes_to_so_many_operators() {
    let bound = "the query comes to more than 1000 operators";
    for query in [
        format!("Calls{}", " | as X".repeat(1_001)),
        format!("union Calls{}", ", Calls".repeat(1_001)),
        format!(
            "let f = (t: (*)) {{ t{} }}; f(f(Calls))",
            " | as X".repeat(501)
        ),
    ] {
        let reason = Tables::new().plan(&query).unwrap_err().to_string();
        assert!(reason.ends_with(bound), "{reason}");
    }
    let doubled = (1..=20).map(|number| {
        let before = number - 1;
        format!("let t{number} = union t{before}, t{before}; ")
    });
    let doubled = format!("let t0 = Calls; {}t20 | count", doubled.collect::<String>());
    let reason = Tables::new().plan(&doubled).unwrap_err().to_string();
    assert!(reason.contains("more than 10000 parts"), "{reason}");
    let most = format!("Calls{} | count", " | as X".repeat(998));
    assert!(Tables::new().plan(&most).is_ok());
}

#[test]
fn two_columns_do_not_get_one_name() {
    refuse(
        "Calls | project-rename Bytes = Caller",
        "line 1, column 32: two columns would be named 'Bytes'",
    );
}
