//! Balancing: how many of some requests each of several endpoints has. All are sent over one connection,
//! which one worker of the proxy has, so that round robin is exact.

use super::request::{plain, shares};
use crate::parity::case::{AT, Asker, Bullet, Case, Endpoints, Own, Protocol, Reply, answer};

/// A multiple of every number of endpoints.
const REQUESTS: usize = 60;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for protocol in [Protocol::Http, Protocol::Http2] {
        for count in 1..=4 {
            for with_unreachable in [false, true] {
                let endpoints = Endpoints {
                    with_unreachable,
                    ..Endpoints::new(count)
                };
                let more = if with_unreachable {
                    " and one that cannot be reached"
                } else {
                    ""
                };
                for method in ["GET", "POST"] {
                    let name = format!("{method} to {count} of {}{more}", protocol.word());
                    cases.push(counted(name, protocol, endpoints, method));
                }
            }
        }
        for (what, replies) in [
            ("answers 500", answer(500, &[("x-at", AT)], b"")),
            ("answers 503", answer(503, &[("x-at", AT)], b"")),
            ("resets", vec![Reply::Request, Reply::Reset]),
        ] {
            for count in 2..=4 {
                let name = format!("one of {count} of {} {what}", protocol.word());
                let case = counted(name, protocol, Endpoints::new(count), "POST");
                cases.push(case.apart(1, Asker::Client, replies.clone()));
            }
        }
    }
    cases
}

/// A case that counts who answered what.
fn counted(name: String, protocol: Protocol, endpoints: Endpoints, method: &str) -> Case {
    let length: &[_] = match method {
        "POST" => &[("content-length", "0")],
        _ => &[],
    };
    let own = Own::new(protocol).at(endpoints);
    let request = plain(method, "/x", length);
    shares(Bullet::Balancing, name, own, REQUESTS, request)
}
