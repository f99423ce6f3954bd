//! The mesh of a service of four hosts: the same servers by each protocol and each way of discovery.

use anyhow::Result;
use serde_json::{Value, json};

use crate::{documents::Documents, faults::Protocol};

/// The virtual node that calls.
pub(super) const CALLER: &str = "caller";
/// The virtual node that each host is to its own proxy.
pub(super) const UPSTREAM: &str = "upstream";
/// The name of all hosts.
pub(super) const HOSTS_NAME: &str = "upstream";

/// One of the services that the hosts are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Service {
    pub(super) protocol: Protocol,
    /// Whether its hosts are in the file of instances; else DNS has them.
    pub(super) is_listed: bool,
}

impl Service {
    /// All of them.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let of = |protocol| {
            [false, true].map(|is_listed| Self {
                protocol,
                is_listed,
            })
        };
        Protocol::ALL.into_iter().flat_map(of)
    }

    /// Its virtual node, and before a dot its host name.
    pub(super) fn name(self) -> String {
        let discovery = if self.is_listed { "listed" } else { "dns" };
        format!("{}-{discovery}", self.protocol)
    }

    pub(super) fn port(self) -> u16 {
        self.protocol.port()
    }

    /// As the caller's proxy calls it.
    pub(super) fn cluster(self) -> String {
        let (name, protocol, port) = (self.name(), self.protocol, self.port());
        format!("cds_egress_apps_{name}_{protocol}_{port}")
    }
}

/// Writes all of it.
pub(super) fn write(documents: &Documents) -> Result<()> {
    let write = |name: &str, document| documents.write_of_apps(name, document);
    write(
        "mesh",
        json!({ "spec": { "egressFilter": { "type": "DROP_ALL" } } }),
    )?;
    let mut backends = Vec::new();
    for service in Service::all() {
        let name = service.name();
        backends.push(json!({ "virtualService": { "virtualServiceName": name } }));
        write(&format!("node-{name}"), node(&name, &[service.protocol]))?;
        let provider = json!({ "virtualNode": { "virtualNodeName": name } });
        let service = json!({
            "virtualServiceName": name,
            "spec": { "provider": provider },
        });
        write(&format!("service-{name}"), service)?;
    }
    write("node-upstream", node(UPSTREAM, &Protocol::ALL))?;
    let caller = json!({ "virtualNodeName": CALLER, "spec": { "backends": backends } });
    write("node-caller", caller)
}

fn node(name: &str, protocols: &[Protocol]) -> Value {
    let listeners = protocols.iter().map(|protocol| {
        json!({ "portMapping": { "port": protocol.port(), "protocol": protocol.word() } })
    });
    let listeners: Vec<Value> = listeners.collect();
    json!({
        "virtualNodeName": name,
        "spec": {
            "listeners": listeners,
            "serviceDiscovery": { "dns": {
                "hostname": format!("{HOSTS_NAME}.apps.local"),
                "responseType": "ENDPOINTS",
            } },
        },
    })
}
