//! Connections, requests and bulk to one listener that is reached in several ways: dialled directly,
//! by a process beside a workload, by the redirection of the eBPF programs with few rules and with
//! very many, and by the rules of the guide's iptables script.
//!
//! The redirected ways dial an address that no host has, so that an answer proves the redirection;
//! that nothing else was measured is proved by what the listener counted.

mod rates;

use std::{fs, path::PathBuf, process::Command, sync::Arc, time::Duration};

use ::tests::{
    daemon::Settings,
    documents::Documents,
    host::{Host, Place},
    network::{Network, Purpose},
    process, wait,
    web::counted::{BULK_BYTES, CountedServer, Counts},
};
use anyhow::{Context as _, Result, ensure};

use self::rates::Rates;
use crate::{command, layout};

/// Where the listener is, in the place of the proxy.
const LISTENER: &str = "127.0.0.1:15001";
/// An address of a net for documentation (RFC 5737), which no host of the network has.
const NOWHERE: &str = "203.0.113.1:80";
/// The program that makes the load.
const CLIENT: &str = "connection-load";
/// Rules of the way that has many: networks and ports that nothing dials.
const NETWORKS: u32 = 100_000;
const PORTS: u16 = 60_000;
/// The first of those ports.
const FIRST_PORT: u16 = 1024;

/// How the listener is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Direct,
    Beside,
    Ebpf,
    EbpfLoaded,
    Iptables,
}

impl Way {
    const ALL: [Self; 5] = [
        Self::Direct,
        Self::Beside,
        Self::Ebpf,
        Self::EbpfLoaded,
        Self::Iptables,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Beside => "direct, beside a workload",
            Self::Ebpf => "redirected by eBPF",
            Self::EbpfLoaded => "the same, with many rules",
            Self::Iptables => "the guide's iptables",
        }
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Load {
    Close,
    Kept,
    Bulk,
}

impl Load {
    const ALL: [Self; 3] = [Self::Close, Self::Kept, Self::Bulk];

    /// The word for the client, how many threads it has, and how many exchanges they share.
    fn words(self) -> (&'static str, u64, u64) {
        match self {
            Self::Close => ("close", 4, 4000),
            Self::Kept => ("kept", 16, 24_000),
            Self::Bulk => ("bulk", 2, 32),
        }
    }

    /// What the listener has to count.
    fn counts(self) -> Counts {
        let (_, threads, exchanges) = self.words();
        let (connections, requests) = match self {
            Self::Close => (exchanges, 0),
            Self::Kept | Self::Bulk => (threads, exchanges),
        };
        Counts {
            connections,
            requests,
        }
    }

    /// What an exchange counts as in the figures.
    #[expect(clippy::cast_precision_loss, reason = "some million bytes")]
    fn units(self) -> f64 {
        match self {
            Self::Close | Self::Kept => 1.0,
            Self::Bulk => BULK_BYTES as f64 / 1e6,
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Close => "connects/s",
            Self::Kept => "requests/s",
            Self::Bulk => "MB/s",
        }
    }
}

/// The host of the measurement and what runs on it.
struct Rig {
    server: CountedServer,
    client: PathBuf,
    documents: Documents,
    many_rules: String,
    host: Arc<Host>,
    _network: Network,
}

/// Measures and prints.
pub(super) fn run(rounds: u32) -> Result<()> {
    let mut rig = Rig::set_up()?;
    let mut rates: [[Rates; 3]; 5] = Default::default();
    for round in 1..=rounds {
        eprintln!("bench: round {round} of {rounds}");
        for way in Way::ALL {
            let measured = rig.measure(way).with_context(|| way.name())?;
            for (load, rate) in Load::ALL.into_iter().zip(measured) {
                rates[way as usize][load as usize].add(rate);
            }
        }
    }
    print(&rates, rounds);
    Ok(())
}

impl Rig {
    fn set_up() -> Result<Self> {
        let client = command::build_test_program(CLIENT)?;
        let mut network = Network::create(Purpose::Bench)?;
        let host = network.add_host("serviceA")?;
        let (_, port) = LISTENER.split_once(':').expect("a constant address");
        let port = port.parse().context("a constant port")?;
        let many_rules = network.directory().join("many-rules.env");
        fs::write(&many_rules, rules()).context("cannot write the rules")?;
        Ok(Self {
            server: CountedServer::start(&host, Place::Proxy, port)?,
            client,
            documents: Documents::getting_started(&network.directory().join("documents"))?,
            many_rules: many_rules.to_string_lossy().into_owned(),
            host,
            _network: network,
        })
    }

    /// One turn of a way: a rate for each load.
    ///
    /// Rules and programs are there for their own turn only, so that no way pays for another: with
    /// a packet filter in place connection tracking would see every packet of the namespace.
    fn measure(&mut self, way: Way) -> Result<[f64; 3]> {
        let settings = Settings::new(&self.host, &self.documents).external_proxy();
        match way {
            Way::Direct => self.loads(Place::Outside, LISTENER),
            Way::Beside => {
                let _daemon = settings.start()?;
                self.loads(Place::Outside, LISTENER)
            }
            Way::Ebpf => {
                let _daemon = settings.start()?;
                self.loads(Place::Workload, NOWHERE)
            }
            Way::EbpfLoaded => {
                let many = ["--redirect-from", &self.many_rules];
                let _daemon = settings.args(many).start()?;
                self.loads(Place::Workload, NOWHERE)
            }
            Way::Iptables => {
                let mut script = self.host.netns().command("bash");
                script.arg(layout::networking_script());
                script.env("APPMESH_START_ENABLED", "1");
                process::run(&mut script)?;
                let measured = self.loads(Place::Outside, NOWHERE);
                let mut nft: Command = self.host.netns().command("nft");
                process::run(nft.args(["delete", "table", "ip", "nat"]))?;
                measured
            }
        }
    }

    fn loads(&mut self, place: Place, address: &str) -> Result<[f64; 3]> {
        Ok([
            self.load(place, address, Load::Close)?,
            self.load(place, address, Load::Kept)?,
            self.load(place, address, Load::Bulk)?,
        ])
    }

    /// The rate of one load, and the proof that the listener had all of it and nothing else.
    fn load(&mut self, place: Place, address: &str, load: Load) -> Result<f64> {
        let before = self.server.counts()?;
        let mut client = self.host.command(place, &self.client);
        let (word, threads, exchanges) = load.words();
        client.args([address, &threads.to_string(), &exchanges.to_string(), word]);
        let elapsed: u64 = process::run(&mut client)?
            .trim()
            .parse()
            .context("a time")?;
        let sent = load.counts();
        // Connections that were closed at once may still wait to be accepted.
        let served = wait::until("the listener to have counted", || {
            let now = self.server.counts()?;
            let served = Counts {
                connections: now.connections - before.connections,
                requests: now.requests - before.requests,
            };
            Ok((served.connections >= sent.connections).then_some(served))
        })?;
        ensure!(
            served == sent,
            "the listener counted {served:?}, the client made {sent:?}"
        );
        #[expect(clippy::cast_precision_loss, reason = "some thousand exchanges")]
        let units = exchanges as f64 * load.units();
        Ok(units / Duration::from_micros(elapsed).as_secs_f64())
    }
}

/// Rules as the route manager takes them, of which none is about what is dialled: each has to be
/// looked at, and none ends the search.
fn rules() -> String {
    let networks = (0..NETWORKS).map(|number| {
        let [_, a, b, c] = (number << 4).to_be_bytes();
        format!("10.{a}.{b}.{c}/28")
    });
    let networks: Vec<String> = networks.collect();
    let ports = (FIRST_PORT..FIRST_PORT + PORTS).map(|port| port.to_string());
    let ports: Vec<String> = ports.collect();
    format!(
        "APPMESH_EGRESS_IGNORED_IP={}\nAPPMESH_EGRESS_IGNORED_PORTS={}\n",
        networks.join(","),
        ports.join(",")
    )
}

fn print(rates: &[[Rates; 3]; 5], rounds: u32) {
    println!(
        "one listener (nginx, one worker), medians of {rounds} rounds in turn [lowest, highest], \
         and the ratio to direct"
    );
    for load in Load::ALL {
        let (_, threads, exchanges) = load.words();
        println!("{}, {exchanges} by {threads} threads a round", load.unit());
        let direct = rates[Way::Direct as usize][load as usize].median();
        for way in Way::ALL {
            let rates = &rates[way as usize][load as usize];
            let (median, spread) = (rates.median(), rates.spread());
            let ratio = median / direct;
            println!("  {:<28}{median:>9.0} {spread:<20} {ratio:.2}", way.name());
        }
    }
    println!("many rules: {NETWORKS} networks and {PORTS} ports that are not dialled");
    println!("every exchange of every way was counted by the listener, and the redirected ways");
    println!("dialled {NOWHERE}, an address of no host");
}

#[cfg(test)]
mod tests;
