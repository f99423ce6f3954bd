//! What a workload's load costs another workload: a neighbour sends at a steady, modest rate while
//! the other floods, once through the same daemon and once through a daemon of its own. All of them
//! share the processors in both cases, so the ratio of the two is what sharing the daemon costs.
//!
//! The two ways are measured one right after the other, in turn first and second, and the ratio is
//! taken of each such pair: what else the machine does lasts longer than a pair, and weighs on both.
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

use crate::command;

/// The program that makes the loads.
const CLIENT: &str = "neighbour-load";
/// Requests a second of the neighbour, each on a connection of its own.
const RATE: u32 = 500;
/// How long each measurement takes, in seconds.
const SECONDS: u32 = 4;
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

/// A time's 50th and 99th percentile, in microseconds.
#[derive(Clone, Copy, Debug)]
struct Percentiles {
    p50: u64,
    p99: u64,
}

/// What the neighbour met beside one flood, right after each other.
#[derive(Clone, Copy, Debug)]
struct Pair {
    one_daemon: Percentiles,
    two_daemons: Percentiles,
}

/// The pairs of all rounds, by what the other workload did.
type ByFlood = [Vec<Pair>; Flood::ALL.len()];

/// The hosts of the measurement and what runs on them.
struct Rig {
    client: PathBuf,
    documents: Documents,
    neighbour: Arc<Host>,
    other: Arc<Host>,
    /// The servers of the neighbour and of the other: they share none.
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
    let mut pairs = ByFlood::default();
    for round in 1..=rounds {
        eprintln!("bench: round {round} of {rounds}");
        for flood in Flood::ALL {
            let pair = rig
                .measure_pair(&daemon, flood, round % 2 == 0)
                .with_context(|| format!("beside {}", flood.describe()))?;
            pairs[flood as usize].push(pair);
        }
    }
    print(&pairs, rounds);
    Ok(())
}

impl Rig {
    fn set_up() -> Result<Self> {
        let client = command::build_test_program(CLIENT)?;
        let mut network = Network::create(Purpose::Bench)?;
        let neighbour = network.add_host("neighbour")?;
        let other = network.add_host("other")?;
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
            other,
            _web: [web(&servers[0])?, web(&servers[1])?],
            servers,
            _dns: dns,
            _network: network,
        })
    }

    fn measure_pair(&self, daemon: &Daemon, flood: Flood, shared_first: bool) -> Result<Pair> {
        let shared = || -> Result<Percentiles> {
            self.enrol_the_other(daemon)?;
            let met = self.measure(daemon, flood)?;
            release_the_other(daemon)?;
            Ok(met)
        };
        let separate = || -> Result<Percentiles> {
            let _beside = Settings::new(&self.other, &self.documents)
                .node("serviceA")
                .start()?;
            self.measure(daemon, flood)
        };
        Ok(if shared_first {
            Pair {
                one_daemon: shared()?,
                two_daemons: separate()?,
            }
        } else {
            let two_daemons = separate()?;
            Pair {
                one_daemon: shared()?,
                two_daemons,
            }
        })
    }

    /// Has the neighbour's daemon serve the other workload, too, in its own namespace.
    fn enrol_the_other(&self, daemon: &Daemon) -> Result<()> {
        let root = self.other.directory().join("root");
        fs::create_dir_all(root.join("etc")).context("cannot make a directory")?;
        fs::copy(
            self.other.directory().join("resolv.conf"),
            root.join("etc/resolv.conf"),
        )
        .context("cannot copy resolv.conf")?;
        let mut add = Command::new(daemon::binary()?);
        add.args(["workload", "add", "other", "--instance", daemon.instance()])
            .args(["--resource", "mesh/apps/virtualNode/serviceA", "--cgroup"])
            .arg(self.other.cgroup(Place::Workload))
            .arg("--netns")
            .arg(self.other.netns().path())
            .arg("--files-root")
            .arg(root);
        process::run(&mut add)?;
        Ok(())
    }

    /// What the neighbour met, and the proof that proxies had all of it.
    fn measure(&self, daemon: &Daemon, flood: Flood) -> Result<Percentiles> {
        let requests = daemon.stat(FROM_APPLICATION)?;
        let clients = self.clients_of_the_other()?;
        let flooding = || -> Result<u64> {
            if flood == Flood::None {
                return Ok(0);
            }
            let mut client = self.client(&self.other, flood.word(), 1, THREADS, SECONDS + 1);
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
        let numbers: Vec<u64> = steady
            .split_whitespace()
            .map(|number| number.parse().context("a number"))
            .collect::<Result<_>>()?;
        let [sent, p50, p99] = numbers[..] else {
            anyhow::bail!("the neighbour's client printed {steady:?}");
        };
        let counted = daemon.stat(FROM_APPLICATION)? - requests;
        ensure!(
            counted == sent,
            "{counted} of {sent} requests passed the neighbour's proxy"
        );
        // The last connections of a flood may be counted a moment after it has ended.
        wait::until_true("the other's proxy to have counted the flood", || {
            Ok(self.clients_of_the_other()? - clients >= opened)
        })?;
        Ok(Percentiles { p50, p99 })
    }

    fn clients_of_the_other(&self) -> Result<u64> {
        let mut curl = self.other.netns().command("curl");
        curl.args(["--disable", "--silent", "--fail", "--noproxy", "*"])
            .arg(format!("http://127.0.0.1:{ADMIN_PORT}/stats"));
        let stats = process::run(&mut curl)?;
        let value = stats
            .lines()
            .find_map(|line| line.strip_prefix(CLIENTS)?.strip_prefix(": ")?.parse().ok());
        Ok(value.unwrap_or(0))
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

fn release_the_other(daemon: &Daemon) -> Result<()> {
    let mut remove = Command::new(daemon::binary()?);
    remove
        .args(["workload", "remove", "other", "--now", "--instance"])
        .arg(daemon.instance());
    process::run(&mut remove)?;
    Ok(())
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

fn print(pairs: &ByFlood, rounds: u32) {
    println!(
        "a neighbour with {RATE} requests/s, each on a connection of its own; beside it {THREADS} \
         threads that flood;\nmedians of {rounds} pairs in turn [lower, upper quartile], microseconds"
    );
    println!(
        "{:<18}{:>26}{:>26}{:>8}{:>8}",
        "beside", "one daemon: p50, p99", "two daemons: p50, p99", "p50", "p99"
    );
    for flood in Flood::ALL {
        let pairs = &pairs[flood as usize];
        let side = |of: fn(&Pair) -> Percentiles| {
            let part = |part: fn(Percentiles) -> u64| quartiles(pairs.iter().map(|p| part(of(p))));
            format!("{}, {}", part(|p| p.p50)[1], part(|p| p.p99)[1])
        };
        let ratios = |part: fn(Percentiles) -> u64| {
            quartiles(
                pairs
                    .iter()
                    .map(|pair| ratio(part(pair.one_daemon), part(pair.two_daemons))),
            )
        };
        let (p50, [low, p99, high]) = (ratios(|p| p.p50)[1], ratios(|p| p.p99));
        println!(
            "{:<18}{:>26}{:>26}{p50:>8.2}{p99:>8.2} [{low:.2}, {high:.2}]{}",
            flood.describe(),
            side(|pair| pair.one_daemon),
            side(|pair| pair.two_daemons),
            if p99 > BOUND { "  above the bound" } else { "" }
        );
    }
    println!(
        "the last numbers are the medians of each pair's ratio of one daemon to two, which is what \
         sharing it costs; at most {BOUND:.2} at p99"
    );
    println!(
        "the proxies counted every request of the neighbour and every connection of the flood"
    );
}

/// The lower quartile, the median and the upper quartile; the lower one of two.
fn quartiles<T: PartialOrd + Copy>(values: impl Iterator<Item = T>) -> [T; 3] {
    let mut values: Vec<T> = values.collect();
    values.sort_by(|a, b| a.partial_cmp(b).expect("no time is nothing"));
    [1, 2, 3].map(|quarter| values[(values.len() - 1) * quarter / 4])
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of some seconds")]
fn ratio(one: u64, two: u64) -> f64 {
    one as f64 / two as f64
}
