//! What must be there before anything is loaded, each with its own sentence.

use std::path::Path;

use aya::{
    programs::ProgramType,
    sys::{BpfHelper, is_helper_supported, is_map_supported, is_program_supported},
};
use rustix::{
    fs::statfs,
    mount::{MountFlags, mount},
    process::{Resource, Rlimit, setrlimit},
    thread::{CapabilitySet, capabilities},
};
use serde::Serialize;

use crate::{
    BpfError, cgroup, diag, maps,
    object::{self, Globals},
};

/// `BPF_FS_MAGIC`
const BPF_FILE_SYSTEM: i64 = 0xcafe_4a11;

/// The capabilities needed, each with what may stand in for it. Beside these, only the mount of a
/// BPF file system and workloads in other network namespaces (setns(2)) ask for `CAP_SYS_ADMIN`.
const CAPABILITIES: [(CapabilitySet, &str); 3] = [
    (
        CapabilitySet::BPF.union(CapabilitySet::SYS_ADMIN),
        "CAP_BPF",
    ),
    (CapabilitySet::NET_ADMIN, "CAP_NET_ADMIN"),
    // For arithmetic with pointers, which the verifier else takes for a leak to speculation.
    (
        CapabilitySet::PERFMON.union(CapabilitySet::SYS_ADMIN),
        "CAP_PERFMON",
    ),
];

/// The types of the programs, with the names that the kernel's documentation has for them.
const PROGRAM_TYPES: [(ProgramType, &str); 4] = [
    (ProgramType::CgroupSockAddr, "cgroup_sock_addr"),
    (ProgramType::SockOps, "sock_ops"),
    (ProgramType::CgroupSockopt, "cgroup_sockopt"),
    (ProgramType::SkLookup, "sk_lookup"),
];

/// Checks privileges, cgroup v2, the BPF file system (which is mounted if it can be) and the
/// kernel.
pub fn check(bpffs: &Path) -> Result<(), BpfError> {
    privileges()?;
    lift_memory_limit();
    cgroup::mount_point()?;
    bpf_file_system(bpffs)?;
    program_types()
}

fn privileges() -> Result<(), BpfError> {
    let missing = missing_capabilities()?;
    if missing.is_empty() {
        return Ok(());
    }
    Err(BpfError::NotPrivileged {
        missing: missing.join(", "),
    })
}

/// Before Linux 5.11 maps count as locked memory, of which a process may have little.
fn lift_memory_limit() {
    let unlimited = Rlimit {
        current: None,
        maximum: None,
    };
    if let Err(error) = setrlimit(Resource::Memlock, unlimited) {
        tracing::debug!("the limit of locked memory stays: {error}");
    }
}

fn bpf_file_system(path: &Path) -> Result<(), BpfError> {
    if is_bpf_file_system(path) {
        return Ok(());
    }
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("bpf", path, "bpf", flags, None).map_err(|error| BpfError::NoBpffs {
        path: path.to_owned(),
        source: error.into(),
    })
}

/// Whether a BPF file system is mounted there.
pub fn is_bpf_file_system(path: &Path) -> bool {
    #[expect(
        clippy::useless_conversion,
        reason = "the type of the field differs between architectures"
    )]
    statfs(path).is_ok_and(|found| i64::from(found.f_type) == BPF_FILE_SYSTEM)
}

fn program_types() -> Result<(), BpfError> {
    for (program_type, kind) in PROGRAM_TYPES {
        // A probe that fails for another reason leaves the answer to the load of the program
        // itself.
        if matches!(is_program_supported(program_type), Ok(false)) {
            return Err(BpfError::NoProgramType { kind });
        }
    }
    Ok(())
}

/// One thing that the programs need of the kernel, asked for by loading it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Probe {
    /// What, in a few words.
    pub what: String,
    /// Whether the kernel has it; none where the probe failed for another reason.
    pub has: Option<bool>,
    /// What becomes of redirection without it; none where nothing works then.
    pub without: Option<&'static str>,
}

/// Asks for each type of program and map, and for what is done without where it is missing. It needs
/// the capabilities that the daemon needs.
pub fn probes(object: &[u8]) -> Vec<Probe> {
    let programs = PROGRAM_TYPES.iter().map(|(kind, name)| Probe {
        what: format!("eBPF programs of type {name}"),
        has: is_program_supported(*kind).ok(),
        without: None,
    });
    let maps = maps::kinds().into_iter().map(|(kind, name)| Probe {
        what: format!("eBPF maps of type {name}"),
        has: is_map_supported(kind).ok(),
        without: None,
    });
    let cookies = is_helper_supported(ProgramType::SockOps, BpfHelper::BPF_FUNC_get_netns_cookie);
    let multipath = (!object.is_empty()).then(|| Globals::of_this_kernel(object).multipath_sockets);
    let spared = [
        (
            "the namespace's cookie in sock_ops (Linux 5.15)",
            cookies.ok(),
            "an instance serves the workloads of one network namespace",
        ),
        (
            "the Multipath TCP socket of a path in the connect hooks (Linux 5.19 with CONFIG_MPTCP)",
            multipath,
            "getpeername and getsockname of such sockets show the proxy",
        ),
        (
            "the end of a socket by another process (CONFIG_INET_DIAG_DESTROY)",
            diag::can_destroy().ok(),
            "strict closes nothing, and what a proxy that hangs holds hangs too",
        ),
    ];
    let spared = spared.into_iter().map(|(what, has, without)| Probe {
        what: what.to_owned(),
        has,
        without: Some(without),
    });
    programs.chain(maps).chain(spared).collect()
}

/// Loads every program of the object as the daemon would, attaches none and keeps nothing. The
/// first that the kernel refuses is the error.
pub fn load_once(object: &[u8]) -> Result<usize, BpfError> {
    lift_memory_limit();
    object::load_once(object)
}

/// The capabilities that the caller lacks, by name.
pub fn missing_capabilities() -> Result<Vec<&'static str>, BpfError> {
    let effective = capabilities(None)
        .map_err(|error| BpfError::ask("its capabilities")(error.into()))?
        .effective;
    Ok(CAPABILITIES
        .iter()
        .filter(|(any_of, _)| !effective.intersects(*any_of))
        .map(|(_, name)| *name)
        .collect())
}
