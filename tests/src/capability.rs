//! Whether this machine lets a privileged test run, and what it says when it does not.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use anyhow::{Context as _, Result};
use socket2::{Domain, Protocol, Socket, Type};

use crate::cgroup;

/// Where the file system of pinned programs belongs.
pub const BPFFS: &str = "/sys/fs/bpf";

/// Programs that the namespace ring runs.
const PROGRAMS: [&str; 7] = [
    "curl", "dnsmasq", "ip", "mount", "nginx", "nsenter", "unshare",
];

/// Whether a test of the namespace ring can run: root, a cgroup v2 hierarchy, the programs and a
/// built daemon. Says on standard error what is missing, and panics if `REQUIRE_PRIVILEGED=1`.
pub fn namespace_ring() -> bool {
    match missing() {
        Ok(()) => true,
        Err(need) => refused(&format!("{need:#}")),
    }
}

/// The Envoy that tests compare with, from `FERROMESH_ENVOY`; treated as [`namespace_ring`] treats
/// its needs if there is none.
pub fn envoy() -> Option<PathBuf> {
    let path = std::env::var_os("FERROMESH_ENVOY").map(PathBuf::from);
    let path = path.filter(|path| path.is_file());
    if path.is_none() {
        refused("Envoy 1.40: set FERROMESH_ENVOY to its binary; `cargo xtask test` does so");
    }
    path
}

/// The directory of grpcio, moto and websockets for Python, from `FERROMESH_PEERS`, else where
/// `cargo xtask setup` puts them; treated as [`namespace_ring`] treats its needs if there is none.
pub fn peers() -> Option<PathBuf> {
    let usual = || repository().join("target/tools/peers");
    let path = std::env::var_os("FERROMESH_PEERS").map_or_else(usual, PathBuf::from);
    let is_there = ["grpc", "moto", "websockets"]
        .iter()
        .all(|package| path.join(package).is_dir());
    if !is_there {
        refused("grpcio, moto and websockets: run `cargo xtask setup`");
    }
    is_there.then_some(path)
}

fn missing() -> Result<()> {
    anyhow::ensure!(rustix::process::geteuid().is_root(), "root");
    cgroup::mount_point()?;
    for program in PROGRAMS {
        find(program).with_context(|| format!("the program {program}"))?;
    }
    crate::daemon::binary()?;
    Ok(())
}

fn refused(need: &str) -> bool {
    assert!(
        std::env::var_os("REQUIRE_PRIVILEGED").is_none_or(|value| value != "1"),
        "REQUIRE_PRIVILEGED=1, but this test needs {need}"
    );
    eprintln!("SKIPPED (needs {need})");
    false
}

/// Whether this kernel has something that Ferromesh can do without and a test cannot, by the outcome
/// of a probe. Where `FERROMESH_TEST_MAY_LACK=1` says that older kernels are tried, the test is to end
/// and says what is lacking; elsewhere a lack is treated as [`namespace_ring`] treats its needs.
pub fn kernel_has(what: &str, has: bool) -> bool {
    let may_lack = std::env::var_os("FERROMESH_TEST_MAY_LACK").is_some_and(|value| value == "1");
    if !has && may_lack {
        eprintln!("{LACKING}{what}");
        return false;
    }
    has || refused(&format!("a kernel with {what}"))
}

/// What a line begins with that says what a kernel lacks.
pub const LACKING: &str = "LACKING ";

/// Whether the kernel knows Multipath TCP, as [`kernel_has`] says it.
pub fn multipath_tcp() -> bool {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::MPTCP));
    kernel_has("Multipath TCP (CONFIG_MPTCP)", socket.is_ok())
}

/// The first executable of that name in PATH and in the administrator's directories, which are
/// not in everybody's PATH.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|directory| directory.join(program))
        .find(|file| file.is_file())
}

/// The top of the repository, for its examples and its build products.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this crate lies in the repository")
}

/// Whether a test of the programs alone can run: root, a cgroup v2 hierarchy and the eBPF object.
/// Says what is missing as [`namespace_ring`] does.
pub fn bpf() -> bool {
    let missing = if !rustix::process::geteuid().is_root() {
        Some("root".to_owned())
    } else if let Err(error) = cgroup::mount_point() {
        Some(format!("{error:#}"))
    } else {
        ebpf_object().err().map(|error| format!("{error:#}"))
    };
    missing.is_none_or(|need| refused(&need))
}

/// The eBPF object that a static executable carries.
#[cfg(target_feature = "crt-static")]
const CARRIED: Option<&[u8]> =
    Some(include_bytes!(concat!(env!("OUT_DIR"), "/ferromesh-ebpf")).as_slice());
#[cfg(not(target_feature = "crt-static"))]
const CARRIED: Option<&[u8]> = None;

/// The eBPF object: the one that `FERROMESH_EBPF_OBJECT` names, else the one that this executable
/// carries, else the one that `cargo xtask build` left.
pub fn ebpf_object() -> Result<&'static [u8]> {
    static READ: OnceLock<&'static [u8]> = OnceLock::new();
    let named = std::env::var_os("FERROMESH_EBPF_OBJECT").map(PathBuf::from);
    if let (None, Some(carried)) = (&named, CARRIED) {
        return Ok(carried);
    }
    if let Some(read) = READ.get() {
        return Ok(read);
    }
    let usual = || repository().join("target/ebpf/bpfel-unknown-none/release/ferromesh-ebpf");
    let path = named.unwrap_or_else(usual);
    let object = std::fs::read(&path)
        .with_context(|| format!("the eBPF object {}; run: cargo xtask build", path.display()))?;
    Ok(READ.get_or_init(|| object.leak()))
}
