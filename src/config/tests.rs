use super::*;

#[track_caller]
fn check_error(text: &str, expected: &str) {
    let error = Config::from_text(text).unwrap_err().to_string();
    assert!(error.contains(expected), "gave {error}\nnot  {expected}");
}

#[test]
fn an_empty_file_is_a_complete_configuration() {
    let config = Config::from_text("").unwrap();
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.store.data, PathBuf::from("data"));
}

#[test]
fn an_error_names_key_and_line() {
    check_error(
        "[rules]\nlatness = '5s'\n",
        "line 2, column 1, rules.latness: unknown field `latness`",
    );
    check_error(
        "[rules]\nlateness = 'soon'\n",
        "line 2, column 12, rules.lateness: 'soon' is no duration",
    );
    check_error("listen = 'here'\n", "line 1, column 10, listen: ");
    check_error("[watchlists]\na = ['10.0.0.0/99']\n", "line 2");
    check_error(
        "[store]\nzstd_level = 23\n",
        "store.zstd_level: must be 1 to 22",
    );
    check_error(
        "[limits]\nrequests_per_second = 0\n",
        "limits.requests_per_second: must be at least 1",
    );
    check_error(
        "[query.externaldata]\nhosts = ['https://lists.example.org/a.csv']\n",
        "query.externaldata.hosts: 'https://lists.example.org/a.csv' is no host",
    );
    check_error(
        "[[receivers]]\nname = 'a'\n",
        "receivers.a: has neither email nor webhook",
    );
    check_error(
        "[[receivers]]\nname = 'a'\nemail = { to = ['a@example.org'] }\n",
        "the mail relay must be set",
    );
}

#[test]
fn an_address_beyond_loopback_needs_tls_or_a_flag() {
    check_error(
        "listen = '0.0.0.0:8080'\n",
        "setting listen: 0.0.0.0:8080 is reachable",
    );
    assert!(Config::from_text("listen = '0.0.0.0:8080'\nallow_insecure_listen = true\n").is_ok());
}

#[test]
fn a_secret_does_not_show() {
    let text = "[smtp]\nhost = 'h'\nfrom = 'a@example.org'\nusername = 'u'\npassword = 'hunter2'\n
        [[receivers]]\nname = 'a'\nwebhook = { url = 'https://example.org/?sig=hunter2', secret = 'whsec_hunter2' }\n";
    let config = Config::from_text(text).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn the_password_of_the_catalog_is_given_once_and_does_not_show() {
    check_error(
        "[store]\ncatalog = 'mysql://h/d'\n",
        "setting store.catalog: catalog address: must begin with postgres://",
    );
    check_error(
        "[store]\ncatalog_password = 'hunter2'\n",
        "store.catalog_password: is of use only with store.catalog",
    );
    check_error(
        "[store]\ncatalog = 'postgres://u@h/d'\ncatalog_password = 'a'\ncatalog_password_file = 'b'\n",
        "store.catalog_password: give it here or by",
    );
    check_error(
        "[store]\ncatalog = 'postgres://u@h/d'\ncatalog_password_file = 'no/such'\n",
        "no/such",
    );
    let text = "[store]\ncatalog = 'postgres://u:hunter2@h/d'\n";
    let shown = format!("{:?}", Config::from_text(text).unwrap());
    assert!(
        !shown.contains("hunter2") && shown.contains("postgres://h:5432/d"),
        "{shown}"
    );
}

#[test]
fn rows_are_kept_as_long_as_their_table_says() {
    let text =
        "[store.retention]\ndefault = '30d'\nazureactivity = 'forever'\n_Quarantine = '7d'\n";
    let kept = Config::from_text(text).unwrap().store.retention;
    let days = |count: u64| Some(Duration::from_hours(24 * count));
    assert_eq!(kept.of(store::Table::AzureActivity), None);
    assert_eq!(kept.of(store::Table::Quarantine), days(7));
    assert_eq!(kept.of(store::Table::SigninLogs), days(30));
    let kept = Config::from_text("").unwrap().store.retention;
    assert_eq!(kept.of(store::Table::SigninLogs), days(90));
    check_error(
        "[store.retention]\nApiLogs = '1d'\n",
        "setting store.retention.ApiLogs: no table has this name",
    );
    check_error(
        "[store.retention]\ndefault = 'never'\n",
        "'never' is neither a duration",
    );
    check_error(
        "[store.retention]\ndefault = '0s'\n",
        "must be longer than nothing",
    );
    check_error(
        "[store.compaction]\nfiles = 1\n",
        "store.compaction.files: must be at least 2",
    );
}
