//! The programs of the object: what they are called, where they belong, how they are loaded.

use aya::{
    Ebpf, EbpfLoader,
    programs::{Program, ProgramError, ProgramFd, ProgramType},
    sys::{BpfHelper, is_helper_supported},
};

use crate::{BpfError, maps, pins::Pins, settings::Limits, sys::AttachType};

/// What a program is attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Cgroup,
    Netns,
}

/// One program and its link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hook {
    /// Its name in the object.
    pub(crate) program: &'static str,
    /// The name of its link's pin.
    pub(crate) link: &'static str,
    pub(crate) attach_type: AttachType,
    pub(crate) place: Place,
}

const fn on_cgroup(program: &'static str, link: &'static str, attach_type: AttachType) -> Hook {
    Hook {
        program,
        link,
        attach_type,
        place: Place::Cgroup,
    }
}

/// The programs on the proxy's cgroup.
pub(crate) const PROXY_HOOKS: [Hook; 2] = [
    on_cgroup("on_proxy_socket", "sock_ops", AttachType::SockOps),
    on_cgroup("on_getsockopt", "getsockopt", AttachType::GetSockOpt),
];

/// The programs of a workload, in the order in which they are attached: what hands connections over
/// before what redirects them.
pub(crate) const WORKLOAD_HOOKS: [Hook; 8] = [
    on_cgroup("on_workload_socket", "sock_ops", AttachType::SockOps),
    on_cgroup("on_getpeername4", "getpeername4", AttachType::GetPeerName4),
    on_cgroup("on_getpeername6", "getpeername6", AttachType::GetPeerName6),
    on_cgroup("on_getsockname4", "getsockname4", AttachType::GetSockName4),
    on_cgroup("on_getsockname6", "getsockname6", AttachType::GetSockName6),
    Hook {
        program: "on_sk_lookup",
        link: "sk_lookup",
        attach_type: AttachType::SkLookup,
        place: Place::Netns,
    },
    on_cgroup("on_connect4", "connect4", AttachType::Connect4),
    on_cgroup("on_connect6", "connect6", AttachType::Connect6),
];

/// The programs of a workload in the order in which they are detached: what redirects goes before
/// what hands over.
pub(crate) fn detach_order() -> [Hook; 8] {
    let mut order = WORKLOAD_HOOKS;
    order.reverse();
    order
}

/// What one load of the object is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Globals {
    pub(crate) workload: u32,
    /// Whether the kernel tells `sock_ops` programs the cookie of the network namespace (Linux
    /// 5.15). Without it flows are told apart by their 4-tuple alone, so a proxy serves one
    /// namespace.
    pub(crate) netns_cookies: bool,
    /// Whether the kernel tells the connect hooks which Multipath TCP socket a path belongs to
    /// (Linux 5.19). Without it, getpeername and getsockname of such sockets show the proxy.
    pub(crate) multipath_sockets: bool,
}

impl Globals {
    /// What this kernel has of what the programs can do without, for workload 0.
    pub(crate) fn of_this_kernel(object: &[u8]) -> Self {
        let cookies =
            is_helper_supported(ProgramType::SockOps, BpfHelper::BPF_FUNC_get_netns_cookie);
        let multipath = is_helper_supported(
            ProgramType::CgroupSockAddr,
            BpfHelper::BPF_FUNC_skc_to_mptcp_sock,
        );
        let without = Self {
            workload: 0,
            // A probe that fails for another reason leaves the attempt to the load of the program
            // itself.
            netns_cookies: cookies.unwrap_or(true),
            multipath_sockets: false,
        };
        let with = Self {
            multipath_sockets: true,
            ..without
        };
        if multipath.unwrap_or(false) && with.connects(object) {
            with
        } else {
            without
        }
    }

    /// Whether the kernel takes the connect hooks so. One without `CONFIG_MPTCP` has the helper and
    /// refuses the programs that call it.
    fn connects(self, object: &[u8]) -> bool {
        let hooks = WORKLOAD_HOOKS.iter();
        let connect = hooks.filter(|hook| hook.program.starts_with("on_connect"));
        load_unpinned(object, self, connect)
            .inspect_err(|error| tracing::debug!("no names of Multipath TCP sockets: {error}"))
            .is_ok()
    }

    /// As the programs read them, in the order of [`loader`].
    fn words(self) -> [u32; 3] {
        [
            self.workload,
            u32::from(self.netns_cookies),
            u32::from(self.multipath_sockets),
        ]
    }
}

fn loader([workload, netns_cookies, multipath_sockets]: &[u32; 3]) -> EbpfLoader<'_> {
    let mut loader = EbpfLoader::new();
    loader
        .override_global("WORKLOAD", workload, true)
        .override_global("NETNS_COOKIES", netns_cookies, true)
        .override_global("MULTIPATH_SOCKETS", multipath_sockets, true);
    loader
}

/// Loads the object with its maps from their pins, and makes those that are missing. No program is
/// loaded yet.
pub(crate) fn load(
    object: &[u8],
    pins: &Pins,
    limits: &Limits,
    globals: Globals,
) -> Result<Ebpf, BpfError> {
    if object.is_empty() {
        return Err(BpfError::NoObject);
    }
    let words = globals.words();
    let mut loader = loader(&words);
    for map in maps::pinned(limits) {
        loader.map_pin_path(map.name, pins.map(map.name));
        if let Some(entries) = map.entries {
            loader.map_max_entries(map.name, entries);
        }
    }
    loader.load(object).map_err(BpfError::object)
}

/// Loads all programs as a workload's are, with maps of their own, which go with them when this
/// returns. Returns how many there were.
pub(crate) fn load_once(object: &[u8]) -> Result<usize, BpfError> {
    if object.is_empty() {
        return Err(BpfError::NoObject);
    }
    let hooks = PROXY_HOOKS.iter().chain(&WORKLOAD_HOOKS);
    load_unpinned(object, Globals::of_this_kernel(object), hooks)
}

fn load_unpinned<'a>(
    object: &[u8],
    globals: Globals,
    hooks: impl Iterator<Item = &'a Hook>,
) -> Result<usize, BpfError> {
    let mut ebpf = loader(&globals.words())
        .load(object)
        .map_err(BpfError::object)?;
    let mut count = 0;
    for hook in hooks {
        load_program(&mut ebpf, hook)?;
        count += 1;
    }
    Ok(count)
}

/// Loads one program into the kernel.
pub(crate) fn load_program<'a>(ebpf: &'a mut Ebpf, hook: &Hook) -> Result<&'a ProgramFd, BpfError> {
    let refused = BpfError::program(hook.program);
    let program = ebpf
        .program_mut(hook.program)
        .ok_or_else(|| refused(ProgramError::NotLoaded))?;
    match program {
        Program::CgroupSockAddr(program) => program.load(),
        Program::CgroupSockopt(program) => program.load(),
        Program::SkLookup(program) => program.load(),
        Program::SockOps(program) => program.load(),
        _ => Err(ProgramError::UnexpectedProgramType),
    }
    .map_err(refused)?;
    program.fd().map_err(refused)
}

#[cfg(test)]
mod tests;
