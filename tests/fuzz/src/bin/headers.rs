//! Header fields of any kind: what a proxy sends on holds nothing of one connection, names its request,
//! and is sent on by a second proxy as it is.
#![no_main]

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use mesh_headers::{Direction, join_cookies, prepare_answer, prepare_request};

/// Names that the rules know, by their place in the input.
const KNOWN: [&str; 16] = [
    "connection",
    "te",
    "upgrade",
    "transfer-encoding",
    "keep-alive",
    "proxy-connection",
    "expect",
    "host",
    "cookie",
    "server",
    "x-request-id",
    "x-client-trace-id",
    "x-forwarded-proto",
    "x-envoy-internal",
    "x-envoy-decorator-operation",
    "x-envoy-expected-rq-timeout-ms",
];

type Input<'a> = (bool, Option<u32>, u128, Vec<(u8, &'a [u8], &'a [u8])>);

fn fields(fields: &[(u8, &[u8], &[u8])]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (place, name, value) in fields {
        let known = KNOWN.get(usize::from(*place)).map(|name| name.as_bytes());
        let name = HeaderName::from_bytes(known.unwrap_or(name));
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    headers
}

fn assert_of_no_connection(headers: &HeaderMap) {
    for name in [
        "connection",
        "upgrade",
        "transfer-encoding",
        "keep-alive",
        "proxy-connection",
    ] {
        assert!(!headers.contains_key(name), "{name}");
    }
}

libfuzzer_sys::fuzz_target!(|input: Input<'_>| {
    let (is_egress, milliseconds, random, given) = input;
    let direction = if is_egress {
        Direction::Egress
    } else {
        Direction::Ingress
    };
    let time = milliseconds.map(|milliseconds| Duration::from_millis(milliseconds.into()));
    let given = fields(&given);

    let mut request = given.clone();
    prepare_request(&mut request, direction, time, || random);
    assert_of_no_connection(&request);
    assert!(request.get(header::TE).is_none_or(|te| te == "trailers"));
    assert!(!request.contains_key("x-envoy-internal"));
    assert!(!request["x-request-id"].is_empty());
    assert_eq!(
        request.contains_key("x-envoy-expected-rq-timeout-ms"),
        time.is_some()
    );
    assert!(
        request
            .get_all(header::HOST)
            .iter()
            .eq(given.get_all(header::HOST))
    );
    let once = request.clone();
    prepare_request(&mut request, direction, time, || random);
    assert_eq!(request, once);

    let mut answer = given.clone();
    prepare_answer(&mut answer, direction, time);
    assert_of_no_connection(&answer);
    assert!(answer.get_all(header::SERVER).iter().eq(["envoy"]));

    let mut joined = given;
    let had_some = joined.contains_key(header::COOKIE);
    join_cookies(&mut joined);
    assert_eq!(
        joined.get_all(header::COOKIE).iter().count(),
        usize::from(had_some)
    );
});
