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
        let value = HeaderSource::new(name).value(&parts);
        assert_eq!(value.as_deref(), Some(&b"B.local"[..]), "{name}");
    }
    assert_eq!(HeaderSource::new("no name").value(&parts), None);
}
