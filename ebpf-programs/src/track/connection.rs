//! Connections from their beginning to their closing record.

use aya_ebpf::bindings::{
    BPF_RB_AVAIL_DATA, BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP,
    BPF_SOCK_OPS_PARSE_ALL_HDR_OPT_CB_FLAG, BPF_SOCK_OPS_STATE_CB_FLAG,
    BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG,
};
use aya_ebpf::helpers::generated::bpf_ringbuf_query;
use ebpf_abi::{
    Address, Closed, Connection, FIN_SENT, PASSIVE, PEER_FIN_SEEN, Socket, UNSPECIFIED,
    verdict::{CLOSED_BUFFER_FULL, CONNECTION_TABLE_FULL, EGRESS, INGRESS, REDIRECTED},
};
use ebpf_decide::{
    Decision,
    address::{is_unspecified, is_v4, mapped},
    bytes,
    egress::Attempt,
};

use crate::{
    context::tcp::Tcp,
    helpers::boot_ns,
    maps::{CLOSED, CONNECTIONS, SOCKETS, workload},
    track::{counter, flow},
};

/// The flag of a segment that ends its direction (RFC 9293, 3.1).
const FIN: u32 = 1;

/// How many bytes of closing records may wait before their reader is woken. It looks by itself a few
/// times a second; waking it for each record would cost a connection more than the rest of us does.
const WAKE_ABOVE: u64 = 64 * 1024;

/// Lists a connection as live, and asks for its changes of state.
#[inline(always)]
pub(crate) fn begin(tcp: Tcp, workload: u32, socket: &Socket) {
    let passive = socket.flags & PASSIVE != 0;
    let direction = if passive { INGRESS } else { EGRESS };
    let (remote, remote_port) = if passive {
        (tcp.remote(), tcp.remote_port())
    } else {
        (socket.address, socket.port)
    };
    let connection = Connection {
        began_ns: boot_ns(),
        netns: socket.netns,
        local: if passive {
            tcp.local()
        } else {
            shown_source(tcp, socket)
        },
        remote,
        local_port: tcp.local_port(),
        remote_port,
        workload,
        direction,
        verdict: socket.verdict,
        reason: socket.reason,
        uid: socket.uid,
        gid: socket.gid,
        flags: socket.flags,
    };
    if CONNECTIONS.insert(tcp.cookie(), connection, 0).is_err() {
        counter::lose(workload, direction, CONNECTION_TABLE_FULL);
    }
    tcp.also_tell(BPF_SOCK_OPS_STATE_CB_FLAG);
}

/// The source address of a connection out: of a redirected one, that which routing would have
/// given to it, where that is known.
#[inline(always)]
pub(crate) fn shown_source(tcp: Tcp, socket: &Socket) -> Address {
    if is_unspecified(&socket.source) {
        tcp.local()
    } else {
        socket.source
    }
}

/// Writes the closing record of a connection that ends in its connect hook: TCP never hears of it,
/// so there is no other event.
#[inline(always)]
pub(crate) fn denied(cookie: u64, netns: u64, attempt: &Attempt, decision: Decision) {
    let Some(mut record) = CLOSED.reserve_untyped::<Closed>(0) else {
        counter::lose(workload(), EGRESS, CLOSED_BUFFER_FULL);
        return;
    };
    let now = boot_ns();
    record.write(Closed {
        connection: Connection {
            began_ns: now,
            netns,
            local: if is_v4(&attempt.address) {
                mapped(0)
            } else {
                UNSPECIFIED
            },
            remote: attempt.address,
            local_port: 0,
            remote_port: attempt.port,
            workload: workload(),
            direction: EGRESS,
            verdict: decision.verdict,
            reason: decision.reason,
            uid: attempt.uid,
            gid: attempt.gid,
            flags: 0,
        },
        cookie,
        ended_ns: now,
        sent: 0,
        received: 0,
        rtt_us: 0,
        retransmits: 0,
    });
    record.submit(wake());
}

/// Follows a change of state.
#[inline(always)]
pub(crate) fn change(tcp: Tcp) {
    let Some(socket) = tcp.sock().and_then(|sock| sock.storage(&SOCKETS)) else {
        return;
    };
    let (from, to) = tcp.change();
    socket.flags |= bytes::flags_of_change(from, to);
    match to {
        // From here on FINs are told by their segments. Before, that would cost a call for each
        // segment; now few are left.
        bytes::state::FIN_WAIT1 => tcp
            .also_tell(BPF_SOCK_OPS_PARSE_ALL_HDR_OPT_CB_FLAG | BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG),
        bytes::state::LAST_ACK => tcp.also_tell(BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG),
        bytes::state::CLOSE => close(tcp, socket),
        _ => {}
    }
}

/// Looks at a segment that comes after the socket was closed, or half of it.
#[inline(always)]
pub(crate) fn segment_in(tcp: Tcp) {
    if tcp.segment_flags() & FIN == 0 {
        return;
    }
    let Some(end) = tcp.segment_end() else {
        return;
    };
    if let Some(socket) = tcp.sock().and_then(|sock| sock.storage(&SOCKETS)) {
        socket.peer_fin = end;
        socket.flags |= PEER_FIN_SEEN;
    }
}

/// Looks at a segment that leaves after the socket was closed, or half of it.
#[inline(always)]
pub(crate) fn segment_out(tcp: Tcp) {
    if tcp.segment_flags() & FIN == 0 {
        return;
    }
    if let Some(socket) = tcp.sock().and_then(|sock| sock.storage(&SOCKETS)) {
        socket.flags |= FIN_SENT;
    }
}

#[inline(always)]
fn close(tcp: Tcp, socket: &mut Socket) {
    if socket.verdict == REDIRECTED && socket.flags & PASSIVE == 0 {
        flow::end(&flow::of_client(tcp, socket.netns));
    }
    let cookie = tcp.cookie();
    // SAFETY: only this socket's events write or remove the entry, and they are one at a time.
    let Some(connection) = (unsafe { CONNECTIONS.get(cookie) }) else {
        return;
    };
    let (workload, direction) = (connection.workload, connection.direction);
    socket.flags |= bytes::at_end(socket.flags, &tcp.sequence(socket.peer_fin));
    match CLOSED.reserve_untyped::<Closed>(0) {
        Some(mut record) => {
            let mut connection = *connection;
            connection.flags = socket.flags;
            record.write(Closed {
                connection,
                cookie,
                ended_ns: boot_ns(),
                sent: bytes::sent(tcp.bytes_acked(), socket.flags),
                received: bytes::received(tcp.bytes_received(), socket.flags),
                rtt_us: tcp.rtt_us(),
                retransmits: tcp.retransmits(),
            });
            record.submit(wake());
        }
        None => counter::lose(workload, direction, CLOSED_BUFFER_FULL),
    }
    let _ = CONNECTIONS.remove(cookie);
}

/// Whether the reader of closing records is woken for this one.
#[inline(always)]
fn wake() -> u64 {
    let ring = core::ptr::from_ref(&CLOSED).cast_mut().cast();
    // SAFETY: the address of a map's definition is the map, and the helper only reads its state.
    let waiting = unsafe { bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA.into()) };
    if waiting > WAKE_ABOVE {
        BPF_RB_FORCE_WAKEUP.into()
    } else {
        BPF_RB_NO_WAKEUP.into()
    }
}
