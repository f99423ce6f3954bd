//! Redirected connections on their way from the connecting socket to the accepted one.

use ebpf_abi::{FlowKey, Origin};

use crate::{context::tcp::Tcp, maps::FLOWS};

/// The flow of a connecting socket. `netns` is what the connect hook saw.
#[inline(always)]
pub(crate) fn of_client(tcp: Tcp, netns: u64) -> FlowKey {
    FlowKey {
        netns,
        client: tcp.local(),
        server: tcp.remote(),
        client_port: tcp.local_port(),
        server_port: tcp.remote_port(),
        padding: 0,
    }
}

/// The flow of an accepted socket.
#[inline(always)]
pub(crate) fn of_server(tcp: Tcp, netns: u64) -> FlowKey {
    FlowKey {
        netns,
        client: tcp.remote(),
        server: tcp.local(),
        client_port: tcp.remote_port(),
        server_port: tcp.local_port(),
        padding: 0,
    }
}

/// Says where a connection was going. False if the table is full: its proxy will then refuse it.
#[inline(always)]
pub(crate) fn begin(key: &FlowKey, origin: &Origin) -> bool {
    FLOWS.insert(key, origin, 0).is_ok()
}

/// Takes what [`begin`] left.
#[inline(always)]
pub(crate) fn take(key: &FlowKey) -> Option<Origin> {
    // SAFETY: copied at once; the only writer of this key is the socket that waits for this end.
    let origin = unsafe { FLOWS.get(key) }.copied()?;
    end(key);
    Some(origin)
}

/// Forgets a flow, if it was not taken.
#[inline(always)]
pub(crate) fn end(key: &FlowKey) {
    // It fails for a flow that was taken, as most are.
    let _ = FLOWS.remove(key);
}
