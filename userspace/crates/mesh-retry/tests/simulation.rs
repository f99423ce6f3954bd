//! Requests with policies, endpoints and luck of chance, by seed, against a naive model of Envoy's rules.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use fastrand::Rng;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use mesh_model::snapshot::{RetryOn, RetryPolicy};
use mesh_retry::{Attempts, Ended, Policy, Verdict, expected, per_try};

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
const STATUSES: [u16; 9] = [200, 404, 409, 500, 502, 503, 504, 511, 599];

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
            grpc: rng.bool().then(|| {
                let status = rng.u8(..18);
                // HTTP/2 leaves blanks where they are.
                [format!("{status}"), format!(" {status}\t")][rng.usize(..2)].clone()
            }),
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
            match grpc.as_deref().map(str::trim) {
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
            let value = HeaderValue::from_str(grpc).expect("a field value");
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

/// Judges as a request does; also how often it was asked for room and for chance.
fn judge(attempts: &mut Attempts, fate: &Fate, has_room: bool, random: u64) -> (Verdict, [u32; 2]) {
    let fields = fields(fate);
    let (mut rooms, mut chances) = (0, 0);
    let verdict = attempts.judge(
        ended(fate, &fields),
        || {
            rooms += 1;
            has_room
        },
        || {
            chances += 1;
            random
        },
    );
    (verdict, [rooms, chances])
}

/// What is asked where a request ends so: room is taken by asking for it.
fn asked(verdict: Verdict) -> [u32; 2] {
    match verdict {
        Verdict::Again(_) => [1, 1],
        Verdict::Overflow => [1, 0],
        Verdict::LimitExceeded | Verdict::Settled => [0, 0],
    }
}

#[test]
fn ten_thousand_requests_are_tried_as_often_as_the_model_says() {
    let mut waits: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
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
            let random = rng.u64(..);
            let (verdict, asked_for) = judge(&mut attempts, &fates[number], room[number], random);
            let Verdict::Again(wait) = verdict else {
                panic!("seed {seed}: {verdict:?} after attempt {number}");
            };
            assert_eq!(asked_for, asked(verdict), "seed {seed}");
            let wait = u64::try_from(wait.as_millis()).expect("a short wait");
            assert!(wait < *bound, "seed {seed}: {wait}");
            waits.entry(*bound).or_default().push(wait);
        }
        let number = bounds.len();
        let (verdict, asked_for) = judge(&mut attempts, &fates[number], room[number], rng.u64(..));
        assert_eq!(verdict, last, "seed {seed}");
        assert_eq!(asked_for, asked(last), "seed {seed}");
    }
    assert_eq!(waits.len(), 5, "every bound was met");
    for (bound, waits) in waits {
        assert_evenly_spread(bound, waits);
    }
}

/// Of waits that chance draws evenly below a bound, each tenth has its share.
fn assert_evenly_spread(bound: u64, waits: Vec<u64>) {
    let count = waits.len();
    let mut tenths = [0; 10];
    for wait in waits {
        tenths[usize::try_from(wait * 10 / bound).expect("a digit")] += 1;
    }
    for of_tenth in tenths {
        // Whole milliseconds below 25 make some tenths half as large again as others.
        assert!(
            (count / 20..count / 6).contains(&of_tenth),
            "below {bound}: {tenths:?}"
        );
    }
}

#[test]
fn ten_thousand_attempts_have_the_times_the_model_says() {
    for seed in 0..SEEDS {
        let mut rng = Rng::with_seed(seed);
        let time = |rng: &mut Rng| (rng.u8(..4) > 0).then(|| rng.u64(1..12));
        let (given, request) = (time(&mut rng), time(&mut rng));
        let of_millis = |time: Option<u64>| time.map(Duration::from_millis);
        let expected_try = match (given, request) {
            (Some(given), Some(request)) if given >= request => None,
            _ => given,
        };
        let of_try = per_try(of_millis(given), of_millis(request));
        assert_eq!(of_try, of_millis(expected_try), "seed {seed}");

        let micros = rng.u64(..15_000);
        let left = request.map(|request| request.saturating_sub(micros / 1000).max(1));
        let shortest = [expected_try, left].into_iter().flatten().min();
        let told = expected(of_try, of_millis(request), Duration::from_micros(micros));
        assert_eq!(told, of_millis(shortest), "seed {seed}");
    }
}
