//! The hosts of the soak: a node with the daemon, eight workloads and the guests in network
//! namespaces of their own, and a host of peers.

use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ::tests::{
    daemon::{ADMIN_PORT, binary, directories, uninstall},
    dns::Dns,
    host::{Host, Place},
    network::{Network, Purpose},
    process::{self, Process},
    wait,
};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{
    GUESTS, IN, OUT, WORKLOADS,
    documents::{self, APP_PORT, SERVICE_PORT, TOGGLED_PORT, server_port},
    judge::DECOY,
    samples::{self, Sample},
};

/// The program at both ends of every connection.
pub(super) const PEER: &str = "soak-peer";

/// Everything that runs but the load.
pub(super) struct Fleet {
    // Fields are dropped in this order: processes before the hosts they run on.
    daemon: Mutex<Process>,
    _servers: Vec<Process>,
    _dns: Dns,
    pub(super) workloads: Vec<Arc<Host>>,
    pub(super) guests: Vec<Arc<Host>>,
    pub(super) peers: Arc<Host>,
    node: Arc<Host>,
    network: Network,
    peer: PathBuf,
}

/// The clients of one run.
pub(super) struct Loads(Vec<(String, Process, PathBuf)>);

impl Fleet {
    /// Starts all of it, with every workload enrolled and ready. `peer` is the program of that name.
    pub(super) fn set_up(peer: PathBuf) -> Result<Self> {
        let mut network = Network::create(Purpose::Bench)?;
        let node = network.add_host("node")?;
        let peers = network.add_host("peers")?;
        let mut hosts = |name: &str, count: usize| -> Result<Vec<_>> {
            let numbers = 1..=count;
            numbers
                .map(|number| network.add_host(&format!("{name}{number}")))
                .collect()
        };
        let (workloads, guests) = (hosts("w", WORKLOADS)?, hosts("guest", GUESTS)?);
        let mut dns = Dns::start(&network)?;
        dns.set("peers", &[IpAddr::V4(peers.v4())])?;
        dns.set("app", &[IpAddr::V4(node.v4())])?;
        documents::write(&network.directory().join("documents"), WORKLOADS)?;
        let servers = servers(&peer, &peers, &workloads)?;
        write_enrolments(&network, &workloads, None)?;
        let fleet = Self {
            daemon: Mutex::new(spawn_daemon(&network, &node)?),
            _servers: servers,
            _dns: dns,
            workloads,
            guests,
            peers,
            node,
            network,
            peer,
        };
        fleet.wait_ready()?;
        Ok(fleet)
    }

    /// Waits until every workload's admin interface says that it is ready.
    pub(super) fn wait_ready(&self) -> Result<()> {
        for host in &self.workloads {
            wait::until_true(format!("{} to be ready", host.name()), || {
                self.daemon().ensure_running()?;
                let url = format!("http://127.0.0.1:{ADMIN_PORT}/ready");
                let mut curl = host.netns().command("curl");
                curl.args(["--disable", "--silent", "--fail", "--max-time", "5", &url]);
                Ok(process::output(&mut curl)?.status.success())
            })?;
        }
        Ok(())
    }

    /// Kills the daemon and starts it again.
    pub(super) fn replace_daemon(&self) -> Result<()> {
        let mut daemon = self.daemon();
        daemon.kill()?;
        *daemon = spawn_daemon(&self.network, &self.node)?;
        Ok(())
    }

    fn daemon(&self) -> MutexGuard<'_, Process> {
        self.daemon.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the daemon now.
    pub(super) fn sample(&self) -> Result<Sample> {
        samples::of(self.daemon().pid())
    }

    /// Has a workload ignore the toggled port, and no other.
    pub(super) fn ignore_toggled(&self, workload: usize) -> Result<()> {
        write_enrolments(&self.network, &self.workloads, Some(workload))
    }

    /// `ferromesh WORDS… --instance …`
    pub(super) fn ask(&self, words: &[&str]) -> Result<process::Output> {
        let mut command = Command::new(binary()?);
        command.args(words).args(["--instance", self.node.id()]);
        process::output(&mut command)
    }

    /// How many entries a map of connections has.
    fn entries(&self, map: &str) -> Result<u64> {
        let said = self.ask(&["status", "--json"])?;
        let status: Value = serde_json::from_str(&said.stdout)
            .with_context(|| format!("status said {:?} {}", said.stdout, said.stderr))?;
        let maps = status["kernel"]["maps"].as_array().cloned();
        let mut maps = maps.unwrap_or_default().into_iter();
        let found = maps.find(|shown| shown["name"] == map);
        let entries = found.and_then(|shown| shown["entries"].as_u64());
        entries.with_context(|| format!("status does not say how full {map} is"))
    }

    /// Waits until no connection is in the maps, and says how many descriptors the daemon has.
    pub(super) fn settled(&self) -> Result<usize> {
        for map in ["FLOWS", "CONNECTIONS"] {
            wait::until_true(format!("{map} to be empty"), || Ok(self.entries(map)? == 0))?;
        }
        Ok(self.sample()?.descriptors)
    }

    /// Starts the clients; they end by themselves.
    pub(super) fn start_loads(&self, phase: &str, duration: Duration) -> Result<Loads> {
        let mut loads = Vec::new();
        for (host, targets) in self.workloads.iter().zip(self.targets_out()) {
            loads.push(self.load(phase, host, Place::Workload, OUT, duration, &targets)?);
        }
        let own = |(index, host): (usize, &Arc<Host>)| {
            format!("{}:{APP_PORT}/app.apps.local=app-{}", host.v4(), index + 1)
        };
        let targets: Vec<String> = self.workloads.iter().enumerate().map(own).collect();
        loads.push(self.load(phase, &self.peers, Place::Outside, IN, duration, &targets)?);
        Ok(Loads(loads))
    }

    /// What each workload dials: its services at the address of another, and every server as it is.
    fn targets_out(&self) -> Vec<Vec<String>> {
        let peers = self.peers.v4();
        let of = |number: usize| {
            let service = format!("{peers}:{SERVICE_PORT}/service.apps.local=server-{number}");
            let mut targets = Vec::new();
            for other in 1..=WORKLOADS {
                targets.push(service.clone());
                targets.push(format!("{peers}:{}/raw=server-{other}", server_port(other)));
            }
            targets.push(format!(
                "{peers}:{TOGGLED_PORT}/toggled.apps.local=server-{number}|{DECOY}"
            ));
            targets
        };
        (1..=WORKLOADS).map(of).collect()
    }

    fn load(
        &self,
        phase: &str,
        host: &Arc<Host>,
        place: Place,
        rate: usize,
        duration: Duration,
        targets: &[String],
    ) -> Result<(String, Process, PathBuf)> {
        let log = self
            .network
            .directory()
            .join(format!("{phase}-{}", host.name()));
        let mut command = host.command(place, &self.peer);
        command.args(["load", &rate.to_string(), &duration.as_secs().to_string()]);
        command.args(targets);
        let process = Process::spawn(PEER, command, &log)?;
        Ok((host.name().to_owned(), process, log))
    }

    /// The closing records so far, as the daemons wrote them.
    pub(super) fn records(&self) -> Result<String> {
        let path = self.network.directory().join("records.jsonl");
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// Ends the daemon and uninstalls; nothing may be left.
    pub(super) fn end(&mut self) -> Result<()> {
        self.daemon().kill()?;
        uninstall(self.node.id())?;
        for directory in directories(self.node.id())? {
            ensure!(!directory.exists(), "{} is left", directory.display());
        }
        Ok(())
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("{error:#}");
        }
    }
}

impl Loads {
    /// Waits for the clients and gives what each wrote.
    pub(super) fn finish(self, patience: Duration) -> Result<Vec<(String, String)>> {
        let finish = |(name, mut process, log): (String, Process, PathBuf)| {
            let status = process.wait(patience)?;
            let text = fs::read_to_string(&log)?;
            ensure!(status.success(), "the load of {name}: {status}");
            Ok((name, text))
        };
        self.0.into_iter().map(finish).collect()
    }
}

/// Every server says who it is: the decoys, which answer where nothing was redirected, one server
/// for each workload, and the application in each.
fn servers(peer: &Path, peers: &Arc<Host>, workloads: &[Arc<Host>]) -> Result<Vec<Process>> {
    let serve = |host: &Arc<Host>, place, name: &str, ports: &[u16]| {
        let mut command = host.command(place, peer);
        command.args(["serve", name]);
        command.args(ports.iter().map(|port| format!("0.0.0.0:{port}")));
        let log = host.directory().join(format!("serve-{name}"));
        Process::spawn(PEER, command, &log)
    };
    let decoys = serve(peers, Place::Outside, DECOY, &[SERVICE_PORT, TOGGLED_PORT])?;
    let mut servers = vec![decoys];
    for (index, host) in workloads.iter().enumerate() {
        let number = index + 1;
        let name = format!("server-{number}");
        servers.push(serve(peers, Place::Outside, &name, &[server_port(number)])?);
        let name = format!("app-{number}");
        servers.push(serve(host, Place::Workload, &name, &[APP_PORT])?);
    }
    Ok(servers)
}

/// Writes the enrolment file whole; one workload may ignore the toggled port.
fn write_enrolments(
    network: &Network,
    workloads: &[Arc<Host>],
    ignoring: Option<usize>,
) -> Result<()> {
    let enrolment = |(index, host): (usize, &Arc<Host>)| {
        let ignored = if ignoring == Some(index) {
            TOGGLED_PORT.to_string()
        } else {
            String::new()
        };
        json!({
            "name": host.name(),
            "resource": resource(index + 1),
            "cgroup": host.cgroup(Place::Workload),
            "netns": host.netns().path(),
            "environment": { "APPMESH_EGRESS_IGNORED_PORTS": ignored },
        })
    };
    let all: Vec<Value> = workloads.iter().enumerate().map(enrolment).collect();
    let file = network.directory().join("workloads.json");
    let draft = network.directory().join(".workloads.draft");
    fs::write(&draft, json!({ "workloads": all }).to_string())
        .and_then(|()| fs::rename(&draft, &file))
        .with_context(|| format!("cannot write {}", file.display()))
}

/// What a workload is.
pub(super) fn resource(number: usize) -> String {
    format!("mesh/{}/virtualNode/app", documents::mesh(number))
}

fn spawn_daemon(network: &Network, node: &Arc<Host>) -> Result<Process> {
    let directory = network.directory();
    let mut command = node.command(Place::Daemon, binary()?);
    command
        .args(["run", "--instance", node.id(), "--mesh-config"])
        .arg(directory.join("documents"))
        .arg("--workloads")
        .arg(directory.join("workloads.json"))
        .arg("--state-dir")
        .arg(directory.join("state"))
        .arg("--connection-log")
        .arg(directory.join("records.jsonl"));
    Process::spawn("ferromesh run", command, &directory.join("daemon.log"))
}
