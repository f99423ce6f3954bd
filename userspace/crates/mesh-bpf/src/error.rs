//! Why the kernel's side could not be set up, in the operator's words.

use std::{
    io,
    path::{Path, PathBuf},
};

use aya::{EbpfError, maps::MapError, programs::ProgramError};
use rustix::process::{Resource, getrlimit};

use crate::{maps, survey::attached::Attached};

/// What went wrong with programs, maps, links or cgroups. The message is one level deep; the cause
/// is the source.
#[derive(Debug, thiserror::Error)]
pub enum BpfError {
    /// The caller lacks capabilities.
    #[error("loading eBPF programs needs root, or the capabilities {missing}")]
    NotPrivileged {
        /// The missing ones, comma-separated.
        missing: String,
    },
    /// There is no cgroup v2.
    #[error(
        "no cgroup v2 hierarchy is mounted; boot with systemd.unified_cgroup_hierarchy=1, or: \
         mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 none /sys/fs/cgroup/unified"
    )]
    NoCgroup2,
    /// A path that should be a cgroup v2 directory is none.
    #[error("{} is no directory of the cgroup v2 hierarchy at {}", path.display(), mount.display())]
    NotACgroup {
        /// The path.
        path: PathBuf,
        /// Where the hierarchy is mounted.
        mount: PathBuf,
    },
    /// A program on the root cgroup would see every connection of the machine.
    #[error(
        "{} is the root of the cgroup hierarchy, which holds every process of the machine; name a \
         cgroup below it",
        path.display()
    )]
    RootCgroup {
        /// The path.
        path: PathBuf,
    },
    /// The proxy's own connections would be redirected to it.
    #[error(
        "the proxy's cgroup {} is inside the workload's cgroup {}; move it to a sibling",
        proxy.display(),
        workload.display()
    )]
    ProxyInWorkload {
        /// The proxy's cgroup.
        proxy: PathBuf,
        /// The workload's cgroup.
        workload: PathBuf,
    },
    /// A socket would be of two workloads, and its connections would be lost between them.
    #[error(
        "the cgroup {} is inside that of a workload, {}, or around it: `{other}` has it; give the \
         workloads cgroups beside each other",
        cgroup.display(),
        taken.display()
    )]
    WorkloadsOverlap {
        /// The cgroup that was asked for.
        cgroup: PathBuf,
        /// The cgroup of the other workload.
        taken: PathBuf,
        /// The name of the other workload.
        other: String,
    },
    /// There is no BPF file system and none could be mounted.
    #[error("no BPF file system is at {} and it cannot be mounted; run: mount -t bpf bpf {}",
        path.display(), path.display())]
    NoBpffs {
        /// Where it belongs.
        path: PathBuf,
        /// Why it could not be mounted.
        source: io::Error,
    },
    /// The kernel has no such program type.
    #[error("this kernel has no eBPF programs of type {kind}; Linux 5.10 or newer is needed")]
    NoProgramType {
        /// The type's name.
        kind: &'static str,
    },
    /// The daemon was built without the object.
    #[error("this build has no eBPF object in it; build with: cargo xtask build")]
    NoObject,
    /// A name that cannot be a directory of pins.
    #[error(
        "`{name}` cannot name an instance; use 1 to 63 letters, digits, hyphens and underscores"
    )]
    InstanceName {
        /// The name.
        name: String,
    },
    /// The instance has pins of another version.
    #[error(
        "instance {instance} is held by maps of version {found}, and this is version {own}; run: \
         ferromesh uninstall --instance {instance}"
    )]
    OtherVersion {
        /// The instance.
        instance: String,
        /// The version found.
        found: u32,
        /// This version.
        own: u32,
    },
    /// There is no such instance.
    #[error("no instance `{name}` on this kernel; name one with --instance")]
    NoInstance {
        /// The name.
        name: String,
    },
    /// There is no such workload.
    #[error(
        "no workload `{name}` is enrolled in instance {instance}; see: ferromesh status --instance \
         {instance}"
    )]
    NoWorkload {
        /// The name.
        name: String,
        /// The instance.
        instance: String,
    },
    /// A workload's id is above what the maps were made for.
    #[error(
        "workload id {id} is not below {limit}, the number of workloads that the maps hold; release \
         another workload"
    )]
    WorkloadId {
        /// The id.
        id: u32,
        /// The limit.
        limit: u32,
    },
    /// The object could not be loaded.
    #[error("cannot load the eBPF object; see what this kernel lacks with: ferromesh check")]
    Object(#[source] EbpfError),
    /// A program could not be loaded.
    #[error("the kernel refuses the program {program}; see what it lacks with: ferromesh check")]
    Program {
        /// The program.
        program: &'static str,
        /// Why.
        #[source]
        source: ProgramError,
    },
    /// A link could not be made or changed.
    #[error("cannot attach {program} to {}", target.display())]
    Attach {
        /// The program.
        program: &'static str,
        /// The cgroup or namespace.
        target: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another program has the place for itself: it was attached without `BPF_F_ALLOW_MULTI`.
    #[error(
        "cannot attach {program} to {}: {claim} is attached to {} for itself alone (without \
         BPF_F_ALLOW_MULTI); have its owner attach it by a link or with BPF_F_ALLOW_MULTI, or run: \
         bpftool cgroup detach {} {} id {}",
        target.display(),
        claim.place.display(),
        claim.place.display(),
        claim.hook,
        claim.first_id()
    )]
    Claimed {
        /// The program.
        program: &'static str,
        /// The cgroup.
        target: PathBuf,
        /// Who has it.
        claim: Attached,
        /// What the kernel said.
        source: io::Error,
    },
    /// A socket cannot be bound to an interface that is not there.
    #[error("there is no interface {name} in that network namespace; see: ip link")]
    NoInterface {
        /// Its name.
        name: String,
    },
    /// Decisions have one watcher at a time.
    #[error(
        "the decisions of instance {instance} are watched already; end the other `ferromesh trace`"
    )]
    Watched {
        /// The instance.
        instance: String,
    },
    /// A map could not be read or written.
    #[error("cannot {action} the map {map}")]
    Map {
        /// What was tried.
        action: &'static str,
        /// On which map.
        map: &'static str,
        /// Why not.
        #[source]
        source: MapError,
    },
    /// A map has no room for more.
    #[error(
        "the map {map} is full, which holds {}; take some away",
        maps::contents(map)
    )]
    Full {
        /// Which map.
        map: &'static str,
        /// What the kernel said.
        #[source]
        source: MapError,
    },
    /// Before Linux 5.11 maps and programs count as locked memory.
    #[error(
        "the process may not lock as much memory as this kernel counts for eBPF; give it \
         LimitMEMLOCK=infinity (ulimit -l unlimited) or CAP_SYS_RESOURCE, or boot Linux 5.11 or newer"
    )]
    LockedMemory(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A file or directory could not be used.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried: `open`, `create`, ….
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The kernel cannot end sockets.
    #[error(
        "this kernel cannot end sockets; build it with CONFIG_INET_DIAG_DESTROY=y, or leave strict out"
    )]
    NoDestroy,
    /// The kernel does not say in which cgroup a socket was made.
    #[error(
        "this kernel does not say in which cgroup a socket was made (INET_DIAG_CGROUP_ID); Linux 5.9 \
         or newer with CONFIG_SOCK_CGROUP_DATA is needed"
    )]
    NoSocketCgroups,
    /// The kernel did not answer a question about sockets, routes or namespaces.
    #[error("cannot ask the kernel for {what}")]
    Ask {
        /// For what.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
}

impl BpfError {
    /// For `map_err` on a file operation.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }

    /// For `map_err` on a map operation.
    pub(crate) fn map(action: &'static str, map: &'static str) -> impl FnOnce(MapError) -> Self {
        move |source| {
            if action == "write" && maps::is_full(&source) {
                return Self::Full { map, source };
            }
            Self::Map {
                action,
                map,
                source,
            }
        }
    }

    /// For `map_err` on a load of the object.
    pub(crate) fn object(source: EbpfError) -> Self {
        if lacks_locked_memory(&source) {
            return Self::LockedMemory(source.into());
        }
        Self::Object(source)
    }

    /// For `map_err` on a load of one program.
    pub(crate) fn program(program: &'static str) -> impl Fn(ProgramError) -> Self + Copy {
        move |source| {
            if lacks_locked_memory(&source) {
                return Self::LockedMemory(source.into());
            }
            Self::Program { program, source }
        }
    }

    /// For `map_err` on a question to the kernel.
    pub(crate) fn ask(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Ask { what, source }
    }
}

/// Whether the kernel refused with EPERM while the limit of locked memory holds: what else asks for
/// a capability was looked at before anything is loaded.
fn lacks_locked_memory(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut sources = std::iter::successors(Some(error), |error| error.source());
    let is_refused = sources.any(|error| {
        let error = error.downcast_ref::<io::Error>();
        error.and_then(io::Error::raw_os_error) == Some(libc::EPERM)
    });
    is_refused && getrlimit(Resource::Memlock).current.is_some()
}
