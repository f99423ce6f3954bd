//! One module for each hook: what it does with what it sees.

pub(crate) mod connect;
pub(crate) mod names;
pub(crate) mod original_destination;
pub(crate) mod proxy_socket;
pub(crate) mod steer;
pub(crate) mod workload_socket;
