//! Clusters: where a route leads, and how its endpoints are found.
//!
//! App Mesh told the endpoints of AWS Cloud Map by its own stream. Here a service without attributes
//! is asked for by the DNS name that a DNS namespace answers, with every address an endpoint; one
//! with attributes, which DNS cannot choose by, is read from a file.

use std::net::IpAddr;

use mesh_model::snapshot::{Balancing, Cluster, Discovery, DnsResponse, IpPreference, Snapshot};
use serde_json::{Value, json};

use crate::{
    host::Host,
    policy,
    tls::{self, SDS_CLUSTER},
    value::{duration, set, socket_address, typed},
};

/// Every cluster, by name.
pub(crate) fn clusters(snapshot: &Snapshot, host: &Host) -> Vec<Value> {
    let mut sorted: Vec<&Cluster> = snapshot.clusters.iter().map(AsRef::as_ref).collect();
    sorted.sort_by(|one, other| one.name.cmp(&other.name));
    let clusters = sorted.into_iter().map(|of| cluster(of, host));
    let secrets = tls::uses_sds(snapshot).then(|| secret_discovery(&host.sds_socket));
    clusters.chain(secrets).collect()
}

fn cluster(of: &Cluster, host: &Host) -> Value {
    let mut cluster = json!({ "name": of.name });
    discovery(&mut cluster, of, host);
    // Round robin is Envoy's own.
    let least = (of.balancing == Balancing::LeastRequest).then(|| json!("LEAST_REQUEST"));
    set(&mut cluster, "lb_policy", least);
    set(
        &mut cluster,
        "connect_timeout",
        duration(of.connect_timeout),
    );
    set(
        &mut cluster,
        "circuit_breakers",
        policy::circuit_breakers(of.circuit_breakers),
    );
    if of.protocol.is_http2() {
        set(&mut cluster, "typed_extension_protocol_options", http2());
    }
    set(
        &mut cluster,
        "health_checks",
        of.health_check
            .as_ref()
            .map(|check| json!([policy::health_check(check)])),
    );
    set(
        &mut cluster,
        "outlier_detection",
        of.outlier_detection
            .map(|given| policy::outlier_detection(given, host)),
    );
    set(
        &mut cluster,
        "transport_socket",
        of.tls.as_ref().map(tls::upstream),
    );
    cluster
}

fn discovery(cluster: &mut Value, of: &Cluster, host: &Host) {
    match &of.discovery {
        Discovery::Dns {
            hostname,
            port,
            response,
            ip_preference,
            respects_ttl,
        } => {
            let kind = match response {
                DnsResponse::LoadBalancer => "LOGICAL_DNS",
                DnsResponse::Endpoints => "STRICT_DNS",
            };
            by_name(cluster, kind, (hostname, *port), *ip_preference, &of.name);
            let respects_ttl = respects_ttl.then(|| json!(true));
            set(cluster, "respect_dns_ttl", respects_ttl);
        }
        Discovery::CloudMap {
            namespace,
            service,
            attributes,
            port,
            ip_preference,
        } if attributes.is_empty() => {
            let hostname = format!("{service}.{namespace}");
            by_name(
                cluster,
                "STRICT_DNS",
                (&hostname, *port),
                *ip_preference,
                &of.name,
            );
        }
        Discovery::CloudMap { .. } => {
            by_file(cluster, &format!("{}/{}.json", host.endpoints, of.name));
        }
        Discovery::Static(addresses) => {
            let endpoints = addresses
                .iter()
                .map(|address| socket_address(&address.ip().to_string(), address.port()));
            set(cluster, "type", json!("STATIC"));
            set(
                cluster,
                "load_assignment",
                load_assignment(&of.name, endpoints),
            );
        }
        Discovery::OriginalDestination => {
            set(cluster, "type", json!("ORIGINAL_DST"));
            set(cluster, "lb_policy", json!("CLUSTER_PROVIDED"));
        }
    }
}

/// Endpoints that somebody writes to a file.
fn by_file(cluster: &mut Value, path: &str) {
    let config = json!({
        "resource_api_version": "V3",
        "path_config_source": { "path": path },
    });
    set(cluster, "type", json!("EDS"));
    set(
        cluster,
        "eds_cluster_config",
        json!({ "eds_config": config }),
    );
}

/// Endpoints of DNS. Where no address family is preferred Envoy's own rule holds: IPv6, else IPv4.
fn by_name(
    cluster: &mut Value,
    kind: &str,
    (hostname, port): (&str, u16),
    family: IpPreference,
    name: &str,
) {
    let family = match family {
        IpPreference::Unset => None,
        IpPreference::V4Only => Some("V4_ONLY"),
        IpPreference::V4Preferred => Some("V4_PREFERRED"),
        IpPreference::V6Only => Some("V6_ONLY"),
        IpPreference::V6Preferred => Some("AUTO"),
    };
    // The dot keeps the resolver's search domains away.
    let whole = hostname.ends_with('.') || hostname.parse::<IpAddr>().is_ok();
    let dot = if whole { "" } else { "." };
    let endpoint = socket_address(&format!("{hostname}{dot}"), port);
    set(cluster, "type", json!(kind));
    set(
        cluster,
        "dns_lookup_family",
        family.map(|family| json!(family)),
    );
    set(
        cluster,
        "load_assignment",
        load_assignment(name, [endpoint].into_iter()),
    );
}

fn load_assignment(cluster: &str, addresses: impl Iterator<Item = Value>) -> Value {
    let endpoints: Vec<Value> = addresses
        .map(|address| json!({ "endpoint": { "address": address } }))
        .collect();
    json!({ "cluster_name": cluster, "endpoints": [{ "lb_endpoints": endpoints }] })
}

fn http2() -> Value {
    let options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    let config = typed(
        options,
        json!({ "explicit_http_config": { "http2_protocol_options": {} } }),
    );
    json!({ options: config })
}

/// The Secret Discovery Service, as the agent wrote it.
fn secret_discovery(socket: &str) -> Value {
    let address = json!({ "pipe": { "path": socket } });
    json!({
        "name": SDS_CLUSTER,
        "type": "STATIC",
        "connect_timeout": "1s",
        "typed_extension_protocol_options": http2(),
        "load_assignment": load_assignment(SDS_CLUSTER, [address].into_iter()),
    })
}
