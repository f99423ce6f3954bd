//! Endpoints that ask to be left alone, by `x-envoy-immediate-health-check-fail` beside their answers to
//! requests and to probes: who is called then, and what the client sees of it.

use super::{
    health,
    request::{GRPC, one, one2, plain, shares},
};
use crate::parity::case::{
    AT, Asker, Bullet, Case, Endpoints, Mesh, Own, Protocol, Reply, Retries, Target, answer, owned,
    serving,
};

/// The field, and a value: any will do.
const FIELD: (&str, &str) = ("x-envoy-immediate-health-check-fail", "true");

const REQUESTS: usize = 24;

/// Milliseconds that an answer takes behind its head: Envoy hears of it on another thread than it answers on.
const HEARD: u64 = 100;
/// The same where another endpoint of the cluster has changed before: Envoy takes up further changes a second
/// later (`update_merge_window`).
const HEARD_AFTER_OTHERS: u64 = 1200;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = probes();
    cases.extend(probes_of_grpc());
    cases.extend(requests());
    cases.extend(ways());
    cases.extend(unmoved());
    cases.extend(seen());
    cases
}

fn checked(count: usize, protocol: Protocol) -> Endpoints {
    let path = (protocol != Protocol::Grpc).then_some("/ping");
    health::checked(count, protocol, path)
}

/// Who is called of these endpoints, the first of which are to do something else.
fn shared(name: String, endpoints: Endpoints, own: Own) -> Case {
    let fields: &[_] = if own.protocol == Protocol::Grpc {
        &[GRPC]
    } else {
        &[]
    };
    let request = plain("GET", "/x", fields);
    shares(Bullet::Health, name, own.at(endpoints), REQUESTS, request)
}

/// An answer whose end comes when its head was heard of.
fn slow(status: u16, fields: &[(&str, &str)]) -> Vec<Reply> {
    slower(HEARD, status, fields)
}

fn slower(milliseconds: u64, status: u16, fields: &[(&str, &str)]) -> Vec<Reply> {
    let body: &[u8] = if status == 204 { b"" } else { b"hello" };
    let mut replies = answer(status, fields, body);
    replies.insert(2, Reply::Pause(milliseconds));
    replies
}

/// Some of some endpoints deny their probes, and some of these ask to be left alone.
fn probes() -> Vec<Case> {
    let mut cases = Vec::new();
    for (count, withdrawn, denying) in [
        (1, 1, 0),
        (2, 1, 0),
        (2, 2, 0),
        (2, 1, 1),
        (3, 1, 1),
        (3, 2, 0),
        (3, 2, 1),
        (3, 3, 0),
        (4, 1, 2),
        (4, 2, 1),
        (4, 3, 0),
        (4, 2, 2),
    ] {
        for protocol in [Protocol::Http, Protocol::Http2] {
            let name = format!(
                "{withdrawn} of {count} withdraw by probes of {}, {denying} deny",
                protocol.word()
            );
            let own = Own::new(protocol);
            let mut case = shared(name, checked(count, protocol), own);
            for endpoint in 0..withdrawn + denying {
                let fields: &[_] = if endpoint < withdrawn { &[FIELD] } else { &[] };
                case = case.apart(endpoint, Asker::Probe, answer(503, fields, b""));
            }
            cases.push(case);
        }
    }
    for (status, value) in [(200, "true"), (404, "false"), (204, ""), (302, "true")] {
        let name = format!("two of three answer their probes {status} with {value:?}");
        let own = Own::new(Protocol::Http);
        let mut case = shared(name, checked(3, Protocol::Http), own);
        for endpoint in 0..2 {
            let replies = answer(status, &[(FIELD.0, value)], b"");
            case = case.apart(endpoint, Asker::Probe, replies);
        }
        cases.push(case);
    }
    cases
}

/// Two of three endpoints answer a probe of gRPC in one of these ways.
fn probes_of_grpc() -> Vec<Case> {
    let with_field = |message: &[u8]| {
        let mut replies = serving(message);
        replies[1] = Reply::Head(200, owned(&[GRPC, FIELD]));
        replies
    };
    let ways = [
        ("SERVING", with_field(b"\x08\x01")),
        ("NOT_SERVING", with_field(b"\x08\x02")),
        ("HTTP status 503", answer(503, &[FIELD], b"")),
        (
            "status 14 alone",
            answer(200, &[GRPC, ("grpc-status", "14"), FIELD], b""),
        ),
    ];
    let cases = ways.into_iter().map(|(name, replies)| {
        let name = format!("two of three answer their probes of gRPC {name} and withdraw");
        let own = Own::new(Protocol::Grpc);
        let mut case = shared(name, checked(3, Protocol::Grpc), own);
        for endpoint in 0..2 {
            case = case.apart(endpoint, Asker::Probe, replies.clone());
        }
        case
    });
    cases.collect()
}

/// The first of some endpoints ask to be left alone with each answer. Where that is all of them, who has how
/// many turns is not the same each time, with Envoy.
fn requests() -> Vec<Case> {
    let mut cases = Vec::new();
    for (count, withdrawn) in [(1, 1), (2, 1), (2, 2), (3, 1), (3, 2), (4, 3), (4, 4)] {
        for protocol in [Protocol::Http, Protocol::Http2, Protocol::Grpc] {
            let name = format!(
                "{withdrawn} of {count} withdraw by answers of {}",
                protocol.word()
            );
            let own = Own::new(protocol);
            let mut case = shared(name, checked(count, protocol), own);
            let at: &[_] = if withdrawn < count {
                &[("x-at", AT)]
            } else {
                &[]
            };
            let several = count - withdrawn > 1;
            if several {
                case = case.replies(answer(200, &[], b""));
            }
            for endpoint in 0..withdrawn {
                let fields = [at, &[FIELD]].concat();
                let pause = if (2..count).contains(&withdrawn) {
                    HEARD_AFTER_OTHERS
                } else {
                    HEARD
                };
                case = case.apart(endpoint, Asker::Client, slower(pause, 200, &fields));
            }
            cases.push(case);
        }
    }
    cases
}

/// How the first of two endpoints answers that asks to be left alone.
fn ways() -> Vec<Case> {
    let at = ("x-at", AT);
    let mut cases = Vec::new();
    for (status, value) in [
        (200, "false"),
        (204, ""),
        (404, "no"),
        (500, "1"),
        (503, "true"),
    ] {
        let name = format!("one withdraws by status {status} with {value:?}");
        let own = Own::new(Protocol::Http);
        let case = shared(name, checked(2, Protocol::Http), own);
        let replies = slow(status, &[at, (FIELD.0, value)]);
        cases.push(case.apart(0, Asker::Client, replies));
    }
    let name = "one withdraws, checked by tcp".to_owned();
    let endpoints = health::checked(2, Protocol::Tcp, None);
    let case = shared(name, endpoints, Own::new(Protocol::Http));
    cases.push(case.apart(0, Asker::Client, slow(200, &[at, FIELD])));
    let again = Own {
        retries: Some(Retries {
            max: 1,
            per_try: 10_000,
            http: &["server-error"],
            ..Retries::default()
        }),
        ..Own::new(Protocol::Http)
    };
    let name = "one withdraws by what is tried again".to_owned();
    // One attempt has all of its service's answers; both sides begin with any of the two endpoints.
    let case = shared(name, checked(2, Protocol::Http), again).mesh(Mesh::Retries);
    cases.push(case.apart(0, Asker::Client, slow(503, &[at, FIELD])));
    let only = [GRPC, at, FIELD, ("grpc-status", "0")];
    let mut good = answer(200, &[at], b"");
    good.insert(1, Reply::Pause(HEARD));
    let name = "one withdraws by trailers alone".to_owned();
    let case = shared(name, checked(2, Protocol::Grpc), Own::new(Protocol::Grpc)).replies(good);
    cases.push(case.apart(0, Asker::Client, answer(200, &only, b"")));
    cases
}

/// Where it says nothing.
fn unmoved() -> Vec<Case> {
    let at = ("x-at", AT);
    let mut cases = Vec::new();
    for (name, outliers) in [("not judged", None), ("watched for errors", Some((5, 50)))] {
        let endpoints = Endpoints {
            outliers,
            ..Endpoints::new(2)
        };
        let case = shared(
            format!("one withdraws and is {name}"),
            endpoints,
            Own::new(Protocol::Http),
        );
        cases.push(case.apart(0, Asker::Client, slow(200, &[at, FIELD])));
    }
    let trailers = vec![
        Reply::Request,
        Reply::Head(200, owned(&[GRPC, at])),
        Reply::Pause(HEARD),
        Reply::Trailers(owned(&[("grpc-status", "0"), FIELD])),
    ];
    let name = "one withdraws in its trailers".to_owned();
    let case = shared(name, checked(2, Protocol::Grpc), Own::new(Protocol::Grpc));
    cases.push(case.apart(0, Asker::Client, trailers));
    let interim = vec![
        Reply::Request,
        Reply::Head(103, owned(&[FIELD])),
        Reply::Pause(HEARD),
        Reply::Head(200, owned(&[at])),
        Reply::End,
    ];
    let name = "one withdraws in an interim answer".to_owned();
    let case = shared(name, checked(2, Protocol::Http), Own::new(Protocol::Http));
    cases.push(case.apart(0, Asker::Client, interim));
    cases
}

/// What a client sees of it.
fn seen() -> Vec<Case> {
    let ways = [Protocol::Http, Protocol::Http2, Protocol::Grpc];
    let cases = ways.into_iter().map(|protocol| {
        let own = Own::new(protocol).at(checked(1, protocol));
        let client = match protocol {
            Protocol::Http => one(plain("GET", "/x", &[])),
            _ => one2("GET", "/x", &[]),
        };
        let name = format!("the client of {} sees who withdraws", protocol.word());
        let replies = answer(200, &[FIELD], b"hello");
        Case::new(Bullet::Health, name, Target::Own(own), client).replies(replies)
    });
    cases.collect()
}
