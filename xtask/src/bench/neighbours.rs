//! What a workload's load costs another workload of the same daemon: two daemons run, each with a
//! neighbour that sends at a steady, modest rate and with a workload that can flood. While one of
//! them floods, both neighbours send: the one shares its daemon with the flood, the other only the
//! machine. The ratio of their times is what sharing the daemon costs.
//!
//! Both neighbours send in the same moments, so what the machine does weighs on both, and the flood
//! changes daemons from turn to turn. The times of all turns of a side are one distribution; beside
//! nothing the two are measured alike, so their ratio says how well this machine can tell.
//!
//! That traffic went through the proxies is proved by what each of them counted.

use std::{fs, path::PathBuf, process::Command, sync::Arc, thread};

use ::tests::{
    daemon::{self, ADMIN_PORT, Daemon, Settings},
    dns::Dns,
    documents::Documents,
    host::{Host, Place},
    network::{Network, Purpose},
    process,
    scenario::FROM_APPLICATION,
    wait,
    web::{Speaks, WebServer},
};
use anyhow::{Context as _, Result, ensure};

use super::samples::{Samples, Turn};
use crate::command;

/// The program that makes the loads.
const CLIENT: &str = "neighbour-load";
/// Requests a second of each neighbour, each on a connection of its own.
const RATE: u32 = 250;
/// How long each turn takes, in seconds.
const SECONDS: u32 = 2;
/// Threads of the flood.
const THREADS: u32 = 4;
/// What sharing the daemon may cost at the 99th percentile.
const BOUND: f64 = 1.10;
/// Connections that a proxy has accepted from its workload.
const CLIENTS: &str = "listener.0.0.0.0_15001.downstream_cx_total";

/// What the other workload does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flood {
    None,
    New,
    Bodies,
    Malformed,
}

impl Flood {
    const ALL: [Self; 4] = [Self::None, Self::New, Self::Bodies, Self::Malformed];

    fn word(self) -> &'static str {
        match self {
            Self::None => "nothing",
            Self::New => "new",
            Self::Bodies => "bodies",
            Self::Malformed => "malformed",
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Self::None => "nothing",
            Self::New => "new connections",
            Self::Bodies => "large bodies",
            Self::Malformed => "malformed input",
        }
    }
}

/// What the neighbours met in all turns, by what the flooding workload did.
type ByFlood = [Samples; Flood::ALL.len()];

/// A daemon and its two workloads, each on a host of its own.
struct Pair {
    daemon: Daemon,
    neighbour: Arc<Host>,
    flood: Arc<Host>,
}

/// The hosts of the measurement and what runs on them.
struct Rig {
    client: PathBuf,
    pairs: [Pair; 2],
    /// The servers of the neighbours and of the floods: they share none.
    servers: [Arc<Host>; 2],
    _web: [WebServer; 2],
    _dns: Dns,
    _network: Network,
}

/// Measures and prints.
pub(super) fn run(rounds: u32) -> Result<()> {
    let rig = Rig::set_up()?;
    let mut met = ByFlood::default();
    for round in 1..=rounds {
        eprintln!("bench: round {round} of {rounds}");
        for flood in Flood::ALL {
            for shared in [0, 1] {
                let turn = rig
                    .turn(flood, shared)
                    .with_context(|| format!("beside {}", flood.describe()))?;
                met[flood as usize].add(turn);
            }
        }
    }
    print(&met, 2 * rounds);
    Ok(())
}

impl Rig {
    fn set_up() -> Result<Self> {
        let client = command::build_test_program(CLIENT)?;
        let mut network = Network::create(Purpose::Bench)?;
        let mut hosts = |name: &str| {
            Ok::<_, anyhow::Error>([
                network.add_host(&format!("{name}0"))?,
                network.add_host(&format!("{name}1"))?,
            ])
        };
        let neighbours = hosts("neighbour")?;
        let floods = hosts("flood")?;
        let servers = [network.add_host("serviceB")?, network.add_host("serviceA")?];
        let mut dns = Dns::start(&network)?;
        for server in &servers {
            dns.set(&server.name().to_lowercase(), &[server.v4().into()])?;
        }
        let web = |host: &Arc<Host>| {
            WebServer::start(host, Place::Outside, host.name(), &[(80, Speaks::Http2)])
        };
        let documents = documents(&network)?;
        let pair = |of: usize| Pair::start(&documents, &neighbours[of], &floods[of]);
        Ok(Self {
            client,
            pairs: [pair(0)?, pair(1)?],
            _web: [web(&servers[0])?, web(&servers[1])?],
            servers,
            _dns: dns,
            _network: network,
        })
    }

    /// What both neighbours met while the workload of one pair floods, in microseconds, and the proof
    /// that the proxies had all of it.
    fn turn(&self, flood: Flood, shared: usize) -> Result<Turn> {
        let [with, without] = [&self.pairs[shared], &self.pairs[1 - shared]];
        let clients = with.flooding_clients()?;
        let flooding = || -> Result<u64> {
            if flood == Flood::None {
                return Ok(0);
            }
            let mut client = self.client(&with.flood, flood.word(), 1, THREADS, SECONDS + 1);
            let opened = process::run(&mut client)?;
            opened.trim().parse().context("a number of connections")
        };
        let (turn, opened) = thread::scope(|scope| {
            let flooding = scope.spawn(flooding);
            let apart = scope.spawn(|| self.steady(without));
            let shared = self.steady(with);
            let opened = flooding.join().ok().context("the flood panicked");
            let apart = apart.join().ok().context("a neighbour panicked");
            let turn = Turn {
                measured: shared?,
                reference: apart??,
            };
            Ok::<_, anyhow::Error>((turn, opened??))
        })?;
        // The last connections of a flood may be counted a moment after it has ended.
        wait::until_true("the proxy to have counted the flood", || {
            Ok(with.flooding_clients()? - clients >= opened)
        })?;
        Ok(turn)
    }

    /// The times of a neighbour's requests, in microseconds: as many as its proxy counted.
    fn steady(&self, pair: &Pair) -> Result<Vec<u32>> {
        let requests = pair.daemon.stat(FROM_APPLICATION)?;
        let met = process::run(&mut self.client(&pair.neighbour, "steady", 0, RATE, SECONDS))?;
        let times: Vec<u32> = met
            .split_whitespace()
            .map(|time| time.parse().context("microseconds"))
            .collect::<Result<_>>()?;
        let counted = pair.daemon.stat(FROM_APPLICATION)? - requests;
        let sent = times.len() as u64;
        ensure!(
            counted == sent,
            "{counted} of {sent} requests passed the neighbour's proxy"
        );
        Ok(times)
    }

    fn client(&self, host: &Host, kind: &str, server: usize, number: u32, seconds: u32) -> Command {
        let server = &self.servers[server];
        let mut command = host.command(Place::Workload, &self.client);
        command
            .args([kind, &format!("{}:80", server.v4())])
            .arg(format!("{}.apps.local", server.name().to_lowercase()))
            .args([number.to_string(), seconds.to_string()]);
        command
    }
}

impl Pair {
    /// Starts the daemon of the neighbour, and has it serve the flooding workload, too, in a
    /// namespace of its own.
    fn start(documents: &Documents, neighbour: &Arc<Host>, flood: &Arc<Host>) -> Result<Self> {
        let daemon = Settings::new(neighbour, documents)
            .node("serviceA")
            .start()?;
        let root = flood.directory().join("root");
        fs::create_dir_all(root.join("etc")).context("cannot make a directory")?;
        fs::copy(
            flood.directory().join("resolv.conf"),
            root.join("etc/resolv.conf"),
        )
        .context("cannot copy resolv.conf")?;
        let mut add = Command::new(daemon::binary()?);
        add.args(["workload", "add", "other", "--instance", daemon.instance()])
            .args(["--resource", "mesh/apps/virtualNode/serviceA", "--cgroup"])
            .arg(flood.cgroup(Place::Workload))
            .arg("--netns")
            .arg(flood.netns().path())
            .arg("--files-root")
            .arg(root);
        process::run(&mut add)?;
        Ok(Self {
            daemon,
            neighbour: Arc::clone(neighbour),
            flood: Arc::clone(flood),
        })
    }

    /// Connections that the proxy of the flooding workload has accepted from it.
    fn flooding_clients(&self) -> Result<u64> {
        let mut curl = self.flood.netns().command("curl");
        curl.args(["--disable", "--silent", "--fail", "--noproxy", "*"])
            .arg(format!("http://127.0.0.1:{ADMIN_PORT}/stats"));
        let stats = process::run(&mut curl)?;
        let value = stats
            .lines()
            .find_map(|line| line.strip_prefix(CLIENTS)?.strip_prefix(": ")?.parse().ok());
        Ok(value.unwrap_or(0))
    }
}

/// The getting-started mesh, in which `serviceA` may call both services, and `serviceB` is one node.
fn documents(network: &Network) -> Result<Documents> {
    const NODE: &str = "create-virtual-node-servicea.json";
    let documents = Documents::getting_started(&network.directory().join("documents"))?;
    documents.set_weights(100, 0)?;
    let both = r#""backends": [
            { "virtualService": { "virtualServiceName": "servicea.apps.local" } },"#;
    let node = documents.read(NODE)?;
    documents.write(NODE, &node.replacen(r#""backends": ["#, both, 1))?;
    Ok(documents)
}

fn print(met: &ByFlood, turns: u32) {
    println!(
        "two neighbours with {RATE} requests/s each, every one on a connection of its own; {THREADS} \
         threads that flood\nthrough the daemon of one of them; microseconds, of {turns} turns of \
         {SECONDS} s"
    );
    println!(
        "{:<18}{}",
        "beside",
        Samples::heading("its daemon", "the other")
    );
    for flood in Flood::ALL {
        let samples = &met[flood as usize];
        println!("{:<18}{}", flood.describe(), samples.row(BOUND));
    }
    println!(
        "the last numbers are the ratio of the two neighbours, which is what sharing the daemon \
         costs, and between\nwhat bounds nine of ten runs would have it; at most {BOUND:.2} at p99"
    );
    println!(
        "the proxies counted every request of the neighbours and every connection of the flood"
    );
}
