//! `MeshOptions`

use mesh_model::{
    snapshot::{Balancing, ZonePolicy},
    spec::{
        duration::Duration,
        mesh_options::{
            Failover, MeshOptionsSpec, ProviderTimeout, RetryBudget, RouteOptions,
            VirtualNodeOptions, VirtualServiceOptions,
        },
    },
};

use super::{Read, cursor::At, object, words};
use crate::problem::Rule;

impl Read for MeshOptionsSpec {
    fn read(at: &At<'_>) -> Option<Self> {
        let object = at.object(&["meshName", "virtualServices", "virtualNodes", "routes"])?;
        let mesh_name = object.optional("meshName");
        let virtual_services: Option<Option<Vec<_>>> = object.optional("virtualServices");
        let virtual_nodes: Option<Option<Vec<_>>> = object.optional("virtualNodes");
        let routes: Option<Option<Vec<_>>> = object.optional("routes");
        Some(Self {
            mesh_name: mesh_name?,
            virtual_services: virtual_services?.unwrap_or_default(),
            virtual_nodes: virtual_nodes?.unwrap_or_default(),
            routes: routes?.unwrap_or_default(),
        })
    }
}

object!(VirtualServiceOptions {
    virtual_service_name: required "virtualServiceName",
    timeout: optional "timeout",
});
object!(ProviderTimeout {
    idle: optional "idle",
    per_request: optional "perRequest",
    per_try: optional "perTry",
});
object!(VirtualNodeOptions {
    virtual_node_name: required "virtualNodeName",
    connect_timeout: optional "connectTimeout",
    balancing: optional "balancing",
    retry_budget: optional "retryBudget",
    zone_aware: optional "zoneAware",
} then node_rules);
object!(RetryBudget {
    budget_percent: optional "budgetPercent",
    min_retry_concurrency: optional "minRetryConcurrency",
});
object!(RouteOptions {
    virtual_router_name: required "virtualRouterName",
    route_name: required "routeName",
    failover: optional "failover",
});
words!(Failover { OtherTargets "OTHER_TARGETS" });
words!(Balancing { RoundRobin "ROUND_ROBIN", LeastRequest "LEAST_REQUEST" });
words!(ZonePolicy { EvenLoad "EVEN_LOAD", SameZone "SAME_ZONE" });

fn node_rules(node: &VirtualNodeOptions, at: &At<'_>) -> bool {
    let is_endless = |given: Duration| std::time::Duration::from(given).is_zero();
    if node.connect_timeout.is_some_and(is_endless) {
        at.with_member("connectTimeout", |at| {
            at.problem(
                Rule::Value,
                "0 is not allowed: a connect takes some time, and ends",
                "write a longer time, or leave it out for 1 s",
            );
        });
        return false;
    }
    true
}
