use http::HeaderValue;
use proptest::{collection::btree_set, prelude::*};

use super::*;

fn policy(on: &[RetryOn], statuses: &[u16]) -> Policy {
    Policy::of(&RetryPolicy {
        retry_on: on.iter().copied().collect(),
        status_codes: statuses.iter().copied().collect(),
        num_retries: 2,
        per_try_timeout: None,
        host_attempts: 5,
    })
    .expect("it is on for something")
}

fn fields(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    let fields = fields.iter().map(|(name, value)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    });
    fields.collect()
}

#[test]
fn a_policy_that_is_on_for_nothing_is_none() {
    let nothing = RetryPolicy {
        retry_on: [].into(),
        status_codes: [].into(),
        num_retries: 2,
        per_try_timeout: Some(Duration::from_secs(1)),
        host_attempts: 5,
    };
    assert_eq!(Policy::of(&nothing), None);
}

#[test]
fn a_reset_is_any_end_before_an_answer() {
    let reset = policy(&[RetryOn::Reset], &[]);
    for ended in [
        Ended::NoConnection,
        Ended::RefusedStream,
        Ended::Reset,
        Ended::TimedOut,
    ] {
        assert!(reset.retries(ended), "{ended:?}");
    }
    let none = fields(&[]);
    assert!(!reset.retries(Ended::Answered(StatusCode::SERVICE_UNAVAILABLE, &none)));
}

#[test]
fn a_refused_stream_and_a_failed_connect_are_told_from_a_reset() {
    let refused = policy(&[RetryOn::RefusedStream], &[]);
    let connect = policy(&[RetryOn::ConnectFailure], &[]);
    assert!(refused.retries(Ended::RefusedStream) && !connect.retries(Ended::RefusedStream));
    assert!(connect.retries(Ended::NoConnection) && !refused.retries(Ended::NoConnection));
    for policy in [refused, connect] {
        assert!(!policy.retries(Ended::Reset) && !policy.retries(Ended::TimedOut));
    }
}

#[test]
fn statuses_of_grpc_count_where_they_stand_in_the_head() {
    let events = [
        (RetryOn::Cancelled, "1"),
        (RetryOn::DeadlineExceeded, "4"),
        (RetryOn::ResourceExhausted, "8"),
        (RetryOn::Internal, "13"),
        (RetryOn::Unavailable, "14"),
    ];
    for (event, _) in events {
        let policy = policy(&[event], &[]);
        for (other, status) in events {
            let head = fields(&[("grpc-status", status)]);
            let retries = policy.retries(Ended::Answered(StatusCode::OK, &head));
            assert_eq!(retries, event == other, "{event:?} and status {status}");
        }
        for status in ["0", "2", "99", "-1", "x", ""] {
            let head = fields(&[("grpc-status", status)]);
            assert!(
                !policy.retries(Ended::Answered(StatusCode::OK, &head)),
                "{status}"
            );
        }
        assert!(!policy.retries(Ended::Answered(StatusCode::OK, &fields(&[]))));
    }
}

#[test]
fn an_endpoint_that_has_enough_is_left_alone() {
    let policy = policy(&[RetryOn::RetriableStatusCodes], &[503]);
    let enough = fields(&[("x-envoy-ratelimited", "true")]);
    assert!(!policy.retries(Ended::Answered(StatusCode::SERVICE_UNAVAILABLE, &enough)));
}

proptest! {
    #[test]
    fn statuses_are_those_that_are_named(named in btree_set(0..700_u16, 0..200)) {
        let statuses: Statuses = named.iter().copied().collect();
        for asked in 0..700 {
            let is_known = (Statuses::FIRST..612).contains(&asked);
            prop_assert_eq!(statuses.contains(asked), named.contains(&asked) && is_known);
        }
    }
}
