//! The variables of App Mesh's route manager to redirection rules (guide, `envoy-networking.sh`).

use std::{collections::BTreeSet, net::IpAddr};

use ipnet::IpNet;
use mesh_model::{
    redirect::{ALWAYS_IGNORED_PORT, RedirectRules},
    snapshot::Snapshot,
};

use crate::{
    Environment,
    problem::{Place, Problem, Rule},
};

const APP_PORTS: &str = "APPMESH_APP_PORTS";
const EGRESS_PORT: &str = "APPMESH_ENVOY_EGRESS_PORT";
const INGRESS_PORT: &str = "APPMESH_ENVOY_INGRESS_PORT";

/// The redirection rules of a workload. `on_proxy_down` is left at its default: no variable of
/// App Mesh speaks of it.
///
/// A variable that is empty counts as unset, as in the script, but for the list of ignored
/// addresses, which an empty value empties. The script waits for its `enable` command unless
/// `APPMESH_START_ENABLED` is 1; a daemon has none to wait for and redirects unless it is 0.
///
/// # Errors
/// Every variable whose value cannot be used, with the mend.
pub fn redirect_rules(
    environment: &Environment,
    snapshot: &Snapshot,
) -> Result<RedirectRules, Vec<Problem>> {
    let mut variables = Variables {
        environment,
        problems: Vec::new(),
    };
    let defaults = RedirectRules::default();
    let rules = RedirectRules {
        enabled: variables
            .switch("APPMESH_START_ENABLED")
            .unwrap_or(defaults.enabled),
        ipv6: variables
            .switch("APPMESH_ENABLE_IPV6")
            .unwrap_or(defaults.ipv6),
        ignored_uid: variables.id("APPMESH_IGNORE_UID"),
        ignored_gid: variables.id("APPMESH_IGNORE_GID"),
        ignored_ports: variables
            .ports("APPMESH_EGRESS_IGNORED_PORTS")
            .into_iter()
            .flatten()
            .chain([ALWAYS_IGNORED_PORT])
            .collect(),
        ignored_networks: variables
            .networks("APPMESH_EGRESS_IGNORED_IP")
            .unwrap_or(defaults.ignored_networks),
        app_ports: variables
            .ports(APP_PORTS)
            .unwrap_or_else(|| snapshot.ingress.keys().copied().collect()),
        egress_port: variables.port(EGRESS_PORT).unwrap_or(defaults.egress_port),
        ingress_port: variables
            .port(INGRESS_PORT)
            .unwrap_or(defaults.ingress_port),
        on_proxy_down: defaults.on_proxy_down,
    };
    variables.ports_apart(&rules);
    if variables.problems.is_empty() {
        Ok(rules)
    } else {
        Err(variables.problems)
    }
}

/// The ports of the egress and of the ingress listener. A value that is none counts as unset here:
/// [`redirect_rules`] is what refuses it.
pub(crate) fn proxy_ports(environment: &Environment) -> (u16, u16) {
    let mut variables = Variables {
        environment,
        problems: Vec::new(),
    };
    let defaults = RedirectRules::default();
    (
        variables.port(EGRESS_PORT).unwrap_or(defaults.egress_port),
        variables
            .port(INGRESS_PORT)
            .unwrap_or(defaults.ingress_port),
    )
}

/// What a list of application ports means that does not fit the node's listeners.
pub(crate) fn surprises(
    environment: &Environment,
    listeners: impl Iterator<Item = u16>,
) -> Vec<String> {
    let mut variables = Variables {
        environment,
        problems: Vec::new(),
    };
    let Some(app_ports) = variables.ports(APP_PORTS) else {
        return Vec::new();
    };
    let listeners: BTreeSet<u16> = listeners.collect();
    let unheard = app_ports.difference(&listeners).map(|port| {
        format!("{APP_PORTS} has port {port}, which no listener has: connections to it are closed")
    });
    let passed_by = listeners.difference(&app_ports).map(|port| {
        format!("{APP_PORTS} leaves out the listener's port {port}: connections to it go direct")
    });
    unheard.chain(passed_by).collect()
}

struct Variables<'a> {
    environment: &'a Environment,
    problems: Vec<Problem>,
}

impl<'a> Variables<'a> {
    fn value(&self, name: &str) -> Option<&'a str> {
        self.environment
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }

    fn refuse(&mut self, name: &str, value: &str, message: String, mend: &str) {
        self.problems.push(Problem {
            place: Place {
                field: Some(name.to_owned()),
                ..Place::default()
            },
            rule: Rule::Variable,
            value: Some(value.to_owned()),
            message,
            mend: mend.to_owned(),
        });
    }

    fn switch(&mut self, name: &str) -> Option<bool> {
        match self.value(name)? {
            "0" => Some(false),
            "1" => Some(true),
            other => {
                let message = format!("`{other}` is not allowed: it is 0 or 1");
                self.refuse(name, other, message, "write 0 or 1");
                None
            }
        }
    }

    fn id(&mut self, name: &str) -> Option<u32> {
        let value = self.value(name)?;
        let id = value.parse().ok();
        if id.is_none() {
            let message = format!("`{value}` is not allowed: it is a number from 0 to 4294967295");
            self.refuse(name, value, message, "write the id as a number");
        }
        id
    }

    fn port(&mut self, name: &str) -> Option<u16> {
        let value = self.value(name)?;
        self.one_port(name, value)
    }

    fn one_port(&mut self, name: &str, value: &str) -> Option<u16> {
        let mend = if value.contains([':', '-']) {
            "ranges are not taken yet: write each port"
        } else {
            "write a port"
        };
        let rule = "a port is a whole number from 1 to 65535";
        let nonzero = value.parse().ok().filter(|port| *port != 0);
        if nonzero.is_none() {
            self.refuse(
                name,
                value,
                format!("`{value}` is not allowed: {rule}"),
                mend,
            );
        }
        nonzero
    }

    fn ports(&mut self, name: &str) -> Option<BTreeSet<u16>> {
        let list = self.value(name)?;
        Some(
            items(list)
                .filter_map(|item| self.one_port(name, item))
                .collect(),
        )
    }

    fn networks(&mut self, name: &str) -> Option<BTreeSet<IpNet>> {
        let list = self.environment.get(name)?;
        let networks = items(list).filter_map(|item| {
            let address = item.parse::<IpAddr>().map(IpNet::from);
            let network = address.or_else(|_| item.parse::<IpNet>()).ok();
            if network.is_none() {
                let message = format!(
                    "`{item}` is not allowed: an item is an address or a network as 10.0.0.0/8"
                );
                self.refuse(
                    name,
                    item,
                    message,
                    "write addresses and networks, separated by commas",
                );
            }
            network.map(|network| network.trunc())
        });
        Some(networks.collect())
    }

    /// The proxy's own ports must be its own.
    fn ports_apart(&mut self, rules: &RedirectRules) {
        if rules.egress_port == rules.ingress_port {
            let message = format!("{} is the ingress port too", rules.egress_port);
            self.refuse(
                EGRESS_PORT,
                &rules.egress_port.to_string(),
                message,
                "give the proxy two different ports",
            );
        }
        for port in [rules.egress_port, rules.ingress_port] {
            if rules.app_ports.contains(&port) {
                let message = format!("{port} is a port of the proxy itself");
                self.refuse(
                    APP_PORTS,
                    &port.to_string(),
                    message,
                    "give the proxy another port, by APPMESH_ENVOY_EGRESS_PORT or \
                     APPMESH_ENVOY_INGRESS_PORT",
                );
            }
        }
    }
}

fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests;
