//! Upgrades to WebSocket, as clients ask for them and services accept them.

use super::request::plain;
use crate::parity::case::{Reply, Step, owned};

/// A request for one.
pub(super) fn asked() -> Vec<u8> {
    let fields = [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    plain("GET", "/chat", &fields)
}

/// The service's leave.
pub(super) fn accepted() -> Reply {
    let fields = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ];
    Reply::Head(101, owned(&fields))
}

/// A client that has leave, and bytes of its own back.
pub(super) fn opened() -> Vec<Step> {
    vec![
        Step::Send(asked()),
        Step::Await("101"),
        Step::Send(b"ping".to_vec()),
        Step::Await("ping"),
    ]
}

/// A service that gives leave, and all bytes back.
pub(super) fn echoing() -> Vec<Reply> {
    vec![Reply::Request, accepted(), Reply::Echo]
}
