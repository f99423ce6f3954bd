//! connect(2) of a workload: decides, remembers and rewrites the destination.

use aya_ebpf::{bindings::bpf_sock_addr, btf_maps::lpm_trie::Key};
use ebpf_abi::{
    Address, LOCAL_BITS, LocalKey, Socket, UNSPECIFIED,
    verdict::{BOUND_TO_DEVICE, DIRECT, EGRESS, NO_LOOPBACK, NO_SOCKET_STORAGE, REDIRECTED},
};
use ebpf_decide::{
    Decision,
    address::{is_link_local, is_unspecified},
    egress::{self, Attempt},
    ruling::Ruled,
    target::refusing,
};

use crate::{
    context::connect::Connect,
    helpers::{Sock, current_owner},
    maps::{SOCKETS, SOURCES, workload},
    policy::{self, Outgoing},
    target,
    track::{connection, counter, trace},
};

/// The connection goes on, to where the context then says.
const ALLOW: i32 = 1;
/// The connection ends here, with EPERM.
const DENY: i32 = 0;
/// Nothing can listen there, so whoever connects is refused at once.
const REFUSING_PORT: u16 = 0;

#[inline(always)]
pub(crate) fn v4(context: *mut bpf_sock_addr) -> i32 {
    let context = Connect::new(context);
    if !context.is_tcp() {
        return ALLOW;
    }
    let course = connect(context, context.v4(), Sock::local_v4);
    match course.turn {
        Turn::Unchanged => ALLOW,
        Turn::Denied => DENY,
        Turn::Elsewhere => {
            context.set_v4(&course.address);
            context.set_port(course.port);
            ALLOW
        }
    }
}

#[inline(always)]
pub(crate) fn v6(context: *mut bpf_sock_addr) -> i32 {
    let context = Connect::new(context);
    if !context.is_tcp() {
        return ALLOW;
    }
    let course = connect(context, context.v6(), Sock::local_v6);
    match course.turn {
        Turn::Unchanged => ALLOW,
        Turn::Denied => DENY,
        Turn::Elsewhere => {
            context.set_v6(&course.address);
            context.set_port(course.port);
            ALLOW
        }
    }
}

/// Where a connection goes. Address and port are there whatever the turn: as parts of an enum they
/// would be undefined where it has none, and the compiler reads them before it looks at the turn,
/// which verifiers before Linux 6.3 refuse.
struct Course {
    turn: Turn,
    address: Address,
    port: u16,
}

/// Whether a connection goes where it was going.
#[derive(Clone, Copy)]
enum Turn {
    /// It does.
    Unchanged,
    /// It goes to the address and port of its course.
    Elsewhere,
    /// It goes nowhere.
    Denied,
}

impl Course {
    /// A course that needs no address: that of the attempt stands in.
    #[inline(always)]
    fn of(turn: Turn, attempt: &Attempt) -> Self {
        Self {
            turn,
            address: attempt.address,
            port: attempt.port,
        }
    }

    #[inline(always)]
    fn to(address: Address, port: u16) -> Self {
        Self {
            turn: Turn::Elsewhere,
            address,
            port,
        }
    }
}

#[inline(always)]
fn connect(context: Connect, address: Address, local: impl Fn(Sock) -> Address) -> Course {
    let (uid, gid) = current_owner();
    let attempt = Attempt {
        address,
        port: context.port(),
        uid,
        gid,
    };
    let Some(sock) = context.sock() else {
        return Course::of(Turn::Unchanged, &attempt);
    };
    let mut egress_port = 0;
    let ruled = decide(context, &attempt, &mut egress_port);
    let mut decision = ruled.decision;
    let (mut course, bound) = course(sock, &attempt, &decision, egress_port);
    if bound {
        decision = Decision::refused(BOUND_TO_DEVICE);
    }
    let source = if decision.verdict == REDIRECTED {
        source(sock, local(sock), &attempt)
    } else {
        UNSPECIFIED
    };
    if !remember(context, sock, &attempt, source, decision) {
        if decision.verdict == REDIRECTED {
            decision = Decision::refused(NO_SOCKET_STORAGE);
            course.turn = Turn::Denied;
        } else {
            counter::lose(workload(), EGRESS, NO_SOCKET_STORAGE);
        }
    }
    counter::count(workload(), EGRESS, decision);
    trace::outgoing(&attempt, Ruled { decision, ..ruled });
    if matches!(course.turn, Turn::Denied) {
        connection::denied(context.cookie(), context.netns_cookie(), &attempt, decision);
    }
    course
}

/// Decides, and says on which port the policy's proxy takes egress. The port goes through memory:
/// as a part of the result the compiler leaves it undefined where it is not used and computes with
/// it there all the same, which the verifier refuses.
#[inline(always)]
fn decide(context: Connect, attempt: &Attempt, egress_port: &mut u16) -> Ruled {
    let port = core::cell::Cell::new(0);
    let ruled = policy::decide(|index, policy| {
        port.set(policy.egress_port);
        let lookups = Outgoing {
            context,
            index,
            policy,
        };
        egress::decide(policy, attempt, &lookups)
    });
    *egress_port = port.get();
    ruled
}

/// Where a connection goes by its decision, and whether it cannot because its socket is bound to an
/// interface: such a socket hangs on the loopback addresses, and reaches the proxy, or a refusal,
/// by an address of the namespace's own on that interface. So does one that dials a link-local
/// address, by a link-local one: the kernel binds it to the interface that it names as its scope,
/// which is how getpeername shows the scope too.
#[inline(always)]
fn course(sock: Sock, attempt: &Attempt, decision: &Decision, egress_port: u16) -> (Course, bool) {
    if decision.verdict == DIRECT {
        return (Course::of(Turn::Unchanged, attempt), false);
    }
    let is_redirected = decision.verdict == REDIRECTED;
    let port = if is_redirected {
        egress_port
    } else {
        REFUSING_PORT
    };
    if decision.reason == NO_LOOPBACK {
        // Nothing on the host would refuse it.
        return (Course::of(Turn::Denied, attempt), false);
    }
    let interface = sock.bound_interface();
    if interface == 0 && !is_redirected {
        return (Course::to(refusing(attempt), port), false);
    }
    if interface == 0 && !is_link_local(&attempt.address) {
        return (Course::to(target::of(attempt), port), false);
    }
    match target::own_address(interface, &attempt.address) {
        Some(own) => (Course::to(own, port), false),
        None => (Course::of(Turn::Denied, attempt), true),
    }
}

/// The source address that a redirected connection would have had: what its socket is bound to, else
/// what routing gives. Zeros if it gives none.
#[inline(always)]
fn source(sock: Sock, bound: Address, attempt: &Attempt) -> Address {
    if !is_unspecified(&bound) {
        return bound;
    }
    let interface = sock.bound_interface();
    if interface != 0 || is_link_local(&attempt.address) {
        return target::own_address(interface, &attempt.address).unwrap_or(UNSPECIFIED);
    }
    let key = LocalKey {
        workload: workload(),
        address: attempt.address,
    };
    let key = Key::new(LOCAL_BITS, key);
    SOURCES.get(&key).copied().unwrap_or(UNSPECIFIED)
}

/// Writes what was decided to the socket, over what an earlier connect of it left. False without
/// memory.
#[inline(always)]
fn remember(
    context: Connect,
    sock: Sock,
    attempt: &Attempt,
    source: Address,
    decision: Decision,
) -> bool {
    let mut socket = Socket {
        address: attempt.address,
        source,
        netns: context.netns_cookie(),
        port: attempt.port,
        padding: 0,
        verdict: decision.verdict,
        reason: decision.reason,
        uid: attempt.uid,
        gid: attempt.gid,
        flags: 0,
        peer_fin: 0,
        padding_at_end: 0,
    };
    // The application asks for names on another socket than the one that connects.
    if let Some(asked) = sock.multipath()
        && let Some(kept) = asked.storage_or_insert(&SOCKETS, &mut socket)
    {
        *kept = socket;
    }
    match sock.storage_or_insert(&SOCKETS, &mut socket) {
        Some(kept) => {
            *kept = socket;
            true
        }
        None => false,
    }
}
