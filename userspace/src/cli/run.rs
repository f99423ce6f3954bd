//! The flags of what runs a daemon or makes its host ready for one: `run` and `arm`.
#![expect(
    clippy::doc_markdown,
    reason = "these comments are the help text, printed as it stands"
)]

use std::{net::IpAddr, num::NonZeroUsize, path::PathBuf};

use clap::{Args, ValueEnum};
use mesh_model::resource::ResourceName;

use super::{InputArgs, InstanceArg, instance_name};

#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) instance: InstanceArg,

    /// Directory of App Mesh documents, watched for changes
    #[arg(long, env = "FERROMESH_MESH_CONFIG", value_name = "DIR")]
    pub(crate) mesh_config: PathBuf,

    /// What this workload is: mesh/MESH/virtualNode/NODE or its ARN [else APPMESH_RESOURCE_ARN]
    #[arg(long, env = "FERROMESH_RESOURCE", requires = "workload_cgroup")]
    pub(crate) resource: Option<ResourceName>,

    /// The cgroup v2 directory whose processes are the workload; without it the daemon has no
    /// workload of its own, and no flag that speaks of one has an effect
    #[arg(long, env = "FERROMESH_WORKLOAD_CGROUP", value_name = "PATH")]
    pub(crate) workload_cgroup: Option<PathBuf>,

    /// Enrolment file of more workloads, YAML or JSON, watched for changes
    #[arg(long, env = "FERROMESH_WORKLOADS", value_name = "FILE")]
    pub(crate) workloads: Option<PathBuf>,

    /// The workload's name in status and statistics [default: the resource's own name]
    #[arg(long, env = "FERROMESH_WORKLOAD_NAME", value_parser = instance_name)]
    pub(crate) workload_name: Option<String>,

    /// What the workload's new connections do while the proxy is down
    #[arg(long, env = "FERROMESH_ON_PROXY_DOWN", default_value = "refuse")]
    pub(crate) on_proxy_down: OnProxyDownArg,

    /// Close the workload's connections on sockets that were made outside it, which cannot be
    /// redirected
    #[arg(long, env = "FERROMESH_STRICT")]
    pub(crate) strict: bool,

    /// How long the proxy may be silent before it counts as down, in milliseconds
    #[arg(
        long = "heartbeat-ms",
        env = "FERROMESH_HEARTBEAT_MS",
        default_value = "2000",
        value_parser = clap::value_parser!(u64).range(500..=60_000)
    )]
    pub(crate) heartbeat_ms: u64,

    /// Where connections are logged as they close, as a JSON object a line; - is standard output
    #[arg(long, env = "FERROMESH_CONNECTION_LOG", value_name = "FILE")]
    pub(crate) connection_log: Option<String>,

    /// Who is the proxy: Ferromesh itself, or an Envoy that runs in --proxy-cgroup
    #[arg(long, env = "FERROMESH_PROXY", default_value = "internal")]
    pub(crate) proxy: ProxyArg,

    /// The cgroup that the external proxy runs in; only with --proxy external
    #[arg(
        long,
        env = "FERROMESH_PROXY_CGROUP",
        value_name = "PATH",
        required_if_eq("proxy", "external")
    )]
    pub(crate) proxy_cgroup: Option<PathBuf>,

    /// Threads that carry traffic [default: one for each core]
    #[arg(long, env = "FERROMESH_WORKERS")]
    pub(crate) workers: Option<NonZeroUsize>,

    /// Name servers and search order
    #[arg(
        long,
        env = "FERROMESH_RESOLV_CONF",
        value_name = "FILE",
        default_value = "/etc/resolv.conf"
    )]
    pub(crate) resolv_conf: PathBuf,

    /// Where the configurations that were in force are kept [default: /var/lib/ferromesh/INSTANCE]
    #[arg(long, env = "FERROMESH_STATE_DIR", value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,

    /// Address of the admin interface
    #[arg(long, env = "FERROMESH_ADMIN_ADDRESS", default_value = "0.0.0.0")]
    pub(crate) admin_address: IpAddr,

    /// Port of the admin interface [default: ENVOY_ADMIN_ACCESS_PORT, else 9901]
    #[arg(long, env = "FERROMESH_ADMIN_PORT")]
    pub(crate) admin_port: Option<u16>,

    /// How long clients have after SIGTERM to end their requests and to hear that this host leaves, in seconds
    /// [default: LISTENER_DRAIN_WAIT_TIME_S, else 20]
    #[arg(
        long = "drain-s",
        env = "FERROMESH_DRAIN_S",
        value_parser = clap::value_parser!(u64).range(0..=86_400)
    )]
    pub(crate) drain_s: Option<u64>,

    #[command(flatten)]
    pub(crate) redirect: RedirectArgs,

    #[command(flatten)]
    pub(crate) inputs: InputArgs,
}

/// Redirection rules; each overrides the variable of the App Mesh route manager that it names.
#[derive(Args, Debug)]
#[command(next_help_heading = "Redirection rules")]
pub(crate) struct RedirectArgs {
    /// Whence the rules come that no flag gives: an ECS task definition, a Kubernetes pod, or a
    /// list of the route manager's variables (*.env), before those of the environment
    #[arg(long, env = "FERROMESH_REDIRECT_FROM", value_name = "FILE")]
    pub(crate) redirect_from: Option<PathBuf>,

    /// Where the proxy takes what the application sends [else APPMESH_ENVOY_EGRESS_PORT, 15001]
    #[arg(long, env = "FERROMESH_EGRESS_PORT")]
    pub(crate) egress_port: Option<String>,

    /// Where the proxy takes what comes for the application
    /// [else APPMESH_ENVOY_INGRESS_PORT, 15000]
    #[arg(long, env = "FERROMESH_INGRESS_PORT")]
    pub(crate) ingress_port: Option<String>,

    /// The application's ports and ranges, as 80,8000-8010
    /// [else APPMESH_APP_PORTS, the node's listeners]
    #[arg(long, env = "FERROMESH_APP_PORTS")]
    pub(crate) app_ports: Option<String>,

    /// Destination ports and ranges left alone; 22 always is [else APPMESH_EGRESS_IGNORED_PORTS]
    #[arg(long, env = "FERROMESH_IGNORED_PORTS")]
    pub(crate) ignored_ports: Option<String>,

    /// Destination addresses and CIDRs left alone [else APPMESH_EGRESS_IGNORED_IP,
    /// 169.254.169.254 and 169.254.170.2]
    #[arg(long, env = "FERROMESH_IGNORED_IPS")]
    pub(crate) ignored_ips: Option<String>,

    /// Sockets of this user are left alone [else APPMESH_IGNORE_UID]
    #[arg(long, env = "FERROMESH_IGNORED_UID")]
    pub(crate) ignored_uid: Option<String>,

    /// Sockets of this group are left alone [else APPMESH_IGNORE_GID]
    #[arg(long, env = "FERROMESH_IGNORED_GID")]
    pub(crate) ignored_gid: Option<String>,

    /// 1 redirects IPv6 too [else APPMESH_ENABLE_IPV6, 0]
    #[arg(long, env = "FERROMESH_ENABLE_IPV6")]
    pub(crate) enable_ipv6: Option<String>,

    /// 0 loads everything and redirects nothing [else APPMESH_START_ENABLED, 1]
    #[arg(long, env = "FERROMESH_START_ENABLED")]
    pub(crate) start_enabled: Option<String>,
}

impl RedirectArgs {
    /// Each flag that was given, under the name of the variable that it overrides.
    pub(crate) fn overrides(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("APPMESH_ENVOY_EGRESS_PORT", &self.egress_port),
            ("APPMESH_ENVOY_INGRESS_PORT", &self.ingress_port),
            ("APPMESH_APP_PORTS", &self.app_ports),
            ("APPMESH_EGRESS_IGNORED_PORTS", &self.ignored_ports),
            ("APPMESH_EGRESS_IGNORED_IP", &self.ignored_ips),
            ("APPMESH_IGNORE_UID", &self.ignored_uid),
            ("APPMESH_IGNORE_GID", &self.ignored_gid),
            ("APPMESH_ENABLE_IPV6", &self.enable_ipv6),
            ("APPMESH_START_ENABLED", &self.start_enabled),
        ]
        .into_iter()
        .filter_map(|(variable, flag)| flag.as_deref().map(|value| (variable, value)))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnProxyDownArg {
    /// The application sees ECONNREFUSED, as under App Mesh
    Refuse,
    /// They go direct, counted
    Bypass,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProxyArg {
    /// Ferromesh itself
    Internal,
    /// An Envoy with `use_original_dst`
    External,
}

#[derive(Args, Debug)]
pub(crate) struct ArmArgs {
    /// Make the workload's cgroup if it is not there, such as a slice that has no process yet
    #[arg(long)]
    pub(crate) create_cgroup: bool,
    /// A file that stands for the workload's network namespace, such as /run/netns/NAME
    /// [default: the caller's own namespace]
    #[arg(long, value_name = "PATH")]
    pub(crate) netns: Option<PathBuf>,
    /// What the daemon will be told; its variables count as well
    #[command(flatten)]
    pub(crate) run: RunArgs,
}
