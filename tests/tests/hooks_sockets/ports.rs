//! The space of ports that a redirected workload has: that of one that is not.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::AsFd as _,
    time::Instant,
};

use mesh_bpf::{Instance, Verdict};
use mesh_model::redirect::RedirectRules;
use socket2::SockRef;
use tests::{agent, wait};

use crate::{
    limits,
    stage::{Agent, FAR_V4, OWN_V4, Proxy, Stage, WORKLOAD, assert_counted, plays},
};

const FIRST_V4: &str = "198.51.100.0:80";
const FIRST_V6: &str = "[2001:db8:2::]:80";
/// Of either side, where one would not have descriptors enough.
const PROCESSES: usize = 4;
/// The sysctl of both families.
const RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";

fn enrolled(stage: &Stage, proxy: &Proxy, connections: u32) -> Instance {
    let rules = RedirectRules {
        ipv6: true,
        ..proxy.rules()
    };
    limits::sized(stage, &rules, |limits| {
        limits.connections = connections;
        // Those between SYN and accept: as many as wait in the queue of the listener.
        limits.flows = 1024;
    })
}

/// Has an application open so many connections to each of so many destinations, all at one time, and
/// takes them as the proxy.
fn hold(
    proxy: &TcpListener,
    instance: &Instance,
    stage: &Stage,
    first: &str,
    destinations: u32,
    each: u32,
) {
    let count = destinations * each;
    agent::allow_descriptors(count.into()).unwrap();
    let mut application = stage.application();
    let origins = instance.origins();
    application.order(&format!("many {first} {destinations} {each}"));
    let mut held: Vec<TcpStream> = Vec::new();
    let mut reached: BTreeMap<SocketAddr, u32> = BTreeMap::new();
    proxy.set_nonblocking(false).unwrap();
    // It holds for accept(2), too.
    SockRef::from(proxy)
        .set_read_timeout(Some(wait::DEADLINE))
        .unwrap();
    for number in 0..count {
        let Ok((stream, _)) = proxy.accept() else {
            panic!("{number} came, then: {:?}", application.answer());
        };
        let origin = origins.origin(stream.as_fd()).unwrap().expect("an origin");
        *reached.entry(origin.destination).or_default() += 1;
        held.push(stream);
    }
    assert_eq!(application.answer().unwrap(), count.to_string());
    assert_eq!(reached.len(), destinations as usize);
    assert!(reached.values().all(|&count| count == each));
    assert_eq!(stage.entries("CONNECTIONS"), u64::from(count));
    assert_eq!(stage.entries("FLOWS"), 0);
}

/// Processes of the proxy that share one listening socket, because one may not have as many
/// descriptors; and its port.
fn takers(stage: &Stage, at: &str) -> (Vec<Agent>, u16) {
    let mut takers: Vec<Agent> = (0..PROCESSES)
        .map(|_| Agent::start(&stage.proxy_cgroup, &[]))
        .collect();
    let (first, others) = takers.split_first_mut().unwrap();
    let said = first.ask(&format!("listen {at}")).unwrap();
    for (number, other) in others.iter_mut().enumerate() {
        other.ask(&format!("mailbox taker-{number}")).unwrap();
        first.ask(&format!("give 0 taker-{number}")).unwrap();
        assert_eq!(other.ask("take").unwrap(), "0");
    }
    let port = said.rsplit(':').next().unwrap().parse().unwrap();
    (takers, port)
}

plays! {
    fn a_few_ports_serve_many_destinations_in_both_families(stage) {
        std::fs::write(RANGE, "50000 50049").unwrap();
        let proxy = Proxy::listen();
        let instance = enrolled(stage, &proxy, 4096);
        hold(&proxy.v4, &instance, stage, FIRST_V4, 100, 20);
        stage.wait_empty("CONNECTIONS");
        hold(&proxy.v6, &instance, stage, FIRST_V6, 100, 20);
        assert_counted(&instance, "egress redirected matched", 4000);
    }

    #[ignore = "half a minute: 60,000 connections at one time over each family"]
    fn sixty_thousand_connections_at_one_time(stage) {
        let mut instance = None;
        for (at, first) in [("0.0.0.0:0", FIRST_V4), ("[::]:0", FIRST_V6)] {
            let (mut takers, port) = takers(stage, at);
            let rules = RedirectRules {
                ipv6: true,
                egress_port: port,
                ..RedirectRules::default()
            };
            let instance = instance.get_or_insert_with(|| {
                limits::sized(stage, &rules, |limits| {
                    limits.connections = 70_000;
                    // Nobody reads them.
                    limits.closed_bytes = 1 << 25;
                })
            });
            instance.set_rules(WORKLOAD, &rules, 2).unwrap();
            let mut applications: Vec<Agent> =
                (0..PROCESSES).map(|_| stage.application()).collect();
            let began = Instant::now();
            for taker in &mut takers {
                taker.order("hold 0 15000");
            }
            for application in &mut applications {
                application.order(&format!("many {first} 600 25"));
            }
            for agent in applications.iter_mut().chain(&mut takers) {
                assert_eq!(agent.answer().unwrap(), "15000");
            }
            println!("60,000 connections to 600 destinations from {first}: {:?}", began.elapsed());
            let connections = instance.connections().unwrap();
            assert_eq!(connections.len(), 60_000);
            let mut reached: BTreeMap<SocketAddr, u32> = BTreeMap::new();
            for connection in &connections {
                assert_eq!(connection.verdict, Verdict::Redirected);
                *reached.entry(connection.remote).or_default() += 1;
            }
            assert_eq!(reached.len(), 600);
            assert!(reached.values().all(|&count| count == 100));
            assert_eq!(stage.entries("FLOWS"), 0);
            drop((applications, takers));
            stage.wait_empty("CONNECTIONS");
        }
        assert_counted(&instance.unwrap(), "egress redirected matched", 120_000);
    }

    fn a_tuple_that_waits_to_end_serves_the_next_destination(stage) {
        let proxy = Proxy::listen();
        let instance = enrolled(stage, &proxy, 1024);
        let mut application = stage.application();
        // A socket that is bound to an interface has one target for all destinations, so the
        // 4-tuples are equal; the proxy's end closes first, and is in TIME_WAIT.
        for to in ["198.51.100.1:80", "198.51.100.2:81", "198.51.100.3:82"] {
            let order = format!("connect {to} device=own0 from={OWN_V4}:40000");
            let id = application.ask(&order).unwrap();
            let (stream, origin) = proxy.accept(&instance);
            assert_eq!(origin.unwrap().destination, to.parse().unwrap());
            assert_eq!(stream.peer_addr().unwrap().port(), 40_000);
            drop(stream);
            application.ask(&format!("drain {id}")).unwrap();
            application.ask(&format!("close {id}")).unwrap();
        }
    }

    fn a_port_that_waits_to_end_serves_the_next_destination(stage) {
        // The application's own end in TIME_WAIT, which the kernel gives away again after a second.
        std::fs::write("/proc/sys/net/ipv4/tcp_tw_reuse", "1").unwrap();
        let proxy = Proxy::listen();
        let instance = enrolled(stage, &proxy, 1024);
        let mut application = stage.application();
        for to in [FAR_V4, "198.51.100.2:81"] {
            let order = format!("connect {to} device=own0 from={OWN_V4}:40000");
            let id = wait::until("the port again", || Ok(application.ask(&order).ok())).unwrap();
            let (stream, origin) = proxy.accept(&instance);
            assert_eq!(origin.unwrap().destination, to.parse().unwrap());
            application.ask(&format!("close {id}")).unwrap();
            drop(stream);
        }
    }
}
