//! Random meshes: services of every protocol, routes of every kind.

use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{select, subsequence},
};
use serde_json::{Map, Value, json};

use super::{
    FORMAT,
    request::{Request, requests},
};

/// Whose requests are explained and sent.
pub(super) const NODE: &str = "mesh/apps/virtualNode/caller";

const PROTOCOLS: [&str; 4] = ["grpc", "http", "http2", "tcp"];
/// Nodes of each protocol.
const NODES: usize = 3;

/// Where the nodes' endpoints and the log are.
#[derive(Clone, Debug)]
pub(super) struct Endpoints {
    pub(super) http: u16,
    pub(super) http2: u16,
    pub(super) tcp: u16,
    pub(super) log: String,
}

impl Endpoints {
    fn port(&self, protocol: &str) -> u16 {
        match protocol {
            "http" => self.http,
            "tcp" => self.tcp,
            _ => self.http2,
        }
    }
}

/// Documents, and requests to what they describe.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) documents: Vec<Value>,
    pub(super) requests: Vec<Request>,
}

/// A virtual service and what provides it.
#[derive(Clone, Debug)]
struct Service {
    protocol: &'static str,
    port: u16,
    /// None: a node does.
    routes: Option<Vec<Value>>,
    node: usize,
}

/// The addresses of every node.
pub(super) fn hosts() -> String {
    let nodes = nodes().map(|(_, name)| format!("127.0.0.1 {name}.test\n"));
    nodes.collect()
}

fn nodes() -> impl Iterator<Item = (&'static str, String)> {
    let all = |protocol| (0..NODES).map(move |index| (protocol, format!("{protocol}-{index}")));
    PROTOCOLS.into_iter().flat_map(all)
}

pub(super) fn case(endpoints: &Endpoints) -> impl Strategy<Value = Case> + use<> {
    let endpoints = endpoints.clone();
    (vec(service(), 1..5), any::<bool>()).prop_flat_map(move |(services, allow_all)| {
        let called: Vec<(String, u16)> = services
            .iter()
            .enumerate()
            .map(|(index, service)| (name(index), port(&endpoints, service, index)))
            .collect();
        let documents = documents(&endpoints, &services, allow_all);
        vec(requests(&called), 1..12).prop_map(move |requests| Case {
            documents: documents.clone(),
            requests,
        })
    })
}

fn name(index: usize) -> String {
    format!("s{index}.test")
}

/// The port on which a service answers: a port of TCP is one service's alone.
fn port(endpoints: &Endpoints, service: &Service, index: usize) -> u16 {
    match (&service.routes, service.protocol) {
        (None, protocol) => endpoints.port(protocol),
        (Some(_), "tcp") => 90 + u16::try_from(index).expect("few"),
        (Some(_), _) => service.port,
    }
}

fn service() -> impl Strategy<Value = Service> {
    let protocol = prop_oneof![
        3 => Just("http"),
        3 => Just("http2"),
        2 => Just("grpc"),
        1 => Just("tcp"),
    ];
    (protocol, select(vec![81, 82]), any::<bool>(), 0..NODES).prop_flat_map(
        |(protocol, port, by_node, node)| {
            let by_node = by_node && protocol != "tcp";
            let routes = match protocol {
                "tcp" => vec(route(protocol), 1..2).boxed(),
                _ => vec(route(protocol), 0..8).boxed(),
            };
            let routes = if by_node && node == 0 {
                Just(None).boxed()
            } else {
                routes.prop_map(Some).boxed()
            };
            routes.prop_map(move |routes| Service {
                protocol,
                port,
                routes,
                node,
            })
        },
    )
}

/// The spec of a route of a protocol.
fn route(protocol: &'static str) -> BoxedStrategy<Value> {
    let all: Vec<String> = (0..NODES)
        .map(|index| format!("{protocol}-{index}"))
        .collect();
    let weights = vec(prop_oneof![1 => Just(0), 4 => 1..100], NODES);
    let targets = (subsequence(all, 1..=NODES), weights).prop_map(|(nodes, weights)| {
        let targets = nodes.into_iter().zip(weights);
        let target =
            |(node, weight): (String, i32)| json!({ "virtualNode": node, "weight": weight });
        Value::from(targets.map(target).collect::<Vec<_>>())
    });
    if protocol == "tcp" {
        let route = |targets| json!({ "tcpRoute": { "action": { "weightedTargets": targets } } });
        return targets.prop_map(route).boxed();
    }
    let matches = match protocol {
        "grpc" => grpc_match().boxed(),
        _ => http_match(protocol).boxed(),
    };
    let priority = option::weighted(0.4, 0..4);
    (targets, matches, priority)
        .prop_map(move |(targets, matches, priority)| {
            let route = json!({ "action": { "weightedTargets": targets }, "match": matches });
            let mut spec = json!({ format!("{protocol}Route"): route });
            if let Some(priority) = priority {
                spec["priority"] = json!(priority);
            }
            spec
        })
        .boxed()
}

fn http_match(protocol: &str) -> impl Strategy<Value = Value> + use<> {
    let prefix = select(vec![
        "/", "/a", "/a/", "/a/b", "/A", "/ab", "/%2F", "/p.S/", "/é",
    ]);
    let exact = select(vec![
        "/", "/a", "/a/b", "/b/", "/a.js", "/A", "/a%5Cb", "/10",
    ]);
    let regex = select(vec![
        "/[ab]+",
        "/a(/.*)?",
        "(?i)/A.*",
        r"/\d+",
        "/[[:alpha:]]*",
        "/a|/b",
        r"/.*\.js",
        ".*",
        "/[^/]+/[^/]+",
        r"(?:/\pL+)+",
        "/a$",
        "^/b",
        "/[a&&b]*",
        r"/\x{e9}|/%.*",
    ]);
    let path = prop_oneof![
        3 => prefix.prop_map(|prefix| ("prefix", json!(prefix))),
        1 => exact.prop_map(|exact| ("path", json!({ "exact": exact }))),
        1 => regex.prop_map(|regex| ("path", json!({ "regex": regex }))),
    ];
    let scheme = if protocol == "http2" { 0.2 } else { 0.1 };
    let query = (
        select(vec!["p", "q", "P", ""]),
        option::of(select(vec!["a", "b", "=a", "%61"])),
    );
    (
        path,
        option::weighted(0.1, select(vec!["GET", "POST", "HEAD", "PATCH"])),
        option::weighted(scheme, select(vec!["http", "https"])),
        conditions(),
        option::weighted(0.3, query),
    )
        .prop_map(|((member, path), method, scheme, headers, query)| {
            let mut matches = Map::from_iter([(member.to_owned(), path)]);
            matches.extend(method.map(|method| ("method".to_owned(), json!(method))));
            matches.extend(scheme.map(|scheme| ("scheme".to_owned(), json!(scheme))));
            matches.extend(headers.map(|headers| ("headers".to_owned(), headers)));
            if let Some((name, exact)) = query {
                let parameter = match exact {
                    Some(exact) => json!({ "name": name, "match": { "exact": exact } }),
                    None => json!({ "name": name }),
                };
                matches.insert("queryParameters".to_owned(), json!([parameter]));
            }
            matches.into()
        })
}

fn grpc_match() -> impl Strategy<Value = Value> {
    let service = select(vec!["p.S", "p.T", "a"]);
    let method = option::of(select(vec!["M", "N", "b"]));
    (service, method, conditions()).prop_map(|(service, method, metadata)| {
        let mut matches = json!({ "serviceName": service });
        if let Some(method) = method {
            matches["methodName"] = json!(method);
        }
        if let Some(metadata) = metadata {
            matches["metadata"] = metadata;
        }
        matches
    })
}

/// Conditions on headers or metadata.
fn conditions() -> impl Strategy<Value = Option<Value>> {
    let name = select(vec![
        "x-a",
        "X-A",
        "x-b",
        "cookie",
        "user-agent",
        "host",
        ":authority",
        ":method",
        ":path",
        ":scheme",
        "x-forwarded-proto",
        "no header",
    ]);
    let text = select(vec![
        "a", "b", "ab", "a,b", "10", "GET", "http", "https", "é", "s0.test", "/a",
    ]);
    let value = prop_oneof![
        2 => text.clone().prop_map(|text| json!({ "exact": text })),
        1 => text.clone().prop_map(|text| json!({ "prefix": text })),
        1 => text.prop_map(|text| json!({ "suffix": text })),
        1 => (-20..20_i64, 1..20_i64)
            .prop_map(|(start, length)| json!({ "range": { "start": start, "end": start + length } })),
        2 => select(vec!["a+", "a|ab", r"[+-]?\d+", ".*b", "(?i)A", "^$", "é", r"s\d\.test.*", "[^a]*"])
            .prop_map(|regex| json!({ "regex": regex })),
    ];
    let condition = (
        name,
        option::weighted(0.8, value),
        option::of(any::<bool>()),
    )
        .prop_map(|(name, value, invert)| {
            let mut condition = json!({ "name": name });
            if let Some(value) = value {
                condition["match"] = value;
            }
            if let Some(invert) = invert {
                condition["invert"] = json!(invert);
            }
            condition
        });
    option::weighted(0.35, vec(condition, 1..3)).prop_map(|all| all.map(Value::from))
}

/// The documents of a mesh with these services, which one node calls.
fn documents(endpoints: &Endpoints, services: &[Service], allow_all: bool) -> Vec<Value> {
    let filter = if allow_all { "ALLOW_ALL" } else { "DROP_ALL" };
    let mut documents = vec![json!({
        "meshName": "apps",
        "spec": { "egressFilter": { "type": filter } },
    })];
    let backends: Vec<Value> = (0..services.len())
        .map(|index| json!({ "virtualService": { "virtualServiceName": name(index) } }))
        .collect();
    documents.push(json!({
        "meshName": "apps",
        "virtualNodeName": "caller",
        "spec": {
            "backends": backends,
            "logging": { "accessLog": { "file": {
                "path": endpoints.log,
                "format": { "text": FORMAT },
            } } },
        },
    }));
    for (protocol, name) in nodes() {
        let mapping = json!({ "port": endpoints.port(protocol), "protocol": protocol });
        documents.push(json!({
            "meshName": "apps",
            "virtualNodeName": name,
            "spec": {
                "listeners": [{ "portMapping": mapping }],
                "serviceDiscovery": { "dns": { "hostname": format!("{name}.test") } },
            },
        }));
    }
    for (index, service) in services.iter().enumerate() {
        provide(endpoints, index, service, &mut documents);
    }
    documents
}

fn provide(endpoints: &Endpoints, index: usize, service: &Service, documents: &mut Vec<Value>) {
    let router = format!("r{index}");
    let provider = match &service.routes {
        None => {
            let node = format!("{}-{}", service.protocol, service.node);
            json!({ "virtualNode": { "virtualNodeName": node } })
        }
        Some(_) => json!({ "virtualRouter": { "virtualRouterName": router } }),
    };
    documents.push(json!({
        "meshName": "apps",
        "virtualServiceName": name(index),
        "spec": { "provider": provider },
    }));
    let Some(specs) = &service.routes else {
        return;
    };
    let mapping = json!({
        "port": port(endpoints, service, index),
        "protocol": service.protocol,
    });
    documents.push(json!({
        "meshName": "apps",
        "virtualRouterName": router,
        "spec": { "listeners": [{ "portMapping": mapping }] },
    }));
    for (number, spec) in specs.iter().enumerate() {
        documents.push(json!({
            "meshName": "apps",
            "virtualRouterName": router,
            "routeName": format!("{router}-{number}"),
            "spec": spec,
        }));
    }
}
