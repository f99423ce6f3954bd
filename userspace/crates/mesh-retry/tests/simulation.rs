//! Requests with policies, endpoints and luck of chance, by seed, against a naive model of Envoy's rules.

use std::{collections::BTreeSet, time::Duration};

use fastrand::Rng;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use mesh_model::snapshot::{RetryOn, RetryPolicy};
use mesh_retry::{Attempts, Ended, Policy, Verdict};

const SEEDS: u64 = 10_000;

const EVENTS: [RetryOn; 9] = [
    RetryOn::Cancelled,
    RetryOn::ConnectFailure,
    RetryOn::DeadlineExceeded,
    RetryOn::Internal,
    RetryOn::RefusedStream,
    RetryOn::Reset,
    RetryOn::ResourceExhausted,
    RetryOn::RetriableStatusCodes,
    RetryOn::Unavailable,
];
const STATUSES: [u16; 8] = [200, 404, 409, 500, 502, 503, 504, 511];

/// What an endpoint does to an attempt.
#[derive(Clone, Debug)]
enum Fate {
    Answer {
        status: u16,
        grpc: Option<String>,
        is_limited: bool,
    },
    NoConnection,
    Refusal,
    Reset,
    Silence,
}

fn fate(rng: &mut Rng) -> Fate {
    match rng.u8(..8) {
        0 => Fate::NoConnection,
        1 => Fate::Refusal,
        2 => Fate::Reset,
        3 => Fate::Silence,
        _ => Fate::Answer {
            status: STATUSES[rng.usize(..STATUSES.len())],
            grpc: rng.bool().then(|| rng.u8(..18).to_string()),
            is_limited: rng.u8(..10) == 0,
        },
    }
}

fn policy(rng: &mut Rng) -> RetryPolicy {
    let events = EVENTS.into_iter().filter(|_| rng.u8(..3) == 0);
    let retry_on: BTreeSet<RetryOn> = events.collect();
    RetryPolicy {
        retry_on,
        status_codes: STATUSES.into_iter().filter(|_| rng.bool()).collect(),
        num_retries: rng.u32(..8),
        per_try_timeout: None,
        host_attempts: 5,
    }
}

/// Envoy's words for what an attempt's end is, and whether the policy has one of them.
fn is_worth_it(policy: &RetryPolicy, fate: &Fate) -> bool {
    let words: Vec<&str> = match fate {
        Fate::Answer {
            is_limited: true, ..
        } => vec![],
        Fate::Answer { status, grpc, .. } => {
            let mut words = vec![];
            if policy.status_codes.contains(status) {
                words.push("retriable-status-codes");
            }
            match grpc.as_deref() {
                Some("1") => words.push("cancelled"),
                Some("4") => words.push("deadline-exceeded"),
                Some("8") => words.push("resource-exhausted"),
                Some("13") => words.push("internal"),
                Some("14") => words.push("unavailable"),
                _ => {}
            }
            words
        }
        Fate::NoConnection => vec!["connect-failure", "reset"],
        Fate::Refusal => vec!["refused-stream", "reset"],
        Fate::Reset | Fate::Silence => vec!["reset"],
    };
    policy
        .retry_on
        .iter()
        .any(|on| words.contains(&on.as_str()))
}

/// What the model says of a request: each wait's bound in milliseconds, and how it ends.
fn model(policy: &RetryPolicy, fates: &[Fate], room: &[bool]) -> (Vec<u64>, Verdict) {
    let bounds = [25, 50, 100, 200];
    let mut waits = Vec::new();
    for (number, fate) in fates.iter().enumerate() {
        if !is_worth_it(policy, fate) {
            return (waits, Verdict::Settled);
        }
        if number >= policy.num_retries as usize {
            return (waits, Verdict::LimitExceeded);
        }
        if !room[number] {
            return (waits, Verdict::Overflow);
        }
        waits.push(bounds.get(number).copied().unwrap_or(250));
    }
    unreachable!("there are more fates than retries");
}

fn fields(fate: &Fate) -> HeaderMap {
    let mut fields = HeaderMap::new();
    if let Fate::Answer {
        grpc, is_limited, ..
    } = fate
    {
        if let Some(grpc) = grpc {
            let value = HeaderValue::from_str(grpc).expect("digits");
            fields.insert(HeaderName::from_static("grpc-status"), value);
        }
        if *is_limited {
            let name = HeaderName::from_static("x-envoy-ratelimited");
            fields.insert(name, HeaderValue::from_static("true"));
        }
    }
    fields
}

fn ended<'a>(fate: &Fate, fields: &'a HeaderMap) -> Ended<'a> {
    match fate {
        Fate::Answer { status, .. } => {
            let status = StatusCode::from_u16(*status).expect("a status");
            Ended::Answered(status, fields)
        }
        Fate::NoConnection => Ended::NoConnection,
        Fate::Refusal => Ended::RefusedStream,
        Fate::Reset => Ended::Reset,
        Fate::Silence => Ended::TimedOut,
    }
}

#[test]
fn ten_thousand_requests_are_tried_as_often_as_the_model_says() {
    for seed in 0..SEEDS {
        let mut rng = Rng::with_seed(seed);
        let given = policy(&mut rng);
        // What fails once fails again, as a rule: else few requests would use up their retries.
        let usual = fate(&mut rng);
        let next = |rng: &mut Rng| {
            if rng.u8(..4) == 0 {
                fate(rng)
            } else {
                usual.clone()
            }
        };
        let fates: Vec<Fate> = (0..10).map(|_| next(&mut rng)).collect();
        let room: Vec<bool> = (0..10).map(|_| rng.u8(..12) > 0).collect();
        let (bounds, last) = model(&given, &fates, &room);
        let Some(policy) = Policy::of(&given) else {
            assert!(given.retry_on.is_empty(), "seed {seed}");
            continue;
        };
        let mut attempts = Attempts::new(policy);
        for (number, bound) in bounds.iter().enumerate() {
            assert_eq!(attempts.is_retry(), number > 0, "seed {seed}");
            let fields = fields(&fates[number]);
            let ended = ended(&fates[number], &fields);
            let verdict = attempts.judge(ended, || room[number], || rng.u64(..));
            let Verdict::Again(wait) = verdict else {
                panic!("seed {seed}: {verdict:?} after attempt {number}");
            };
            assert!(
                wait < Duration::from_millis(*bound),
                "seed {seed}: {wait:?}"
            );
        }
        let number = bounds.len();
        let fields = fields(&fates[number]);
        let ended = ended(&fates[number], &fields);
        let verdict = attempts.judge(ended, || room[number], || rng.u64(..));
        assert_eq!(verdict, last, "seed {seed}");
    }
}
