//! The whole file: what the App Mesh agent wrote, and what App Mesh served.

use mesh_model::{resource::ProxyKind, snapshot::Snapshot};
use serde_json::{Value, json};

use crate::{
    cluster::clusters,
    filter::file_log,
    host::Host,
    listener::listeners,
    value::{listen_address, set},
};

/// What the agent took out of the names of statistics, with and without its own tags.
const NAME_TAGS: [(&str, &str); 3] = [
    (
        "appmesh.listener_protocol",
        r".*?\.ingress\.((\w+?)\.)[0-9]+?\.(.+?)$",
    ),
    (
        "appmesh.listener_port",
        r".*?\.ingress\.\w+?\.(([0-9]+?)\.)(.+?)$",
    ),
    (
        "envoy_rds_route_config",
        r".*?\.ingress\.\w+?\.[0-9]+?\.rds\.((.*?)\.)(.+?)$",
    ),
];

pub(crate) fn bootstrap(snapshot: &Snapshot, host: &Host) -> Value {
    let resource = snapshot.resource.to_string();
    let cluster = host.cluster.as_ref().unwrap_or(&resource);
    json!({
        "node": { "id": resource, "cluster": cluster },
        "admin": {
            "access_log": [file_log(&host.admin_log, None)],
            "address": listen_address(host.admin, host.admin_port),
        },
        "stats_config": { "stats_tags": stats_tags(snapshot, host) },
        "cluster_manager": { "outlier_detection": { "event_log_path": host.outlier_log } },
        "layered_runtime": { "layers": runtime() },
        "static_resources": {
            "listeners": listeners(snapshot, host),
            "clusters": clusters(snapshot, host),
        },
    })
}

fn stats_tags(snapshot: &Snapshot, host: &Host) -> Vec<Value> {
    let resource = &snapshot.resource;
    let kind = match resource.kind {
        ProxyKind::VirtualGateway => "appmesh.virtual_gateway",
        ProxyKind::VirtualNode => "appmesh.virtual_node",
    };
    let fixed = |name, value: &str| json!({ "tag_name": name, "fixed_value": value });
    let names = [
        fixed("appmesh.mesh", &resource.mesh),
        fixed(kind, &resource.name),
    ];
    let names = names.into_iter().filter(|_| host.stats_tags);
    let taken = NAME_TAGS
        .into_iter()
        .map(|(name, regex)| json!({ "tag_name": name, "regex": regex }));
    names.chain(taken).collect()
}

/// The agent's layers. Its other settings were of Envoys of its time, and are gone from Envoy.
fn runtime() -> Value {
    let mut fixed = json!({});
    set(
        &mut fixed,
        "re2.max_program_size.error_level",
        Value::from(1000),
    );
    json!([
        { "name": "static_layer_0", "static_layer": fixed },
        { "name": "admin_layer", "admin_layer": {} },
    ])
}
