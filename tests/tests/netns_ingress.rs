//! Ingress: what comes from other hosts for the application goes through the proxy first.

use tests::{
    capability,
    client::Curl,
    host::Place,
    network::Purpose,
    process::Process,
    scenario::{Scenario, TO_APPLICATION},
    wait,
    web::SLOW_PATH,
};

#[test]
fn remote_clients_of_both_families_reach_the_application_through_the_proxy() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let daemon = scenario
        .daemon_b()
        .env("APPMESH_ENABLE_IPV6", "1")
        .start()
        .unwrap();
    let remote = Curl::new(&scenario.service_a).at(Place::Outside).http2();
    let urls = [
        format!("http://{}/", scenario.service_b.v4()),
        format!("http://[{}]/", scenario.service_b.v6()),
    ];
    for (index, url) in (1..).zip(&urls) {
        // The brackets of an IPv6 address would be a range to curl.
        let answer = remote.clone().args(["--globoff"]).get(url).unwrap();
        assert!(
            answer.is_ok() && answer.body == "serviceB",
            "{url}: {answer:?}"
        );
        assert_eq!(daemon.stat(TO_APPLICATION).unwrap(), index, "{url}");
    }
    let cluster = "cluster.cds_ingress_apps_serviceB_http2_80.upstream_rq_total";
    assert_eq!(daemon.stat(cluster).unwrap(), 2);
    for request in scenario.web_b.requests().unwrap() {
        assert!(
            request.peer.is_loopback(),
            "the application is called by its proxy"
        );
    }
}

#[test]
fn http1_reaches_an_http2_application() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let daemon = scenario.daemon_b().start().unwrap();
    let remote = Curl::new(&scenario.service_a).at(Place::Outside);
    let url = format!("http://{}/", scenario.service_b.v4());
    let answers = remote.many(&url, 100).unwrap();
    assert_eq!(daemon.stat(TO_APPLICATION).unwrap(), 100);
    assert_eq!(answers.from("serviceB"), 100, "{:?}", answers.failures());
}

#[test]
fn the_real_address_of_a_remote_client_is_listed() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let daemon = scenario.daemon_b().start().unwrap();
    let url = format!("http://{}{SLOW_PATH}", scenario.service_b.v4());
    let curl = Curl::new(&scenario.service_a).at(Place::Outside).http2();
    let answer = curl
        .get(&format!("http://{}/", scenario.service_b.v4()))
        .unwrap();
    assert_eq!(daemon.stat(TO_APPLICATION).unwrap(), 1, "{answer:?}");
    let log = scenario.service_a.directory().join("slow.log");
    let _slow = Process::spawn("curl", curl.command(&url), &log).unwrap();
    wait::until_true("the slow request", || Ok(daemon.stat(TO_APPLICATION)? == 2)).unwrap();
    let list = daemon.ask_json("connections").unwrap();
    let mut connections = list.as_array().unwrap().iter();
    let client = format!("{}:", scenario.service_a.v4());
    let from_client = connections.any(|connection| {
        connection["direction"] == "ingress"
            && connection["remote"]
                .as_str()
                .is_some_and(|remote| remote.starts_with(&client))
    });
    assert!(from_client, "{list:#}");
}

#[test]
fn local_clients_reach_the_application_directly() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let daemon = scenario
        .daemon_b()
        .env("APPMESH_ENABLE_IPV6", "1")
        .start()
        .unwrap();
    let own = scenario.service_b.v4();
    let remote = Curl::new(&scenario.service_a).at(Place::Outside).http2();
    let answer = remote.get(&format!("http://{own}/")).unwrap();
    assert_eq!(daemon.stat(TO_APPLICATION).unwrap(), 1, "{answer:?}");
    let own6 = scenario.service_b.v6();
    let urls = [
        "127.0.0.1".to_owned(),
        own.to_string(),
        "[::1]".to_owned(),
        format!("[{own6}]"),
    ];
    for address in urls {
        for place in [Place::Workload, Place::Outside] {
            let local = Curl::new(&scenario.service_b)
                .at(place)
                .http2()
                .args(["--globoff"]);
            let answer = local.get(&format!("http://{address}/")).unwrap();
            assert_eq!(
                answer.body, "serviceB",
                "{address} from {place:?}: {answer:?}"
            );
        }
    }
    assert_eq!(
        daemon.stat(TO_APPLICATION).unwrap(),
        1,
        "a local client was steered"
    );
}

#[test]
fn a_port_that_is_not_listed_is_not_steered() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let other = [(8080, tests::web::Speaks::Http1)];
    let host = &scenario.service_b;
    let _other = tests::web::WebServer::start(host, Place::Workload, "other", &other).unwrap();
    let daemon = scenario.daemon_b().start().unwrap();
    let remote = Curl::new(&scenario.service_a).at(Place::Outside);
    let answer = remote.get(&format!("http://{}/", host.v4())).unwrap();
    assert_eq!(daemon.stat(TO_APPLICATION).unwrap(), 1, "{answer:?}");
    let answer = remote.get(&format!("http://{}:8080/", host.v4())).unwrap();
    assert_eq!(answer.body, "other", "{answer:?}");
    assert_eq!(daemon.stat(TO_APPLICATION).unwrap(), 1);
}
