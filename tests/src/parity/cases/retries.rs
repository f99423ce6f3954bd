//! Retries: which end of an attempt is worth another, how many there are, what of the request goes along,
//! what the client gets, and which fields of a request change any of it.

mod bodies;
mod calls;
mod fields;

use super::request::{either, one, one2, plain};
use crate::parity::{
    case::{
        Bullet, Case, Client, Mesh, Own, Presence, Protocol, Reply, Retries, Step, Target, answer,
        owned,
    },
    http1::Kind,
};

const HTTP: [Protocol; 2] = [Protocol::Http, Protocol::Http2];

/// What App Mesh's documents call ends of attempts.
const SERVER_ERROR: Retries = Retries {
    max: 1,
    per_try: 0,
    http: &["server-error"],
    tcp: &[],
    grpc: &[],
};
const POLICIES: [(&str, Retries); 5] = [
    ("server-error", SERVER_ERROR),
    (
        "gateway-error",
        Retries {
            http: &["gateway-error"],
            ..SERVER_ERROR
        },
    ),
    (
        "client-error",
        Retries {
            http: &["client-error"],
            ..SERVER_ERROR
        },
    ),
    (
        "stream-error",
        Retries {
            http: &["stream-error"],
            ..SERVER_ERROR
        },
    ),
    (
        "connection-error",
        Retries {
            http: &[],
            tcp: &["connection-error"],
            ..SERVER_ERROR
        },
    ),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = events();
    cases.extend(unasked());
    cases.extend(limits());
    cases.extend(answers());
    cases.extend(unfinished());
    cases.extend(bodies::cases());
    cases.extend(calls::cases());
    cases.extend(fields::cases());
    cases.extend(connections());
    cases
}

fn case(name: String, own: Own, client: Client) -> Case {
    Case::new(Bullet::Retries, name, Target::Own(own), client).mesh(Mesh::Retries)
}

fn with(protocol: Protocol, retries: Retries) -> Own {
    Own {
        retries: Some(retries),
        ..Own::new(protocol)
    }
}

fn bad() -> Vec<Reply> {
    answer(503, &[("x-attempt", "failed")], b"not now\n")
}

/// Ends of a first attempt, and whether HTTP/2 alone has them.
fn ends() -> Vec<(&'static str, Vec<Reply>, bool)> {
    let status = |status| answer(status, &[], b"no\n");
    vec![
        ("500", status(500), false),
        ("503", status(503), false),
        ("504", status(504), false),
        ("509", status(509), false),
        ("409", status(409), false),
        ("404", status(404), false),
        ("close", vec![Reply::Request, Reply::Finish], false),
        ("reset", vec![Reply::Request, Reply::Reset], false),
        ("refusal", vec![Reply::Request, Reply::Cancel(7)], true),
        ("cancel", vec![Reply::Request, Reply::Cancel(2)], true),
        (
            "what is no answer",
            vec![Reply::Request, Reply::Bytes(b"nonsense\r\n\r\n".to_vec())],
            false,
        ),
    ]
}

fn events() -> Vec<Case> {
    let mut cases = Vec::new();
    for protocol in HTTP {
        for (policy, retries) in POLICIES {
            for (end, replies, _) in ends()
                .into_iter()
                .filter(|(_, _, of_http2)| !of_http2 || protocol == Protocol::Http2)
            {
                let (_, client) =
                    either("GET", "/x", &[])[usize::from(protocol == HTTP[1])].clone();
                let name = format!("{policy} after {end} of {}", protocol.word());
                cases.push(
                    case(name, with(protocol, retries), client)
                        .replies(replies)
                        .again(answer(200, &[("x-attempt", "second")], b"hello\n")),
                );
            }
            for (what, presence) in [
                ("refused", Presence::Refuses),
                ("silent", Presence::Silent),
                ("without address", Presence::Unknown),
            ] {
                let own = Own {
                    presence,
                    ..with(protocol, retries)
                };
                let name = format!("{policy} where it is {what}, {}", protocol.word());
                cases.push(case(name, own, one(plain("GET", "/x", &[]))));
            }
        }
    }
    cases
}

/// The policy that nobody asked for.
fn unasked() -> Vec<Case> {
    let mut cases = Vec::new();
    for protocol in HTTP {
        for (end, replies, of_http2) in ends() {
            if of_http2 && protocol == Protocol::Http {
                continue;
            }
            for (version, client) in either("GET", "/x", &[]) {
                let name = format!("unasked after {end} of {} by {version}", protocol.word());
                cases.push(
                    case(name, Own::new(protocol), client)
                        .replies(replies.clone())
                        .again(replies.clone())
                        .again(answer(200, &[], b"third\n")),
                );
                let name = format!("unasked, always {end} of {} by {version}", protocol.word());
                let (_, client) = either("GET", "/x", &[])[0].clone();
                if version == "h1" {
                    cases.push(case(name, Own::new(protocol), client).replies(replies.clone()));
                }
            }
        }
        for presence in [Presence::Refuses, Presence::Unreachable] {
            let own = Own {
                presence,
                ..Own::new(protocol)
            };
            let name = format!("unasked where {presence:?}, {}", protocol.word());
            cases.push(case(name, own, one(plain("GET", "/x", &[]))));
        }
    }
    cases
}

fn limits() -> Vec<Case> {
    let mut cases = Vec::new();
    for protocol in HTTP {
        for max in [0, 1, 2, 3, 5] {
            let own = with(
                protocol,
                Retries {
                    max,
                    ..SERVER_ERROR
                },
            );
            for method in ["GET", "HEAD", "DELETE"] {
                for (version, client) in either(method, "/x", &[]) {
                    let name = format!(
                        "{max} at most: {method} to {} by {version}",
                        protocol.word()
                    );
                    cases.push(case(name, own, client).replies(bad()));
                }
            }
        }
    }
    cases
}

/// Answers that are not the client's, and those that are.
fn answers() -> Vec<Case> {
    let failed = |body: Vec<Reply>| {
        let begin = vec![Reply::Request, Reply::Head(503, owned(&[]))];
        [begin, body, vec![Reply::End]].concat()
    };
    let interim = |status, fields: &[(&str, &str)]| {
        [
            vec![Reply::Request, Reply::Head(status, owned(fields))],
            bad(),
        ]
        .concat()
    };
    let data = |bytes: &[u8]| Reply::Data(bytes.to_vec());
    let firsts = [
        ("empty", answer(503, &[], b"")),
        ("of no length", answer(503, &[("content-length", "0")], b"")),
        ("in pieces", failed(vec![data(b"a"), data(b"b")])),
        (
            "never ending",
            vec![
                Reply::Request,
                Reply::Head(503, owned(&[("content-length", "9")])),
                data(b"abc"),
                Reply::Pause(3000),
            ],
        ),
        (
            "of somebody who has enough",
            answer(503, &[("x-envoy-ratelimited", "true")], b"no"),
        ),
        (
            "of somebody overloaded",
            answer(503, &[("x-envoy-overloaded", "true")], b"no"),
        ),
        ("with a field", answer(503, &[("retry-after", "1")], b"no")),
        ("behind 103", interim(103, &[("link", "</a>")])),
        ("behind 100", interim(100, &[])),
    ];
    let mut cases = Vec::new();
    for protocol in HTTP {
        for (name, replies) in &firsts {
            let (_, client) = either("GET", "/x", &[])[usize::from(protocol == HTTP[1])].clone();
            cases.push(
                case(
                    format!("answer {name} of {}", protocol.word()),
                    with(protocol, SERVER_ERROR),
                    client,
                )
                .replies(replies.clone()),
            );
        }
        // It is through as far as the client can see.
        let within = [
            Reply::Request,
            Reply::Head(200, owned(&[("content-length", "9")])),
            data(b"ab"),
            Reply::Pause(60),
            Reply::Reset,
        ];
        let name = format!("answer that breaks off, of {}", protocol.word());
        let client = one2("GET", "/x", &[]);
        cases.push(case(name, with(protocol, SERVER_ERROR), client).replies(within.to_vec()));
    }
    let upgrade = plain(
        "GET",
        "/x",
        &[("connection", "upgrade"), ("upgrade", "websocket")],
    );
    let switched = vec![
        Reply::Request,
        Reply::Head(
            101,
            owned(&[("connection", "upgrade"), ("upgrade", "websocket")]),
        ),
        data(b"x"),
        Reply::Pause(500),
    ];
    cases.push(
        case(
            "answer to an upgrade".to_owned(),
            with(Protocol::Http, SERVER_ERROR),
            one(upgrade),
        )
        .replies(bad())
        .again(switched),
    );
    cases
}

/// The client was told that an answer comes, and none does.
fn unfinished() -> Vec<Case> {
    let mut cases = Vec::new();
    for protocol in HTTP {
        let broken = ends().into_iter().skip_while(|(end, ..)| *end != "close");
        for (end, mut replies, of_http2) in broken {
            if of_http2 && protocol == Protocol::Http {
                continue;
            }
            replies.insert(1, Reply::Head(103, owned(&[("link", "</a>")])));
            let (_, client) = either("GET", "/x", &[])[usize::from(protocol == HTTP[1])].clone();
            let name = format!("{end} behind 103 of {}", protocol.word());
            cases.push(
                case(name, with(protocol, SERVER_ERROR), client)
                    .replies(replies)
                    .again(answer(200, &[("x-attempt", "second")], b"hello\n")),
            );
        }
    }
    cases
}

/// What is left of connections.
fn connections() -> Vec<Case> {
    let next = |path: &str| Step::Send(plain("GET", path, &[]));
    let steps = vec![next("/x"), Step::Await("hello"), next("/x")];
    let mut cases = Vec::new();
    // Other policies name no such end: what Ferromesh does then Envoy does not.
    for (policy, retries) in &POLICIES[..2] {
        let client = Client::Http1(steps.clone(), vec![Kind::Answer; 2]);
        cases.push(
            case(
                format!("connection that ends with its second request, {policy}"),
                with(Protocol::Http, *retries),
                client,
            )
            .again(vec![Reply::Request, Reply::Finish])
            .again(answer(200, &[], b"third\n")),
        );
    }
    for protocol in HTTP {
        for (what, reply) in [("closes", Reply::Finish), ("resets", Reply::Reset)] {
            let name = format!("connection that {what} unread, {}", protocol.word());
            let client = one(plain("GET", "/x", &[]));
            cases.push(
                case(name, with(protocol, SERVER_ERROR), client)
                    .replies(vec![Reply::Pause(1500), reply])
                    .at_once(),
            );
        }
    }
    cases
}
