//! A document of options beside those of the mesh: what it says is in force as any other document is, is
//! shown, refused and rolled back alike.

use std::{fs, thread};

use serde_json::{Value, json};
use tests::{
    capability,
    client::Answer,
    daemon::Daemon,
    host::Place,
    network::Purpose,
    scenario::{FROM_APPLICATION, Scenario, URL},
    web::{SLOW_BYTES, SLOW_PATH, Speaks, WebServer, site::Site},
};

const FILE: &str = "options.yaml";
/// A service that a virtual node provides, without a router.
const SERVICE: &str = "direct.apps.local";
const PORT: u16 = 8080;

fn options(spec: &Value) -> String {
    let document = json!({
        "apiVersion": "ferromesh.dev/v1",
        "kind": "MeshOptions",
        "metadata": { "name": "apps" },
        "spec": spec,
    });
    format!("{document:#}\n")
}

fn within(field: &str, millis: u64) -> String {
    options(&json!({
        "virtualServices": [{
            "virtualServiceName": SERVICE,
            "timeout": { field: { "unit": "ms", "value": millis } },
        }],
    }))
}

fn is_whole(answer: &Answer) -> bool {
    answer.is_ok() && answer.body.len() == SLOW_BYTES
}

/// One slow answer, by way of the proxy.
fn fetch(scenario: &Scenario, daemon: &Daemon) -> Answer {
    let before = daemon.stat(FROM_APPLICATION).unwrap();
    let url = format!("http://{SERVICE}:{PORT}{SLOW_PATH}");
    let answer = scenario.curl().get(&url).unwrap();
    assert_eq!(daemon.stat(FROM_APPLICATION).unwrap(), before + 1);
    answer
}

#[test]
fn a_service_of_a_node_has_the_time_that_options_give_it_until_they_are_rolled_back() {
    if !capability::namespace_ring() {
        return;
    }
    let mut scenario = Scenario::start(Purpose::Test).unwrap();
    scenario.lead("direct", "http", PORT).unwrap();
    let ports = [(PORT, Speaks::Http1)];
    let _web = WebServer::start(&scenario.service_b, Place::Workload, "direct", &ports).unwrap();
    let daemon = scenario.daemon_a().start().unwrap();
    assert!(is_whole(&fetch(&scenario, &daemon)));
    let first = daemon.configuration().unwrap().generation;

    let wrong = within("perRequst", 1000);
    scenario.documents.write(FILE, &wrong).unwrap();
    let refused = daemon
        .wait_configuration("the refusal", |now| !now.problems.is_empty())
        .unwrap();
    let problem = refused.problems.join("\n");
    for word in [FILE, "mesh options apps", "did you mean `perRequest`?"] {
        assert!(problem.contains(word), "no {word} in {problem}");
    }
    assert!(is_whole(&fetch(&scenario, &daemon)));

    let right = within("perRequest", 1000);
    scenario.documents.write(FILE, &right).unwrap();
    daemon
        .wait_configuration("the options", |now| {
            now.generation > first && now.problems.is_empty()
        })
        .unwrap();
    let cut = fetch(&scenario, &daemon);
    assert!(
        !is_whole(&cut) && cut.body.len() < SLOW_BYTES,
        "{}",
        cut.exit
    );

    let said = daemon.ask("rollback", &[]).unwrap();
    assert!(said.status.success(), "{}", said.stderr);
    assert!(is_whole(&fetch(&scenario, &daemon)));
}

/// Clients at a time, and how many requests each of them makes.
const CLIENTS: usize = 8;
const EACH: usize = 10;
const SLOW_PORT: u16 = 8081;

#[test]
fn a_slow_host_of_four_gets_fewer_by_least_request() {
    if !capability::namespace_ring() {
        return;
    }
    let mut scenario = Scenario::start(Purpose::Test).unwrap();
    scenario.lead("direct", "http", PORT).unwrap();
    let third = scenario.network.add_host("third").unwrap();
    let hosts = [&scenario.service_b, &scenario.service_bv2, &third];
    let _fast = hosts.map(|host| {
        let site = Site::start(host, Place::Workload, PORT, Speaks::Http1).unwrap();
        site.write(SLOW_PATH.trim_start_matches('/'), b"at once")
            .unwrap();
        site
    });
    let ports = [(SLOW_PORT, Speaks::Http1)];
    let slow = WebServer::start(&third, Place::Workload, "slow", &ports).unwrap();
    let fast = hosts.map(|host| json!({ "ipv4": host.v4(), "port": PORT }));
    let mut instances = fast.to_vec();
    instances.push(json!({ "ipv4": third.v4(), "port": SLOW_PORT }));
    let file = scenario.network.directory().join("instances.json");
    let listed = json!({ "virtualNodes": [{ "name": "direct", "instances": instances }] });
    fs::write(&file, listed.to_string()).unwrap();
    let least = options(&json!({
        "virtualNodes": [{ "virtualNodeName": "direct", "balancing": "LEAST_REQUEST" }],
    }));
    scenario.documents.write(FILE, &least).unwrap();
    let daemon = scenario
        .daemon_a()
        .env("FERROMESH_INSTANCES", file.to_string_lossy())
        .start()
        .unwrap();
    let url = format!("http://{SERVICE}:{PORT}{SLOW_PATH}");
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let answers = scenario.curl().many(&url, EACH).unwrap();
                assert_eq!(answers.failures(), []);
            });
        }
    });
    let all = CLIENTS * EACH;
    assert_eq!(daemon.stat(FROM_APPLICATION).unwrap(), all as u64);
    let of_slow = slow.requests().unwrap().len();
    // By turns it is every fourth.
    assert!(of_slow * 8 < all, "{of_slow} of {all}");
}

/// Requests to a route of two targets, each time.
const EACH_TIME: usize = 40;

#[test]
fn a_dead_target_gives_its_share_to_the_other_and_has_it_again_when_it_is_back() {
    if !capability::namespace_ring() {
        return;
    }
    let mut scenario = Scenario::start(Purpose::Test).unwrap();
    let over = options(&json!({ "routes": [{
        "virtualRouterName": "serviceB",
        "routeName": "serviceB",
        "failover": "OTHER_TARGETS",
    }] }));
    scenario.documents.write(FILE, &over).unwrap();
    let daemon = scenario.daemon_a().start().unwrap();
    let curl = scenario.curl().http2();
    // How many of some requests the target of 25 % answered; none fails.
    let share = || {
        let before = daemon.stat(FROM_APPLICATION).unwrap();
        let answers = curl.many(URL, EACH_TIME).unwrap();
        assert_eq!(answers.failures(), []);
        let seen = daemon.stat(FROM_APPLICATION).unwrap() - before;
        assert_eq!(seen, EACH_TIME as u64);
        let of_both = ["serviceB", "serviceBv2"].map(|name| answers.from(name));
        assert_eq!(of_both[0] + of_both[1], EACH_TIME);
        of_both[1]
    };
    assert!((8..=12).contains(&share()), "a quarter");
    scenario.web_bv2.stop().unwrap();
    assert_eq!(share(), 0);
    let gone_on = "cluster.cds_egress_apps_serviceBv2_http2_80.upstream_rq_failover";
    let gone_on = daemon.stat(gone_on).unwrap();
    assert!((8..=12).contains(&gone_on), "{gone_on}");
    let ports = [(80, Speaks::Http2)];
    let host = &scenario.service_bv2;
    scenario.web_bv2 = WebServer::start(host, Place::Workload, "serviceBv2", &ports).unwrap();
    assert!((8..=12).contains(&share()), "a quarter again");
}
