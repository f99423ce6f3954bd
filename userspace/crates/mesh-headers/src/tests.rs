mod model;

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use proptest::{collection::vec, prelude::*};

use super::*;

const X_REQUEST_ID: &str = "x-request-id";

fn map(fields: &[(&str, &str)]) -> HeaderMap {
    fields
        .iter()
        .map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        })
        .collect()
}

/// A request out of an application, with a given number of chance.
fn egress(headers: &mut HeaderMap, timeout: Option<Duration>) {
    prepare_request(headers, Direction::Egress, timeout, || 0);
}

fn identified(fields: &[(&str, &str)]) -> String {
    let mut headers = map(fields);
    identify(&mut headers, || u128::MAX);
    headers[X_REQUEST_ID].to_str().unwrap().to_owned()
}

#[test]
fn hop_by_hop_fields_end_here_and_others_pass() {
    let mut headers = map(&[
        ("connection", "Keep-Alive, X-Mine, Host, content-length"),
        ("keep-alive", "timeout=5"),
        ("x-mine", "1"),
        ("host", "b.local"),
        ("content-length", "3"),
        ("upgrade", "websocket"),
        ("transfer-encoding", "chunked"),
        ("te", "gzip, trailers"),
        ("trailer", "x-sum"),
        ("expect", "100-continue"),
        ("x-other", "2"),
    ]);
    egress(&mut headers, Some(Duration::from_secs(15)));
    headers.remove(X_REQUEST_ID);
    let expected = map(&[
        ("host", "b.local"),
        ("te", "trailers"),
        ("trailer", "x-sum"),
        ("x-other", "2"),
        ("x-forwarded-proto", "http"),
        ("x-envoy-expected-rq-timeout-ms", "15000"),
    ]);
    assert_eq!(headers, expected);
}

#[test]
fn what_an_earlier_hop_said_stays() {
    let mut headers = map(&[("x-request-id", "mine"), ("x-forwarded-proto", "https")]);
    egress(&mut headers, None);
    let expected = map(&[("x-request-id", "mine"), ("x-forwarded-proto", "https")]);
    assert_eq!(headers, expected);
}

#[test]
fn nobody_steers_the_proxy_from_outside() {
    let mut headers = map(&[
        ("x-envoy-retry-on", "5xx"),
        ("x-envoy-max-retries", "9"),
        ("x-envoy-upstream-rq-timeout-ms", "1"),
        ("x-envoy-expected-rq-timeout-ms", "7"),
        ("x-envoy-original-path", "/a"),
        ("x-envoy-unknown", "1"),
        ("x-request-id", "mine"),
    ]);
    egress(&mut headers, None);
    let expected = map(&[
        ("x-envoy-original-path", "/a"),
        ("x-envoy-unknown", "1"),
        ("x-request-id", "mine"),
        ("x-forwarded-proto", "http"),
    ]);
    assert_eq!(headers, expected);
}

#[test]
fn the_name_of_an_operation_ends_at_the_far_proxy() {
    let operation = [("x-envoy-decorator-operation", "buy")];
    for (direction, of_request, of_answer) in [
        (Direction::Egress, true, false),
        (Direction::Ingress, false, true),
    ] {
        let mut request = map(&operation);
        prepare_request(&mut request, direction, None, || 0);
        assert_eq!(
            request.contains_key(X_ENVOY_DECORATOR_OPERATION),
            of_request
        );
        let mut answer = map(&operation);
        prepare_answer(&mut answer, direction, None);
        assert_eq!(answer.contains_key(X_ENVOY_DECORATOR_OPERATION), of_answer);
    }
}

#[test]
fn the_answer_is_signed_and_timed() {
    let mut headers = map(&[("server", "nginx"), ("connection", "etag"), ("etag", "1")]);
    prepare_answer(
        &mut headers,
        Direction::Egress,
        Some(Duration::from_millis(7)),
    );
    let expected = map(&[
        ("server", "envoy"),
        ("etag", "1"),
        ("x-envoy-upstream-service-time", "7"),
    ]);
    assert_eq!(headers, expected);
}

#[test]
fn what_else_is_expected_is_the_endpoints_to_meet() {
    let mut headers = map(&[("expect", "more")]);
    egress(&mut headers, None);
    assert_eq!(headers[header::EXPECT], "more");
}

#[test]
fn an_answer_to_half_a_request_is_not_timed() {
    let mut headers = map(&[("etag", "1")]);
    prepare_answer(&mut headers, Direction::Egress, None);
    assert_eq!(headers, map(&[("etag", "1"), ("server", "envoy")]));
}

#[test]
fn a_request_gets_a_uuid_that_says_that_it_is_traced() {
    let made = "ffffffff-ffff-9fff-bfff-ffffffffffff";
    assert_eq!(identified(&[]), made);
    assert_eq!(identified(&[("x-request-id", "")]), made);
    let traced = "ffffffff-ffff-bfff-bfff-ffffffffffff";
    assert_eq!(identified(&[("x-client-trace-id", "")]), traced);
}

#[test]
fn a_uuid_is_told_that_it_is_traced_and_another_number_stays() {
    let number = |number: &str| identified(&[("x-request-id", number)]);
    for (from, to) in [
        (
            "6f1a0e00-6c05-4b4f-9d30-8f2c3c0a6f11",
            "6f1a0e00-6c05-9b4f-9d30-8f2c3c0a6f11",
        ),
        // No more than the length and the first digits is looked at.
        (
            "6F1A0E00x6c05x4b4f-9d30-8f2c3c0a6fzz",
            "6F1A0E00x6c05x9b4f-9d30-8f2c3c0a6fzz",
        ),
    ] {
        assert_eq!(number(from), to);
        assert_eq!(number(to), to);
    }
    for stays in [
        "mine",
        "zz1a0e00-6c05-4b4f-9d30-8f2c3c0a6f11",
        "6f1a0e00-6c05-ab4f-9d30-8f2c3c0a6f11",
        "6f1a0e00-6c05-4b4f-9d30-8f2c3c0a6f1",
    ] {
        assert_eq!(number(stays), stays);
    }
}

#[test]
fn grpc_is_told_by_its_type() {
    for (value, is_one) in [
        ("application/grpc", true),
        ("application/grpc+proto", true),
        ("application/grpc-web", false),
        ("application/grpc; a=b", false),
        ("text/plain", false),
    ] {
        assert_eq!(is_grpc(&map(&[("content-type", value)])), is_one, "{value}");
    }
    assert!(!is_grpc(&HeaderMap::new()));
}

#[test]
fn a_made_number_is_a_uuid() {
    for _ in 0..1000 {
        let mut headers = HeaderMap::new();
        identify(&mut headers, || fastrand::u128(..));
        let text = headers[X_REQUEST_ID].to_str().unwrap();
        let groups: Vec<&str> = text.split('-').collect();
        let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{text}");
        assert!(groups[2].starts_with('9'), "{text}");
        assert!(groups[3].starts_with(['8', '9', 'a', 'b']), "{text}");
    }
}

proptest! {
    #[test]
    fn cookies_become_one_field_of_the_same_crumbs(crumbs in vec("[a-z]{1,5}=[a-z0-9]{0,5}", 0..6)) {
        let mut headers = HeaderMap::new();
        for crumb in &crumbs {
            headers.append(header::COOKIE, HeaderValue::from_str(crumb).unwrap());
        }
        join_cookies(&mut headers);
        let joined: Vec<&HeaderValue> = headers.get_all(header::COOKIE).iter().collect();
        prop_assert!(joined.len() <= 1);
        let text = joined.first().map(|value| value.to_str().unwrap().to_owned());
        prop_assert_eq!(text.unwrap_or_default(), crumbs.join("; "));
    }
}
