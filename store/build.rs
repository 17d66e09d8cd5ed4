//! Makes a new migration file a reason to compile the crate that embeds them.

fn main() {
    println!("cargo::rerun-if-changed=../migrations/sqlite");
    println!("cargo::rerun-if-changed=../migrations/postgres");
}
