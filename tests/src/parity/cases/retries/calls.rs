//! Calls of gRPC: which of its statuses are worth another attempt, and where they stand.

use super::{SERVER_ERROR, bad, case, with};
use crate::parity::{
    case::{Case, Own, Protocol, Reply, Retries, owned},
    cases::request::{GRPC, MESSAGE, post2},
};

pub(super) fn cases() -> Vec<Case> {
    const EVENTS: [(&str, &[&str]); 5] = [
        ("1", &["cancelled"]),
        ("4", &["deadline-exceeded"]),
        ("8", &["resource-exhausted"]),
        ("13", &["internal"]),
        ("14", &["unavailable"]),
    ];
    let client = || post2("/shop.Prices/Quote", &[GRPC, ("te", "trailers")], MESSAGE);
    let alone = |status: &str| {
        let fields = [GRPC, ("grpc-status", status), ("grpc-message", "no")];
        vec![Reply::Request, Reply::Head(200, owned(&fields)), Reply::End]
    };
    let behind = |status: &str| {
        vec![
            Reply::Request,
            Reply::Head(200, owned(&[GRPC])),
            Reply::Data(MESSAGE.to_vec()),
            Reply::Trailers(owned(&[("grpc-status", status)])),
        ]
    };
    let policy = |grpc| Retries {
        http: &[],
        grpc,
        ..SERVER_ERROR
    };
    let mut cases = Vec::new();
    for (number, event) in EVENTS {
        let own = with(Protocol::Grpc, policy(event));
        for status in ["0", "1", "2", "4", "8", "13", "14", "16", "x", "99"] {
            let name = format!("grpc {} after status {status}", event[0]);
            let case = case(name, own, client()).replies(alone(status));
            cases.push(case.again(behind("0")));
        }
        let name = format!("grpc {} always", event[0]);
        cases.push(case(name, own, client()).replies(alone(number)));
        let name = format!("grpc {} behind a body", event[0]);
        cases.push(case(name, own, client()).replies(behind(number)));
    }
    let both = Retries {
        http: &["server-error"],
        grpc: &["unavailable"],
        max: 2,
        ..SERVER_ERROR
    };
    cases.push(
        case(
            "grpc of both kinds".to_owned(),
            with(Protocol::Grpc, both),
            client(),
        )
        .replies(bad())
        .again(alone("14"))
        .again(behind("0")),
    );
    for (name, replies) in [
        ("refused", vec![Reply::Request, Reply::Cancel(7)]),
        ("reset", vec![Reply::Request, Reply::Cancel(2)]),
        ("closed", vec![Reply::Request, Reply::Finish]),
        ("unavailable", alone("14")),
        ("503", bad()),
    ] {
        let own = Own::new(Protocol::Grpc);
        let whole = case(format!("grpc unasked, {name}"), own, client()).replies(replies.clone());
        cases.push(whole.again(behind("0")));
        let always = case(format!("grpc unasked, always {name}"), own, client());
        cases.push(always.replies(replies));
    }
    cases
}
