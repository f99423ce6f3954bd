//! The guide's getting-started mesh on three hosts: `serviceA` calls `serviceb.apps.local`, which
//! is `serviceB` for three requests of four and `serviceBv2` for the fourth.

use std::{net::IpAddr, sync::Arc};

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::{
    client::Curl,
    daemon::{Daemon, Settings},
    dns::Dns,
    documents::Documents,
    host::{Host, Place},
    network::{Network, Purpose},
    web::{Speaks, WebServer},
};

/// The virtual service as the application calls it.
pub const URL: &str = "http://serviceb.apps.local/";
/// Requests that went to `serviceB`, as the proxy of `serviceA` counted them.
pub const TO_SERVICE_B: &str = "cluster.cds_egress_apps_serviceB_http2_80.upstream_rq_total";
/// Requests that went to `serviceBv2`.
pub const TO_SERVICE_BV2: &str = "cluster.cds_egress_apps_serviceBv2_http2_80.upstream_rq_total";
/// Requests that the application sent through the proxy.
pub const FROM_APPLICATION: &str = "http.egress.downstream_rq_total";
/// Requests that came for the application through the proxy.
pub const TO_APPLICATION: &str = "http.ingress.downstream_rq_total";

/// Some requests that have to go through the proxy, and be answered by a service.
pub fn assert_redirects(curl: &Curl, daemon: &Daemon, service: &str) {
    let answers = curl.many(URL, 20).expect("curl runs");
    let seen = daemon.stat(FROM_APPLICATION).expect("the daemon counts");
    assert_eq!(seen, 20, "the proxy has not seen every request");
    assert_eq!(answers.from(service), 20, "{:?}", answers.failures());
}

/// One request that has to go through the proxy, so that what follows means something.
pub fn assert_redirected(scenario: &Scenario, daemon: &Daemon) {
    let counted = || daemon.stat(FROM_APPLICATION).expect("the daemon counts");
    let before = counted();
    let answer = scenario.curl().get(URL).expect("curl runs");
    assert_eq!(counted(), before + 1, "{answer:?}");
    assert!(answer.is_ok(), "{answer:?}");
}

/// The scenario without daemons: hosts, names, applications and documents.
#[derive(Debug)]
pub struct Scenario {
    // Fields are dropped in this order: processes before the hosts they run on.
    /// The application of `serviceB`.
    pub web_b: WebServer,
    /// The application of `serviceBv2`.
    pub web_bv2: WebServer,
    /// The name server.
    pub dns: Dns,
    /// The documents that every daemon of the scenario reads.
    pub documents: Documents,
    /// The host of the calling application.
    pub service_a: Arc<Host>,
    /// The host of the called service.
    pub service_b: Arc<Host>,
    /// The host of its new version.
    pub service_bv2: Arc<Host>,
    /// The network they are on.
    pub network: Network,
}

impl Scenario {
    /// Sets all of it up.
    pub fn start(purpose: Purpose) -> Result<Self> {
        let mut network = Network::create(purpose)?;
        let service_a = network.add_host("serviceA")?;
        let service_b = network.add_host("serviceB")?;
        let service_bv2 = network.add_host("serviceBv2")?;
        let mut dns = Dns::start(&network)?;
        for host in [&service_a, &service_b, &service_bv2] {
            dns.set(&host.name().to_lowercase(), &[IpAddr::V4(host.v4())])?;
        }
        let web = |host: &Arc<Host>| {
            WebServer::start(host, Place::Workload, host.name(), &[(80, Speaks::Http2)])
        };
        Ok(Self {
            web_b: web(&service_b)?,
            web_bv2: web(&service_bv2)?,
            documents: Documents::getting_started(&network.directory().join("documents"))?,
            dns,
            service_a,
            service_b,
            service_bv2,
            network,
        })
    }

    /// A daemon of `serviceA`, and one request of the application that is seen to go through it.
    pub fn redirected(settings: impl FnOnce(Settings) -> Settings) -> Result<(Self, Daemon)> {
        let scenario = Self::start(Purpose::Test)?;
        let daemon = settings(scenario.daemon_a()).start()?;
        assert_redirected(&scenario, &daemon);
        Ok((scenario, daemon))
    }

    /// All weight on `serviceBv2`, a daemon of `serviceA`, and a client there whose requests are
    /// seen to go through it.
    ///
    /// The client dials the address of `serviceB` whatever the route says, so that an answer of
    /// `serviceB` comes of a connection that went past the proxy.
    pub fn diverted(settings: impl FnOnce(Settings) -> Settings) -> Result<(Self, Daemon, Curl)> {
        let scenario = Self::start(Purpose::Test)?;
        scenario.documents.set_weights(0, 100)?;
        let daemon = settings(scenario.daemon_a()).start()?;
        let curl = scenario.curl().http2();
        assert_redirects(&curl, &daemon, "serviceBv2");
        Ok((scenario, daemon, curl))
    }

    /// Adds a virtual service, `NAME.apps.local`, that `serviceA` may call and that leads to a port of
    /// `serviceB`. Its name has the address of `serviceBv2`, which must serve nothing there: then only a
    /// proxy finds what serves it.
    pub fn lead(&mut self, name: &str, protocol: &str, port: u16) -> Result<()> {
        let service = format!("{name}.apps.local");
        let node = json!({ "meshName": "apps", "virtualNodeName": name, "spec": {
            "listeners": [{ "portMapping": { "port": port, "protocol": protocol } }],
            "serviceDiscovery": { "dns": { "hostname": "serviceb.apps.local" } },
        } });
        let provider = json!({ "virtualNode": { "virtualNodeName": name } });
        let virtual_service = json!({ "meshName": "apps", "virtualServiceName": service,
            "spec": { "provider": provider },
        });
        let documents = &self.documents;
        documents.write(&format!("node-{name}.json"), &node.to_string())?;
        documents.write(
            &format!("service-{name}.json"),
            &virtual_service.to_string(),
        )?;
        documents.edit("virtualNodeName", "serviceA", |node| {
            let backend = json!({ "virtualService": { "virtualServiceName": service } });
            node["spec"]["backends"] = json!([backend]);
        })?;
        self.dns.set(name, &[IpAddr::V4(self.service_bv2.v4())])
    }

    /// The settings of the daemon of `serviceA`.
    pub fn daemon_a(&self) -> Settings {
        Settings::new(&self.service_a, &self.documents)
    }

    /// The settings of the daemon of `serviceB`.
    pub fn daemon_b(&self) -> Settings {
        Settings::new(&self.service_b, &self.documents)
    }

    /// The settings of the daemon of `serviceBv2`.
    pub fn daemon_bv2(&self) -> Settings {
        Settings::new(&self.service_bv2, &self.documents)
    }

    /// The application on `serviceA`.
    pub fn curl(&self) -> Curl {
        Curl::new(&self.service_a)
    }

    /// Leaves everything running.
    pub fn keep(mut self) -> Result<()> {
        self.web_b.detach();
        self.web_bv2.detach();
        self.dns.detach();
        drop((self.service_a, self.service_b, self.service_bv2));
        self.network
            .keep()
            .context("the daemons and clients of the scenario have to be gone first")
    }
}
