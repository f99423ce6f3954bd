use std::net::SocketAddr;

use mesh_model::snapshot::{
    Cluster, ClusterId, Discovery, IngressPort, Protocol, RouteTable, TcpRoute,
};

use super::*;

const EGRESS: (Direction, u16) = (Direction::Egress, 80);
const INGRESS: (Direction, u16) = (Direction::Ingress, 80);
const IDLE: Option<Duration> = Some(Duration::from_mins(5));

/// A generation with the clusters `unused`, `a` and `b`, or `a` and `b` alone.
fn generation(has_unused: bool, change: impl FnOnce(&mut Snapshot, usize)) -> Generation {
    let names = ["unused", "a", "b"];
    let names = &names[usize::from(!has_unused)..];
    let endpoint: SocketAddr = ([127, 0, 0, 1], 7).into();
    let cluster = |name: &&str| {
        let endpoints = Discovery::Static(vec![endpoint]);
        Arc::new(Cluster::plain((*name).to_owned(), Protocol::Tcp, endpoints))
    };
    let resource = "mesh/apps/virtualNode/serviceA".parse().unwrap();
    let mut snapshot = Snapshot {
        generation: 1,
        clusters: names.iter().map(cluster).collect(),
        ..Snapshot::empty(resource)
    };
    change(&mut snapshot, usize::from(has_unused));
    Generation::new(Arc::new(snapshot), Vec::new(), None, HashMap::new())
}

fn service(name: &str, targets: &[(usize, u32)], idle_timeout: Option<Duration>) -> TcpRoute {
    let targets = targets.iter().map(|(cluster, weight)| WeightedCluster {
        cluster: ClusterId(*cluster),
        weight: *weight,
    });
    TcpRoute {
        name: name.to_owned(),
        targets: targets.collect(),
        idle_timeout,
        fails_over: false,
    }
}

fn egress(answer: EgressPort) -> Generation {
    generation(false, |snapshot, _| {
        snapshot.egress.insert(EGRESS.1, answer);
    })
}

fn only(targets: &[(usize, u32)], idle_timeout: Option<Duration>) -> Generation {
    egress(EgressPort::Tcp(service("one", targets, idle_timeout)))
}

fn ingress(cluster: usize, idle_timeout: Option<Duration>, is_http: bool) -> Generation {
    let routes = is_http.then(|| RouteTable {
        name: "rds".to_owned(),
        virtual_hosts: Vec::new(),
    });
    generation(false, |snapshot, _| {
        let port = IngressPort {
            listener: "lds_ingress_0.0.0.0_15000".to_owned(),
            stat_prefix: "ingress".to_owned(),
            protocol: Protocol::Tcp,
            routes,
            cluster: ClusterId(cluster),
            tls: None,
            idle_timeout,
        };
        snapshot.ingress.insert(INGRESS.1, port);
    })
}

/// Whether connections of a service go on; what wakes them has to agree.
fn goes_on(
    port: (Direction, u16),
    service: Option<&str>,
    from: &Generation,
    to: &Generation,
) -> bool {
    let goes_on = to.still_serves(port, &from.serving(port, service));
    assert!(goes_on || from.serves_otherwise(to), "nobody is woken");
    goes_on
}

#[test]
fn connections_of_a_service_go_on_as_long_as_its_targets_and_times_are_the_same() {
    let before = only(&[(0, 1), (1, 2)], IDLE);
    let at = |to: &Generation| goes_on(EGRESS, Some("one"), &before, to);
    // Clusters have other numbers where there are others.
    let same = generation(true, |snapshot, first| {
        let targets = [(first, 1), (first + 1, 2)];
        let one = EgressPort::Tcp(service("one", &targets, IDLE));
        snapshot.egress.insert(EGRESS.1, one);
    });
    assert!(at(&same) && !before.serves_otherwise(&same));
    assert!(!at(&only(&[(0, 1), (1, 3)], IDLE)), "a weight");
    assert!(!at(&only(&[(0, 1)], IDLE)), "a target less");
    assert!(!at(&only(&[(1, 1), (0, 2)], IDLE)), "other targets");
    assert!(!at(&only(&[(0, 1), (1, 2)], None)), "the time");
    assert!(!at(&generation(false, |_, _| {})), "the port");
}

#[test]
fn services_that_are_told_apart_are_each_by_itself() {
    let two = |of_two: usize| {
        egress(EgressPort::TcpByAddress(vec![
            service("one", &[(0, 1)], IDLE),
            service("two", &[(of_two, 1)], IDLE),
        ]))
    };
    let before = two(0);
    assert!(goes_on(EGRESS, Some("one"), &before, &two(1)));
    assert!(!goes_on(EGRESS, Some("two"), &before, &two(1)));
    // What no service has is refused before and after.
    assert!(goes_on(EGRESS, None, &before, &two(1)));

    let alone = only(&[(0, 1)], IDLE);
    assert!(goes_on(EGRESS, Some("one"), &before, &alone));
    assert!(!goes_on(EGRESS, Some("two"), &before, &alone));
    assert!(!goes_on(EGRESS, None, &before, &alone));
    assert!(goes_on(EGRESS, Some("one"), &alone, &before));
}

#[test]
fn connections_to_the_application_go_on_as_long_as_the_listener_is_the_same() {
    let before = ingress(0, IDLE, false);
    assert!(goes_on(INGRESS, None, &before, &ingress(0, IDLE, false)));
    assert!(!goes_on(INGRESS, None, &before, &ingress(0, None, false)));
    assert!(!goes_on(INGRESS, None, &before, &ingress(1, IDLE, false)));
    assert!(!goes_on(INGRESS, None, &before, &ingress(0, IDLE, true)));
    assert!(!goes_on(INGRESS, None, &before, &only(&[(0, 1)], IDLE)));
}

#[test]
fn requests_have_their_routes_by_themselves() {
    let before = ingress(0, IDLE, true);
    assert!(goes_on(INGRESS, None, &before, &ingress(1, None, true)));
    assert!(!before.serves_otherwise(&ingress(1, None, true)));
    assert!(!goes_on(INGRESS, None, &before, &ingress(0, IDLE, false)));
}
