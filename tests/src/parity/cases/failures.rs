//! Failures: services that are not there, that are slow, and that end what they began; each with its
//! status, its text and what the access log says of it.

use super::{
    UNTIL_CLOSED,
    request::{either, post2, with_body},
};
use crate::parity::{
    case::{Bullet, Case, Client, Own, Presence, Protocol, Reply, Step, Target, owned},
    http1::Kind,
};

const HTTP: [Protocol; 2] = [Protocol::Http, Protocol::Http2];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = absent();
    cases.extend(slow());
    cases.extend(broken());
    cases.extend(bodies());
    cases
}

fn case(name: String, own: Own, client: Client) -> Case {
    Case::new(Bullet::Failures, name, Target::Own(own), client).watch(UNTIL_CLOSED)
}

fn absent() -> Vec<Case> {
    let mut cases = Vec::new();
    for protocol in HTTP {
        for (what, presence) in [
            ("refused", Presence::Refuses),
            ("without address", Presence::Unknown),
            ("unreachable", Presence::Unreachable),
        ] {
            for method in ["GET", "HEAD", "OPTIONS", "DELETE"] {
                for (version, client) in either(method, "/x", &[]) {
                    let own = Own {
                        presence,
                        ..Own::new(protocol)
                    };
                    cases.push(case(
                        format!("{what}: {method} to {} by {version}", protocol.word()),
                        own,
                        client,
                    ));
                }
            }
        }
    }
    cases
}

/// Times that are far from each other, and from what a busy machine takes for anything.
fn slow() -> Vec<Case> {
    let begin = || {
        [
            Reply::Request,
            Reply::Head(200, owned(&[("content-length", "9")])),
            Reply::Data(b"ab".to_vec()),
        ]
    };
    let mut cases = Vec::new();
    for protocol in HTTP {
        for (what, per_request, idle) in [
            ("request", Some(2500), None),
            ("idle", None, Some(2500)),
            ("both", Some(5000), Some(2500)),
            ("idle longer", Some(2500), Some(5000)),
        ] {
            for (when, replies) in [
                ("before", vec![Reply::Request, Reply::Pause(7000)]),
                (
                    "within",
                    begin().into_iter().chain([Reply::Pause(7000)]).collect(),
                ),
                (
                    "not at all",
                    begin()
                        .into_iter()
                        .chain([
                            Reply::Pause(100),
                            Reply::Data(b"cdefghi".to_vec()),
                            Reply::End,
                        ])
                        .collect(),
                ),
            ] {
                for (version, client) in either("GET", "/x", &[]) {
                    let own = Own {
                        per_request,
                        idle,
                        ..Own::new(protocol)
                    };
                    let name = format!(
                        "{what} timeout {when} the answer of {} by {version}",
                        protocol.word()
                    );
                    cases.push(case(name, own, client).replies(replies.clone()));
                }
            }
        }
    }
    cases
}

fn broken() -> Vec<Case> {
    let within = |end: Reply| {
        vec![
            Reply::Request,
            Reply::Head(200, owned(&[("content-length", "9")])),
            Reply::Data(b"ab".to_vec()),
            Reply::Pause(60),
            end,
        ]
    };
    let mut cases = Vec::new();
    for protocol in HTTP {
        for (what, replies) in [
            ("closes before", vec![Reply::Request, Reply::Finish]),
            ("resets before", vec![Reply::Request, Reply::Reset]),
            ("closes within", within(Reply::Finish)),
            ("resets within", within(Reply::Reset)),
            ("gives up before", vec![Reply::Request, Reply::Cancel(2)]),
            ("gives up within", within(Reply::Cancel(2))),
        ] {
            for method in ["GET", "HEAD"] {
                for (version, client) in either(method, "/x", &[]) {
                    let name = format!("{what} {method} of {} by {version}", protocol.word());
                    cases.push(case(name, Own::new(protocol), client).replies(replies.clone()));
                }
            }
        }
        // Long enough after the connection that it is one, and has the request.
        for (what, reply) in [
            ("closes unread", Reply::Finish),
            ("resets unread", Reply::Reset),
        ] {
            for (version, client) in either("GET", "/x", &[]) {
                let name = format!("{what}, {} by {version}", protocol.word());
                cases.push(
                    case(name, Own::new(protocol), client)
                        .replies(vec![Reply::Pause(1500), reply.clone()])
                        .at_once(),
                );
            }
        }
    }
    cases
}

/// The same with a body under way.
fn bodies() -> Vec<Case> {
    let mut cases = Vec::new();
    let half = with_body("POST", "/x", &[("content-length", "9")], "abc");
    for protocol in HTTP {
        for (what, replies) in [
            (
                "answers early and closes",
                vec![
                    Reply::Head(413, owned(&[("connection", "close")])),
                    Reply::Data(b"no".to_vec()),
                    Reply::End,
                    Reply::Pause(60),
                    Reply::Finish,
                ],
            ),
            (
                "closes with a body under way",
                vec![Reply::Pause(60), Reply::Finish],
            ),
            (
                "resets with a body under way",
                vec![Reply::Pause(60), Reply::Reset],
            ),
        ] {
            if protocol == Protocol::Http2 && what.starts_with("answers") {
                continue;
            }
            let client = Client::Http1(vec![Step::Send(half.clone())], vec![Kind::Answer]);
            cases.push(
                case(
                    format!("{what}, {} by h1", protocol.word()),
                    Own::new(protocol),
                    client,
                )
                .replies(replies),
            );
        }
        for (presence, what) in [
            (Presence::Refuses, "refused"),
            (Presence::Unknown, "without address"),
        ] {
            let own = Own {
                presence,
                ..Own::new(protocol)
            };
            cases.push(case(
                format!("{what}: POST to {}", protocol.word()),
                own,
                post2("/x", &[], b"abc"),
            ));
            let bytes = with_body("POST", "/x", &[("content-length", "3")], "abc");
            let client = Client::Http1(vec![Step::Send(bytes)], vec![Kind::Answer]);
            cases.push(case(
                format!("{what}: POST to {} by h1", protocol.word()),
                own,
                client,
            ));
        }
        // The route's time begins with the end of the request.
        let own = Own {
            per_request: Some(2500),
            ..Own::new(protocol)
        };
        let steps = vec![
            Step::Send(half.clone()),
            Step::Pause(4000),
            Step::Send(b"defghi".to_vec()),
        ];
        let client = Client::Http1(steps, vec![Kind::Answer]);
        cases.push(case(
            format!("body that takes its time, {}", protocol.word()),
            own,
            client,
        ));
    }
    cases
}
