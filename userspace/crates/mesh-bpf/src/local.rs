//! Which addresses are local to a network namespace, as routing sees it (`ip route show table local`).

use ipnet::IpNet;
use serde::Serialize;

use crate::BpfError;

/// One destination that is local to a network namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct LocalNetwork {
    /// An address as /32 or /128, or a whole network that is routed locally.
    pub network: IpNet,
    /// The index of the interface that holds it.
    pub interface: u32,
}

/// The local networks of the calling thread's network namespace.
pub fn networks() -> Result<Vec<LocalNetwork>, BpfError> {
    unimplemented!()
}
