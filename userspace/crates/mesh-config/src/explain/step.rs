//! One hop of a request within the proxy: a listener, its virtual hosts, the route, its clusters.

use std::{sync::Arc, time::Duration};

use mesh_model::{
    resource::ProxyKind,
    snapshot::{
        Cluster, DownstreamTls, IngressPort, NextHop, RetryPolicy, Rewrite, Route, RouteMatch,
        RouteTable, Snapshot, WeightedCluster,
    },
};
use mesh_route::{Decision, RequestParts, VirtualHostTrial};
use serde::{Serialize, Serializer};

use super::Outcome;

/// One hop of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// `egress` or `ingress`.
    pub direction: &'static str,
    /// Envoy's name of the listener: `lds_egress_0.0.0.0_15001`.
    pub listener: String,
    /// The port by which its routes were found.
    pub port: u16,
    /// How the listener is encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<DownstreamTls>,
    /// Whether its routes are gateway routes.
    pub is_gateway: bool,
    /// Envoy's name of the listener's routes: `rds_egress_http_80`; absent: it speaks no HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_table: Option<String>,
    /// The Host that its routes see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The path that its routes see, normalised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The virtual service that answers, if one does; of ingress, the virtual host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virtual_service: Option<String>,
    /// The route that takes the request, if one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<TakenRoute>,
    /// Each virtual host and each of its routes, and why it won or lost.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<VirtualHostTrial>,
}

/// A route and what lies behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TakenRoute {
    /// The route's name.
    pub name: String,
    /// What it asks for; absent: it is TCP and takes every connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matches: Option<RouteMatch>,
    /// Milliseconds for the whole request; absent: no limit.
    #[serde(rename = "requestTimeoutMillis", serialize_with = "millis")]
    pub request_timeout: Option<Duration>,
    /// Milliseconds that the stream may be idle; absent: no limit.
    #[serde(rename = "idleTimeoutMillis", serialize_with = "millis")]
    pub idle_timeout: Option<Duration>,
    /// When it is tried again; absent: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetryPolicy>,
    /// Whether it goes to another target where its own fails.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub fails_over: bool,
    /// What it changes in the request.
    pub rewrite: Rewrite,
    /// The virtual service whose routes decide next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_hop: Option<NextHop>,
    /// Its targets.
    pub clusters: Vec<Share>,
}

/// A cluster and its share of a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Share {
    /// Its weight.
    pub weight: u32,
    /// The sum of all weights of the route.
    pub of: u32,
    /// What it is: discovery, limits, probes, TLS.
    #[serde(flatten)]
    pub cluster: Arc<Cluster>,
}

impl Step {
    /// What becomes of a connection or request whose route this is.
    pub(super) fn share_outcome(&self) -> Outcome {
        let clusters = self.route.iter().flat_map(|route| &route.clusters);
        if clusters.into_iter().any(|share| share.weight > 0) {
            Outcome::Routed
        } else {
            Outcome::NoShare
        }
    }
}

/// The way to the routes of a hop.
pub(super) struct Way<'a> {
    snapshot: &'a Snapshot,
    step: Step,
}

/// What the routes of a hop said.
pub(super) enum Chosen<'a> {
    NoRoute,
    NoVirtualHost,
    Route(&'a Route),
}

impl Chosen<'_> {
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::NoRoute => Outcome::NoRoute,
            Self::NoVirtualHost => Outcome::NoVirtualService,
            Self::Route(route) if route.targets.iter().any(|target| target.weight > 0) => {
                Outcome::Routed
            }
            Self::Route(_) => Outcome::NoShare,
        }
    }
}

impl<'a> Way<'a> {
    pub(super) fn egress(snapshot: &'a Snapshot, port: u16) -> Self {
        Self::new(snapshot, "egress", snapshot.egress_listener.clone(), port)
    }

    pub(super) fn ingress(snapshot: &'a Snapshot, number: u16, port: &IngressPort) -> Self {
        let mut way = Self::new(snapshot, "ingress", port.listener.clone(), number);
        way.step.tls.clone_from(&port.tls);
        way.step.is_gateway = snapshot.resource.kind == ProxyKind::VirtualGateway;
        way
    }

    fn new(snapshot: &'a Snapshot, direction: &'static str, listener: String, port: u16) -> Self {
        let step = Step {
            direction,
            listener,
            port,
            tls: None,
            is_gateway: false,
            route_table: None,
            host: None,
            path: None,
            virtual_service: None,
            route: None,
            tried: Vec::new(),
        };
        Self { snapshot, step }
    }

    /// Asks the routes of a table.
    pub(super) fn decide<'t>(
        mut self,
        table: &'t RouteTable,
        request: &RequestParts<'_>,
    ) -> (Step, Chosen<'t>) {
        let explanation = mesh_route::explain(table, request);
        self.step.route_table = Some(table.name.clone());
        self.step.host = Some(request.host.to_owned());
        self.step.path = Some(request.path.to_owned());
        self.step.tried = explanation.virtual_hosts;
        let chosen = match explanation.decision {
            Decision::NoVirtualHost => Chosen::NoVirtualHost,
            Decision::NoRoute { virtual_host } => {
                let host = &table.virtual_hosts[virtual_host];
                self.step.virtual_service = Some(host.name.clone());
                Chosen::NoRoute
            }
            Decision::Route {
                virtual_host,
                route,
            } => {
                let host = &table.virtual_hosts[virtual_host];
                let route = &host.routes[route];
                self.step.virtual_service = Some(host.name.clone());
                self.step.route = Some(TakenRoute {
                    name: route.name.clone(),
                    matches: Some(route.matches.clone()),
                    request_timeout: route.request_timeout,
                    idle_timeout: route.idle_timeout,
                    retry: route.retry.clone(),
                    fails_over: route.fails_over,
                    rewrite: route.rewrite.clone(),
                    next_hop: route.next_hop.clone(),
                    clusters: shares(self.snapshot, &route.targets),
                });
                Chosen::Route(route)
            }
        };
        (self.step, chosen)
    }

    /// The listener speaks no HTTP: it takes every connection.
    pub(super) fn take_connection(
        mut self,
        name: &str,
        targets: &[WeightedCluster],
        idle_timeout: Option<Duration>,
        fails_over: bool,
    ) -> Step {
        self.step.route = Some(TakenRoute {
            name: name.to_owned(),
            matches: None,
            request_timeout: None,
            idle_timeout,
            retry: None,
            fails_over,
            rewrite: Rewrite::default(),
            next_hop: None,
            clusters: shares(self.snapshot, targets),
        });
        self.step
    }
}

fn shares(snapshot: &Snapshot, targets: &[WeightedCluster]) -> Vec<Share> {
    let of = targets.iter().map(|target| target.weight).sum();
    let share = |target: &WeightedCluster| Share {
        weight: target.weight,
        of,
        cluster: Arc::clone(snapshot.cluster(target.cluster)),
    };
    targets.iter().map(share).collect()
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
