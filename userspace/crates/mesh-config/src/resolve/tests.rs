mod clusters;
mod findings;
mod gateway_ports;
mod gateways;
mod options;
mod reserved_names;
mod routes;

use std::{sync::Arc, time::Duration};

use mesh_model::snapshot::{
    Cluster, Discovery, DnsResponse, EgressPort, IpPreference, Protocol, RouteMatch, RouteTable,
    WeightedCluster,
};
use mesh_regex::Pattern;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{fixture::Files, source::DocumentSet};

const MESH: &str = "create-mesh.json";
const ROUTE: &str = "create-route.json";
const ROUTER: &str = "create-virtual-router.json";
const NODE_A: &str = "create-virtual-node-servicea.json";
const NODE_B: &str = "create-virtual-node-serviceb.json";
const NODE_BV2: &str = "create-virtual-node-servicebv2.json";
const SERVICE_B: &str = "create-virtual-service-serviceb.json";
const LISTENER: &str = "/spec/listeners/0";

fn started() -> Files {
    Files::getting_started()
}

const RETRY_POLICY: &str = "FERROMESH_DEFAULT_RETRY_POLICY";
const CIRCUIT_BREAKER: &str = "FERROMESH_DEFAULT_CIRCUIT_BREAKER";

fn variable(name: &str, value: &str) -> Environment {
    [(name.to_owned(), value.to_owned())].into()
}

fn snapshot(files: &Files) -> Snapshot {
    files.resolve("serviceA").expect("it resolves").snapshot
}

fn pattern(expression: &str) -> Pattern {
    Pattern::new(expression).expect("an expression of RE2")
}

fn table(snapshot: &Snapshot, port: u16) -> &RouteTable {
    let Some(EgressPort::Http(table)) = snapshot.egress.get(&port) else {
        panic!("port {port} is HTTP: {:?}", snapshot.egress)
    };
    table
}

fn cluster<'a>(snapshot: &'a Snapshot, name: &str) -> &'a Arc<Cluster> {
    let found = snapshot
        .clusters
        .iter()
        .find(|cluster| cluster.name == name);
    found.unwrap_or_else(|| panic!("no {name} in {:?}", snapshot.clusters))
}

#[test]
fn the_getting_started_client_resolves_as_app_mesh_had_it() {
    let snapshot = snapshot(&started());
    assert_eq!(snapshot.egress_filter, EgressFilter::DropAll);
    assert_eq!(snapshot.egress.keys().copied().collect::<Vec<_>>(), [80]);
    let table = table(&snapshot, 80);
    assert_eq!(table.name, "rds_egress_http_80");
    let [host] = &table.virtual_hosts[..] else {
        panic!("one virtual host: {table:?}")
    };
    assert_eq!(host.name, "serviceb.apps.local");
    assert_eq!(
        host.domains,
        ["serviceb.apps.local", "serviceb.apps.local:80"]
    );
    let [route] = &host.routes[..] else {
        panic!("one route: {host:?}")
    };
    assert_eq!(route.name, "serviceB");
    assert_eq!(route.matches, RouteMatch::prefix("/"));
    assert_eq!(route.request_timeout, Some(Duration::from_secs(15)));
    assert_eq!(route.idle_timeout, Some(Duration::from_mins(5)));
    let targets: Vec<(&str, u32)> = route
        .targets
        .iter()
        .map(|target| {
            (
                snapshot.cluster(target.cluster).name.as_str(),
                target.weight,
            )
        })
        .collect();
    let expected = [
        ("cds_egress_apps_serviceB_http2_80", 75),
        ("cds_egress_apps_serviceBv2_http2_80", 25),
    ];
    assert_eq!(targets, expected);
    let backend = cluster(&snapshot, "cds_egress_apps_serviceBv2_http2_80");
    assert_eq!(backend.protocol, Protocol::Http2);
    assert_eq!(backend.connect_timeout, Duration::from_secs(1));
    let dns = Discovery::Dns {
        hostname: "servicebv2.apps.local".to_owned(),
        port: 80,
        response: DnsResponse::LoadBalancer,
        ip_preference: IpPreference::Unset,
        respects_ttl: false,
    };
    assert_eq!(backend.discovery, dns);
}

#[test]
fn the_getting_started_client_answers_on_its_listener() {
    let snapshot = snapshot(&started());
    let port = &snapshot.ingress[&80];
    assert_eq!(port.protocol, Protocol::Http2);
    assert_eq!(port.idle_timeout, Some(Duration::from_mins(5)));
    let local = snapshot.cluster(port.cluster);
    assert_eq!(local.name, "cds_ingress_apps_serviceA_http2_80");
    assert_eq!(local.connect_timeout, Duration::from_millis(250));
    assert_eq!(
        local.discovery,
        Discovery::Static(vec!["127.0.0.1:80".parse().expect("one")])
    );
    let table = port.routes.as_ref().expect("HTTP has routes");
    assert_eq!(table.name, "rds_ingress_http_80");
    assert_eq!(table.virtual_hosts[0].domains, ["*"]);
    let route = &table.virtual_hosts[0].routes[0];
    assert_eq!(
        route.targets,
        [WeightedCluster {
            cluster: port.cluster,
            weight: 100
        }]
    );
    assert_eq!(route.request_timeout, Some(Duration::from_secs(15)));
}

#[test]
fn a_node_that_calls_nothing_has_no_egress() {
    let resolved = started().resolve("serviceB").expect("it resolves");
    assert!(resolved.snapshot.egress.is_empty());
    let names: Vec<&str> = resolved
        .snapshot
        .clusters
        .iter()
        .map(|cluster| cluster.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "cds_ingress_apps_serviceB_http2_80",
            "cds_egress_apps_amazonaws"
        ]
    );
}

#[test]
fn timeouts_are_the_documents_and_0_disables() {
    let second = json!({ "unit": "s", "value": 1 });
    let zero = json!({ "unit": "ms", "value": 0 });
    let files = started()
        .set(
            ROUTE,
            "/spec/http2Route/timeout",
            json!({ "perRequest": second, "idle": zero }),
        )
        .set(
            NODE_A,
            &format!("{LISTENER}/timeout"),
            json!({ "http2": { "perRequest": zero } }),
        );
    let snapshot = snapshot(&files);
    let egress = &table(&snapshot, 80).virtual_hosts[0].routes[0];
    assert_eq!(egress.request_timeout, Some(Duration::from_secs(1)));
    assert_eq!(egress.idle_timeout, None);
    let ingress = &snapshot.ingress[&80]
        .routes
        .as_ref()
        .expect("routes")
        .virtual_hosts[0]
        .routes[0];
    assert_eq!(ingress.request_timeout, None);
    assert_eq!(ingress.idle_timeout, Some(Duration::from_mins(5)));
}

#[test]
fn a_service_of_a_node_has_one_route_with_the_defaults() {
    let provider = json!({ "virtualNode": { "virtualNodeName": "serviceBv2" } });
    let snapshot = snapshot(&started().set(SERVICE_B, "/spec/provider", provider));
    let host = &table(&snapshot, 80).virtual_hosts[0];
    assert_eq!(host.routes.len(), 1);
    assert_eq!(host.routes[0].name, "serviceb.apps.local");
    assert_eq!(host.routes[0].targets.len(), 1);
    assert_eq!(
        host.routes[0].request_timeout,
        Some(Duration::from_secs(15))
    );
}

#[test]
fn a_router_without_routes_has_a_virtual_host_without_routes() {
    let snapshot = snapshot(&started().without(ROUTE));
    assert_eq!(table(&snapshot, 80).virtual_hosts[0].routes, []);
}

#[test]
fn domains_are_in_lower_case_and_names_as_written() {
    let files = started().set(
        SERVICE_B,
        "/virtualServiceName",
        json!("ServiceB.Apps.Local"),
    );
    let snapshot = snapshot(&files);
    let host = &table(&snapshot, 80).virtual_hosts[0];
    assert_eq!(host.name, "ServiceB.Apps.Local");
    assert_eq!(
        host.domains,
        ["serviceb.apps.local", "serviceb.apps.local:80"]
    );
}

#[test]
fn allow_all_has_a_cluster_of_its_own() {
    let filter = json!({ "egressFilter": { "type": "ALLOW_ALL" } });
    let resolved = started()
        .set(MESH, "/spec", filter)
        .resolve("serviceA")
        .expect("it resolves");
    assert_eq!(resolved.snapshot.egress_filter, EgressFilter::AllowAll);
    let allowed = cluster(&resolved.snapshot, "cds_egress_apps_mesh-allow-all");
    assert_eq!(allowed.discovery, Discovery::OriginalDestination);
    assert_eq!(resolved.findings, []);
}

#[test]
fn the_address_families_are_the_nodes_else_the_meshs() {
    let preference = json!({ "serviceDiscovery": { "ipPreference": "IPv6_ONLY" } });
    let files = started().set(MESH, "/spec", preference).set(
        NODE_B,
        "/spec/serviceDiscovery/dns/ipPreference",
        json!("IPv4_PREFERRED"),
    );
    let snapshot = snapshot(&files);
    let preference = |name: &str| match &cluster(&snapshot, name).discovery {
        Discovery::Dns { ip_preference, .. } => *ip_preference,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        preference("cds_egress_apps_serviceB_http2_80"),
        IpPreference::V4Preferred
    );
    assert_eq!(
        preference("cds_egress_apps_serviceBv2_http2_80"),
        IpPreference::V6Only
    );
    let local = snapshot.cluster(snapshot.ingress[&80].cluster);
    assert_eq!(
        local.discovery,
        Discovery::Static(vec!["[::1]:80".parse().expect("one")])
    );
}

/// The getting-started mesh with TCP from end to end.
fn tcp() -> Files {
    let route = json!({ "tcpRoute": { "action": { "weightedTargets": [
        { "virtualNode": "serviceB", "weight": 3 },
        { "virtualNode": "serviceBv2", "weight": 1 },
    ] } } });
    let protocol = format!("{LISTENER}/portMapping/protocol");
    started()
        .set(ROUTE, "/spec", route)
        .set(ROUTER, &protocol, json!("tcp"))
        .set(NODE_B, &protocol, json!("tcp"))
        .set(
            "create-virtual-node-servicebv2.json",
            &protocol,
            json!("tcp"),
        )
}

#[test]
fn tcp_is_routed_by_port() {
    let snapshot = snapshot(&tcp());
    let Some(EgressPort::Tcp(route)) = snapshot.egress.get(&80) else {
        panic!("{snapshot:?}")
    };
    assert_eq!(route.name, "serviceb.apps.local");
    let weights: Vec<u32> = route.targets.iter().map(|target| target.weight).collect();
    assert_eq!(weights, [3, 1]);
    assert_eq!(route.idle_timeout, Some(Duration::from_mins(5)));
}

#[test]
fn backends_of_several_ports_and_services_keep_the_order_of_names() {
    let listener = |port: u16| json!({ "portMapping": { "port": port, "protocol": "http" } });
    let node = json!({
        "meshName": "apps",
        "virtualNodeName": "many",
        "spec": {
            "listeners": [listener(80), listener(8080)],
            "serviceDiscovery": { "dns": { "hostname": "many.apps.local" } },
        },
    });
    let service = json!({
        "meshName": "apps",
        "virtualServiceName": "a.apps.local",
        "spec": { "provider": { "virtualNode": { "virtualNodeName": "many" } } },
    });
    let backend = |name: &str| json!({ "virtualService": { "virtualServiceName": name } });
    let backends = json!([backend("serviceb.apps.local"), backend("a.apps.local")]);
    let files = started()
        .with("many.json", node)
        .with("a.json", service)
        .set(NODE_A, "/spec/backends", backends);
    let snapshot = snapshot(&files);
    let names = |port: u16| -> Vec<&str> {
        table(&snapshot, port)
            .virtual_hosts
            .iter()
            .map(|host| host.name.as_str())
            .collect()
    };
    assert_eq!(names(80), ["a.apps.local", "serviceb.apps.local"]);
    assert_eq!(names(8080), ["a.apps.local"]);
    assert_eq!(
        table(&snapshot, 8080).virtual_hosts[0].domains[1],
        "a.apps.local:8080"
    );
    assert!(cluster(&snapshot, "cds_egress_apps_many_http_8080").protocol == Protocol::Http);
}

proptest! {
    #[test]
    fn the_order_of_files_changes_nothing(
        files in Just(started().document_set().files).prop_shuffle()
    ) {
        let set = DocumentSet { files, ..DocumentSet::default() };
        let (documents, _) = Documents::parse(&set).into_result().expect("good documents");
        let resource = "mesh/apps/virtualNode/serviceA".parse().expect("a name");
        let resolved = resolve(&documents, &resource, &Environment::new()).expect("it resolves");
        prop_assert_eq!(resolved.snapshot, snapshot(&started()));
    }

    #[test]
    fn weights_arrive_as_they_were_written(weights in prop::collection::vec(0_u32..=100, 1..=10)) {
        let targets: Vec<Value> = weights
            .iter()
            .map(|weight| json!({ "virtualNode": "serviceB", "weight": weight }))
            .collect();
        let at = "/spec/http2Route/action/weightedTargets";
        let snapshot = snapshot(&started().set(ROUTE, at, json!(targets)));
        let route = &table(&snapshot, 80).virtual_hosts[0].routes[0];
        let arrived: Vec<u32> = route.targets.iter().map(|target| target.weight).collect();
        prop_assert_eq!(arrived, weights);
    }
}
