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

/// What is written, and what is said of it.
const STOPS_ALL_WORK: [(&str, &str); 19] = [
    (
        "[log]\nfilter = '((('\n",
        "setting log.filter: '(((' is no filter",
    ),
    (
        "[limits]\nrequest_timeout = '0s'\n",
        "limits.request_timeout: must be at least 100ms",
    ),
    (
        "[limits]\nrecords = 0\n",
        "limits.records: must be at least 1",
    ),
    (
        "[limits]\nrecord_bytes = 0\n",
        "limits.record_bytes: must be at least 64 bytes",
    ),
    (
        "[limits]\nbody_bytes = 0\n",
        "limits.body_bytes: must be at least 64 bytes",
    ),
    (
        "[limits]\nbody_bytes = '2GiB'\n",
        "limits.body_bytes: must be at most 1 GiB",
    ),
    (
        "[limits]\ndecompressed_bytes = 0\n",
        "limits.decompressed_bytes: must be at least 64 bytes",
    ),
    (
        "[limits]\ningest_bytes_per_second = 0\n",
        "limits.ingest_bytes_per_second: must be at least 1 KiB",
    ),
    (
        "[limits]\ningest_concurrency = 0\n",
        "limits.ingest_concurrency: must be at least 1",
    ),
    ("[query]\nrows = 0\n", "query.rows: must be at least 1"),
    (
        "[query]\nconcurrency = 0\n",
        "query.concurrency: must be at least 1",
    ),
    (
        "[query]\nmemory_bytes = 0\n",
        "query.memory_bytes: must be at least 1 MiB",
    ),
    (
        "[query]\ntimeout = '0s'\n",
        "query.timeout: must be at least 10ms",
    ),
    (
        "[store]\nflush_interval = '0s'\n",
        "store.flush_interval: must be at least 10ms",
    ),
    (
        "[store]\nsegment_bytes = 0\n",
        "store.segment_bytes: must be at least 1 KiB",
    ),
    (
        "[store]\nwal_file_bytes = 0\n",
        "store.wal_file_bytes: must be at least 1 KiB",
    ),
    (
        "[rules]\ninterval = '0s'\n",
        "rules.interval: must be at least 10ms",
    ),
    (
        "[delivery]\ntimeout = '0s'\n",
        "delivery.timeout: must be at least 10ms",
    ),
    (
        "[delivery]\nretry_schedule = []\n",
        "delivery.retry_schedule: must have at least one",
    ),
];

#[test]
fn what_would_stop_all_work_is_refused_with_its_bound() {
    for (text, expected) in STOPS_ALL_WORK {
        check_error(text, expected);
    }
}

#[test]
fn both_files_of_tls_are_named_and_there() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let certificate = file.path().display();
    check_error(
        &format!("[tls]\ncertificate = '{certificate}'\n"),
        "setting tls.key: is missing",
    );
    check_error(
        "[tls]\nkey = 'k.pem'\n",
        "setting tls.certificate: is missing",
    );
    check_error(
        &format!("[tls]\ncertificate = '{certificate}'\nkey = 'no/such.pem'\n"),
        "setting tls.key: read no/such.pem: No such file",
    );
}

#[test]
fn sizes_have_units() {
    let text = "[limits]\nbody_bytes = '8 MiB'\ndecompressed_bytes = 9000000\n[quarantine]\nbytes = '2GB'\n";
    let config = Config::from_text(text).unwrap();
    assert_eq!(config.http.body_bytes_max, 8 << 20);
    assert_eq!(config.http.bounds.bytes_max, 9_000_000);
    assert_eq!(config.quarantine.table_bytes, 2_000_000_000);
    check_error(
        "[limits]\nbody_bytes = '8 megs'\n",
        "line 2, column 14, limits.body_bytes: '8 megs' is no size: write a number of bytes",
    );
    check_error(
        "[limits]\nbody_bytes = -1\n",
        "limits.body_bytes: -1 is no number of bytes",
    );
    check_error(
        "[limits]\nbody_bytes = 1.5\n",
        "expected a number of bytes, or a number and KiB",
    );
}
