//! Connections of HTTP/2, of gRPC too: `GOAWAY`, and streams that go on. Envoy sends its first `GOAWAY` with the
//! head of an answer, so most cases have one to come.

use super::{TO_THE_END, both, egress, waiting};
use crate::parity::{
    case::{Case, Client, End, Frame, Protocol, Reply, answer, owned},
    cases::request::{GRPC, MESSAGE, TE, head},
};

const CANCEL: u32 = 8;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, frames, replies) in single() {
        cases.extend(both(name, Protocol::Http2, Client::Http2(frames), replies));
    }
    for protocol in [Protocol::Http2, Protocol::Grpc] {
        for (name, frames, first) in beside() {
            let pair = both(name, protocol, Client::Http2(frames), first);
            cases.extend(pair.map(|case| case.again(call_to_come())));
        }
    }
    cases.extend(both(
        "call",
        Protocol::Grpc,
        Client::Http2(vec![call(1), Frame::Drain]),
        call_to_come(),
    ));
    let new = Client::Http2(vec![get(1)]);
    cases.extend(both("new", Protocol::Http2, new, answer(200, &[], b"hello")).map(Case::late));
    cases.push(egress(
        "idle",
        Protocol::Http2,
        Client::Http2(vec![get(1), Frame::AwaitEnd(1), Frame::Drain]),
        answer(200, &[], b"hello"),
    ));
    cases
}

fn get(stream: u32) -> Frame {
    let path = format!("/{stream}");
    Frame::Head(stream, head("GET", &path, &[]), End::Stream)
}

fn post(stream: u32) -> Frame {
    let path = format!("/{stream}");
    Frame::Head(stream, head("POST", &path, &[GRPC, TE]), End::More)
}

/// A call of gRPC without a message.
fn call(stream: u32) -> Frame {
    let path = format!("/{stream}");
    Frame::Head(stream, head("POST", &path, &[GRPC, TE]), End::Stream)
}

fn data(text: &str, end: End) -> Frame {
    Frame::Data(1, text.as_bytes().to_vec(), end)
}

fn call_to_come() -> Vec<Reply> {
    waiting(vec![
        Reply::Head(200, owned(&[GRPC])),
        Reply::Data(MESSAGE.to_vec()),
        Reply::Trailers(owned(&[("grpc-status", "0")])),
    ])
}

fn body_under_way() -> Vec<Reply> {
    vec![
        Reply::Request,
        Reply::Head(200, owned(&[GRPC])),
        Reply::Data(MESSAGE.to_vec()),
        Reply::Drain,
        Reply::Data(MESSAGE.to_vec()),
        Reply::Trailers(owned(&[("grpc-status", "0")])),
    ]
}

type Way = (&'static str, Vec<Frame>, Vec<Reply>);

/// One request, whose answer's head is to come.
fn single() -> Vec<Way> {
    let trailers = vec![
        Reply::Head(200, owned(&[])),
        Reply::Data(b"hello".to_vec()),
        Reply::Trailers(owned(&[("x-t", "1")])),
    ];
    let plain = || answer(200, &[], b"hello");
    vec![
        ("answer", vec![get(1), Frame::Drain], waiting(plain())),
        (
            "answer with trailers",
            vec![get(1), Frame::Drain],
            waiting(trailers),
        ),
        (
            "answer without body",
            vec![get(1), Frame::Drain],
            waiting(answer(204, &[], b"")),
        ),
        (
            "service resets",
            vec![get(1), Frame::Drain],
            waiting(vec![Reply::Cancel(2)]),
        ),
        (
            "half a request",
            vec![
                post(1),
                data("hello", End::More),
                Frame::Drain,
                data("there", End::Stream),
            ],
            [vec![Reply::Drain], plain()].concat(),
        ),
        ("first request", vec![Frame::Drain, get(1)], plain()),
        (
            "three answers",
            vec![get(1), get(3), get(5), Frame::Drain],
            waiting(plain()),
        ),
    ]
}

/// A stream beside one whose answer is to come.
fn beside() -> Vec<Way> {
    vec![
        (
            "body and a call",
            vec![call(1), Frame::AwaitHead(1), call(3), Frame::Drain],
            body_under_way(),
        ),
        (
            "both ways and a call",
            vec![
                post(1),
                data("hello", End::More),
                Frame::AwaitHead(1),
                call(3),
                Frame::Drain,
                data("there", End::Stream),
            ],
            vec![Reply::Head(200, owned(&[GRPC])), Reply::Echo],
        ),
        (
            "client cancels beside a call",
            vec![
                call(1),
                Frame::AwaitHead(1),
                call(3),
                Frame::Drain,
                Frame::Cancel(1, CANCEL),
            ],
            [&body_under_way()[..3], &[Reply::Pause(TO_THE_END)]].concat(),
        ),
    ]
}
