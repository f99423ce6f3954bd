//! The daemon of one host: started as a user would, ready, asked for its counters, ended.

mod instance;
mod settings;
mod stats;

use std::{
    fs,
    process::{Command, ExitStatus},
};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, prlimit};
use serde_json::Value;

pub use self::{
    instance::{RUNTIME_DIRECTORY, binary, directories, pins, uninstall},
    settings::Settings,
    stats::Stats,
};
use crate::{
    process::{self, Process},
    wait,
};

/// The port of the admin interface, in the namespace of each workload.
pub const ADMIN_PORT: u16 = 9901;

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
        let netns = self.settings.host().netns();
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
        let mut curl = self.settings.host().netns().command("curl");
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

    /// What `ferromesh status` says of the cluster of a virtual node of the scenario.
    pub fn cluster(&self, node: &str) -> Result<Value> {
        let status = self.ask_json("status")?;
        let name = format!("cds_egress_apps_{node}_http2_80");
        let clusters = status["daemon"]["workloads"][0]["clusters"].as_array();
        let mut clusters = clusters.into_iter().flatten();
        let cluster = clusters.find(|cluster| cluster["name"] == name);
        let cluster = cluster.with_context(|| format!("status has no {name}: {status:#}"))?;
        Ok(cluster.clone())
    }

    /// Waits until `ferromesh status` says of that cluster what is wanted, and gives it.
    pub fn wait_cluster(
        &self,
        node: &str,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        wait::until(format!("{what} of {node}"), || {
            Ok(Some(self.cluster(node)?).filter(&wanted))
        })
    }

    /// The addresses that discovery found for a virtual node of the scenario.
    pub fn endpoints(&self, node: &str) -> Result<Vec<String>> {
        let cluster = self.cluster(node)?;
        let endpoints = cluster["endpoints"].as_array();
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

    /// Changes the source, and waits until a later generation runs than did before.
    pub fn reconfigure(
        &self,
        what: &str,
        change: impl FnOnce() -> Result<()>,
    ) -> Result<Configuration> {
        let before = self.configuration()?.generation;
        change()?;
        self.wait_configuration(what, |now| now.generation > before)
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
