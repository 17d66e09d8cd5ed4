//! What KQL means, where only a whole query shows it.

use super::*;

/// That a query without tables of its own gives these rows.
async fn check(kql: &str, expected: &str) {
    let fixture = fixture(&[]).await;
    let given = answer_of(&fixture, Question::kql(kql), Format::Csv).await;
    assert_eq!(given.unwrap(), expected, "{kql}");
}

const GATES: &str = "let gates = datatable(site: string, gate: string, calls: long)[\
    'north', 'a', 3, 'north', 'b', 5, 'south', 'c', long(null)];";

#[tokio::test]
async fn print_numbers_what_has_no_name() {
    check(
        "let calls = 7; print calls, strlen('gate'), n = 1, 2",
        "print_0,print_1,n,print_3\n7,4,1,2\n",
    )
    .await;
}

#[tokio::test]
async fn calls_with_several_results_name_them_themselves() {
    let arrays = "let at = dynamic([3, 1]); let who = dynamic(['c', 'a']);";
    let sorted = "at_sorted,who_sorted\n\"[1,3]\",\"[\"\"a\"\",\"\"c\"\"]\"\n";
    check(&format!("{arrays} print array_sort_asc(at, who)"), sorted).await;
    let first = "x\n\"[3,1]\"\n";
    check(
        &format!("{arrays} print x = array_sort_desc(at, who)"),
        first,
    )
    .await;
    let both = "x,y\n\"[3,1]\",\"[\"\"c\"\",\"\"a\"\"]\"\n";
    check(
        &format!("{arrays} print (x, y) = array_sort_desc(at, who)"),
        both,
    )
    .await;
    let rest = "a,least,series_stats_a_min_idx\n\"[4,2]\",2.0,1\n";
    let kql = "print a = dynamic([4, 2]) | extend least = series_stats(a) \
        | project a, least, series_stats_a_min_idx";
    check(kql, rest).await;
}

#[tokio::test]
async fn aggregates_of_nothing_have_their_defaults() {
    let kql = "datatable(n: long)[] | summarize sum(n), sumif(n, n > 1), avg(n), count(n), max(n)";
    check(kql, "sum_n,sumif_n,avg_n,count_n,max_n\n0,0,NaN,0,\n").await;
    let kql =
        format!("{GATES} gates | summarize sum(calls), count(calls) by site | sort by site asc");
    check(&kql, "site,sum_calls,count_calls\nnorth,8,2\nsouth,0,1\n").await;
}

#[tokio::test]
async fn a_star_means_any_column() {
    check(
        &format!("{GATES} gates | where * has 'b' | project gate"),
        "gate\nb\n",
    )
    .await;
}

#[tokio::test]
async fn a_bag_of_all_columns_may_leave_out_empty_ones() {
    let kql = "print site = 'north', gate = '', calls = long(null) | project bag = pack_all(true), all = pack_all()";
    let expected = "bag,all\n\"{\"\"site\"\":\"\"north\"\"}\",\
        \"{\"\"calls\"\":null,\"\"gate\"\":\"\"\"\",\"\"site\"\":\"\"north\"\"}\"\n";
    check(kql, expected).await;
}

#[tokio::test]
async fn conditions_behind_a_join_work_before_a_row_is_chosen() {
    let sites = "let sites = datatable(site: string, town: string)['north', 'Kiel'];";
    let kql = |rest: &str| {
        format!("{GATES} {sites} gates | join sites on site | project gate, town{rest}")
    };
    check(&kql(""), "gate,town\na,Kiel\n").await;
    let kql = format!(
        "{GATES} {sites} gates | join sites on site | where town == 'Kiel' and gate == 'b' | project gate"
    );
    check(&kql, "gate\nb\n").await;
}

#[tokio::test]
async fn columns_of_several_types_are_told_apart() {
    let kql = "let a = view () { print n = 1 }; let b = view () { print n = 'x' }; let c = view () { print n_long = 2 }; \
        union a, b, c | project n_long1, n_string, n_long | sort by n_long1 desc, n_string desc";
    check(kql, "n_long1,n_string,n_long\n1,,\n,x,\n,,2\n").await;
}

#[tokio::test]
async fn networks_are_looked_up_with_keys_once() {
    let kql = "let nets = datatable(net: string, site: string, owner: string)['10.0.0.0/8', 'north', 'x', '10.0.0.0/8', 'south', 'y']; \
        datatable(ip: string, site: string)['10.1.1.1', 'south'] | evaluate ipv4_lookup(nets, ip, net, site)";
    check(kql, "ip,site,net,owner\n10.1.1.1,south,10.0.0.0/8,y\n").await;
    let kql = "let nets = datatable(net: string, owner: string)['2001:db8::/32', 'x']; \
        datatable(ip: string)['2001:db8::1'] | evaluate ipv6_lookup(nets, ip, net)";
    check(kql, "net,owner,ip\n2001:db8::/32,x,2001:db8::1\n").await;
}

#[tokio::test]
async fn chance_plays_once_where_it_is_kept() {
    let kql = "let drawn = materialize(range n from 1 to 1000 step 1 | extend r = rand() | sample 3); \
        union drawn, drawn | summarize count() by n, r | summarize rows = count(), least = min(count_)";
    check(kql, "rows,least\n3,2\n").await;
    let kql = "let drawn = materialize(range n from 1 to 1000 step 1 | extend r = rand() | sample 3 | sort by n | project r); \
        union drawn, drawn | summarize count() by r | summarize rows = count(), least = min(count_)";
    check(kql, "rows,least\n3,2\n").await;
    let kql = "let drawn = materialize(range n from 1 to 5 step 1 | extend r = rand() | sort by n desc | project m = n * 10, r); \
        drawn | project m | take 2";
    check(kql, "m\n50\n40\n").await;
    let kql = "let id = toscalar(new_guid()); range n from 1 to 9 step 1 | extend id | summarize count_distinct(id)";
    check(kql, "count_distinct_id\n1\n").await;
    // That the first rows come by chance is one in 10^28.
    let kql = "range n from 1 to 1000 step 1 | sample 10 | summarize rows = count(), is_first = max(n) == 10";
    check(kql, "rows,is_first\n10,false\n").await;
}

#[tokio::test]
async fn plugins_leave_the_columns_as_they_are() {
    let kql = format!(
        "{GATES} gates | sort by gate asc | evaluate rows_near(calls > 4, 1) | project-away calls"
    );
    check(&kql, "site,gate\nnorth,a\nnorth,b\nsouth,c\n").await;
}

#[tokio::test]
async fn a_subquery_in_braces_runs_for_each_key() {
    let kql = format!(
        "{GATES} range n from 3 to 5 step 1 | partition by n {{ gates | where calls == n }} | project gate | sort by gate asc"
    );
    check(&kql, "gate\na\nb\n").await;
}

#[tokio::test]
async fn an_array_expanded_under_its_own_name_is_the_subquerys() {
    let kql = "print site = 'north', calls = dynamic([3, 1]) \
        | mv-apply calls to typeof(long) on (summarize total = sum(calls))";
    check(kql, "site,total\nnorth,4\n").await;
    let kql = "print site = 'north', calls = dynamic([3, 1]) \
        | mv-apply call = calls to typeof(long) on (summarize total = sum(call))";
    check(kql, "site,calls,total\nnorth,\"[3,1]\",4\n").await;
}

const VISITS: &str = "let visits = datatable(who: string, at: long, gate: string)[\
    'x', 1, 'in', 'y', 2, 'in', 'x', 4, 'out', 'y', 9, 'in', 'y', 12, 'out'];";

#[tokio::test]
async fn a_scan_may_part_its_rows_itself() {
    let kql = format!(
        "{VISITS} visits | scan partition by who declare (since: long) with (\
            step arrived output=none: gate == 'in' => since = at; \
            step left: gate == 'out' => since = at - arrived.since;) \
         | project who, at, since | sort by who asc"
    );
    check(&kql, "who,at,since\nx,4,3\ny,12,3\n").await;
}

#[tokio::test]
async fn steps_of_a_sequence_have_their_names() {
    let kql = format!(
        "{VISITS} visits | evaluate sequence_detect(at, 5, 5, came = (gate == 'in'), went = gate == 'out', who) \
         | sort by who asc"
    );
    check(&kql, "who,came_at,went_at,Duration\nx,1,4,3\ny,9,12,3\n").await;
}

#[tokio::test]
async fn those_of_a_lookback_are_not_new() {
    let kql = format!(
        "{VISITS} let before = datatable(at: long, who: string)[0, 'x']; \
         visits | evaluate new_activity_metrics(who, at, 0, 19, 10, before) \
         | project from_at, to_at, dcount_new_values"
    );
    check(&kql, "from_at,to_at,dcount_new_values\n0,0,1\n0,10,0\n").await;
}

#[tokio::test]
async fn rows_may_be_shown_with_their_pattern() {
    let kql = "range n from 1 to 3 step 1 | extend text = strcat('gate ', n) \
        | reduce kind=source by text | sort by n asc";
    check(
        kql,
        "n,text,Pattern\n1,gate 1,gate *\n2,gate 2,gate *\n3,gate 3,gate *\n",
    )
    .await;
}

#[tokio::test]
async fn a_function_plays_with_chance_once_under_toscalar() {
    let kql = "let id = () { toscalar(new_guid()) }; print a = id, b = id | project a == b";
    check(kql, "Column1\ntrue\n").await;
}

#[tokio::test]
async fn patterns_of_names_mean_tables_of_the_database_too() {
    let fixture = fixture(&["10.0.0.1"]).await;
    let kql = "union database('any').ApiManagement*Logs | count";
    let given = answer_of(&fixture, Question::kql(kql), Format::Csv).await;
    assert_eq!(given.unwrap(), "Count\n1\n");
}
