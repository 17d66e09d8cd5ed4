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
    let kql = "let id = toscalar(new_guid()); range n from 1 to 9 step 1 | extend id | summarize count_distinct(id)";
    check(kql, "count_distinct_id\n1\n").await;
    // That the first rows come by chance is one in 10^28.
    let kql = "range n from 1 to 1000 step 1 | sample 10 | summarize rows = count(), is_first = max(n) == 10";
    check(kql, "rows,is_first\n10,false\n").await;
}

#[tokio::test]
async fn a_subquery_in_braces_runs_for_each_key() {
    let kql = format!(
        "{GATES} range n from 3 to 5 step 1 | partition by n {{ gates | where calls == n }} | project gate | sort by gate asc"
    );
    check(&kql, "gate\na\nb\n").await;
}

#[tokio::test]
async fn a_function_plays_with_chance_once_under_toscalar() {
    let kql = "let id = () { toscalar(new_guid()) }; print a = id, b = id | project a == b";
    check(kql, "Column1\ntrue\n").await;
}
