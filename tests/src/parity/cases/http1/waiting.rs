//! Clients that wait for leave: to go on in another protocol, and to send their body.

use super::UNTIL_CLOSED;
use crate::parity::{
    case::{Bullet, Case, Client, Protocol, Reply, Step, answer, owned},
    cases::{
        request::{own, plain},
        websocket::{accepted, asked, echoing, opened},
    },
    http1::Kind,
};

#[expect(clippy::too_many_lines, reason = "a table of cases")]
pub(super) fn upgrades() -> Vec<Case> {
    let ask = || Step::Send(asked());
    let kinds = || vec![Kind::Answer];
    let ways: Vec<(&str, Vec<Step>, Vec<Reply>)> = vec![
        ("echo", [opened(), vec![Step::Finish]].concat(), echoing()),
        (
            "service first",
            vec![
                ask(),
                Step::Await("welcome"),
                Step::Send(b"x".to_vec()),
                Step::Await("welcomex"),
                Step::Finish,
            ],
            vec![
                Reply::Request,
                accepted(),
                Reply::Bytes(b"welcome".to_vec()),
                Reply::Echo,
            ],
        ),
        (
            "bytes behind",
            vec![
                Step::Send([asked(), b"early".to_vec()].concat()),
                Step::Await("early"),
                Step::Finish,
            ],
            echoing(),
        ),
        ("refused", vec![ask()], answer(400, &[], b"no")),
        (
            "answered 200",
            vec![ask()],
            // In one packet: a connection that is closed ahead of its body would be reset.
            vec![
                Reply::Request,
                Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nplain".to_vec()),
            ],
        ),
        (
            "service finishes",
            vec![ask()],
            vec![
                Reply::Request,
                accepted(),
                Reply::Bytes(b"bye".to_vec()),
                Reply::Pause(50),
                Reply::Finish,
            ],
        ),
        (
            "service resets",
            vec![ask()],
            vec![
                Reply::Request,
                accepted(),
                Reply::Bytes(b"bye".to_vec()),
                Reply::Pause(50),
                Reply::Reset,
            ],
        ),
        (
            "client resets",
            vec![ask(), Step::Await("101"), Step::Reset],
            echoing(),
        ),
        (
            "service closes before",
            vec![ask()],
            vec![Reply::Request, Reply::Finish],
        ),
    ];
    let mut cases = Vec::new();
    for (name, steps, replies) in ways {
        let client = Client::Http1(steps, kinds());
        let case = Case::new(
            Bullet::Http1,
            format!("websocket {name}"),
            own(Protocol::Http),
            client,
        );
        cases.push(case.replies(replies).watch(UNTIL_CLOSED));
    }
    for (name, fields) in [
        (
            "in capitals",
            [("Connection", "UPGRADE"), ("Upgrade", "WebSocket")],
        ),
        (
            "with keep-alive",
            [
                ("connection", "keep-alive, Upgrade"),
                ("upgrade", "websocket"),
            ],
        ),
        (
            "and another",
            [("connection", "upgrade"), ("upgrade", "websocket, foo")],
        ),
    ] {
        let steps = vec![
            Step::Send(plain("GET", "/chat", &fields)),
            Step::Await("101"),
            Step::Send(b"ping".to_vec()),
            Step::Finish,
        ];
        let case = Case::new(
            Bullet::Http1,
            format!("websocket {name}"),
            own(Protocol::Http),
            Client::Http1(steps, kinds()),
        );
        cases.push(case.replies(echoing()).watch(UNTIL_CLOSED));
    }
    cases
}

/// A client that waits with its body until it is asked for it.
pub(super) fn continues() -> Vec<Case> {
    let head = |length: &str| {
        plain(
            "POST",
            "/",
            &[("expect", "100-continue"), ("content-length", length)],
        )
    };
    let waiting = |body: &str| {
        vec![
            Step::Send(head(&body.len().to_string())),
            Step::Await("100 Continue"),
            Step::Send(body.as_bytes().to_vec()),
        ]
    };
    let early = vec![
        Reply::Head(413, owned(&[])),
        Reply::Data(b"no".to_vec()),
        Reply::End,
    ];
    let ways = [
        (
            "and then sends",
            waiting("abc"),
            answer(200, &[], b"thanks"),
        ),
        ("and is refused", vec![Step::Send(head("3"))], early.clone()),
        (
            "and service says so too",
            waiting("abc"),
            vec![
                Reply::Head(100, owned(&[])),
                Reply::Request,
                Reply::Head(200, owned(&[])),
                Reply::End,
            ],
        ),
    ];
    let mut cases = Vec::new();
    for (name, steps, replies) in ways {
        for protocol in [Protocol::Http, Protocol::Http2] {
            let name = format!("continue: client waits {name}, {}", protocol.word());
            let client = Client::Http1(steps.clone(), vec![Kind::Answer]);
            cases.push(
                Case::new(Bullet::Http1, name, own(protocol), client).replies(replies.clone()),
            );
        }
    }
    cases
}
