//! libFuzzer's way in, and every target in one program. `tests/fuzz` builds and runs it.
//!
//! The target is the one that `BARTIZAN_FUZZ_TARGET` names. With `BARTIZAN_FUZZ_SEEDS` the program writes the seeds of every target
//! into that folder, a folder for each, and ends.

#![no_main]

use std::path::Path;
use std::sync::OnceLock;
use std::{env, fs, process};

use ingest::fuzz::Target;
use libfuzzer_sys::fuzz_target;

/// Every target of every crate. One that is added here is built, run and listed.
fn targets() -> Vec<Target> {
    let mut targets = ingest::fuzz::targets();
    targets.extend([
        Target {
            name: "kql",
            seeds: kql_syntax::fuzz::seeds,
            check: kql_syntax::fuzz::check,
        },
        Target {
            name: "kql_functions",
            seeds: kql_values::fuzz::seeds,
            check: kql_values::fuzz::check,
        },
    ]);
    targets
}

/// libFuzzer calls with nothing but bytes.
static CHECK: OnceLock<fn(&[u8])> = OnceLock::new();

fn begin() {
    if let Ok(folder) = env::var("BARTIZAN_FUZZ_SEEDS") {
        write_seeds(Path::new(&folder));
        process::exit(0);
    }
    let name = env::var("BARTIZAN_FUZZ_TARGET").expect("BARTIZAN_FUZZ_TARGET names a target");
    let target = targets().into_iter().find(|target| target.name == name);
    let target = target.unwrap_or_else(|| panic!("there is no target {name}"));
    CHECK.set(target.check).expect("it is set once");
}

fn write_seeds(folder: &Path) {
    for target in targets() {
        let folder = folder.join(target.name);
        fs::create_dir_all(&folder).expect("create a folder for seeds");
        for (number, seed) in (target.seeds)().into_iter().enumerate() {
            fs::write(folder.join(format!("seed-{number}")), seed).expect("write a seed");
        }
    }
}

fuzz_target!(init: begin(), |bytes: &[u8]| {
    if let Some(check) = CHECK.get() {
        check(bytes);
    }
});
