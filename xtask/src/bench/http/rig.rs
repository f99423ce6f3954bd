//! Two hosts with the same workload, one behind Envoy and iptables and one behind Ferromesh, the server
//! of both, and what a load costs each proxy.

use std::{net::Ipv4Addr, process::Command, sync::Arc, time::Duration};

use ::tests::{
    daemon::{self, Daemon, Settings},
    dns::Dns,
    documents::Documents,
    envoy::{self, Envoy, Launch},
    host::{Host, Place},
    network::{Network, Purpose},
    process,
    scenario::FROM_APPLICATION,
    usage,
    web::counted::CountedServer,
};
use anyhow::{Context as _, Result, ensure};
use rustix::thread::{CpuSet, sched_getaffinity};
use serde_json::json;

use super::load::{self, Load, SERVICES, Service};
use crate::layout;

/// What the names of the services lead to: an address of a net for documentation (RFC 5737), which no
/// host of the network has.
pub(super) const NOWHERE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
/// The name that the server's address has.
const SERVER: &str = "server";
/// The resource of both workloads.
const NODE: &str = "client";
/// Whose packets the guide's script does not redirect.
const ENVOY_USER: u32 = 1337;

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proxy {
    Envoy,
    Ferromesh,
}

/// Both, running.
pub(super) struct Proxies {
    envoy: Envoy,
    ferromesh: Daemon,
}

/// The hosts and what runs on them all the time.
pub(super) struct Rig {
    // Fields are dropped in this order: processes before the hosts they run on.
    server: CountedServer,
    _dns: Dns,
    documents: Documents,
    /// What Envoy is started with.
    configuration: String,
    hosts: [Arc<Host>; Proxy::ALL.len()],
    processors: Processors,
    _network: Network,
}

/// Which processors processes run on, as taskset(1) takes them.
struct Processors {
    proxy: String,
    others: String,
}

/// What one load was.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    requests: u64,
    wall: Duration,
    cpu: Duration,
    softirq: Duration,
}

impl Proxy {
    pub(super) const ALL: [Self; 2] = [Self::Envoy, Self::Ferromesh];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Envoy => "Envoy 1.40",
            Self::Ferromesh => "Ferromesh",
        }
    }

    /// A word for names of hosts and files.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Envoy => "envoy",
            Self::Ferromesh => "ferromesh",
        }
    }
}

impl Proxies {
    pub(super) fn pid(&self, proxy: Proxy) -> u32 {
        match proxy {
            Proxy::Envoy => self.envoy.pid(),
            Proxy::Ferromesh => self.ferromesh.pid(),
        }
    }

    /// Requests of the application that a proxy has counted.
    fn counted(&self, proxy: Proxy) -> Result<u64> {
        match proxy {
            Proxy::Envoy => self.envoy.stat(FROM_APPLICATION),
            Proxy::Ferromesh => self.ferromesh.stat(FROM_APPLICATION),
        }
    }
}

impl Rig {
    pub(super) fn set_up() -> Result<Self> {
        let processors = Processors::choose()?;
        let mut network = Network::create(Purpose::Bench)?;
        let [envoy, ferromesh] = Proxy::ALL.map(|proxy| network.add_host(proxy.word()));
        let hosts = [envoy?, ferromesh?];
        let services = network.add_host(SERVER)?;
        let mut dns = Dns::start(&network)?;
        dns.set(SERVER, &[services.v4().into()])?;
        for service in SERVICES {
            dns.set(service.name, &[NOWHERE.into()])?;
        }
        let documents = documents(&network)?;
        let ports = SERVICES.map(|service| service.port);
        let server = CountedServer::start_on(&services, Place::Outside, &ports)?;
        let mut pin = Command::new("taskset");
        pin.args(["--cpu-list", "--pid", &processors.others])
            .arg(server.pid().to_string());
        process::run(&mut pin)?;
        let mut script = hosts[Proxy::Envoy as usize].netns().command("bash");
        script
            .arg(layout::networking_script())
            .env("APPMESH_START_ENABLED", "1");
        process::run(&mut script)?;
        Ok(Self {
            server,
            _dns: dns,
            configuration: render(&documents)?,
            documents,
            hosts,
            processors,
            _network: network,
        })
    }

    /// Starts both proxies.
    pub(super) fn start(&self) -> Result<Proxies> {
        let [behind_envoy, behind_ferromesh] = &self.hosts;
        let pinned = ["taskset", "--cpu-list", &self.processors.proxy].map(str::to_owned);
        let as_user = [
            "setpriv".to_owned(),
            format!("--reuid={ENVOY_USER}"),
            format!("--regid={ENVOY_USER}"),
            "--clear-groups".to_owned(),
        ];
        let launch = Launch {
            workers: 1,
            through: pinned.iter().cloned().chain(as_user).collect(),
        };
        let binary = layout::envoy();
        Ok(Proxies {
            envoy: Envoy::launch(&binary, behind_envoy, &self.configuration, launch)?,
            ferromesh: Settings::new(behind_ferromesh, &self.documents)
                .node(NODE)
                .through(pinned)
                .args(["--workers", "1"])
                .start()?,
        })
    }

    /// What a load costs a proxy that has had some of it before.
    pub(super) fn measure(
        &mut self,
        proxies: &Proxies,
        proxy: Proxy,
        load: Load,
    ) -> Result<Measured> {
        self.send(proxies, proxy, load, load.warm_up(), &[])?;
        self.send(proxies, proxy, load, load.requests(), &[])
    }

    /// Has the client send requests, started by the program `through`, which is given its command, if
    /// there is one. All of them have to pass the proxy.
    pub(super) fn send(
        &mut self,
        proxies: &Proxies,
        proxy: Proxy,
        load: Load,
        requests: u64,
        through: &[String],
    ) -> Result<Measured> {
        let mut client = self.client(proxy, &load.client(requests), through);
        let pid = proxies.pid(proxy);
        let (counted, served) = (proxies.counted(proxy)?, self.server.counts()?.requests);
        let (cpu, softirq) = (usage::of(pid)?.cpu, usage::softirq()?);
        let report = process::run(&mut client)?;
        let measured = Measured {
            requests,
            wall: load::read(&report, requests)?,
            cpu: usage::of(pid)?.cpu.saturating_sub(cpu),
            softirq: usage::softirq()?.saturating_sub(softirq),
        };
        let counted = proxies.counted(proxy)? - counted;
        let served = self.server.counts()?.requests - served;
        ensure!(
            (counted, served) == (requests, requests),
            "of {requests} requests the proxy counted {counted} and the server {served}"
        );
        Ok(measured)
    }

    fn client(&self, proxy: Proxy, words: &[String], through: &[String]) -> Command {
        let mut client = self.hosts[proxy as usize].command(Place::Workload, "taskset");
        client
            .args(["--cpu-list", &self.processors.others])
            .args(words);
        let [program, arguments @ ..] = through else {
            return client;
        };
        let mut outer = Command::new(program);
        outer
            .args(arguments)
            .arg(client.get_program())
            .args(client.get_args());
        outer
    }

    /// What ran where, for people.
    pub(super) fn placement(&self) -> String {
        let Processors { proxy, others } = &self.processors;
        if proxy == others {
            format!("proxy, client and server shared processor {proxy}")
        } else {
            format!("the proxy was on processor {proxy}, the client and the server on {others}")
        }
    }
}

impl Processors {
    /// The last one for the proxy, and the others for the rest, of those that this process may use.
    fn choose() -> Result<Self> {
        let allowed = sched_getaffinity(None).context("cannot ask for processors")?;
        let mut allowed: Vec<usize> = (0..CpuSet::MAX_CPU)
            .filter(|processor| allowed.is_set(*processor))
            .collect();
        let proxy = allowed.pop().context("no processor may be used")?;
        if allowed.is_empty() {
            allowed.push(proxy);
        }
        let others: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        Ok(Self {
            proxy: proxy.to_string(),
            others: others.join(","),
        })
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "some thousand requests and some million microseconds"
)]
impl Measured {
    /// Requests for each second of the proxy's processor time.
    pub(super) fn efficiency(&self) -> f64 {
        self.requests as f64 / self.cpu.as_secs_f64()
    }

    /// Requests a second.
    pub(super) fn rate(&self) -> f64 {
        self.requests as f64 / self.wall.as_secs_f64()
    }

    /// The part of one processor that the proxy was busy.
    pub(super) fn busy_percent(&self) -> f64 {
        self.cpu.as_secs_f64() / self.wall.as_secs_f64() * 100.0
    }

    /// The machine's time in soft interrupts for each request.
    pub(super) fn softirq_micros(&self) -> f64 {
        self.softirq.as_micros() as f64 / self.requests as f64
    }
}

/// A workload that may call the services, each a virtual router with one route.
fn documents(network: &Network) -> Result<Documents> {
    let documents = Documents::empty(&network.directory().join("documents"))?;
    documents.write("mesh.json", r#"{ "meshName": "apps" }"#)?;
    let backends = SERVICES.map(|service| {
        json!({ "virtualService": { "virtualServiceName": format!("{}.apps.local", service.name) } })
    });
    let client = json!({ "meshName": "apps", "virtualNodeName": NODE, "spec": {
        "backends": backends,
        "serviceDiscovery": { "dns": { "hostname": format!("{NODE}.apps.local") } },
    } });
    documents.write("client.json", &client.to_string())?;
    for service in SERVICES {
        write_service(&documents, &service)?;
    }
    Ok(documents)
}

fn write_service(documents: &Documents, service: &Service) -> Result<()> {
    let (name, protocol) = (service.name, service.protocol);
    let listeners = json!([
        { "portMapping": { "port": service.port.number, "protocol": protocol } },
    ]);
    let node = json!({ "meshName": "apps", "virtualNodeName": name, "spec": {
        "listeners": listeners,
        "serviceDiscovery": { "dns": { "hostname": format!("{SERVER}.apps.local") } },
    } });
    let router = json!({ "meshName": "apps", "virtualRouterName": name, "spec": {
        "listeners": listeners,
    } });
    let mut route = json!({ "meshName": "apps", "virtualRouterName": name, "routeName": name });
    route["spec"][format!("{protocol}Route")] = json!({
        "match": { "prefix": "/" },
        "action": { "weightedTargets": [{ "virtualNode": name, "weight": 1 }] },
    });
    let virtual_service = json!({
        "meshName": "apps",
        "virtualServiceName": format!("{name}.apps.local"),
        "spec": { "provider": { "virtualRouter": { "virtualRouterName": name } } },
    });
    for (kind, document) in [
        ("node", node),
        ("router", router),
        ("route", route),
        ("service", virtual_service),
    ] {
        documents.write(&format!("{kind}-{name}.json"), &document.to_string())?;
    }
    Ok(())
}

/// The configuration that Envoy is given, with its own files where its user may write.
fn render(documents: &Documents) -> Result<String> {
    let mut command = Command::new(daemon::binary()?);
    command
        .args(["render-envoy", "--format", "json", "--resource"])
        .arg(format!("mesh/apps/virtualNode/{NODE}"))
        .arg(documents.directory())
        .env("ENVOY_ADMIN_ACCESS_PORT", envoy::ADMIN_PORT.to_string())
        .env("ENVOY_ADMIN_ACCESS_LOG_FILE", "/dev/null")
        .env("ENVOY_OUTLIER_DETECTION_EVENT_LOG_PATH", "/dev/null");
    process::run(&mut command)
}
