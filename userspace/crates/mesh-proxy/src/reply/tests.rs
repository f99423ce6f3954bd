use hyper::body::Body as _;

use super::*;

const ALL: [Failure; 16] = [
    Failure::Connect,
    Failure::Unreachable,
    Failure::ConnectionTermination,
    Failure::ConnectionTimeout,
    Failure::IdleTimeout,
    Failure::InvalidHost,
    Failure::NoCluster,
    Failure::NoHealthyUpstream,
    Failure::NoRoute,
    Failure::Malformed(RequestError::Fragment),
    Failure::Malformed(RequestError::Syntax),
    Failure::ProtocolError,
    Failure::RefusedStream,
    Failure::RemoteReset,
    Failure::RequestTimeout,
    Failure::UpgradeRefused,
];

#[test]
fn length_and_type_are_there_where_a_text_is() {
    for failure in ALL {
        let answer = answer(failure, false);
        let fields = answer.headers();
        let length = answer
            .body()
            .size_hint()
            .exact()
            .filter(|length| *length > 0);
        let said = fields
            .get(header::CONTENT_LENGTH)
            .map(|value| value.to_str().unwrap().parse::<u64>().unwrap());
        assert_eq!(said, length, "{failure:?}");
        let has_type = fields.contains_key(header::CONTENT_TYPE);
        assert_eq!(has_type, length.is_some(), "{failure:?}");
        assert_eq!(fields[header::SERVER], "envoy", "{failure:?}");
    }
}

#[test]
fn grpc_clients_get_grpc_answers() {
    let unavailable = answer(Failure::NoHealthyUpstream, true);
    assert_eq!(unavailable.status(), StatusCode::OK);
    assert_eq!(unavailable.headers()["grpc-status"], "14");
    assert_eq!(unavailable.headers()["grpc-message"], "no healthy upstream");
    let unimplemented = answer(Failure::NoRoute, true);
    assert_eq!(unimplemented.headers()["grpc-status"], "12");
    assert!(!unimplemented.headers().contains_key("grpc-message"));
}

#[test]
fn grpc_is_known_by_its_content_type() {
    for (value, expected) in [
        ("application/grpc", true),
        ("application/grpc+proto", true),
        ("application/grpc;charset=utf-8", true),
        ("application/grpc-web", false),
        ("text/plain", false),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(value));
        assert_eq!(is_grpc(&headers), expected, "{value}");
    }
    assert!(!is_grpc(&HeaderMap::new()));
}
