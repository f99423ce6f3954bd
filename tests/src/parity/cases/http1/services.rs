//! What services of HTTP/1 answer, and what they send that is no answer.

use super::UNTIL_CLOSED;
use crate::parity::{
    case::{Bullet, Case, Client, Protocol, Reply, Step, answer, owned},
    cases::{
        answers::{self, Answer},
        request::{own, plain, with_body},
    },
    http1::Kind,
};

/// Answers as services may give them, to GET and HEAD.
pub(super) fn answered() -> Vec<Case> {
    let text = ("content-type", "text/plain");
    let kinds: Vec<Answer> = vec![
        (
            "200 chunked",
            vec![
                Reply::Request,
                Reply::Head(200, owned(&[("transfer-encoding", "chunked")])),
                Reply::Data(b"ab".to_vec()),
                Reply::Data(b"cd".to_vec()),
                Reply::End,
            ],
        ),
        (
            "200 chunked empty",
            vec![
                Reply::Request,
                Reply::Head(200, owned(&[("transfer-encoding", "chunked")])),
                Reply::End,
            ],
        ),
        (
            "200 trailers",
            vec![
                Reply::Request,
                Reply::Head(200, owned(&[("trailer", "x-t")])),
                Reply::Data(b"ab".to_vec()),
                Reply::Trailers(owned(&[("x-t", "1")])),
            ],
        ),
        (
            "204",
            vec![Reply::Request, Reply::Head(204, owned(&[])), Reply::End],
        ),
        (
            "304 with length",
            vec![
                Reply::Request,
                Reply::Head(304, owned(&[("content-length", "5")])),
                Reply::End,
            ],
        ),
        ("201", answer(201, &[("location", "/x")], b"made")),
        ("302", answer(302, &[("location", "http://x.local/")], b"")),
        ("404", answer(404, &[text], b"no")),
        ("418", answer(418, &[], b"teapot")),
        ("500", answer(500, &[], b"oops")),
        ("503", answer(503, &[("retry-after", "1")], b"later")),
        ("599", answer(599, &[], b"odd")),
        ("999", answer(999, &[], b"odd")),
        ("102 then 200", answers::after(102)),
        ("close", answer(200, &[("connection", "close")], b"bye")),
        (
            "keep-alive",
            answer(
                200,
                &[("connection", "keep-alive"), ("keep-alive", "timeout=5")],
                b"stay",
            ),
        ),
        (
            "proxy-connection",
            answer(200, &[("proxy-connection", "close")], b"stay"),
        ),
        (
            "connection names a field",
            answer(200, &[("connection", "x-a"), ("x-a", "1")], b"stay"),
        ),
        ("100 KiB", answer(200, &[], &vec![b'x'; 100 << 10])),
        ("upgrade unasked", answer(200, &[("upgrade", "h2c")], b"")),
    ];
    let mut cases = Vec::new();
    for (name, replies) in answers::of_either().into_iter().chain(kinds) {
        for (method, fields, body, kind) in [
            ("GET", &[][..], "", Kind::Answer),
            ("HEAD", &[], "", Kind::AnswerToHead),
            ("POST", &[("content-length", "3")], "abc", Kind::Answer),
        ] {
            let steps = vec![Step::Send(with_body(method, "/", fields, body))];
            let client = Client::Http1(steps, vec![kind]);
            let case = Case::new(
                Bullet::Http1,
                format!("answer {name} to {method}"),
                own(Protocol::Http),
                client,
            );
            cases.push(case.replies(replies.clone()));
        }
    }
    cases
}

/// A name, what the service sends, and whether it resets the connection behind it.
type Sent = (&'static str, &'static str, bool);

#[rustfmt::skip]
const BAD: &[Sent] = &[
    ("no HTTP", "hello\r\n\r\n", false),
    ("version 1.0", "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", false),
    ("version 1.0 keep-alive", "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok", false),
    ("version 1.0 until close", "HTTP/1.0 200 OK\r\n\r\nok", false),
    ("version 2.0", "HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n", false),
    ("version 1.2", "HTTP/1.2 200 OK\r\ncontent-length: 0\r\n\r\n", false),
    ("status of text", "HTTP/1.1 abc OK\r\ncontent-length: 0\r\n\r\n", false),
    ("no reason", "HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", false),
    ("empty reason", "HTTP/1.1 200 \r\ncontent-length: 0\r\n\r\n", false),
    ("odd reason", "HTTP/1.1 200 Very \u{e4} OK\r\ncontent-length: 0\r\n\r\n", false),
    ("bare LF", "HTTP/1.1 200 OK\ncontent-length: 2\n\nok", false),
    ("folding", "HTTP/1.1 200 OK\r\nx-a: 1\r\n 2\r\ncontent-length: 0\r\n\r\n", false),
    ("name with space", "HTTP/1.1 200 OK\r\nx a: 1\r\ncontent-length: 0\r\n\r\n", false),
    ("value with NUL", "HTTP/1.1 200 OK\r\nx-a: 1\x002\r\ncontent-length: 0\r\n\r\n", false),
    ("value with control", "HTTP/1.1 200 OK\r\nx-a: 1\x012\r\ncontent-length: 0\r\n\r\n", false),
    ("length negative", "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", false),
    ("two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc", false),
    ("two lengths same", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok", false),
    ("length and chunked", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", false),
    ("coding gzip", "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nok", false),
    ("until close", "HTTP/1.1 200 OK\r\n\r\nok", false),
    ("until reset", "HTTP/1.1 200 OK\r\n\r\nok", true),
    ("cut in the head", "HTTP/1.1 200 OK\r\nx-a", false),
    ("reset in the head", "HTTP/1.1 200 OK\r\nx-a", true),
    ("cut in the body", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab", false),
    ("reset in the body", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab", true),
    ("cut in a chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nab", false),
    ("cut between chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n", false),
    ("reset between chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n", true),
    ("bad chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\nab\r\n0\r\n\r\n", false),
    ("bytes behind", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokmore", false),
    ("two answers", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", false),
    ("body of 204", "HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\nok", false),
    ("length 0 of 204", "HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n", false),
    ("chunked 204", "HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", false),
    ("100 alone", "HTTP/1.1 100 Continue\r\n\r\n", false),
    ("nothing", "", false),
    ("reset", "", true),
    ("empty lines before", "\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", false),
];

/// What Envoy passes on and Ferromesh refuses, because it is no answer, or may be taken for two: each is a
/// listed difference.
#[rustfmt::skip]
const HARDENED: &[Sent] = &[
    ("status of two digits", "HTTP/1.1 20 OK\r\ncontent-length: 0\r\n\r\n", false),
    ("chunk longer than its size", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", false),
    ("switching unasked", "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", false),
];

pub(super) fn bad_answers() -> Vec<Case> {
    let mut cases = Vec::new();
    let get = ("GET", &[][..], "");
    let post = ("POST", &[("content-length", "3")][..], "abc");
    for sent in BAD {
        cases.push(bad_answer(sent, get));
        cases.push(bad_answer(sent, post));
    }
    cases.extend(HARDENED.iter().map(|sent| bad_answer(sent, get)));
    let large = format!(
        "HTTP/1.1 200 OK\r\nx-a: {}\r\ncontent-length: 0\r\n\r\n",
        "v".repeat(90_000)
    );
    let client = Client::Http1(vec![Step::Send(plain("GET", "/", &[]))], vec![Kind::Answer]);
    let case = Case::new(
        Bullet::Http1,
        "service sends a head of 90000",
        own(Protocol::Http),
        client,
    );
    cases.push(case.replies(vec![
        Reply::Request,
        Reply::Bytes(large.into_bytes()),
        Reply::Pause(60),
        Reply::Finish,
    ]));
    cases
}

/// A case in which a request, of these method, fields and body, is answered so.
fn bad_answer(
    (name, bytes, resets): &Sent,
    (method, fields, body): (&str, &[(&str, &str)], &str),
) -> Case {
    let steps = vec![Step::Send(with_body(method, "/", fields, body))];
    let client = Client::Http1(steps, vec![Kind::Answer]);
    let end = if *resets { Reply::Reset } else { Reply::Finish };
    let replies = vec![
        Reply::Request,
        Reply::Bytes(bytes.as_bytes().to_vec()),
        // What is sent is to arrive before the end does.
        Reply::Pause(60),
        end,
    ];
    let name = format!("service sends {name} to {method}");
    let case = Case::new(Bullet::Http1, name, own(Protocol::Http), client);
    case.replies(replies).watch(UNTIL_CLOSED)
}
