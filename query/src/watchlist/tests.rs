use arrow::array::AsArray as _;

use super::*;

fn list(csv: &str, search_key: Option<&str>) -> Result<Watchlist, WatchlistError> {
    Watchlist::from_csv("a", csv.as_bytes(), search_key, Timestamp::from_micros(1))
}

fn column(list: &Watchlist, name: &str) -> Vec<String> {
    let column = list.rows().column_by_name(name).unwrap();
    let texts = column.as_string::<i32>().iter();
    texts.map(|text| text.unwrap().to_owned()).collect()
}

#[track_caller]
fn refused(csv: &str, search_key: Option<&str>, reason: &str) {
    let error = list(csv, search_key).unwrap_err().to_string();
    assert!(error.contains(reason), "{error}");
}

#[test]
fn a_list_has_what_sentinel_gives_before_its_own_columns() {
    let list = list("\u{feff}Name, Role\nann,\"a, b\"\nbob,\n", Some("Role")).unwrap();
    let schema = list.rows().schema();
    let names: Vec<_> = schema.fields().iter().map(|field| field.name()).collect();
    let expected = [
        "_DTItemId",
        "LastUpdatedTimeUTC",
        "SearchKey",
        "Name",
        "Role",
    ];
    assert_eq!(names, expected);
    assert_eq!(column(&list, "SearchKey"), ["a, b", ""]);
    assert_eq!(column(&list, "Name"), ["ann", "bob"]);
    let ids = column(&list, "_DTItemId");
    assert_eq!(ids.iter().map(String::len).collect::<Vec<_>>(), [36, 36]);
    assert_ne!(ids.first(), ids.last());
}

#[test]
fn an_item_keeps_its_id_while_it_stays_the_same() {
    let first = list("Name\nann\nbob\n", None).unwrap();
    let second = list("Name\nann\neve\n", None).unwrap();
    let (first, second) = (column(&first, "_DTItemId"), column(&second, "_DTItemId"));
    assert_eq!(first.first(), second.first());
    assert_ne!(first.last(), second.last());
}

#[test]
fn lists_that_cannot_be() {
    refused("", None, "search key");
    refused("a,b\n1\n", None, "read the list as CSV");
    refused("a,a\n1,2\n", None, "twice");
    refused("a,\n1,2\n", None, "no name");
    refused("SearchKey\n1\n", None, "already");
    refused("a\n1\n", Some("b"), "no column 'b'");
    let long = format!("a\n{}", "x\n".repeat(LIST_BYTES_MAX));
    refused(&long, None, "longer than");
    let alias = Watchlist::from_csv("a b", b"a\n", None, Timestamp::from_micros(1));
    assert!(alias.unwrap_err().to_string().contains("alias 'a b'"));
}

#[test]
fn what_the_configuration_sets_is_a_list_of_addresses() {
    let networks = ["10.0.0.0/24", "192.0.2.7/32"].map(|text| text.parse().unwrap());
    let configured = BTreeMap::from([("own".to_owned(), networks.to_vec())]);
    let lists = Watchlists::new(&configured).unwrap();
    let workspace = Workspace::default();
    let set = lists.of(&workspace);
    let own = set.get("own").unwrap();
    assert_eq!(column(own, "IPAddress"), ["10.0.0.0/24", "192.0.2.7"]);
    assert_eq!(column(own, "SearchKey"), ["10.0.0.0/24", "192.0.2.7"]);
    assert!(own.has_address(&"10.0.0.9".parse().unwrap()));
    let other = Watchlist::from_csv("own", b"a\n", None, Timestamp::from_micros(1)).unwrap();
    assert!(lists.check(&workspace, &other).is_err());
}

#[test]
fn a_query_sees_the_lists_of_its_moment_and_workspace() {
    let lists = Watchlists::default();
    let workspace = Workspace::default();
    let before = lists.of(&workspace);
    lists.put(
        &workspace,
        list("Address\n2001:db8::/32\nx\n", None).unwrap(),
    );
    assert_eq!(before.rows("a").num_rows(), 0);
    assert_eq!(before.rows("a").num_columns(), 3);
    let after = lists.of(&workspace);
    assert_eq!(after.rows("a").num_rows(), 2);
    let found = after.get("a").unwrap();
    assert!(found.has_address(&"2001:db8::1".parse().unwrap()));
    assert!(!found.has_address(&"192.0.2.1".parse().unwrap()));
    let other = Workspace::new("other").unwrap();
    assert_eq!(lists.of(&other).rows("a").num_rows(), 0);
    lists.remove(&workspace, "a");
    assert!(lists.of(&workspace).get("a").is_none());
}
