//! The documents that the cases run under. Virtual nodes and their addresses are made here, so that which of
//! them was reached tells which route was taken.

mod log;
pub(super) mod names;
mod options;
mod parts;
pub(super) mod routes;
mod several;

use serde_json::{Map, Value, json};

pub(super) use self::log::{LOG_FIELDS, LogForm};
pub(super) use self::several::{endpoint_of, endpoints, names_of_late, names_of_several};
use self::{
    options::Options,
    parts::{judge, limited, listener_times, mapping, policy, router, target, times},
};
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
/// The name of an address that nobody has.
pub(super) const SILENT: &str = "nobody";
pub(super) const SILENT_ADDRESS: u8 = 98;
/// The times of the listeners in the mesh [`Mesh::Retries`], in milliseconds.
pub(super) const LISTENER_REQUEST: u64 = 2500;
pub(super) const LISTENER_IDLE: u64 = 5000;
/// The time of requests in the mesh [`Mesh::Drained`], in milliseconds: longer than the drain and what is
/// before it.
pub(super) const DRAINED_REQUEST: u64 = 120_000;
/// A port at which nobody listens.
const CLOSED_PORT: u16 = 9;

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
        Mesh::Names => written.names(),
        Mesh::Retries => written.shared(Protocol::Http, Protocol::Http.service_port()),
        Mesh::Pools | Mesh::Drained | Mesh::Late => {}
    }
    for case in cases {
        if let Target::Own(own) = &case.target {
            written.own(case.id, own);
        }
    }
    written.client(mesh, cases, log);
    let options = written.options.document();
    written.all.push(options);
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

/// Whether a case's own service is called at its own port: opaque bytes have no name, and without a
/// router a service answers where its node listens.
pub(super) fn has_own_port(own: &Own) -> bool {
    own.protocol == Protocol::Tcp || own.unrouted.is_some()
}

#[derive(Debug, Default)]
struct Documents {
    all: Vec<Value>,
    backends: Vec<Value>,
    options: Options,
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

    /// The services whose discovery is what is tried.
    fn names(&mut self) {
        let protocol = Protocol::Http;
        for service in names::services() {
            let mut dns = json!({ "hostname": service.hostname });
            for (member, word) in [
                ("responseType", service.response),
                ("ipPreference", service.preference),
            ] {
                if let Some(word) = word {
                    dns[member] = json!(word);
                }
            }
            self.all.push(json!({
                "meshName": "apps",
                "virtualNodeName": service.name,
                "spec": {
                    "listeners": [mapping(protocol.node_port(), protocol)],
                    "serviceDiscovery": { "dns": dns },
                },
            }));
            let name = format!("{}.apps.local", service.name);
            self.service(&name, protocol, protocol.service_port());
            let mut route = target(&service.name);
            route["match"] = json!({ "prefix": "/" });
            self.route(&name, "all", protocol, route, None);
        }
    }

    /// The service of a case.
    fn own(&mut self, id: usize, own: &Own) {
        let (name, node) = (format!("c{id}.apps.local"), format!("own{id}"));
        let (host, port) = match own.presence {
            Presence::There => ("own", own_port(id)),
            Presence::Refuses => ("own", CLOSED_PORT),
            Presence::Silent => (SILENT, own_port(id)),
            Presence::Unknown => ("nowhere", own_port(id)),
            Presence::Unreachable => (UNREACHABLE, own_port(id)),
        };
        self.node(&node, host, own.protocol, port);
        if let (Some(endpoints), Some(node)) = (own.endpoints, self.all.last_mut()) {
            judge(&mut node["spec"], &endpoints);
        }
        if let Some(budget) = own.budget {
            self.options.of_retries(&node, budget);
        }
        if let Some(unrouted) = own.unrouted {
            self.options.of_unrouted((&name, &node), own, unrouted);
            let provider = json!({ "virtualNode": { "virtualNodeName": node } });
            return self.provided(&name, &provider);
        }
        let service_port = if has_own_port(own) {
            own_port(id)
        } else {
            own.protocol.service_port()
        };
        self.service(&name, own.protocol, service_port);
        let mut route = target(&node);
        if own.protocol != Protocol::Tcp {
            route["match"] = match own.protocol {
                Protocol::Grpc => json!({}),
                _ => json!({ "prefix": "/" }),
            };
        }
        let timeout = times(own);
        if !timeout.is_empty() {
            route["timeout"] = Value::Object(timeout);
        }
        if let Some(retries) = own.retries {
            route["retryPolicy"] = policy(&retries);
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
        let provider = json!({ "virtualRouter": { "virtualRouterName": router } });
        self.provided(name, &provider);
    }

    /// A virtual service that the application calls.
    fn provided(&mut self, name: &str, provider: &Value) {
        self.all.push(json!({
            "meshName": "apps",
            "virtualServiceName": name,
            "spec": { "provider": provider },
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
        let mut whole = Map::new();
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
    fn client(&mut self, mesh: Mesh, cases: &[&Case], log: &str) {
        let mut listeners: Vec<Value> = listeners(mesh)
            .iter()
            .map(|protocol| {
                let mut listener = mapping(protocol.listener_port(), *protocol);
                if mesh == Mesh::Retries {
                    listener["timeout"] = json!({ protocol.word(): listener_times() });
                }
                listener
            })
            .collect();
        listeners.extend(cases.iter().filter_map(|case| match &case.target {
            Target::Pooled(pool) => Some(limited(case.id, pool)),
            _ => None,
        }));
        let mut file = json!({ "path": log });
        match LogForm::of(mesh) {
            LogForm::Text => file["format"] = json!({ "text": log::line() }),
            LogForm::Json => file["format"] = json!({ "json": log::members() }),
            LogForm::Default => {}
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
        Mesh::Retries => &[Protocol::Http, Protocol::Http2, Protocol::Grpc],
        Mesh::Drained => &[Protocol::Http2],
        Mesh::Routes | Mesh::Https | Mesh::Tls | Mesh::Names | Mesh::Pools | Mesh::Late => &[],
    }
}

/// The ports of the application's listeners that are one case's alone.
pub(super) fn pooled(cases: &[Case], mesh: Mesh) -> impl Iterator<Item = u16> {
    let pooled = cases.iter().filter(move |case| case.mesh == mesh);
    let pooled = pooled.filter(|case| matches!(case.target, Target::Pooled(_)));
    pooled.map(|case| own_port(case.id))
}
