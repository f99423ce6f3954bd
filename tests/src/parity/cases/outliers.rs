//! Outlier detection: what counts as a failure, after how many an endpoint is out, and who is called then.

use super::request::{GRPC, one, plain, shares};
use crate::parity::{
    case::{
        AT, Asker, Bullet, Case, Client, Endpoints, Mesh, Own, Protocol, Reply, Target, answer,
        owned,
    },
    client::over_time::FAILING,
    recorder::BLAMER,
};

const REQUESTS: usize = 24;

/// Milliseconds that a good answer takes: Envoy ejects on another thread than it answers on, which may be
/// late on a busy machine.
const EJECTED: u64 = 100;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = lengths();
    cases.extend(ways());
    cases.extend(ways_of_http2());
    cases.extend(ways_of_grpc());
    cases.extend(several());
    cases.extend(closed());
    cases.extend(returns());
    cases
}

/// A service whose endpoints say who they are, and how many of its requests each gets.
fn case(name: String, protocol: Protocol, endpoints: Endpoints) -> Case {
    own(name, endpoints, Own::new(protocol), &[])
}

fn own(name: String, endpoints: Endpoints, own: Own, fields: &[(&str, &str)]) -> Case {
    let request = plain("GET", "/x", fields);
    let case = shares(Bullet::Outliers, name, own.at(endpoints), REQUESTS, request);
    case.replies(good(&[("x-at", AT)]))
}

fn good(fields: &[(&str, &str)]) -> Vec<Reply> {
    let mut replies = answer(200, fields, b"");
    replies.insert(1, Reply::Pause(EJECTED));
    replies
}

fn judged(count: usize, errors: u64, percent: u32) -> Endpoints {
    Endpoints {
        outliers: Some((errors, percent)),
        ..Endpoints::new(count)
    }
}

fn failing(status: u16) -> Vec<Reply> {
    answer(status, &[("x-at", AT)], b"")
}

fn lengths() -> Vec<Case> {
    let lengths = [1, 2, 3, 5, 8, 12, 13, 100].into_iter();
    let cases = lengths.map(|errors| {
        case(
            format!("out after {errors}"),
            Protocol::Http,
            judged(2, errors, 50),
        )
        .apart(0, Asker::Client, failing(500))
    });
    cases.collect()
}

/// What the first of two endpoints does, two failures of which put it out.
fn ways() -> Vec<Case> {
    let statuses = [
        200, 301, 400, 404, 408, 429, 499, 500, 501, 502, 503, 504, 505, 511, 599,
    ];
    let mut ways: Vec<(String, Vec<Reply>)> = statuses
        .iter()
        .map(|status| (format!("answers {status}"), failing(*status)))
        .collect();
    let named = |name: &str, replies: Vec<Reply>| (name.to_owned(), replies);
    ways.extend([
        named("closes", vec![Reply::Request, Reply::Finish]),
        named("resets", vec![Reply::Request, Reply::Reset]),
        named(
            "answers what is none",
            vec![Reply::Request, Reply::Bytes(b"hello\r\n\r\n".to_vec())],
        ),
    ]);
    let mut cases: Vec<Case> = ways
        .into_iter()
        .map(|(name, replies)| {
            case(format!("one {name}"), Protocol::Http, judged(2, 2, 50)).apart(
                0,
                Asker::Client,
                replies,
            )
        })
        .collect();
    let slow = Own {
        per_request: Some(1500),
        ..Own::new(Protocol::Http)
    };
    let late = vec![Reply::Request, Reply::Pause(5000)];
    cases.push(
        own("one is late".to_owned(), judged(2, 2, 50), slow, &[]).apart(
            0,
            Asker::Client,
            late.clone(),
        ),
    );
    let idle = Own {
        idle: Some(1500),
        ..Own::new(Protocol::Http)
    };
    cases.push(
        own("one idles".to_owned(), judged(2, 2, 50), idle, &[]).apart(0, Asker::Client, late),
    );
    let unreachable = Endpoints {
        with_unreachable: true,
        ..judged(1, 2, 50)
    };
    cases.push(case(
        "one cannot be reached".to_owned(),
        Protocol::Http,
        unreachable,
    ));
    cases
}

fn ways_of_http2() -> Vec<Case> {
    let ways = [
        ("answers 500", failing(500)),
        ("refuses streams", vec![Reply::Request, Reply::Cancel(7)]),
        ("resets streams", vec![Reply::Request, Reply::Cancel(2)]),
        ("closes", vec![Reply::Request, Reply::Finish]),
    ];
    let cases = ways.into_iter().map(|(name, replies)| {
        case(
            format!("one of http2 {name}"),
            Protocol::Http2,
            judged(2, 2, 50),
        )
        .apart(0, Asker::Client, replies)
    });
    cases.collect()
}

/// Calls of gRPC, whose own status counts where an answer begins with it.
fn ways_of_grpc() -> Vec<Case> {
    let mut cases = Vec::new();
    for status in [0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 14, 15, 16, 17] {
        let text = status.to_string();
        let fields = [GRPC, ("grpc-status", text.as_str()), ("x-at", AT)];
        let replies = vec![Reply::Request, Reply::Head(200, owned(&fields)), Reply::End];
        let name = format!("one answers gRPC status {status}");
        let call = own(name, judged(2, 2, 50), Own::new(Protocol::Grpc), &[GRPC]);
        cases.push(call.apart(0, Asker::Client, replies.clone()));
        if status == 14 {
            let name = format!("one answers gRPC status {status} to what is no gRPC");
            cases.push(case(name, Protocol::Grpc, judged(2, 2, 50)).apart(
                0,
                Asker::Client,
                replies,
            ));
        }
    }
    let replies = vec![
        Reply::Request,
        Reply::Head(200, owned(&[GRPC, ("x-at", AT)])),
        Reply::Trailers(owned(&[("grpc-status", "14")])),
    ];
    let name = "one ends with gRPC status 14".to_owned();
    let call = own(name, judged(2, 2, 50), Own::new(Protocol::Grpc), &[GRPC]);
    cases.push(call.apart(0, Asker::Client, replies));
    cases
}

/// The first of several endpoints fails from the first request on. Who of three or four has how many turns
/// then is not the same each time, with Envoy.
fn several() -> Vec<Case> {
    let mut cases = Vec::new();
    for (count, percent) in [
        (1, 100),
        (1, 0),
        (2, 0),
        (2, 10),
        (2, 100),
        (3, 0),
        (3, 33),
        (4, 1),
        (4, 25),
    ] {
        let name = format!("1 of {count} fails, up to {percent} %");
        let case = case(name, Protocol::Http, judged(count, 1, percent));
        cases.push(if count > 2 {
            case.replies(good(&[]))
                .apart(0, Asker::Client, answer(500, &[], b""))
        } else {
            case.apart(0, Asker::Client, failing(500))
        });
    }
    cases
}

/// What becomes of the connection on which an endpoint answered that is ejected for it, or is not.
fn closed() -> Vec<Case> {
    let mut cases = Vec::new();
    for (status, errors, percent) in [
        (500, 1, 100),
        (503, 1, 100),
        (503, 1, 1),
        (500, 2, 100),
        (404, 1, 100),
    ] {
        let own = Own {
            endpoints: Some(judged(1, errors, percent)),
            ..Own::new(Protocol::Http)
        };
        let name = format!("connection after {status}, {errors} eject {percent} %");
        let client = one(plain("GET", "/x", &[]));
        cases.push(
            Case::new(Bullet::Outliers, name, Target::Own(own), client).replies(answer(
                status,
                &[],
                b"hello",
            )),
        );
    }
    cases
}

/// The first of two or three endpoints fails, comes back, and fails again.
fn returns() -> Vec<Case> {
    let mut cases = Vec::new();
    for (protocol, count, errors) in [
        (Protocol::Http, 2, 1),
        (Protocol::Http, 2, 3),
        (Protocol::Http, 3, 2),
        (Protocol::Http2, 2, 2),
        (Protocol::Grpc, 2, 2),
    ] {
        let endpoints = Endpoints {
            returns: true,
            ..judged(count, errors, 50)
        };
        let own = Own::new(protocol).at(endpoints);
        let request = |fields: &[_]| plain("GET", "/x", fields);
        let counts = (usize::try_from(errors).unwrap_or_default(), 2);
        let client = Client::Ejections(request(&[]), request(&[("user-agent", BLAMER)]), counts);
        let name = format!(
            "1 of {count} of {} is back after {errors} failures, each time later",
            protocol.word()
        );
        let at = [("x-at", FAILING)];
        cases.push(
            Case::new(Bullet::Outliers, name, Target::Own(own), client)
                .mesh(Mesh::Late)
                .apart(0, Asker::Client, answer(200, &at, b"hello"))
                .apart(0, Asker::Blamer, answer(500, &at, b"hello")),
        );
    }
    cases
}
