//! The mesh: for each fault, policy and protocol a service whose four endpoints are three good ones and one
//! that has the fault.

use anyhow::Result;
use serde_json::{Value, json};

use crate::{documents::Documents, faults::Protocol};

/// The virtual node that calls.
pub(super) const CALLER: &str = "caller";

/// What is wrong with the one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Slow,
    Stalled,
    Resetting,
    HalfDead,
}

impl Fault {
    pub(super) const ALL: [Self; 4] = [Self::Slow, Self::Stalled, Self::Resetting, Self::HalfDead];

    /// The name of its endpoints, and what the bad one calls itself.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Slow => "slow",
            Self::Stalled => "stalled",
            Self::Resetting => "resetting",
            Self::HalfDead => "half-dead",
        }
    }

    /// As the server is told.
    pub(super) fn manner(self) -> &'static str {
        match self {
            Self::Slow => "slow=400",
            other => other.word(),
        }
    }
}

/// What is there to keep clients from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    Nothing,
    Retries,
    Checks,
    Outliers,
}

impl Policy {
    const ALL: [Self; 4] = [Self::Nothing, Self::Retries, Self::Checks, Self::Outliers];

    fn word(self) -> &'static str {
        match self {
            Self::Nothing => "plain",
            Self::Retries => "retries",
            Self::Checks => "checks",
            Self::Outliers => "outliers",
        }
    }
}

/// One of the services.
#[derive(Clone, Copy, Debug)]
pub(super) struct Service {
    pub(super) protocol: Protocol,
    fault: Fault,
    policy: Policy,
}

impl Service {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let of_protocol = |protocol| {
            let of_fault = move |fault| {
                Policy::ALL.map(|policy| Self {
                    protocol,
                    fault,
                    policy,
                })
            };
            Fault::ALL.into_iter().flat_map(of_fault)
        };
        Protocol::ALL.into_iter().flat_map(of_protocol)
    }

    /// Its virtual service, node, router and route.
    pub(super) fn name(self) -> String {
        let (fault, policy) = (self.fault.word(), self.policy.word());
        format!("{fault}-{policy}-{}", self.protocol)
    }

    /// Whether a quarter of its requests is to meet the bad endpoint, and their clients with them.
    pub(super) fn meets_its_fault(self) -> bool {
        self.policy == Policy::Nothing
    }

    fn node(self) -> Value {
        let protocol = self.protocol.word();
        let mapping = json!({ "port": self.protocol.port(), "protocol": protocol });
        let mut listener = json!({ "portMapping": mapping });
        match self.policy {
            Policy::Nothing | Policy::Retries => {}
            Policy::Checks => {
                listener["healthCheck"] = json!({
                    "protocol": protocol,
                    "path": "/",
                    "healthyThreshold": 2,
                    "unhealthyThreshold": 2,
                    "intervalMillis": 5000,
                    "timeoutMillis": 2000,
                });
            }
            Policy::Outliers => {
                listener["outlierDetection"] = json!({
                    "maxServerErrors": 5,
                    "maxEjectionPercent": 50,
                    "interval": { "value": 1, "unit": "s" },
                    "baseEjectionDuration": { "value": 30, "unit": "s" },
                });
            }
        }
        json!({
            "virtualNodeName": self.name(),
            "spec": {
                "listeners": [listener],
                "serviceDiscovery": { "dns": {
                    "hostname": format!("{}.apps.local", self.fault.word()),
                    "responseType": "ENDPOINTS",
                } },
            },
        })
    }

    fn route(self) -> Value {
        let mut route = json!({
            "match": { "prefix": "/" },
            "action": { "weightedTargets": [{ "virtualNode": self.name(), "weight": 1 }] },
            "timeout": { "perRequest": { "value": 1000, "unit": "ms" } },
        });
        if self.policy == Policy::Retries {
            route["retryPolicy"] = json!({
                "maxRetries": 2,
                "perRetryTimeout": { "value": 200, "unit": "ms" },
                "httpRetryEvents": ["server-error", "gateway-error", "stream-error"],
                "tcpRetryEvents": ["connection-error"],
            });
        }
        let name = self.name();
        let kind = format!("{}Route", self.protocol);
        json!({ "virtualRouterName": name, "routeName": name, "spec": { kind: route } })
    }
}

/// Writes all of it.
pub(super) fn write(documents: &Documents) -> Result<()> {
    let write = |name: &str, document| documents.write_of_apps(name, document);
    let filter = json!({ "egressFilter": { "type": "DROP_ALL" } });
    write("mesh", json!({ "spec": filter }))?;
    let mut backends = Vec::new();
    for service in Service::all() {
        let name = service.name();
        backends.push(json!({ "virtualService": { "virtualServiceName": name } }));
        write(&format!("node-{name}"), service.node())?;
        write(&format!("route-{name}"), service.route())?;
        let (port, protocol) = (service.protocol.port(), service.protocol.word());
        let mapping = json!({ "portMapping": { "port": port, "protocol": protocol } });
        let router = json!({ "virtualRouterName": name, "spec": { "listeners": [mapping] } });
        write(&format!("router-{name}"), router)?;
        let provider = json!({ "virtualRouter": { "virtualRouterName": name } });
        let spec = json!({ "provider": provider });
        let service = json!({ "virtualServiceName": name, "spec": spec });
        write(&format!("service-{name}"), service)?;
    }
    let spec = json!({ "backends": backends });
    write(
        "node-caller",
        json!({ "virtualNodeName": CALLER, "spec": spec }),
    )
}
