//! Egress: what the application sends goes through the proxy and where the route says.

use std::net::IpAddr;

use tests::{
    capability,
    client::{Answers, is_share},
    daemon::Settings,
    host::Place,
    network::Purpose,
    process,
    scenario::{FROM_APPLICATION, Scenario, TO_SERVICE_B, TO_SERVICE_BV2, URL},
    wait,
    web::{SLOW_BYTES, SLOW_PATH},
};

/// Requests of the split; half of them by HTTP/1.1, half by HTTP/2.
const SPLIT: usize = 10_000;

fn assert_split(answers: &Answers, share_of_b: f64) {
    let total = answers.total();
    let from_b = answers.from("serviceB");
    assert_eq!(answers.failures(), []);
    assert_eq!(from_b + answers.from("serviceBv2"), total);
    assert!(
        is_share(from_b, total, share_of_b),
        "{from_b} of {total} went to serviceB"
    );
}

#[test]
fn requests_split_as_the_route_says_and_a_target_of_weight_0_gets_none() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let daemon = scenario.daemon_a().start().unwrap();
    let (http1, http2) = (scenario.curl(), scenario.curl().http2());
    assert!(http1.get(URL).unwrap().is_ok(), "HTTP/1.1 has an answer");
    assert_eq!(daemon.stat(FROM_APPLICATION).unwrap(), 1);

    assert_split(&http1.many(URL, SPLIT / 2).unwrap(), 0.75);
    let multiplexed = http2.multiplexed(URL, SPLIT / 2 - 500).unwrap();
    assert_eq!(multiplexed.total(), SPLIT / 2 - 500);
    assert_split(&multiplexed, 0.75);
    assert_split(&http2.many(URL, 500).unwrap(), 0.75);
    let stats = daemon.stats().unwrap();
    assert_eq!(stats.value(FROM_APPLICATION), SPLIT as u64 + 1);
    // A request that nginx refuses at the end of a connection is sent again, so the proxy may count
    // more than the servers; they have each request once.
    let counted = stats.value(TO_SERVICE_B) + stats.value(TO_SERVICE_BV2);
    assert!(counted > SPLIT as u64, "{counted}");
    let requests = scenario.web_b.requests().unwrap();
    let logged = requests.len() + scenario.web_bv2.requests().unwrap().len();
    assert_eq!(logged, SPLIT + 1);
    assert!(
        requests
            .iter()
            .all(|request| request.protocol == "HTTP/2.0"),
        "upstream is what the documents say, whatever the application speaks"
    );

    let all = || scenario.documents.set_weights(0, 100);
    daemon.reconfigure("the new weights", all).unwrap();
    for curl in [&http1, &http2] {
        let answers = curl.many(URL, 400).unwrap();
        assert_eq!(answers.from("serviceBv2"), 400, "{:?}", answers.failures());
    }
    assert_eq!(
        daemon.stat(TO_SERVICE_B).unwrap(),
        stats.value(TO_SERVICE_B)
    );
}

#[test]
fn a_route_edited_under_load_fails_no_request() {
    if !capability::namespace_ring() {
        return;
    }
    let (scenario, daemon) = Scenario::redirected(|settings| settings).unwrap();

    let loads = [scenario.curl(), scenario.curl().http2()].map(|curl| curl.load(URL, 1));
    for (service_b, service_bv2) in [(0, 100), (100, 0), (50, 50), (0, 100)] {
        let seen = daemon.stats().unwrap();
        let weights = || scenario.documents.set_weights(service_b, service_bv2);
        daemon.reconfigure("the new weights", weights).unwrap();
        // Some traffic under each of them, so that every switch happens under load.
        wait::until_true("traffic under the new weights", || {
            let now = daemon.stats()?;
            Ok(now.value(FROM_APPLICATION) > seen.value(FROM_APPLICATION) + 200)
        })
        .unwrap();
    }
    let mut total = 1;
    for load in loads {
        let answers = load.stop().unwrap();
        assert_eq!(answers.failures(), []);
        total += answers.total();
    }
    assert_eq!(daemon.stat(FROM_APPLICATION).unwrap(), total as u64);
    let answers = scenario.curl().many(URL, 500).unwrap();
    assert_eq!(
        answers.from("serviceBv2"),
        500,
        "the last weights are in force"
    );
}

#[test]
fn ipv6_is_redirected_when_it_is_switched_on() {
    if !capability::namespace_ring() {
        return;
    }
    let mut scenario = Scenario::start(Purpose::Test).unwrap();
    let [b, bv2] = [&scenario.service_b, &scenario.service_bv2].map(|host| IpAddr::V6(host.v6()));
    scenario.dns.set("serviceb", &[b]).unwrap();
    scenario.dns.set("servicebv2", &[bv2]).unwrap();
    let daemon = scenario
        .daemon_a()
        .env("APPMESH_ENABLE_IPV6", "1")
        .start()
        .unwrap();
    let curl = scenario.curl().args(["--ipv6"]);
    for curl in [curl.clone(), curl.http2()] {
        assert_split(&curl.many(URL, 400).unwrap(), 0.75);
    }
    let stats = daemon.stats().unwrap();
    assert_eq!(stats.value(TO_SERVICE_B) + stats.value(TO_SERVICE_BV2), 800);
    let callers = scenario.web_b.requests().unwrap();
    let caller = IpAddr::V6(scenario.service_a.v6());
    assert!(
        callers.iter().all(|request| request.peer == caller),
        "upstream is IPv6 too"
    );
}

#[test]
fn ipv6_goes_direct_when_it_is_not_switched_on() {
    if !capability::namespace_ring() {
        return;
    }
    let mut scenario = Scenario::start(Purpose::Test).unwrap();
    let host = &scenario.service_b;
    let both = [IpAddr::V4(host.v4()), IpAddr::V6(host.v6())];
    scenario.dns.set("serviceb", &both).unwrap();
    // Whatever the route says, a request that goes direct is answered by serviceB.
    scenario.documents.set_weights(0, 100).unwrap();
    let daemon = scenario.daemon_a().start().unwrap();
    let curl = scenario.curl().http2();
    let by_v4 = curl.clone().args(["--ipv4"]).many(URL, 50).unwrap();
    assert_eq!(daemon.stat(FROM_APPLICATION).unwrap(), 50);
    assert_eq!(by_v4.from("serviceBv2"), 50, "{:?}", by_v4.failures());
    let by_v6 = curl.args(["--ipv6"]).many(URL, 50).unwrap();
    assert_eq!(by_v6.from("serviceB"), 50, "{:?}", by_v6.failures());
    assert_eq!(daemon.stat(FROM_APPLICATION).unwrap(), 50);
}

#[test]
fn a_process_outside_the_workload_is_left_alone() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    scenario.documents.set_weights(0, 100).unwrap();
    let daemon = scenario.daemon_a().start().unwrap();
    let inside = scenario.curl().http2();
    let outside = inside.clone().at(Place::Outside);
    let answers = inside.many(URL, 50).unwrap();
    assert_eq!(daemon.stat(FROM_APPLICATION).unwrap(), 50);
    assert_eq!(answers.from("serviceBv2"), 50, "{:?}", answers.failures());
    let answers = outside.many(URL, 50).unwrap();
    assert_eq!(answers.from("serviceB"), 50, "{:?}", answers.failures());
    assert_eq!(daemon.stat(FROM_APPLICATION).unwrap(), 50);
}

/// The name of serviceB moves to another address while the application keeps dialling the one it
/// knows: where the proxy goes is up to discovery.
fn follows_a_change_in_dns(response_type: &str) {
    let mut scenario = Scenario::start(Purpose::Test).unwrap();
    scenario.documents.set_weights(100, 0).unwrap();
    let edit = scenario
        .documents
        .edit("virtualNodeName", "serviceB", |node| {
            node["spec"]["serviceDiscovery"]["dns"]["responseType"] = response_type.into();
        });
    edit.unwrap();
    let daemon = scenario.daemon_a().start().unwrap();
    let resolve = format!("serviceb.apps.local:80:{}", scenario.service_b.v4());
    let curl = scenario.curl().args(["--resolve", &resolve]);
    assert_eq!(curl.get(URL).unwrap().body, "serviceB");
    assert_eq!(daemon.stat(TO_SERVICE_B).unwrap(), 1);
    // The server at the new address answers with its own name.
    let new = IpAddr::V4(scenario.service_bv2.v4());
    scenario.dns.set("serviceb", &[new]).unwrap();
    let mut asked = 1;
    wait::until_true("requests at the new address", || {
        asked += 1;
        let answer = curl.get(URL)?;
        assert!(answer.is_ok(), "{answer:?}");
        Ok(answer.body == "serviceBv2")
    })
    .unwrap();
    assert_eq!(daemon.stat(TO_SERVICE_B).unwrap(), asked);
    assert_eq!(daemon.stat(TO_SERVICE_BV2).unwrap(), 0);
    assert_eq!(daemon.endpoints("serviceB").unwrap(), [format!("{new}:80")]);
}

#[test]
fn a_change_in_dns_is_followed_where_the_node_says_loadbalancer() {
    if capability::namespace_ring() {
        follows_a_change_in_dns("LOADBALANCER");
    }
}

#[test]
fn a_change_in_dns_is_followed_where_the_node_says_endpoints() {
    if capability::namespace_ring() {
        follows_a_change_in_dns("ENDPOINTS");
    }
}

#[test]
fn connections_name_the_original_destination_and_count_bytes() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    scenario.documents.set_weights(100, 0).unwrap();
    let daemon = scenario.daemon_a().start().unwrap();
    let b = scenario.service_b.v4();
    let dialled = scenario
        .curl()
        .args([
            "--output",
            "/dev/null",
            "--write-out",
            "%{remote_ip}:%{remote_port} ",
        ])
        .command(URL);
    let mut dialled = dialled;
    let seen = process::run(&mut dialled).unwrap();
    assert_eq!(daemon.stat(FROM_APPLICATION).unwrap(), 1);
    assert_eq!(
        seen.trim(),
        format!("{b}:80"),
        "getpeername is the address that was dialled"
    );

    let url = format!("{}{}", URL.trim_end_matches('/'), SLOW_PATH);
    let log = scenario.service_a.directory().join("slow.log");
    let slow = process::Process::spawn("curl", scenario.curl().command(&url), &log).unwrap();
    let connection = wait::until("a listed connection with bytes", || {
        let list = daemon.ask_json("connections")?;
        let connections = list.as_array().cloned().unwrap_or_default();
        Ok(connections.into_iter().find(|connection| {
            connection["bytes_received"]
                .as_u64()
                .is_some_and(|bytes| bytes > 10_000)
        }))
    })
    .unwrap();
    drop(slow);
    assert_eq!(connection["remote"], format!("{b}:80"), "{connection:#}");
    assert_eq!(connection["direction"], "egress", "{connection:#}");
    assert_eq!(connection["verdict"], "redirected", "{connection:#}");
    let sent = connection["bytes_sent"].as_u64().unwrap();
    assert!(
        (50..1000).contains(&sent),
        "a request has some hundred bytes: {connection:#}"
    );
    let received = connection["bytes_received"].as_u64().unwrap();
    assert!(received <= SLOW_BYTES as u64 + 1000, "{connection:#}");
}

#[test]
fn no_packet_filter_rule_is_made() {
    if !capability::namespace_ring() {
        return;
    }
    let ipv6 = |settings: Settings| settings.env("APPMESH_ENABLE_IPV6", "1");
    let (scenario, _daemon) = Scenario::redirected(ipv6).unwrap();
    let netns = scenario.service_a.netns();
    for command in [
        &["iptables-save"][..],
        &["ip6tables-save"],
        &["nft", "list", "ruleset"],
    ] {
        let mut listing = netns.command(command[0]);
        let rules = process::run(listing.args(&command[1..])).unwrap();
        let rules = rules.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(rules, 0, "{} shows rules", command[0]);
    }
}
