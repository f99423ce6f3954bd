//! What a workload's load costs another workload: a neighbour sends at a steady, modest rate while
//! another workload floods, once one of its own daemon and once one of a daemon beside it. All of
//! them share the processors in both cases, so the ratio of the two is what sharing the daemon costs.
//!
//! Both daemons run all the time, and the flood changes sides every few seconds: what else the
//! machine does weighs on both. The times of all turns of a side are one distribution; beside nothing
//! the two are measured alike, so their ratio says how well this machine can tell.
//!
//! That traffic went through the proxies is proved by what each of them counted.

mod samples;

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

use self::samples::{Samples, Turn};
use crate::command;

/// The program that makes the loads.
const CLIENT: &str = "neighbour-load";
/// Requests a second of the neighbour, each on a connection of its own.
const RATE: u32 = 500;
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

/// Whose daemon the flood goes through.
#[derive(Clone, Copy, Debug)]
enum Side {
    /// The neighbour's.
    Shared,
    /// Its own.
    Apart,
}

/// What the neighbour met in all turns, by what the other workload did.
type ByFlood = [Samples; Flood::ALL.len()];

/// The hosts of the measurement and what runs on them.
struct Rig {
    client: PathBuf,
    documents: Documents,
    neighbour: Arc<Host>,
    /// They flood, each as the other workload of its [`Side`].
    floods: [Arc<Host>; 2],
    /// The servers of the neighbour and of the flood: they share none.
    servers: [Arc<Host>; 2],
    _web: [WebServer; 2],
    _dns: Dns,
    _network: Network,
}

/// Measures and prints.
pub(super) fn run(rounds: u32) -> Result<()> {
    let rig = Rig::set_up()?;
    let daemon = Settings::new(&rig.neighbour, &rig.documents)
        .node("serviceA")
        .start()?;
    rig.enrol_beside_the_neighbour(&daemon)?;
    let _apart = Settings::new(&rig.floods[Side::Apart as usize], &rig.documents)
        .node("serviceA")
        .start()?;
    let mut met = ByFlood::default();
    for round in 1..=rounds {
        eprintln!("bench: round {round} of {rounds}");
        for flood in Flood::ALL {
            let turn = rig
                .turn(&daemon, flood, round % 2 == 0)
                .with_context(|| format!("beside {}", flood.describe()))?;
            met[flood as usize].add(turn);
        }
    }
    print(&met, rounds);
    Ok(())
}

impl Rig {
    fn set_up() -> Result<Self> {
        let client = command::build_test_program(CLIENT)?;
        let mut network = Network::create(Purpose::Bench)?;
        let neighbour = network.add_host("neighbour")?;
        let floods = [network.add_host("shared")?, network.add_host("apart")?];
        let servers = [network.add_host("serviceB")?, network.add_host("serviceA")?];
        let mut dns = Dns::start(&network)?;
        for server in &servers {
            dns.set(&server.name().to_lowercase(), &[server.v4().into()])?;
        }
        let web = |host: &Arc<Host>| {
            WebServer::start(host, Place::Outside, host.name(), &[(80, Speaks::Http2)])
        };
        Ok(Self {
            client,
            documents: documents(&network)?,
            neighbour,
            floods,
            _web: [web(&servers[0])?, web(&servers[1])?],
            servers,
            _dns: dns,
            _network: network,
        })
    }

    /// One turn of each side, right after each other.
    fn turn(&self, daemon: &Daemon, flood: Flood, shared_first: bool) -> Result<Turn> {
        let measure = |side| self.measure(daemon, flood, side);
        let (shared, apart) = if shared_first {
            let shared = measure(Side::Shared)?;
            (shared, measure(Side::Apart)?)
        } else {
            let apart = measure(Side::Apart)?;
            (measure(Side::Shared)?, apart)
        };
        Ok(Turn { shared, apart })
    }

    /// Has the neighbour's daemon serve the flood of its side, too, in a namespace of its own.
    fn enrol_beside_the_neighbour(&self, daemon: &Daemon) -> Result<()> {
        let other = &self.floods[Side::Shared as usize];
        let root = other.directory().join("root");
        fs::create_dir_all(root.join("etc")).context("cannot make a directory")?;
        fs::copy(
            other.directory().join("resolv.conf"),
            root.join("etc/resolv.conf"),
        )
        .context("cannot copy resolv.conf")?;
        let mut add = Command::new(daemon::binary()?);
        add.args(["workload", "add", "other", "--instance", daemon.instance()])
            .args(["--resource", "mesh/apps/virtualNode/serviceA", "--cgroup"])
            .arg(other.cgroup(Place::Workload))
            .arg("--netns")
            .arg(other.netns().path())
            .arg("--files-root")
            .arg(root);
        process::run(&mut add)?;
        Ok(())
    }

    /// What the neighbour met, in microseconds, and the proof that proxies had all of it.
    fn measure(&self, daemon: &Daemon, flood: Flood, side: Side) -> Result<Vec<u32>> {
        let other = &self.floods[side as usize];
        let requests = daemon.stat(FROM_APPLICATION)?;
        let clients = clients_of(other)?;
        let flooding = || -> Result<u64> {
            if flood == Flood::None {
                return Ok(0);
            }
            let mut client = self.client(other, flood.word(), 1, THREADS, SECONDS + 1);
            let opened = process::run(&mut client)?;
            opened.trim().parse().context("a number of connections")
        };
        let (steady, opened) = thread::scope(|scope| {
            let flooding = scope.spawn(flooding);
            let steady =
                process::run(&mut self.client(&self.neighbour, "steady", 0, RATE, SECONDS));
            let opened = flooding.join().ok().context("the flood panicked");
            Ok::<_, anyhow::Error>((steady?, opened??))
        })?;
        let times: Vec<u32> = steady
            .split_whitespace()
            .map(|time| time.parse().context("microseconds"))
            .collect::<Result<_>>()?;
        let counted = daemon.stat(FROM_APPLICATION)? - requests;
        let sent = times.len() as u64;
        ensure!(
            counted == sent,
            "{counted} of {sent} requests passed the neighbour's proxy"
        );
        // The last connections of a flood may be counted a moment after it has ended.
        wait::until_true("the other's proxy to have counted the flood", || {
            Ok(clients_of(other)? - clients >= opened)
        })?;
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

/// Connections that the proxy of a flooding workload has accepted from it.
fn clients_of(other: &Host) -> Result<u64> {
    let mut curl = other.netns().command("curl");
    curl.args(["--disable", "--silent", "--fail", "--noproxy", "*"])
        .arg(format!("http://127.0.0.1:{ADMIN_PORT}/stats"));
    let stats = process::run(&mut curl)?;
    let value = stats
        .lines()
        .find_map(|line| line.strip_prefix(CLIENTS)?.strip_prefix(": ")?.parse().ok());
    Ok(value.unwrap_or(0))
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

fn print(met: &ByFlood, rounds: u32) {
    println!(
        "a neighbour with {RATE} requests/s, each on a connection of its own; beside it {THREADS} \
         threads that flood;\nmicroseconds, of {rounds} turns of {SECONDS} s on each side"
    );
    println!(
        "{:<18}{:>26}{:>26}{:>8}{:>8}",
        "beside", "one daemon: p50, p99", "two daemons: p50, p99", "p50", "p99"
    );
    for flood in Flood::ALL {
        let samples = &met[flood as usize];
        let side = |of: fn(&Turn) -> &[u32]| {
            format!(
                "{}, {}",
                samples.percentile(of, 50),
                samples.percentile(of, 99)
            )
        };
        let [low, p99, high] = samples.ratio(99);
        println!(
            "{:<18}{:>26}{:>26}{:>8.2}{p99:>8.2} [{low:.2}, {high:.2}]  {}",
            flood.describe(),
            side(|turn| &turn.shared),
            side(|turn| &turn.apart),
            samples.ratio(50)[1],
            if low > BOUND {
                "above the bound"
            } else if high > BOUND {
                "this run cannot tell"
            } else {
                "within the bound"
            }
        );
    }
    println!(
        "the last numbers are the ratio of one daemon to two, which is what sharing it costs, and \
         between what bounds nine of ten runs would have it; at most {BOUND:.2} at p99"
    );
    println!(
        "the proxies counted every request of the neighbour and every connection of the flood"
    );
}
