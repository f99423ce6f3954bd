//! Health checks: the probes as endpoints see them, what passes, and who is called then. Each endpoint is
//! probed once, at the start.

use super::request::{GRPC, either, one, plain, shares};
use crate::parity::case::{
    Asker, Bullet, Case, Client, Endpoints, Own, Protocol, Reply, Target, answer, owned, serving,
};

/// As many requests as 2, 3 and 4 endpoints share evenly.
const REQUESTS: usize = 12;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = probes();
    cases.extend(answers());
    cases.extend(grpc_answers());
    cases.extend(panics());
    cases
}

fn case(name: String, protocol: Protocol, endpoints: Endpoints, client: Client) -> Case {
    let own = Own::new(protocol).at(endpoints);
    Case::new(Bullet::Health, name, Target::Own(own), client)
}

pub(super) fn checked(count: usize, protocol: Protocol, path: Option<&'static str>) -> Endpoints {
    Endpoints {
        check: Some((protocol, path)),
        ..Endpoints::new(count)
    }
}

/// How many of the requests of a service of HTTP/1 each of its endpoints gets.
fn shared(name: String, endpoints: Endpoints) -> Case {
    shared_by(Protocol::Http, name, endpoints)
}

fn shared_by(protocol: Protocol, name: String, endpoints: Endpoints) -> Case {
    let own = Own::new(protocol).at(endpoints);
    shares(Bullet::Health, name, own, REQUESTS, plain("GET", "/x", &[]))
}

fn probes() -> Vec<Case> {
    let mut cases = Vec::new();
    let paths = [
        None,
        Some("/"),
        Some("/ping"),
        Some("/a/b?c=d&e"),
        Some("/%20x"),
        Some("/a//b/../c"),
    ];
    for (check, listener, path) in [
        (Protocol::Http, Protocol::Http, paths),
        (Protocol::Http2, Protocol::Http2, paths),
    ]
    .into_iter()
    .flat_map(|(check, listener, paths)| paths.map(|path| (check, listener, path)))
    .chain([
        (Protocol::Grpc, Protocol::Grpc, None),
        (Protocol::Grpc, Protocol::Http2, None),
        (Protocol::Http, Protocol::Http2, Some("/ping")),
        (Protocol::Http2, Protocol::Grpc, Some("/ping")),
        (Protocol::Tcp, Protocol::Http, None),
        (Protocol::Tcp, Protocol::Grpc, None),
    ]) {
        let name = format!(
            "probe by {} of {} for {}",
            check.word(),
            listener.word(),
            path.unwrap_or("nothing")
        );
        let client = one(plain("GET", "/x", &[]));
        cases.push(case(name, listener, checked(1, check, path), client));
    }
    for (version, client) in either("GET", "/x", &[]) {
        let name = format!("probe before a request of {version}");
        let endpoints = checked(1, Protocol::Http, Some("/ping"));
        cases.push(case(name, Protocol::Http, endpoints, client));
    }
    cases
}

/// What a probe of the first of two endpoints is answered.
fn answers() -> Vec<Case> {
    let bytes = |text: &str| vec![Reply::Request, Reply::Bytes(text.as_bytes().to_vec())];
    let statuses = [
        200, 201, 202, 204, 206, 301, 302, 304, 400, 401, 404, 429, 500, 502, 503, 504,
    ];
    let mut ways: Vec<(String, Vec<Reply>)> = statuses
        .iter()
        .map(|status| {
            let body: &[u8] = if [204, 304].contains(status) {
                b""
            } else {
                b"hello"
            };
            (format!("status {status}"), answer(*status, &[], body))
        })
        .collect();
    let named = |name: &str, replies: Vec<Reply>| (name.to_owned(), replies);
    ways.extend([
        named("nothing, and closes", vec![Reply::Request, Reply::Finish]),
        named("with a reset", vec![Reply::Request, Reply::Reset]),
        named("with what is no answer", bytes("hello\r\n\r\n")),
        named(
            "after an interim answer",
            bytes("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
        ),
        named(
            "in chunks",
            bytes("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        ),
        named(
            "and closes",
            bytes("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"),
        ),
        named(
            "up to the end of its connection",
            vec![
                Reply::Request,
                Reply::Bytes(b"HTTP/1.1 200 OK\r\n\r\nhello".to_vec()),
                Reply::Finish,
            ],
        ),
        named(
            "and breaks off",
            vec![
                Reply::Request,
                Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello".to_vec()),
                Reply::Finish,
            ],
        ),
    ]);
    let shares = ways.into_iter().map(|(name, replies)| {
        let endpoints = checked(2, Protocol::Http, Some("/ping"));
        shared(format!("one answers {name}"), endpoints).apart(0, Asker::Probe, replies)
    });
    let mut cases: Vec<Case> = shares.collect();
    let ways = [
        ("status 200", answer(200, &[], b"hello")),
        ("status 204", answer(204, &[], b"")),
        ("status 503", answer(503, &[], b"")),
        ("stream refused", vec![Reply::Request, Reply::Cancel(7)]),
        ("stream reset", vec![Reply::Request, Reply::Cancel(2)]),
        ("nothing, and closes", vec![Reply::Request, Reply::Finish]),
    ];
    for (name, replies) in ways {
        cases.push(two_of(
            Protocol::Http2,
            checked(2, Protocol::Http2, Some("/ping")),
            name,
            replies,
        ));
    }
    cases
}

/// Two endpoints of HTTP/2 or gRPC, the first of which answers its probe in this way.
fn two_of(protocol: Protocol, endpoints: Endpoints, name: &str, replies: Vec<Reply>) -> Case {
    let name = format!("one of {} answers {name}", protocol.word());
    shared_by(protocol, name, endpoints).apart(0, Asker::Probe, replies)
}

fn grpc_answers() -> Vec<Case> {
    let only = |status: u16, fields: &[(&str, &str)]| {
        vec![
            Reply::Request,
            Reply::Head(status, owned(fields)),
            Reply::End,
        ]
    };
    let ended_with = |status: &str| {
        let mut replies = serving(b"\x08\x01");
        replies.pop();
        replies.push(Reply::Trailers(owned(&[("grpc-status", status)])));
        replies
    };
    let mut without_trailers = serving(b"\x08\x01");
    without_trailers.pop();
    without_trailers.push(Reply::End);
    let mut other_type = serving(b"\x08\x01");
    other_type[1] = Reply::Head(200, owned(&[("content-type", "text/plain")]));
    let ways = [
        ("SERVING", serving(b"\x08\x01")),
        ("NOT_SERVING", serving(b"\x08\x02")),
        ("UNKNOWN", serving(b"\x08\x00")),
        ("SERVICE_UNKNOWN", serving(b"\x08\x03")),
        ("an empty message", serving(b"")),
        ("a message that is none", serving(b"\x08")),
        ("SERVING and more fields", serving(b"\x08\x01\x12\x01a")),
        ("status 0 alone", only(200, &[GRPC, ("grpc-status", "0")])),
        ("status 12 alone", only(200, &[GRPC, ("grpc-status", "12")])),
        ("HTTP status 503", only(503, &[])),
        (
            "HTTP status 404",
            only(404, &[("content-type", "text/plain")]),
        ),
        ("status 14 in the end", ended_with("14")),
        ("without trailers", without_trailers),
        ("another type", other_type),
    ];
    let cases = ways.into_iter().map(|(name, replies)| {
        two_of(
            Protocol::Grpc,
            checked(2, Protocol::Grpc, None),
            name,
            replies,
        )
    });
    cases.collect()
}

/// So many of so many endpoints fail their first checks.
fn panics() -> Vec<Case> {
    let mut cases = Vec::new();
    for (count, failing) in [
        (1, 1),
        (2, 1),
        (2, 2),
        (3, 1),
        (3, 2),
        (3, 3),
        (4, 1),
        (4, 2),
        (4, 3),
        (4, 4),
    ] {
        let endpoints = checked(count, Protocol::Http, Some("/ping"));
        let mut case = shared(format!("{failing} of {count} fail"), endpoints);
        for endpoint in 0..failing {
            case = case.apart(endpoint, Asker::Probe, answer(500, &[], b""));
        }
        cases.push(case);
    }
    for check in [Protocol::Http, Protocol::Tcp] {
        let endpoints = Endpoints {
            with_unreachable: true,
            ..checked(2, check, None)
        };
        cases.push(shared(
            format!("one cannot be reached by {}", check.word()),
            endpoints,
        ));
    }
    cases
}
