//! Requests with bodies: how long one may be to be sent again.

use super::{HTTP, SERVER_ERROR, bad, case, with};
use crate::parity::{
    case::{Case, Client, End, Frame, Reply, Step, answer, owned},
    cases::request::{head, one, post2, with_body},
    http1::Kind,
};

pub(super) fn cases() -> Vec<Case> {
    let post = |length: usize| {
        let body = "z".repeat(length);
        with_body(
            "POST",
            "/x",
            &[("content-length", &length.to_string())],
            &body,
        )
    };
    let mut cases = Vec::new();
    for protocol in HTTP {
        let own = with(protocol, SERVER_ERROR);
        for length in [3, 60_000, 200_000, 1_000_000, 1_048_576, 1_200_000] {
            let name = format!("body of {length} to {}", protocol.word());
            let last = answer(200, &[], b"got it\n");
            cases.push(
                case(name, own, one(post(length)))
                    .replies(bad())
                    .again(last),
            );
        }
        let chunked = with_body(
            "POST",
            "/x",
            &[("transfer-encoding", "chunked")],
            "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n",
        );
        let ways = [
            ("in chunks", one(chunked)),
            ("by h2", post2("/x", &[], b"abc")),
            (
                "with trailers",
                Client::Http2(vec![
                    Frame::Head(1, head("POST", "/x", &[]), End::More),
                    Frame::Data(1, b"abc".to_vec(), End::More),
                    Frame::Head(1, owned(&[("x-sum", "1")]), End::Stream),
                ]),
            ),
            (
                "in many pieces",
                Client::Http2(
                    [Frame::Head(1, head("POST", "/x", &[]), End::More)]
                        .into_iter()
                        .chain((0..600).map(|_| Frame::Data(1, b"ab".to_vec(), End::More)))
                        .chain([Frame::Data(1, Vec::new(), End::Stream)])
                        .collect(),
                ),
            ),
        ];
        for (name, client) in ways {
            let name = format!("body {name} to {}", protocol.word());
            cases.push(case(name, own, client).replies(bad()));
        }
        // The first attempt is over before the request is.
        let half = with_body("POST", "/x", &[("content-length", "9")], "abc");
        let steps = vec![
            Step::Send(half),
            Step::Pause(1500),
            Step::Send(b"defghi".to_vec()),
        ];
        let client = Client::Http1(steps, vec![Kind::Answer]);
        let early = vec![
            Reply::Head(503, owned(&[("content-length", "0")])),
            Reply::End,
        ];
        let name = format!("body that is under way, to {}", protocol.word());
        cases.push(
            case(name, own, client)
                .replies(early)
                .again(answer(200, &[], b"all of it\n")),
        );
    }
    cases
}
