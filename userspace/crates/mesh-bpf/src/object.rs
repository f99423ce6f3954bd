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

/// What one load of the object is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Globals {
    pub(crate) workload: u32,
    pub(crate) netns_cookies: bool,
    pub(crate) multipath_sockets: bool,
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
    let netns_cookies = u32::from(globals.netns_cookies);
    let multipath_sockets = u32::from(globals.multipath_sockets);
    let mut loader = EbpfLoader::new();
    loader
        .override_global("WORKLOAD", &globals.workload, true)
        .override_global("NETNS_COOKIES", &netns_cookies, true)
        .override_global("MULTIPATH_SOCKETS", &multipath_sockets, true);
    for (name, size) in maps::sizes(limits) {
        loader.map_pin_path(name, pins.map(name));
        if let Some(size) = size {
            loader.map_max_entries(name, size);
        }
    }
    loader.load(object).map_err(BpfError::Object)
}

/// Loads all programs with maps of their own, which go with them when this returns. Returns how many
/// there were.
pub(crate) fn load_unpinned(object: &[u8]) -> Result<usize, BpfError> {
    if object.is_empty() {
        return Err(BpfError::NoObject);
    }
    let netns_cookies = u32::from(has_netns_cookies());
    let mut loader = EbpfLoader::new();
    loader.override_global("NETNS_COOKIES", &netns_cookies, true);
    let mut ebpf = loader.load(object).map_err(BpfError::Object)?;
    let hooks = PROXY_HOOKS.iter().chain(&WORKLOAD_HOOKS);
    for hook in hooks.clone() {
        load_program(&mut ebpf, hook)?;
    }
    Ok(hooks.count())
}

/// Loads one program into the kernel.
pub(crate) fn load_program<'a>(ebpf: &'a mut Ebpf, hook: &Hook) -> Result<&'a ProgramFd, BpfError> {
    let refused = |source| BpfError::Program {
        program: hook.program,
        source,
    };
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

/// Whether the kernel tells `sock_ops` programs the cookie of the network namespace (Linux 5.15).
/// Without it flows are told apart by their 4-tuple alone, so a proxy serves one namespace.
pub(crate) fn has_netns_cookies() -> bool {
    // A probe that fails for another reason leaves the attempt to the load of the program itself.
    is_helper_supported(ProgramType::SockOps, BpfHelper::BPF_FUNC_get_netns_cookie).unwrap_or(true)
}

/// Whether the kernel tells the connect hooks which Multipath TCP socket a path belongs to (Linux
/// 5.19). Without it, getpeername and getsockname of such sockets show the proxy.
pub(crate) fn has_multipath_sockets() -> bool {
    // Without a doubt only: a program that the kernel refuses would cost more than the names.
    is_helper_supported(
        ProgramType::CgroupSockAddr,
        BpfHelper::BPF_FUNC_skc_to_mptcp_sock,
    )
    .unwrap_or(false)
}

#[cfg(test)]
mod tests;
