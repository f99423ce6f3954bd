//! What the daemon was told: flags before `FERROMESH_*` before the file of redirection rules before
//! the variables of App Mesh.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    num::NonZeroUsize,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    str::FromStr,
    thread,
    time::Duration,
};

use anyhow::{Context, bail};
use mesh_config::{form::Inputs, redirect};
use mesh_model::{redirect::OnProxyDown, resource::ResourceName};

use crate::{
    cli::{OnProxyDownArg, ProxyArg, RunArgs},
    daemon::configuration::Problems,
};

/// Guide, "Envoy configuration variables": `LISTENER_DRAIN_WAIT_TIME_S`, seconds.
const DRAIN_RANGE: RangeInclusive<u64> = 5..=110;
const DEFAULT_DRAIN: Duration = Duration::from_secs(20);
const DEFAULT_ADMIN_PORT: u16 = 9901;

/// The variables that a process was started with.
pub(crate) type Environment = BTreeMap<String, String>;

/// Everything that the daemon was told, checked.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) instance: String,
    pub(crate) mesh_config: PathBuf,
    pub(crate) resource: ResourceName,
    pub(crate) workload_name: String,
    pub(crate) workload_cgroup: PathBuf,
    pub(crate) on_proxy_down: OnProxyDown,
    pub(crate) heartbeat: Duration,
    pub(crate) proxy: ProxyPlace,
    pub(crate) workers: NonZeroUsize,
    pub(crate) resolv_conf: PathBuf,
    pub(crate) state_dir: PathBuf,
    pub(crate) admin: SocketAddr,
    pub(crate) drain: Duration,
    /// The route manager's variables, the flags' values in place of those that they override.
    pub(crate) environment: Environment,
    /// What the documents need that is in no file of theirs.
    pub(crate) inputs: Inputs,
}

/// Who is the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ProxyPlace {
    /// This process.
    Internal,
    /// An Envoy in this cgroup.
    External(PathBuf),
}

impl Settings {
    /// Puts flags and environment together.
    ///
    /// # Errors
    /// A value that cannot be used; the message names the variable and the mend.
    pub(crate) fn new(args: RunArgs, environment: &Environment) -> anyhow::Result<Self> {
        let resource = match args.resource {
            Some(resource) => resource,
            None => variable(environment, "APPMESH_RESOURCE_ARN")?
                .context("no resource: give --resource mesh/MESH/virtualNode/NODE")?,
        };
        let workload_name = args
            .workload_name
            .unwrap_or_else(|| pinnable_name(&resource.name));
        let admin_port = match args.admin_port {
            Some(port) => port,
            None => variable(environment, "ENVOY_ADMIN_ACCESS_PORT")?.unwrap_or(DEFAULT_ADMIN_PORT),
        };
        let proxy = match (args.proxy, args.proxy_cgroup) {
            (ProxyArg::Internal, None) => ProxyPlace::Internal,
            (ProxyArg::Internal, Some(_)) => {
                bail!("--proxy-cgroup is for --proxy external; leave it out")
            }
            (ProxyArg::External, Some(cgroup)) => ProxyPlace::External(cgroup),
            (ProxyArg::External, None) => {
                bail!("--proxy external needs --proxy-cgroup, the cgroup that the proxy runs in")
            }
        };
        let mut merged = environment.clone();
        if let Some(path) = &args.redirect.redirect_from {
            merged.extend(redirect_from(path, &args.inputs.inputs(environment))?);
        }
        for (name, value) in args.redirect.overrides() {
            merged.insert(name.to_owned(), value.to_owned());
        }
        Ok(Self {
            state_dir: args
                .state_dir
                .unwrap_or_else(|| state_dir(&args.instance.instance)),
            instance: args.instance.instance,
            mesh_config: args.mesh_config,
            resource,
            workload_name,
            workload_cgroup: args.workload_cgroup,
            on_proxy_down: match args.on_proxy_down {
                OnProxyDownArg::Refuse => OnProxyDown::Refuse,
                OnProxyDownArg::Bypass => OnProxyDown::Bypass,
            },
            heartbeat: Duration::from_millis(args.heartbeat_ms),
            proxy,
            workers: args
                .workers
                .or_else(|| thread::available_parallelism().ok())
                .unwrap_or(NonZeroUsize::MIN),
            resolv_conf: args.resolv_conf,
            admin: SocketAddr::new(args.admin_address, admin_port),
            drain: drain(args.drain_s, environment)?,
            inputs: args.inputs.inputs(environment),
            environment: merged,
        })
    }
}

/// The route manager's variables that a file has values for.
fn redirect_from(path: &Path, inputs: &Inputs) -> anyhow::Result<Environment> {
    let (source, warnings) = redirect::source::read(path, inputs)
        .map_err(|problems| Problems(problems.iter().map(ToString::to_string).collect()))
        .with_context(|| format!("the redirection rules of {} are bad", path.display()))?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let variables = source.variables.into_iter();
    Ok(variables
        .map(|(name, value)| (name.to_owned(), value))
        .collect())
}

/// Where an instance keeps the configurations that were in force unless told otherwise.
pub(crate) fn state_dir(instance: &str) -> PathBuf {
    Path::new("/var/lib/ferromesh").join(instance)
}

fn drain(flag: Option<u64>, environment: &Environment) -> anyhow::Result<Duration> {
    if let Some(seconds) = flag {
        return Ok(Duration::from_secs(seconds));
    }
    let Some(seconds) = variable(environment, "LISTENER_DRAIN_WAIT_TIME_S")? else {
        return Ok(DEFAULT_DRAIN);
    };
    if !DRAIN_RANGE.contains(&seconds) {
        bail!(
            "LISTENER_DRAIN_WAIT_TIME_S is {seconds}; give whole seconds from {} to {}",
            DRAIN_RANGE.start(),
            DRAIN_RANGE.end()
        );
    }
    Ok(Duration::from_secs(seconds))
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

#[cfg(test)]
mod tests;
