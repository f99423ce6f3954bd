//! The addresses that redirected connections are sent to: whether they are there, and what happens
//! where they are not.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use ipnet::{IpNet, Ipv6Net};
use mesh_bpf::{Instance, WorkloadSpec, local, uninstall};
use mesh_model::redirect::{OnProxyDown, RedirectRules};
use tests::{capability, links, links::routing, wait};

use crate::stage::{
    self, Agent, FAR_V4, FAR_V6, Proxy, Stage, WORKLOAD, assert_counted, fail, inside, plays,
};

/// The routes to IPv6 targets of the calling thread's namespace.
fn target_routes() -> Vec<Ipv6Net> {
    let networks = local::networks().unwrap().into_iter();
    networks
        .filter_map(|one| match one.network {
            IpNet::V6(v6) if v6.prefix_len() == 64 && v6.network().is_unique_local() => Some(v6),
            _ => None,
        })
        .collect()
}

fn both(proxy: &Proxy) -> RedirectRules {
    RedirectRules {
        ipv6: true,
        ..proxy.rules()
    }
}

/// Enrols a workload in the play's own namespace, below the stage's cgroup.
fn enrol(stage: &Stage, instance: &Instance, id: u32, rules: &RedirectRules) -> WorkloadSpec {
    let cgroup = stage.workload_cgroup.join(id.to_string());
    mesh_bpf::cgroup::create(&cgroup).unwrap();
    let spec = WorkloadSpec {
        id,
        name: format!("played-{id}"),
        cgroup,
        ..stage.spec()
    };
    stage::enrol(instance, &spec, rules);
    spec
}

plays! {
    fn ipv6_destinations_have_targets_of_their_own(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&both(&proxy));
        let [targets] = target_routes()[..] else { panic!("{:?}", target_routes()) };
        let mut application = stage.application();
        let mut seen = std::collections::BTreeSet::new();
        for host in 1..=8 {
            let to = format!("[2001:db8:2::{host}]:80");
            // One source port for all of them.
            application.ask(&format!("connect {to} from=[2001:db8::1]:40000")).unwrap();
            let (stream, origin) = proxy.accept_v6(&instance);
            assert_eq!(origin.unwrap().destination, to.parse().unwrap());
            let SocketAddr::V6(target) = stream.local_addr().unwrap() else { panic!("IPv6") };
            assert!(targets.contains(target.ip()), "{target}");
            seen.insert(*target.ip());
        }
        assert_eq!(seen.len(), 8);
        // Whoever dials a target itself is at home.
        let at = SocketAddr::from((*seen.first().unwrap(), proxy.port));
        application.ask(&format!("connect {at}")).unwrap();
        let (_stream, origin) = proxy.accept_v6(&instance);
        assert_eq!(origin, None);
    }

    fn the_route_stays_while_a_workload_needs_it(stage) {
        let proxy = Proxy::listen();
        let instance = stage.instance();
        assert_eq!(target_routes(), []);
        enrol(stage, &instance, 1, &both(&proxy));
        enrol(stage, &instance, 2, &both(&proxy));
        assert_eq!(target_routes().len(), 1);
        // A new daemon finds the same.
        drop(instance);
        let instance = stage.instance();
        enrol(stage, &instance, 1, &both(&proxy));
        assert_eq!(target_routes().len(), 1);
        instance.release(1).unwrap();
        assert_eq!(target_routes().len(), 1, "the other workload is here");
        instance.release(2).unwrap();
        assert_eq!(target_routes(), []);
    }

    fn the_route_stays_while_connections_of_a_released_workload_go_by_it(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&both(&proxy));
        let mut application = stage.application();
        let id = application.ask(&format!("connect {FAR_V6}")).unwrap();
        let (mut stream, _) = proxy.accept_v6(&instance);
        instance.release(WORKLOAD).unwrap();
        assert_eq!(target_routes().len(), 1);
        std::io::Write::write_all(&mut stream, b"after").unwrap();
        application.ask(&format!("receive {id} 5")).unwrap();
        application.ask(&format!("reset {id}")).unwrap();
        drop(stream);
        // The next that is done with the instance's namespaces, or its end.
        instance.release(WORKLOAD).unwrap();
        assert_eq!(target_routes(), []);
    }

    fn uninstalling_takes_the_route_out_of_every_namespace(stage) {
        let proxy = Proxy::listen();
        let instance = stage.instance();
        enrol(stage, &instance, 1, &both(&proxy));
        let elsewhere = stage.workload_cgroup.join("elsewhere");
        mesh_bpf::cgroup::create(&elsewhere).unwrap();
        let mut agent = Agent::start(&elsewhere, &[stage::Way::OwnNetwork]);
        let netns = agent.netns();
        agent.ask("up lo").unwrap();
        let gone = stage.workload_cgroup.join("gone");
        mesh_bpf::cgroup::create(&gone).unwrap();
        let mut leaving = Agent::start(&gone, &[stage::Way::OwnNetwork]);
        for (id, cgroup, netns) in [(2, elsewhere, netns.clone()), (3, gone, leaving.netns())] {
            let spec = WorkloadSpec {
                id,
                name: format!("played-{id}"),
                cgroup,
                netns: Some(netns),
                ..stage.spec()
            };
            instance.enrol(&spec, &both(&proxy), 1, &[]).unwrap_or_else(|error| fail(&error));
        }
        drop(leaving);
        assert_eq!(target_routes().len(), 1);
        assert_eq!(inside(&netns, target_routes).len(), 1);
        drop(instance);
        uninstall::uninstall(std::path::Path::new(capability::BPFFS), &stage.name).unwrap();
        assert_eq!(target_routes(), []);
        assert_eq!(inside(&netns, target_routes), []);
    }

    fn a_daemon_does_not_put_the_route_of_an_uninstalled_instance_back(stage) {
        let proxy = Proxy::listen();
        let instance = Arc::new(stage.enrolled(&both(&proxy)));
        let followed = Arc::clone(&instance);
        let looks = Arc::new(AtomicUsize::new(0));
        let looked = Arc::clone(&looks);
        let watch = local::watch(None, move || {
            followed.refresh_network(WORKLOAD).unwrap();
            looked.fetch_add(1, Ordering::SeqCst);
        }).unwrap();
        let bpffs = std::path::Path::new(capability::BPFFS);
        uninstall::uninstall(bpffs, &stage.name).unwrap();
        let before = looks.load(Ordering::SeqCst);
        // The first may have begun before the route went.
        for up in [false, true] {
            if up { links::up("far0").unwrap() } else { routing::down("far0").unwrap() }
            wait::until_true("another look", || {
                Ok(looks.load(Ordering::SeqCst) > before + usize::from(up))
            }).unwrap();
        }
        drop(watch);
        assert_eq!(target_routes(), []);
    }

    fn a_refusal_needs_no_route(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&both(&proxy));
        // As after `lo` was down and up again with no daemon there.
        routing::remove_local_route(target_routes()[0].into()).unwrap();
        instance.rest(WORKLOAD).unwrap();
        let refusal = stage.application().ask(&format!("connect {FAR_V6}")).unwrap_err();
        assert!(refusal.starts_with("ConnectionRefused"), "{refusal}");
    }

    fn a_route_that_somebody_removed_is_restored(stage) {
        let proxy = Proxy::listen();
        let instance = Arc::new(stage.enrolled(&both(&proxy)));
        let followed = Arc::clone(&instance);
        let watch = local::watch(None, move || followed.refresh_network(WORKLOAD).unwrap()).unwrap();
        let targets = target_routes()[0];
        routing::remove_local_route(targets.into()).unwrap();
        wait::until_true("the route", || Ok(target_routes() == [targets])).unwrap();
        // An interface that goes down takes its routes along.
        routing::down("lo").unwrap();
        links::up("lo").unwrap();
        wait::until_true("the route", || Ok(target_routes() == [targets])).unwrap();
        let mut application = stage.application();
        wait::until_true("a redirected connection", || {
            Ok(application.ask(&format!("connect {FAR_V6}")).is_ok())
        }).unwrap();
        let (_stream, origin) = proxy.accept_v6(&instance);
        assert_eq!(origin.unwrap().destination, FAR_V6.parse().unwrap());
        drop(watch);
    }

    fn without_the_route_one_target_serves_ipv6(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&both(&proxy));
        routing::remove_local_route(target_routes()[0].into()).unwrap();
        // As a daemon that may not add it would have it.
        std::fs::write("/proc/sys/net/ipv6/conf/lo/disable_ipv6", "1").unwrap();
        instance.refresh_network(WORKLOAD).unwrap();
        assert_eq!(target_routes(), []);
        let mut application = stage.application();
        application.ask(&format!("connect {FAR_V4}")).unwrap();
        proxy.accept(&instance);
        std::fs::write("/proc/sys/net/ipv6/conf/lo/disable_ipv6", "0").unwrap();
        application.ask(&format!("connect {FAR_V6}")).unwrap();
        let (stream, origin) = proxy.accept_v6(&instance);
        assert_eq!(stream.local_addr().unwrap().ip(), std::net::Ipv6Addr::LOCALHOST);
        assert_eq!(origin.unwrap().destination, FAR_V6.parse().unwrap());
    }

    fn a_namespace_without_ipv6_works_for_ipv4(stage) {
        std::fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1").unwrap();
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&both(&proxy));
        assert_eq!(target_routes(), []);
        let mut application = stage.application();
        application.ask(&format!("connect {FAR_V4}")).unwrap();
        let (_stream, origin) = proxy.accept(&instance);
        assert_eq!(origin.unwrap().destination, FAR_V4.parse().unwrap());
        let no_way = application.ask(&format!("connect {FAR_V6}")).unwrap_err();
        let is_at_once = ["NetworkUnreachable", "AddrNotAvailable", "PermissionDenied"];
        assert!(is_at_once.iter().any(|error| no_way.starts_with(error)), "{no_way}");
    }

    fn a_loopback_interface_that_is_down_refuses_instead_of_hanging(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&both(&proxy));
        let mut application = stage.application();
        routing::down("lo").unwrap();
        instance.refresh_network(WORKLOAD).unwrap();
        for order in [FAR_V4.to_owned(), format!("{FAR_V4} device=own0"), FAR_V6.to_owned()] {
            let refusal = application.ask(&format!("connect {order}")).unwrap_err();
            assert!(refusal.starts_with("PermissionDenied"), "{order}: {refusal}");
        }
        assert_counted(&instance, "egress refused loopback-down", 3);
        let open = RedirectRules { on_proxy_down: OnProxyDown::Bypass, ..both(&proxy) };
        instance.set_rules(WORKLOAD, &open, 2).unwrap();
        application.ask(&format!("attempt {FAR_V4}")).unwrap();
        assert_counted(&instance, "egress direct loopback-down", 1);
        links::up("lo").unwrap();
        instance.refresh_network(WORKLOAD).unwrap();
        application.ask(&format!("connect {FAR_V4}")).unwrap();
        proxy.accept(&instance);
    }
}
