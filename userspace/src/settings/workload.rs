//! What one workload was given: by the flags and variables of the daemon, or by its enrolment alone.

use std::{
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroUsize,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    str::FromStr,
    thread,
    time::Duration,
};

use anyhow::{Context, bail};
use mesh_config::enrolment::Enrolment;
use mesh_model::{redirect::OnProxyDown, resource::ResourceName};
use mesh_telemetry::process_log::Level;

use super::{Environment, Settings, redirect_from};
use crate::{
    cli::{OnProxyDownArg, RunArgs},
    state_dir,
};

/// Guide, "Envoy configuration variables": `LISTENER_DRAIN_WAIT_TIME_S`, seconds.
const DRAIN_RANGE: RangeInclusive<u64> = 5..=110;
const DEFAULT_DRAIN: Duration = Duration::from_secs(20);
const DEFAULT_ADMIN_PORT: u16 = 9901;
/// Threads of an enrolled workload's proxy unless its `ENVOY_CONCURRENCY` says otherwise: many
/// workloads share the cores of a host.
const ENROLLED_WORKERS: usize = 4;

/// Everything that one workload was given, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WorkloadSettings {
    pub(crate) name: String,
    pub(crate) resource: ResourceName,
    pub(crate) cgroup: PathBuf,
    /// None for the daemon's own network namespace.
    pub(crate) netns: Option<PathBuf>,
    pub(crate) on_proxy_down: OnProxyDown,
    /// App Mesh's variables: those of the workload, with the flags' values in place of those that
    /// they override.
    pub(crate) environment: Environment,
    /// Where its files are, as the daemon sees them; none for the daemon's own root.
    pub(crate) files_root: Option<PathBuf>,
    /// Where its access log's `/dev/stdout` goes; none for the daemon's own.
    pub(crate) log: Option<PathBuf>,
    /// Sockets that cannot be redirected any more are closed.
    pub(crate) strict: bool,
    pub(crate) workers: NonZeroUsize,
    /// Below `files_root`, where there is one.
    pub(crate) resolv_conf: PathBuf,
    /// Where the configurations that were in force are kept.
    pub(crate) state_dir: PathBuf,
    pub(crate) admin: SocketAddr,
    pub(crate) drain: Duration,
    /// A health check that passes ends an ejection.
    pub(crate) probes_uneject: bool,
    /// What its proxy says in the process log; none: as much as the daemon.
    pub(crate) log_level: Option<Level>,
}

impl WorkloadSettings {
    /// The workload of the command line; none where no cgroup was given.
    ///
    /// # Errors
    /// A value that cannot be used; the message names the variable and the mend.
    pub(super) fn of_command_line(
        args: &RunArgs,
        environment: &Environment,
        state_dir: &Path,
    ) -> anyhow::Result<Option<Self>> {
        let Some(cgroup) = args.workload_cgroup.clone() else {
            return Ok(None);
        };
        let resource = match args.resource.clone() {
            Some(resource) => resource,
            None => variable(environment, "APPMESH_RESOURCE_ARN")?
                .context("no resource: give --resource mesh/MESH/virtualNode/NODE")?,
        };
        let admin_port = match args.admin_port {
            Some(port) => port,
            None => admin_port(environment)?,
        };
        let mut merged = environment.clone();
        if let Some(path) = &args.redirect.redirect_from {
            merged.extend(redirect_from(path, &args.inputs.inputs(environment))?);
        }
        for (name, value) in args.redirect.overrides() {
            merged.insert(name.to_owned(), value.to_owned());
        }
        Ok(Some(Self {
            name: (args.workload_name.clone()).unwrap_or_else(|| pinnable_name(&resource.name)),
            resource,
            cgroup,
            netns: None,
            on_proxy_down: match args.on_proxy_down {
                OnProxyDownArg::Refuse => OnProxyDown::Refuse,
                OnProxyDownArg::Bypass => OnProxyDown::Bypass,
            },
            files_root: None,
            log: None,
            strict: args.strict,
            workers: args.workers.unwrap_or_else(cores),
            resolv_conf: args.resolv_conf.clone(),
            state_dir: state_dir.to_owned(),
            admin: SocketAddr::new(args.admin_address, admin_port),
            drain: match args.drain_s {
                Some(seconds) => Duration::from_secs(seconds),
                None => drain(environment)?,
            },
            probes_uneject: probes_uneject(environment)?,
            log_level: log_level(environment)?,
            environment: merged,
        }))
    }

    /// A workload that is enrolled, from its enrolment alone: nothing of the daemon's environment.
    ///
    /// # Errors
    /// A variable of its environment that cannot be used; the message names it and the mend.
    pub(crate) fn enrolled(enrolment: &Enrolment, daemon: &Settings) -> anyhow::Result<Self> {
        let environment = &enrolment.environment;
        let resource = match enrolment.resource.clone() {
            Some(resource) => resource,
            None => variable(environment, "APPMESH_RESOURCE_ARN")?.context(
                "no resource: give it mesh/MESH/virtualNode/NODE, or APPMESH_RESOURCE_ARN in its \
                 environment",
            )?,
        };
        let few = || cores().min(NonZeroUsize::new(ENROLLED_WORKERS).unwrap_or(NonZeroUsize::MIN));
        Ok(Self {
            name: enrolment.name.clone(),
            resource,
            cgroup: enrolment.cgroup.clone(),
            netns: enrolment.netns.clone(),
            on_proxy_down: enrolment.on_proxy_down,
            environment: environment.clone(),
            files_root: enrolment.files_root.clone(),
            log: enrolment.log.clone(),
            strict: enrolment.strict,
            workers: number(environment, "ENVOY_CONCURRENCY", "a whole number from 1 up")?
                .unwrap_or_else(few),
            resolv_conf: PathBuf::from("/etc/resolv.conf"),
            state_dir: state_dir::of_workload(&daemon.state_dir, &enrolment.name),
            admin: SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), admin_port(environment)?),
            drain: drain(environment)?,
            probes_uneject: probes_uneject(environment)?,
            log_level: log_level(environment)?,
        })
    }

    /// Whether a change from these to others can be made while the workload runs: what its sockets,
    /// threads and files were made for stays the same.
    pub(crate) fn runs_on_as(&self, other: &Self) -> bool {
        let Self {
            name: _,
            resource: _,
            cgroup,
            netns,
            on_proxy_down: _,
            environment: _,
            files_root,
            log,
            strict,
            workers,
            resolv_conf,
            state_dir: _,
            admin,
            drain,
            probes_uneject,
            log_level: _,
        } = self;
        *cgroup == other.cgroup
            && *netns == other.netns
            && *files_root == other.files_root
            && *log == other.log
            && *strict == other.strict
            && *workers == other.workers
            && *resolv_conf == other.resolv_conf
            && *admin == other.admin
            && *drain == other.drain
            && *probes_uneject == other.probes_uneject
            && mesh_config::redirect::proxy_ports(&self.environment)
                == mesh_config::redirect::proxy_ports(&other.environment)
    }

    /// Every port that it listens on, with what for: all are its own in its network namespace.
    pub(crate) fn ports(&self) -> [(&'static str, u16); 3] {
        let (egress, ingress) = mesh_config::redirect::proxy_ports(&self.environment);
        [
            ("egress", egress),
            ("ingress", ingress),
            ("admin", self.admin.port()),
        ]
    }
}

fn cores() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

fn admin_port(environment: &Environment) -> anyhow::Result<u16> {
    let port = number(environment, "ENVOY_ADMIN_ACCESS_PORT", "a port up to 65535")?;
    Ok(port.unwrap_or(DEFAULT_ADMIN_PORT))
}

/// Guide, "Envoy configuration variables": `ENVOY_LOG_LEVEL`; none where it is not set.
///
/// # Errors
/// It is no level; the message names the variable and the mend.
pub(crate) fn log_level(environment: &Environment) -> anyhow::Result<Option<Level>> {
    variable(environment, "ENVOY_LOG_LEVEL")
}

fn drain(environment: &Environment) -> anyhow::Result<Duration> {
    let name = "LISTENER_DRAIN_WAIT_TIME_S";
    let (least, most) = (DRAIN_RANGE.start(), DRAIN_RANGE.end());
    let allowed = format!("whole seconds from {least} to {most}");
    let Some(seconds) = number(environment, name, &allowed)? else {
        return Ok(DEFAULT_DRAIN);
    };
    if !DRAIN_RANGE.contains(&seconds) {
        bail!("{name} is {seconds}; give {allowed}");
    }
    Ok(Duration::from_secs(seconds))
}

/// Guide, "Envoy configuration variables": `ENVOY_ACTIVE_HEALTH_CHECK_UNEJECT_HOST`, off unless set.
fn probes_uneject(environment: &Environment) -> anyhow::Result<bool> {
    let name = "ENVOY_ACTIVE_HEALTH_CHECK_UNEJECT_HOST";
    let value: Option<String> = variable(environment, name)?;
    match value.unwrap_or_default().to_ascii_lowercase().as_str() {
        "1" | "true" => Ok(true),
        "" | "0" | "false" => Ok(false),
        other => bail!("{name} is {other}; give true or false"),
    }
}

/// As `variable`, of one whose errors say what a number is and not which are allowed.
fn number<T: FromStr>(
    environment: &Environment,
    name: &str,
    allowed: &str,
) -> anyhow::Result<Option<T>> {
    let given: Option<String> = variable(environment, name)?;
    let number = |given: String| {
        let number = given.parse().ok();
        number.with_context(|| format!("{name} is {given}; give {allowed}"))
    };
    given.map(number).transpose()
}

/// The value of a variable, or nothing when it is unset or empty, as the guide's script takes it.
fn variable<T>(environment: &Environment, name: &str) -> anyhow::Result<Option<T>>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    match environment.get(name).map(String::as_str) {
        None | Some("") => Ok(None),
        Some(value) => value
            .parse()
            .map(Some)
            .with_context(|| format!("{name} is `{value}`")),
    }
}

/// A resource's name as a file name in bpffs, which refuses dots.
fn pinnable_name(name: &str) -> String {
    name.chars()
        .take(63)
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .collect()
}
