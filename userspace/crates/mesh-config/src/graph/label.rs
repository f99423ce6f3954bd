//! What the boxes of a picture say below their names.

use mesh_model::{
    snapshot::{PathMatch, Protocol, RouteMatch},
    spec::{
        discovery::ServiceDiscovery,
        gateway_route::{GatewayRouteSpec, HostnameMatch},
        listener::PortMapping,
        route::{RouteKind, RouteSpec},
        virtual_gateway::VirtualGatewaySpec,
        virtual_node::VirtualNodeSpec,
    },
};

use crate::resolve::matches;

pub(super) fn port(mapping: PortMapping) -> String {
    format!("{} {}", mapping.protocol.as_str(), mapping.port)
}

pub(super) fn gateway(gateway: &VirtualGatewaySpec) -> Vec<String> {
    let listeners = gateway.listeners.iter();
    listeners
        .map(|listener| {
            let mapping = listener.port_mapping;
            let protocol = Protocol::from(mapping.protocol);
            format!("{} {}", protocol.as_str(), mapping.port)
        })
        .collect()
}

pub(super) fn gateway_route(route: &GatewayRouteSpec) -> Vec<String> {
    let host = route.kind.hostname().map(|host| match host {
        HostnameMatch::Exact(host) => format!("host {}", host.as_str()),
        HostnameMatch::Suffix(ending) => format!("host ending {}", ending.as_str()),
    });
    let mut details: Vec<String> = host.into_iter().collect();
    details.push(takes(&matches::of_gateway(&route.kind)));
    details.extend(route.kind.port().map(|port| format!("port {port}")));
    details.extend(priority(route.priority.map(i64::from)));
    details
}

pub(super) fn route(route: &RouteSpec) -> Vec<String> {
    let takes = match &route.kind {
        RouteKind::GrpcRoute(grpc) => takes(&matches::of_grpc(&grpc.matches)),
        RouteKind::Http2Route(http) | RouteKind::HttpRoute(http) => {
            takes(&matches::of_http(&http.matches))
        }
        RouteKind::TcpRoute(_) => "every connection".to_owned(),
    };
    let mut details = vec![takes];
    details.extend(route.kind.port().map(|port| format!("port {port}")));
    details.extend(priority(route.priority.map(i64::from)));
    details
}

pub(super) fn node(node: &VirtualNodeSpec) -> Vec<String> {
    let listeners = node.listeners().iter();
    let ports = listeners.map(|listener| port(listener.port_mapping));
    let found = node.service_discovery.as_ref().map(|found| match found {
        ServiceDiscovery::AwsCloudMap(cloud_map) => format!(
            "Cloud Map {}.{}",
            cloud_map.service_name.as_str(),
            cloud_map.namespace_name.as_str()
        ),
        ServiceDiscovery::Dns(dns) => format!("DNS {}", dns.hostname.as_str()),
    });
    ports.chain(found).collect()
}

fn priority(priority: Option<i64>) -> Option<String> {
    priority.map(|priority| format!("priority {priority}"))
}

/// `prefix /colour, 2 headers`
fn takes(matches: &RouteMatch) -> String {
    let mut text = match &matches.path {
        PathMatch::Exact(path) => format!("path {path}"),
        PathMatch::Prefix(path) => format!("prefix {path}"),
        PathMatch::Regex(path) => format!("regex {path}"),
    };
    let conditions = [
        (usize::from(matches.method.is_some()), "method"),
        (usize::from(matches.scheme.is_some()), "scheme"),
        (matches.headers.len(), "header"),
        (matches.query_parameters.len(), "query parameter"),
    ];
    for (count, what) in conditions.into_iter().filter(|(count, _)| *count > 0) {
        let plural = if count == 1 { "" } else { "s" };
        text = format!("{text}, {count} {what}{plural}");
    }
    text
}
