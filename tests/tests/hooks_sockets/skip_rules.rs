//! What is left alone, rule by rule. A connection that is not redirected reaches a listener on the
//! stage's own addresses, or nothing at all; one that is redirected reaches the proxy.

use std::collections::BTreeSet;

use mesh_bpf::{Instance, Verdict};
use mesh_model::redirect::RedirectRules;

use crate::stage::{Agent, FAR_V4, FAR_V6, OWN_V4, OWN_V6, Proxy, Stage, WORKLOAD, plays};

/// Connects without waiting for an answer from far away, and says why it was left alone.
fn left_alone_for(instance: &Instance, application: &mut Agent, to: &str) -> &'static str {
    let before = instance.counters(WORKLOAD).unwrap();
    // What is left alone goes to an address that may answer nothing: the decision is what counts.
    application.order(&format!("attempt {to}"));
    application.answer().unwrap();
    let after = instance.counters(WORKLOAD).unwrap();
    let mut fresh = after.iter().filter(|counter| {
        let known = before.iter().find(|old| {
            (old.direction, old.verdict, old.reason)
                == (counter.direction, counter.verdict, counter.reason)
        });
        known.is_none_or(|old| old.count < counter.count)
    });
    let counter = fresh.next().expect("one decision was counted");
    assert_eq!(counter.verdict, Verdict::Direct, "{counter:?}");
    assert_eq!(fresh.next(), None);
    counter.reason
}

fn is_redirected(instance: &Instance, proxy: &Proxy, application: &mut Agent, to: &str) {
    application.ask(&format!("connect {to}")).unwrap();
    let (_stream, origin) = if to.starts_with('[') {
        proxy.accept_v6(instance)
    } else {
        proxy.accept(instance)
    };
    assert_eq!(origin.unwrap().destination, to.parse().unwrap());
}

fn with(stage: &Stage, change: impl FnOnce(&mut RedirectRules)) -> (Proxy, Instance) {
    let proxy = Proxy::listen();
    let mut rules = proxy.rules();
    rules.ipv6 = true;
    change(&mut rules);
    let instance = stage.enrolled(&rules);
    (proxy, instance)
}

plays! {
    fn redirection_that_is_off(stage) {
        let (_proxy, instance) = with(stage, |rules| rules.enabled = false);
        let reason = left_alone_for(&instance, &mut stage.application(), FAR_V4);
        assert_eq!(reason, "disabled");
    }

    fn ipv6_unless_it_is_on(stage) {
        let (proxy, instance) = with(stage, |rules| rules.ipv6 = false);
        let mut application = stage.application();
        assert_eq!(left_alone_for(&instance, &mut application, FAR_V6), "ipv6-off");
        is_redirected(&instance, &proxy, &mut application, FAR_V4);
    }

    fn the_ignored_user(stage) {
        let (proxy, instance) = with(stage, |rules| rules.ignored_uid = Some(1337));
        let mut ignored = stage.application_as(1337, 1);
        assert_eq!(left_alone_for(&instance, &mut ignored, FAR_V4), "ignored-uid");
        let mut other = stage.application_as(1338, 1337);
        is_redirected(&instance, &proxy, &mut other, FAR_V4);
    }

    fn the_ignored_group(stage) {
        let (proxy, instance) = with(stage, |rules| rules.ignored_gid = Some(1337));
        let mut ignored = stage.application_as(1, 1337);
        assert_eq!(left_alone_for(&instance, &mut ignored, FAR_V6), "ignored-gid");
        let mut other = stage.application_as(1337, 1338);
        is_redirected(&instance, &proxy, &mut other, FAR_V6);
    }

    fn root_by_name_and_not_by_default(stage) {
        let (proxy, instance) = with(stage, |_| {});
        let mut application = stage.application();
        is_redirected(&instance, &proxy, &mut application, FAR_V4);
        let rules = RedirectRules { ignored_uid: Some(0), ..proxy.rules() };
        instance.set_rules(WORKLOAD, &rules, 2).unwrap();
        assert_eq!(left_alone_for(&instance, &mut application, FAR_V4), "ignored-uid");
    }

    fn ignored_ports(stage) {
        let (proxy, instance) = with(stage, |rules| {
            rules.ignored_ports.extend([443, 65535]);
        });
        let mut application = stage.application();
        for port in [22, 443, 65535] {
            let to = format!("198.51.100.7:{port}");
            assert_eq!(left_alone_for(&instance, &mut application, &to), "ignored-port");
        }
        is_redirected(&instance, &proxy, &mut application, "198.51.100.7:65534");
    }

    fn ignored_networks_of_both_families(stage) {
        let (proxy, instance) = with(stage, |rules| {
            let networks = ["198.51.100.8/30", "203.0.113.0/24", "203.0.113.128/25", "2001:db8:2::/48"];
            rules.ignored_networks.extend(networks.map(|network| network.parse::<ipnet::IpNet>().unwrap()));
        });
        let mut application = stage.application();
        for inside in [
            "169.254.169.254:80",
            "169.254.170.2:80",
            "198.51.100.8:80",
            "198.51.100.11:80",
            "203.0.113.1:80",
            "203.0.113.200:80",
            FAR_V6,
        ] {
            assert_eq!(left_alone_for(&instance, &mut application, inside), "ignored-network");
        }
        for outside in ["198.51.100.7:80", "198.51.100.12:80", "169.254.169.253:80", "[2001:db8:3::1]:80"] {
            is_redirected(&instance, &proxy, &mut application, outside);
        }
    }

    fn everything_of_one_family(stage) {
        let (proxy, instance) = with(stage, |rules| {
            rules.ignored_networks.insert("0.0.0.0/0".parse().unwrap());
        });
        let mut application = stage.application();
        assert_eq!(left_alone_for(&instance, &mut application, FAR_V4), "ignored-network");
        is_redirected(&instance, &proxy, &mut application, FAR_V6);
        let networks = BTreeSet::from(["::/0".parse().unwrap()]);
        let rules = RedirectRules { ipv6: true, ignored_networks: networks, ..proxy.rules() };
        instance.set_rules(WORKLOAD, &rules, 2).unwrap();
        assert_eq!(left_alone_for(&instance, &mut application, FAR_V6), "ignored-network");
        is_redirected(&instance, &proxy, &mut application, FAR_V4);
        // Of v4-mapped addresses it is IPv4 that is meant, however it is written.
        let networks = BTreeSet::from(["::ffff:198.51.100.0/120".parse().unwrap()]);
        let rules = RedirectRules { ipv6: true, ignored_networks: networks, ..proxy.rules() };
        instance.set_rules(WORKLOAD, &rules, 3).unwrap();
        assert_eq!(left_alone_for(&instance, &mut application, FAR_V4), "ignored-network");
        is_redirected(&instance, &proxy, &mut application, "198.51.101.7:80");
    }

    fn networks_that_overlap_and_single_addresses(stage) {
        let (proxy, instance) = with(stage, |rules| {
            rules.ignored_networks = [
                "198.51.100.0/24", "198.51.100.128/25", "198.51.100.7/32",
                "203.0.113.7/32", "2001:db8:2::/48", "2001:db8:2::7/128", "2001:db8:3::7/128",
            ].iter().map(|network| network.parse().unwrap()).collect();
        });
        let mut application = stage.application();
        for inside in [
            "198.51.100.0:80", "198.51.100.7:80", "198.51.100.255:80", "203.0.113.7:80",
            "[2001:db8:2::7]:80", "[2001:db8:2:ffff::]:80", "[2001:db8:3::7]:80",
        ] {
            let reason = left_alone_for(&instance, &mut application, inside);
            assert_eq!(reason, "ignored-network", "{inside}");
        }
        for outside in [
            "198.51.99.255:80", "198.51.101.0:80", "203.0.113.6:80", "203.0.113.8:80",
            "[2001:db8:1:ffff::]:80", "[2001:db8:3::6]:80", "[2001:db8:3::8]:80",
        ] {
            is_redirected(&instance, &proxy, &mut application, outside);
        }
    }

    fn a_rule_that_goes_while_its_connections_live(stage) {
        let (proxy, instance) = with(stage, |rules| {
            rules.ignored_networks = ["192.0.2.0/24".parse().unwrap()].into();
        });
        instance.set_local_addresses(WORKLOAD, &[]).unwrap();
        let mut stranger = Agent::stranger();
        let listening = stranger.ask(&format!("listen {OWN_V4}:0")).unwrap();
        let (listener, to) = listening.split_once(' ').unwrap();
        let mut application = stage.application();
        let direct = application.ask(&format!("connect {to}")).unwrap();
        let accepted = stranger.ask(&format!("accept {listener}")).unwrap();
        let accepted = accepted.split(' ').next().unwrap();
        instance.set_rules(WORKLOAD, &proxy.rules(), 2).unwrap();
        // What lives stays where it went, by its old name; what comes next follows the new rules.
        is_redirected(&instance, &proxy, &mut application, to);
        application.ask(&format!("send {direct} 1000")).unwrap();
        stranger.ask(&format!("receive {accepted} 1000")).unwrap();
        assert_eq!(application.ask(&format!("peer {direct}")).unwrap(), to);
        let listed = instance.connections().unwrap();
        assert!(listed.iter().any(|one| one.reason == "ignored-network"), "{listed:?}");
        // And the other way round.
        let redirected = application.ask(&format!("connect {FAR_V4}")).unwrap();
        let (mut stream, _) = proxy.accept(&instance);
        let mut rules = proxy.rules();
        rules.ignored_networks.insert("0.0.0.0/0".parse().unwrap());
        instance.set_rules(WORKLOAD, &rules, 3).unwrap();
        std::io::Write::write_all(&mut stream, b"abc").unwrap();
        application.ask(&format!("receive {redirected} 3")).unwrap();
        assert_eq!(application.ask(&format!("peer {redirected}")).unwrap(), FAR_V4);
    }

    fn destinations_of_the_host_itself(stage) {
        let (_proxy, instance) = with(stage, |_| {});
        let mut application = stage.application();
        for local in [
            "127.0.0.1:9".to_owned(),
            "127.200.1.2:9".to_owned(),
            "0.0.0.0:9".to_owned(),
            "[::1]:9".to_owned(),
            "[::]:9".to_owned(),
            format!("{OWN_V4}:9"),
            format!("[{OWN_V6}]:9"),
        ] {
            let reason = left_alone_for(&instance, &mut application, &local);
            assert_eq!(reason, "local-destination", "{local}");
        }
    }

    fn local_addresses_that_came_later(stage) {
        let (proxy, instance) = with(stage, |_| {});
        let mut application = stage.application();
        is_redirected(&instance, &proxy, &mut application, "192.0.2.77:80");
        let mut local = mesh_bpf::local::networks().unwrap();
        let before = local.clone();
        local.push(mesh_bpf::local::LocalNetwork {
            network: "192.0.2.77/32".parse().unwrap(),
            interface: 0,
        });
        instance.set_local_addresses(WORKLOAD, &local).unwrap();
        let reason = left_alone_for(&instance, &mut application, "192.0.2.77:80");
        assert_eq!(reason, "local-destination");
        instance.set_local_addresses(WORKLOAD, &before).unwrap();
        is_redirected(&instance, &proxy, &mut application, "192.0.2.77:80");
    }

    fn rules_are_replaced_whole(stage) {
        let (proxy, instance) = with(stage, |rules| {
            rules.ignored_ports.insert(80);
        });
        let mut application = stage.application();
        assert_eq!(left_alone_for(&instance, &mut application, FAR_V4), "ignored-port");
        instance.set_rules(WORKLOAD, &proxy.rules(), 2).unwrap();
        is_redirected(&instance, &proxy, &mut application, FAR_V4);
        // The two networks of the defaults, and nothing of the rules before.
        assert_eq!(stage.entries("NETWORKS"), 2);
        assert_eq!(stage.entries("POLICIES"), 1);
    }

    fn no_connection_sees_half_of_the_rules(stage) {
        // Each of the two leaves the destination alone, for a reason of its own; only a mixture of
        // them would redirect it.
        let proxy = Proxy::listen();
        let mut by_port = proxy.rules();
        by_port.ignored_ports.insert(80);
        let mut by_network = proxy.rules();
        by_network.ignored_networks.insert("198.51.100.0/24".parse().unwrap());
        let instance = stage.enrolled(&by_port);
        let mut application = stage.application();
        let connects = 20_000;
        application.order(&format!("attempt {FAR_V4} {connects}"));
        let answered = std::thread::spawn(move || application.answer());
        let mut generation = 1;
        while !answered.is_finished() {
            generation += 1;
            let rules = if generation % 2 == 0 { &by_network } else { &by_port };
            instance.set_rules(WORKLOAD, rules, generation).unwrap();
        }
        assert_eq!(answered.join().unwrap().unwrap(), connects.to_string());
        assert!(generation > 20, "the rules were switched meanwhile: {generation}");
        let counters = instance.counters(WORKLOAD).unwrap();
        let of_reason = |reason| {
            let counter = counters.iter().find(|counter| counter.reason == reason);
            counter.map_or(0, |counter| counter.count)
        };
        let left_alone = of_reason("ignored-port") + of_reason("ignored-network");
        assert_eq!(left_alone, connects, "{counters:?}");
        assert!(of_reason("ignored-port") > 0 && of_reason("ignored-network") > 0);
    }
}
