//! What services answer to clients of HTTP/2, and what services of HTTP/2 do wrong.

use super::{BOTH, CANCEL, UNTIL_CLOSED};
use crate::parity::{
    case::{
        Bullet, CASE, CASE_FIELD, Case, Client, End, Frame, HOST, Protocol, Reply, answer, owned,
    },
    cases::{
        answers::{self, Answer},
        request::{one, one2, own, plain, post2},
    },
    hpack,
    http2::{END_HEADERS, END_STREAM, GOAWAY, HEADERS},
};

fn fields(count: usize) -> Vec<(String, String)> {
    let numbers = 0..count;
    numbers
        .map(|number| (format!("x-{number}"), "v".to_owned()))
        .collect()
}

fn with_fields(count: usize) -> Vec<Reply> {
    vec![
        Reply::Request,
        Reply::Head(200, fields(count)),
        Reply::Data(b"ab".to_vec()),
        Reply::Finish,
    ]
}

/// Answers of services of either protocol to a client of HTTP/2.
pub(super) fn answered() -> Vec<Case> {
    let trailers = |fields: &[(&str, &str)]| {
        vec![
            Reply::Request,
            Reply::Head(200, owned(&[])),
            Reply::Data(b"ab".to_vec()),
            Reply::Trailers(owned(fields)),
        ]
    };
    let kinds: Vec<Answer> = vec![
        (
            "200 with length",
            answer(200, &[("content-length", "5")], b"hello"),
        ),
        ("200 trailers", trailers(&[("x-t", "1")])),
        ("90 fields", with_fields(90)),
        ("101 fields", with_fields(101)),
        ("101 trailers", {
            let mut replies = trailers(&[]);
            replies.pop();
            replies.push(Reply::Trailers(fields(101)));
            replies
        }),
        ("204", answer(204, &[], b"")),
        ("404", answer(404, &[], b"no")),
        ("503", answer(503, &[], b"later")),
        ("echo", vec![Reply::Head(200, owned(&[])), Reply::Echo]),
    ];
    let mut cases = Vec::new();
    for (name, replies) in answers::of_either().into_iter().chain(kinds) {
        for protocol in BOTH {
            // No trailers of HTTP/1 are passed on.
            if ["echo", "101 trailers"].contains(&name) && protocol == Protocol::Http {
                continue;
            }
            for (method, client) in [
                ("GET", one2("GET", "/", &[])),
                ("HEAD", one2("HEAD", "/", &[])),
                ("POST", post2("/", &[], b"abc")),
            ] {
                let name = format!("answer {name} of {} to {method}", protocol.word());
                let case = Case::new(Bullet::Http2, name, own(protocol), client);
                cases.push(case.replies(replies.clone()));
            }
        }
    }
    cases
}

/// What services of HTTP/2 do wrong.
#[expect(clippy::too_many_lines, reason = "a table of cases")]
pub(super) fn resets() -> Vec<Case> {
    let begun = |more: Vec<Reply>| {
        let begin = vec![
            Reply::Request,
            Reply::Head(200, owned(&[])),
            Reply::Data(b"ab".to_vec()),
            Reply::Pause(60),
        ];
        [begin, more].concat()
    };
    let mut ways: Vec<(String, Vec<Reply>)> = Vec::new();
    for code in [0, 1, 2, 3, 5, 7, 8, 11, 13, 255] {
        ways.push((
            format!("reset {code} before the head"),
            vec![Reply::Request, Reply::Cancel(code)],
        ));
        ways.push((
            format!("reset {code} in the body"),
            begun(vec![Reply::Cancel(code)]),
        ));
    }
    let goaway = |code: u8| Reply::Raw(GOAWAY, 0, vec![0, 0, 0, 0, 0, 0, 0, code]);
    let head = |fields: &[(&str, &str)]| {
        Reply::Raw(HEADERS, END_HEADERS | END_STREAM, hpack::encode(fields))
    };
    let more: Vec<(&str, Vec<Reply>)> = vec![
        (
            "closes before the head",
            vec![Reply::Request, Reply::Finish],
        ),
        ("closes in the body", begun(vec![Reply::Finish])),
        (
            "resets its connection before the head",
            vec![Reply::Request, Reply::Reset],
        ),
        (
            "resets its connection in the body",
            begun(vec![Reply::Reset]),
        ),
        (
            "head without status",
            vec![Reply::Request, head(&[("x-a", "1")])],
        ),
        (
            "status empty",
            vec![Reply::Request, head(&[(":status", "")])],
        ),
        (
            "status of text",
            vec![Reply::Request, head(&[(":status", "abc")])],
        ),
        (
            "status 99",
            vec![Reply::Request, head(&[(":status", "99")])],
        ),
        (
            "status twice",
            vec![
                Reply::Request,
                head(&[(":status", "200"), (":status", "200")]),
            ],
        ),
        (
            "name in capitals",
            vec![Reply::Request, head(&[(":status", "200"), ("X-A", "1")])],
        ),
        (
            "value with NUL",
            vec![
                Reply::Request,
                head(&[(":status", "200"), ("x-a", "1\x002")]),
            ],
        ),
        (
            "value with LF",
            vec![Reply::Request, head(&[(":status", "200"), ("x-a", "1\n2")])],
        ),
        (
            "connection field",
            vec![
                Reply::Request,
                head(&[(":status", "200"), ("connection", "close")]),
            ],
        ),
        (
            "interim head that ends",
            vec![Reply::Request, head(&[(":status", "100")])],
        ),
        (
            "body shorter than its length",
            vec![
                Reply::Request,
                Reply::Head(200, owned(&[("content-length", "9")])),
                Reply::Data(b"ab".to_vec()),
                Reply::End,
            ],
        ),
        (
            "body longer than its length",
            vec![
                Reply::Request,
                Reply::Head(200, owned(&[("content-length", "1")])),
                Reply::Data(b"ab".to_vec()),
                Reply::End,
            ],
        ),
        (
            "data before the head",
            vec![Reply::Request, Reply::Data(b"ab".to_vec()), Reply::End],
        ),
        (
            "frame too large",
            vec![
                Reply::Request,
                Reply::Raw(HEADERS, END_HEADERS, vec![0; 20_000]),
            ],
        ),
        (
            "head not compressed right",
            vec![
                Reply::Request,
                Reply::Raw(HEADERS, END_HEADERS, vec![0xff; 4]),
            ],
        ),
        (
            "text",
            vec![
                Reply::Request,
                Reply::Bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
            ],
        ),
        (
            "goaway then answers",
            vec![
                Reply::Request,
                goaway(0),
                Reply::Head(200, owned(&[])),
                Reply::Data(b"x".to_vec()),
                Reply::End,
            ],
        ),
        (
            "trailers with pseudo header",
            vec![
                Reply::Request,
                Reply::Head(200, owned(&[])),
                Reply::Trailers(owned(&[(":status", "200")])),
            ],
        ),
        (
            "early answer then reset without error",
            vec![
                Reply::Head(200, owned(&[])),
                Reply::Data(b"x".to_vec()),
                Reply::End,
                Reply::Cancel(0),
            ],
        ),
    ];
    ways.extend(
        more.into_iter()
            .map(|(name, replies)| (name.to_owned(), replies)),
    );
    let mut cases = Vec::new();
    for (name, replies) in ways {
        let first = one(plain("GET", "/", &[]));
        for (version, client) in [("h2", one2("GET", "/", &[])), ("h1", first)] {
            let name = format!("service: {name}, {version}");
            let case = Case::new(Bullet::Http2, name, own(Protocol::Http2), client);
            cases.push(case.replies(replies.clone()).watch(UNTIL_CLOSED));
        }
    }
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", HOST),
        (":path", "/"),
        (CASE_FIELD, CASE),
    ];
    let client = Client::Http2(vec![
        Frame::Head(1, owned(&fields), End::More),
        Frame::AwaitHead(1),
        Frame::Cancel(1, CANCEL),
    ]);
    let case = Case::new(
        Bullet::Http2,
        "client gives up an answered stream",
        own(Protocol::Http2),
        client,
    );
    cases.push(case.replies(vec![
        Reply::Head(200, owned(&[])),
        Reply::Data(b"a".to_vec()),
        Reply::Pause(200),
    ]));
    cases
}
