use mesh_model::snapshot::{ClusterId, WeightedCluster};
use proptest::{collection::vec, prelude::*};

use super::*;
use crate::explain;

fn route(prefix: &str) -> Route {
    Route {
        name: prefix.to_owned(),
        matches: RouteMatch::prefix(prefix),
        targets: vec![WeightedCluster {
            cluster: ClusterId(0),
            weight: 1,
        }],
        request_timeout: None,
        idle_timeout: None,
    }
}

fn table(hosts: &[(&[&str], &[&str])]) -> RouteTable {
    RouteTable {
        name: "rds_egress_http_80".to_owned(),
        virtual_hosts: hosts
            .iter()
            .enumerate()
            .map(|(index, (domains, prefixes))| VirtualHost {
                name: format!("vh{index}"),
                domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
                routes: prefixes.iter().map(|prefix| route(prefix)).collect(),
            })
            .collect(),
    }
}

#[test]
fn hosts_match_whole_with_and_without_the_port_in_any_case() {
    let table = Table::compile(&table(&[(&["b.local", "b.local:80"], &["/"])]));
    let taken = Decision::Route {
        virtual_host: 0,
        route: 0,
    };
    for host in ["b.local", "B.Local", "b.local:80"] {
        assert_eq!(table.decide(host, "/"), taken, "{host}");
    }
    for host in ["b.local:81", "b.local.", "x.b.local", "local", ""] {
        assert_eq!(table.decide(host, "/"), Decision::NoVirtualHost, "{host}");
    }
}

#[test]
fn a_named_host_wins_over_the_catch_all_wherever_it_stands() {
    let table = Table::compile(&table(&[(&["*"], &["/"]), (&["b.local"], &["/x"])]));
    assert_eq!(
        table.decide("b.local", "/y"),
        Decision::NoRoute { virtual_host: 1 }
    );
    assert_eq!(
        table.decide("c.local", "/y"),
        Decision::Route {
            virtual_host: 0,
            route: 0
        }
    );
}

/// Tables over few letters, so that hosts and prefixes often meet.
fn tables() -> impl Strategy<Value = RouteTable> {
    let domain = prop_oneof![4 => "[ab](:80)?", 1 => Just("*".to_owned())];
    let hosts = vec((vec(domain, 0..3), vec("(/[ab]){0,3}", 0..8)), 0..6);
    hosts.prop_map(|hosts| RouteTable {
        name: "t".to_owned(),
        virtual_hosts: hosts
            .into_iter()
            .enumerate()
            .map(|(index, (domains, prefixes))| VirtualHost {
                name: format!("vh{index}"),
                domains,
                routes: prefixes.iter().map(|prefix| route(prefix)).collect(),
            })
            .collect(),
    })
}

proptest! {
    #[test]
    fn the_compiled_table_decides_as_explain_does(
        table in tables(),
        host in "[abAB](:80)?",
        path in "(/[abc]){0,5}",
    ) {
        prop_assert_eq!(
            Table::compile(&table).decide(&host, &path),
            explain(&table, &host, &path).decision
        );
    }
}
