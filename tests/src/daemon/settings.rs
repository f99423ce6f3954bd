//! The command line and the surroundings of a daemon.

use std::{ffi::OsString, path::PathBuf, process::Command, sync::Arc};

use anyhow::Result;

use super::{ADMIN_PORT, Daemon, binary};
use crate::{
    documents::Documents,
    host::{Host, Place, without_redirect},
    process::{self, Process},
};

/// How a daemon is started.
#[derive(Clone, Debug)]
pub struct Settings {
    host: Arc<Host>,
    instance: String,
    workload: Place,
    workload_at: Option<PathBuf>,
    through: Vec<String>,
    pub(super) admin_port: u16,
    mesh_config: PathBuf,
    resource: String,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Settings {
    /// The daemon of a host that is the virtual node of the same name in the mesh `apps`.
    pub fn new(host: &Arc<Host>, documents: &Documents) -> Self {
        Self {
            host: Arc::clone(host),
            instance: host.id().to_owned(),
            workload: Place::Workload,
            workload_at: None,
            through: Vec::new(),
            admin_port: ADMIN_PORT,
            mesh_config: documents.directory().to_owned(),
            resource: format!("mesh/apps/virtualNode/{}", host.name()),
            arguments: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// A second daemon on the same host, with a workload in another place of it and with ports of
    /// its own.
    #[must_use]
    pub fn second(mut self, workload: Place) -> Self {
        self.instance.push_str("-2");
        self.workload = workload;
        self.admin_port += 10;
        let ports = [
            "--egress-port",
            "15101",
            "--ingress-port",
            "15100",
            "--admin-port",
        ];
        let admin_port = self.admin_port.to_string();
        self.args(ports.into_iter().chain([admin_port.as_str()]))
    }

    /// As another virtual node of the mesh `apps` than that of the host's name.
    #[must_use]
    pub fn node(mut self, node: &str) -> Self {
        self.resource = format!("mesh/apps/virtualNode/{node}");
        self
    }

    /// With more arguments.
    #[must_use]
    pub fn args<S: Into<String>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Started by another program, which is given the command as its last arguments.
    #[must_use]
    pub fn through<S: Into<String>>(mut self, words: impl IntoIterator<Item = S>) -> Self {
        self.through = words.into_iter().map(Into::into).collect();
        self
    }

    /// With the workload's cgroup where the daemon sees it, which may not be where the test does.
    #[must_use]
    pub fn workload_at(mut self, path: impl Into<PathBuf>) -> Self {
        self.workload_at = Some(path.into());
        self
    }

    /// With a variable of the App Mesh proxy or route manager.
    #[must_use]
    pub fn env(mut self, variable: &str, value: impl Into<String>) -> Self {
        self.environment.push((variable.to_owned(), value.into()));
        self
    }

    /// With new connections going direct while the daemon is down.
    #[must_use]
    pub fn bypass(self) -> Self {
        self.args(["--on-proxy-down", "bypass"])
    }

    /// With an Envoy as the proxy, in the host's place for it.
    #[must_use]
    pub fn external_proxy(self) -> Self {
        let cgroup = self
            .host
            .cgroup(Place::Proxy)
            .to_string_lossy()
            .into_owned();
        self.args(["--proxy", "external", "--proxy-cgroup", &cgroup])
    }

    /// The host on which it runs.
    pub fn host(&self) -> &Arc<Host> {
        &self.host
    }

    /// The name under which its pins and its control socket are.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// Where it keeps what outlives it.
    pub fn state_dir(&self) -> PathBuf {
        self.host
            .directory()
            .join(format!("state-{}", self.instance))
    }

    /// The command line.
    pub fn command(&self) -> Result<Command> {
        self.command_of("run")
    }

    fn command_of(&self, subcommand: &str) -> Result<Command> {
        let mut words = self
            .through
            .iter()
            .map(Into::into)
            .collect::<Vec<OsString>>();
        words.push(binary()?.into());
        let mut command = self.host.command(Place::Daemon, &words[0]);
        let workload = self.host.cgroup(self.workload);
        command
            .args(&words[1..])
            .args([subcommand, "--instance", self.instance(), "--mesh-config"])
            .arg(&self.mesh_config)
            .args(["--resource", &self.resource, "--workload-cgroup"])
            .arg(self.workload_at.as_deref().unwrap_or(workload))
            .arg("--resolv-conf")
            .arg(self.host.directory().join("resolv.conf"))
            .arg("--state-dir")
            .arg(self.state_dir())
            .args(&self.arguments)
            .envs(
                self.environment
                    .iter()
                    .map(|(variable, value)| (variable, value)),
            );
        if without_redirect() {
            // A port that no application of a test has, so that no port in use is steered.
            command.env("APPMESH_APP_PORTS", "9");
        }
        Ok(command)
    }

    /// Starts it and waits until `/ready` answers 200.
    pub fn start(self) -> Result<Daemon> {
        let mut daemon = self.launch()?;
        daemon.wait_ready()?;
        Ok(daemon)
    }

    /// `ferromesh arm` with the same settings, to its end.
    pub fn arm(&self) -> Result<process::Output> {
        process::output(&mut self.command_of("arm")?)
    }

    /// Starts it without waiting for anything.
    pub fn launch(self) -> Result<Daemon> {
        let process = self.spawn()?;
        Ok(Daemon {
            settings: self,
            process,
            detached: false,
        })
    }

    pub(super) fn spawn(&self) -> Result<Process> {
        let log = self
            .host
            .directory()
            .join(format!("daemon-{}.log", self.instance));
        Process::spawn("ferromesh run", self.command()?, &log)
    }
}
