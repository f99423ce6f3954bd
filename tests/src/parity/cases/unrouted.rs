//! Times of services that a virtual node provides, which no route carries: those of a document of options.

use super::{
    UNTIL_CLOSED,
    request::{either, one, plain},
};
use crate::parity::case::{
    Bullet, Case, Client, Mesh, Own, Presence, Protocol, Reply, Step, Target, Unrouted, answer,
    owned,
};

/// Of one attempt, in milliseconds.
const TRY: u64 = 1500;
/// So long that the last of three attempts is under way when it is over.
const ALL_TRIES: u64 = 3 * TRY - 200;
/// Longer than any time here.
const LONG: u64 = 9000;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = times();
    cases.extend(connects());
    cases.extend(opaque());
    cases
}

fn case(name: String, own: Own, client: Client) -> Case {
    let case = Case::new(Bullet::Timeouts, name, Target::Own(own), client);
    case.mesh(Mesh::Retries).watch(UNTIL_CLOSED)
}

fn own(protocol: Protocol, per_try: Option<u64>) -> Own {
    let unrouted = Unrouted {
        per_try,
        connect: None,
    };
    Own {
        unrouted: Some(unrouted),
        ..Own::new(protocol)
    }
}

fn silence() -> Vec<Reply> {
    vec![Reply::Request, Reply::Pause(LONG)]
}

/// An answer whose body takes a while.
fn slow_body() -> Vec<Reply> {
    vec![
        Reply::Request,
        Reply::Head(200, owned(&[("content-length", "4")])),
        Reply::Data(b"ab".to_vec()),
        Reply::Pause(TRY + 1500),
        Reply::Data(b"cd".to_vec()),
        Reply::End,
    ]
}

fn times() -> Vec<Case> {
    let mut cases = Vec::new();
    for protocol in [Protocol::Http, Protocol::Http2, Protocol::Grpc] {
        let ways = [
            ("request", Some(TRY), None, None, silence()),
            (
                "request, and the body is slow",
                Some(TRY),
                None,
                None,
                slow_body(),
            ),
            ("no request time, idle", Some(0), Some(TRY), None, silence()),
            (
                "idle, and the body is slow",
                None,
                Some(TRY),
                None,
                slow_body(),
            ),
            ("try", None, None, Some(TRY), silence()),
            (
                "try, and the body is slow",
                None,
                None,
                Some(TRY),
                slow_body(),
            ),
            (
                "request over all tries",
                Some(ALL_TRIES),
                None,
                Some(TRY),
                silence(),
            ),
            (
                "request as long as a try",
                Some(TRY),
                None,
                Some(TRY),
                silence(),
            ),
        ];
        for (what, per_request, idle, per_try, replies) in ways {
            for (version, client) in either("GET", "/x", &[]) {
                let own = Own {
                    per_request,
                    idle,
                    ..own(protocol, per_try)
                };
                let name = format!("unrouted: {what}, {} by {version}", protocol.word());
                cases.push(case(name, own, client).replies(replies.clone()));
            }
        }
        let name = format!("unrouted: silent once, {}", protocol.word());
        let client = one(plain("GET", "/x", &[]));
        let once = case(name, own(protocol, Some(TRY)), client).replies(silence());
        cases.push(once.again(answer(200, &[], b"second\n")));
        // Without a retry policy there is one attempt, and Envoy has no place for its time.
        let late = [
            vec![Reply::Request, Reply::Pause(TRY + 1000)],
            answer(200, &[], b"late\n"),
        ];
        let own = Own {
            per_request: Some(LONG),
            ..own(protocol, Some(TRY))
        };
        let name = format!("unrouted: try without retries, {}", protocol.word());
        let client = one(plain("GET", "/x", &[]));
        cases.push(
            case(name, own, client)
                .mesh(Mesh::Web)
                .replies(late.concat()),
        );
    }
    cases
}

/// Nobody answers at all: the time of a connect decides who gives up first.
fn connects() -> Vec<Case> {
    let mut cases = Vec::new();
    for protocol in [Protocol::Http, Protocol::Http2] {
        for (what, per_request, connect) in [
            ("all of them within the request", 3500, 300),
            ("none of them within the request", 1500, LONG),
        ] {
            let own = Own {
                presence: Presence::Silent,
                per_request: Some(per_request),
                unrouted: Some(Unrouted {
                    per_try: None,
                    connect: Some(connect),
                }),
                ..Own::new(protocol)
            };
            let name = format!("unrouted: connects, {what}, {}", protocol.word());
            cases.push(case(name, own, one(plain("GET", "/x", &[]))));
        }
    }
    cases
}

fn opaque() -> Vec<Case> {
    let own = Own {
        idle: Some(400),
        ..own(Protocol::Tcp, None)
    };
    let client = Client::Tcp(vec![Step::Send(b"hello".to_vec())]);
    let replies = vec![
        Reply::Receive(5),
        Reply::Bytes(b"hello".to_vec()),
        Reply::Request,
    ];
    let quiet = case("unrouted: idle, tcp".to_owned(), own, client);
    vec![quiet.replies(replies).at_once()]
}
