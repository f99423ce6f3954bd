//! The fields that a proxy adds, removes and rewrites, of requests and of answers.

use super::request::{either, own, shared};
use crate::parity::case::{Bullet, Case, Mesh, Own, Protocol, Target, answer};

/// Fields of a request that a proxy may touch.
const REQUEST: &[(&str, &str)] = &[
    ("x-request-id", "mine"),
    ("x-request-id", ""),
    ("x-request-id", "6f1a0e00-6c05-4b4f-9d30-8f2c3c0a6f11"),
    ("x-forwarded-for", "198.51.100.1"),
    ("x-forwarded-for", "198.51.100.1, 10.0.0.1"),
    ("x-forwarded-for", "10.0.0.1"),
    ("x-forwarded-for", "bad"),
    ("x-forwarded-for", ""),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-proto", "http"),
    ("x-forwarded-proto", "ftp"),
    ("x-forwarded-proto", ""),
    ("x-forwarded-proto", "HTTPS"),
    ("x-forwarded-host", "a.example"),
    ("x-forwarded-port", "443"),
    ("forwarded", "for=198.51.100.1"),
    ("via", "1.1 other"),
    ("x-envoy-expected-rq-timeout-ms", "7"),
    ("x-envoy-upstream-rq-timeout-ms", "5000"),
    ("x-envoy-upstream-rq-per-try-timeout-ms", "5000"),
    ("x-envoy-max-retries", "0"),
    ("x-envoy-retry-on", "5xx"),
    ("x-envoy-retry-grpc-on", "cancelled"),
    ("x-envoy-upstream-alt-stat-name", "x"),
    ("x-envoy-upstream-canary", "true"),
    ("x-envoy-internal", "true"),
    ("x-envoy-external-address", "198.51.100.1"),
    ("x-envoy-downstream-service-cluster", "x"),
    ("x-envoy-downstream-service-node", "x"),
    ("x-envoy-original-path", "/x"),
    ("x-envoy-original-host", "x"),
    ("x-envoy-decorator-operation", "x"),
    ("x-envoy-force-trace", "1"),
    ("x-envoy-ip-tags", "x"),
    ("x-envoy-attempt-count", "9"),
    ("x-envoy-hedge-on-per-try-timeout", "true"),
    ("x-envoy-upstream-stream-duration-ms", "1"),
    ("x-envoy-is-timeout-retry", "true"),
    ("x-envoy-immediate-health-check-fail", "true"),
    ("x-envoy-livenessprobe", "x"),
    ("x-envoy-unknown", "x"),
    ("x-b3-traceid", "463ac35c9f6413ad"),
    (
        "traceparent",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ),
    ("x-amzn-trace-id", "Root=1"),
    ("x-ot-span-context", "x"),
    ("x-client-trace-id", "x"),
    ("x-amz-date", "20250101T000000Z"),
    ("user-agent", "test"),
    ("user-agent", ""),
    ("server", "mine"),
    ("date", "Mon, 01 Jan 2024 00:00:00 GMT"),
    ("accept-encoding", "gzip"),
    ("cookie", "a=1; b=2"),
    ("authorization", "Basic eDp5"),
    ("proxy-authorization", "Basic eDp5"),
    ("te", "trailers"),
    ("te", "deflate"),
    ("te", "trailers, deflate"),
    ("trailer", "x-t"),
    ("max-forwards", "0"),
    ("content-type", "text/plain"),
    ("content-type", "application/grpc"),
    ("origin", "http://a.example"),
    ("early-data", "1"),
    ("if-none-match", "\"x\""),
    ("range", "bytes=0-1"),
    ("x-app-mesh-virtual-service", "x"),
    ("grpc-timeout", "1S"),
    ("x-envoy-original-dst-host", "192.0.2.99:1"),
    ("priority", "u=1"),
    ("x-http-method-override", "DELETE"),
    ("alt-used", "x"),
];

/// Fields of an answer that a proxy may touch.
const ANSWER: &[(&str, &str)] = &[
    ("server", "mine"),
    ("server", ""),
    ("date", "Mon, 01 Jan 2024 00:00:00 GMT"),
    ("date", "yesterday"),
    ("via", "1.1 other"),
    ("x-envoy-upstream-service-time", "77"),
    ("x-envoy-upstream-canary", "true"),
    ("x-envoy-upstream-healthchecked-cluster", "x"),
    ("x-envoy-overloaded", "true"),
    ("x-envoy-ratelimited", "true"),
    ("x-envoy-immediate-health-check-fail", "true"),
    ("x-envoy-decorator-operation", "x"),
    ("x-envoy-attempt-count", "3"),
    ("x-envoy-degraded", "true"),
    ("x-envoy-unknown", "x"),
    ("x-request-id", "theirs"),
    ("connection", "x-b"),
    ("keep-alive", "timeout=5"),
    ("proxy-connection", "keep-alive"),
    ("upgrade", "h2c"),
    ("trailer", "x-t"),
    ("te", "trailers"),
    ("x-powered-by", "x"),
    ("set-cookie", "a=1; Path=/"),
    ("content-type", "application/grpc"),
    ("content-encoding", "gzip"),
    ("grpc-status", "5"),
    ("location", "http://x.local/"),
    ("www-authenticate", "Basic"),
    ("proxy-authenticate", "Basic"),
    ("strict-transport-security", "max-age=1"),
    ("alt-svc", "h2=\":443\""),
    ("access-control-allow-origin", "*"),
    ("x-accel-buffering", "no"),
    ("refresh", "1"),
    ("x-capital", "VALUE"),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (number, field) in REQUEST.iter().enumerate() {
        for (index, protocol) in [Protocol::Http, Protocol::Http2].into_iter().enumerate() {
            let [first, second] = either("GET", "/x", &[*field]);
            let (version, client) = if (number + index) % 2 == 0 {
                first
            } else {
                second
            };
            let name = format!(
                "request {}: {} to {} by {version}",
                field.0,
                field.1,
                protocol.word()
            );
            cases.push(Case::new(Bullet::Headers, name, shared(protocol), client));
        }
    }
    for (number, field) in ANSWER.iter().enumerate() {
        for (index, protocol) in [Protocol::Http, Protocol::Http2].into_iter().enumerate() {
            if protocol == Protocol::Http2
                && [
                    "connection",
                    "keep-alive",
                    "proxy-connection",
                    "upgrade",
                    "te",
                ]
                .contains(&field.0)
            {
                continue;
            }
            let [first, second] = either("GET", "/x", &[]);
            let (version, client) = if (number + index) % 2 == 0 {
                first
            } else {
                second
            };
            let name = format!(
                "answer {}: {} of {} by {version}",
                field.0,
                field.1,
                protocol.word()
            );
            let case = Case::new(Bullet::Headers, name, shared(protocol), client);
            cases.push(case.replies(answer(200, &[*field], b"x")));
        }
    }
    cases.extend(timeouts());
    cases.extend(passing());
    cases
}

/// What a service is told of its time: the route's own, none, and Envoy's 15 s.
fn timeouts() -> Vec<Case> {
    let mut cases = Vec::new();
    for protocol in [Protocol::Http, Protocol::Http2, Protocol::Grpc] {
        for (name, per_request) in [
            ("default", None),
            ("none", Some(0)),
            ("9 s", Some(9000)),
            ("9876 ms", Some(9876)),
            ("20 s", Some(20_000)),
        ] {
            for (version, client) in either("GET", "/x", &[]) {
                let own = Own {
                    per_request,
                    ..Own::new(protocol)
                };
                let name = format!("timeout {name} of {} by {version}", protocol.word());
                cases.push(Case::new(Bullet::Headers, name, Target::Own(own), client));
            }
        }
    }
    for (version, client) in either("GET", "/x", &[("x-envoy-upstream-rq-timeout-ms", "200")]) {
        let case = Case::new(
            Bullet::Headers,
            format!("timeout of the client by {version}"),
            own(Protocol::Http),
            client,
        );
        cases.push(case);
    }
    cases
}

/// What only passes through under `ALLOW_ALL` is touched too.
fn passing() -> Vec<Case> {
    let mut cases = Vec::new();
    for field in REQUEST.iter().take(20) {
        let [(_, client), _] = either("GET", "/x", &[*field]);
        let target = Target::Service(
            Protocol::Http.service_port(),
            "elsewhere.example".to_owned(),
        );
        let name = format!("passing request {}: {}", field.0, field.1);
        cases.push(Case::new(Bullet::Headers, name, target, client).mesh(Mesh::Open));
    }
    cases
}
