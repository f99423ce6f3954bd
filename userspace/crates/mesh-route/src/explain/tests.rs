use mesh_model::snapshot::{ClusterId, Route, WeightedCluster};

use super::*;

fn virtual_host(name: &str, domains: &[&str], prefixes: &[&str]) -> VirtualHost {
    VirtualHost {
        name: name.to_owned(),
        domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
        routes: prefixes
            .iter()
            .map(|prefix| Route {
                name: format!("route {prefix}"),
                matches: RouteMatch::prefix((*prefix)),
                targets: vec![WeightedCluster {
                    cluster: ClusterId(0),
                    weight: 1,
                }],
                request_timeout: None,
                idle_timeout: None,
            })
            .collect(),
    }
}

#[test]
fn every_virtual_host_and_route_has_its_reason() {
    let table = RouteTable {
        name: "rds_egress_http_80".to_owned(),
        virtual_hosts: vec![
            virtual_host("any", &["*"], &["/"]),
            virtual_host("a", &["a", "a:80"], &["/"]),
            virtual_host("b", &["b", "b:80"], &["/x/y", "/x", "/"]),
        ],
    };
    let explanation = explain(&table, "B:80", "/x/z");
    assert_eq!(
        explanation.decision,
        Decision::Route {
            virtual_host: 2,
            route: 1
        }
    );
    let [any, a, b] = &explanation.virtual_hosts[..] else {
        panic!("three virtual hosts");
    };
    assert_eq!(
        any.outcome.to_string(),
        "would answer, but `b` has this Host"
    );
    assert_eq!(a.outcome.to_string(), "answers a, a:80 only");
    assert_eq!(b.outcome.to_string(), "answers the Host as `b:80`");
    let reasons: Vec<String> = b.routes.iter().map(|t| t.outcome.to_string()).collect();
    assert_eq!(
        reasons,
        [
            "the path does not begin with `/x/y`",
            "takes the request",
            "would match, but `route /x` is tried first",
        ]
    );
}
