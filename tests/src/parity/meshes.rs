//! The documents that the cases run under. Virtual nodes and their addresses are made here, so that which of
//! them was reached tells which route was taken.

pub(super) mod routes;

use serde_json::{Value, json};

use super::case::{Case, Mesh, Own, Presence, Protocol, Target};

/// The last parts of the addresses of the host of services: of what is dialled, of the services that are
/// one case's own, and of the first virtual node.
pub(super) const DIALLED: u8 = 100;
const OWN: u8 = 99;
const FIRST_NODE: u8 = 101;
/// A case's own service listens on this port and its number.
pub(super) const OWN_PORTS: u16 = 20_000;
/// A port of no service.
pub(super) const UNKNOWN_PORT: u16 = 7777;
/// The port of AWS endpoints.
pub(super) const HTTPS: u16 = 443;
/// The name of the broadcast address, to which no TCP goes.
pub(super) const UNREACHABLE: &str = "everybody";
/// A port at which nobody listens.
const CLOSED_PORT: u16 = 9;

/// What the access log says in the mesh [`Mesh::Web`], by field.
pub(super) const LOG_FIELDS: [(&str, &str); 16] = [
    ("case", "%REQ(X-CASE)%"),
    ("dialled", "%DOWNSTREAM_LOCAL_ADDRESS%"),
    ("status", "%RESPONSE_CODE%"),
    ("flags", "%RESPONSE_FLAGS%"),
    ("details", "%RESPONSE_CODE_DETAILS%"),
    ("received", "%BYTES_RECEIVED%"),
    ("sent", "%BYTES_SENT%"),
    ("protocol", "%PROTOCOL%"),
    ("method", "%REQ(:METHOD)%"),
    ("path", "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"),
    ("authority", "%REQ(:AUTHORITY)%"),
    ("cluster", "%UPSTREAM_CLUSTER%"),
    ("upstream", "%UPSTREAM_HOST%"),
    ("grpc", "%GRPC_STATUS%"),
    ("type", "%RESP(CONTENT-TYPE)%"),
    ("trailer", "%TRAILER(GRPC-STATUS)%"),
];

/// The address of the virtual node with this number.
pub(super) fn node_address(number: usize) -> String {
    format!("192.0.2.{}", usize::from(FIRST_NODE) + number)
}

/// The documents of a mesh with its access log in a file.
pub(super) fn documents(mesh: Mesh, cases: &[&Case], log: &str) -> Vec<Value> {
    let filter = if mesh == Mesh::Open {
        "ALLOW_ALL"
    } else {
        "DROP_ALL"
    };
    let mut written = Documents::default();
    written
        .all
        .push(json!({ "meshName": "apps", "spec": { "egressFilter": { "type": filter } } }));
    match mesh {
        Mesh::Web | Mesh::Open => written.services(),
        Mesh::Routes => written.routes(),
        Mesh::Https => written.shared(Protocol::Http, HTTPS),
        Mesh::Tls => written.shared(Protocol::Tcp, HTTPS),
    }
    for case in cases {
        if let Target::Own(own) = &case.target {
            written.own(case.id, own);
        }
    }
    written.client(mesh, log);
    written.all
}

/// The names that the name server has to know, each with the last part of its address.
pub(super) fn names() -> Vec<(String, u8)> {
    let nodes = routes::nodes().max(Protocol::ALL.len());
    let nodes = (0..nodes).filter_map(|number| {
        let last = u8::try_from(usize::from(FIRST_NODE) + number).ok()?;
        Some((format!("n{number}"), last))
    });
    nodes.chain([("own".to_owned(), OWN)]).collect()
}

/// The ports at which services listen.
pub(super) fn ports(cases: &[Case]) -> Vec<u16> {
    let protocols = Protocol::ALL.into_iter();
    let shared = protocols.flat_map(|protocol| [protocol.service_port(), protocol.node_port()]);
    let own = cases.iter().filter_map(|case| match &case.target {
        Target::Own(_) => Some(own_port(case.id)),
        _ => None,
    });
    shared.chain([UNKNOWN_PORT, HTTPS]).chain(own).collect()
}

/// The port at which a case's own service listens.
pub(super) fn own_port(id: usize) -> u16 {
    OWN_PORTS + u16::try_from(id).expect("there are not so many cases")
}

#[derive(Debug, Default)]
struct Documents {
    all: Vec<Value>,
    backends: Vec<Value>,
}

impl Documents {
    /// A virtual service of each protocol.
    fn services(&mut self) {
        for protocol in Protocol::ALL {
            self.shared(protocol, protocol.service_port());
        }
    }

    /// A virtual service of a protocol, on a port.
    fn shared(&mut self, protocol: Protocol, port: u16) {
        let name = format!("{}.apps.local", protocol.word());
        let node = format!("n{}", protocol as usize);
        self.node(&node, &node, protocol, protocol.node_port());
        self.service(&name, protocol, port);
        let mut route = target(&node);
        if protocol != Protocol::Tcp {
            route["match"] = match protocol {
                Protocol::Grpc => json!({}),
                _ => json!({ "prefix": "/" }),
            };
        }
        self.route(&name, "all", protocol, route, None);
    }

    /// The services whose routes are what is tried.
    fn routes(&mut self) {
        let mut number = 0;
        for service in routes::services() {
            let name = format!("{}.apps.local", service.name);
            self.service(&name, service.protocol, service.protocol.service_port());
            for (index, route) in service.routes.into_iter().enumerate() {
                let mut spec = route.spec;
                let mut targets = Vec::new();
                for weight in &route.weights {
                    let node = format!("n{number}");
                    number += 1;
                    self.node(&node, &node, service.protocol, service.protocol.node_port());
                    targets.push(json!({ "virtualNode": node, "weight": weight }));
                }
                spec["action"] = json!({ "weightedTargets": targets });
                let route_name = format!("r{index}");
                self.route(&name, &route_name, service.protocol, spec, route.priority);
            }
        }
    }

    /// The service of a case.
    fn own(&mut self, id: usize, own: &Own) {
        let (name, node) = (format!("c{id}.apps.local"), format!("own{id}"));
        let (host, port) = match own.presence {
            Presence::There => ("own", own_port(id)),
            Presence::Refuses => ("own", CLOSED_PORT),
            Presence::Unknown => ("nowhere", own_port(id)),
            Presence::Unreachable => (UNREACHABLE, own_port(id)),
        };
        self.node(&node, host, own.protocol, port);
        let service_port = match own.protocol {
            Protocol::Tcp => own_port(id),
            other => other.service_port(),
        };
        self.service(&name, own.protocol, service_port);
        let mut route = target(&node);
        if own.protocol != Protocol::Tcp {
            route["match"] = match own.protocol {
                Protocol::Grpc => json!({}),
                _ => json!({ "prefix": "/" }),
            };
        }
        let milliseconds = |value: u64| json!({ "value": value, "unit": "ms" });
        let mut timeout = serde_json::Map::new();
        timeout.extend(
            own.per_request
                .map(|value| ("perRequest".to_owned(), milliseconds(value))),
        );
        timeout.extend(
            own.idle
                .map(|value| ("idle".to_owned(), milliseconds(value))),
        );
        if !timeout.is_empty() {
            route["timeout"] = Value::Object(timeout);
        }
        self.route(&name, "all", own.protocol, route, None);
    }

    fn node(&mut self, name: &str, host: &str, protocol: Protocol, port: u16) {
        self.all.push(json!({
            "meshName": "apps",
            "virtualNodeName": name,
            "spec": {
                "listeners": [mapping(port, protocol)],
                "serviceDiscovery": { "dns": { "hostname": format!("{host}.apps.local") } },
            },
        }));
    }

    /// A virtual service and its router.
    fn service(&mut self, name: &str, protocol: Protocol, port: u16) {
        let router = router(name);
        self.all.push(json!({
            "meshName": "apps",
            "virtualRouterName": router,
            "spec": { "listeners": [mapping(port, protocol)] },
        }));
        self.all.push(json!({
            "meshName": "apps",
            "virtualServiceName": name,
            "spec": { "provider": { "virtualRouter": { "virtualRouterName": router } } },
        }));
        self.backends
            .push(json!({ "virtualService": { "virtualServiceName": name } }));
    }

    fn route(
        &mut self,
        service: &str,
        name: &str,
        protocol: Protocol,
        spec: Value,
        priority: Option<u32>,
    ) {
        let mut whole = serde_json::Map::new();
        whole.extend(priority.map(|priority| ("priority".to_owned(), json!(priority))));
        whole.insert(format!("{}Route", protocol.word()), spec);
        self.all.push(json!({
            "meshName": "apps",
            "virtualRouterName": router(service),
            "routeName": name,
            "spec": whole,
        }));
    }

    /// The node of the application that calls and is called.
    fn client(&mut self, mesh: Mesh, log: &str) {
        let listeners: Vec<Value> = listeners(mesh)
            .iter()
            .map(|protocol| mapping(protocol.listener_port(), *protocol))
            .collect();
        let mut file = json!({ "path": log });
        match mesh {
            Mesh::Web | Mesh::Https | Mesh::Tls => file["format"] = json!({ "text": log_line() }),
            Mesh::Open => file["format"] = json!({ "json": log_members() }),
            Mesh::Routes => {}
        }
        self.all.push(json!({
            "meshName": "apps",
            "virtualNodeName": "client",
            "spec": {
                "listeners": listeners,
                "serviceDiscovery": { "dns": { "hostname": "client.apps.local" } },
                "backends": self.backends,
                "logging": { "accessLog": { "file": file } },
            },
        }));
    }
}

/// What the application of a mesh listens for.
pub(super) fn listeners(mesh: Mesh) -> &'static [Protocol] {
    match mesh {
        Mesh::Web => &[Protocol::Http],
        Mesh::Open => &Protocol::ALL,
        Mesh::Routes | Mesh::Https | Mesh::Tls => &[],
    }
}

fn router(service: &str) -> String {
    service.split('.').next().unwrap_or(service).to_owned()
}

fn mapping(port: u16, protocol: Protocol) -> Value {
    json!({ "portMapping": { "port": port, "protocol": protocol.word() } })
}

fn target(node: &str) -> Value {
    json!({ "action": { "weightedTargets": [{ "virtualNode": node, "weight": 1 }] } })
}

/// The line of the log in text: each field behind its name, with what no value holds between them.
fn log_line() -> String {
    let fields = LOG_FIELDS.map(|(name, operator)| format!("{name}={operator}"));
    format!("{}\n", fields.join("\u{b6}"))
}

fn log_members() -> Vec<Value> {
    let members = LOG_FIELDS.iter();
    members
        .map(|(name, operator)| json!({ "key": name, "value": operator }))
        .collect()
}
