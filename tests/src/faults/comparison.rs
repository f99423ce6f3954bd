//! A bad endpoint among three good ones, as clients see it with Envoy and with Ferromesh between: the same
//! mesh, the same requests at the same time, and how often each outcome comes.
//!
//! How often is left to chance in part: whose turn it is, when an ejection takes effect. Two shares of so
//! many requests are taken for equal that differ by less than 4.4 standard deviations of what
//! draws of that share would.

mod documents;

use std::{
    collections::BTreeSet,
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use self::documents::{Fault, Service};
use super::{Load, Met, Mix, Protocol, Report, Target};
use crate::{
    daemon::{Daemon, Settings},
    dns::Dns,
    documents::Documents,
    envoy::{self, Envoy},
    host::{Host, Place},
    network::{Network, Purpose},
    process::{self, Process},
    wait,
};

/// Of a normal distribution one value of 90,000 is further from the mean than so many deviations: of some
/// hundred shares that are compared, chance makes one differ once in some hundred runs.
const DEVIATIONS: f64 = 4.4;
/// What both callers dial: an address of no host (RFC 5737), so that only a proxy finds a service.
const DIALLED: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
/// Endpoints that are good.
const GOOD: u8 = 3;
/// The last part of the address of the first good one; the bad ones are behind them.
const FIRST: u8 = 201;
/// Whether routes without a retry policy have App Mesh's.
const DEFAULT_RETRIES: &str = "FERROMESH_DEFAULT_RETRY_POLICY";

/// Both sides, and the services that they call.
#[derive(Debug)]
pub struct Comparison {
    // Fields are dropped in this order: processes before the hosts they run on.
    _envoy: Envoy,
    _daemons: [Daemon; 2],
    _servers: Vec<Process>,
    _dns: Dns,
    envoy: Arc<Host>,
    ferromesh: Arc<Host>,
    peer: PathBuf,
    _network: Network,
}

/// What both sides met.
#[derive(Clone, Debug)]
pub struct Compared {
    /// What Envoy's clients met.
    pub envoy: Report,
    /// What Ferromesh's clients met.
    pub ferromesh: Report,
}

impl Comparison {
    /// Starts everything but the load; `peer` is the program [`super::PEER`], `binary` Envoy.
    pub fn set_up(purpose: Purpose, peer: &Path, binary: &Path) -> Result<Self> {
        let mut network = Network::create(purpose)?;
        let ferromesh = network.add_host("ferromesh")?;
        let envoy = network.add_host("envoy")?;
        let services = network.add_host("endpoints")?;
        let mut dns = Dns::start(&network)?;
        let own = (FIRST..).take(usize::from(GOOD) + Fault::ALL.len());
        let own = own.map(|last| format!("address add 192.0.2.{last}/24 dev eth0"));
        services.netns().configure(&own.collect::<Vec<_>>())?;
        let good: Vec<Ipv4Addr> = (FIRST..FIRST + GOOD).map(at).collect();
        let mut servers = vec![serve(&services, peer, "good", "good", &good)?];
        for (bad, fault) in (FIRST + GOOD..).map(at).zip(Fault::ALL) {
            let name = fault.word();
            servers.push(serve(&services, peer, name, fault.manner(), &[bad])?);
            let addresses = good.iter().chain([&bad]).copied().map(IpAddr::V4);
            dns.set(name, &addresses.collect::<Vec<_>>())?;
        }
        let documents = Documents::empty(&network.directory().join("documents"))?;
        documents::write(&documents)?;
        let settings = |host: &Arc<Host>| {
            let settings = Settings::new(host, &documents).node(documents::CALLER);
            settings.env(DEFAULT_RETRIES, "off")
        };
        let variables = [(DEFAULT_RETRIES, "off")];
        let configuration = envoy::render(documents.directory(), documents::CALLER, &variables)?;
        Ok(Self {
            _envoy: Envoy::start_with(binary, &envoy, &configuration)?,
            _daemons: [
                settings(&ferromesh).start()?,
                settings(&envoy).external_proxy().start()?,
            ],
            _servers: servers,
            _dns: dns,
            envoy,
            ferromesh,
            peer: peer.to_owned(),
            _network: network,
        })
    }

    /// Sends both sides so many requests a second to each service, for so long.
    pub fn run(&self, rate: u32, duration: Duration) -> Result<Compared> {
        let targets: Vec<Target> = Service::all()
            .map(|service| {
                let to = SocketAddr::from((DIALLED, service.protocol.port()));
                (service.protocol, to, service.name())
            })
            .collect();
        let services = u32::try_from(targets.len()).context("a handful of services")?;
        let start = |host| Load::start(&self.peer, host, rate * services, Mix::Plain, &targets);
        let mut loads = [start(&self.envoy)?, start(&self.ferromesh)?];
        wait::until_moment(Instant::now() + duration);
        for load in &mut loads {
            load.ensure_running()?;
        }
        let [envoy, ferromesh] = loads.map(Load::finish);
        Ok(Compared {
            envoy: envoy?,
            ferromesh: ferromesh?,
        })
    }
}

impl Compared {
    /// Whether the faults were met, and every outcome came as often on both sides, but for chance.
    pub fn judge(&self) -> Result<()> {
        let mut wrong = Vec::new();
        for ((name, envoy), (_, ferromesh)) in self.pairs() {
            for word in words(envoy, ferromesh) {
                let [one, other] = [envoy, ferromesh].map(|met| share(met, word));
                if (one - other).abs() > bound(envoy, ferromesh, word) {
                    wrong.push(format!(
                        "{name}: {word}: {one:.3} with Envoy, {other:.3} here"
                    ));
                }
            }
        }
        ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
        for service in Service::all().filter(|service| service.meets_its_fault()) {
            let name = service.name();
            let of_name = |report: &Report| {
                let mut met = report.0.iter();
                met.find(|(target, _)| *target == name)
                    .map_or(0.0, |(_, met)| 1.0 - share(met, "200 good"))
            };
            let [envoy, ferromesh] = [&self.envoy, &self.ferromesh].map(of_name);
            ensure!(
                (0.15..0.35).contains(&envoy) && (0.15..0.35).contains(&ferromesh),
                "{name}: a quarter was to meet the bad one, and {envoy:.3} and {ferromesh:.3} did"
            );
        }
        Ok(())
    }

    fn pairs(&self) -> impl Iterator<Item = (&(String, Met), &(String, Met))> {
        self.envoy.0.iter().zip(&self.ferromesh.0)
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((name, envoy), (_, ferromesh)) in self.pairs() {
            let (one, other) = (envoy.requests(), ferromesh.requests());
            writeln!(
                formatter,
                "{name}: {one} requests with Envoy, {other} with Ferromesh"
            )?;
            for word in words(envoy, ferromesh) {
                let [one, other] = [envoy, ferromesh].map(|met| 100.0 * share(met, word));
                let bound = 100.0 * bound(envoy, ferromesh, word);
                writeln!(
                    formatter,
                    "  {one:>6.2} %  {other:>6.2} %  (±{bound:.2})  {word}"
                )?;
            }
        }
        Ok(())
    }
}

/// The outcomes of both.
fn words<'a>(one: &'a Met, other: &'a Met) -> BTreeSet<&'a str> {
    let all = one.outcomes.keys().chain(other.outcomes.keys());
    all.map(String::as_str).collect()
}

/// What part of the requests came to an outcome.
fn share(met: &Met, word: &str) -> f64 {
    let count = met.outcomes.get(word).copied().unwrap_or(0);
    number(count) / number(met.requests().max(1))
}

/// By how much the shares of an outcome may differ: draws with the share of both together, and never by
/// less than two requests.
fn bound(one: &Met, other: &Met, word: &str) -> f64 {
    let [drawn, others] = [one, other].map(|met| number(met.requests().max(1)));
    let both = (share(one, word) * drawn + share(other, word) * others) / (drawn + others);
    let deviation = (both * (1.0 - both) * (1.0 / drawn + 1.0 / others)).sqrt();
    (DEVIATIONS * deviation).max(2.0 / drawn.min(others))
}

#[expect(clippy::cast_precision_loss, reason = "so many requests there are not")]
fn number(count: u64) -> f64 {
    count as f64
}

fn at(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, last)
}

fn serve(
    host: &Arc<Host>,
    peer: &Path,
    name: &str,
    manner: &str,
    addresses: &[Ipv4Addr],
) -> Result<Process> {
    let mut command = host.command(Place::Outside, peer);
    command.args(["serve", name, manner]);
    for address in addresses {
        let places = Protocol::ALL;
        command.args(places.map(|of| format!("{of}={address}:{}", of.port())));
    }
    let log = host.directory().join(format!("{name}.log"));
    let mut server = Process::spawn(name, command, &log)?;
    let wanted = addresses.iter().map(|address| {
        let ports = Protocol::ALL.map(Protocol::port);
        ports.map(|port| SocketAddr::from((*address, port)))
    });
    let wanted: Vec<SocketAddr> = wanted.flatten().collect();
    wait::until_true(format!("{name} to listen"), || {
        server.ensure_running()?;
        let list = process::run(host.netns().command("ss").arg("-Hltn"))?;
        Ok(wanted.iter().all(|at| list.contains(&format!("{at} "))))
    })?;
    Ok(server)
}

#[cfg(test)]
mod tests;
