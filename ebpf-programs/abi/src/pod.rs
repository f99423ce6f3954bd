//! The promise to aya that these types are plain bytes.
#![expect(unsafe_code, reason = "the promise is an unsafe trait")]

use aya::Pod;

use crate::{
    Closed, Connection, Decided, FlowKey, Heartbeat, LocalKey, NetnsState, NetworkKey, Origin,
    OwnAddressKey, Policy, Socket, SteeredKey, Tracing, WorkloadRecord,
};

macro_rules! plain_bytes {
    ($($type:ty),* $(,)?) => {
        $(
            // SAFETY: `repr(C)`, integers alone, no implicit padding: the field sizes add up to the
            // asserted size.
            unsafe impl Pod for $type {}
        )*
    };
}

plain_bytes!(
    Closed,
    Connection,
    Decided,
    FlowKey,
    Heartbeat,
    LocalKey,
    NetnsState,
    NetworkKey,
    Origin,
    OwnAddressKey,
    Policy,
    Socket,
    SteeredKey,
    Tracing,
    WorkloadRecord,
);
