//! What it costs the callers of a service that its endpoints change: two services of 1,000 endpoints each,
//! by each protocol. One stays as it is; all endpoints of the other are replaced every five seconds. They
//! take turns, and the ratio of their times is what the change costs.
//!
//! All endpoints are one server at as many addresses, so that where a request goes makes no difference but
//! to the proxy. The proxy and the server have to have had every request, and discovery every change.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use ::tests::{
    daemon::{Daemon, Settings},
    documents::Documents,
    faults::{Load, Met, Mix, PEER, Protocol},
    host::{Host, Place},
    network::{Network, Purpose},
    process::Process,
    scenario::FROM_APPLICATION,
    wait,
};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::samples::{Samples, Turn};
use crate::command;

/// Endpoints of each service.
const ENDPOINTS: u32 = 1000;
/// How often all of them change.
const EVERY: Duration = Duration::from_secs(5);
/// Changes within a turn, and as many times five seconds without any.
const CHANGES: u32 = 2;
/// What the change may cost at the 99th percentile.
const BOUND: f64 = 1.2;
/// What the caller dials: an address of no host (RFC 5737).
const DIALLED: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
/// The first address of the endpoints, in a net for measurements (RFC 2544).
const FIRST: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 0);
/// All that there may be.
const NET: &str = "198.18.0.0/15";
/// What the server calls itself.
const SERVER: &str = "server";
/// Sets of endpoints that there are addresses for.
const SETS: u32 = (1 << 17) / ENDPOINTS;

/// One of the services.
#[derive(Clone, Copy, Debug)]
struct Service {
    protocol: Protocol,
    changes: bool,
}

impl Service {
    fn all() -> impl Iterator<Item = Self> {
        let of = |protocol| [false, true].map(|changes| Self { protocol, changes });
        Protocol::ALL.into_iter().flat_map(of)
    }

    fn name(self) -> String {
        let word = if self.changes { "changing" } else { "still" };
        format!("{word}-{}", self.protocol)
    }

    fn port(self) -> u16 {
        match self.protocol {
            Protocol::Http => 8081,
            Protocol::Http2 => 8082,
        }
    }

    /// A statistic of its cluster.
    fn statistic(self, name: &str) -> String {
        let (node, protocol, port) = (self.name(), self.protocol, self.port());
        format!("cluster.cds_egress_apps_{node}_{protocol}_{port}.{name}")
    }
}

/// The hosts of the measurement and what runs on them.
struct Rig {
    // Fields are dropped in this order: processes before the hosts they run on.
    daemon: Daemon,
    _server: Process,
    caller: Arc<Host>,
    peer: PathBuf,
    instances: PathBuf,
    /// Which set of endpoints each service has, by its name.
    sets: Vec<(Service, u32)>,
    next_set: u32,
    rate: u32,
    _network: Network,
}

/// Measures and prints.
pub(super) fn run(rounds: u32, rate: u32) -> Result<()> {
    let peer = command::build_test_program(PEER)?;
    let mut rig = Rig::set_up(peer, rate)?;
    println!(
        "services of {ENDPOINTS} endpoints, {rate} requests/s; microseconds, of {rounds} turns of {} s",
        (EVERY * CHANGES).as_secs()
    );
    println!(
        "{:<8}{}",
        "",
        Samples::heading("all change", "none changes")
    );
    for protocol in Protocol::ALL {
        let of = |changes| Service { protocol, changes };
        // Everything is open and warm then that stays so, and what changes has changed before.
        rig.turn(of(false))?;
        rig.turn(of(true))?;
        let mut samples = Samples::default();
        for round in 1..=rounds {
            eprintln!("bench: {protocol}, round {round} of {rounds}");
            let is_first = round.is_multiple_of(2);
            let [first, second] = [is_first, !is_first].map(|changes| rig.turn(of(changes)));
            let (first, second) = (first?, second?);
            let (measured, reference) = if is_first {
                (first, second)
            } else {
                (second, first)
            };
            samples.add(Turn {
                measured,
                reference,
            });
        }
        println!("{:<8}{}", protocol.word(), samples.row(BOUND));
    }
    println!(
        "the last numbers are the ratio of the two, and between what bounds nine of ten runs would have \
         it; at most\n{BOUND:.1} at p99. The proxy counted every request, and discovery every change"
    );
    Ok(())
}

impl Rig {
    fn set_up(peer: PathBuf, rate: u32) -> Result<Self> {
        let mut network = Network::create(Purpose::Bench)?;
        let caller = network.add_host("caller")?;
        let host = network.add_host(SERVER)?;
        host.netns()
            .configure(&[format!("route add local {NET} dev lo")])?;
        caller
            .netns()
            .configure(&[format!("route add {NET} via {}", host.v4())])?;
        let server = serve(&host, &peer)?;
        let documents = documents(&network)?;
        let instances = network.directory().join("instances.json");
        let sets: Vec<(Service, u32)> = Service::all().zip(0..).collect();
        tell(&instances, &sets)?;
        let settings = Settings::new(&caller, &documents)
            .env("FERROMESH_INSTANCES", instances.to_string_lossy());
        Ok(Self {
            daemon: settings.start()?,
            _server: server,
            caller,
            peer,
            instances,
            next_set: u32::try_from(sets.len()).context("a handful of services")?,
            sets,
            rate,
            _network: network,
        })
    }

    /// The times of a service's requests, in microseconds, while its endpoints change or stay.
    fn turn(&mut self, service: Service) -> Result<Vec<u32>> {
        let membership = service.statistic("membership_change");
        let requests = self.daemon.stat(FROM_APPLICATION)?;
        let changes = self.daemon.stat(&membership)?;
        let at = SocketAddr::from((DIALLED, service.port()));
        let target = (service.protocol, at, service.name());
        let mut load = Load::start(&self.peer, &self.caller, self.rate, Mix::Plain, &[target])?;
        let began = Instant::now();
        for change in 1..=CHANGES {
            if service.changes {
                self.change(service)?;
            }
            wait::until_moment(began + EVERY * change);
            load.ensure_running()?;
        }
        let report = load.finish()?;
        let [(_, Met { outcomes, micros })] = &report.0[..] else {
            anyhow::bail!("a report on {} targets", report.0.len());
        };
        let answered = outcomes.get(&format!("200 {SERVER}"));
        ensure!(
            answered == Some(&report.requests()),
            "{}: {outcomes:?}",
            service.name()
        );
        ensure!(
            self.daemon.stat(FROM_APPLICATION)? - requests == report.requests(),
            "not every request passed the proxy"
        );
        let seen = self.daemon.stat(&membership)? - changes;
        let made = if service.changes { CHANGES } else { 0 };
        ensure!(
            seen.abs_diff(made.into()) <= u64::from(service.changes),
            "discovery saw {seen} changes of {made}"
        );
        let micros = micros.iter().map(|time| u32::try_from(*time));
        micros.collect::<Result<_, _>>().context("microseconds")
    }

    /// Gives a service endpoints that it did not have before.
    fn change(&mut self, service: Service) -> Result<()> {
        let name = service.name();
        let mut sets = self.sets.iter_mut();
        let own = sets.find(|(known, _)| known.name() == name);
        own.context("a service without a set")?.1 = self.next_set;
        self.next_set = (self.next_set + 1) % SETS;
        tell(&self.instances, &self.sets)
    }
}

/// Writes the file of instances whole.
fn tell(instances: &Path, sets: &[(Service, u32)]) -> Result<()> {
    let nodes = sets.iter().map(|(service, set)| {
        let first = u32::from(FIRST) + set * ENDPOINTS;
        let addresses = (first..first + ENDPOINTS).map(Ipv4Addr::from);
        let listed: Vec<Value> = addresses.map(|at| json!({ "ipv4": at })).collect();
        json!({ "name": service.name(), "instances": listed })
    });
    let nodes: Vec<Value> = nodes.collect();
    let draft = instances.with_extension("draft");
    fs::write(&draft, json!({ "virtualNodes": nodes }).to_string())
        .and_then(|()| fs::rename(&draft, instances))
        .with_context(|| format!("cannot write {}", instances.display()))
}

fn serve(host: &Arc<Host>, peer: &Path) -> Result<Process> {
    let mut command = host.command(Place::Outside, peer);
    command.args(["serve", SERVER, "good"]);
    let services = Service::all().filter(|service| service.changes);
    let ports: Vec<(Protocol, u16)> = services
        .map(|service| (service.protocol, service.port()))
        .collect();
    command.args(
        ports
            .iter()
            .map(|(protocol, port)| format!("{protocol}=0.0.0.0:{port}")),
    );
    let mut server = Process::spawn("the server", command, &host.directory().join("server.log"))?;
    wait::until_true("the server to listen", || {
        server.ensure_running()?;
        let mut ports = ports.iter();
        ports.try_fold(true, |all, (_, port)| Ok(all && host.listens(*port)?))
    })?;
    Ok(server)
}

fn documents(network: &Network) -> Result<Documents> {
    let documents = Documents::empty(&network.directory().join("documents"))?;
    let write = |name: &str, document| documents.write_of_apps(name, document);
    write(
        "mesh",
        json!({ "spec": { "egressFilter": { "type": "DROP_ALL" } } }),
    )?;
    let mut backends = Vec::new();
    for service in Service::all() {
        let name = service.name();
        backends.push(json!({ "virtualService": { "virtualServiceName": name } }));
        let mapping = json!({ "port": service.port(), "protocol": service.protocol.word() });
        let node = json!({
            "virtualNodeName": name,
            "spec": {
                "listeners": [{ "portMapping": mapping }],
                "serviceDiscovery": { "dns": { "hostname": "server.apps.local" } },
            },
        });
        write(&format!("node-{name}"), node)?;
        let provider = json!({ "virtualNode": { "virtualNodeName": name } });
        let service = json!({ "virtualServiceName": name, "spec": { "provider": provider } });
        write(&format!("service-{name}"), service)?;
    }
    let caller = json!({ "virtualNodeName": "caller", "spec": { "backends": backends } });
    write("node-caller", caller)?;
    Ok(documents)
}
