//! Everything that outlives a call of a program.
//!
//! All maps but the globals are pinned, and shared by all loads of one instance. Sizes here are
//! placeholders: the loader sets them. No map evicts: what is full refuses and is counted.

use aya_ebpf::{
    Global,
    btf_maps::{Array, HashMap, LpmTrie, PerCpuHashMap, RingBuf, SkStorage, SockMap},
    macros::btf_map,
};
use ebpf_abi::{
    Address, Connection, FlowKey, Heartbeat, LocalKey, NetnsState, NetworkKey, Origin,
    OwnAddressKey, Policy, Socket, SteeredKey, Tracing,
};

/// Of a hash map: entries are made when they are needed.
const NO_PREALLOC: usize = aya_ebpf::bindings::BPF_F_NO_PREALLOC as usize;

/// The workload that this load of the programs serves. Written by the loader; `sk_lookup` has no
/// other way to know.
#[unsafe(no_mangle)]
static WORKLOAD: Global<u32> = Global::new(0);

/// Whether `bpf_get_netns_cookie` works in `sock_ops` (Linux 5.15); without it, flows of different
/// namespaces are not told apart. Written by the loader.
#[unsafe(no_mangle)]
static NETNS_COOKIES: Global<u32> = Global::new(1);

/// Whether `bpf_skc_to_mptcp_sock` works in the connect hooks (Linux 5.19); without it, getpeername
/// and getsockname of Multipath TCP sockets show the proxy. Written by the loader.
#[unsafe(no_mangle)]
static MULTIPATH_SOCKETS: Global<u32> = Global::new(1);

/// The workload of this load.
#[inline(always)]
pub(crate) fn workload() -> u32 {
    WORKLOAD.load()
}

/// Whether every program can ask for the namespace's cookie.
#[inline(always)]
pub(crate) fn has_netns_cookies() -> bool {
    NETNS_COOKIES.load() != 0
}

/// Whether the connect hooks can ask for the socket of a Multipath TCP path.
#[inline(always)]
pub(crate) fn has_multipath_sockets() -> bool {
    MULTIPATH_SOCKETS.load() != 0
}

/// By workload: the heartbeat of its proxy. Written by the daemon several times a heartbeat, read by
/// the connect hooks and `sk_lookup`.
#[btf_map]
pub(crate) static HEARTBEATS: Array<Heartbeat, 1> = Array::new();

/// By workload: what an operator switched, `SWITCH_…`. Written by the command line, daemon or not, so
/// it has a map to itself; read by every decision.
#[btf_map]
pub(crate) static SWITCHES: Array<u32, 1> = Array::new();

/// By workload: the index of the policy in force, 0 for none. Written by the daemon as the last
/// step of a switch, read first and last by every decision.
#[btf_map]
pub(crate) static POLICY_IN_FORCE: Array<u32, 1> = Array::new();

/// By policy: its flags, owners and ports. Written whole by the daemon before the policy is in force,
/// removed when it no longer is.
#[btf_map]
pub(crate) static POLICIES: HashMap<u32, Policy, 1, NO_PREALLOC> = HashMap::new();

/// The ignored networks of a policy. Written and removed with their policy.
#[btf_map]
pub(crate) static NETWORKS: LpmTrie<NetworkKey, u32, 1> = LpmTrie::new();

/// By workload: networks that its namespace routes to itself. Kept current by the daemon.
#[btf_map]
pub(crate) static LOCAL_NETWORKS: LpmTrie<LocalKey, u32, 1> = LpmTrie::new();

/// By workload, interface and family: an address of the namespace's own on that interface, for
/// sockets bound to it. Kept current by the daemon.
#[btf_map]
pub(crate) static OWN_ADDRESSES: HashMap<OwnAddressKey, Address, 1, NO_PREALLOC> = HashMap::new();

/// By workload and prefix: the source that routing gives to what goes there, zeros for none. Kept
/// current by the daemon, read by the connect hooks.
#[btf_map]
pub(crate) static SOURCES: LpmTrie<LocalKey, Address, 1> = LpmTrie::new();

/// By workload: how its namespace reaches the proxy. Kept current by the daemon, read by the
/// connect hooks.
#[btf_map]
pub(crate) static NETNS_STATES: Array<NetnsState, 1> = Array::new();

/// By namespace and port: whose app port it is. Written by the daemon with the rules, read when the
/// proxy accepts.
#[btf_map]
pub(crate) static STEERED: HashMap<SteeredKey, u32, 1, NO_PREALLOC> = HashMap::new();

/// By workload and family: the proxy's ingress socket. Written by the daemon; the kernel removes a
/// socket that closes.
#[btf_map]
pub(crate) static LISTENERS: SockMap<1> = SockMap::new();

/// Of a workload's socket: where it was going and what was decided. Written by the connect hooks on
/// every connect and by `sock_ops`, read by getpeername and getsockname; dies with the socket.
#[btf_map]
pub(crate) static SOCKETS: SkStorage<Socket> = SkStorage::new();

/// Of a socket that the proxy accepted: where the connection was going. Written by `sock_ops`, read
/// by the getsockopt program and by the proxy; dies with the socket.
#[btf_map]
pub(crate) static ORIGINS: SkStorage<Origin> = SkStorage::new();

/// By 4-tuple: redirected connections on their way to the proxy. Written before the SYN, removed
/// when the proxy's end is established, at the latest when the connecting socket closes.
#[btf_map]
pub(crate) static FLOWS: HashMap<FlowKey, Origin, 1, NO_PREALLOC> = HashMap::new();

/// By socket cookie: live connections. Written when they begin, removed when they close.
#[btf_map]
pub(crate) static CONNECTIONS: HashMap<u64, Connection, 1, NO_PREALLOC> = HashMap::new();

/// Closing records ([`ebpf_abi::Closed`]), for one reader. Ring buffers have no type for their
/// records: libbpf refuses a definition with one.
#[btf_map]
pub(crate) static CLOSED: RingBuf<(), 4096> = RingBuf::new();

/// By workload, direction, verdict and reason: how often. Only ever counts up; removed with the
/// workload. A hash map, because most decisions are never taken and an array would hold them all for
/// each processor.
#[btf_map]
pub(crate) static COUNTERS: PerCpuHashMap<u32, u64, 1, NO_PREALLOC> = PerCpuHashMap::new();

/// Until when decisions are traced. Written by who watches, read by every decision; one entry.
#[btf_map]
pub(crate) static TRACING: Array<Tracing, 1> = Array::new();

/// Traced decisions ([`ebpf_abi::Decided`]), for one reader.
#[btf_map]
pub(crate) static TRACE: RingBuf<(), 4096> = RingBuf::new();
