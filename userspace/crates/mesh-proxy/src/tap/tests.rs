use std::{
    borrow::Cow,
    net::SocketAddr,
    num::{NonZeroU32, NonZeroU64},
    time::{Duration, Instant},
};

use http::{HeaderMap, HeaderValue, header};
use mesh_telemetry::{access_log::Entry, reason::Reason};

use super::*;

fn everything() -> Wanted {
    Wanted {
        workload: None,
        direction: None,
        service: None,
        statuses: Vec::new(),
        reasons: Vec::new(),
        headers: Vec::new(),
        one_in: NonZeroU32::MIN,
        per_second: NonZeroU64::MAX,
        redacted: Vec::new(),
        shows_query: false,
    }
}

fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer x"));
    headers.append("x-user", HeaderValue::from_static("anne"));
    headers.append("x-user", HeaderValue::from_static("bert"));
    headers
}

fn scene(headers: &HeaderMap) -> Scene<'_> {
    Scene {
        mesh: "apps",
        direction: "egress",
        virtual_service: Some("b.local"),
        cluster: Some("cds_egress_apps_b_http_80"),
        method: "GET",
        authority: "b.local",
        path: Cow::Borrowed(b"/colour?key=value"),
        headers: Cow::Borrowed(headers),
    }
}

fn entry(status: u16, reason: Option<Reason>) -> Entry {
    let address = SocketAddr::from(([10, 0, 0, 1], 80));
    Entry {
        status,
        reason,
        ..Entry::new(address, address)
    }
}

/// Has so many requests pass.
fn pass(taps: &Taps, requests: usize, status: u16) {
    let headers = headers();
    for _ in 0..requests {
        for glimpse in taps.look("a", &scene(&headers)) {
            glimpse.ended(&entry(status, None));
        }
    }
}

fn told(tap: &mut Tap) -> Vec<Shown> {
    std::iter::from_fn(|| tap.requests.try_recv().ok()).collect()
}

fn assert_all_are_accounted_for(cost: Cost) {
    let Cost {
        unsampled,
        unlooked,
        unwanted,
        limited,
        dropped,
        shown,
        ..
    } = cost;
    let sum = unsampled + unlooked + unwanted + limited + dropped + shown;
    assert_eq!(cost.seen, sum, "{cost:?}");
}

#[test]
fn nobody_watches_once_the_tap_is_gone() {
    let taps = Arc::new(Taps::default());
    assert!(!taps.is_watched());
    let (one, other) = (taps.watch(everything()), taps.watch(everything()));
    drop(one);
    assert!(taps.is_watched());
    pass(&taps, 1, 200);
    assert_eq!(other.cost().shown, 1);
    drop(other);
    assert!(!taps.is_watched());
    assert!(taps.look("a", &scene(&headers())).is_empty());
}

#[test]
fn a_request_is_shown_without_its_secrets() {
    let taps = Arc::new(Taps::default());
    let mut tap = taps.watch(Wanted {
        redacted: vec!["user-agent".to_owned()],
        ..everything()
    });
    let mut fields = headers();
    fields.insert(header::USER_AGENT, HeaderValue::from_static("curl"));
    for glimpse in taps.look("a", &scene(&fields)) {
        glimpse.ended(&entry(503, Some(Reason::ConnectRefused)));
    }
    let [shown] = told(&mut tap).try_into().expect("one request");
    assert_eq!(
        (shown.status, shown.reason),
        (503, Some(Reason::ConnectRefused))
    );
    assert_eq!(shown.path, "/colour?key=…");
    let expected = [
        ("authorization", "[redacted]"),
        ("x-user", "anne"),
        ("x-user", "bert"),
        ("user-agent", "[redacted]"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(shown.headers, expected);
}

#[test]
fn what_is_asked_for_is_all_that_is_shown() {
    type Ask = fn(&mut Wanted);
    let cases: [(Ask, bool); 13] = [
        (|wanted| wanted.workload = Some("a".to_owned()), true),
        (|wanted| wanted.workload = Some("b".to_owned()), false),
        (|wanted| wanted.direction = Some("egress".to_owned()), true),
        (
            |wanted| wanted.direction = Some("ingress".to_owned()),
            false,
        ),
        (|wanted| wanted.service = Some("b".to_owned()), true),
        (|wanted| wanted.service = Some("c".to_owned()), false),
        (|wanted| wanted.statuses = statuses(500, 599), true),
        (|wanted| wanted.statuses = statuses(503, 503), true),
        (|wanted| wanted.statuses = statuses(200, 502), false),
        (|wanted| wanted.reasons = vec![Reason::Reset], true),
        (|wanted| wanted.reasons = vec![Reason::NoRoute], false),
        (|wanted| wanted.headers = users(&["bert"]), true),
        (|wanted| wanted.headers = users(&["bert", "carl"]), false),
    ];
    for (ask, is_shown) in cases {
        let mut wanted = everything();
        ask(&mut wanted);
        let taps = Arc::new(Taps::default());
        let tap = taps.watch(wanted.clone());
        for glimpse in taps.look("a", &scene(&headers())) {
            glimpse.ended(&entry(503, Some(Reason::Reset)));
        }
        assert_eq!(tap.cost().shown, u64::from(is_shown), "{wanted:?}");
    }
}

fn statuses(from: u16, to: u16) -> Vec<Statuses> {
    vec![Statuses { from, to }]
}

fn users(names: &[&str]) -> Vec<(String, String)> {
    let names = names.iter();
    names
        .map(|name| ("x-user".to_owned(), String::from(*name)))
        .collect()
}

#[test]
fn one_of_a_hundred_is_looked_at() {
    let taps = Arc::new(Taps::default());
    let tap = taps.watch(Wanted {
        one_in: NonZeroU32::new(100).unwrap(),
        ..everything()
    });
    pass(&taps, 1000, 200);
    let cost = tap.cost();
    assert_eq!((cost.seen, cost.unsampled), (1000, 990));
    assert_all_are_accounted_for(cost);
}

#[test]
fn who_does_not_read_makes_nobody_wait_and_is_told_what_was_dropped() {
    let taps = Arc::new(Taps::default());
    let mut tap = taps.watch(everything());
    let begun = Instant::now();
    let mut passed = 0;
    // The budget of a second may be over before the queue is full.
    while tap.cost().dropped == 0 && begun.elapsed() < Duration::from_mins(1) {
        pass(&taps, 100, 200);
        passed += 100;
    }
    let cost = tap.cost();
    assert_eq!((cost.seen, cost.shown), (passed, QUEUE as u64));
    assert_all_are_accounted_for(cost);
    assert_eq!(told(&mut tap).len(), QUEUE);
}

#[test]
fn no_more_are_shown_in_a_second_than_are_wanted() {
    let taps = Arc::new(Taps::default());
    let tap = taps.watch(Wanted {
        per_second: NonZeroU64::new(3).unwrap(),
        ..everything()
    });
    let begun = Instant::now();
    // The budget of a second may be over before its three are shown.
    while tap.cost().limited == 0 && begun.elapsed() < Duration::from_mins(1) {
        pass(&taps, 10, 200);
    }
    let seconds = begun.elapsed().as_secs() + 2;
    let cost = tap.cost();
    assert!((3..=3 * seconds).contains(&cost.shown), "{cost:?}");
    assert!(cost.limited > 0, "{cost:?}");
    assert_all_are_accounted_for(cost);
}

#[test]
fn a_budget_that_is_used_up_is_not_overdrawn() {
    let taps = Arc::new(Taps::default());
    let tap = taps.watch(everything());
    let long_ago = Instant::now().checked_sub(BUDGET).unwrap();
    tap.watcher.spend(long_ago);
    pass(&taps, 10, 200);
    // A second that turned meanwhile has a budget of its own.
    let has_turned = long_ago.elapsed() >= Duration::from_secs(1);
    let cost = tap.cost();
    assert!(has_turned || cost.unlooked == 10, "{cost:?}");
    assert!(cost.time >= BUDGET);
    assert_all_are_accounted_for(cost);
}
