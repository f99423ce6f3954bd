//! The redirection rules of a workload as the programs read them.
//!
//! Rules are switched whole: a new policy with its networks is written beside the old one under an
//! index of its own, then one word says which index is in force.

use crate::{Address, PortSet, assert_layout};

/// New connections are redirected at all.
pub const POLICY_ENABLED: u32 = 1 << 0;
/// IPv6 destinations are redirected too.
pub const POLICY_IPV6: u32 = 1 << 1;
/// While the proxy is down, connections go direct; otherwise they are refused.
pub const POLICY_BYPASS: u32 = 1 << 2;
/// [`Policy::ignored_uid`] holds.
pub const IGNORED_UID: u32 = 1 << 3;
/// [`Policy::ignored_gid`] holds.
pub const IGNORED_GID: u32 = 1 << 4;
/// The proxy is not ours: it has no heartbeat, and takes its ingress itself.
pub const EXTERNAL_PROXY: u32 = 1 << 5;

/// What a policy says beside its networks.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The configuration's generation, for people.
    pub generation: u64,
    /// [`POLICY_ENABLED`] and the other flags.
    pub flags: u32,
    /// Sockets of this user are left alone.
    pub ignored_uid: u32,
    /// Sockets of this group are left alone.
    pub ignored_gid: u32,
    /// Where the proxy takes egress.
    pub egress_port: u16,
    /// Where the proxy takes ingress.
    pub ingress_port: u16,
    /// How many networks it has in the trie.
    pub networks: u32,
    /// Always 0.
    pub padding: u32,
    /// Destination ports to leave alone.
    pub ignored_ports: PortSet,
    /// Local ports whose incoming connections go to the proxy.
    pub app_ports: PortSet,
}
assert_layout!(
    Policy, size 16416, align 8,
    flags at 8, egress_port at 20, networks at 24, ignored_ports at 32, app_ports at 8224,
);

impl Default for Policy {
    /// Redirects nothing.
    fn default() -> Self {
        Self {
            generation: 0,
            flags: 0,
            ignored_uid: 0,
            ignored_gid: 0,
            egress_port: 0,
            ingress_port: 0,
            networks: 0,
            padding: 0,
            ignored_ports: PortSet::EMPTY,
            app_ports: PortSet::EMPTY,
        }
    }
}

/// A network that a policy leaves alone: the data of a key of a longest-prefix trie. The policy
/// comes first, so one trie serves all of them, then the family, so that `::/0` holds no IPv4
/// address; the two count 64 bits of each prefix length.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NetworkKey {
    /// The policy's index.
    pub policy: u32,
    /// 4 or 6.
    pub family: u32,
    /// The network, v4 as v4-mapped.
    pub address: Address,
}
assert_layout!(NetworkKey, size 24, align 4, family at 4, address at 8);

/// The prefix length of a [`NetworkKey`] that asks for one address: all its bits.
pub const NETWORK_BITS: u32 = u32::BITS + u32::BITS + 128;

/// A network that is local to a workload's namespace, as [`NetworkKey`].
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LocalKey {
    /// The workload.
    pub workload: u32,
    /// The network, v4 as v4-mapped.
    pub address: Address,
}
assert_layout!(LocalKey, size 20, align 4, address at 4);

/// The prefix length of a [`LocalKey`] that asks for one address: all its bits.
pub const LOCAL_BITS: u32 = u32::BITS + 128;

/// Of [`OwnAddressKey::family`]: link-local addresses of IPv6 (`fe80::/10`), apart from all others.
pub const LINK_LOCAL: u32 = 0xfe80;

/// Asks for an address of the namespace on one interface: what a socket bound to that interface can
/// reach without leaving the host. It cannot reach the loopback addresses.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OwnAddressKey {
    /// The workload.
    pub workload: u32,
    /// The interface's index; 0, with [`LINK_LOCAL`] alone, for the only one with such an address.
    pub interface: u32,
    /// 4, 6 or [`LINK_LOCAL`].
    pub family: u32,
}
assert_layout!(OwnAddressKey, size 12, align 4, family at 8);

/// A port that is steered in a network namespace, to tell whose an accepted connection is.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SteeredKey {
    /// The namespace's cookie.
    pub netns: u64,
    /// The port.
    pub port: u16,
    /// Always 0.
    pub padding: [u16; 3],
}
assert_layout!(SteeredKey, size 16, align 8, port at 8);
