//! Fields by which an application steers an Envoy that trusts it.

use super::{SERVER_ERROR, bad, case, with};
use crate::parity::{
    case::{Bullet, Case, Protocol},
    cases::request::{one, own, plain},
};

pub(super) fn cases() -> Vec<Case> {
    let steering: [(&str, &[(&str, &str)]); 9] = [
        ("retry-on", &[("x-envoy-retry-on", "5xx")]),
        (
            "retry-on and max-retries",
            &[
                ("x-envoy-retry-on", "5xx,reset"),
                ("x-envoy-max-retries", "3"),
            ],
        ),
        ("retry-grpc-on", &[("x-envoy-retry-grpc-on", "unavailable")]),
        (
            "retriable-status-codes",
            &[
                ("x-envoy-retry-on", "retriable-status-codes"),
                ("x-envoy-retriable-status-codes", "503"),
            ],
        ),
        (
            "retriable-header-names",
            &[
                ("x-envoy-retry-on", "retriable-headers"),
                ("x-envoy-retriable-header-names", "x-attempt"),
            ],
        ),
        ("max-retries", &[("x-envoy-max-retries", "0")]),
        (
            "per-try-timeout",
            &[
                ("x-envoy-upstream-rq-per-try-timeout-ms", "1"),
                ("x-envoy-upstream-rq-timeout-ms", "2"),
            ],
        ),
        ("hedging", &[("x-envoy-hedge-on-per-try-timeout", "true")]),
        ("attempt-count", &[("x-envoy-attempt-count", "7")]),
    ];
    let trusted = [
        ("nobody", None),
        ("10.0.0.1", Some(("x-forwarded-for", "10.0.0.1"))),
        ("127.0.0.1", Some(("x-forwarded-for", "127.0.0.1"))),
        ("internal", Some(("x-envoy-internal", "true"))),
    ];
    let mut cases = Vec::new();
    for (name, fields) in steering {
        for (from, more) in trusted {
            let fields: Vec<_> = fields.iter().copied().chain(more).collect();
            let client = || one(plain("GET", "/x", &fields));
            let name = format!("field {name} from {from}");
            let without = Case::new(
                Bullet::Retries,
                format!("{name} without a policy"),
                own(Protocol::Http),
                client(),
            );
            cases.push(without.replies(bad()));
            let own = with(Protocol::Http, SERVER_ERROR);
            cases.push(case(name, own, client()).replies(bad()));
        }
    }
    cases
}
