//! Endpoints in several availability zones: what a workload that knows its own zone sends to each, by the
//! option of the node.

use std::{fs, path::PathBuf};

use anyhow::Result;
use serde_json::{Value, json};
use tests::{
    capability,
    daemon::Daemon,
    host::Place,
    network::Purpose,
    scenario::Scenario,
    wait,
    web::{Speaks, WebServer},
};

const NODE: &str = "zoned";
const OWN: &str = "eu-west-1a";
const OTHER: &str = "eu-west-1b";
const HOSTS: [&str; 3] = ["serviceB", "serviceBv2", "third"];
const REQUESTS: usize = 90;
/// What shares may be off by: three requests of each worker that has connections of the client.
const OFF: usize = 6;

/// A node on three hosts, and the operator's file that says in which zone each of them is.
struct Zoned {
    // Before the host that it runs on.
    _third: WebServer,
    scenario: Scenario,
    file: PathBuf,
    /// The addresses of `HOSTS`.
    addresses: [String; 3],
}

impl Zoned {
    fn start(zones: [&str; 3]) -> Self {
        let mut scenario = Scenario::start(Purpose::Test).unwrap();
        let dialled = scenario.service_bv2.v4();
        scenario.dns.set(NODE, &[dialled.into()]).unwrap();
        let dns = json!({ "dns": { "hostname": "serviceb.apps.local" } });
        scenario.documents.lead(&[(NODE, dns)]).unwrap();
        let third = scenario.network.add_host(HOSTS[2]).unwrap();
        let ports = [(80, Speaks::Http2)];
        let started = Self {
            file: scenario.network.directory().join("instances.json"),
            addresses: [&scenario.service_b, &scenario.service_bv2, &third]
                .map(|host| host.v4().to_string()),
            _third: WebServer::start(&third, Place::Workload, HOSTS[2], &ports).unwrap(),
            scenario,
        };
        started.place(zones);
        started
    }

    /// Has the file say where the hosts are.
    fn place(&self, zones: [&str; 3]) {
        let instances = self.addresses.iter().zip(zones);
        let instances: Vec<Value> = instances
            .map(|(address, zone)| json!({ "ipv4": address, "zone": zone }))
            .collect();
        let listed = json!({ "virtualNodes": [{ "name": NODE, "instances": instances }] });
        let draft = self.file.with_extension("draft");
        fs::write(&draft, listed.to_string()).unwrap();
        fs::rename(&draft, &self.file).unwrap();
    }

    fn set(&self, zone_aware: &str) -> Result<()> {
        let document = json!({
            "apiVersion": "ferromesh.dev/v1",
            "kind": "MeshOptions",
            "metadata": { "name": "apps" },
            "spec": { "virtualNodes": [{ "virtualNodeName": NODE, "zoneAware": zone_aware }] },
        });
        let documents = &self.scenario.documents;
        documents.write("options.yaml", &format!("{document:#}\n"))
    }

    /// A daemon with these variables, by which it may know its own zone.
    fn daemon(&self, own_zone: Option<&str>) -> Daemon {
        let daemon = self.scenario.daemon_a();
        let daemon = daemon.env("FERROMESH_INSTANCES", self.file.to_string_lossy());
        let daemon = match own_zone {
            Some(own_zone) => daemon.env("FERROMESH_ZONE", own_zone),
            None => daemon,
        };
        daemon.start().unwrap()
    }

    /// How many of some requests each host answers.
    fn answered(&self) -> [usize; 3] {
        let url = format!("http://{NODE}.apps.local/");
        let answers = self.scenario.curl().many(&url, REQUESTS).unwrap();
        assert_eq!(answers.failures(), []);
        HOSTS.map(|host| answers.from(host))
    }
}

fn assert_near(answered: [usize; 3], expected: [usize; 3]) {
    let mut both = answered.iter().zip(&expected);
    assert!(
        both.all(|(answered, expected)| answered.abs_diff(*expected) <= OFF),
        "{answered:?} of {expected:?}"
    );
}

/// Picks of the own zone that has all, of the own zone that has a part, and of others.
fn counted(daemon: &Daemon) -> [u64; 3] {
    let stats = daemon.stats().unwrap();
    ["all_directly", "sampled", "cross_zone"].map(|word| {
        let name = format!("cluster.cds_egress_apps_{NODE}_http2_80.lb_zone_routing_{word}");
        stats.value(&name)
    })
}

fn wait_zone(daemon: &Daemon, endpoint: &str, zone: &str) {
    let wanted = json!({ "endpoint": format!("{endpoint}:80"), "zone": zone });
    let is_there = |cluster: &Value| {
        let zones = cluster["zones"].as_array();
        zones.is_some_and(|zones| zones.contains(&wanted))
    };
    daemon.wait_cluster(NODE, "another zone", is_there).unwrap();
}

/// What is said of hosts of which the first alone is in the own zone.
fn assert_told(daemon: &Daemon, [first, _, third]: &[String; 3]) {
    let page = daemon.ask("status", &[]).unwrap().stdout;
    assert!(page.contains(&format!("{first}:80 in {OWN}")), "{page}");
    let url = format!("http://{NODE}.apps.local/");
    let told = daemon.ask("explain", &["--live", &url]).unwrap().stdout;
    for line in [
        format!("zone-aware: to {OWN} as much as leaves all endpoints the same load"),
        format!("    fit      {third}:80 in {OTHER}"),
    ] {
        assert!(told.contains(&line), "no `{line}` in\n{told}");
    }
}

#[test]
fn the_own_zone_gets_what_it_can_take_and_a_change_of_zones_or_options_takes_effect() {
    if !capability::namespace_ring() {
        return;
    }
    let zoned = Zoned::start([OWN, OTHER, OTHER]);
    zoned.set("EVEN_LOAD").unwrap();
    let daemon = zoned.daemon(Some(OWN));

    // Half of all callers and a third of all endpoints: two thirds of what it sends has room there.
    assert_near(zoned.answered(), [60, 15, 15]);
    let [direct, sampled, cross] = counted(&daemon);
    assert_eq!((direct, sampled + cross), (0, REQUESTS as u64));
    assert!(sampled.abs_diff(60) <= OFF as u64, "{sampled}");
    assert_told(&daemon, &zoned.addresses);

    let first = zoned.addresses[0].as_str();
    zoned.place([OTHER, OWN, OWN]);
    wait_zone(&daemon, first, OTHER);
    assert_near(zoned.answered(), [0, 45, 45]);
    assert_eq!(counted(&daemon)[0], REQUESTS as u64);

    zoned.place([OWN, OTHER, OTHER]);
    wait_zone(&daemon, first, OWN);
    let same = || zoned.set("SAME_ZONE");
    daemon.reconfigure("the other option", same).unwrap();
    assert_near(zoned.answered(), [REQUESTS, 0, 0]);
}

#[test]
fn who_does_not_know_its_own_zone_is_told_so_and_sends_to_all_alike() {
    if !capability::namespace_ring() {
        return;
    }
    let zoned = Zoned::start([OWN, OTHER, OTHER]);
    zoned.set("SAME_ZONE").unwrap();
    let daemon = zoned.daemon(None);
    assert_near(zoned.answered(), [REQUESTS / 3; 3]);
    assert_eq!(counted(&daemon), [0; 3]);
    let told = "nobody says which zone it is in; set FERROMESH_ZONE among its variables";
    let page = daemon.ask("status", &[]).unwrap().stdout;
    for of in [page, daemon.log()] {
        assert!(of.contains(told), "no `{told}` in\n{of}");
    }
}

#[test]
fn an_option_that_comes_later_and_finds_nobody_in_the_own_zone_is_told_of_once() {
    const TOLD: &str = "no endpoint is known to be in the workload's own zone";
    if !capability::namespace_ring() {
        return;
    }
    let zoned = Zoned::start([OTHER; 3]);
    let daemon = zoned.daemon(Some(OWN));
    assert_near(zoned.answered(), [REQUESTS / 3; 3]);
    assert!(!daemon.log().contains(TOLD));
    let even = || zoned.set("EVEN_LOAD");
    daemon.reconfigure("the option", even).unwrap();
    wait::until_true("the log to say it", || Ok(daemon.log().contains(TOLD))).unwrap();
    assert_near(zoned.answered(), [REQUESTS / 3; 3]);
    zoned.place([OWN, OTHER, OTHER]);
    wait_zone(&daemon, &zoned.addresses[0], OWN);
    assert_eq!(daemon.log().matches(TOLD).count(), 1);
}
