//! Which route a request would get from a snapshot, and why not the others.
//!
//! Host and path are matched by `mesh-route`, which the data path asks too; this module adds the
//! way to it by port and what lies behind a route.

mod render;

use std::time::Duration;

use http::{Uri, uri::Scheme};
use mesh_model::snapshot::{
    Discovery, DnsResponse, EgressFilter, EgressPort, PathMatch, Protocol, RouteTable, Snapshot,
    TcpRoute, WeightedCluster,
};
use mesh_route::{Decision, VirtualHostTrial};
use serde::{Serialize, Serializer};

/// A request as the application would make it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`
    pub method: String,
    /// `http://serviceb.apps.local/colour`; the scheme is `http` and the port the scheme's unless
    /// given.
    pub url: String,
    /// Lower-case names; a `host` here stands in for the URL's.
    pub headers: Vec<(String, String)>,
}

/// A URL that cannot be explained.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{url}` is no URL of a request; write http://HOST[:PORT][/PATH]")]
pub struct InvalidUrl {
    url: String,
}

/// The decision over one request, for people by [`std::fmt::Display`] and for machines by serde.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// `GET`
    pub method: String,
    /// The request's URL as it was understood.
    pub url: String,
    /// The destination port, by which the listener is found.
    pub port: u16,
    /// The Host that the proxy would see.
    pub host: String,
    /// Envoy's name of the listener's routes: `rds_egress_http_80`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_table: Option<String>,
    /// What becomes of the request.
    pub outcome: Outcome,
    /// The virtual service that answers, if one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virtual_service: Option<String>,
    /// The route that takes it, if one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<TakenRoute>,
    /// Each virtual service of the port and each of its routes, and why it won or lost.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<VirtualHostTrial>,
    /// The virtual services of other ports, where none of this one answers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<Elsewhere>,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The connection is closed: nothing of the mesh is on this port, and the filter is
    /// `DROP_ALL`.
    Closed,
    /// 404 with an empty body: no virtual service has this Host, and the filter is `DROP_ALL`.
    NoVirtualService,
    /// 404 with an empty body: the virtual service has no route for it.
    NoRoute,
    /// 503: every target of the route has weight 0.
    NoShare,
    /// To where the application dialled: the filter is `ALLOW_ALL`.
    PassedThrough,
    /// To one of the route's clusters.
    Routed,
}

/// A route and what lies behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TakenRoute {
    /// The route's name.
    pub name: String,
    /// The beginning of the path that it asks for; absent: it is TCP and takes every connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Milliseconds for the whole request; absent: no limit.
    #[serde(rename = "requestTimeoutMillis", serialize_with = "millis")]
    pub request_timeout: Option<Duration>,
    /// Milliseconds that the stream may be idle; absent: no limit.
    #[serde(rename = "idleTimeoutMillis", serialize_with = "millis")]
    pub idle_timeout: Option<Duration>,
    /// Its targets.
    pub clusters: Vec<Share>,
}

/// A cluster and its share of a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Share {
    /// Envoy's name of the cluster.
    pub cluster: String,
    /// Its weight.
    pub weight: u32,
    /// The sum of all weights of the route.
    pub of: u32,
    /// What is spoken to it.
    pub protocol: Protocol,
    /// How its addresses are found.
    pub discovery: Discovery,
}

/// A virtual service on another port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Elsewhere {
    /// Its name.
    pub virtual_service: String,
    /// The port on which it answers.
    pub port: u16,
}

/// Explains a request of the snapshot's workload.
///
/// # Errors
/// The URL has no host, or a scheme other than `http` and `https`.
pub fn explain(snapshot: &Snapshot, request: &Request) -> Result<Explanation, InvalidUrl> {
    let url = Url::parse(request)?;
    let mut explanation = Explanation {
        method: request.method.clone(),
        url: url.text,
        port: url.port,
        host: url.host,
        route_table: None,
        outcome: match snapshot.egress_filter {
            EgressFilter::AllowAll => Outcome::PassedThrough,
            EgressFilter::DropAll => Outcome::Closed,
        },
        virtual_service: None,
        route: None,
        tried: Vec::new(),
        elsewhere: Vec::new(),
    };
    match snapshot.egress.get(&url.port) {
        Some(EgressPort::Http(table)) => explanation.decide(snapshot, table, &url.path),
        Some(EgressPort::Tcp(route)) => explanation.take_connection(snapshot, route),
        None => {}
    }
    if explanation.virtual_service.is_none() {
        explanation.elsewhere = elsewhere(snapshot, url.port);
    }
    Ok(explanation)
}

impl Explanation {
    fn decide(&mut self, snapshot: &Snapshot, table: &RouteTable, path: &str) {
        let mesh_route::Explanation {
            decision,
            virtual_hosts,
        } = mesh_route::explain(table, &self.host, path);
        self.route_table = Some(table.name.clone());
        self.tried = virtual_hosts;
        match decision {
            Decision::NoVirtualHost => {
                if snapshot.egress_filter == EgressFilter::DropAll {
                    self.outcome = Outcome::NoVirtualService;
                }
            }
            Decision::NoRoute { virtual_host } => {
                self.outcome = Outcome::NoRoute;
                self.virtual_service = Some(table.virtual_hosts[virtual_host].name.clone());
            }
            Decision::Route {
                virtual_host,
                route,
            } => {
                let virtual_host = &table.virtual_hosts[virtual_host];
                let route = &virtual_host.routes[route];
                let (PathMatch::Prefix(prefix)
                | PathMatch::Exact(prefix)
                | PathMatch::Regex(prefix)) = &route.matches.path;
                self.virtual_service = Some(virtual_host.name.clone());
                self.take(TakenRoute {
                    name: route.name.clone(),
                    prefix: Some(prefix.clone()),
                    request_timeout: route.request_timeout,
                    idle_timeout: route.idle_timeout,
                    clusters: shares(snapshot, &route.targets),
                });
            }
        }
    }

    fn take_connection(&mut self, snapshot: &Snapshot, route: &TcpRoute) {
        self.virtual_service = Some(route.name.clone());
        self.take(TakenRoute {
            name: route.name.clone(),
            prefix: None,
            request_timeout: None,
            idle_timeout: route.idle_timeout,
            clusters: shares(snapshot, &route.targets),
        });
    }

    fn take(&mut self, route: TakenRoute) {
        let any_share = route.clusters.iter().any(|share| share.weight > 0);
        self.outcome = if any_share {
            Outcome::Routed
        } else {
            Outcome::NoShare
        };
        self.route = Some(route);
    }
}

fn shares(snapshot: &Snapshot, targets: &[WeightedCluster]) -> Vec<Share> {
    let of = targets.iter().map(|target| target.weight).sum();
    let share = |target: &WeightedCluster| {
        let cluster = snapshot.cluster(target.cluster);
        Share {
            cluster: cluster.name.clone(),
            weight: target.weight,
            of,
            protocol: cluster.protocol,
            discovery: cluster.discovery.clone(),
        }
    };
    targets.iter().map(share).collect()
}

fn elsewhere(snapshot: &Snapshot, but_not: u16) -> Vec<Elsewhere> {
    let mut found = Vec::new();
    for (port, answers) in snapshot.egress.iter().filter(|(port, _)| **port != but_not) {
        let names: Vec<&str> = match answers {
            EgressPort::Http(table) => table
                .virtual_hosts
                .iter()
                .map(|host| host.name.as_str())
                .collect(),
            EgressPort::Tcp(route) => vec![&route.name],
        };
        found.extend(names.into_iter().map(|name| Elsewhere {
            virtual_service: name.to_owned(),
            port: *port,
        }));
    }
    found
}

struct Url {
    text: String,
    port: u16,
    host: String,
    path: String,
}

impl Url {
    fn parse(request: &Request) -> Result<Self, InvalidUrl> {
        let invalid = || InvalidUrl {
            url: request.url.clone(),
        };
        let text = if request.url.contains("://") {
            request.url.clone()
        } else {
            format!("http://{}", request.url)
        };
        let uri: Uri = text.parse().map_err(|_| invalid())?;
        let authority = uri.authority().ok_or_else(invalid)?;
        let default = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => 80,
            Some(scheme) if *scheme == Scheme::HTTPS => 443,
            _ => return Err(invalid()),
        };
        if authority.host().is_empty() {
            return Err(invalid());
        }
        // `Authority::port` is silent about a port that is none.
        let place = authority.as_str().rsplit('@').next().unwrap_or_default();
        let port = match place.strip_prefix(authority.host()) {
            Some("") | None => default,
            Some(port) => port
                .trim_start_matches(':')
                .parse()
                .map_err(|_| invalid())?,
        };
        // Clients leave the scheme's own port out of the Host (RFC 9110, 4.2.3).
        let host = if port == default {
            authority.host().to_owned()
        } else {
            format!("{}:{port}", authority.host())
        };
        let given = request
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("host"));
        Ok(Self {
            port,
            host: given.map_or(host, |(_, value)| value.clone()),
            path: uri.path().to_owned(),
            text,
        })
    }
}

#[expect(
    clippy::ref_option,
    reason = "serde calls it with a reference to the field"
)]
fn millis<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    duration
        .map(|duration| duration.as_millis())
        .serialize(serializer)
}

/// How a sentence calls the way to a cluster's addresses.
fn discovery_text(discovery: &Discovery) -> String {
    match discovery {
        Discovery::Dns {
            hostname,
            port,
            response,
            ..
        } => {
            let response = match response {
                DnsResponse::LoadBalancer => "first address",
                DnsResponse::Endpoints => "every address",
            };
            format!("{hostname}:{port} by DNS, {response}")
        }
        Discovery::CloudMap {
            namespace, service, ..
        } => format!("{service} of {namespace} by AWS Cloud Map"),
        Discovery::Static(addresses) => {
            let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            addresses.join(", ")
        }
        Discovery::OriginalDestination => "where the application dialled".to_owned(),
    }
}

#[cfg(test)]
mod tests;
