//! The daemon of one host: started as a user would, ready, asked for its counters, ended.

mod instance;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::PathBuf,
    process::{Command, ExitStatus},
    sync::Arc,
};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, prlimit};
use serde_json::Value;

pub use self::instance::{RUNTIME_DIRECTORY, binary, directories, pins, uninstall};
use crate::{
    documents::Documents,
    host::{Host, Place, without_redirect},
    process::{self, Process},
    wait,
};

/// The port of the admin interface, in the namespace of each workload.
pub const ADMIN_PORT: u16 = 9901;

/// How a daemon is started.
#[derive(Clone, Debug)]
pub struct Settings {
    host: Arc<Host>,
    instance: String,
    workload: Place,
    workload_at: Option<PathBuf>,
    through: Vec<String>,
    admin_port: u16,
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

    /// The name under which its pins and its control socket are.
    pub fn instance(&self) -> &str {
        &self.instance
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
            .arg(
                self.host
                    .directory()
                    .join(format!("state-{}", self.instance)),
            )
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

    fn spawn(&self) -> Result<Process> {
        let log = self
            .host
            .directory()
            .join(format!("daemon-{}.log", self.instance));
        Process::spawn("ferromesh run", self.command()?, &log)
    }
}

/// A daemon. Dropping it kills it and uninstalls its instance.
#[derive(Debug)]
pub struct Daemon {
    process: Process,
    settings: Settings,
    detached: bool,
}

impl Daemon {
    /// Waits until `/ready` answers 200.
    pub fn wait_ready(&mut self) -> Result<()> {
        let netns = self.settings.host.netns();
        let url = format!("http://127.0.0.1:{}/ready", self.settings.admin_port);
        wait::until_true("the daemon to be ready", || {
            self.process.ensure_running()?;
            let mut curl = netns.command("curl");
            curl.args(["--disable", "--silent", "--max-time", "5", "--noproxy", "*"])
                .args(["--output", "/dev/null", "--write-out", "%{http_code}", &url]);
            Ok(process::output(&mut curl)?.stdout == "200")
        })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The name under which its pins and its control socket are.
    pub fn instance(&self) -> &str {
        self.settings.instance()
    }

    /// What its admin interface answers to a path.
    pub fn admin(&self, path: &str) -> Result<String> {
        let mut curl = self.settings.host.netns().command("curl");
        curl.args([
            "--disable",
            "--silent",
            "--show-error",
            "--fail",
            "--max-time",
            "10",
        ])
        .args(["--noproxy", "*"])
        .arg(format!(
            "http://127.0.0.1:{}{path}",
            self.settings.admin_port
        ));
        process::run(&mut curl)
    }

    /// All counters and gauges.
    pub fn stats(&self) -> Result<Stats> {
        Ok(Stats::parse(&self.admin("/stats")?))
    }

    /// One counter or gauge; 0 if it has not been counted yet.
    pub fn stat(&self, name: &str) -> Result<u64> {
        Ok(self.stats()?.value(name))
    }

    /// Runs `ferromesh SUBCOMMAND --instance … ARGUMENTS…`.
    pub fn ask(&self, subcommand: &str, arguments: &[&str]) -> Result<process::Output> {
        process::output(&mut self.command(subcommand, arguments)?)
    }

    /// The command that [`Self::ask`] runs.
    pub fn command(&self, subcommand: &str, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(binary()?);
        command
            .args([subcommand, "--instance", self.instance()])
            .args(arguments);
        Ok(command)
    }

    /// The same with `--json`, which has to succeed.
    pub fn ask_json(&self, subcommand: &str) -> Result<Value> {
        let said = self.ask(subcommand, &["--json"])?;
        anyhow::ensure!(
            said.status.success(),
            "{subcommand} failed: {}",
            said.stderr.trim()
        );
        serde_json::from_str(&said.stdout)
            .with_context(|| format!("{subcommand} --json printed {:?}", said.stdout))
    }

    /// Which configuration it runs, as `ferromesh status` says.
    pub fn configuration(&self) -> Result<Configuration> {
        let status = self.ask_json("status")?;
        let said = &status["daemon"]["workloads"][0]["configuration"];
        let read = || {
            let problems = said["problems"].as_array()?.iter();
            Some(Configuration {
                generation: said["generation"].as_u64()?,
                from_last_good: said["from_last_good"].as_bool()?,
                rolled_back_to: said["rolled_back_to"].as_u64(),
                problems: problems
                    .filter_map(|problem| problem.as_str().map(str::to_owned))
                    .collect(),
            })
        };
        read().with_context(|| format!("status has no configuration: {status:#}"))
    }

    /// The addresses that discovery found for a virtual node of the scenario.
    pub fn endpoints(&self, node: &str) -> Result<Vec<String>> {
        let status = self.ask_json("status")?;
        let name = format!("cds_egress_apps_{node}_http2_80");
        let mut clusters = status["daemon"]["workloads"][0]["clusters"]
            .as_array()
            .with_context(|| format!("status has no clusters: {status:#}"))?
            .iter();
        let cluster = clusters.find(|cluster| cluster["name"] == name);
        let endpoints = cluster.and_then(|cluster| cluster["endpoints"].as_array());
        let text = |endpoint: &Value| endpoint.as_str().map(str::to_owned);
        Ok(endpoints.into_iter().flatten().filter_map(text).collect())
    }

    /// Waits until the configuration that it runs is as `wanted` says.
    pub fn wait_configuration(
        &self,
        what: &str,
        wanted: impl Fn(&Configuration) -> bool,
    ) -> Result<Configuration> {
        wait::until(what, || Ok(Some(self.configuration()?).filter(&wanted)))
    }

    /// Ends it with SIGKILL.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()
    }

    /// Asks it to drain and end.
    pub fn terminate(&mut self) -> Result<()> {
        self.process.signal(Signal::TERM)
    }

    /// Stops it from running, or lets it run on, as a debugger would.
    pub fn freeze(&mut self, frozen: bool) -> Result<()> {
        let signal = if frozen { Signal::STOP } else { Signal::CONT };
        self.process.signal(signal)
    }

    /// Leaves it no descriptor beside those that it has, or as many as this process may have.
    pub fn starve(&self, starved: bool) -> Result<()> {
        let plenty = getrlimit(Resource::Nofile);
        let limit = if starved {
            let held = format!("/proc/{}/fd", self.pid());
            let held = fs::read_dir(&held).with_context(|| format!("cannot read {held}"))?;
            // None of those below is free.
            Rlimit {
                current: Some(held.count() as u64 / 2),
                ..plenty
            }
        } else {
            plenty
        };
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        prlimit(pid, Resource::Nofile, limit).context("cannot limit descriptors")?;
        Ok(())
    }

    /// Waits for it to end by itself.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        self.process.wait(wait::DEADLINE)
    }

    /// Starts it again after it has ended, and waits until it is ready.
    pub fn restart(&mut self) -> Result<()> {
        anyhow::ensure!(!self.process.is_running()?, "the daemon still runs");
        self.process = self.settings.spawn()?;
        self.wait_ready()
    }

    /// [`Daemon::restart`] of the same instance with other settings.
    pub fn restart_with(&mut self, settings: Settings) -> Result<()> {
        anyhow::ensure!(settings.instance() == self.instance(), "another instance");
        self.settings = settings;
        self.restart()
    }

    /// Leaves it running when this guard is dropped.
    pub fn detach(&mut self) {
        self.detached = true;
        self.process.detach();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.detached {
            return;
        }
        if std::thread::panicking() {
            eprintln!("log of {}:\n{}", self.instance(), self.process.log());
        }
        let ended = self
            .process
            .kill()
            .and_then(|()| uninstall(self.settings.instance()));
        if let Err(error) = ended {
            eprintln!("{error:#}");
        }
    }
}

/// The configuration of a daemon at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// Counts up with each configuration that came into force.
    pub generation: u64,
    /// The source was bad when the daemon started: it runs the last good one from disk.
    pub from_last_good: bool,
    /// The generation that was rolled back to, while that holds.
    pub rolled_back_to: Option<u64>,
    /// What is wrong with the source now.
    pub problems: Vec<String>,
}

/// Counters and gauges by Envoy's names, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats(BTreeMap<String, u64>);

impl Stats {
    /// Reads the text of `/stats`, one `name: value` a line; what is no number is left out.
    fn parse(text: &str) -> Self {
        let line = |line: &str| {
            let (name, value) = line.rsplit_once(": ")?;
            Some((name.to_owned(), value.trim().parse().ok()?))
        };
        Self(text.lines().filter_map(line).collect())
    }

    /// One value; 0 if it has not been counted yet.
    pub fn value(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
