//! What the daemon was told: flags before `FERROMESH_*` before the file of redirection rules before
//! the variables of App Mesh.

mod workload;

use std::{
    collections::BTreeMap,
    path::{self, Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use mesh_config::{form::Inputs, redirect};

pub(crate) use self::workload::{WorkloadSettings, log_level};
use crate::{
    cli::{ProxyArg, RunArgs},
    daemon::configuration::Problems,
    state_dir,
};

/// The variables that a process was started with.
pub(crate) type Environment = BTreeMap<String, String>;

/// Everything that the daemon was told, checked.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) instance: String,
    pub(crate) mesh_config: PathBuf,
    pub(crate) heartbeat: Duration,
    pub(crate) proxy: ProxyPlace,
    /// The file of closing records; `-` is standard output.
    pub(crate) connection_log: Option<String>,
    pub(crate) state_dir: PathBuf,
    /// What the documents need that is in no file of theirs.
    pub(crate) inputs: Inputs,
    /// The workload of the command line.
    pub(crate) workload: Option<WorkloadSettings>,
    /// The enrolment file.
    pub(crate) workloads: Option<PathBuf>,
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
        let state_dir = match &args.state_dir {
            Some(given) => path::absolute(given).context("--state-dir is no path")?,
            None => state_dir::usual(&args.instance.instance),
        };
        let workload = WorkloadSettings::of_command_line(&args, environment, &state_dir)?;
        let proxy = match (args.proxy, args.proxy_cgroup) {
            (ProxyArg::Internal, None) => ProxyPlace::Internal,
            (ProxyArg::Internal, Some(_)) => {
                bail!("--proxy-cgroup is for --proxy external; leave it out")
            }
            (ProxyArg::External, _) if workload.is_none() || args.workloads.is_some() => bail!(
                "an external proxy serves the workload of the command line alone: give \
                 --workload-cgroup, and leave --workloads to another --instance"
            ),
            (ProxyArg::External, Some(cgroup)) => ProxyPlace::External(cgroup),
            (ProxyArg::External, None) => {
                bail!("--proxy external needs --proxy-cgroup, the cgroup that the proxy runs in")
            }
        };
        Ok(Self {
            instance: args.instance.instance,
            mesh_config: args.mesh_config,
            heartbeat: Duration::from_millis(args.heartbeat_ms),
            proxy,
            connection_log: args.connection_log,
            state_dir,
            inputs: args.inputs.inputs(environment),
            workload,
            workloads: args.workloads,
        })
    }
}

/// The route manager's variables that a file has values for.
fn redirect_from(path: &Path, inputs: &Inputs) -> anyhow::Result<Environment> {
    let (source, warnings) = redirect::source::read(path, inputs)
        .map_err(Problems::from)
        .with_context(|| format!("the redirection rules of {} are bad", path.display()))?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let variables = source.variables.into_iter();
    Ok(variables
        .map(|(name, value)| (name.to_owned(), value))
        .collect())
}

#[cfg(test)]
impl Settings {
    /// Those of a daemon that was told nothing of a workload.
    pub(crate) fn example() -> Self {
        Self {
            instance: "i".to_owned(),
            mesh_config: "/d".into(),
            heartbeat: Duration::from_secs(2),
            proxy: ProxyPlace::Internal,
            connection_log: None,
            state_dir: "/s".into(),
            inputs: Inputs::default(),
            workload: None,
            workloads: None,
        }
    }
}

#[cfg(test)]
mod tests;
