//! The harness itself: a network of hosts that reach each other by name without any proxy, and
//! nothing of it that stays.

use std::{
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use tests::{
    capability, cgroup,
    client::{COULD_NOT_CONNECT, Curl},
    dns::Dns,
    host::Place,
    netns,
    network::{Network, Purpose},
    process,
    web::{
        Speaks, WebServer,
        counted::{CountedServer, Counts},
    },
};

/// The places where something of a network could be left.
fn traces(id: &str) -> Vec<PathBuf> {
    let directories = [
        cgroup::mount_point().expect("the ring's needs are met"),
        std::env::temp_dir(),
        Path::new(netns::DIRECTORY).to_owned(),
    ];
    let entries = directories
        .iter()
        .filter_map(|directory| std::fs::read_dir(directory).ok());
    entries
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name == format!("ferromesh-{id}") || name.starts_with(&format!("{id}-s"))
        })
        .collect()
}

#[test]
fn hosts_reach_each_other_by_name_and_the_servers_log_who_called() {
    if !capability::namespace_ring() {
        return;
    }
    let mut network = Network::create(Purpose::Test).expect("a network");
    let server = network.add_host("server").expect("a host");
    let second = network.add_host("second").expect("a host");
    let mut dns = Dns::start(&network).expect("a name server");
    let addresses = [IpAddr::V4(server.v4()), IpAddr::V6(server.v6())];
    dns.set("server", &addresses).expect("records");
    let ports = [(80, Speaks::Http2), (8080, Speaks::Http1)];
    let web = WebServer::start(&server, Place::Outside, "it", &ports).expect("a web server");

    let curl = Curl::new(&second).at(Place::Outside);
    for family in ["--ipv4", "--ipv6"] {
        let http2 = curl.clone().args([family]).http2();
        let answer = http2.get("http://server.apps.local/").expect("curl runs");
        assert!(
            answer.is_ok() && answer.body == "it",
            "{family}: {answer:?}"
        );
        let http1 = curl.clone().args([family]);
        let answers = http1
            .many("http://server.apps.local:8080/", 20)
            .expect("curl runs");
        assert_eq!(answers.from("it"), 20, "{family}: {answers:?}");
    }
    let requests = web.requests().expect("an access log");
    assert_eq!(requests.len(), 42);
    let callers = [IpAddr::V4(second.v4()), IpAddr::V6(second.v6())];
    assert!(
        requests
            .iter()
            .all(|request| callers.contains(&request.peer))
    );
    assert_eq!(requests[0].host, "server.apps.local");
    assert_eq!(requests[0].protocol, "HTTP/2.0");
    assert_eq!(requests[1].protocol, "HTTP/1.1");

    let closed = curl.get("http://server.apps.local:81/").expect("curl runs");
    assert_eq!(closed.exit, COULD_NOT_CONNECT);
    let unknown = curl.get("http://nobody.apps.local/").expect("curl runs");
    assert_eq!(
        unknown.exit, 6,
        "curl could resolve an unknown name: {unknown:?}"
    );
    dns.set("server", &[]).expect("records");
    tests::wait::until_true("the name to be gone", || {
        Ok(curl.get("http://server.apps.local:8080/")?.exit == 6)
    })
    .expect("dnsmasq reads its records again");
}

#[test]
fn nothing_of_a_network_is_left_when_a_test_panics() {
    if !capability::namespace_ring() {
        return;
    }
    let mut id = String::new();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let mut network = Network::create(Purpose::Test).expect("a network");
        network.id().clone_into(&mut id);
        let host = network.add_host("server").expect("a host");
        let ports = [(80, Speaks::Http2)];
        let _web = WebServer::start(&host, Place::Workload, "it", &ports).expect("a web server");
        assert_eq!(traces(&id).len(), 4, "cgroup, directory, two namespaces");
        std::panic::resume_unwind(Box::new("as a failing test does"));
    }));
    assert!(panicked.is_err());
    assert_eq!(traces(&id), Vec::<PathBuf>::new());
}

#[test]
fn a_counted_server_counts_what_the_load_client_makes() {
    if !capability::namespace_ring() {
        return;
    }
    let mut network = Network::create(Purpose::Test).expect("a network");
    let host = network.add_host("server").expect("a host");
    let mut server = CountedServer::start(&host, Place::Proxy, 15001).expect("a server");
    let zero = server.counts().expect("counts");
    assert_eq!(zero, Counts::default());
    for (connections, expected) in [("new", (40, 40)), ("kept", (44, 80)), ("bulk", (48, 120))] {
        let mut client = host.command(Place::Outside, env!("CARGO_BIN_EXE_connection-load"));
        client.args(["127.0.0.1:15001", "4", "40", connections]);
        let elapsed = process::run(&mut client).expect("the client has its answers");
        assert!(elapsed.trim().parse::<u64>().expect("microseconds") > 0);
        let counts = server.counts().expect("counts");
        assert_eq!(
            (counts.connections, counts.requests),
            expected,
            "{connections}"
        );
    }
}
