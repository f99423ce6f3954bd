//! Puts the eBPF object into static executables, which run where there is no other file.
//!
//! The object comes from another compiler (`cargo xtask build` calls it) and is found as the tests
//! find it: where `FERROMESH_EBPF_OBJECT` says, else where that command leaves it. Other executables
//! read it when they run, so a new object needs no new build of them.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

const VARIABLE: &str = "FERROMESH_EBPF_OBJECT";
const USUAL_PLACE: &str = "../target/ebpf/bpfel-unknown-none/release/ferromesh-ebpf";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let features = env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
    if !features.split(',').any(|feature| feature == "crt-static") {
        return;
    }
    println!("cargo::rerun-if-env-changed={VARIABLE}");
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join(USUAL_PLACE);
    let source = env::var_os(VARIABLE).map_or(usual, PathBuf::from);
    println!("cargo::rerun-if-changed={}", source.display());
    let output = env::var_os("OUT_DIR").map(PathBuf::from);
    let copy = output.expect("cargo sets it").join("ferromesh-ebpf");
    fs::copy(&source, copy)
        .unwrap_or_else(|error| panic!("cannot embed {}: {error}", source.display()));
}
