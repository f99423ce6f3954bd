use super::*;
use crate::fixture::request;

#[test]
fn the_first_parameter_of_a_name_counts_and_nothing_is_decoded() {
    let headers = HeaderMap::new();
    let value = |query, name: &str| {
        let parts = RequestParts {
            query: Some(query),
            ..request("b", "/", &headers)
        };
        parts.query_value(name)
    };
    assert_eq!(value("a=1&a=2", "a"), Some("1"));
    assert_eq!(value("a&b", "a"), Some(""));
    assert_eq!(value("a=b=c", "a"), Some("b=c"));
    assert_eq!(value("a%3D=1", "a="), None);
    assert_eq!(value("a=%31", "a"), Some("%31"));
    assert_eq!(value("a&&b", ""), Some(""));
    assert_eq!(value("a&", ""), None);
    assert_eq!(value("", ""), None);
}

#[test]
fn a_host_header_is_the_authority() {
    let headers = HeaderMap::new();
    let parts = request("B.local", "/", &headers);
    for name in ["host", "Host", ":authority"] {
        let value = HeaderSource::new(name).words(&parts);
        assert_eq!(value.as_deref(), Some("B.local"), "{name}");
    }
    assert_eq!(HeaderSource::new("no name").words(&parts), None);
}

#[test]
fn each_line_is_a_value() {
    let mut headers = HeaderMap::new();
    for value in ["a", "b"] {
        headers.append("x", HeaderValue::from_static(value));
    }
    let parts = request("b", "/", &headers);
    let has = |name: &str, value: &[u8]| HeaderSource::new(name).any(&parts, |own| own == value);
    assert_eq!(has("x", b"b"), Some(true));
    assert_eq!(has("x", b"a,b"), Some(false));
    assert_eq!(has("y", b""), None);
    assert_eq!(
        HeaderSource::new("x").words(&parts).as_deref(),
        Some("a, b")
    );
}

#[test]
fn an_empty_forwarded_scheme_is_none() {
    let mut headers = HeaderMap::new();
    assert!(!denies_scheme(&headers));
    headers.append("x-forwarded-proto", HeaderValue::from_static(""));
    assert!(denies_scheme(&headers));
    headers.append("x-forwarded-proto", HeaderValue::from_static("http"));
    assert!(!denies_scheme(&headers));
}
