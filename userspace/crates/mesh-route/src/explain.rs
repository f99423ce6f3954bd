//! The same decision with its reasons, for `ferromesh explain`.

mod mismatch;

use std::fmt;

use mesh_model::snapshot::{PathMatch, Route, RouteTable, VirtualHost};
use serde::Serialize;

pub use self::mismatch::Mismatch;
use crate::{
    condition::Conditions,
    pattern::{InvalidPattern, Pattern},
    request::RequestParts,
    table::{Decision, InvalidTable, lower_case},
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
    /// A gateway route leads to it, whatever the Host.
    Led,
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
    /// One is, but another virtual host has that Host: it names it earlier, or by more than `*`.
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
            Self::Led => write!(f, "is where the gateway route leads"),
            Self::Matches { domain } => write!(f, "answers the Host as `{domain}`"),
            Self::OtherHost { domains } if domains.is_empty() => write!(f, "answers no Host"),
            Self::OtherHost { domains } => write!(f, "answers {} only", domains.join(", ")),
            Self::Shadowed { by } => write!(f, "would answer, but `{by}` has this Host"),
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
///
/// # Errors
/// As [`crate::Table::compile`], for the virtual host that has the request.
pub fn explain(
    table: &RouteTable,
    request: &RequestParts<'_>,
) -> Result<Explanation, InvalidTable> {
    let host = lower_case(request.host);
    let hosts = &table.virtual_hosts;
    let chosen = hosts
        .iter()
        .position(|virtual_host| domain_of(virtual_host, &host).is_some())
        .or_else(|| hosts.iter().position(answers_all));
    explain_chosen(table, request, chosen, |virtual_host| {
        HostOutcome::Matches {
            domain: domain_of(virtual_host, &host).unwrap_or("*").to_owned(),
        }
    })
}

/// Decides for a request as [`crate::Table::decide_in`] does, and says why.
///
/// # Errors
/// As [`explain`].
pub fn explain_in(
    table: &RouteTable,
    virtual_host: usize,
    request: &RequestParts<'_>,
) -> Result<Explanation, InvalidTable> {
    explain_chosen(table, request, Some(virtual_host), |_| HostOutcome::Led)
}

fn explain_chosen(
    table: &RouteTable,
    request: &RequestParts<'_>,
    chosen: Option<usize>,
    how: impl Fn(&VirtualHost) -> HostOutcome,
) -> Result<Explanation, InvalidTable> {
    let hosts = &table.virtual_hosts;
    let host = lower_case(request.host);
    let mut decision = Decision::NoVirtualHost;
    let mut trials = Vec::with_capacity(hosts.len());
    for (index, virtual_host) in hosts.iter().enumerate() {
        let (outcome, routes) = if chosen == Some(index) {
            let (route, routes) = try_routes(virtual_host, request)?;
            decision = match route {
                Some(route) => Decision::Route {
                    virtual_host: index,
                    route,
                },
                None => Decision::NoRoute {
                    virtual_host: index,
                },
            };
            (how(virtual_host), routes)
        } else {
            let outcome = not_chosen(virtual_host, &host, chosen.map(|index| &hosts[index]));
            (outcome, Vec::new())
        };
        trials.push(VirtualHostTrial {
            name: virtual_host.name.clone(),
            outcome,
            routes,
        });
    }
    Ok(Explanation {
        decision,
        virtual_hosts: trials,
    })
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

fn try_routes(
    virtual_host: &VirtualHost,
    request: &RequestParts<'_>,
) -> Result<(Option<usize>, Vec<RouteTrial>), InvalidTable> {
    let mut taken: Option<usize> = None;
    let mut trials = Vec::with_capacity(virtual_host.routes.len());
    for (index, route) in virtual_host.routes.iter().enumerate() {
        let because = mismatches(route, request).map_err(|source| InvalidTable {
            virtual_host: virtual_host.name.clone(),
            route: route.name.clone(),
            source,
        })?;
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
    Ok((taken, trials))
}

/// All that keeps a route from taking a request.
fn mismatches(route: &Route, request: &RequestParts<'_>) -> Result<Vec<Mismatch>, InvalidPattern> {
    let asks = &route.matches.path;
    let path_fits = match asks {
        PathMatch::Exact(path) => request.path == path,
        PathMatch::Prefix(prefix) => request.path.starts_with(prefix.as_str()),
        PathMatch::Regex(expression) => Pattern::new(expression)?.is_match(request.path.as_bytes()),
    };
    let on_path = (!path_fits).then(|| Mismatch::Path {
        asks: asks.clone(),
        path: request.path.to_owned(),
    });
    let mut found: Vec<Mismatch> = on_path.into_iter().collect();
    found.extend(Conditions::compile(&route.matches)?.mismatches(request));
    Ok(found)
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
