mod model;

use proptest::{collection::vec, prelude::*};

use super::*;

fn map(fields: &[(&str, &str)]) -> HeaderMap {
    fields
        .iter()
        .map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        })
        .collect()
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
    prepare_request(&mut headers, Some(Duration::from_secs(15)));
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
    prepare_request(&mut headers, None);
    let expected = map(&[("x-request-id", "mine"), ("x-forwarded-proto", "https")]);
    assert_eq!(headers, expected);
}

#[test]
fn the_answer_is_signed_and_timed() {
    let mut headers = map(&[("server", "nginx"), ("connection", "etag"), ("etag", "1")]);
    prepare_answer(&mut headers, Some(Duration::from_millis(7)));
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
    prepare_request(&mut headers, None);
    assert_eq!(headers[header::EXPECT], "more");
}

#[test]
fn an_answer_to_half_a_request_is_not_timed() {
    let mut headers = map(&[("etag", "1")]);
    prepare_answer(&mut headers, None);
    assert_eq!(headers, map(&[("etag", "1"), ("server", "envoy")]));
}

#[test]
fn a_uuid_is_version_4() {
    for _ in 0..1000 {
        let uuid = random_uuid();
        let text = uuid.to_str().unwrap();
        let groups: Vec<&str> = text.split('-').collect();
        let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{text}");
        assert!(groups[2].starts_with('4'), "{text}");
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
