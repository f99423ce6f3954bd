mod agreement;

use http::HeaderMap;
use mesh_model::snapshot::{HttpMethod, PathMatch, Route, VirtualHost};

use super::*;
use crate::fixture::{host, pattern, request, route};

fn table(hosts: &[(&[&str], &[&str])]) -> Table {
    let hosts = hosts.iter().enumerate();
    let table = RouteTable {
        name: "rds_egress_http_80".to_owned(),
        virtual_hosts: hosts
            .map(|(index, (domains, prefixes))| {
                let routes = prefixes.iter().map(|prefix| route(prefix)).collect();
                host(&format!("vh{index}"), domains, routes)
            })
            .collect(),
    };
    Table::compile(&table)
}

fn one_host(routes: Vec<Route>) -> Table {
    let virtual_hosts: Vec<VirtualHost> = vec![host("b.local", &["*"], routes)];
    let name = "t".to_owned();
    Table::compile(&RouteTable {
        name,
        virtual_hosts,
    })
}

const FIRST: Decision = Decision::Route {
    virtual_host: 0,
    route: 0,
};

#[test]
fn hosts_match_whole_with_and_without_the_port_in_any_case() {
    let headers = HeaderMap::new();
    let table = table(&[(&["b.local", "b.local:80"], &["/"])]);
    for host in ["b.local", "B.Local", "b.local:80"] {
        assert_eq!(table.decide(&request(host, "/", &headers)), FIRST, "{host}");
    }
    for host in ["b.local:81", "b.local.", "x.b.local", "local", ""] {
        let decision = table.decide(&request(host, "/", &headers));
        assert_eq!(decision, Decision::NoVirtualHost, "{host}");
    }
}

#[test]
fn a_named_host_wins_over_the_catch_all_wherever_it_stands() {
    let headers = HeaderMap::new();
    let table = table(&[(&["*"], &["/"]), (&["b.local"], &["/x"])]);
    assert_eq!(
        table.decide(&request("b.local", "/y", &headers)),
        Decision::NoRoute { virtual_host: 1 }
    );
    assert_eq!(table.decide(&request("c.local", "/y", &headers)), FIRST);
}

#[test]
fn an_ending_answers_longer_hosts_behind_whole_ones_and_before_the_catch_all() {
    let headers = HeaderMap::new();
    let hosts: &[(&[&str], &[&str])] = &[
        (&["*"], &["/"]),
        (&["*.local", "*.LOCAL:80"], &["/"]),
        (&["*.b.local"], &["/"]),
        (&["a.b.local"], &["/"]),
    ];
    let table = table(hosts);
    for (host, expected) in [
        ("a.b.local", 3),
        ("c.b.local", 2),
        ("c.B.local", 2),
        (".b.local", 1),
        ("b.local", 1),
        ("b.local:80", 1),
        ("b.local:81", 0),
        (".local", 0),
        ("local", 0),
        ("é.local", 1),
    ] {
        let decision = table.decide(&request(host, "/", &headers));
        let route = Decision::Route {
            virtual_host: expected,
            route: 0,
        };
        assert_eq!(decision, route, "{host}");
    }
}

#[test]
fn a_route_whose_conditions_fail_lets_the_next_have_the_request() {
    let headers = HeaderMap::new();
    let mut post = route("/a/b");
    post.matches.method = Some(HttpMethod::Post);
    let mut regex = route("/");
    regex.matches.path = PathMatch::Regex(pattern("/a/[bc]"));
    let mut exact = route("/");
    exact.matches.path = PathMatch::Exact("/a/c".to_owned());
    let table = one_host(vec![post, regex, exact, route("/")]);
    let taken = |method: &str, path: &str| {
        let parts = RequestParts {
            method,
            ..request("b.local", path, &headers)
        };
        match table.decide(&parts) {
            Decision::Route { route, .. } => route,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(taken("POST", "/a/b"), 0);
    assert_eq!(taken("post", "/a/b"), 1, "methods have letter case");
    assert_eq!(taken("GET", "/a/c"), 1);
    assert_eq!(taken("GET", "/a/bc"), 3, "expressions match whole paths");
}
