//! What passes through the proxies of both ends, and how it ends: by either side, by time, by a change.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tests::{
    capability,
    daemon::Daemon,
    network::Purpose,
    remote::{Remote, reset},
    scenario::Scenario,
    wait,
};

use super::{TO_B, agent, crossed, meet, server};

const INTO_B: &str = "tcp.ingress.downstream_cx_total";
const FROM_APPLICATION: &str = "tcp.egress.downstream_cx_total";

/// What is sent each way where bytes are compared.
const LARGE: u64 = 1 << 30;

/// The way through two proxies: out of `serviceA` and into `serviceB`.
struct Way {
    client: Remote,
    server: Remote,
    /// The sockets of the last connection, of the client and of the server.
    sockets: (String, String),
    to: IpAddr,
    out: Daemon,
    into: Daemon,
    // Last, for it has the hosts.
    scenario: Scenario,
}

impl Way {
    /// Both proxies, and a first connection through them.
    fn start(set: impl FnOnce(&Scenario)) -> Self {
        let mut scenario = Scenario::start(Purpose::Test).unwrap();
        crossed(&mut scenario, "DROP_ALL");
        set(&scenario);
        let drain = ("LISTENER_DRAIN_WAIT_TIME_S", "5");
        let out = scenario.daemon_a().env(drain.0, drain.1).start().unwrap();
        let into = scenario.daemon_b().env(drain.0, drain.1);
        let into = into.node("tcpB").start().unwrap();
        let mut client = agent(&scenario.service_a);
        let mut server = server(&scenario.service_b);
        let to = IpAddr::V4(scenario.service_bv2.v4());
        Self {
            sockets: meet(&mut client, &mut server, to),
            client,
            server,
            to,
            out,
            into,
            scenario,
        }
    }

    /// Another connection.
    fn meet(&mut self) {
        self.sockets = meet(&mut self.client, &mut self.server, self.to);
    }

    /// Gives the client an order about the last connection.
    fn client(&mut self, order: &str) -> Result<String, String> {
        self.client.ask(&about(&self.sockets.0, order))
    }

    /// The same for the server.
    fn server(&mut self, order: &str) -> Result<String, String> {
        self.server.ask(&about(&self.sockets.1, order))
    }

    /// The same for both at once.
    fn both(&mut self, order: &str) -> [Result<String, String>; 2] {
        self.client.order(&about(&self.sockets.0, order));
        self.server.order(&about(&self.sockets.1, order));
        [self.client.answer(), self.server.answer()]
    }

    fn assert_through(&self, connections: u64) {
        assert_eq!(self.out.stat(TO_B).unwrap(), connections);
        assert_eq!(self.out.stat(FROM_APPLICATION).unwrap(), connections);
        assert_eq!(self.into.stat(INTO_B).unwrap(), connections);
    }
}

/// An order with the socket that it is about.
fn about(socket: &str, order: &str) -> String {
    let (what, rest) = order.split_once(' ').unwrap_or((order, ""));
    format!("{what} {socket} {rest}")
}

#[test]
fn an_end_is_passed_on_as_an_end_and_a_reset_as_a_reset() {
    if !capability::namespace_ring() {
        return;
    }
    let mut way = Way::start(|_| {});
    // The client is through first, and hears the rest; then the other way round.
    way.client("send 100").unwrap();
    way.client("finish").unwrap();
    assert_eq!(way.server("drain").as_deref(), Ok("100"));
    way.server("send 200").unwrap();
    way.server("finish").unwrap();
    assert_eq!(way.client("drain").as_deref(), Ok("200"));
    way.meet();
    way.server("finish").unwrap();
    assert_eq!(way.client("drain").as_deref(), Ok("0"));
    way.client("send 300").unwrap();
    way.client("close").unwrap();
    assert_eq!(way.server("drain").as_deref(), Ok("300"));

    way.meet();
    way.client("reset").unwrap();
    assert_eq!(way.server("drain"), reset());
    way.meet();
    way.server("reset").unwrap();
    assert_eq!(way.client("drain"), reset());

    // Behind an end no read tells of it, but the socket is none any more.
    way.meet();
    way.server("finish").unwrap();
    assert_eq!(way.client("drain").as_deref(), Ok("0"));
    way.server("reset").unwrap();
    wait::until_true("the reset behind the end", || {
        Ok(way.client("peer").is_err())
    })
    .unwrap();
    way.assert_through(5);
}

#[test]
fn a_gibibyte_each_way_arrives_as_it_was_sent() {
    if !capability::namespace_ring() {
        return;
    }
    let mut way = Way::start(|_| {});
    way.assert_through(1);
    for exchanged in way.both(&format!("exchange {LARGE}")) {
        assert_eq!(exchanged.as_deref(), Ok(""));
    }
    way.client("close").unwrap();
    for (daemon, name) in [
        (&way.out, "tcp.egress.downstream_cx_rx_bytes_total"),
        (&way.into, "tcp.ingress.downstream_cx_rx_bytes_total"),
    ] {
        assert_eq!(daemon.stat(name).unwrap(), LARGE);
    }
    assert_eq!(
        way.out
            .stat("tcp.egress.downstream_cx_tx_bytes_total")
            .unwrap(),
        LARGE + 1
    );
}

#[test]
fn a_connection_in_which_nothing_moves_is_closed_after_the_time_of_its_route_or_listener() {
    if !capability::namespace_ring() {
        return;
    }
    let second = json!({ "idle": { "unit": "s", "value": 1 } });
    // Out of the mesh's client by the route's time, then into its server by the listener's.
    for (key, name, at, counter) in [
        (
            "routeName",
            "two",
            "/spec/tcpRoute/timeout",
            "tcp.egress.idle_timeout",
        ),
        (
            "virtualNodeName",
            "tcpB",
            "/spec/listeners/0/timeout",
            "tcp.ingress.idle_timeout",
        ),
    ] {
        let mut way = Way::start(|scenario| {
            let edit = |document: &mut Value| {
                let (parent, member) = at.rsplit_once('/').unwrap();
                let parent = document.pointer_mut(parent).unwrap();
                parent[member] = if member == "timeout" && key == "virtualNodeName" {
                    json!({ "tcp": second })
                } else {
                    second.clone()
                };
            };
            scenario.documents.edit(key, name, edit).unwrap();
        });
        way.assert_through(1);
        assert_eq!(way.client("drain").as_deref(), Ok("0"));
        assert_eq!(way.server("drain").as_deref(), Ok("0"));
        let daemon = if counter.starts_with("tcp.egress") {
            &way.out
        } else {
            &way.into
        };
        assert_eq!(daemon.stat(counter).unwrap(), 1);
    }
}

/// Takes bytes from the server to its client until the connection is cut, which is not at once.
fn assert_cut_in_time(way: &mut Way, changed: Instant) {
    let mut arrives = || -> Result<String, String> {
        way.server("send 1")?;
        way.client("receive 1")
    };
    wait::until_true("the cut", || Ok(arrives().is_err())).unwrap();
    assert!(
        changed.elapsed() >= Duration::from_secs(5),
        "{:?}",
        changed.elapsed()
    );
}

#[test]
fn connections_under_the_old_targets_of_a_service_or_listener_are_cut_after_the_drain() {
    if !capability::namespace_ring() {
        return;
    }
    let mut way = Way::start(|_| {});
    // Out of the mesh's client, whose route leads elsewhere; into its server there is no change.
    let changed = Instant::now();
    let documents = &way.scenario.documents;
    let elsewhere = |route: &mut Value| {
        let targets = json!([{ "virtualNode": "tcpBv2", "weight": 1 }]);
        route["spec"]["tcpRoute"]["action"]["weightedTargets"] = targets;
    };
    documents.edit("routeName", "two", elsewhere).unwrap();
    assert_cut_in_time(&mut way, changed);
    let documents = &way.scenario.documents;
    let back = |route: &mut Value| {
        let targets = json!([{ "virtualNode": "tcpB", "weight": 1 }]);
        route["spec"]["tcpRoute"]["action"]["weightedTargets"] = targets;
    };
    let back = || documents.edit("routeName", "two", back);
    way.out.reconfigure("the route of before", back).unwrap();

    // Into its server, whose listener has another time; out of the client there is no change.
    way.meet();
    // The cluster's own count may have gone with the cluster.
    assert_eq!(way.out.stat(FROM_APPLICATION).unwrap(), 2);
    assert_eq!(way.into.stat(INTO_B).unwrap(), 2);
    let changed = Instant::now();
    let time = json!({ "tcp": { "idle": { "unit": "s", "value": 100 } } });
    let documents = &way.scenario.documents;
    let edit = |node: &mut Value| node["spec"]["listeners"][0]["timeout"] = time;
    documents.edit("virtualNodeName", "tcpB", edit).unwrap();
    assert_cut_in_time(&mut way, changed);
}
