//! The same decision with its reasons, for `ferromesh explain`.

use std::fmt;

use mesh_model::snapshot::{PathMatch, RouteTable, VirtualHost};
use serde::Serialize;

use crate::table::{Decision, lower_case};

/// How a request was decided and what became of each virtual host and route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// What the data path does.
    pub decision: Decision,
    /// Every virtual host of the table, in its order.
    pub virtual_hosts: Vec<VirtualHostTrial>,
}

/// One virtual host and why it has the request or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VirtualHostTrial {
    /// The virtual host's name.
    pub name: String,
    /// Whether its domains hold the Host.
    pub outcome: HostOutcome,
    /// Its routes in the order in which they are tried; none where it does not have the request.
    pub routes: Vec<RouteTrial>,
}

/// Whether a virtual host's domains hold the Host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum HostOutcome {
    /// This domain does.
    Matches {
        /// Which.
        domain: String,
    },
    /// They do not.
    OtherHost {
        /// What it answers.
        domains: Vec<String>,
    },
    /// They do, but another virtual host has that Host: it names it earlier, or by more than `*`.
    Shadowed {
        /// The virtual host that has it.
        by: String,
    },
}

/// One route and why it takes the request or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteTrial {
    /// The route's name.
    pub name: String,
    /// Why.
    pub outcome: RouteOutcome,
}

/// Why a route takes a request or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum RouteOutcome {
    /// It would, but a route that is tried earlier has it.
    After {
        /// That route.
        route: String,
    },
    /// The path does not begin with its prefix.
    OtherPath {
        /// The prefix.
        prefix: String,
    },
    /// It takes the request.
    Taken,
}

impl fmt::Display for HostOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Matches { domain } => write!(f, "answers the Host as `{domain}`"),
            Self::OtherHost { domains } => write!(f, "answers {} only", domains.join(", ")),
            Self::Shadowed { by } => write!(f, "would answer, but `{by}` has this Host"),
        }
    }
}

impl fmt::Display for RouteOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After { route } => write!(f, "would match, but `{route}` is tried first"),
            Self::OtherPath { prefix } => write!(f, "the path does not begin with `{prefix}`"),
            Self::Taken => write!(f, "takes the request"),
        }
    }
}

/// Decides for a request as [`crate::Table::decide`] does, and says why.
pub fn explain(table: &RouteTable, host: &str, path: &str) -> Explanation {
    let host = lower_case(host);
    let hosts = &table.virtual_hosts;
    let chosen = hosts
        .iter()
        .position(|virtual_host| domain_of(virtual_host, &host).is_some())
        .or_else(|| hosts.iter().position(answers_all));
    let mut decision = Decision::NoVirtualHost;
    let virtual_hosts = hosts
        .iter()
        .enumerate()
        .map(|(index, virtual_host)| {
            let (outcome, routes) = if chosen == Some(index) {
                let (route, trials) = try_routes(virtual_host, path);
                decision = match route {
                    Some(route) => Decision::Route {
                        virtual_host: index,
                        route,
                    },
                    None => Decision::NoRoute {
                        virtual_host: index,
                    },
                };
                let domain = domain_of(virtual_host, &host).unwrap_or("*").to_owned();
                (HostOutcome::Matches { domain }, trials)
            } else {
                (
                    not_chosen(virtual_host, &host, chosen.map(|i| &hosts[i])),
                    Vec::new(),
                )
            };
            VirtualHostTrial {
                name: virtual_host.name.clone(),
                outcome,
                routes,
            }
        })
        .collect();
    Explanation {
        decision,
        virtual_hosts,
    }
}

fn not_chosen(virtual_host: &VirtualHost, host: &str, chosen: Option<&VirtualHost>) -> HostOutcome {
    let answers = domain_of(virtual_host, host).is_some() || answers_all(virtual_host);
    match chosen {
        Some(chosen) if answers => HostOutcome::Shadowed {
            by: chosen.name.clone(),
        },
        _ => HostOutcome::OtherHost {
            domains: virtual_host.domains.clone(),
        },
    }
}

fn try_routes(virtual_host: &VirtualHost, path: &str) -> (Option<usize>, Vec<RouteTrial>) {
    let mut taken: Option<usize> = None;
    let trials = virtual_host
        .routes
        .iter()
        .enumerate()
        .map(|(index, route)| {
            let (PathMatch::Prefix(prefix) | PathMatch::Exact(prefix) | PathMatch::Regex(prefix)) =
                &route.matches.path;
            let outcome = match taken {
                _ if !path.starts_with(prefix.as_str()) => RouteOutcome::OtherPath {
                    prefix: prefix.clone(),
                },
                Some(earlier) => RouteOutcome::After {
                    route: virtual_host.routes[earlier].name.clone(),
                },
                None => {
                    taken = Some(index);
                    RouteOutcome::Taken
                }
            };
            RouteTrial {
                name: route.name.clone(),
                outcome,
            }
        })
        .collect();
    (taken, trials)
}

/// The domain, other than `*`, by which a virtual host answers a Host in lower case.
fn domain_of<'a>(virtual_host: &'a VirtualHost, host: &str) -> Option<&'a str> {
    virtual_host
        .domains
        .iter()
        .map(String::as_str)
        .find(|domain| *domain != "*" && domain.eq_ignore_ascii_case(host))
}

fn answers_all(virtual_host: &VirtualHost) -> bool {
    virtual_host.domains.iter().any(|domain| domain == "*")
}

#[cfg(test)]
mod tests;
