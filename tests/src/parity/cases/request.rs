//! Requests as cases write them, in HTTP/1 and in HTTP/2.

use crate::parity::{
    case::{
        AT, Bullet, CASE, CASE_FIELD, Case, Client, End, Fields, Frame, HOST, Own, Protocol, Step,
        Target, answer,
    },
    http1::Kind,
};

/// What tells that a request or an answer is of gRPC.
pub(super) const GRPC: (&str, &str) = ("content-type", "application/grpc");
/// What a client of gRPC says beside it.
pub(super) const TE: (&str, &str) = ("te", "trailers");
/// A message of three bytes behind its length (gRPC over HTTP/2, "Length-Prefixed-Message").
pub(super) const MESSAGE: &[u8] = b"\0\0\0\0\x03abc";

/// A request of HTTP/1.1 with more fields behind its own, and without a body.
pub(super) fn plain(method: &str, path: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    with_body(method, path, fields, "")
}

/// The same with a body, which its fields frame.
pub(super) fn with_body(method: &str, path: &str, fields: &[(&str, &str)], body: &str) -> Vec<u8> {
    let more: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let more = more.concat();
    let own = format!("host: {HOST}\r\n{CASE_FIELD}: {CASE}\r\n");
    format!("{method} {path} HTTP/1.1\r\n{own}{more}\r\n{body}").into_bytes()
}

/// A client of HTTP/1 that sends some bytes at once and expects one answer.
pub(super) fn one(bytes: impl Into<Vec<u8>>) -> Client {
    Client::Http1(vec![Step::Send(bytes.into())], vec![Kind::Answer])
}

/// The fields of a request of HTTP/2.
pub(super) fn head(method: &str, path: &str, fields: &[(&str, &str)]) -> Fields {
    let own = [
        (":method", method),
        (":scheme", "http"),
        (":authority", HOST),
        (":path", path),
        (CASE_FIELD, CASE),
    ];
    let fields = own.iter().chain(fields);
    fields
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// A client of HTTP/2 with one request without a body.
pub(super) fn one2(method: &str, path: &str, fields: &[(&str, &str)]) -> Client {
    Client::Http2(vec![Frame::Head(
        1,
        head(method, path, fields),
        End::Stream,
    )])
}

/// A client of HTTP/2 with one request and its body.
pub(super) fn post2(path: &str, fields: &[(&str, &str)], body: &[u8]) -> Client {
    Client::Http2(vec![
        Frame::Head(1, head("POST", path, fields), End::More),
        Frame::Data(1, body.to_vec(), End::Stream),
    ])
}

/// The same request by either protocol.
pub(super) fn either(
    method: &str,
    path: &str,
    fields: &[(&str, &str)],
) -> [(&'static str, Client); 2] {
    let first = match method {
        "HEAD" => Client::Http1(
            vec![Step::Send(plain(method, path, fields))],
            vec![Kind::AnswerToHead],
        ),
        _ => one(plain(method, path, fields)),
    };
    [("h1", first), ("h2", one2(method, path, fields))]
}

/// The shared service of a protocol.
pub(super) fn shared(protocol: Protocol) -> Target {
    Target::Service(
        protocol.service_port(),
        format!("{}.apps.local", protocol.word()),
    )
}

/// A service of a case's own.
pub(super) fn own(protocol: Protocol) -> Target {
    Target::Own(Own::new(protocol))
}

/// A case that counts who answers how many of some requests, each the same: the endpoints of its service
/// say who they are.
pub(super) fn shares(
    bullet: Bullet,
    name: String,
    own: Own,
    requests: usize,
    request: Vec<u8>,
) -> Case {
    let client = Client::Shares(requests, request, Vec::new());
    let case = Case::new(bullet, name, Target::Own(own), client);
    case.replies(answer(200, &[("x-at", AT)], b""))
}

/// A case towards the shared service of HTTP/1.
pub(super) fn web(bullet: Bullet, name: impl Into<String>, client: Client) -> Case {
    Case::new(bullet, name, shared(Protocol::Http), client)
}
