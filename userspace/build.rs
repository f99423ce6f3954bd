//! Embeds the eBPF object into the daemon.
//!
//! The object comes from another compiler (`cargo xtask build` calls it), so this script only finds
//! it: where `FERROMESH_EBPF_OBJECT` says, else where `cargo xtask build` leaves it. With neither, the
//! daemon is built with an empty object, and says so when it is asked to run: every other command,
//! and every test that needs no kernel, works without.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

const VARIABLE: &str = "FERROMESH_EBPF_OBJECT";
const USUAL_PLACE: &str = "../target/ebpf/bpfel-unknown-none/release/ferromesh-ebpf";

fn main() {
    println!("cargo::rerun-if-env-changed={VARIABLE}");
    let named = env::var_os(VARIABLE).map(PathBuf::from);
    let usual = Path::new(&variable("CARGO_MANIFEST_DIR")).join(USUAL_PLACE);
    let source = named.as_deref().unwrap_or(&usual);
    println!("cargo::rerun-if-changed={}", source.display());

    let object = match fs::read(source) {
        Ok(object) => object,
        Err(error) if named.is_some() => {
            panic!("cannot read {VARIABLE}={}: {error}", source.display())
        }
        Err(_) => Vec::new(),
    };
    let copy = Path::new(&variable("OUT_DIR")).join("ferromesh-ebpf");
    fs::write(&copy, object)
        .unwrap_or_else(|error| panic!("cannot write {}: {error}", copy.display()));
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|error| panic!("cargo sets {name} for build scripts: {error}"))
}
