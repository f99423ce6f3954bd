//! New connections, and requests on kept connections, to one listener that is reached in three
//! ways: dialled directly, by the redirection of the eBPF programs, and by an iptables rule.
//!
//! The redirected ways dial an address that no host has, so that an answer proves the redirection;
//! that nothing else was measured is proved by what the listener counted.

use std::{path::PathBuf, process::Command, sync::Arc, time::Duration};

use ::tests::{
    daemon::Settings,
    documents::Documents,
    host::{Host, Place},
    network::{Network, Purpose},
    process,
    web::counted::CountedServer,
};
use anyhow::{Context as _, Result, ensure};

use crate::{command, layout};

/// Where the listener is, in the place of the proxy.
const LISTENER: &str = "127.0.0.1:15001";
/// An address of a net for documentation (RFC 5737), which no host of the network has.
const NOWHERE: &str = "203.0.113.1:80";
/// Threads of the client.
const THREADS: usize = 16;
/// Connections of one measurement.
const CONNECTIONS: usize = 4000;
/// Requests on kept connections of one measurement.
const REQUESTS: usize = 24_000;

/// How the listener is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Direct,
    Ebpf,
    Iptables,
}

impl Way {
    const ALL: [Self; 3] = [Self::Direct, Self::Ebpf, Self::Iptables];

    fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Ebpf => "redirected by eBPF",
            Self::Iptables => "iptables REDIRECT",
        }
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Load {
    New,
    Kept,
}

impl Load {
    fn requests(self) -> usize {
        match self {
            Self::New => CONNECTIONS,
            Self::Kept => REQUESTS,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Kept => "kept",
        }
    }

    fn connections(self) -> usize {
        match self {
            Self::New => CONNECTIONS,
            Self::Kept => THREADS,
        }
    }
}

/// The host of the measurement and what runs on it.
struct Rig {
    server: CountedServer,
    client: PathBuf,
    documents: Documents,
    host: Arc<Host>,
    _network: Network,
}

/// Rates of one way, one for each round.
#[derive(Default)]
struct Rates {
    new: Vec<f64>,
    kept: Vec<f64>,
}

/// Measures and prints.
pub(super) fn run(rounds: u32) -> Result<()> {
    let mut rig = Rig::set_up()?;
    let mut rates: [Rates; 3] = Default::default();
    for round in 1..=rounds {
        eprintln!("bench: round {round} of {rounds}");
        for way in Way::ALL {
            let measured = rig.measure(way).with_context(|| way.name())?;
            rates[way as usize].new.push(measured[0]);
            rates[way as usize].kept.push(measured[1]);
        }
    }
    print(&mut rates, rounds);
    Ok(())
}

impl Rig {
    fn set_up() -> Result<Self> {
        let mut cargo = command::cargo();
        command::run(
            cargo
                .args(["build", "--release", "--package", "tests", "--bin"])
                .arg(CLIENT),
        )?;
        let mut network = Network::create(Purpose::Bench)?;
        let host = network.add_host("serviceA")?;
        let (_, port) = LISTENER.split_once(':').expect("a constant address");
        let port = port.parse().context("a constant port")?;
        Ok(Self {
            server: CountedServer::start(&host, Place::Proxy, port)?,
            client: layout::target().join("release").join(CLIENT),
            documents: Documents::getting_started(&network.directory().join("documents"))?,
            host,
            _network: network,
        })
    }

    /// One turn of a way: connections and requests per second.
    ///
    /// Rule and programs are there for their own turn only, so that no way pays for another: with
    /// a rule in place connection tracking would see every packet of the namespace.
    fn measure(&mut self, way: Way) -> Result<[f64; 2]> {
        match way {
            Way::Direct => self.loads(Place::Outside, LISTENER),
            Way::Ebpf => {
                let settings = Settings::new(&self.host, &self.documents).external_proxy();
                let daemon = settings.start()?;
                let measured = self.loads(Place::Workload, NOWHERE);
                drop(daemon);
                measured
            }
            Way::Iptables => {
                self.packet_filter(&IPTABLES_RULE)?;
                let measured = self.loads(Place::Outside, NOWHERE);
                self.packet_filter(&["nft", "delete", "table", "ip", "nat"])?;
                measured
            }
        }
    }

    fn loads(&mut self, place: Place, address: &str) -> Result<[f64; 2]> {
        Ok([
            self.load(place, address, Load::New)?,
            self.load(place, address, Load::Kept)?,
        ])
    }

    /// Requests per second of one load, and the proof that the listener had all of it.
    fn load(&mut self, place: Place, address: &str, load: Load) -> Result<f64> {
        let before = self.server.counts()?;
        let mut client = self.host.command(place, &self.client);
        let (threads, requests) = (THREADS.to_string(), load.requests().to_string());
        client.args([address, &threads, &requests, load.word()]);
        let elapsed: u64 = process::run(&mut client)?
            .trim()
            .parse()
            .context("a time")?;
        let after = self.server.counts()?;
        let served = (
            after.connections - before.connections,
            after.requests - before.requests,
        );
        let sent = (load.connections() as u64, load.requests() as u64);
        ensure!(
            served == sent,
            "the listener counted {served:?} connections and requests, the client made {sent:?}"
        );
        #[expect(clippy::cast_precision_loss, reason = "some thousand requests")]
        let requests = load.requests() as f64;
        Ok(requests / Duration::from_micros(elapsed).as_secs_f64())
    }

    fn packet_filter(&self, words: &[&str]) -> Result<()> {
        let mut command: Command = self.host.netns().command(words[0]);
        process::run(command.args(&words[1..]))?;
        Ok(())
    }
}

/// The program that makes the load.
const CLIENT: &str = "connection-load";

/// What the guide's script makes of egress, for the address that is dialled.
const IPTABLES_RULE: [&str; 14] = [
    "iptables",
    "-t",
    "nat",
    "-A",
    "OUTPUT",
    "-p",
    "tcp",
    "-d",
    "203.0.113.1",
    "-j",
    "REDIRECT",
    "--to-ports",
    "15001",
    "-w",
];

fn print(rates: &mut [Rates; 3], rounds: u32) {
    println!(
        "one listener (nginx, one worker), {THREADS} client threads, medians of {rounds} rounds in \
         turn [lowest, highest]"
    );
    let direct = rates[0].medians();
    for way in Way::ALL {
        let rates = &mut rates[way as usize];
        let [new, kept] = rates.medians();
        println!(
            "{:<20}{:>9.0} connections/s {:<18} {:.2}   {:>9.0} requests/s {:<18} {:.2}",
            way.name(),
            new,
            spread(&rates.new),
            new / direct[0],
            kept,
            spread(&rates.kept),
            kept / direct[1],
        );
    }
    println!(
        "the last number of each is the ratio to direct; every request of every way was counted"
    );
    println!("by the listener, and the redirected ways dialled {NOWHERE}, an address of no host");
}

impl Rates {
    fn medians(&mut self) -> [f64; 2] {
        [median(&mut self.new), median(&mut self.kept)]
    }
}

/// The middle of the values, which it sorts; the upper one of two.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The first and the last of sorted values.
fn spread(values: &[f64]) -> String {
    let (low, high) = (values[0], values[values.len() - 1]);
    format!("[{low:.0}, {high:.0}]")
}

#[cfg(test)]
mod tests;
