//! Where things are in the repository: what is built, what is installed, what is embedded.

use std::path::{Path, PathBuf};

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate is a folder of the repository")
}

/// Cargo's target directory. Fixed, because the path of the daemon in it is promised to people.
pub(crate) fn target() -> PathBuf {
    root().join("target")
}

/// Tools that `setup` installs for this repository alone.
pub(crate) fn tools() -> PathBuf {
    target().join("tools")
}

/// Cargo's target directory for the eBPF object, which another compiler builds.
pub(crate) fn ebpf_target() -> PathBuf {
    target().join("ebpf")
}

/// The eBPF object.
pub(crate) fn object() -> PathBuf {
    ebpf_target().join("bpfel-unknown-none/release/ferromesh-ebpf")
}

/// The daemon that is tested: built like the tests, it checks its arithmetic and its assertions.
pub(crate) fn tested_daemon() -> PathBuf {
    target().join("debug/ferromesh")
}

/// A program of the package `tests`, built with the tests.
pub(crate) fn test_program(name: &str) -> PathBuf {
    target().join("debug").join(name)
}

/// The release daemon.
pub(crate) fn daemon() -> PathBuf {
    target().join("release/ferromesh")
}

/// The tests that need nothing but a kernel.
pub(crate) fn static_tests() -> PathBuf {
    target().join("static-tests")
}

/// The unmodified Envoy that the tests and the demo put in our place.
pub(crate) fn envoy() -> PathBuf {
    tools().join("envoy/envoy/_bin/envoy")
}

/// The Python packages that hold RE2.
pub(crate) fn re2() -> PathBuf {
    tools().join("re2")
}

/// The guide's iptables script, restored from its print.
pub(crate) fn networking_script() -> PathBuf {
    root().join("tests/fixtures/envoy-networking.sh")
}

/// The Python packages of the peers in tests.
pub(crate) fn peers() -> PathBuf {
    tools().join("peers")
}

/// cargo-deny.
pub(crate) fn cargo_deny() -> PathBuf {
    tools().join("bin/cargo-deny")
}
