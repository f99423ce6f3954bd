//! An unmodified Envoy in the daemon's place, with a static configuration that says what the
//! getting-started documents say for `serviceA`.

use std::{fs, path::Path, sync::Arc};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::{
    host::{Host, Place},
    process::{self, Process},
    wait,
};

/// Its admin port: another than the daemon's, which runs beside it.
pub const ADMIN_PORT: u16 = 9931;

/// A running Envoy.
#[derive(Debug)]
pub struct Envoy {
    process: Process,
    host: Arc<Host>,
}

impl Envoy {
    /// Starts the Envoy at `binary` as the external proxy of a host, with these weights for
    /// `serviceB` and `serviceBv2`, and waits until it is ready.
    pub fn start(binary: &Path, host: &Arc<Host>, weights: [u32; 2]) -> Result<Self> {
        let path = host.directory().join("envoy.json");
        fs::write(&path, format!("{:#}\n", configuration(weights)))
            .with_context(|| format!("cannot write {}", path.display()))?;
        let mut command = host.command(Place::Proxy, binary);
        command.arg("--config-path").arg(&path).args([
            "--disable-hot-restart",
            "--log-level",
            "warning",
            "--concurrency",
            "2",
        ]);
        let process = Process::spawn("envoy", command, &host.directory().join("envoy.log"))?;
        let mut envoy = Self {
            process,
            host: Arc::clone(host),
        };
        wait::until_true("Envoy to be ready", || {
            envoy.process.ensure_running()?;
            Ok(envoy
                .admin("/ready")
                .is_ok_and(|answer| answer.trim() == "LIVE"))
        })?;
        Ok(envoy)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// What its admin interface answers to a path.
    pub fn admin(&self, path: &str) -> Result<String> {
        let mut curl = self.host.netns().command("curl");
        curl.args([
            "--disable",
            "--silent",
            "--fail",
            "--max-time",
            "10",
            "--noproxy",
            "*",
        ])
        .arg(format!("http://127.0.0.1:{ADMIN_PORT}{path}"));
        process::run(&mut curl)
    }

    /// One counter; 0 if it has not been counted yet.
    pub fn stat(&self, name: &str) -> Result<u64> {
        let stats = self.admin("/stats")?;
        let value = stats
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")?.parse().ok());
        Ok(value.unwrap_or(0))
    }
}

/// The listener as App Mesh's was: `use_original_dst`, the filter chain by destination port, and no
/// chain for other ports, which is `DROP_ALL`.
fn configuration([service_b, service_bv2]: [u32; 2]) -> Value {
    let names = ["serviceA", "serviceB", "serviceBv2"];
    let route_config = json!({
        "name": "rds_egress_http_80",
        "virtual_hosts": [
            virtual_host("serviceb.apps.local", json!({ "weighted_clusters": { "clusters": [
                { "name": cluster_name("serviceB"), "weight": service_b },
                { "name": cluster_name("serviceBv2"), "weight": service_bv2 },
            ] } })),
            virtual_host("servicea.apps.local", json!({ "cluster": cluster_name("serviceA") })),
        ],
    });
    let router = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";
    let manager = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.\
                   HttpConnectionManager";
    json!({
        "admin": { "address": address("127.0.0.1", ADMIN_PORT) },
        "static_resources": {
            "listeners": [{
                "name": "lds_egress_0.0.0.0_15001",
                "address": address("0.0.0.0", 15001),
                "use_original_dst": true,
                "filter_chains": [{
                    "filter_chain_match": { "destination_port": 80 },
                    "filters": [{
                        "name": "envoy.filters.network.http_connection_manager",
                        "typed_config": {
                            "@type": manager,
                            "stat_prefix": "egress",
                            "codec_type": "AUTO",
                            "route_config": route_config,
                            "http_filters": [{
                                "name": "envoy.filters.http.router",
                                "typed_config": { "@type": router },
                            }],
                        },
                    }],
                }],
            }],
            "clusters": names.map(cluster),
        },
    })
}

fn address(ip: &str, port: u16) -> Value {
    json!({ "socket_address": { "address": ip, "port_value": port } })
}

fn cluster_name(node: &str) -> String {
    format!("cds_egress_apps_{node}_http2_80")
}

fn virtual_host(service: &str, action: Value) -> Value {
    let mut action = action;
    action["timeout"] = json!("15s");
    json!({
        "name": service,
        "domains": [service, format!("{service}:80")],
        "routes": [{ "match": { "prefix": "/" }, "route": action }],
        // The default policy of App Mesh for newer accounts.
        "retry_policy": {
            "retry_on": "connect-failure,refused-stream,reset,unavailable,retriable-status-codes",
            "num_retries": 2,
            "retriable_status_codes": [503],
        },
    })
}

fn cluster(node: &str) -> Value {
    let host = format!("{}.apps.local", node.to_lowercase());
    let options = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    json!({
        "name": cluster_name(node),
        "type": "LOGICAL_DNS",
        "connect_timeout": "1s",
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": options,
                "explicit_http_config": { "http2_protocol_options": {} },
            },
        },
        "load_assignment": {
            "cluster_name": cluster_name(node),
            "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": address(&host, 80) } }] }],
        },
    })
}
