//! Ingress: what comes from outside for the application, by either version of HTTP, to listeners of each
//! protocol.

use super::{
    UNTIL_CLOSED,
    bytes::{GROUPS, kinds, steps},
    request::{either, head, one, plain, post2},
};
use crate::parity::{
    case::{Bullet, Case, Client, End, Frame, Mesh, Protocol, Reply, Step, Target, answer, owned},
    http1::Kind,
};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = bytes();
    cases.extend(requests());
    cases.extend(answers());
    cases.extend(streams());
    cases
}

fn case(name: String, protocol: Protocol, client: Client) -> Case {
    Case::new(Bullet::Ingress, name, Target::Application(protocol), client).mesh(Mesh::Open)
}

/// What HTTP/1 may be, at the listener of a node with one listener.
fn bytes() -> Vec<Case> {
    let mut cases = Vec::new();
    for (group, entries) in GROUPS {
        for (name, text, expected) in entries.iter().step_by(2) {
            let client = Client::Http1(steps(text), kinds(text, *expected));
            let case = case(format!("{group} {name}"), Protocol::Http, client);
            cases.push(case.mesh(Mesh::Web).watch(UNTIL_CLOSED));
        }
    }
    cases
}

fn requests() -> Vec<Case> {
    const HTTP: [Protocol; 3] = [Protocol::Http, Protocol::Http2, Protocol::Grpc];
    let mut cases = Vec::new();
    for protocol in HTTP {
        for path in [
            "/",
            "/a//b",
            "/a/../b",
            "/%2e%2e/a",
            "/a%2fb",
            "/a?b=c",
            "/./",
            "/a/..",
        ] {
            for (version, client) in either("GET", path, &[]) {
                cases.push(case(
                    format!("path {path} to {} by {version}", protocol.word()),
                    protocol,
                    client,
                ));
            }
        }
        for method in ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"] {
            for (version, client) in either(method, "/x", &[("content-length", "0")]) {
                cases.push(case(
                    format!("method {method} to {} by {version}", protocol.word()),
                    protocol,
                    client,
                ));
            }
        }
        for host in ["other", "198.51.100.9:8080", "", "a b", "CLIENT.APPS.LOCAL"] {
            let bytes = format!("GET / HTTP/1.1\r\nhost: {host}\r\nx-case: {{case}}\r\n\r\n");
            cases.push(
                case(
                    format!("host {host} to {}", protocol.word()),
                    protocol,
                    one(bytes),
                )
                .watch(UNTIL_CLOSED),
            );
        }
        for (name, fields) in [
            ("request id", [("x-request-id", "mine")]),
            ("forwarded for", [("x-forwarded-for", "198.51.100.1")]),
            ("forwarded proto", [("x-forwarded-proto", "https")]),
            (
                "expected timeout",
                [("x-envoy-expected-rq-timeout-ms", "7")],
            ),
            ("internal", [("x-envoy-internal", "true")]),
            ("own timeout", [("x-envoy-upstream-rq-timeout-ms", "50")]),
            ("gRPC", [("content-type", "application/grpc")]),
        ] {
            for (version, client) in either("GET", "/", &fields) {
                cases.push(case(
                    format!("field {name} to {} by {version}", protocol.word()),
                    protocol,
                    client,
                ));
            }
        }
        cases.push(case(
            format!("body to {}", protocol.word()),
            protocol,
            post2("/", &[], b"abc"),
        ));
    }
    cases
}

fn answers() -> Vec<Case> {
    let trailers = vec![
        Reply::Request,
        Reply::Head(200, owned(&[])),
        Reply::Data(b"ab".to_vec()),
        Reply::Trailers(owned(&[("x-t", "1")])),
    ];
    let kinds: Vec<(&str, Vec<Reply>)> = vec![
        ("204", answer(204, &[], b"")),
        (
            "404",
            answer(
                404,
                &[
                    ("server", "mine"),
                    ("date", "Mon, 01 Jan 2024 00:00:00 GMT"),
                ],
                b"no",
            ),
        ),
        ("500", answer(500, &[], b"")),
        ("trailers", trailers),
        ("1 MiB", answer(200, &[], &vec![b'z'; 1 << 20])),
    ];
    let mut cases = Vec::new();
    for (name, replies) in kinds {
        for protocol in [Protocol::Http, Protocol::Http2] {
            for (version, client) in either("GET", "/", &[]) {
                let case = case(
                    format!("answer {name} of {} by {version}", protocol.word()),
                    protocol,
                    client,
                );
                cases.push(case.replies(replies.clone()));
            }
        }
    }
    cases
}

fn streams() -> Vec<Case> {
    let get = |id: u32| Frame::Head(id, head("GET", &format!("/{id:04}"), &[]), End::Stream);
    let mut cases = vec![case(
        "thirty streams".to_owned(),
        Protocol::Http2,
        Client::Http2((0..30).map(|n| get(2 * n + 1)).collect()),
    )];
    let next = |path: &str| Step::Send(plain("GET", path, &[]));
    let steps = vec![next("/1"), Step::Await("hello"), next("/2")];
    cases.push(case(
        "two in turn".to_owned(),
        Protocol::Http,
        Client::Http1(steps, vec![Kind::Answer; 2]),
    ));
    // The application's own protocol: whoever calls speaks first, and the case is in what it says.
    let says = "GET / HTTP/1.1\r\nhost: x\r\nx-case: {case}\r\n\r\n";
    let ways = [
        (
            "request",
            vec![Step::Send(says.as_bytes().to_vec()), Step::Await("hello")],
        ),
        (
            "request and end",
            vec![
                Step::Send(says.as_bytes().to_vec()),
                Step::Await("hello"),
                Step::Finish,
            ],
        ),
        ("nothing", vec![Step::Finish]),
    ];
    for (name, steps) in ways {
        cases.push(case(format!("bytes: {name}"), Protocol::Tcp, Client::Tcp(steps)).watch(700));
    }
    cases
}
