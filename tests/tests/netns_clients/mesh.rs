//! A service on `serviceB`, its caller on `serviceA`, and the proxy of each.

use tests::{
    capability,
    client::Curl,
    daemon::Daemon,
    host::Place,
    network::Purpose,
    scenario::{Scenario, TO_APPLICATION},
    web::{Speaks, site::Site},
};

/// Where a service listens.
pub(crate) const PORT: u16 = 8080;

/// A text of so many lines.
pub(crate) fn text(lines: usize) -> String {
    let lines: Vec<String> = (0..lines).map(|line| format!("line {line}\n")).collect();
    lines.concat()
}

/// One service with its name, in a mesh with two proxies.
pub(crate) struct Mesh {
    // Fields are dropped in this order: daemons before the hosts they run on.
    caller: Daemon,
    called: Daemon,
    pub(crate) scenario: Scenario,
    name: String,
    protocol: String,
}

impl Mesh {
    /// A mesh in which `serviceA` may call `NAME.apps.local`, whose listener is of this protocol. None
    /// where the machine cannot have it.
    pub(crate) fn start(name: &str, protocol: &str) -> Option<Self> {
        if !capability::namespace_ring() {
            return None;
        }
        let mut scenario = Scenario::start(Purpose::Test).unwrap();
        scenario.lead(name, protocol, PORT).unwrap();
        Some(Self {
            caller: scenario.daemon_a().start().unwrap(),
            called: scenario.daemon_b().node(name).start().unwrap(),
            scenario,
            name: name.to_owned(),
            protocol: protocol.to_owned(),
        })
    }

    /// A mesh whose service is a web server.
    pub(crate) fn with_site(speaks: Speaks) -> Option<(Self, Site)> {
        let protocol = match speaks {
            Speaks::Http1 => "http",
            Speaks::Http2 => "http2",
        };
        let mesh = Self::start("site", protocol)?;
        let host = &mesh.scenario.service_b;
        let site = Site::start(host, Place::Workload, PORT, speaks).unwrap();
        Some((mesh, site))
    }

    /// The name of the service and its port.
    pub(crate) fn authority(&self) -> String {
        format!("{}.apps.local:{PORT}", self.name)
    }

    /// A path of the service.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.authority())
    }

    /// curl as the caller.
    pub(crate) fn curl(&self) -> Curl {
        self.scenario.curl()
    }

    /// Requests to the service that the caller's proxy has sent and that the proxy of the called has
    /// taken.
    pub(crate) fn counted(&self) -> [u64; 2] {
        let (name, protocol) = (&self.name, &self.protocol);
        let sent = format!("cluster.cds_egress_apps_{name}_{protocol}_{PORT}.upstream_rq_total");
        [
            self.caller.stat(&sent).unwrap(),
            self.called.stat(TO_APPLICATION).unwrap(),
        ]
    }

    /// Asserts that so many requests passed both proxies.
    pub(crate) fn assert_through(&self, requests: u64) {
        assert_eq!(self.counted(), [requests; 2]);
    }
}
