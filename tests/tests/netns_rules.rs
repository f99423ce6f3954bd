//! The guide's skip rules, and what happens to traffic that no virtual service matches.

use std::{fmt::Display, sync::Arc};

use tests::{
    capability,
    client::{COULD_NOT_CONNECT, Curl},
    host::Host,
    network::Purpose,
    outside::{self, UNKNOWN},
    scenario::{FROM_APPLICATION, Scenario, assert_redirected},
    web::WebServer,
};

/// A port that the tests ignore.
const IGNORED: u16 = 8081;
/// curl's exit status for a connection that ended before an answer.
const EMPTY_REPLY: u8 = 52;
/// curl's exit status for a connection that was reset.
const RESET: u8 = 56;

fn other_server(host: &Arc<Host>) -> WebServer {
    outside::serve(host, &[22, UNKNOWN, IGNORED]).unwrap()
}

fn assert_direct(curl: &Curl, authority: impl Display) {
    let answer = outside::ask(curl, &authority).unwrap();
    assert!(outside::answered(&answer), "{authority}: {answer:?}");
}

fn assert_dropped(curl: &Curl, authority: impl Display) {
    let answer = outside::ask(curl, &authority).unwrap();
    let refused = [COULD_NOT_CONNECT, EMPTY_REPLY, RESET].contains(&answer.exit);
    assert!(refused && answer.status == 0, "{authority}: {answer:?}");
}

#[test]
fn ignored_ports_and_ssh_go_direct() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let _other = other_server(&scenario.service_b);
    let settings = scenario
        .daemon_a()
        .env("APPMESH_EGRESS_IGNORED_PORTS", "8081,9999");
    let daemon = settings.start().unwrap();
    assert_redirected(&scenario, &daemon);
    let (curl, b) = (scenario.curl(), scenario.service_b.v4());
    assert_dropped(&curl, format!("{b}:{UNKNOWN}"));
    assert_direct(&curl, format!("{b}:{IGNORED}"));
    assert_direct(&curl, format!("{b}:22"));
}

#[test]
fn ignored_addresses_and_networks_of_both_families_go_direct() {
    if !capability::namespace_ring() {
        return;
    }
    let mut scenario = Scenario::start(Purpose::Test).unwrap();
    let far = scenario.network.add_host("far").unwrap();
    let (b, bv2) = (
        Arc::clone(&scenario.service_b),
        Arc::clone(&scenario.service_bv2),
    );
    let _others = [&b, &bv2, &far].map(other_server);
    for (host, address) in [(&b, "198.51.100.1/32"), (&far, "203.0.113.77/32")] {
        host.netns()
            .configure(&[format!("address add {address} dev eth0")])
            .unwrap();
    }
    let routes = [
        format!("route add 198.51.100.0/24 via {}", b.v4()),
        format!("route add 203.0.113.0/24 via {}", far.v4()),
    ];
    scenario.service_a.netns().configure(&routes).unwrap();
    let ignored = format!("{},203.0.113.64/26,{}/128", bv2.v4(), bv2.v6());
    let settings = scenario.daemon_a().env("APPMESH_ENABLE_IPV6", "1");
    let daemon = settings
        .env("APPMESH_EGRESS_IGNORED_IP", ignored)
        .start()
        .unwrap();
    assert_redirected(&scenario, &daemon);

    let curl = scenario.curl();
    assert_direct(&curl, format!("{}:{UNKNOWN}", bv2.v4()));
    assert_direct(&curl, format!("203.0.113.77:{UNKNOWN}"));
    assert_direct(&curl, format!("[{}]:{UNKNOWN}", bv2.v6()));
    assert_dropped(&curl, format!("{}:{UNKNOWN}", b.v4()));
    assert_dropped(&curl, format!("198.51.100.1:{UNKNOWN}"));
    assert_dropped(&curl, format!("[{}]:{UNKNOWN}", b.v6()));
}

#[test]
fn the_addresses_of_instance_metadata_go_direct_by_default() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let _other = other_server(&scenario.service_b);
    let addresses = ["169.254.169.254", "169.254.170.2", "169.254.170.3"];
    let b = &scenario.service_b;
    let add = addresses.map(|address| format!("address add {address}/32 dev eth0"));
    b.netns().configure(&add).unwrap();
    let route = format!("route add 169.254.0.0/16 via {}", b.v4());
    scenario.service_a.netns().configure(&[route]).unwrap();
    let daemon = scenario.daemon_a().start().unwrap();
    assert_redirected(&scenario, &daemon);
    let curl = scenario.curl();
    assert_direct(&curl, format!("169.254.169.254:{UNKNOWN}"));
    assert_direct(&curl, format!("169.254.170.2:{UNKNOWN}"));
    assert_dropped(&curl, format!("169.254.170.3:{UNKNOWN}"));
}

#[test]
fn sockets_of_ignored_users_and_groups_go_direct() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let _other = other_server(&scenario.service_b);
    let settings = scenario.daemon_a().env("APPMESH_IGNORE_UID", "1337");
    let daemon = settings.env("APPMESH_IGNORE_GID", "1338").start().unwrap();
    assert_redirected(&scenario, &daemon);
    let target = format!("{}:{UNKNOWN}", scenario.service_b.v4());
    assert_direct(&scenario.curl().identity(1337, 2000), &target);
    assert_direct(&scenario.curl().identity(2000, 1338), &target);
    assert_dropped(&scenario.curl().identity(1338, 1337), &target);
    assert_dropped(&scenario.curl(), &target);
}

#[test]
fn destinations_on_the_host_itself_go_direct() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let _others = [&scenario.service_a, &scenario.service_b].map(other_server);
    let daemon = scenario
        .daemon_a()
        .env("APPMESH_ENABLE_IPV6", "1")
        .start()
        .unwrap();
    assert_redirected(&scenario, &daemon);
    let (curl, a) = (scenario.curl(), &scenario.service_a);
    assert_dropped(&curl, format!("{}:{UNKNOWN}", scenario.service_b.v4()));
    assert_direct(&curl, format!("127.0.0.1:{UNKNOWN}"));
    assert_direct(&curl, format!("127.7.7.7:{UNKNOWN}"));
    assert_direct(&curl, format!("{}:{UNKNOWN}", a.v4()));
    assert_direct(&curl, format!("[::1]:{UNKNOWN}"));
    assert_direct(&curl, format!("[{}]:{UNKNOWN}", a.v6()));
}

#[test]
fn drop_all_refuses_unknown_ports_and_answers_404_to_unknown_hosts() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    scenario.documents.set_egress_filter("DROP_ALL").unwrap();
    let other = other_server(&scenario.service_b);
    let daemon = scenario.daemon_a().start().unwrap();
    assert_redirected(&scenario, &daemon);
    let b = scenario.service_b.v4();
    assert_dropped(&scenario.curl(), format!("{b}:{UNKNOWN}"));
    assert_eq!(other.requests().unwrap(), []);
    let reached = scenario.web_b.requests().unwrap().len();
    for curl in [scenario.curl(), scenario.curl().http2()] {
        for host in ["unknown.apps.local", "serviceb.apps.local:81", "serviceb"] {
            let curl = curl.clone().args(["--header", &format!("Host: {host}")]);
            let answer = outside::ask(&curl, b).unwrap();
            assert_eq!(
                (answer.status, answer.body.as_str()),
                (404, ""),
                "{host}: {answer:?}"
            );
        }
    }
    assert_eq!(scenario.web_b.requests().unwrap().len(), reached);
    assert_eq!(daemon.stat(FROM_APPLICATION).unwrap(), 1 + 2 * 3);
}

#[test]
fn allow_all_passes_unknown_ports_and_hosts_to_where_they_were_going() {
    if !capability::namespace_ring() {
        return;
    }
    let mut scenario = Scenario::start(Purpose::Test).unwrap();
    let far = scenario.network.add_host("far").unwrap();
    scenario.documents.set_egress_filter("ALLOW_ALL").unwrap();
    let other = other_server(&scenario.service_b);
    let unmeshed = outside::serve(&far, &[80]).unwrap();
    let daemon = scenario.daemon_a().start().unwrap();
    assert_redirected(&scenario, &daemon);
    let b = scenario.service_b.v4();
    let answer = outside::ask(&scenario.curl(), format!("{b}:{UNKNOWN}")).unwrap();
    assert!(outside::answered(&answer), "{answer:?}");
    let passed = "cluster.cds_egress_apps_mesh-allow-all.upstream_cx_total";
    assert_eq!(
        daemon.stat(passed).unwrap(),
        1,
        "an unknown port goes through the proxy"
    );
    assert_eq!(other.requests().unwrap().len(), 1);

    let curl = scenario
        .curl()
        .http2()
        .args(["--header", "Host: unknown.apps.local"]);
    let answer = outside::ask(&curl, far.v4()).unwrap();
    assert!(outside::answered(&answer), "{answer:?}");
    assert_eq!(
        daemon.stat(FROM_APPLICATION).unwrap(),
        2,
        "an unknown host too"
    );
    let requests = unmeshed.requests().unwrap();
    let last = requests.last().unwrap();
    assert_eq!(last.host, "unknown.apps.local");
    assert_eq!(
        last.protocol, "HTTP/1.1",
        "as Envoy speaks to what it only passes on to"
    );
}
