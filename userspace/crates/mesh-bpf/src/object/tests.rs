use std::{env, fs, path::Path};

use aya::maps::MapInfo;
use rustix::process::geteuid;

use super::{Globals, PROXY_HOOKS, WORKLOAD_HOOKS, load, load_once, load_program};
use crate::{
    maps, pins::Pins, preflight::is_bpf_file_system, settings::Limits, uninstall::uninstall,
};

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
    for map in maps::pinned(&Limits::default()) {
        let info = MapInfo::from_pin(pins.map(map.name)).unwrap();
        assert_eq!(info.map_type().unwrap(), map.kind.0, "{}", map.name);
    }
}

/// The object with another helper in the place of `bpf_skc_to_mptcp_sock`, one that no kernel has.
fn without_multipath(object: &[u8]) -> Vec<u8> {
    let call = |helper: u32| {
        let mut instruction = [0; 8];
        // BPF_JMP | BPF_CALL
        instruction[0] = 0x85;
        instruction[4..].copy_from_slice(&helper.to_le_bytes());
        instruction
    };
    let mut object = object.to_owned();
    let (instructions, _) = object.as_chunks_mut::<8>();
    let calls = instructions
        .iter_mut()
        .filter(|instruction| **instruction == call(196));
    let replaced = calls.map(|instruction| *instruction = call(9999)).count();
    assert!(replaced > 0, "nothing calls it");
    object
}

#[test]
fn a_kernel_that_has_a_helper_and_refuses_its_callers_is_asked_for_nothing_more() {
    let Some(object) = object() else { return };
    let refused = without_multipath(&object);
    let globals = Globals::of_this_kernel(&refused);
    assert!(!globals.multipath_sockets);
    assert_eq!(load_once(&refused).unwrap(), 10);
    let (own, without) = (Globals::of_this_kernel(&object), globals);
    assert_eq!(own.netns_cookies, without.netns_cookies);
}

/// An atomic operation that fetches needs Linux 5.12.
#[test]
fn counting_needs_no_newer_instruction() {
    let Some(object) = object() else { return };
    let (instructions, _) = object.as_chunks::<8>();
    // BPF_STX | BPF_ATOMIC | BPF_DW without an offset.
    let atomic = |operation: u32| {
        instructions
            .iter()
            .any(|one| one[0] == 0xdb && one[2..4] == [0; 2] && one[4..] == operation.to_le_bytes())
    };
    assert!(atomic(0), "nothing is counted atomically");
    // BPF_ADD and others with BPF_FETCH, BPF_XCHG, BPF_CMPXCHG.
    for newer in [0x01, 0x41, 0x51, 0xa1, 0xe1, 0xf1] {
        assert!(!atomic(newer), "{newer:#x}");
    }
}
