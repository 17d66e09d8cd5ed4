//! The directions between crates, read from their manifests.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn dependencies(manifest: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join(manifest)).unwrap();
    let manifest: toml::Table = text.parse().unwrap();
    manifest["dependencies"]
        .as_table()
        .unwrap()
        .keys()
        .cloned()
        .collect()
}

#[track_caller]
fn check(krate: &str, may_use: &[&str]) {
    let siblings = [
        "store",
        "ingest",
        "query",
        "kql",
        "kql-syntax",
        "kql-values",
        "alerts",
        "bartizan",
    ];
    let used = dependencies(&format!("{krate}/Cargo.toml"));
    let found: Vec<_> = siblings
        .into_iter()
        .filter(|sibling| used.contains(*sibling))
        .collect();
    assert_eq!(found, may_use, "{krate}");
}

#[test]
fn crates_depend_downwards_only() {
    check("store", &[]);
    check("ingest", &["store"]);
    check("query", &["store", "kql", "kql-values"]);
    check("query/kql", &["kql-syntax", "kql-values"]);
    check("query/kql/values", &["kql-syntax"]);
    check("query/kql/syntax", &[]);
    check("alerts", &["store", "query"]);
}

#[track_caller]
fn only_in(library: &str, homes: &[&str]) {
    let manifests = [
        "Cargo.toml",
        "store/Cargo.toml",
        "ingest/Cargo.toml",
        "query/Cargo.toml",
        "query/kql/Cargo.toml",
        "query/kql/syntax/Cargo.toml",
        "query/kql/values/Cargo.toml",
        "alerts/Cargo.toml",
    ];
    let users = manifests
        .into_iter()
        .filter(|manifest| dependencies(manifest).contains(library));
    assert_eq!(users.collect::<Vec<_>>(), homes, "{library}");
}

#[test]
fn a_library_that_shapes_a_layer_stays_in_it() {
    only_in("axum", &["Cargo.toml"]);
    only_in("datafusion", &["query/Cargo.toml", "query/kql/Cargo.toml"]);
    only_in("lettre", &["alerts/Cargo.toml"]);
    // The command line is a client of the API, `externaldata` of lists, alerts of webhooks.
    only_in("reqwest", &["Cargo.toml", "alerts/Cargo.toml"]);
    only_in("parquet", &["store/Cargo.toml"]);
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

pub(crate) fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in [
        "src",
        "store/src",
        "ingest/src",
        "query/src",
        "alerts/src",
        "tests",
    ] {
        rust_files(&root().join(folder), &mut found);
    }
    found.sort();
    found
}

#[test]
fn the_store_reaches_files_through_its_disk_only() {
    for path in sources() {
        let relative = path.strip_prefix(root()).unwrap().to_string_lossy();
        let is_seam = relative.starts_with("store/src/disk");
        if !relative.starts_with("store/src") || is_seam || relative.contains("tests") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for around in ["std::fs", "tokio::fs", "File::open", "File::create"] {
            // Other types may end in the same word.
            let is_used = text.match_indices(around).any(|(at, _)| {
                let before = text.as_bytes().get(at.wrapping_sub(1));
                !before.is_some_and(u8::is_ascii_alphanumeric)
            });
            assert!(!is_used, "{relative} uses {around}");
        }
    }
}

/// Words that write to a table in SQL.
const WRITES: [&str; 4] = [
    "insert into ",
    "update ",
    "delete from ",
    "insert or ignore into ",
];

/// Names of the tables that migrations create. The lake's own are many, and one stands for them.
fn tables() -> BTreeSet<String> {
    let mut tables = BTreeSet::from(["ducklake_data_file".to_owned()]);
    for entry in fs::read_dir(root().join("migrations/sqlite")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let names = text
            .lines()
            .filter_map(|line| line.strip_prefix("create table "));
        let names = names.map(|name| name.split(' ').next().unwrap().to_owned());
        tables.extend(names.filter(|name| !name.starts_with("ducklake_")));
    }
    assert!(tables.len() > 5, "{tables:?}");
    tables
}

#[test]
fn each_table_of_the_database_is_written_by_one_module() {
    for table in tables() {
        let mut writers = BTreeSet::new();
        for path in sources() {
            let relative = path
                .strip_prefix(root())
                .unwrap()
                .to_string_lossy()
                .into_owned();
            if relative.contains("tests") {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let writes = WRITES.iter().any(|verb| {
                let wanted = format!("{verb}{table}");
                text.match_indices(&wanted).any(|(at, _)| {
                    let behind = text
                        .as_bytes()
                        .get(at + wanted.len())
                        .copied()
                        .unwrap_or(b' ');
                    !(behind.is_ascii_alphanumeric() || behind == b'_')
                })
            });
            if writes {
                // A module may be spread over its own folder.
                let stem = relative.trim_end_matches(".rs");
                let module: Vec<_> = stem.split('/').take(3).collect();
                writers.insert(module.join("/"));
            }
        }
        assert_eq!(writers.len(), 1, "{table} is written by {writers:?}");
    }
}
