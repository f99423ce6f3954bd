//! What a node calls: virtual services by their port, AWS endpoints, and under `ALLOW_ALL` the rest.

use mesh_model::snapshot::{Discovery, EgressFilter, EgressPort, Snapshot};
use serde_json::{Map, Value, json};

use super::{Direction, chain, listener, original_destination, tls_inspector_on};
use crate::{filter, host::Host, route, value::set};

/// The port on which AWS endpoints are called.
const HTTPS: u16 = 443;

/// The name of egress in statistics.
const STAT_PREFIX: &str = "egress";

pub(super) fn of_node(snapshot: &Snapshot, host: &Host) -> Value {
    let allow_all = allow_all(snapshot);
    let mut chains = Vec::new();
    let mut has_https = false;
    for (&port, of) in &snapshot.egress {
        let to = connections(port, host);
        let chain = meshed(snapshot, to, of, allow_all);
        has_https |= port == HTTPS && chain.is_some();
        chains.extend(chain);
    }
    if let Some(aws) = snapshot.aws_endpoints {
        let mut to = anywhere(host, Some(HTTPS));
        set(&mut to, "server_names", json!(["*.amazonaws.com"]));
        chains.push(pass_through(to, &snapshot.cluster(aws).name));
    }
    if let Some(cluster) = allow_all {
        chains.push(pass_through(anywhere(host, None), cluster));
        // A port that has any chain is looked at alone: without this one, TLS towards another name
        // than that of AWS would be refused.
        if !has_https {
            chains.push(pass_through(anywhere(host, Some(HTTPS)), cluster));
        }
    }
    listener(
        &snapshot.egress_listener,
        (host.listen, host.egress_port),
        Direction::Outbound,
        &[original_destination(), tls_inspector_on(HTTPS)],
        &chains,
    )
}

/// One port of virtual services; none where its bytes lead nowhere.
fn meshed(
    snapshot: &Snapshot,
    connections: Value,
    of: &EgressPort,
    allow_all: Option<&str>,
) -> Option<Value> {
    let log = snapshot.access_log.as_ref();
    let filter = match of {
        EgressPort::Http(table) => {
            let routes = route::configuration(snapshot, table, allow_all);
            filter::http(STAT_PREFIX, log, routes)
        }
        EgressPort::Tcp(to) => filter::tcp(STAT_PREFIX, log, route::tcp(snapshot, to)?),
        // Envoy does not follow the addresses of names, and takes one chain for each port only: a
        // chain for one of the services would get the connections of the others.
        EgressPort::TcpByAddress(_) => return None,
    };
    Some(chain(connections, filter))
}

/// The connections to one port of virtual services.
///
/// Among the chains of one port Envoy looks at the closest range of addresses alone, so on the port of
/// the chain for AWS endpoints that has to be its range.
fn connections(port: u16, host: &Host) -> Value {
    if port == HTTPS {
        anywhere(host, Some(port))
    } else {
        json!({ "destination_port": port })
    }
}

/// Every address, and on one port if any: of IPv4, as App Mesh wrote it, and of IPv6 where the
/// listener takes that too.
fn anywhere(host: &Host, port: Option<u16>) -> Value {
    let mut to = json!({});
    set(&mut to, "destination_port", port.map(Value::from));
    let range = |address| json!({ "address_prefix": address, "prefix_len": 0 });
    let mut ranges = vec![range("0.0.0.0")];
    if host.listen.is_ipv6() {
        ranges.push(range("::"));
    }
    set(&mut to, "prefix_ranges", Value::Array(ranges));
    to
}

/// Bytes that only pass through. They are not logged.
fn pass_through(to: Value, cluster: &str) -> Value {
    let mut leads_to = Map::new();
    leads_to.insert("cluster".to_owned(), json!(cluster));
    chain(to, filter::tcp(STAT_PREFIX, None, leads_to))
}

/// Where egress goes that no virtual service matches; none under `DROP_ALL`.
fn allow_all(snapshot: &Snapshot) -> Option<&str> {
    if snapshot.egress_filter != EgressFilter::AllowAll {
        return None;
    }
    let aws = snapshot.aws_endpoints.map(|id| snapshot.cluster(id));
    let clusters = snapshot.clusters.iter();
    let mut passing =
        clusters.filter(|cluster| cluster.discovery == Discovery::OriginalDestination);
    passing
        .find(|cluster| aws.is_none_or(|aws| aws.name != cluster.name))
        .map(|cluster| cluster.name.as_str())
}
