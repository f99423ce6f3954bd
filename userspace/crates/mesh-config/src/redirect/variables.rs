//! The route manager's variables, read one by one; what cannot be used is noted with its place.

use std::{collections::BTreeSet, net::IpAddr, ops::RangeInclusive};

use ipnet::IpNet;
use mesh_model::redirect::{ALWAYS_IGNORED_PORT, RedirectRules};

use crate::{
    Environment,
    problem::{Place, Problem, Rule},
};

pub(super) const APP_PORTS: &str = "APPMESH_APP_PORTS";
pub(super) const EGRESS_PORT: &str = "APPMESH_ENVOY_EGRESS_PORT";
pub(super) const INGRESS_PORT: &str = "APPMESH_ENVOY_INGRESS_PORT";
pub(super) const IGNORED_PORTS: &str = "APPMESH_EGRESS_IGNORED_PORTS";
pub(super) const IGNORED_IPS: &str = "APPMESH_EGRESS_IGNORED_IP";
pub(super) const IGNORED_UID: &str = "APPMESH_IGNORE_UID";
pub(super) const IGNORED_GID: &str = "APPMESH_IGNORE_GID";
pub(super) const ENABLE_IPV6: &str = "APPMESH_ENABLE_IPV6";
pub(super) const START_ENABLED: &str = "APPMESH_START_ENABLED";

/// All that the route manager reads (guide, `envoy-networking.sh`).
pub(super) const NAMES: [&str; 9] = [
    APP_PORTS,
    EGRESS_PORT,
    INGRESS_PORT,
    IGNORED_PORTS,
    IGNORED_IPS,
    IGNORED_UID,
    IGNORED_GID,
    ENABLE_IPV6,
    START_ENABLED,
];

pub(super) struct Variables<'a> {
    environment: &'a Environment,
    /// Where a variable has its value.
    place: &'a dyn Fn(&str) -> Place,
    pub(super) problems: Vec<Problem>,
}

impl<'a> Variables<'a> {
    pub(super) fn new(environment: &'a Environment, place: &'a dyn Fn(&str) -> Place) -> Self {
        Self {
            environment,
            place,
            problems: Vec::new(),
        }
    }

    /// The rules that come of them.
    pub(super) fn rules(&mut self, listeners: impl FnOnce() -> BTreeSet<u16>) -> RedirectRules {
        let defaults = RedirectRules::default();
        let ignored_ports = self.ports(IGNORED_PORTS).into_iter().flatten();
        let (egress_port, ingress_port) = self.proxy_ports();
        let rules = RedirectRules {
            enabled: self.switch(START_ENABLED).unwrap_or(defaults.enabled),
            ipv6: self.switch(ENABLE_IPV6).unwrap_or(defaults.ipv6),
            ignored_uid: self.id(IGNORED_UID),
            ignored_gid: self.id(IGNORED_GID),
            ignored_ports: ignored_ports.chain([ALWAYS_IGNORED_PORT]).collect(),
            ignored_networks: self
                .networks(IGNORED_IPS)
                .unwrap_or(defaults.ignored_networks),
            app_ports: self.app_ports().unwrap_or_else(listeners),
            egress_port,
            ingress_port,
            on_proxy_down: defaults.on_proxy_down,
        };
        self.ports_apart(&rules);
        rules
    }

    /// The ports of the egress and of the ingress listener.
    pub(super) fn proxy_ports(&mut self) -> (u16, u16) {
        let defaults = RedirectRules::default();
        (
            self.port(EGRESS_PORT).unwrap_or(defaults.egress_port),
            self.port(INGRESS_PORT).unwrap_or(defaults.ingress_port),
        )
    }

    /// The application's ports, where they are given.
    pub(super) fn app_ports(&mut self) -> Option<BTreeSet<u16>> {
        self.ports(APP_PORTS)
    }

    fn value(&self, name: &str) -> Option<&'a str> {
        self.environment
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }

    fn refuse(&mut self, name: &str, value: &str, message: String, mend: &str) {
        self.problems.push(Problem {
            place: (self.place)(name),
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
        let port = port(value);
        if port.is_none() {
            let message = format!("`{value}` is not allowed: {PORT_RULE}");
            self.refuse(name, value, message, "write a port");
        }
        port
    }

    /// One port, or the first and the last of a range.
    fn range(&mut self, name: &str, item: &str) -> Option<RangeInclusive<u16>> {
        let Some((first, last)) = item.split_once(['-', ':']) else {
            return self.one_port(name, item).map(|port| port..=port);
        };
        let (first, last) = (first.trim(), last.trim());
        match (port(first), port(last)) {
            (Some(first), Some(last)) if first <= last && !item.contains(':') => {
                return Some(first..=last);
            }
            (Some(lower), Some(higher)) => {
                let (message, [lower, higher]) = if lower > higher {
                    ("the range ends before it begins", [higher, lower])
                } else {
                    ("a range is written with a hyphen", [lower, higher])
                };
                let message = format!("`{item}` is not allowed: {message}");
                self.refuse(name, item, message, &format!("write {lower}-{higher}"));
            }
            _ => {
                let message = format!("`{item}` is not allowed: {PORT_RULE}");
                self.refuse(name, item, message, "write a range as 1000-2000");
            }
        }
        None
    }

    fn ports(&mut self, name: &str) -> Option<BTreeSet<u16>> {
        let list = self.value(name)?;
        let ranges = items(list).filter_map(|item| self.range(name, item));
        Some(ranges.flatten().collect())
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
                    "give the proxy another port, as its egress or its ingress port",
                );
            }
        }
    }
}

/// What a port is.
const PORT_RULE: &str = "a port is a whole number from 1 to 65535";

fn port(value: &str) -> Option<u16> {
    value.parse().ok().filter(|port| *port != 0)
}

fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
}
