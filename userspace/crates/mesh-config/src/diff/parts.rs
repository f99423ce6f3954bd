//! A workload in parts that have a name in both of its states. Clusters are known by their names,
//! not by their numbers, which change with every backend.

use std::collections::{BTreeMap, HashMap};

use mesh_model::snapshot::{
    Cluster, ClusterId, EgressPort, IngressPort, Route, RouteTable, Snapshot, TcpRoute,
    WeightedCluster,
};

use super::{Part, State, fields::Fields};

/// The parts of one state.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) fields: BTreeMap<(Part, String), Fields>,
    /// The routes of each virtual host in the order in which they are tried.
    pub(super) orders: BTreeMap<String, Vec<String>>,
}

impl Parts {
    fn insert(&mut self, part: Part, name: String, fields: Fields) {
        self.fields.insert((part, name), fields);
    }
}

pub(super) fn parts_of(state: State<'_>) -> Parts {
    let snapshot = state.snapshot;
    let mut parts = Parts::default();
    let workload = Fields::default()
        .with("egressFilter", &snapshot.egress_filter)
        .with("egressListener", &snapshot.egress_listener)
        .with("accessLog", &snapshot.access_log);
    parts.insert(Part::Workload, snapshot.resource.to_string(), workload);
    for (port, answer) in &snapshot.egress {
        egress(&mut parts, snapshot, *port, answer);
    }
    for (port, answer) in &snapshot.ingress {
        ingress(&mut parts, snapshot, *port, answer);
    }
    for cluster in &snapshot.clusters {
        parts.insert(Part::Cluster, cluster.name.clone(), fields_of(cluster));
    }
    let rules = Fields::of(state.rules);
    parts.insert(Part::Redirection, "rules".to_owned(), rules);
    parts
}

fn egress(parts: &mut Parts, snapshot: &Snapshot, port: u16, answer: &EgressPort) {
    let listener = format!("egress {port}");
    let fields = match answer {
        EgressPort::Http(table) => {
            routes(parts, snapshot, &listener, table);
            Fields::default().with("routeTable", &table.name)
        }
        EgressPort::Tcp(route) => Fields::default().with("tcp", &route.name),
        EgressPort::TcpByAddress(services) => {
            let names: Vec<&str> = services.iter().map(|route| route.name.as_str()).collect();
            Fields::default().with("tcpByAddress", &names)
        }
    };
    for route in answer.tcp_services() {
        let name = format!("{listener} {}", route.name);
        parts.insert(Part::Route, name, tcp_route(snapshot, route));
    }
    parts.insert(Part::Listener, listener, fields);
}

fn ingress(parts: &mut Parts, snapshot: &Snapshot, port: u16, answer: &IngressPort) {
    let IngressPort {
        listener: name,
        stat_prefix,
        protocol,
        routes: table,
        cluster,
        tls,
        idle_timeout,
    } = answer;
    let listener = format!("ingress {port}");
    if let Some(table) = table {
        routes(parts, snapshot, &listener, table);
    }
    let fields = Fields::default()
        .with("listener", name)
        .with("statPrefix", stat_prefix)
        .with("protocol", protocol)
        .with("routeTable", &table.as_ref().map(|table| &table.name))
        .with("cluster", &cluster_name(snapshot, *cluster))
        .with("tls", tls)
        .with("idleTimeout", idle_timeout);
    parts.insert(Part::Listener, listener, fields);
}

/// The virtual hosts of a table and their routes. Routes of one name are counted: a gateway route
/// is there twice.
fn routes(parts: &mut Parts, snapshot: &Snapshot, listener: &str, table: &RouteTable) {
    for host in &table.virtual_hosts {
        let name = format!("{listener} {}", host.name);
        let mut seen: HashMap<&str, usize> = HashMap::new();
        let mut order = Vec::with_capacity(host.routes.len());
        for route in &host.routes {
            let nth = seen.entry(&route.name).or_default();
            *nth += 1;
            let own = match *nth {
                1 => route.name.clone(),
                nth => format!("{} ({nth})", route.name),
            };
            let full = format!("{name} {own}");
            parts.insert(Part::Route, full, http_route(snapshot, route));
            order.push(own);
        }
        let fields = Fields::default().with("domains", &host.domains);
        parts.insert(Part::VirtualHost, name.clone(), fields);
        parts.orders.insert(name, order);
    }
}

fn http_route(snapshot: &Snapshot, route: &Route) -> Fields {
    let Route {
        name: _,
        matches,
        targets,
        request_timeout,
        idle_timeout,
        retry,
        fails_over,
        rewrite,
        next_hop,
    } = route;
    Fields::default()
        .with("match", matches)
        .with_each("clusters", shares(snapshot, targets))
        .with("requestTimeout", request_timeout)
        .with("idleTimeout", idle_timeout)
        .with("retry", retry)
        .with("failsOver", fails_over)
        .with("rewrite", rewrite)
        .with("nextHop", next_hop)
}

fn tcp_route(snapshot: &Snapshot, route: &TcpRoute) -> Fields {
    Fields::default()
        .with_each("clusters", shares(snapshot, &route.targets))
        .with("idleTimeout", &route.idle_timeout)
        .with("failsOver", &route.fails_over)
}

fn fields_of(cluster: &Cluster) -> Fields {
    let Cluster {
        name: _,
        protocol,
        discovery,
        instances,
        balancing,
        zone_aware,
        connect_timeout,
        circuit_breakers,
        health_check,
        outlier_detection,
        tls,
    } = cluster;
    Fields::default()
        .with("protocol", protocol)
        .with("discovery", discovery)
        .with("instances", instances)
        .with("balancing", balancing)
        .with("zoneAware", zone_aware)
        .with("connectTimeout", connect_timeout)
        .with("circuitBreakers", circuit_breakers)
        .with("healthCheck", health_check)
        .with("outlierDetection", outlier_detection)
        .with("tls", tls)
}

/// The shares of the clusters by name. Where a route names one twice its shares add up.
fn shares<'a>(snapshot: &'a Snapshot, targets: &[WeightedCluster]) -> BTreeMap<&'a str, u32> {
    let mut shares = BTreeMap::new();
    for target in targets {
        *shares
            .entry(cluster_name(snapshot, target.cluster))
            .or_default() += target.weight;
    }
    shares
}

fn cluster_name(snapshot: &Snapshot, id: ClusterId) -> &str {
    &snapshot.cluster(id).name
}
