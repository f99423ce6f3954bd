//! Rules that are switched while connections are opened: each is decided by one policy, whole.

use std::{
    collections::BTreeSet,
    net::{SocketAddr, TcpListener},
    os::fd::AsFd as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
};

use mesh_bpf::{Instance, Verdict};
use mesh_model::redirect::RedirectRules;

use crate::stage::{Agent, FAR_V4, Proxy, WORKLOAD, plays};

/// Connections of each application.
const CONNECTS: u32 = 5_000;
/// Switches of the rules meanwhile.
const SWITCHES: u64 = 20;

/// Where everything was going that a listener took.
fn destinations(listener: &TcpListener, instance: &Instance) -> BTreeSet<SocketAddr> {
    listener.set_nonblocking(true).unwrap();
    let mut seen = BTreeSet::new();
    while let Ok((stream, _)) = listener.accept() {
        let origin = instance.origins().origin(stream.as_fd()).unwrap();
        seen.insert(origin.expect("it was redirected").destination);
    }
    seen
}

plays! {
    fn no_connection_is_decided_by_halves_of_two_policies(stage) {
        // Each policy has a port to leave alone, a network to leave alone and a proxy; a destination
        // that one of them leaves alone at the other's proxy would be half of each.
        let [first, second] = [Proxy::listen(), Proxy::listen()];
        let by_port = RedirectRules {
            ignored_ports: [80].into(),
            ignored_networks: ["203.0.113.0/24".parse().unwrap()].into(),
            ..first.rules()
        };
        let by_network = RedirectRules {
            ignored_ports: [81].into(),
            ignored_networks: ["198.51.100.0/24".parse().unwrap()].into(),
            ..second.rules()
        };
        let instance = stage.enrolled(&by_port);
        // To the first proxy, to the second, to both, to none.
        let destinations_dialled =
            ["198.51.100.7:82", "203.0.113.7:80", "192.0.2.200:82", "203.0.113.7:81", FAR_V4];
        let mut applications: Vec<Agent> =
            destinations_dialled.iter().map(|_| stage.application()).collect();
        let enough = Arc::new(AtomicBool::new(false));
        let is_enough = Arc::clone(&enough);
        // However fast they are: they go on until there were enough switches.
        let dialling = thread::spawn(move || {
            let mut rounds = 0;
            while !is_enough.load(Relaxed) {
                for (application, to) in applications.iter_mut().zip(destinations_dialled) {
                    application.order(&format!("attempt {to} {CONNECTS}"));
                }
                for application in &mut applications {
                    application.answer().unwrap();
                }
                rounds += 1;
            }
            rounds
        });
        let [mut at_first, mut at_second] = [BTreeSet::new(), BTreeSet::new()];
        let mut generation = 1;
        while !dialling.is_finished() {
            generation += 1;
            enough.store(generation > SWITCHES, Relaxed);
            let rules = if generation % 2 == 0 { &by_network } else { &by_port };
            instance.set_rules(WORKLOAD, rules, generation).unwrap();
            at_first.extend(destinations(&first.v4, &instance));
            at_second.extend(destinations(&second.v4, &instance));
        }
        let rounds: u32 = dialling.join().unwrap();
        let set = |all: &[&str]| all.iter().map(|one| one.parse().unwrap()).collect::<BTreeSet<_>>();
        assert_eq!(at_first, set(&["198.51.100.7:82", "192.0.2.200:82"]));
        assert_eq!(at_second, set(&["203.0.113.7:80", "192.0.2.200:82"]));
        let counters = instance.counters(WORKLOAD).unwrap();
        let decided = counters.iter().filter(|counter| counter.verdict != Verdict::Lost);
        let decided: u64 = decided.map(|counter| counter.count).sum();
        assert_eq!(decided, u64::from(CONNECTS * 5 * rounds), "{counters:?}");
        assert!(counters.iter().all(|counter| counter.reason != "rules-in-motion"), "{counters:?}");
    }
}
