//! Rules by the thousand: they are switched within a second, and cost a connection nothing.

use std::{net::Ipv4Addr, time::Duration};

use ipnet::{IpNet, Ipv4Net};
use mesh_model::redirect::RedirectRules;
use rustix::time::{ClockId, clock_gettime};

use crate::{
    limits::sized,
    stage::{FAR_V4, Proxy, WORKLOAD, assert_counted, plays},
};

/// The time that this thread has had of a processor: what else runs does not count.
fn busy() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap()
}

/// That many different networks of 10.0.0.0/8.
fn networks(many: u32) -> impl Iterator<Item = IpNet> {
    (0..many).map(|number| {
        let address = Ipv4Addr::from_bits((10 << 24) | (number << 6));
        IpNet::V4(Ipv4Net::new(address, 26).unwrap())
    })
}

plays! {
    fn a_hundred_thousand_networks_and_sixty_thousand_ports(stage) {
        let proxy = Proxy::listen();
        let few = proxy.rules();
        let mut many = few.clone();
        many.ignored_networks.extend(networks(100_000));
        many.ignored_ports.extend(1024..61_024);
        many.app_ports.extend(1024..61_024);
        many.app_ports.remove(&proxy.port);
        let instance = sized(stage, &few, |limits| *limits = mesh_bpf::Limits {
            workloads: 16,
            ..mesh_bpf::Limits::default()
        });
        let mut took = Vec::new();
        // The last two meet as many of their own, which stay until they are in force.
        for (generation, rules) in [&few, &many, &many, &few].into_iter().enumerate() {
            let began = busy();
            instance.set_rules(WORKLOAD, rules, generation as u64 + 2).unwrap();
            took.push(busy().saturating_sub(began));
            let mut application = stage.application();
            application.ask(&format!("connect {FAR_V4}")).unwrap();
            proxy.accept(&instance);
            if rules == &many {
                for exempt in ["10.50.99.99:80", "198.51.100.7:61023"] {
                    application.ask(&format!("attempt {exempt}")).unwrap();
                }
            }
        }
        println!("switched within {took:?}");
        assert_counted(&instance, "egress redirected matched", 4);
        assert_counted(&instance, "egress direct ignored-network", 2);
        assert_counted(&instance, "egress direct ignored-port", 2);
        assert_eq!(stage.entries("NETWORKS"), few.ignored_networks.len() as u64);
        assert_eq!(stage.entries("STEERED"), 0);
        assert!(took.iter().all(|took| *took < Duration::from_secs(2)), "{took:?}");
    }

    fn a_switch_of_many_rules_delays_no_heartbeat(stage) {
        let proxy = Proxy::listen();
        let few = proxy.rules();
        let mut many = few.clone();
        many.ignored_networks.extend(networks(100_000));
        let instance = sized(stage, &few, |limits| *limits = mesh_bpf::Limits {
            workloads: 16,
            ..mesh_bpf::Limits::default()
        });
        let instance = &instance;
        let beats = std::thread::scope(|scope| {
            let switched = scope.spawn(|| instance.set_rules(WORKLOAD, &many, 2).unwrap());
            let mut beats = 0;
            while !switched.is_finished() {
                instance.beat(WORKLOAD).unwrap();
                beats += 1;
                std::thread::yield_now();
            }
            beats
        });
        // One before the switch begins and one that waits for its end would be two.
        assert!(beats > 20, "{beats}");
    }

    fn no_ports_and_no_networks(stage) {
        let proxy = Proxy::listen();
        let rules = RedirectRules {
            ignored_ports: [].into(),
            ignored_networks: [].into(),
            ..proxy.rules()
        };
        let instance = stage.enrolled(&rules);
        let mut application = stage.application();
        for to in ["198.51.100.7:22", "169.254.169.254:80", "198.51.100.7:65535"] {
            application.ask(&format!("connect {to}")).unwrap();
            let (_stream, origin) = proxy.accept(&instance);
            assert_eq!(origin.unwrap().destination, to.parse().unwrap());
        }
        assert_eq!(stage.entries("NETWORKS"), 0);
    }
}
