use hyper::body::Body as _;

use super::*;

const ALL: [Failure; 14] = [
    Failure::Connect,
    Failure::Unreachable,
    Failure::ConnectionTermination,
    Failure::ConnectionTimeout,
    Failure::IdleTimeout,
    Failure::InvalidHost,
    Failure::NoCluster,
    Failure::NoHealthyUpstream,
    Failure::NoRoute,
    Failure::OldVersion,
    Failure::ProtocolError,
    Failure::RefusedStream,
    Failure::RemoteReset,
    Failure::RequestTimeout,
];

#[test]
fn the_length_is_that_of_the_text_and_the_type_is_there_where_a_text_is() {
    for failure in ALL {
        let answer = answer(failure, false);
        let fields = answer.headers();
        let length: u64 = fields[header::CONTENT_LENGTH]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(
            Some(length),
            answer.body().size_hint().exact(),
            "{failure:?}"
        );
        assert_eq!(
            fields.contains_key(header::CONTENT_TYPE),
            length > 0,
            "{failure:?}"
        );
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
