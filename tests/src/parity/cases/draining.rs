//! Draining: what connections meet in which something is under way when the proxy drains, or that come or
//! ask only then. All cases meet the same drain. A client that has been told nothing leaves by itself, so
//! that it shows whether its connection was of use until then; single cases say what becomes of those that
//! stay.

mod bytes;
mod http1;
mod http2;

use crate::parity::{
    case::{Bullet, Case, Client, Mesh, Own, Pool, Protocol, Reply, Target},
    meshes::DRAINED_REQUEST,
};

/// Milliseconds for which whoever is told nothing is watched: longer than Ferromesh waits for a client that
/// may be about to ask, and shorter than the drain.
const WATCH: u64 = 4000;
/// Milliseconds for which clients stay that see the end of the drain.
const TO_THE_END: u64 = 20_000;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = http1::cases();
    cases.extend(http2::cases());
    cases.extend(bytes::cases());
    cases
}

/// A case of the application's calls.
fn egress(name: &str, protocol: Protocol, client: Client, replies: Vec<Reply>) -> Case {
    let name = format!("{}: {name}, egress", protocol.word());
    let own = Own {
        per_request: (protocol != Protocol::Tcp).then_some(DRAINED_REQUEST),
        ..Own::new(protocol)
    };
    let case = Case::new(Bullet::Draining, name, Target::Own(own), client);
    case.mesh(Mesh::Drained).replies(replies).watch(WATCH)
}

/// The same from outside.
fn ingress(name: &str, protocol: Protocol, client: Client, replies: Vec<Reply>) -> Case {
    let limits = &[];
    let target = Target::Pooled(Pool { protocol, limits });
    let name = format!("{}: {name}, ingress", protocol.word());
    let case = Case::new(Bullet::Draining, name, target, client);
    case.mesh(Mesh::Drained).replies(replies).watch(WATCH)
}

/// Both.
fn both(name: &str, protocol: Protocol, client: Client, replies: Vec<Reply>) -> [Case; 2] {
    [
        egress(name, protocol, client.clone(), replies.clone()),
        ingress(name, protocol, client, replies),
    ]
}

/// What a service does when it has the whole request and the proxy drains.
fn waiting(replies: Vec<Reply>) -> Vec<Reply> {
    [Reply::Request, Reply::Drain]
        .into_iter()
        .chain(replies)
        .collect()
}
