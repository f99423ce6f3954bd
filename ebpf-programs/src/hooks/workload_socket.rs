//! TCP sockets of a workload: hands redirected connections over and records all of them.

use aya_ebpf::bindings::{
    BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB, BPF_SOCK_OPS_HDR_OPT_LEN_CB, BPF_SOCK_OPS_PARSE_HDR_OPT_CB,
    BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB, BPF_SOCK_OPS_STATE_CB, BPF_SOCK_OPS_TCP_CONNECT_CB,
    bpf_sock_ops,
};
use ebpf_abi::{
    ESTABLISHED, Origin, PASSIVE, Socket, UNSPECIFIED,
    verdict::{
        DIRECT, EGRESS, FLOW_TABLE_FULL, INGRESS, NO_SOCKET_STORAGE, PROXY_ABSENT, REDIRECTED,
        UNSEEN,
    },
};
use ebpf_decide::{Decision, address::is_link_local, ingress, ruling::Ruled};

use crate::{
    context::tcp::Tcp,
    maps::{SOCKETS, workload},
    policy::{self, Incoming},
    track::{connection, counter, flow, trace},
};

/// Of sockets that nobody of the workload connected.
const NOBODY: u32 = u32::MAX;

/// The return value is read for some events only, by the kernel's defaults; the reply is left
/// alone, which other programs on the way may have written.
#[inline(always)]
pub(crate) fn event(context: *mut bpf_sock_ops) -> u32 {
    let tcp = Tcp::new(context);
    match tcp.event() {
        BPF_SOCK_OPS_TCP_CONNECT_CB => connecting(tcp),
        BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB => connected(tcp),
        BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB => accepted(tcp),
        BPF_SOCK_OPS_STATE_CB => connection::change(tcp),
        BPF_SOCK_OPS_PARSE_HDR_OPT_CB => connection::segment_in(tcp),
        BPF_SOCK_OPS_HDR_OPT_LEN_CB => connection::segment_out(tcp),
        _ => {}
    }
    1
}

/// Before the SYN: source address and port are known.
#[inline(always)]
fn connecting(tcp: Tcp) {
    let Some(sock) = tcp.sock() else {
        return;
    };
    let mut unseen = Socket {
        address: tcp.remote(),
        source: UNSPECIFIED,
        netns: tcp.netns_cookie(),
        port: tcp.remote_port(),
        padding: 0,
        verdict: DIRECT,
        reason: UNSEEN,
        uid: NOBODY,
        gid: NOBODY,
        flags: 0,
        peer_fin: 0,
        padding_at_end: 0,
    };
    let Some(socket) = sock.storage_or_insert(&SOCKETS, &mut unseen) else {
        counter::lose(workload(), EGRESS, NO_SOCKET_STORAGE);
        return;
    };
    if socket.reason == UNSEEN {
        counter::count(workload(), EGRESS, Decision::direct(UNSEEN));
    }
    if socket.verdict == REDIRECTED {
        let origin = Origin {
            address: socket.address,
            port: socket.port,
            source_port: tcp.local_port(),
            workload: workload(),
            cookie: tcp.cookie(),
            source: connection::shown_source(tcp, socket),
            scope: if is_link_local(&socket.address) {
                sock.bound_interface()
            } else {
                0
            },
            padding: 0,
        };
        if !flow::begin(&flow::of_client(tcp, socket.netns), &origin) {
            counter::lose(workload(), EGRESS, FLOW_TABLE_FULL);
        }
    }
    connection::begin(tcp, workload(), socket);
}

#[inline(always)]
fn connected(tcp: Tcp) {
    if let Some(socket) = tcp.sock().and_then(|sock| sock.storage(&SOCKETS)) {
        socket.flags |= ESTABLISHED;
    }
}

/// The application's own listener took a connection, so nothing steered it.
#[inline(always)]
fn accepted(tcp: Tcp) {
    let Some(sock) = tcp.sock() else {
        return;
    };
    if let Some(socket) = sock.storage(&SOCKETS) {
        // Two ends that connected to each other at once (RFC 9293, 3.5), or one to itself: to the
        // kernel both are passive.
        socket.flags |= ESTABLISHED;
        return;
    }
    let remote = tcp.remote();
    let ruled = policy::decide(|_, policy| {
        ingress::decide(policy, &remote, tcp.local_port(), &Incoming { policy })
    });
    let decided = ruled.decision;
    let reason = if decided.verdict == DIRECT {
        decided.reason
    } else {
        // It would be steered now; it was not when it came.
        PROXY_ABSENT
    };
    let mut socket = Socket {
        address: remote,
        source: UNSPECIFIED,
        netns: tcp.netns_cookie(),
        port: tcp.remote_port(),
        padding: 0,
        verdict: DIRECT,
        reason,
        uid: NOBODY,
        gid: NOBODY,
        flags: PASSIVE | ESTABLISHED,
        peer_fin: 0,
        padding_at_end: 0,
    };
    let decision = Decision::direct(reason);
    counter::count(workload(), INGRESS, decision);
    trace::incoming(
        (&remote, tcp.remote_port()),
        (&tcp.local(), tcp.local_port()),
        Ruled { decision, ..ruled },
    );
    match sock.storage_or_insert(&SOCKETS, &mut socket) {
        Some(socket) => connection::begin(tcp, workload(), socket),
        None => counter::lose(workload(), INGRESS, NO_SOCKET_STORAGE),
    }
}
