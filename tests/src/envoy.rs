//! An unmodified Envoy in the daemon's place, with a static configuration that says what the
//! getting-started documents say for `serviceA`, and what they say for what comes to a node.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{
    daemon::binary,
    host::{Host, Place},
    process::{self, Process},
    wait,
};

/// Its admin port: another than the daemon's, which runs beside it.
pub const ADMIN_PORT: u16 = 9931;

/// How long it may take to read a configuration of hundreds of clusters on a busy machine.
const STARTING: Duration = Duration::from_mins(3);

/// The cluster of the application behind it.
const INGRESS_CLUSTER: &str = "cds_ingress_apps_self_http2_80";
/// Requests that came for the application through Envoy, as its cluster counted them.
pub const TO_SELF: &str = "cluster.cds_ingress_apps_self_http2_80.upstream_rq_total";

/// How an Envoy is started.
#[derive(Clone, Debug)]
pub struct Launch {
    /// Its worker threads.
    pub workers: u32,
    /// What starts it, given the command as its last arguments; empty where nothing does.
    pub through: Vec<String>,
}

/// A running Envoy.
#[derive(Debug)]
pub struct Envoy {
    process: Process,
    binary: PathBuf,
    launch: Launch,
    host: Arc<Host>,
}

impl Default for Launch {
    fn default() -> Self {
        Self {
            workers: 2,
            through: Vec::new(),
        }
    }
}

impl Envoy {
    /// Starts the Envoy at `binary` as the external proxy of a host, with these weights for
    /// `serviceB` and `serviceBv2`, and waits until it is ready.
    pub fn start(binary: &Path, host: &Arc<Host>, weights: [u32; 2]) -> Result<Self> {
        Self::start_with(binary, host, &format!("{:#}\n", configuration(weights)))
    }

    /// The same with any configuration in JSON whose admin interface is on [`ADMIN_PORT`].
    pub fn start_with(binary: &Path, host: &Arc<Host>, configuration: &str) -> Result<Self> {
        Self::launch(binary, host, configuration, Launch::default())
    }

    /// The same, started in another way.
    pub fn launch(
        binary: &Path,
        host: &Arc<Host>,
        configuration: &str,
        launch: Launch,
    ) -> Result<Self> {
        let path = host.directory().join("envoy.json");
        fs::write(&path, configuration)
            .with_context(|| format!("cannot write {}", path.display()))?;
        let mut envoy = Self {
            process: spawn(binary, host, &launch)?,
            binary: binary.to_owned(),
            launch,
            host: Arc::clone(host),
        };
        envoy.wait_ready()?;
        Ok(envoy)
    }

    fn wait_ready(&mut self) -> Result<()> {
        let ready = wait::within(STARTING, "Envoy to be ready", || {
            self.process.ensure_running()?;
            let answer = self.admin("/ready");
            let is_live = answer.is_ok_and(|answer| answer.trim() == "LIVE");
            Ok(is_live.then_some(()))
        });
        ready.with_context(|| format!("Envoy said:\n{}", self.process.log()))
    }

    /// Ends it with SIGKILL.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()
    }

    /// Starts it again after it has ended, and waits until it is ready.
    pub fn restart(&mut self) -> Result<()> {
        anyhow::ensure!(!self.process.is_running()?, "Envoy still runs");
        self.process = spawn(&self.binary, &self.host, &self.launch)?;
        self.wait_ready()
    }

    /// Begins its graceful drain as App Mesh's agent did, which begins for all at once (`--drain-strategy`).
    pub fn drain(&self) -> Result<()> {
        let mut curl = self.curl("/drain_listeners?graceful");
        process::run(curl.args(["--request", "POST"]))?;
        Ok(())
    }

    /// Has it end.
    pub fn terminate(&mut self) -> Result<()> {
        self.process.signal(Signal::TERM)?;
        self.process.wait(wait::DEADLINE)?;
        Ok(())
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// What its admin interface answers to a path.
    pub fn admin(&self, path: &str) -> Result<String> {
        process::run(&mut self.curl(path))
    }

    fn curl(&self, path: &str) -> Command {
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
        curl
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

/// What `ferromesh render-envoy` prints for a virtual node of the mesh `apps`, with these variables.
pub fn render(documents: &Path, node: &str, variables: &[(&str, &str)]) -> Result<String> {
    let mut command = Command::new(binary()?);
    command
        .args(["render-envoy", "--format", "json", "--resource"])
        .arg(format!("mesh/apps/virtualNode/{node}"))
        .arg(documents)
        .env("ENVOY_ADMIN_ACCESS_PORT", ADMIN_PORT.to_string())
        .env("ENVOY_ADMIN_ACCESS_LOG_FILE", "/dev/null")
        .envs(variables.iter().copied());
    process::run(&mut command)
}

fn spawn(binary: &Path, host: &Host, launch: &Launch) -> Result<Process> {
    let mut words: Vec<&OsStr> = launch.through.iter().map(AsRef::as_ref).collect();
    words.push(binary.as_ref());
    let mut command = host.command(Place::Proxy, words[0]);
    command
        .args(&words[1..])
        .arg("--config-path")
        .arg(host.directory().join("envoy.json"))
        .args(["--disable-hot-restart", "--log-level", "warning"])
        .args(["--concurrency", &launch.workers.to_string()])
        // Whoever asks during a drain is told, and not only ever more of them.
        .args(["--drain-strategy", "immediate"])
        // A line of the access log is there when its request is over.
        .args(["--file-flush-interval-msec", "100"]);
    Process::spawn("envoy", command, &host.directory().join("envoy.log"))
}

/// The listeners as App Mesh's were: the destination that was dialled, the filter chain by its port,
/// and no chain for other ports, which is `DROP_ALL` on the way out.
fn configuration([service_b, service_bv2]: [u32; 2]) -> Value {
    let names = ["serviceA", "serviceB", "serviceBv2"];
    let egress = json!({
        "name": "rds_egress_http_80",
        "virtual_hosts": [
            virtual_host("serviceb.apps.local", json!({ "weighted_clusters": { "clusters": [
                { "name": cluster_name("serviceB"), "weight": service_b },
                { "name": cluster_name("serviceBv2"), "weight": service_bv2 },
            ] } })),
            virtual_host("servicea.apps.local", json!({ "cluster": cluster_name("serviceA") })),
        ],
    });
    let ingress = json!({
        "name": "rds_ingress_http_80",
        "virtual_hosts": [{
            "name": "self",
            "domains": ["*"],
            "routes": [{ "match": { "prefix": "/" }, "route": { "cluster": INGRESS_CLUSTER } }],
        }],
    });
    let mut clusters = names.map(egress_cluster).to_vec();
    clusters.push(cluster(INGRESS_CLUSTER, "STATIC", "127.0.0.1"));
    json!({
        "admin": { "address": address("127.0.0.1", ADMIN_PORT) },
        "static_resources": {
            "listeners": [listener("egress", 15001, &egress), listener("ingress", 15000, &ingress)],
            "clusters": clusters,
        },
    })
}

fn listener(direction: &str, port: u16, routes: &Value) -> Value {
    let last_filter = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";
    let manager = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.\
                   HttpConnectionManager";
    json!({
        "name": format!("lds_{direction}_0.0.0.0_{port}"),
        "address": address("0.0.0.0", port),
        "use_original_dst": true,
        "filter_chains": [{
            "filter_chain_match": { "destination_port": 80 },
            "filters": [{
                "name": "envoy.filters.network.http_connection_manager",
                "typed_config": {
                    "@type": manager,
                    "stat_prefix": direction,
                    "codec_type": "AUTO",
                    "route_config": routes,
                    "http_filters": [{
                        "name": "envoy.filters.http.router",
                        "typed_config": { "@type": last_filter },
                    }],
                },
            }],
        }],
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

fn egress_cluster(node: &str) -> Value {
    let host = format!("{}.apps.local", node.to_lowercase());
    cluster(&cluster_name(node), "LOGICAL_DNS", &host)
}

fn cluster(name: &str, discovery: &str, host: &str) -> Value {
    let options = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    json!({
        "name": name,
        "type": discovery,
        "connect_timeout": "1s",
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": options,
                "explicit_http_config": { "http2_protocol_options": {} },
            },
        },
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": address(host, 80) } }] }],
        },
    })
}
