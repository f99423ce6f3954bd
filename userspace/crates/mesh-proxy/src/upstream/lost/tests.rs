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
    for (broken, loss) in [
        (Broken::Closed, Loss::Closed),
        (Broken::Unseen, Loss::Unseen),
        (Broken::Protocol, Loss::Final(Failure::ProtocolError)),
        (
            Broken::Reset(Reason::REFUSED_STREAM),
            Loss::Final(Failure::RefusedStream),
        ),
        (
            Broken::Reset(Reason::PROTOCOL_ERROR),
            Loss::Final(Failure::ProtocolError),
        ),
        (
            Broken::Reset(Reason::NO_ERROR),
            Loss::Final(Failure::RemoteReset),
        ),
    ] {
        assert_eq!(Loss::of(broken), loss, "{broken:?}");
    }
}
