//! TCP sockets that the proxy accepts: takes over where redirected connections were going, and
//! records steered ones for their workload.

use aya_ebpf::bindings::{
    BPF_SOCK_OPS_HDR_OPT_LEN_CB, BPF_SOCK_OPS_PARSE_HDR_OPT_CB,
    BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB, BPF_SOCK_OPS_STATE_CB, bpf_sock_ops,
};
use ebpf_abi::{
    ESTABLISHED, PASSIVE, Socket, SteeredKey, UNSPECIFIED,
    verdict::{EGRESS, INGRESS, MATCHED, NO_SOCKET_STORAGE, REDIRECTED},
};
use ebpf_decide::Decision;

use crate::{
    context::tcp::Tcp,
    helpers::Sock,
    maps::{ORIGINS, SOCKETS, STEERED},
    track::{connection, counter, flow},
};

#[inline(always)]
pub(crate) fn event(context: *mut bpf_sock_ops) -> u32 {
    let tcp = Tcp::new(context);
    match tcp.event() {
        BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB => accepted(tcp),
        BPF_SOCK_OPS_STATE_CB => connection::change(tcp),
        BPF_SOCK_OPS_PARSE_HDR_OPT_CB => connection::segment_in(tcp),
        BPF_SOCK_OPS_HDR_OPT_LEN_CB => connection::segment_out(tcp),
        _ => {}
    }
    1
}

#[inline(always)]
fn accepted(tcp: Tcp) {
    let Some(sock) = tcp.sock() else {
        return;
    };
    let netns = tcp.netns_cookie();
    if let Some(mut origin) = flow::take(&flow::of_server(tcp, netns)) {
        let workload = origin.workload;
        if sock.storage_or_insert(&ORIGINS, &mut origin).is_none() {
            counter::lose(workload, EGRESS, NO_SOCKET_STORAGE);
        }
        return;
    }
    let steered = SteeredKey {
        netns,
        port: tcp.local_port(),
        padding: [0; 3],
    };
    // SAFETY: copied at once.
    if let Some(workload) = unsafe { STEERED.get(steered) }.copied() {
        record(tcp, sock, netns, workload);
    }
}

#[inline(always)]
fn record(tcp: Tcp, sock: Sock, netns: u64, workload: u32) {
    let mut socket = Socket {
        address: tcp.remote(),
        source: UNSPECIFIED,
        netns,
        port: tcp.remote_port(),
        padding: 0,
        verdict: REDIRECTED,
        reason: MATCHED,
        uid: u32::MAX,
        gid: u32::MAX,
        flags: PASSIVE | ESTABLISHED,
        peer_fin: 0,
        padding_at_end: 0,
    };
    counter::count(workload, INGRESS, Decision::redirected());
    match sock.storage_or_insert(&SOCKETS, &mut socket) {
        Some(socket) => connection::begin(tcp, workload, socket),
        None => counter::lose(workload, INGRESS, NO_SOCKET_STORAGE),
    }
}
