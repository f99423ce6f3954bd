use http::{HeaderMap, HeaderValue};
use mesh_model::snapshot::{HeaderMatch, HttpMethod, HttpScheme, QueryMatch, ValueMatch};

use super::*;
use crate::fixture::{host, pattern, request, route};

fn table(virtual_hosts: Vec<VirtualHost>) -> RouteTable {
    RouteTable {
        name: "rds_egress_http_80".to_owned(),
        virtual_hosts,
    }
}

fn reasons(trial: &VirtualHostTrial) -> Vec<String> {
    let routes = trial.routes.iter();
    routes.map(|route| route.outcome.to_string()).collect()
}

#[test]
fn every_virtual_host_and_route_has_its_reason() {
    let table = table(vec![
        host("any", &["*"], vec![route("/")]),
        host("a", &["a", "a:80"], vec![route("/")]),
        host(
            "b",
            &["b", "b:80"],
            vec![route("/x/y"), route("/x"), route("/")],
        ),
    ]);
    let headers = HeaderMap::new();
    let explanation = explain(&table, &request("B:80", "/x/z", &headers));
    let decision = Decision::Route {
        virtual_host: 2,
        route: 1,
    };
    assert_eq!(explanation.decision, decision);
    let [any, a, b] = &explanation.virtual_hosts[..] else {
        panic!("three virtual hosts");
    };
    assert_eq!(
        any.outcome.to_string(),
        "would answer the Host as `*`, but `b` has it as `b:80`"
    );
    assert_eq!(a.outcome.to_string(), "answers a, a:80 only");
    assert_eq!(b.outcome.to_string(), "answers the Host as `b:80`");
    assert_eq!(
        reasons(b),
        [
            "the path `/x/z` does not begin with `/x/y`",
            "takes the request",
            "would match, but `/x` is tried first",
        ]
    );
}

fn header(name: &str, value: Option<ValueMatch>, invert: bool) -> HeaderMatch {
    HeaderMatch {
        name: name.to_owned(),
        value,
        invert,
    }
}

#[test]
fn each_condition_that_fails_is_named_with_what_the_request_has() {
    let alice = || Some(ValueMatch::Exact("alice".to_owned()));
    let tests = [
        (
            header("x-user", alice(), false),
            "header `x-user` is `bob`, the route asks for `alice`",
        ),
        (
            header("x-team", alice(), false),
            "header `x-team` is absent, the route asks for `alice`",
        ),
        (
            header("x-team", alice(), true),
            "header `x-team` is absent, the route asks for not `alice`, and an absent header has no value",
        ),
        (
            header("x-team", None, false),
            "header `x-team` is absent, the route asks for any value of it",
        ),
        (
            header("x-user", None, true),
            "header `x-user` is `bob`, the route asks for it to be absent",
        ),
        (
            header(
                "x-user",
                Some(ValueMatch::Range { start: 1, end: 9 }),
                false,
            ),
            "header `x-user` is `bob`, the route asks for a whole number of at least 1 and below 9",
        ),
        (
            header("x-user", Some(ValueMatch::Regex(pattern("b.b"))), true),
            "header `x-user` is `bob`, the route asks for not a value that `b.b` matches as a whole",
        ),
    ];
    let mut headers = HeaderMap::new();
    headers.insert("x-user", HeaderValue::from_static("bob"));
    for (condition, reason) in tests {
        let mut asks = route("/");
        asks.matches.headers = vec![condition];
        let table = table(vec![host("b", &["b"], vec![asks])]);
        let explanation = explain(&table, &request("b", "/", &headers));
        assert_eq!(reasons(&explanation.virtual_hosts[0]), [reason]);
    }
}

#[test]
fn all_that_fails_is_told_at_once() {
    let mut asks = route("/");
    asks.matches.path = PathMatch::Regex(pattern("/a+"));
    asks.matches.method = Some(HttpMethod::Post);
    asks.matches.scheme = Some(HttpScheme::Https);
    asks.matches.query_parameters = vec![QueryMatch {
        name: "p".to_owned(),
        exact: Some("1".to_owned()),
    }];
    let table = table(vec![host("b", &["b"], vec![asks])]);
    let headers = HeaderMap::new();
    let parts = RequestParts {
        query: Some("p=2&p=1"),
        ..request("b", "/aab", &headers)
    };
    let explanation = explain(&table, &parts);
    assert_eq!(
        reasons(&explanation.virtual_hosts[0]),
        [
            "`/a+` does not match the whole path `/aab`; the method is `GET`, the route asks for \
          `POST`; the scheme is `http`, the route asks for `https`; query parameter `p` is `2`, \
          the route asks for `1`"
        ]
    );
}
