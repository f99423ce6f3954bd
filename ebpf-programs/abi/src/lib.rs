//! The types that the eBPF programs and the daemon share: keys and values of maps.
//!
//! Every type is `repr(C)` of fixed-width fields with its padding spelled out, so that both
//! compilers lay it out alike and no byte of a map key is undefined; sizes and offsets are asserted
//! beside each. A change of any layout is a new [`ABI_VERSION`], which is part of the path of pins.
#![no_std]
#![expect(
    clippy::inline_always,
    reason = "what the programs call must leave no call behind: calls cost stack, which is 512 bytes"
)]

mod address;
mod connection;
mod flow;
mod instance;
mod netns;
#[cfg(feature = "user")]
mod pod;
mod policy;
mod port_set;
mod trace;
pub mod verdict;

pub use address::{Address, LOOPBACK_V6, UNSPECIFIED, V4_MAPPED_WORD};
pub use connection::{
    Closed, Connection, ESTABLISHED, FIN_ACKNOWLEDGED, FIN_RECEIVED, FIN_SENT, PASSIVE,
    PEER_FIN_SEEN, Socket,
};
pub use flow::{FlowKey, Origin};
pub use instance::{
    Heartbeat, NEVER_SILENT, NameBytes, PathBytes, SWITCH_AS_CONFIGURED, SWITCH_OFF, SWITCH_ON,
    WorkloadRecord,
};
pub use netns::{LOOPBACK_DOWN, NetnsState};
pub use policy::{
    EXTERNAL_PROXY, IGNORED_GID, IGNORED_UID, LINK_LOCAL, LOCAL_BITS, LocalKey, NETWORK_BITS,
    NetworkKey, OwnAddressKey, POLICY_BYPASS, POLICY_ENABLED, POLICY_IPV6, Policy, SteeredKey,
};
pub use port_set::PortSet;
pub use trace::{Decided, Tracing};

/// The version of every layout in this crate.
pub const ABI_VERSION: u32 = 2;

/// Asserts the size and alignment of a type, and the offsets of the fields named.
macro_rules! assert_layout {
    ($type:ty, size $size:literal, align $align:literal $(, $field:ident at $offset:literal)* $(,)?) => {
        const _: () = {
            assert!(core::mem::size_of::<$type>() == $size);
            assert!(core::mem::align_of::<$type>() == $align);
            $(assert!(core::mem::offset_of!($type, $field) == $offset);)*
        };
    };
}
pub(crate) use assert_layout;
