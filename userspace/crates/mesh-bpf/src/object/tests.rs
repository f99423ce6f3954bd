use std::{env, fs, path::Path};

use rustix::process::geteuid;

use super::{Globals, PROXY_HOOKS, WORKLOAD_HOOKS, load, load_program};
use crate::{pins::Pins, preflight::is_bpf_file_system, settings::Limits, uninstall::uninstall};

const BPFFS: &str = "/sys/fs/bpf";

/// The eBPF object; none, said aloud, where it or the right to load it is missing.
fn object() -> Option<Vec<u8>> {
    let usual = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../target/ebpf/bpfel-unknown-none/release/ferromesh-ebpf"
    );
    let path = env::var("FERROMESH_EBPF_OBJECT").unwrap_or_else(|_| usual.to_owned());
    let is_able = geteuid().is_root() && is_bpf_file_system(Path::new(BPFFS));
    match fs::read(&path) {
        Ok(object) if is_able => Some(object),
        _ => {
            let need = format!("root, a BPF file system at {BPFFS} and the eBPF object {path}");
            let must = env::var_os("REQUIRE_PRIVILEGED").is_some_and(|value| value == "1");
            assert!(!must, "REQUIRE_PRIVILEGED=1, but this test needs {need}");
            eprintln!("SKIPPED (needs {need})");
            None
        }
    }
}

struct Uninstalled(String);

impl Drop for Uninstalled {
    fn drop(&mut self) {
        if let Err(error) = uninstall(Path::new(BPFFS), &self.0) {
            eprintln!("{error}");
        }
    }
}

/// Older kernels have no cookies for `sock_ops` and no Multipath TCP sockets for connect hooks; the programs must be accepted without as with.
#[test]
fn every_program_is_accepted_with_and_without_newer_helpers() {
    let Some(object) = object() else { return };
    let name = Uninstalled(format!("fm-object-{}", std::process::id()));
    let pins = Pins::new(Path::new(BPFFS), &name.0);
    crate::pins::create(&pins.maps()).unwrap();
    for has_helpers in [true, false] {
        let globals = Globals {
            workload: 1,
            netns_cookies: has_helpers,
            multipath_sockets: has_helpers,
        };
        let mut ebpf = load(&object, &pins, &Limits::default(), globals).unwrap();
        for hook in PROXY_HOOKS.iter().chain(&WORKLOAD_HOOKS) {
            load_program(&mut ebpf, hook).unwrap_or_else(|error| panic!("{error:?}"));
        }
    }
}
