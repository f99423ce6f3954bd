//! HTTP/1: bytes of all kinds towards services of either protocol, bytes in pieces, large heads, answers of
//! all kinds, upgrades.

mod services;
mod waiting;

use super::{
    ARRIVED, UNTIL_CLOSED,
    bytes::{GROUPS, HARDENED, kinds, steps},
    request::{own, plain, shared, web, with_body},
};
use crate::parity::{
    case::{Bullet, Case, Client, Protocol, Reply, Step, plain_answer},
    http1::Kind,
};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = tables();
    cases.extend(pieces());
    cases.extend(sizes());
    cases.extend(services::answered());
    cases.extend(services::bad_answers());
    cases.extend(waiting::upgrades());
    cases.extend(waiting::continues());
    cases
}

fn tables() -> Vec<Case> {
    let mut cases = Vec::new();
    for (group, entries) in GROUPS {
        for (name, text, expected) in entries {
            for protocol in [Protocol::Http, Protocol::Http2] {
                let client = Client::Http1(steps(text), kinds(text, *expected));
                let to = if protocol == Protocol::Http {
                    ""
                } else {
                    " to http2"
                };
                let name = format!("{group} {name}{to}");
                let case = Case::new(Bullet::Http1, name, shared(protocol), client);
                cases.push(case.watch(UNTIL_CLOSED));
            }
        }
    }
    for (name, text, expected) in HARDENED {
        let client = Client::Http1(steps(text), kinds(text, *expected));
        let case = web(Bullet::Http1, format!("hardened {name}"), client);
        cases.push(case.watch(UNTIL_CLOSED));
    }
    cases
}

/// Requests in packets of their own, and ones that stop.
fn pieces() -> Vec<Case> {
    let one = vec![Kind::Answer];
    let bytes = with_body("POST", "/", &[("content-length", "6")], "abcdef");
    let halves = |at: usize| {
        vec![
            Step::Send(bytes[..at].to_vec()),
            Step::Pause(30),
            Step::Send(bytes[at..].to_vec()),
        ]
    };
    let mut cases = Vec::new();
    for at in [
        1,
        4,
        9,
        15,
        17,
        30,
        bytes.len() - 7,
        bytes.len() - 6,
        bytes.len() - 3,
    ] {
        let client = Client::Http1(halves(at), one.clone());
        cases.push(web(Bullet::Http1, format!("split at {at}"), client));
    }
    let ends: [(&str, Vec<u8>); 4] = [
        ("nothing", Vec::new()),
        ("half a line", b"GET / HT".to_vec()),
        (
            "half a head",
            b"GET / HTTP/1.1\r\nhost: {host}\r\nx-case: {case}\r\n".to_vec(),
        ),
        ("half a body", bytes[..bytes.len() - 3].to_vec()),
    ];
    for (name, bytes) in ends {
        for (how, end) in [("fin", Step::Finish), ("rst", Step::Reset)] {
            let steps = vec![Step::Send(bytes.clone()), Step::Pause(ARRIVED), end];
            let client = Client::Http1(steps, one.clone());
            cases.push(
                web(Bullet::Http1, format!("{how} behind {name}"), client).watch(UNTIL_CLOSED),
            );
        }
    }
    // The request has long been sent on when the client ends, and the answer comes long after that.
    let steps = vec![
        Step::Send(plain("GET", "/", &[])),
        Step::Pause(400),
        Step::Finish,
    ];
    let client = Client::Http1(steps, one.clone());
    let case = Case::new(
        Bullet::Http1,
        "fin behind a request",
        own(Protocol::Http),
        client,
    );
    let late = [Reply::Request, Reply::Pause(1000)].into_iter();
    cases.push(case.replies(late.chain(plain_answer()).collect()));
    let next = |path: &str| Step::Send(plain("GET", path, &[]));
    let steps = vec![next("/1"), Step::Await("hello"), next("/2")];
    let client = Client::Http1(steps, vec![Kind::Answer; 2]);
    cases.push(web(Bullet::Http1, "two in turn", client));
    let many: Vec<Step> = (0..20)
        .map(|number| next(&format!("/{number:02}")))
        .collect();
    let client = Client::Http1(many, vec![Kind::Answer; 20]);
    cases.push(web(Bullet::Http1, "twenty pipelined", client));
    cases
}

/// Heads and bodies of many sizes, around the limits.
fn sizes() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: String, bytes: Vec<u8>| {
        let client = Client::Http1(vec![Step::Send(bytes)], vec![Kind::Answer]);
        cases.push(web(Bullet::Http1, name, client).watch(UNTIL_CLOSED));
    };
    for size in [
        1000, 8000, 16_000, 32_000, 50_000, 59_000, 62_000, 70_000, 90_000, 200_000,
    ] {
        let value = "v".repeat(size);
        add(
            format!("field of {size}"),
            plain("GET", "/", &[("x-long", &value)]),
        );
        add(
            format!("target of {size}"),
            plain("GET", &format!("/{value}"), &[]),
        );
        let small = "v".repeat(960);
        let names: Vec<String> = (0..size / 1000)
            .map(|number| format!("x-number-{number:04}"))
            .collect();
        let fields: Vec<(&str, &str)> = names
            .iter()
            .map(|name| (name.as_str(), small.as_str()))
            .collect();
        add(
            format!("fields of {size} in all"),
            plain("GET", "/", &fields),
        );
        let length = size.to_string();
        add(
            format!("body of {size}"),
            with_body("POST", "/", &[("content-length", &length)], &value),
        );
    }
    for count in [10, 60, 90, 95, 99, 100, 101, 110, 150, 500] {
        let names: Vec<String> = (0..count).map(|number| format!("x-{number}")).collect();
        let fields: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
        add(format!("{count} fields"), plain("GET", "/", &fields));
    }
    add(
        "name of 300".to_owned(),
        plain("GET", "/", &[("n".repeat(300).as_str(), "1")]),
    );
    add(
        "name of 9000".to_owned(),
        plain("GET", "/", &[("n".repeat(9000).as_str(), "1")]),
    );
    add(
        "method of 300".to_owned(),
        plain(&"M".repeat(300), "/", &[]),
    );
    cases
}
