//! What lies between clients and services: two hosts with the same application, redirected alike, one with
//! Ferromesh and one with Envoy; a host of services; and what all of them saw, put together by case.

mod drain;
mod late;
mod seen;

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
    time::Instant,
};

use anyhow::{Context as _, Result};
use serde_json::json;

use self::late::joined;
use super::{
    agent::{self, Agent, Saw},
    case::{Case, Mesh, Protocol, Target},
    compare::{self, Difference},
    listed::Entry,
    logs, meshes,
    observation::Observation,
    recorder::Recorder,
};
use crate::{
    capability,
    daemon::{Daemon, Settings},
    dns::Dns,
    documents::Documents,
    envoy::{self, Envoy},
    host::Host,
    network::{Network, Purpose},
};

/// What came of a case.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) case: Case,
    pub(super) differences: Vec<Difference>,
}

/// The resource of both applications.
const NODE: &str = "client";

/// Whether routes without a retry policy have App Mesh's.
const DEFAULT_RETRIES: &str = "FERROMESH_DEFAULT_RETRY_POLICY";

/// Services of single cases that are there at a time.
const OWN_AT_ONCE: usize = 120;

struct Rig {
    // Fields are dropped in this order: processes before the hosts they run on.
    dns: Mutex<Dns>,
    recorder: Arc<Recorder>,
    ferromesh: Arc<Host>,
    envoy: Arc<Host>,
    services: Arc<Host>,
    network: Network,
}

/// One of the two, under one mesh.
struct Side {
    agent: Agent,
    log: PathBuf,
    daemon: Daemon,
    envoy: Option<Envoy>,
    host: Arc<Host>,
}

/// Runs cases on both sides, and compares.
pub(super) fn run(
    all: &Arc<Vec<Case>>,
    chosen: &[Case],
    entries: &[Entry],
) -> Result<Vec<Outcome>> {
    anyhow::ensure!(
        capability::namespace_ring(),
        "the suite makes network namespaces and loads eBPF programs: run it as root"
    );
    let binary = capability::envoy().context("there is no Envoy: run `cargo xtask setup`")?;
    let rig = Rig::set_up(all)?;
    let mut outcomes = Vec::new();
    for (number, cases) in batches(chosen).iter().enumerate() {
        let began = Instant::now();
        outcomes.extend(rig.run(&binary, number, cases, entries)?);
        let (count, seconds) = (cases.len(), began.elapsed().as_secs_f64());
        eprintln!("parity: batch {number} of {count} cases in {seconds:.1} s");
    }
    Ok(outcomes)
}

/// The cases of each mesh, so few at a time that Envoy is not slow with the services that are one
/// case's own.
fn batches(chosen: &[Case]) -> Vec<Vec<&Case>> {
    let mut batches = Vec::new();
    for mesh in Mesh::ALL {
        let (mut batch, mut own) = (Vec::new(), 0);
        for case in chosen.iter().filter(|case| case.mesh == mesh) {
            own += usize::from(matches!(case.target, Target::Own(_)));
            batch.push(case);
            if own == OWN_AT_ONCE {
                batches.push(std::mem::take(&mut batch));
                own = 0;
            }
        }
        batches.push(batch);
    }
    batches.retain(|batch| !batch.is_empty());
    batches
}

impl Rig {
    fn set_up(all: &Arc<Vec<Case>>) -> Result<Self> {
        let mut network = Network::create(Purpose::Test)?;
        let ferromesh = network.add_host("ferromesh")?;
        let envoy = network.add_host("envoy")?;
        let services = network.add_host("peers")?;
        let mut dns = Dns::start(&network)?;
        let mut addresses = vec![format!(
            "address add 192.0.2.{}/24 dev eth0",
            meshes::DIALLED
        )];
        for (name, last) in meshes::names() {
            dns.set(&name, &[IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))])?;
            addresses.push(format!("address add 192.0.2.{last}/24 dev eth0"));
        }
        for (name, several) in meshes::names_of_several() {
            dns.set(&name, &several)?;
        }
        let more = meshes::endpoints().map(|at| format!("address add {at}/24 dev eth0"));
        addresses.extend(more);
        dns.set(meshes::UNREACHABLE, &[IpAddr::V4(Ipv4Addr::BROADCAST)])?;
        for known in meshes::names::KNOWN {
            let of_both = known.v4().chain(known.v6());
            let parsed: Result<Vec<IpAddr>, _> = of_both.map(|address| address.parse()).collect();
            dns.set(known.name, &parsed.context("an address of a node")?)?;
        }
        let v6 = (0..meshes::names::MOST).map(meshes::names::v6_address);
        let v6: Vec<String> = v6.collect();
        let own = v6.iter();
        addresses.extend(own.map(|address| format!("address add {address}/64 dev eth0 nodad")));
        let silent = Ipv4Addr::new(192, 0, 2, meshes::SILENT_ADDRESS);
        dns.set(meshes::SILENT, &[IpAddr::V4(silent)])?;
        services.netns().configure(&addresses)?;
        // Nobody says that it is not there.
        let nobody = format!("neigh add {silent} lladdr 02:00:00:00:00:62 dev eth0 nud permanent");
        for host in [&ferromesh, &envoy] {
            host.netns().configure(&[&nobody])?;
        }
        let recorder = Recorder::new(Arc::clone(all));
        let ports = meshes::ports(all);
        let listeners = services.netns().inside(|| {
            let bind = |port: &u16| TcpListener::bind((Ipv4Addr::UNSPECIFIED, *port));
            let port = Protocol::Http.node_port();
            let bind_v6 = |address: &String| TcpListener::bind((address.as_str(), port));
            let v6 = v6.iter().map(bind_v6);
            ports
                .iter()
                .map(bind)
                .chain(v6)
                .collect::<std::io::Result<Vec<_>>>()
        })?;
        for listener in listeners.context("a port of the services is taken")? {
            recorder.serve(listener);
        }
        Ok(Self {
            dns: Mutex::new(dns),
            recorder,
            ferromesh,
            envoy,
            services,
            network,
        })
    }

    fn run(
        &self,
        binary: &Path,
        number: usize,
        cases: &[&Case],
        entries: &[Entry],
    ) -> Result<Vec<Outcome>> {
        let mesh = cases.first().context("a batch without cases")?.mesh;
        self.name_late(false)?;
        let mut ferromesh = self.side(None, cases, (mesh, number))?;
        let mut envoy = self.side(Some(binary), cases, (mesh, number))?;
        let (with_envoy, with_ferromesh) = if mesh == Mesh::Drained {
            let [ours, theirs] = self.drain([&mut ferromesh, &mut envoy], cases)?;
            (
                self.gather(&mut envoy, mesh, theirs),
                self.gather(&mut ferromesh, mesh, ours),
            )
        } else {
            thread::scope(|scope| {
                let other = scope.spawn(|| self.observe(&mut ferromesh, mesh, cases));
                let joining = scope.spawn(|| self.have_join(cases));
                let one = self.observe(&mut envoy, mesh, cases);
                let other = joined(other);
                joined(joining).map(|()| (one, other))
            })?
        };
        let (with_envoy, with_ferromesh) = (with_envoy?, with_ferromesh?);
        let outcomes = cases.iter().map(|case| {
            let nothing = Observation::new();
            let of = |seen: &BTreeMap<usize, Observation>| seen.get(&case.id).cloned();
            Outcome {
                case: (*case).clone(),
                differences: compare::compare(
                    &case.full_name(),
                    &of(&with_envoy).unwrap_or_else(|| nothing.clone()),
                    &of(&with_ferromesh).unwrap_or_else(|| nothing.clone()),
                    entries,
                ),
            }
        });
        Ok(outcomes.collect())
    }

    /// Starts one side under a mesh.
    fn side(
        &self,
        envoy: Option<&Path>,
        cases: &[&Case],
        (mesh, number): (Mesh, usize),
    ) -> Result<Side> {
        let host = if envoy.is_some() {
            &self.envoy
        } else {
            &self.ferromesh
        };
        let name = format!("{number}-{}-{}", mesh.name(), host.name());
        let log = self.network.directory().join(format!("{name}.log"));
        let documents = Documents::empty(&self.network.directory().join(&name))?;
        let written = meshes::documents(mesh, cases, &log.to_string_lossy());
        for (number, document) in written.iter().enumerate() {
            documents.write(&format!("{number:05}.json"), &document.to_string())?;
        }
        let agent = Agent::start(host, mesh)?;
        let retries = mesh.default_retries();
        let settings = Settings::new(host, &documents)
            .node(NODE)
            .env(DEFAULT_RETRIES, retries)
            .args(drain::arguments(mesh));
        let (envoy, settings) = match envoy {
            None => (None, settings),
            Some(program) => {
                let variables = [(DEFAULT_RETRIES, retries)];
                let configuration = envoy::render(documents.directory(), NODE, &variables)?;
                let envoy = Envoy::launch(program, host, &configuration, drain::launch(mesh))?;
                (Some(envoy), settings.external_proxy())
            }
        };
        let daemon = settings.start()?;
        Ok(Side {
            agent,
            log,
            daemon,
            envoy,
            host: Arc::clone(host),
        })
    }

    /// Runs the cases on one side, and puts together what was seen of each.
    fn observe(
        &self,
        side: &mut Side,
        mesh: Mesh,
        cases: &[&Case],
    ) -> Result<BTreeMap<usize, Observation>> {
        let (inbound, outbound) = by_direction(cases);
        side.agent.call(&outbound)?;
        let mut clients = side.agent.saw()?;
        clients.extend(self.visit(side.host.v4(), &inbound)?);
        self.gather(side, mesh, clients)
    }

    /// Runs the clients of cases that come to a host from outside.
    fn visit(&self, to: Ipv4Addr, inbound: &[&Case]) -> Result<Vec<(usize, Observation)>> {
        let address = |case: &Case| match &case.target {
            Target::Application(protocol) => SocketAddr::from((to, protocol.listener_port())),
            Target::Pooled(_) => SocketAddr::from((to, meshes::own_port(case.id))),
            _ => unreachable!("these are what comes from outside"),
        };
        let netns = self.services.netns();
        netns.inside(|| agent::run_all(inbound, address))
    }

    /// Puts together what was seen of each case on one side, once its clients are through.
    fn gather(
        &self,
        side: &mut Side,
        mesh: Mesh,
        clients: Vec<(usize, Observation)>,
    ) -> Result<BTreeMap<usize, Observation>> {
        let to = side.host.v4();
        let mut saw = Saw {
            clients,
            records: Vec::new(),
        };
        let log = seen::whole_log(&side.log);
        // Services that end a connection do so after their clients. By now, what one has not written down it
        // is waiting for.
        seen::settle(&self.recorder);
        saw.records = side.agent.records()?;
        let own = self.recorder.records().into_iter();
        saw.records
            .extend(own.filter(|record| record.from == IpAddr::V4(to)));
        let mut seen = seen::put_together(saw);
        logs::add(&mut seen, mesh, &log);
        let own = to.to_string();
        for value in seen.values_mut().flat_map(BTreeMap::values_mut) {
            *value = seen::without(value, &own);
        }
        Ok(seen)
    }
}

/// The cases that come from outside, and the numbers of those in which the application calls.
fn by_direction<'a>(cases: &[&'a Case]) -> (Vec<&'a Case>, Vec<usize>) {
    let is_inbound =
        |case: &&Case| matches!(case.target, Target::Application(_) | Target::Pooled(_));
    let (inbound, outbound): (Vec<&Case>, Vec<&Case>) =
        cases.iter().partition(|case| is_inbound(case));
    (inbound, outbound.iter().map(|case| case.id).collect())
}

/// A value for programs.
pub(super) fn to_json(outcome: &Outcome) -> serde_json::Value {
    let differences = outcome.differences.iter().map(|difference| {
        json!({
            "field": difference.field,
            "envoy": difference.envoy,
            "ferromesh": difference.ferromesh,
            "listed": difference.listed.is_some(),
        })
    });
    json!({
        "case": outcome.case.full_name(),
        "bullet": outcome.case.bullet.to_string(),
        "mesh": outcome.case.mesh.name(),
        "differences": differences.collect::<Vec<_>>(),
    })
}
