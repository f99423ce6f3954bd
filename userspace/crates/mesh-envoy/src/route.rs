//! Route configurations: virtual hosts, and where their routes lead.

mod matches;

use mesh_model::snapshot::{
    DEFAULT_IDLE_TIMEOUT, HostRewrite, PathRewrite, Route, RouteTable, Snapshot, TcpRoute,
    VIRTUAL_SERVICE_HEADER, VirtualHost, WeightedCluster,
};
use serde_json::{Map, Value, json};

use crate::{
    policy,
    value::{set, timeout},
};

/// A route configuration. `otherwise` takes the Hosts that no virtual host has.
pub(crate) fn configuration(
    snapshot: &Snapshot,
    table: &RouteTable,
    otherwise: Option<&str>,
) -> Value {
    let hosts = table.virtual_hosts.iter();
    let taken = table
        .virtual_hosts
        .iter()
        .any(|host| host.domains.iter().any(|domain| domain == "*"));
    let hosts = hosts.map(|host| virtual_host(snapshot, host));
    let rest = otherwise.filter(|_| !taken).map(pass_through);
    let hosts: Vec<Value> = hosts.chain(rest).collect();
    json!({ "name": table.name, "virtual_hosts": hosts })
}

/// The virtual host of the Hosts that no virtual service has, under `ALLOW_ALL`.
fn pass_through(cluster: &str) -> Value {
    json!({
        "name": "mesh-allow-all",
        "domains": ["*"],
        "routes": [{ "match": { "prefix": "/" }, "route": { "cluster": cluster } }],
    })
}

fn virtual_host(snapshot: &Snapshot, host: &VirtualHost) -> Value {
    let routes: Vec<Value> = host.routes.iter().map(|of| route(snapshot, of)).collect();
    json!({ "name": host.name, "domains": host.domains, "routes": routes })
}

fn route(snapshot: &Snapshot, of: &Route) -> Value {
    let mut route = json!({ "match": matches::matches(&of.matches) });
    let Some(mut action) = targets(snapshot, &of.targets, 0) else {
        // Every share is 0, or no target is there: Envoy refuses such a route.
        set(&mut route, "direct_response", json!({ "status": 503 }));
        return route;
    };
    action.insert("timeout".to_owned(), timeout(of.request_timeout));
    // The default is Envoy's own.
    if of.idle_timeout != Some(DEFAULT_IDLE_TIMEOUT) {
        action.insert("idle_timeout".to_owned(), timeout(of.idle_timeout));
    }
    let mut action = Value::Object(action);
    set(
        &mut action,
        "retry_policy",
        of.retry.as_ref().and_then(policy::retries),
    );
    match &of.rewrite.path {
        // Of a route by a whole path or an expression, all of the path is what it matched.
        Some(PathRewrite::Prefix(to) | PathRewrite::Whole(to)) => {
            set(&mut action, "prefix_rewrite", json!(to));
        }
        None => {}
    }
    let mut header = None;
    match &of.rewrite.host {
        Some(HostRewrite::To(host)) => set(&mut action, "host_rewrite_literal", json!(host)),
        Some(HostRewrite::KeptBeside(service)) => {
            header = Some(json!([{
                "header": { "key": VIRTUAL_SERVICE_HEADER, "value": service },
            }]));
        }
        None => {}
    }
    set(&mut route, "route", action);
    set(&mut route, "request_headers_to_add", header);
    // App Mesh took the header out of the response, where it never is.
    let by_header = of.matches.headers.iter();
    if by_header
        .clone()
        .any(|of| of.name == VIRTUAL_SERVICE_HEADER)
    {
        set(
            &mut route,
            "response_headers_to_remove",
            json!([VIRTUAL_SERVICE_HEADER]),
        );
    }
    route
}

/// Where opaque bytes lead; none where they lead nowhere.
pub(crate) fn tcp(snapshot: &Snapshot, route: &TcpRoute) -> Option<Map<String, Value>> {
    // Envoy takes no share of 0 here, and App Mesh left such targets out.
    let mut leads_to = targets(snapshot, &route.targets, 1)?;
    leads_to.insert("idle_timeout".to_owned(), timeout(route.idle_timeout));
    Some(leads_to)
}

/// One cluster, or several by their shares; none where the shares add up to nothing.
fn targets(
    snapshot: &Snapshot,
    targets: &[WeightedCluster],
    least: u32,
) -> Option<Map<String, Value>> {
    let targets = targets.iter().filter(|target| target.weight >= least);
    let targets: Vec<&WeightedCluster> = targets.collect();
    if targets.iter().all(|target| target.weight == 0) {
        return None;
    }
    let name = |target: &WeightedCluster| snapshot.cluster(target.cluster).name.clone();
    let (member, value) = if let [only] = targets[..] {
        ("cluster", name(only).into())
    } else {
        let clusters: Vec<Value> = targets
            .into_iter()
            .map(|target| json!({ "name": name(target), "weight": target.weight }))
            .collect();
        ("weighted_clusters", json!({ "clusters": clusters }))
    };
    Some([(member.to_owned(), value)].into_iter().collect())
}
