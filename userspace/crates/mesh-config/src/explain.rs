//! Which route a request would get from a snapshot, and why not the others.
//!
//! Host, path and conditions are matched by `mesh-route`, which the data path asks too; this module
//! adds the way to it by port, the second hop of a gateway, and what lies behind a route.

mod render;
mod request;
mod step;

use mesh_model::{
    resource::ProxyKind,
    snapshot::{
        EgressFilter, EgressPort, HostRewrite, NextHop, PathMatch, PathRewrite, Route, Snapshot,
        TcpRoute, WeightedCluster,
    },
};
use serde::Serialize;

pub use self::{
    request::Request,
    step::{Share, Step, TakenRoute},
};
use self::{
    request::Seen,
    step::{Chosen, Way},
};

/// A request that cannot be explained.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExplainError {
    /// A header that no request can have.
    #[error("`{name}: {value}` is no header of a request; write NAME:VALUE in one line")]
    Header {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
    /// A method that no request can have.
    #[error("`{method}` is no method of a request; write GET, POST or another word")]
    Method {
        /// As it was given.
        method: String,
    },
    /// A URL without a host, or of another scheme than `http` and `https`.
    #[error("`{url}` is no URL of a request; write http://HOST[:PORT][/PATH]")]
    Url {
        /// As it was given.
        url: String,
    },
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
    /// What becomes of the request.
    pub outcome: Outcome,
    /// The hops within the proxy: one, or for a gateway the gateway route and then the virtual
    /// service's route. None where no listener takes the request.
    pub steps: Vec<Step>,
    /// The ports on which the resource listens, where this is none of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub listeners: Vec<u16>,
    /// The virtual services of other ports, where none of this one answers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<Elsewhere>,
    /// The TCP services of this port, where the address tells them apart.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by_address: Vec<String>,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// To where the application dialled, whatever the egress filter and the services of the port: its
    /// TLS is towards an endpoint of AWS.
    AwsEndpoint,
    /// 400: the path holds an escaped NUL.
    BadPath,
    /// It is the address that decides, which the host of the URL does not tell: that of a TCP service
    /// of this port leads there, any other as the egress filter says.
    ByAddress,
    /// The connection is closed: nothing of the mesh is on this port, and the filter is
    /// `DROP_ALL`.
    Closed,
    /// 404 with an empty body: no route takes `CONNECT`.
    NoConnect,
    /// 404 with an empty body: no gateway route has this Host.
    NoGatewayRoute,
    /// The proxy does not see it: the resource has no listener on this port.
    NoListener,
    /// 404 with an empty body: the virtual host has no route for it.
    NoRoute,
    /// 404 with an empty body: an empty `x-forwarded-proto` leaves it without a scheme.
    NoScheme,
    /// 503: every target of the route has weight 0.
    NoShare,
    /// 404 with an empty body: no virtual service has this Host, and the filter is `DROP_ALL`.
    NoVirtualService,
    /// To where the application dialled: the filter is `ALLOW_ALL`.
    PassedThrough,
    /// To one of the route's clusters.
    Routed,
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

impl Explanation {
    /// The hop that decided last, if any hop took the request.
    pub fn last(&self) -> Option<&Step> {
        self.steps.last()
    }
}

/// Explains a request of the snapshot's workload. Requests to a gateway are ingress whatever the
/// request says: a gateway has no application that would make one.
///
/// # Errors
/// The URL, the method or a header is none.
pub fn explain(snapshot: &Snapshot, request: &Request) -> Result<Explanation, ExplainError> {
    let seen = Seen::of(request)?;
    let mut explanation = Explanation {
        method: request.method.clone(),
        url: seen.url.clone(),
        port: seen.port,
        outcome: Outcome::BadPath,
        steps: Vec::new(),
        listeners: Vec::new(),
        elsewhere: Vec::new(),
        by_address: Vec::new(),
    };
    let is_gateway = snapshot.resource.kind == ProxyKind::VirtualGateway;
    if request.ingress || is_gateway {
        explanation.enter(snapshot, &seen);
    } else {
        explanation.leave(snapshot, &seen);
    }
    Ok(explanation)
}

impl Explanation {
    /// What the application calls.
    fn leave(&mut self, snapshot: &Snapshot, seen: &Seen) {
        if snapshot.aws_endpoints.is_some() && seen.calls_aws() && !is_named(snapshot, seen) {
            self.outcome = Outcome::AwsEndpoint;
            return;
        }
        let unmatched = match snapshot.egress_filter {
            EgressFilter::AllowAll => Outcome::PassedThrough,
            EgressFilter::DropAll => Outcome::Closed,
        };
        self.outcome = match snapshot.egress.get(&seen.port) {
            Some(EgressPort::Http(table)) => match seen.path() {
                Err(refused) => refused,
                Ok(path) => {
                    let way = Way::egress(snapshot, seen.port);
                    let (step, chosen) = way.decide(table, &seen.parts(&path));
                    self.steps.push(step);
                    match (chosen, snapshot.egress_filter) {
                        (Chosen::NoVirtualHost, EgressFilter::DropAll) => Outcome::NoVirtualService,
                        (Chosen::NoVirtualHost, EgressFilter::AllowAll) => Outcome::PassedThrough,
                        (chosen, _) => chosen.outcome(),
                    }
                }
            },
            Some(EgressPort::Tcp(route)) => self.take_by(snapshot, seen, route),
            Some(EgressPort::TcpByAddress(services)) => {
                self.by_address = services.iter().map(|route| route.name.clone()).collect();
                let named = |route: &&TcpRoute| route.name.eq_ignore_ascii_case(&seen.dialled);
                match services.iter().find(named) {
                    Some(route) => self.take_by(snapshot, seen, route),
                    None => Outcome::ByAddress,
                }
            }
            None => unmatched,
        };
        let is_unanswered = |step: &Step| step.virtual_service.is_none();
        if self.outcome != Outcome::ByAddress && self.last().is_none_or(is_unanswered) {
            self.elsewhere = elsewhere(snapshot, seen.port);
        }
    }

    /// A TCP service takes the connection.
    fn take_by(&mut self, snapshot: &Snapshot, seen: &Seen, route: &TcpRoute) -> Outcome {
        let way = Way::egress(snapshot, seen.port);
        let mut step = way.take_connection(
            &route.name,
            &route.targets,
            route.idle_timeout,
            route.fails_over,
        );
        step.virtual_service = Some(route.name.clone());
        let outcome = step.share_outcome();
        self.steps.push(step);
        outcome
    }

    /// What comes to a listener of the resource.
    fn enter(&mut self, snapshot: &Snapshot, seen: &Seen) {
        let Some(port) = snapshot.ingress.get(&seen.port) else {
            self.outcome = Outcome::NoListener;
            self.listeners = snapshot.ingress.keys().copied().collect();
            return;
        };
        let way = Way::ingress(snapshot, seen.port, port);
        let Some(table) = &port.routes else {
            let target = WeightedCluster {
                cluster: port.cluster,
                weight: 1,
            };
            let step = way.take_connection(&port.listener, &[target], port.idle_timeout, false);
            self.outcome = step.share_outcome();
            self.steps.push(step);
            return;
        };
        let path = match seen.path() {
            Ok(path) => path,
            Err(refused) => {
                self.outcome = refused;
                return;
            }
        };
        let (step, chosen) = way.decide(table, &seen.parts(&path));
        self.steps.push(step);
        self.outcome = match chosen {
            Chosen::NoVirtualHost => Outcome::NoGatewayRoute,
            Chosen::Route(route) => match &route.next_hop {
                Some(hop) => self.go_on(snapshot, seen, (route, hop), &path),
                None => chosen.outcome(),
            },
            Chosen::NoRoute => chosen.outcome(),
        };
    }

    /// The second hop of a gateway, through its own egress: as the first one rewrote the request,
    /// which is read anew there.
    fn go_on(
        &mut self,
        snapshot: &Snapshot,
        seen: &Seen,
        (route, hop): (&Route, &NextHop),
        path: &str,
    ) -> Outcome {
        let Some(EgressPort::Http(table)) = snapshot.egress.get(&hop.port) else {
            return Outcome::NoVirtualService;
        };
        let path = rewritten(route, path);
        let Ok(path) = mesh_route::normalise(&path) else {
            return Outcome::BadPath;
        };
        let seen = match &route.rewrite.host {
            Some(HostRewrite::To(host)) => seen.clone().with_host(host),
            Some(HostRewrite::KeptBeside(service)) => seen.clone().with_virtual_service(service),
            None => seen.clone(),
        };
        let way = Way::egress(snapshot, hop.port);
        let (mut step, chosen) = way.decide(table, &seen.parts(&path));
        // A virtual host that goes by the header answers for every service.
        if step.virtual_service.is_some() {
            step.virtual_service = Some(hop.virtual_service.clone());
        }
        self.steps.push(step);
        chosen.outcome()
    }
}

/// Whether the address that is dialled is told to be that of a TCP service of the port.
fn is_named(snapshot: &Snapshot, seen: &Seen) -> bool {
    match snapshot.egress.get(&seen.port) {
        Some(EgressPort::TcpByAddress(services)) => services
            .iter()
            .any(|route| route.name.eq_ignore_ascii_case(&seen.dialled)),
        Some(EgressPort::Http(_) | EgressPort::Tcp(_)) | None => false,
    }
}

/// The path behind a gateway route.
fn rewritten(route: &Route, path: &str) -> String {
    match (&route.rewrite.path, &route.matches.path) {
        (Some(PathRewrite::Prefix(new)), PathMatch::Prefix(old)) => {
            format!("{new}{}", path.strip_prefix(old.as_str()).unwrap_or(path))
        }
        (Some(PathRewrite::Prefix(new) | PathRewrite::Whole(new)), _) => new.clone(),
        (None, _) => path.to_owned(),
    }
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
            tcp => tcp
                .tcp_services()
                .iter()
                .map(|route| route.name.as_str())
                .collect(),
        };
        found.extend(names.into_iter().map(|name| Elsewhere {
            virtual_service: name.to_owned(),
            port: *port,
        }));
    }
    found
}

#[cfg(test)]
mod tests;
