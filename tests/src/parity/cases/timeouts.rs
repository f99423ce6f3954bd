//! Times: of a request, of one attempt, of a stream in which nothing moves, of a connect; on routes and on
//! listeners. They are far from each other, and from what a busy machine takes for anything.

use super::{
    UNTIL_CLOSED,
    request::{either, head, one, plain, with_body},
};
use crate::parity::{
    case::{
        Bullet, Case, Client, End, Frame, Mesh, Own, Presence, Protocol, Reply, Retries, Step,
        Target, answer, owned,
    },
    http1::Kind,
};

const HTTP: [Protocol; 2] = [Protocol::Http, Protocol::Http2];
/// Of one attempt, in milliseconds.
const TRY: u64 = 1500;
/// Of one of several that are counted: the last begins that long before the end of all.
const LONG_TRY: u64 = 2500;
const ALL_TRIES: u64 = 3 * LONG_TRY - 200;
/// Longer than any time here.
const LONG: u64 = 9000;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = tries();
    cases.extend(together());
    cases.extend(connects());
    cases.extend(listeners());
    cases
}

fn case(name: String, target: Target, client: Client) -> Case {
    let case = Case::new(Bullet::Timeouts, name, target, client);
    case.mesh(Mesh::Retries).watch(UNTIL_CLOSED)
}

fn silence() -> Vec<Reply> {
    vec![Reply::Request, Reply::Pause(LONG)]
}

fn policy(max: u32, http: &'static [&'static str]) -> Retries {
    Retries {
        max,
        per_try: TRY,
        http,
        ..Retries::default()
    }
}

/// An answer that takes longer than one attempt may, and says before that it comes.
fn slow_behind_103() -> Vec<Reply> {
    let mut replies = answer(200, &[], b"first\n");
    let interim = Reply::Head(103, owned(&[("link", "</a>")]));
    replies.splice(1..1, [interim, Reply::Pause(TRY + 1500)]);
    replies
}

/// An answer whose body takes longer than one attempt may.
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

fn tries() -> Vec<Case> {
    let mut cases = Vec::new();
    for protocol in HTTP {
        for (version, client) in either("GET", "/x", &[]) {
            let ways = [
                ("silent", policy(1, &["server-error"]), silence(), None),
                (
                    "silent once",
                    policy(1, &["server-error"]),
                    silence(),
                    Some(answer(200, &[], b"second\n")),
                ),
                (
                    "slow behind 103",
                    policy(1, &["server-error"]),
                    slow_behind_103(),
                    Some(answer(200, &[], b"second\n")),
                ),
                (
                    "silent and no retry",
                    policy(0, &["server-error"]),
                    silence(),
                    None,
                ),
                (
                    "silent and not asked for",
                    policy(1, &["client-error"]),
                    silence(),
                    None,
                ),
                (
                    "failing, then silent",
                    policy(1, &["server-error"]),
                    answer(503, &[], b"no\n"),
                    Some(silence()),
                ),
                ("slow", policy(1, &["server-error"]), slow_body(), None),
            ];
            for (what, retries, first, second) in ways {
                let own = Own {
                    retries: Some(retries),
                    ..Own::new(protocol)
                };
                let name = format!("try: {} is {what}, by {version}", protocol.word());
                let mut case = case(name, Target::Own(own), client.clone()).replies(first);
                if let Some(second) = second {
                    case = case.again(second);
                }
                cases.push(case);
            }
        }
        // The time of an attempt begins with the end of the request.
        let steps = vec![
            Step::Send(with_body("POST", "/x", &[("content-length", "9")], "abc")),
            Step::Pause(TRY + 1500),
            Step::Send(b"defghi".to_vec()),
        ];
        let own = Own {
            retries: Some(policy(1, &["server-error"])),
            ..Own::new(protocol)
        };
        let name = format!("try: a body that takes its time, to {}", protocol.word());
        let client = Client::Http1(steps, vec![Kind::Answer]);
        cases.push(case(name, Target::Own(own), client));
    }
    cases
}

/// Times of a request and of its attempts.
fn together() -> Vec<Case> {
    let mut cases = Vec::new();
    for protocol in HTTP {
        for (what, per_request, idle, max) in [
            ("request over all attempts", Some(ALL_TRIES), None, 5),
            ("request shorter than a try", Some(1000), None, 5),
            ("request as long as a try", Some(LONG_TRY), None, 5),
            ("no request time", Some(0), None, 1),
            ("idle shorter than a try", None, Some(1000), 5),
            ("idle over all attempts", None, Some(ALL_TRIES), 5),
        ] {
            let own = Own {
                per_request,
                idle,
                retries: Some(Retries {
                    per_try: LONG_TRY,
                    ..policy(max, &["server-error"])
                }),
                ..Own::new(protocol)
            };
            let name = format!("{what}, {}", protocol.word());
            let client = one(plain("GET", "/x", &[]));
            cases.push(case(name, Target::Own(own), client).replies(silence()));
        }
    }
    cases
}

/// Nobody answers at all: the cluster gives a connect 1 s.
fn connects() -> Vec<Case> {
    let mut cases = Vec::new();
    for protocol in HTTP {
        for (version, client) in either("GET", "/x", &[]) {
            for (what, retries) in [
                ("unasked", None),
                ("once", Some(policy(0, &["server-error"]))),
            ] {
                let own = Own {
                    presence: Presence::Silent,
                    retries,
                    ..Own::new(protocol)
                };
                let name = format!("connect: {} by {version}, {what}", protocol.word());
                cases.push(case(name, Target::Own(own), client.clone()));
            }
        }
    }
    cases
}

/// The application is slow, and its listener has times of its own.
fn listeners() -> Vec<Case> {
    let mut cases = Vec::new();
    let begun = |then: Vec<Reply>| {
        [
            vec![
                Reply::Request,
                Reply::Head(200, owned(&[("content-length", "9")])),
                Reply::Data(b"ab".to_vec()),
            ],
            then,
        ]
        .concat()
    };
    let ends = [
        ("before", silence()),
        ("within", begun(vec![Reply::Pause(LONG)])),
        (
            "not at all",
            begun(vec![
                Reply::Pause(100),
                Reply::Data(b"cdefghi".to_vec()),
                Reply::End,
            ]),
        ),
    ];
    for protocol in [Protocol::Http, Protocol::Http2, Protocol::Grpc] {
        for (when, replies) in &ends {
            for (version, client) in either("GET", "/x", &[]) {
                let name = format!(
                    "listener of {}: {when} the answer, by {version}",
                    protocol.word()
                );
                let target = Target::Application(protocol);
                cases.push(case(name, target, client).replies(replies.clone()));
            }
        }
    }
    // A request that stops half way is idle.
    let halves = [
        (
            "h1",
            Client::Http1(
                vec![Step::Send(with_body(
                    "POST",
                    "/x",
                    &[("content-length", "9")],
                    "abc",
                ))],
                vec![Kind::Answer],
            ),
        ),
        (
            "h2",
            Client::Http2(vec![
                Frame::Head(1, head("POST", "/x", &[]), End::More),
                Frame::Data(1, b"abc".to_vec(), End::More),
            ]),
        ),
    ];
    for (version, client) in halves {
        let name = format!("listener: a request that stops half way, by {version}");
        cases.push(case(name, Target::Application(Protocol::Http), client));
    }
    cases
}
