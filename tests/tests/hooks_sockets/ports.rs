//! The space of ports that a redirected workload has: that of one that is not.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::AsFd as _,
    time::{Duration, Instant},
};

use mesh_bpf::Instance;
use mesh_model::redirect::RedirectRules;
use socket2::SockRef;
use tests::{agent, wait};

use crate::{
    limits,
    stage::{FAR_V4, OWN_V4, Proxy, Stage, assert_counted, plays},
};

const FIRST_V4: &str = "198.51.100.0:80";
const FIRST_V6: &str = "[2001:db8:2::]:80";
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
/// takes them as the proxy. Returns how long it took.
fn hold(
    proxy: &TcpListener,
    instance: &Instance,
    stage: &Stage,
    first: &str,
    destinations: u32,
    each: u32,
) -> Duration {
    let count = destinations * each;
    agent::allow_descriptors(count.into()).unwrap();
    let mut application = stage.application();
    let origins = instance.origins();
    let began = Instant::now();
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
    let took = began.elapsed();
    assert_eq!(reached.len(), destinations as usize);
    assert!(reached.values().all(|&count| count == each));
    assert_eq!(stage.entries("CONNECTIONS"), u64::from(count));
    assert_eq!(stage.entries("FLOWS"), 0);
    took
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
        let proxy = Proxy::listen();
        let instance = enrolled(stage, &proxy, 70_000);
        for (listener, first) in [(&proxy.v4, FIRST_V4), (&proxy.v6, FIRST_V6)] {
            let took = hold(listener, &instance, stage, first, 600, 100);
            println!("60,000 connections to 600 destinations from {first}: {took:?}");
            stage.wait_empty("CONNECTIONS");
        }
        assert_counted(&instance, "egress redirected matched", 120_000);
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
