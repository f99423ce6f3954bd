//! Documents that become the configuration of a daemon, over starts and changes.

mod rollback;
mod start;

use std::{fs, path::Path};

use clap::Parser as _;
use mesh_config::source::directory::Directory;
use tempfile::TempDir;

use super::*;
use crate::{
    cli::{Cli, Command},
    settings::{Environment, Settings},
};

/// A daemon's directories, and the daemon's configuration started over them again and again.
struct Scene {
    directory: TempDir,
    flags: Vec<&'static str>,
}

impl Scene {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        fs::create_dir(directory.path().join("mesh")).expect("a directory");
        Self {
            directory,
            flags: Vec::new(),
        }
    }

    fn at(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    fn settings(&self) -> Settings {
        let (mesh, state) = (self.at("mesh"), self.at("state"));
        let own = [
            "ferromesh",
            "run",
            "--mesh-config",
            &mesh,
            "--state-dir",
            &state,
            "--workload-cgroup",
            "/c",
            "--resource",
            "mesh/apps/virtualNode/a",
        ];
        let cli = Cli::try_parse_from(own.iter().chain(&self.flags)).expect("valid flags");
        let Command::Run(args) = cli.command else {
            panic!("not run")
        };
        Settings::new(*args, &Environment::new()).expect("valid settings")
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(Path::new(&self.at("mesh")).join(name), text).expect("written");
    }

    /// The node as it listens on one port.
    fn listen(&self, port: u16) {
        self.write("a.json", &node("a", &port.to_string()));
    }

    fn start(&self) -> Running {
        self.try_start().expect("something to run")
    }

    fn try_start(&self) -> anyhow::Result<Running> {
        let mut directory = Directory::new(self.at("mesh"));
        let settings = self.settings();
        let workload = settings.workload.as_ref().expect("a workload of its own");
        let read = directory
            .read()
            .map_err(|error| Problems(vec![format!("{:#}", anyhow::Error::new(error))]));
        let mut configuration = Configuration::load(workload, &Source::new(&settings), read)?;
        configuration.persist();
        Ok(Running {
            configuration,
            directory,
        })
    }

    /// Cuts a kept generation short.
    fn tear(&self, generation: u64) {
        let path = format!("{}/generations/{generation:08}.json.lz4", self.at("state"));
        let whole = fs::read(&path).expect("kept");
        fs::write(&path, &whole[..whole.len() / 2]).expect("torn");
    }
}

fn node(name: &str, port: &str) -> String {
    format!(
        r#"{{"meshName": "apps", "virtualNodeName": "{name}", "spec": {{
            "listeners": [{{"portMapping": {{"port": {port}, "protocol": "http"}}}}],
            "serviceDiscovery": {{"dns": {{"hostname": "{name}.local"}}}}}}}}"#
    )
}

struct Running {
    configuration: Configuration,
    directory: Directory,
}

impl Running {
    /// Reads the documents as the watch would, and takes them.
    fn take(&mut self) {
        let documents = self.directory.read().expect("readable");
        self.configuration.take(documents);
        self.configuration.persist();
    }

    fn roll_back(&mut self, generation: Option<u64>) -> Result<(), String> {
        let changed = self.configuration.roll_back(generation);
        self.configuration.persist();
        changed.map(drop).map_err(|error| format!("{error:#}"))
    }

    /// The number and the port in force, and what is rolled back to.
    fn state(&self) -> (u64, u16, Option<u64>) {
        let state = self.configuration.lock();
        let mut ports = state.in_force.rules.app_ports.iter().copied();
        let generation = state.in_force.snapshot.generation;
        (
            generation,
            ports.next().expect("a port"),
            state.rolled_back_to,
        )
    }

    fn problems(&self) -> Vec<String> {
        let state = self.configuration.lock();
        let refused = state.refused.as_ref();
        refused.map_or_else(Vec::new, |refused| refused.problems.clone())
    }
}

/// Three generations: ports 8001, 8002 and 8003.
fn three() -> (Scene, Running) {
    let scene = Scene::new();
    scene.listen(8001);
    let mut running = scene.start();
    for port in [8002, 8003] {
        scene.listen(port);
        running.take();
    }
    assert_eq!(running.state(), (3, 8003, None));
    (scene, running)
}
