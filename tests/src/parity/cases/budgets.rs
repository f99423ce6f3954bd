//! Budgets of retries: how many are under way at most, by what else is under way. A request is held by its own
//! end, which the client sends when all else has been seen; a retry is held by the service.

use super::{
    ARRIVED,
    pools::{client, ended, get, hold, release},
    request::{one, one2, plain},
};
use crate::parity::case::{
    Budget, Bullet, Case, Client, Mesh, Own, Presence, Protocol, Reply, Retries, Target, answer,
    owned,
};

const HTTP: [Protocol; 2] = [Protocol::Http, Protocol::Http2];
/// Of one attempt, in milliseconds.
const PER_TRY: u64 = 1000;
const ONCE: Retries = Retries {
    max: 1,
    per_try: 0,
    http: &["server-error"],
    tcp: &["connection-error"],
    grpc: &[],
};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for protocol in HTTP {
        cases.extend(in_turn(protocol));
        cases.extend(ends(protocol));
        cases.extend(unreached(protocol));
    }
    cases
}

fn budget(percent: u8, least: u8) -> Budget {
    Budget {
        percent: Some(percent),
        least: Some(least),
    }
}

fn own(protocol: Protocol, budget: Budget) -> Own {
    Own {
        retries: Some(ONCE),
        budget: Some(budget),
        ..Own::new(protocol)
    }
}

fn case(name: &str, own: Own, client: Client) -> Case {
    let name = format!("budget of {}: {name}", own.protocol.word());
    Case::new(Bullet::Retries, name, Target::Own(own), client).mesh(Mesh::Retries)
}

/// Requests that fail one after the other while so many others are held, and which of them are tried again:
/// what else is done depends on it.
fn in_turn(protocol: Protocol) -> Vec<Case> {
    let of_envoy = Budget::default();
    let half = Budget {
        percent: Some(50),
        least: None,
    };
    let six = Budget {
        percent: None,
        least: Some(6),
    };
    let turns: [(&str, Budget, usize, &[bool]); 13] = [
        ("nothing", budget(0, 0), 2, &[false, false]),
        ("one", budget(0, 1), 0, &[true, false]),
        ("two", budget(0, 2), 2, &[true, true, false]),
        ("half of one", budget(50, 0), 0, &[false]),
        ("half of two", budget(50, 0), 1, &[true, false]),
        ("half of three", budget(50, 0), 2, &[true, true, false]),
        ("all of one", budget(100, 0), 0, &[true, true, true]),
        ("a fifth of four", budget(20, 0), 3, &[false, false]),
        ("a fifth of five", budget(20, 0), 4, &[true, false]),
        ("a third and two", budget(33, 2), 2, &[true, true, false]),
        ("Envoy's own", of_envoy, 0, &[true, true, true, false]),
        (
            "half, three of Envoy's",
            half,
            0,
            &[true, true, true, false],
        ),
        ("of Envoy's a fifth, six", six, 0, &[true, true, true, true]),
    ];
    let turns = turns.into_iter();
    turns
        .map(|(name, budget, held, tried)| {
            let all = held + tried.len();
            let holds = (0..held).map(|number| hold(number).into());
            let fail = (held..all).map(|number| get(number).into());
            let ends = (held..all).map(|number| ended(number).into());
            let releases = (0..held).map(|number| release(number).into());
            let client = client(holds.chain(fail).chain(ends).chain(releases));
            let later = tried.iter().rev();
            let mut replies: Vec<Vec<Reply>> = Vec::new();
            for (after, is_tried) in (1..).zip(later) {
                if *is_tried {
                    replies.push(slow(after));
                }
                replies.push(bad());
            }
            replies.extend((0..held).map(|_| answer(200, &[], b"held")));
            let mut replies = replies.into_iter().rev();
            let first = replies.next().unwrap_or_default();
            let case = case(name, own(protocol, budget), client).replies(first);
            replies.fold(case, Case::again)
        })
        .collect()
}

fn bad() -> Vec<Reply> {
    answer(503, &[], b"not now\n")
}

/// An answer behind which so many requests have failed.
fn slow(requests: u64) -> Vec<Reply> {
    vec![
        Reply::Request,
        Reply::Pause((requests + 1) * ARRIVED),
        Reply::Head(200, owned(&[("x-attempt", "second")])),
        Reply::End,
    ]
}

/// Ends of an attempt, for which the budget is what the attempt itself makes it.
fn ends(protocol: Protocol) -> Vec<Case> {
    let after_request = |last| vec![Reply::Request, last];
    let mut ends = vec![
        ("503", bad()),
        ("503 without a body", answer(503, &[], b"")),
        ("a close", after_request(Reply::Finish)),
        ("a reset", after_request(Reply::Reset)),
        (
            "no answer",
            after_request(Reply::Bytes(b"nonsense\r\n\r\n".to_vec())),
        ),
        ("silence", after_request(Reply::Pause(3 * PER_TRY))),
    ];
    if protocol == Protocol::Http2 {
        ends.push(("a refusal", after_request(Reply::Cancel(7))));
        ends.push(("a cancel", after_request(Reply::Cancel(2))));
    }
    let ends = ends.into_iter();
    ends.map(|(end, replies)| {
        let name = format!("all of one that ends by {end}");
        let mut own = own(protocol, budget(100, 0));
        if end == "silence" {
            own.retries = Some(Retries {
                per_try: PER_TRY,
                ..ONCE
            });
        }
        let client = match protocol {
            Protocol::Http => one(plain("GET", "/x", &[])),
            _ => one2("GET", "/x", &[]),
        };
        case(&name, own, client).replies(replies).again(answer(
            200,
            &[("x-attempt", "second")],
            b"hello\n",
        ))
    })
    .collect()
}

/// Requests that wait for a connection.
fn unreached(protocol: Protocol) -> Vec<Case> {
    let mut cases = Vec::new();
    for (what, presence) in [("refused", Presence::Refuses), ("silent", Presence::Silent)] {
        for (name, budget) in [
            ("nothing", budget(0, 0)),
            ("half of one", budget(50, 0)),
            ("all of one", budget(100, 0)),
            ("one", budget(0, 1)),
        ] {
            let own = Own {
                presence,
                ..own(protocol, budget)
            };
            let name = format!("{name} that is {what}");
            cases.push(case(&name, own, one(plain("GET", "/x", &[]))));
        }
    }
    // They fail together, and each that is judged leaves less under way for the next.
    for percent in [34, 50, 67, 100] {
        let own = Own {
            presence: Presence::Silent,
            ..own(protocol, budget(percent, 0))
        };
        let asks = (0..3).map(|number| vec![get(number)[0].clone()]);
        let ends = (0..3).map(|number| ended(number).into());
        let name = format!("{percent} % of three that wait");
        cases.push(case(&name, own, client(asks.chain(ends))));
    }
    cases
}
