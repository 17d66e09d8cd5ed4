//! One arrow, one DataFusion, one TLS provider in the tree.

use std::fs;

use crate::layers::root;

fn versions(package: &str) -> Vec<String> {
    let lock: toml::Table = fs::read_to_string(root().join("Cargo.lock"))
        .unwrap()
        .parse()
        .unwrap();
    let packages = lock["package"].as_array().unwrap();
    let found = packages
        .iter()
        .filter(|entry| entry["name"].as_str() == Some(package));
    found
        .map(|entry| entry["version"].as_str().unwrap().to_owned())
        .collect()
}

#[track_caller]
fn check(package: &str, count: usize) {
    let found = versions(package);
    assert_eq!(found.len(), count, "{package}: {found:?}");
}

#[test]
fn the_engine_is_there_once() {
    for package in [
        "arrow",
        "arrow-array",
        "arrow-schema",
        "parquet",
        "datafusion",
        "object_store",
        "sqlparser",
        "sqlx",
        "libsqlite3-sys",
    ] {
        check(package, 1);
    }
}

#[test]
fn tls_is_rustls_with_ring() {
    check("rustls", 1);
    check("ring", 1);
    for package in [
        "aws-lc-rs",
        "aws-lc-sys",
        "openssl",
        "openssl-sys",
        "native-tls",
        "cmake",
    ] {
        check(package, 0);
    }
}
