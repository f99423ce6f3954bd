use super::*;

#[test]
fn what_may_have_had_an_effect_is_not_repeated() {
    let safe = [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE];
    let unsafe_ = [Method::POST, Method::PUT, Method::DELETE, Method::PATCH];
    for method in safe {
        assert!(Loss::Closed.may_repeat(1, true, &method), "{method}");
        assert!(!Loss::Closed.may_repeat(1, false, &method), "{method}");
    }
    for method in unsafe_ {
        assert!(!Loss::Closed.may_repeat(1, true, &method), "{method}");
        assert!(Loss::Unseen.may_repeat(1, false, &method), "{method}");
        assert!(Loss::Refused.may_repeat(1, false, &method), "{method}");
    }
}

#[test]
fn no_loss_is_repeated_for_ever() {
    for loss in [
        Loss::Closed,
        Loss::Final(Failure::RemoteReset),
        Loss::Refused,
        Loss::Unseen,
    ] {
        assert!(!loss.may_repeat(MAX_UNSEEN, true, &Method::GET), "{loss:?}");
    }
}

#[test]
fn http2_reasons_tell_what_the_endpoint_did() {
    // Reasons alone make errors of this side; those of the other side come with a connection.
    let own = h2::Error::from(h2::Reason::REFUSED_STREAM);
    assert_eq!(Loss::of_http2(&own), Loss::Final(Failure::ProtocolError));
}
