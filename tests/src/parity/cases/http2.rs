//! HTTP/2: streams, trailers, resets and limits towards services of either protocol, heads that are none,
//! frames out of place, and what services do wrong.

mod frames;
mod services;

use super::{
    ARRIVED, UNTIL_CLOSED,
    request::{head, one2, post2, shared},
};
use crate::parity::{
    case::{Bullet, Case, Client, End, Fields, Frame, HOST, Protocol, Reply, owned},
    http2::DATA,
};

const CANCEL: u32 = 8;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = requests();
    cases.extend(heads());
    cases.extend(streams());
    cases.extend(frames::cases());
    cases.extend(sizes());
    cases.extend(services::answered());
    cases.extend(services::resets());
    cases
}

fn towards(protocol: Protocol, name: &str, client: Client) -> Case {
    let name = format!("{name} to {}", protocol.word());
    Case::new(Bullet::Http2, name, shared(protocol), client)
}

const BOTH: [Protocol; 2] = [Protocol::Http, Protocol::Http2];

fn requests() -> Vec<Case> {
    let mut cases = Vec::new();
    for protocol in BOTH {
        for method in [
            "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND",
            "BREW", "get",
        ] {
            cases.push(towards(protocol, method, one2(method, "/x?y=1", &[])));
        }
        for (name, fields) in [
            (
                "cookies",
                &[("cookie", "a=1"), ("cookie", "b=2"), ("cookie", "c=3")][..],
            ),
            (
                "same field twice",
                &[("x-a", "1"), ("x-a", "2"), ("x-b", ""), ("x-a", "3")],
            ),
            ("te trailers", &[("te", "trailers")]),
            ("te gzip", &[("te", "gzip")]),
            ("expect", &[("expect", "100-continue")]),
            ("length 0", &[("content-length", "0")]),
            ("host too", &[("host", "other.apps.local")]),
            ("value in UTF-8", &[("x-a", "\u{e4}\u{20ac}")]),
            ("protocol", &[(":protocol", "websocket")]),
        ] {
            cases.push(towards(protocol, name, one2("GET", "/", fields)));
        }
        for (name, fields, body) in [
            ("body", &[][..], &b"abc"[..]),
            ("body with length", &[("content-length", "3")], b"abc"),
            (
                "body shorter than its length",
                &[("content-length", "9")],
                b"abc",
            ),
            (
                "body longer than its length",
                &[("content-length", "2")],
                b"abc",
            ),
            ("body with bad length", &[("content-length", "x")], b"abc"),
            (
                "body with two lengths",
                &[("content-length", "3"), ("content-length", "3")],
                b"abc",
            ),
            ("body empty", &[], b""),
            ("body with expect", &[("expect", "100-continue")], b"abc"),
        ] {
            let mut case = towards(protocol, name, post2("/", fields, body));
            if name.ends_with("than its length")
                && let Client::Http2(frames) = &mut case.client
            {
                // The head is with the service by then.
                frames.insert(1, Frame::Pause(300));
            }
            cases.push(case.watch(UNTIL_CLOSED));
        }
        let trailers = |fields: &[(&str, &str)]| {
            Client::Http2(vec![
                Frame::Head(1, head("POST", "/", &[("trailer", "x-t")]), End::More),
                Frame::Data(1, b"abc".to_vec(), End::More),
                // What came before is with the service by then.
                Frame::Pause(300),
                Frame::Head(1, owned(fields), End::Stream),
            ])
        };
        cases.push(towards(
            protocol,
            "trailers",
            trailers(&[("x-t", "1"), ("x-t", "2")]),
        ));
        cases.push(towards(protocol, "trailers empty", trailers(&[])));
        cases.push(
            towards(
                protocol,
                "trailers with pseudo header",
                trailers(&[(":path", "/")]),
            )
            .watch(UNTIL_CLOSED),
        );
        cases.push(
            towards(protocol, "trailers in capitals", trailers(&[("X-T", "1")]))
                .watch(UNTIL_CLOSED),
        );
    }
    cases
}

/// Heads that are none: pseudo headers, names and values.
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn heads() -> Vec<Case> {
    let with = |change: &dyn Fn(&mut Fields)| {
        let mut fields = head("GET", "/", &[]);
        change(&mut fields);
        fields
    };
    let without = |name: &'static str| with(&|fields| fields.retain(|(field, _)| field != name));
    let set = |name: &'static str, value: &'static str| {
        with(&|fields| {
            for (field, old) in fields.iter_mut() {
                if field == name {
                    value.clone_into(old);
                }
            }
        })
    };
    let added = |name: &'static str, value: &'static str| {
        with(&|fields| fields.push((name.to_owned(), value.to_owned())))
    };
    let heads: Vec<(&str, Fields)> = vec![
        ("no method", without(":method")),
        ("no scheme", without(":scheme")),
        ("no authority", without(":authority")),
        ("no path", without(":path")),
        (
            "no authority but host",
            with(&|fields| {
                fields.retain(|(name, _)| name != ":authority");
                fields.push(("host".to_owned(), HOST.to_owned()));
            }),
        ),
        ("method twice", added(":method", "GET")),
        (
            "path behind fields",
            with(&|fields| {
                let path = fields.remove(3);
                fields.push(path);
            }),
        ),
        ("path twice", added(":path", "/other")),
        (
            "pseudo header unknown",
            with(&|fields| fields.insert(0, (":odd".to_owned(), "1".to_owned()))),
        ),
        (
            "pseudo header of an answer",
            with(&|fields| fields.insert(0, (":status".to_owned(), "200".to_owned()))),
        ),
        ("method empty", set(":method", "")),
        ("method with space", set(":method", "G T")),
        ("scheme https", set(":scheme", "https")),
        ("scheme ftp", set(":scheme", "ftp")),
        ("scheme empty", set(":scheme", "")),
        ("scheme bad", set(":scheme", "h p")),
        ("authority empty", set(":authority", "")),
        ("authority bad", set(":authority", "a b")),
        ("authority with user", set(":authority", "user@{host}")),
        ("path empty", set(":path", "")),
        ("path without slash", set(":path", "x")),
        ("path *", set(":path", "*")),
        ("path with space", set(":path", "/a b")),
        ("path with fragment", set(":path", "/a#b")),
        ("path with control", set(":path", "/a\x01b")),
        ("path absolute", set(":path", "http://{host}/x")),
        ("path in UTF-8", set(":path", "/\u{e4}")),
        ("name in capitals", added("X-A", "1")),
        ("name empty", added("", "1")),
        ("name with space", added("x a", "1")),
        ("name with colon", added("x:a", "1")),
        ("name with NUL", added("x\0a", "1")),
        ("name with underscore", added("x_a", "1")),
        ("value with NUL", added("x-a", "1\x002")),
        ("value with CR", added("x-a", "1\r2")),
        ("value with LF", added("x-a", "1\n2")),
        ("value with CR LF", added("x-a", "1\r\nx-b: 2")),
        ("value with space around", added("x-a", " 1 ")),
        ("value with control", added("x-a", "1\x012")),
        ("value with DEL", added("x-a", "1\x7f2")),
        ("connection", added("connection", "close")),
        ("connection keep-alive", added("connection", "keep-alive")),
        ("keep-alive", added("keep-alive", "timeout=5")),
        ("proxy-connection", added("proxy-connection", "close")),
        ("transfer-encoding", added("transfer-encoding", "chunked")),
        ("upgrade", added("upgrade", "websocket")),
        ("host same", added("host", "{host}")),
        (
            "host twice",
            with(&|fields| {
                fields.extend([
                    ("host".to_owned(), HOST.to_owned()),
                    ("host".to_owned(), "x".to_owned()),
                ]);
            }),
        ),
        (
            "connect",
            with(&|fields| {
                fields.retain(|(name, _)| name != ":path" && name != ":scheme");
                "CONNECT".clone_into(&mut fields[0].1);
            }),
        ),
    ];
    let mut cases = Vec::new();
    for (name, fields) in heads {
        for protocol in BOTH {
            let client = Client::Http2(vec![Frame::Head(1, fields.clone(), End::Stream)]);
            cases.push(towards(protocol, &format!("head: {name}"), client).watch(UNTIL_CLOSED));
        }
    }
    cases
}

/// Several streams, streams that are given up, streams that stop.
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn streams() -> Vec<Case> {
    let get = |id: u32| Frame::Head(id, head("GET", &format!("/{id:04}"), &[]), End::Stream);
    let open = |id: u32| Frame::Head(id, head("POST", &format!("/{id:04}"), &[]), End::More);
    let data = |id: u32, end| Frame::Data(id, b"abc".to_vec(), end);
    let scripts: Vec<(&str, Vec<Frame>)> = vec![
        ("two streams", vec![get(1), get(3)]),
        ("fifty streams", (0..50).map(|n| get(2 * n + 1)).collect()),
        (
            "streams in turn",
            vec![
                get(1),
                Frame::AwaitEnd(1),
                get(3),
                Frame::AwaitEnd(3),
                get(5),
            ],
        ),
        (
            "streams that alternate",
            vec![
                open(1),
                open(3),
                data(1, End::More),
                data(3, End::More),
                data(1, End::Stream),
                data(3, End::Stream),
            ],
        ),
        (
            "stream given up",
            vec![
                open(1),
                data(1, End::More),
                Frame::Pause(ARRIVED),
                Frame::Cancel(1, CANCEL),
                Frame::Pause(50),
                get(3),
            ],
        ),
        (
            "stream given up before its answer",
            vec![
                get(1),
                Frame::Pause(ARRIVED),
                Frame::Cancel(1, CANCEL),
                Frame::Pause(100),
            ],
        ),
        (
            "client finishes",
            vec![get(1), Frame::AwaitEnd(1), Frame::Finish],
        ),
        (
            "client finishes within",
            vec![
                open(1),
                data(1, End::More),
                Frame::Pause(ARRIVED),
                Frame::Finish,
            ],
        ),
        (
            "identifier even",
            vec![Frame::Head(2, head("GET", "/", &[]), End::Stream)],
        ),
        (
            "identifier 0",
            vec![Frame::Head(0, head("GET", "/", &[]), End::Stream)],
        ),
        (
            "identifier that falls",
            vec![get(5), Frame::AwaitEnd(5), get(3)],
        ),
        ("identifier again", vec![get(1), Frame::AwaitEnd(1), get(1)]),
        (
            "data behind the end",
            vec![get(1), Frame::Pause(ARRIVED), data(1, End::Stream)],
        ),
        ("data before the head", vec![data(1, End::Stream)]),
        (
            "data on stream 0",
            vec![Frame::Raw(DATA, 0, 0, b"abc".to_vec())],
        ),
        (
            "head twice",
            vec![
                open(1),
                Frame::Pause(ARRIVED),
                Frame::Head(1, head("POST", "/", &[]), End::More),
            ],
        ),
    ];
    let mut cases = Vec::new();
    for (name, frames) in scripts {
        for protocol in BOTH {
            let client = Client::Http2(frames.clone());
            let mut case = towards(protocol, &format!("streams: {name}"), client);
            if matches!(
                name,
                "data behind the end" | "stream given up before its answer"
            ) {
                case.replies.insert(1, Reply::Pause(2 * ARRIVED));
            }
            cases.push(case.watch(UNTIL_CLOSED));
        }
    }
    cases
}

fn sizes() -> Vec<Case> {
    let mut cases = Vec::new();
    for protocol in BOTH {
        for size in [
            1000, 16_000, 32_000, 50_000, 59_000, 62_000, 70_000, 90_000, 200_000,
        ] {
            let value = "v".repeat(size);
            let client = one2("GET", "/", &[("x-long", &value)]);
            cases.push(towards(protocol, &format!("field of {size}"), client).watch(UNTIL_CLOSED));
            let client = one2("GET", &format!("/{value}"), &[]);
            cases.push(towards(protocol, &format!("path of {size}"), client).watch(UNTIL_CLOSED));
            cases.push(towards(
                protocol,
                &format!("body of {size}"),
                post2("/", &[], value.as_bytes()),
            ));
        }
        for count in [10, 90, 95, 99, 100, 101, 150, 500] {
            let names: Vec<String> = (0..count).map(|number| format!("x-{number}")).collect();
            let fields: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
            let client = one2("GET", "/", &fields);
            cases.push(towards(protocol, &format!("{count} fields"), client).watch(UNTIL_CLOSED));
        }
    }
    cases
}
