//! A service of four hosts that are replaced one after the other while its caller sends at a steady rate:
//! by HTTP/1 and HTTP/2, found by DNS and by a file of instances.

mod documents;
mod upstream;
mod verdict;

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

pub use self::verdict::Verdict;
use self::{documents::Service, upstream::Upstream};
use super::{Load, Mix, Target};
use crate::{
    daemon::{Daemon, Settings},
    dns::Dns,
    documents::Documents,
    host::Host,
    network::{Network, Purpose},
    scenario::FROM_APPLICATION,
    wait,
};

/// Hosts of the service.
const HOSTS: usize = 4;
/// What the caller dials: an address of no host (RFC 5737), so that only a proxy finds the service.
const DIALLED: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
/// How long all hosts are there before the next one leaves, where nothing says that it may.
const BETWEEN: Duration = Duration::from_secs(1);

/// How a host leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// Discovery forgets it and the caller has heard of that; then it gets SIGTERM and drains. The caller
    /// tries nothing twice.
    Announced,
    /// It gets SIGTERM and drains, and discovery forgets it. Where it has a proxy, that serves until everybody
    /// has heard, and the caller tries nothing twice.
    Drained,
    /// It gets SIGKILL; then discovery forgets it.
    Killed,
}

/// What is run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Requests a second.
    pub rate: u32,
    /// How hosts leave.
    pub leaving: Leaving,
    /// Whether each host has a proxy of its own.
    pub has_sidecars: bool,
}

/// The hosts and what runs on them.
#[derive(Debug)]
pub struct Rolling {
    // Fields are dropped in this order: processes before the hosts they run on.
    daemon: Daemon,
    upstreams: Vec<Upstream>,
    dns: Dns,
    instances: PathBuf,
    caller: Arc<Host>,
    peer: PathBuf,
    plan: Plan,
    _network: Network,
}

impl Rolling {
    /// Starts everything but the load; `peer` is the program [`super::PEER`].
    pub fn set_up(purpose: Purpose, peer: &Path, plan: Plan) -> Result<Self> {
        let mut network = Network::create(purpose)?;
        let caller = network.add_host(documents::CALLER)?;
        let hosts = (1..=HOSTS).map(|number| network.add_host(&format!("upstream{number}")));
        let hosts = hosts.collect::<Result<Vec<_>>>()?;
        let documents = Documents::empty(&network.directory().join("documents"))?;
        documents::write(&documents)?;
        let dns = Dns::start(&network)?;
        let upstreams = hosts.iter().map(|host| {
            let documents = plan.has_sidecars.then_some(&documents);
            Upstream::start(host, peer, documents)
        });
        let upstreams = upstreams.collect::<Result<Vec<_>>>()?;
        let instances = network.directory().join("instances.json");
        let retries = match (plan.leaving, plan.has_sidecars) {
            (Leaving::Announced, _) | (Leaving::Drained, true) => "off",
            (Leaving::Drained, false) | (Leaving::Killed, _) => "on",
        };
        let settings = Settings::new(&caller, &documents)
            .env("FERROMESH_INSTANCES", instances.to_string_lossy())
            .env("FERROMESH_DEFAULT_RETRY_POLICY", retries);
        let addresses: Vec<Ipv4Addr> = hosts.iter().map(|host| host.v4()).collect();
        let mut dns = dns;
        tell(&mut dns, &instances, &addresses)?;
        Ok(Self {
            daemon: settings.start()?,
            upstreams,
            dns,
            instances,
            caller,
            peer: peer.to_owned(),
            plan,
            _network: network,
        })
    }

    /// Replaces hosts in turn under load: so many at least, and for so long.
    pub fn run(&mut self, hosts: usize, duration: Duration) -> Result<Verdict> {
        let counted = self.daemon.stat(FROM_APPLICATION)?;
        let mut load = self.start_load()?;
        let began = Instant::now();
        let mut replaced = 0;
        while replaced < hosts || began.elapsed() < duration {
            let which = replaced % HOSTS;
            self.replace(which)
                .with_context(|| format!("host {which}"))?;
            load.ensure_running()?;
            replaced += 1;
        }
        let lasted = began.elapsed();
        let report = load.finish()?;
        Ok(Verdict {
            plan: self.plan,
            counted: self.daemon.stat(FROM_APPLICATION)? - counted,
            servers: self.upstreams.iter().map(Upstream::name).collect(),
            replaced,
            lasted,
            report,
        })
    }

    fn start_load(&self) -> Result<Load> {
        let targets = Service::all().map(|service| {
            let at = SocketAddr::from((DIALLED, service.port()));
            (service.protocol, at, service.name())
        });
        let targets: Vec<Target> = targets.collect();
        let rate = self.plan.rate;
        Load::start(&self.peer, &self.caller, rate, Mix::Mixed, &targets)
    }

    /// One host leaves and comes back.
    fn replace(&mut self, which: usize) -> Result<()> {
        match self.plan.leaving {
            Leaving::Announced => {
                self.announce(Some(which))?;
                self.wait_heard(which)?;
                self.upstreams[which].begin_drain()?;
                self.upstreams[which].end_drain()?;
            }
            Leaving::Drained => {
                self.upstreams[which].begin_drain()?;
                self.announce(Some(which))?;
                self.upstreams[which].end_drain()?;
            }
            Leaving::Killed => {
                self.upstreams[which].kill()?;
                self.announce(Some(which))?;
            }
        }
        self.upstreams[which].restart()?;
        self.announce(None)?;
        if self.plan.leaving != Leaving::Announced {
            wait::until_moment(Instant::now() + BETWEEN);
        }
        Ok(())
    }

    /// Has discovery name all hosts but one.
    fn announce(&mut self, without: Option<usize>) -> Result<()> {
        let named = self.addresses(without);
        tell(&mut self.dns, &self.instances, &named)
    }

    fn addresses(&self, without: Option<usize>) -> Vec<Ipv4Addr> {
        let hosts = self.upstreams.iter().enumerate();
        let named = hosts.filter(|(number, _)| Some(*number) != without);
        named.map(|(_, upstream)| upstream.address()).collect()
    }

    /// Waits until the caller's proxy knows all hosts but one for every service.
    fn wait_heard(&self, without: usize) -> Result<()> {
        let addresses = self.addresses(Some(without));
        wait::until_true("the caller to hear of it", || {
            let status = self.daemon.ask_json("status")?;
            let clusters = status["daemon"]["workloads"][0]["clusters"].as_array();
            let clusters = clusters.context("status has no clusters")?;
            Ok(Service::all().all(|service| {
                let name = service.cluster();
                let mut clusters = clusters.iter();
                let known = clusters.find(|cluster| cluster["name"] == name);
                known.is_some_and(|known| {
                    let at = |address| format!("{address}:{}", service.port());
                    let expected: Vec<String> = addresses.iter().map(at).collect();
                    known["endpoints"] == json!(expected)
                })
            }))
        })
    }
}

/// Gives discovery these addresses, in both of its ways.
fn tell(dns: &mut Dns, instances: &Path, addresses: &[Ipv4Addr]) -> Result<()> {
    let named: Vec<IpAddr> = addresses.iter().copied().map(IpAddr::V4).collect();
    dns.set(documents::HOSTS_NAME, &named)?;
    let listed = addresses.iter().map(|address| json!({ "ipv4": address }));
    let listed: Vec<Value> = listed.collect();
    let nodes = Service::all().filter(|service| service.is_listed);
    let nodes: Vec<Value> = nodes
        .map(|service| json!({ "name": service.name(), "instances": listed }))
        .collect();
    let draft = instances.with_extension("draft");
    fs::write(&draft, json!({ "virtualNodes": nodes }).to_string())
        .and_then(|()| fs::rename(&draft, instances))
        .with_context(|| format!("cannot write {}", instances.display()))
}
