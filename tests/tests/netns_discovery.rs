//! Names whose servers misbehave, and instances that a file names: traffic goes on with the last answer,
//! and `ferromesh status` and the log say since when.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tests::{
    capability,
    daemon::Daemon,
    name_server::{Code, Family, Manner, NameServer},
    network::Purpose,
    scenario::Scenario,
    wait,
};

/// The name server that misbehaves, beside that of the scenario.
const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
/// An address of nobody.
const NOBODY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 3);
/// The domain in which nodes have their names; services have theirs in `apps.local`.
const NODES: &str = "nodes.test";

/// How a name is treated, and what is said of it.
struct Trouble {
    name: &'static str,
    manner: Manner,
    said: &'static str,
}

const TROUBLES: [Trouble; 8] = [
    Trouble {
        name: "silent",
        manner: Manner::Silent,
        said: "no name server has an answer",
    },
    Trouble {
        name: "late",
        manner: Manner::Late(Duration::from_secs(20)),
        said: "no name server has an answer",
    },
    Trouble {
        name: "unknown",
        manner: Manner::Code(Code::NoSuchName),
        said: "NXDOMAIN",
    },
    Trouble {
        name: "empty",
        manner: Manner::Code(Code::Nothing),
        said: "no address",
    },
    Trouble {
        name: "failed",
        manner: Manner::Code(Code::Failed),
        said: "no name server has an answer",
    },
    Trouble {
        name: "refused",
        manner: Manner::Code(Code::Refused),
        said: "no name server has an answer",
    },
    Trouble {
        name: "torn",
        manner: Manner::TornOff,
        said: "no name server has an answer",
    },
    Trouble {
        name: "garbled",
        manner: Manner::Garbled,
        said: "no name server has an answer",
    },
];

/// Starts the name server, and has `serviceA` ask the servers at these addresses.
fn name_server(scenario: &Scenario, asked: &[Ipv4Addr]) -> NameServer {
    let switch = scenario.network.switch();
    let address = format!("address add {SERVER}/24 dev bridge");
    switch.configure(&[address]).unwrap();
    let servers = asked.iter().map(|server| format!("nameserver {server}\n"));
    let options = "options timeout:1 attempts:1\n".to_owned();
    let text: String = servers.chain([options]).collect();
    fs::write(scenario.service_a.directory().join("resolv.conf"), text).unwrap();
    NameServer::start(switch, SERVER.into()).unwrap()
}

fn by_dns(name: &str, response: &str) -> Value {
    json!({ "dns": { "hostname": format!("{name}.{NODES}"), "responseType": response } })
}

fn wait_for(daemon: &Daemon, node: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    daemon.wait_cluster(node, what, wanted).unwrap()
}

fn failure(cluster: &Value) -> &str {
    cluster["failure"].as_str().unwrap_or_default()
}

/// Requests for a service that all have to go through the proxy and be answered by one server.
fn assert_served(scenario: &Scenario, daemon: &Daemon, service: &str, by: &str) {
    let counter = format!("cluster.cds_egress_apps_{service}_http2_80.upstream_rq_total");
    let before = daemon.stat(&counter).unwrap();
    let url = format!("http://{service}.apps.local/");
    let answers = scenario.curl().many(&url, 5).unwrap();
    assert_eq!(answers.from(by), 5, "{service}: {:?}", answers.failures());
    assert_eq!(daemon.stat(&counter).unwrap(), before + 5, "{service}");
}

/// Has names lead to an address that is dialled, and those of their nodes to where these are.
fn teach(server: &NameServer, names: &[&str], dialled: Ipv4Addr, node: Ipv4Addr) {
    for name in names {
        server.set(&format!("{name}.apps.local"), &[IpAddr::V4(dialled)]);
        server.set(&format!("{name}.{NODES}"), &[IpAddr::V4(node)]);
        server.set_ttl(&format!("{name}.{NODES}"), 1);
    }
}

/// Status has each trouble and the address that stays in use, and the log has each trouble.
fn assert_troubles_are_told(daemon: &Daemon, in_use: Ipv4Addr) {
    let page = daemon.ask("status", &[]).unwrap().stdout;
    let log = daemon.log();
    for Trouble { name, said, .. } in &TROUBLES {
        let cluster = format!("cds_egress_apps_{name}_http2_80");
        let line = |text: &str, word: &str| {
            let mut lines = text.lines();
            let is_it = |line: &&str| line.contains(&cluster) && line.contains(word);
            lines
                .find(is_it)
                .unwrap_or_else(|| panic!("{text}"))
                .to_owned()
        };
        let told = line(&page, "NO NEW ANSWER for ");
        assert!(
            told.contains(said) && told.contains(&in_use.to_string()),
            "{told}"
        );
        assert!(line(&log, "the last one stays in use").contains(said));
    }
}

#[test]
fn traffic_goes_on_with_the_last_answer_whatever_becomes_of_name_servers() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let server = name_server(&scenario, &[SERVER]);
    // What is dialled is not where the service is: only a proxy finds it.
    let [b, other] = [&scenario.service_b, &scenario.service_bv2].map(|host| host.v4());
    let all = TROUBLES.iter().map(|trouble| trouble.name).chain(["well"]);
    let all: Vec<&str> = all.collect();
    teach(&server, &all, other, b);
    // Both ways of using an answer.
    let response = |number: usize| ["LOADBALANCER", "ENDPOINTS"][number % 2];
    let nodes = all.iter().enumerate();
    let nodes: Vec<_> = nodes
        .map(|(number, name)| (*name, by_dns(name, response(number))))
        .collect();
    scenario.documents.lead(&nodes).unwrap();
    let began = Instant::now();
    let daemon = scenario.daemon_a().start().unwrap();
    for name in &all {
        assert_served(&scenario, &daemon, name, "serviceB");
    }

    for Trouble { name, manner, .. } in &TROUBLES {
        server.treat(&format!("{name}.{NODES}"), *manner);
    }
    for Trouble { name, said, .. } in &TROUBLES {
        let trouble = wait_for(&daemon, name, "trouble", |now| failure(now).contains(said));
        assert!(trouble["answered_seconds"].is_u64(), "{trouble}");
        assert_served(&scenario, &daemon, name, "serviceB");
    }
    assert_troubles_are_told(&daemon, b);
    // However slow it is, questions do not pile up, and a short time to live makes them no more.
    let most = usize::try_from(began.elapsed().as_secs()).unwrap() / 5 + 3;
    for name in ["late", "well"] {
        let asked = server.asked(&format!("{name}.{NODES}"), Family::V4);
        assert!(asked.len() <= most, "{name}: {} questions", asked.len());
    }

    drop(server);
    wait_for(&daemon, "well", "trouble", |now| !failure(now).is_empty());
    // The application has to find an address to dial, too.
    let dialled = format!("well.apps.local:80:{other}");
    let curl = scenario.curl().args(["--resolve", &dialled]);
    let answers = curl.many("http://well.apps.local/", 5).unwrap();
    assert_eq!(answers.from("serviceB"), 5, "{:?}", answers.failures());

    let server = NameServer::start(scenario.network.switch(), SERVER.into()).unwrap();
    teach(&server, &all, other, other);
    for name in &all {
        let moved = json!([format!("{other}:80")]);
        wait_for(&daemon, name, "the new address", |now| {
            now["endpoints"] == moved && failure(now).is_empty()
        });
        assert_served(&scenario, &daemon, name, "serviceBv2");
    }
    assert!(daemon.log().contains("there are answers again"));
}

#[test]
fn two_hundred_addresses_come_whole_from_the_server_that_answers_by_their_time_to_live() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    // The first name server is not there.
    let server = name_server(&scenario, &[NOBODY, SERVER]);
    let addresses: Vec<Ipv4Addr> = (1..=200)
        .map(|last| Ipv4Addr::new(203, 0, 113, last))
        .collect();
    let own = addresses.iter();
    let own: Vec<String> = own
        .map(|address| format!("address add {address}/32 dev eth0"))
        .collect();
    scenario.service_b.netns().configure(&own).unwrap();
    let route = "route add 203.0.113.0/24 dev eth0".to_owned();
    scenario.service_a.netns().configure(&[route]).unwrap();
    let many: Vec<IpAddr> = addresses.iter().copied().map(IpAddr::V4).collect();
    for (name, ttl) in [("many", 1), ("lasting", 3600)] {
        let dialled = IpAddr::V4(scenario.service_bv2.v4());
        server.set(&format!("{name}.apps.local"), &[dialled]);
        server.set(&format!("{name}.{NODES}"), &many);
        server.set_ttl(&format!("{name}.{NODES}"), ttl);
    }
    let nodes = ["many", "lasting"].map(|name| (name, by_dns(name, "ENDPOINTS")));
    scenario.documents.lead(&nodes).unwrap();
    let settings = scenario
        .daemon_a()
        .env("FERROMESH_RESPECT_DNS_TTL", "on")
        .args(["--workers", "1"]);
    let daemon = settings.start().unwrap();
    for name in ["many", "lasting"] {
        let all: Vec<String> = addresses
            .iter()
            .map(|address| format!("{address}:80"))
            .collect();
        wait_for(&daemon, name, "all addresses", |now| {
            now["endpoints"] == json!(all)
        });
    }
    let answers = scenario
        .curl()
        .many("http://many.apps.local/", 400)
        .unwrap();
    assert_eq!(answers.from("serviceB"), 400, "{:?}", answers.failures());
    let connections = "cluster.cds_egress_apps_many_http2_80.upstream_cx_total";
    assert_eq!(daemon.stat(connections).unwrap(), 200);
    let page = daemon.ask("status", &[]).unwrap().stdout;
    assert!(page.contains("203.0.113.32:80, and 168 more"), "{page}");

    let of = |name: &str| server.asked(&format!("{name}.{NODES}"), Family::V4);
    wait::until_true("four questions", || Ok(of("many").len() >= 4)).unwrap();
    let asked = of("many");
    let spent = asked[3] - asked[0];
    // Every five seconds it would be fifteen.
    assert!(spent < Duration::from_secs(12), "{spent:?}");
    assert_eq!(of("lasting").len(), 1);
}

#[test]
fn a_node_in_cloud_map_is_where_the_operator_s_file_says() {
    if !capability::namespace_ring() {
        return;
    }
    let mut scenario = Scenario::start(Purpose::Test).unwrap();
    let dialled = IpAddr::V4(scenario.service_bv2.v4());
    scenario.dns.set("paid", &[dialled]).unwrap();
    let discovery = json!({ "awsCloudMap": {
        "namespaceName": "shop.local",
        "serviceName": "payments",
        "attributes": [{ "key": "stage", "value": "prod" }],
    } });
    scenario.documents.lead(&[("paid", discovery)]).unwrap();
    let file: PathBuf = scenario.network.directory().join("instances.yaml");
    let [b, other] = [&scenario.service_b, &scenario.service_bv2].map(|host| host.v4());
    let list = |prod: &str, test: &str| {
        let text = format!(
            "services:\n  - namespace: shop.local\n    name: payments\n    instances:\n      - {{ ipv4: \
             {prod}, attributes: {{ stage: prod }} }}\n      - {{ ipv4: {test}, attributes: {{ stage: \
             test }} }}\n"
        );
        let draft = file.with_extension("draft");
        fs::write(&draft, text).unwrap();
        fs::rename(&draft, &file).unwrap();
    };
    let [b, other] = [b, other].map(|address| address.to_string());
    list(&b, &other);
    let settings = scenario
        .daemon_a()
        .env("FERROMESH_INSTANCES", file.to_string_lossy());
    let daemon = settings.start().unwrap();
    assert_served(&scenario, &daemon, "paid", "serviceB");

    list(&other, &b);
    let moved = json!([format!("{other}:80")]);
    wait_for(&daemon, "paid", "the other instance", |now| {
        now["endpoints"] == moved
    });
    assert_served(&scenario, &daemon, "paid", "serviceBv2");

    list("nowhere", &b);
    let said = format!("{}:5: services[0].instances[0].ipv4: ", file.display());
    wait_for(&daemon, "paid", "a fault", |now| {
        failure(now).starts_with(&said)
    });
    assert_served(&scenario, &daemon, "paid", "serviceBv2");
    let page = daemon.ask("status", &[]).unwrap().stdout;
    assert!(
        page.contains("this one stays in use: ") && page.contains(&said),
        "{page}"
    );
    assert!(daemon.log().contains(&said));

    list(&b, &other);
    wait_for(&daemon, "paid", "the mended file", |now| {
        failure(now).is_empty()
    });
    assert_served(&scenario, &daemon, "paid", "serviceB");
}
