//! `MeshOptions`: what the documents of App Mesh have no field for. The kind is Ferromesh's own.

use serde::Serialize;

use super::{Name, Number, Text, duration::Duration};
use crate::snapshot::{Balancing, ZonePolicy};

/// What holds for resources of one mesh besides what their own documents say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MeshOptionsSpec {
    /// The mesh; none: the only one that there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mesh_name: Option<Name>,
    /// Of virtual services, each named once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub virtual_services: Vec<VirtualServiceOptions>,
    /// Of virtual nodes, each named once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub virtual_nodes: Vec<VirtualNodeOptions>,
    /// Of routes, each named once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<RouteOptions>,
}

/// What holds for whoever calls a virtual service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VirtualServiceOptions {
    /// Its name, a DNS name.
    pub virtual_service_name: Text<1, { usize::MAX }>,
    /// Its times, where a virtual node provides it: it has no route that could carry them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<ProviderTimeout>,
}

/// The times of a virtual service that a virtual node provides. A value of 0 disables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProviderTimeout {
    /// How long a stream or a connection may be idle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<Duration>,
    /// How long the whole request may take, its retries included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_request: Option<Duration>,
    /// How long each attempt may take, the first included, to the head of its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_try: Option<Duration>,
}

/// What holds for whoever calls a virtual node, directly or by a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VirtualNodeOptions {
    /// Its name.
    pub virtual_node_name: Name,
    /// How long a connect to one of its endpoints may take; at least 1 ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_timeout: Option<Duration>,
    /// How its endpoints share what comes to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balancing: Option<Balancing>,
    /// How many retries may be under way to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_budget: Option<RetryBudget>,
    /// What callers do for endpoints of their own availability zone; none: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone_aware: Option<ZonePolicy>,
}

/// How many retries may be under way, by what is under way (Envoy's `RetryBudget`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RetryBudget {
    /// Of the requests that have a connection or wait for one; 20 where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_percent: Option<Number<0, 100>>,
    /// As many may be under way however few requests are; 3 where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_retry_concurrency: Option<Number<0, 2_147_483_647>>,
}

/// What holds for the requests or connections of a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteOptions {
    /// The name of its router.
    pub virtual_router_name: Name,
    /// Its name.
    pub route_name: Name,
    /// Where they go whose target fails; none: nowhere else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failover: Option<Failover>,
}

/// Where what a target fails goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Failover {
    /// To the other targets of the route, by their weights.
    OtherTargets,
}
