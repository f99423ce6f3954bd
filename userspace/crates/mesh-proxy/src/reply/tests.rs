use hyper::body::Body as _;

use super::*;
use crate::upstream::connect::Cause;

const REFUSED: Unreachable = Unreachable {
    cause: Cause::Refused,
    is_immediate: false,
};
const ALL: [Failure; 20] = [
    Failure::AnswerAbandoned,
    Failure::Connect,
    Failure::Unreachable(REFUSED),
    Failure::ConnectionTermination,
    Failure::ConnectionTimeout,
    Failure::IdleRequest,
    Failure::IdleTimeout,
    Failure::InvalidHost,
    Failure::NoCluster,
    Failure::NoHealthyUpstream,
    Failure::NoPath,
    Failure::NoRoute,
    Failure::PerTryTimeout,
    Failure::Malformed(RequestError::TooLarge),
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
        let answer = answer(failure.into(), Form::default());
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
    let grpc = Form {
        is_grpc: true,
        ..Form::default()
    };
    let unavailable = answer(Failure::NoHealthyUpstream.into(), grpc);
    assert_eq!(unavailable.status(), StatusCode::OK);
    assert_eq!(unavailable.headers()["grpc-status"], "14");
    assert_eq!(unavailable.headers()["grpc-message"], "no healthy upstream");
    let unimplemented = answer(Failure::NoRoute.into(), grpc);
    assert_eq!(unimplemented.headers()["grpc-status"], "12");
    assert!(!unimplemented.headers().contains_key("grpc-message"));
    let malformed = answer(Failure::Malformed(RequestError::Syntax).into(), grpc);
    assert_eq!(malformed.status(), StatusCode::BAD_REQUEST);
}

#[test]
fn an_answer_to_head_says_how_long_it_would_be() {
    let to_head = Form {
        to_head: true,
        ..Form::default()
    };
    let answer = answer(Failure::NoHealthyUpstream.into(), to_head);
    assert_eq!(answer.headers()[header::CONTENT_LENGTH], "19");
    assert_eq!(answer.body().size_hint().exact(), Some(0));
}

#[test]
fn the_log_says_why_an_endpoint_could_not_be_reached() {
    for (cause, is_immediate, expected) in [
        (
            Cause::Refused,
            false,
            "|delayed_connect_error:_Connection_refused",
        ),
        (
            Cause::Network,
            true,
            "|immediate_connect_error:_Network_is_unreachable",
        ),
        (Cause::Other, true, ""),
    ] {
        let unreachable = Unreachable {
            cause,
            is_immediate,
        };
        let reset = "upstream_reset_before_response_started{remote_connection_failure";
        assert_eq!(
            Failure::Unreachable(unreachable).details(),
            format!("{reset}{expected}}}")
        );
    }
}
