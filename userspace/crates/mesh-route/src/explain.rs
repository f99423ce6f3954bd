//! The same decision with its reasons, for `ferromesh explain`.

mod mismatch;

use std::fmt;

use mesh_model::snapshot::{PathMatch, Route, RouteTable, VirtualHost};
use serde::Serialize;

pub use self::mismatch::Mismatch;
use crate::{
    condition::Conditions,
    host::{Closeness, closest, lower_case},
    request::RequestParts,
    table::Decision,
};

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
    /// Whether it has the request.
    pub outcome: HostOutcome,
    /// Its routes in the order in which they are tried; none where it does not have the request.
    pub routes: Vec<RouteTrial>,
}

/// Why a virtual host has a request or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum HostOutcome {
    /// This domain of it is the Host.
    Matches {
        /// Which.
        domain: String,
    },
    /// None of its domains is.
    OtherHost {
        /// What it answers.
        domains: Vec<String>,
    },
    /// One is, but another virtual host has that Host: more closely, or as close and earlier.
    Shadowed {
        /// Which.
        domain: String,
        /// The virtual host that has it.
        by: String,
        /// The domain by which that one has it.
        closer: String,
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
    /// Something that it asks for does not hold: every such thing.
    Mismatched {
        /// At least one.
        because: Vec<Mismatch>,
    },
    /// It takes the request.
    Taken,
}

impl fmt::Display for HostOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Matches { domain } => write!(f, "answers the Host as `{domain}`"),
            Self::OtherHost { domains } if domains.is_empty() => write!(f, "answers no Host"),
            Self::OtherHost { domains } => write!(f, "answers {} only", domains.join(", ")),
            Self::Shadowed { domain, by, closer } => write!(
                f,
                "would answer the Host as `{domain}`, but `{by}` has it as `{closer}`"
            ),
        }
    }
}

impl fmt::Display for RouteOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After { route } => write!(f, "would match, but `{route}` is tried first"),
            Self::Mismatched { because } => {
                for (index, mismatch) in because.iter().enumerate() {
                    let between = if index == 0 { "" } else { "; " };
                    write!(f, "{between}{mismatch}")?;
                }
                Ok(())
            }
            Self::Taken => write!(f, "takes the request"),
        }
    }
}

/// Decides for a request as [`crate::Table::decide`] does, and says why.
pub fn explain(table: &RouteTable, request: &RequestParts<'_>) -> Explanation {
    let host = lower_case(request.host);
    let chosen = chosen(&table.virtual_hosts, &host);
    let mut decision = Decision::NoVirtualHost;
    let mut trials = Vec::with_capacity(table.virtual_hosts.len());
    for (index, virtual_host) in table.virtual_hosts.iter().enumerate() {
        let (outcome, routes) = match (closest(virtual_host, &host), &chosen) {
            (Some((_, domain)), Some(chosen)) if chosen.index == index => {
                let (route, routes) = try_routes(virtual_host, request);
                decision = match route {
                    Some(route) => Decision::Route {
                        virtual_host: index,
                        route,
                    },
                    None => Decision::NoRoute {
                        virtual_host: index,
                    },
                };
                let domain = domain.to_owned();
                (HostOutcome::Matches { domain }, routes)
            }
            (Some((_, domain)), Some(chosen)) => {
                let outcome = HostOutcome::Shadowed {
                    domain: domain.to_owned(),
                    by: chosen.name.to_owned(),
                    closer: chosen.domain.to_owned(),
                };
                (outcome, Vec::new())
            }
            (_, _) => {
                let domains = virtual_host.domains.clone();
                (HostOutcome::OtherHost { domains }, Vec::new())
            }
        };
        trials.push(VirtualHostTrial {
            name: virtual_host.name.clone(),
            outcome,
            routes,
        });
    }
    Explanation {
        decision,
        virtual_hosts: trials,
    }
}

/// The virtual host that has a request.
struct Chosen<'a> {
    index: usize,
    name: &'a str,
    /// By which it has the request.
    domain: &'a str,
}

/// The virtual host that answers a Host the closest; the first, where several do.
fn chosen<'a>(virtual_hosts: &'a [VirtualHost], host: &str) -> Option<Chosen<'a>> {
    let mut best: Option<(Closeness, Chosen<'_>)> = None;
    for (index, virtual_host) in virtual_hosts.iter().enumerate() {
        let Some((closeness, domain)) = closest(virtual_host, host) else {
            continue;
        };
        if best.as_ref().is_none_or(|(other, _)| closeness > *other) {
            let name = &virtual_host.name;
            let chosen = Chosen {
                index,
                name,
                domain,
            };
            best = Some((closeness, chosen));
        }
    }
    best.map(|(_, chosen)| chosen)
}

fn try_routes(
    virtual_host: &VirtualHost,
    request: &RequestParts<'_>,
) -> (Option<usize>, Vec<RouteTrial>) {
    let mut taken: Option<usize> = None;
    let mut trials = Vec::with_capacity(virtual_host.routes.len());
    for (index, route) in virtual_host.routes.iter().enumerate() {
        let because = mismatches(route, request);
        let outcome = match taken {
            _ if !because.is_empty() => RouteOutcome::Mismatched { because },
            Some(earlier) => RouteOutcome::After {
                route: virtual_host.routes[earlier].name.clone(),
            },
            None => {
                taken = Some(index);
                RouteOutcome::Taken
            }
        };
        trials.push(RouteTrial {
            name: route.name.clone(),
            outcome,
        });
    }
    (taken, trials)
}

/// All that keeps a route from taking a request.
fn mismatches(route: &Route, request: &RequestParts<'_>) -> Vec<Mismatch> {
    let asks = &route.matches.path;
    let path_fits = match asks {
        PathMatch::Exact(path) => request.path == path,
        PathMatch::Prefix(prefix) => request.path.starts_with(prefix.as_str()),
        PathMatch::Regex(expression) => expression.is_match(request.path.as_bytes()),
    };
    let on_path = (!path_fits).then(|| Mismatch::Path {
        asks: asks.clone(),
        path: request.path.to_owned(),
    });
    let mut found: Vec<Mismatch> = on_path.into_iter().collect();
    found.extend(Conditions::compile(&route.matches).mismatches(request));
    found
}

#[cfg(test)]
mod tests;
