use std::io::Write as _;

use super::*;

fn hosts(texts: &[&str]) -> Result<Hosts, String> {
    let texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
    Hosts::from_texts(&texts)
}

fn fetch(reach: AddressReach) -> HttpFetch {
    let hosts = hosts(&[
        "raw.example.org",
        "lists.example.org:8443",
        "http://plain.example.org",
        "http://127.0.0.1:9000",
        "169.254.169.254",
    ]);
    HttpFetch::new(hosts.unwrap(), reach, Duration::from_secs(1))
}

#[test]
fn entries_are_hosts_and_nothing_more() {
    for text in [
        "raw.example.org",
        "a.example:8443",
        "http://[::1]:80",
        "https://a.example",
    ] {
        assert!(hosts(&[text]).is_ok(), "{text}");
    }
    for text in [
        "",
        "*",
        "*.example.org",
        "a.example/path",
        "a.example/",
        "user@a.example",
        "ftp://a.example",
        "file:///etc",
        "a example",
        "a.example?x",
    ] {
        assert!(hosts(&[text]).is_err(), "{text}");
    }
}

#[test]
fn an_address_is_asked_if_its_host_and_port_are_named() {
    let fetch = fetch(AddressReach::Public);
    #[track_caller]
    fn check(fetch: &HttpFetch, address: &str, refusal: Option<&str>) {
        match (fetch.check(address), refusal) {
            (Ok(()), None) => {}
            (Err(reason), Some(expected)) => assert!(reason.contains(expected), "{reason}"),
            (found, _) => panic!("{address}: {found:?}"),
        }
    }
    check(&fetch, "https://raw.example.org/a.csv?sig=x#y", None);
    check(&fetch, "https://RAW.example.org:443/a.csv", None);
    check(&fetch, "https://lists.example.org:8443/", None);
    check(&fetch, "http://plain.example.org/a", None);
    let unnamed = [
        "https://example.org/",
        "https://a.raw.example.org/",
        "https://raw.example.org.evil.example/",
        "https://raw.example.org./",
        "https://raw.example.org:8443/",
        "https://lists.example.org/",
        "http://raw.example.org/",
        "https://plain.example.org/",
        "https://evil.example/raw.example.org",
        "https://evil.example\\@raw.example.org/",
    ];
    for address in unnamed {
        check(&fetch, address, Some("query.externaldata.hosts"));
    }
    check(
        &fetch,
        "https://me@raw.example.org/",
        Some("user or password"),
    );
    check(
        &fetch,
        "https://raw.example.org/a.csv;key",
        Some("behind ';'"),
    );
    check(&fetch, "abfss://raw.example.org/a.csv", Some("no https"));
    check(&fetch, "file:///etc/passwd", Some("no https"));
    check(&fetch, "raw.example.org/a.csv", Some("read the address"));
}

#[test]
fn a_named_address_has_to_be_one_that_may_be_reached() {
    let address = "http://127.0.0.1:9000/a.csv";
    let refused = fetch(AddressReach::Public).check(address).unwrap_err();
    assert!(refused.contains("allow_private"), "{refused}");
    assert_eq!(fetch(AddressReach::Private).check(address), Ok(()));
    let metadata = "https://169.254.169.254/metadata";
    assert!(fetch(AddressReach::Private).check(metadata).is_err());
}

#[test]
fn what_is_refused_is_told_without_its_query() {
    let reason = fetch(AddressReach::Public).check("https://a.example/b.csv?sig=secret");
    assert!(!reason.unwrap_err().contains("secret"));
}

#[test]
fn a_gzip_file_is_opened_and_bounded() {
    let gzip = |plain: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(plain).unwrap();
        Bytes::from(encoder.finish().unwrap())
    };
    assert_eq!(plain(gzip(b"a,1\n"), 10).unwrap(), "a,1\n");
    assert_eq!(plain(gzip(&gzip(b"a,1\n")), 100).unwrap(), "a,1\n");
    assert_eq!(plain(Bytes::from_static(b"a,1\n"), 10).unwrap(), "a,1\n");
    let bomb = gzip(&vec![0; 1 << 20]);
    assert!(matches!(
        plain(bomb, 10_000),
        Err(BoundError::TooLarge { .. })
    ));
    let cut = gzip(b"a,1\n").slice(..12);
    assert!(matches!(plain(cut, 100), Err(BoundError::Corrupt { .. })));
}
