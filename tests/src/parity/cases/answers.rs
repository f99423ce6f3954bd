//! Answers that services of HTTP/1 and of HTTP/2 give alike.

use crate::parity::case::{Reply, answer, owned};

/// A name, and what the service does.
pub(super) type Answer = (&'static str, Vec<Reply>);

/// A head, the pieces of its body, and the end.
fn pieces(status: u16, body: Vec<Reply>) -> Vec<Reply> {
    [
        vec![Reply::Head(status, owned(&[]))],
        body,
        vec![Reply::End],
    ]
    .concat()
}

/// The answers.
pub(super) fn of_either() -> Vec<Answer> {
    let data = |bytes: &[u8]| Reply::Data(bytes.to_vec());
    let slow = vec![data(b"a"), Reply::Pause(100), data(b"b")];
    let several = [
        ("x-a", "1"),
        ("x-b", "2"),
        ("x-a", "3"),
        ("set-cookie", "a"),
        ("set-cookie", "b"),
    ];
    let link = Reply::Head(103, owned(&[("link", "</a>")]));
    vec![
        (
            "200",
            answer(200, &[("content-type", "text/plain")], b"hello"),
        ),
        ("200 empty", answer(200, &[], b"")),
        ("304", answer(304, &[("etag", "\"x\"")], b"")),
        (
            "103 then 200",
            [vec![Reply::Request, link], pieces(200, vec![data(b"x")])].concat(),
        ),
        ("100 then 200", after(100)),
        ("early", pieces(413, vec![data(b"large")])),
        ("1 MiB", answer(200, &[], &vec![b'y'; 1 << 20])),
        ("many fields", answer(200, &several, b"")),
        ("slow", [vec![Reply::Request], pieces(200, slow)].concat()),
    ]
}

/// An answer behind an interim one that comes before the request is read.
pub(super) fn after(interim: u16) -> Vec<Reply> {
    let begin = vec![Reply::Head(interim, owned(&[])), Reply::Request];
    [begin, pieces(200, vec![Reply::Data(b"x".to_vec())])].concat()
}
