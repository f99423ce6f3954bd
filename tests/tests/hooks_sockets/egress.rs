//! What a workload opens.

use std::{io::Write as _, net::SocketAddr, os::fd::AsFd as _};

use mesh_model::redirect::RedirectRules;
use tests::capability;

use crate::stage::{Agent, FAR_V4, FAR_V6, OWN_V4, OWN_V6, Proxy, WORKLOAD, assert_counted, plays};

plays! {
    fn v4_goes_to_the_proxy_and_keeps_its_destination(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut application = stage.application();
        let id = application.ask(&format!("connect {FAR_V4}")).unwrap();
        let (_stream, origin) = proxy.accept(&instance);
        let origin = origin.expect("a redirected connection has an origin");
        assert_eq!(origin.destination, FAR_V4.parse().unwrap());
        assert_eq!(origin.workload, WORKLOAD);
        let cookie = application.ask(&format!("cookie {id}")).unwrap();
        assert_eq!(origin.socket_cookie.to_string(), cookie);
        assert_eq!(application.ask(&format!("peer {id}")).unwrap(), FAR_V4);
    }

    fn v6_goes_to_the_proxy_and_keeps_its_destination(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&RedirectRules { ipv6: true, ..proxy.rules() });
        let mut application = stage.application();
        let id = application.ask(&format!("connect {FAR_V6}")).unwrap();
        let (_stream, origin) = proxy.accept_v6(&instance);
        assert_eq!(origin.unwrap().destination, FAR_V6.parse().unwrap());
        assert_eq!(application.ask(&format!("peer {id}")).unwrap(), FAR_V6);
    }

    fn v4_mapped_follows_the_rules_of_v4(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut application = stage.application();
        let id = application.ask(&format!("connect {FAR_V4} v6")).unwrap();
        let (_stream, origin) = proxy.accept(&instance);
        assert_eq!(origin.unwrap().destination, FAR_V4.parse().unwrap());
        let peer = application.ask(&format!("peer {id}")).unwrap();
        assert_eq!(peer, "[::ffff:198.51.100.7]:80");
    }

    fn a_connect_that_does_not_wait_is_redirected(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut application = stage.application();
        application.ask(&format!("connect {FAR_V4} nonblocking")).unwrap();
        let (_stream, origin) = proxy.accept(&instance);
        assert_eq!(origin.unwrap().destination, FAR_V4.parse().unwrap());
    }

    fn multipath_tcp_is_redirected(stage) {
        if !capability::multipath_tcp() {
            return;
        }
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut application = stage.application();
        let id = application.ask(&format!("connect {FAR_V4} mptcp")).unwrap();
        let (mut stream, origin) = proxy.accept(&instance);
        assert_eq!(origin.unwrap().destination, FAR_V4.parse().unwrap());
        stream.write_all(b"abc").unwrap();
        application.ask(&format!("receive {id} 3")).unwrap();
        application.ask(&format!("close {id}")).unwrap();
        drop(stream);
        stage.wait_empty("FLOWS");
        stage.wait_empty("CONNECTIONS");
    }

    fn destinations_are_spread_over_the_loopback_network(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut application = stage.application();
        let mut targets = std::collections::BTreeSet::new();
        for last in 1..=8 {
            application.ask(&format!("connect 198.51.100.{last}:80")).unwrap();
            let (stream, _) = proxy.accept(&instance);
            let SocketAddr::V4(target) = stream.local_addr().unwrap() else { panic!("IPv4") };
            assert!(target.ip().is_loopback(), "{target}");
            targets.insert(*target.ip());
        }
        assert!(targets.len() >= 7, "{targets:?}");
    }

    fn one_source_port_reaches_several_destinations(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut application = stage.application();
        for address in ["198.51.100.1:80", "198.51.100.2:80", "198.51.100.2:81"] {
            let order = format!("connect {address} from={OWN_V4}:40000");
            application.ask(&order).unwrap();
            let (stream, origin) = proxy.accept(&instance);
            assert_eq!(origin.unwrap().destination, address.parse().unwrap());
            let source: SocketAddr = format!("{OWN_V4}:40000").parse().unwrap();
            assert_eq!(stream.peer_addr().unwrap(), source, "a bound source is kept");
        }
    }

    fn a_socket_bound_to_an_interface_reaches_the_proxy(stage) {
        let proxy = Proxy::listen();
        let rules = RedirectRules { ipv6: true, ..proxy.rules() };
        let instance = stage.enrolled(&rules);
        let mut application = stage.application();
        application.ask(&format!("connect {FAR_V4} device=own0")).unwrap();
        let (stream, origin) = proxy.accept(&instance);
        assert_eq!(origin.unwrap().destination, FAR_V4.parse().unwrap());
        assert_eq!(stream.local_addr().unwrap().ip().to_string(), OWN_V4);
        application.ask(&format!("connect {FAR_V6} device=own0")).unwrap();
        let (stream, origin) = proxy.accept_v6(&instance);
        assert_eq!(origin.unwrap().destination, FAR_V6.parse().unwrap());
        assert_eq!(stream.local_addr().unwrap().ip().to_string(), OWN_V6);
    }

    fn a_socket_bound_to_an_interface_without_address_is_refused(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut application = stage.application();
        let refusal = application.ask(&format!("connect {FAR_V4} device=far0")).unwrap_err();
        assert!(refusal.starts_with("PermissionDenied"), "{refusal}");
        assert_counted(&instance, "egress refused bound-to-device", 1);
    }

    fn a_socket_used_again_forgets_where_it_was_going(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut application = stage.application();
        let id = application.ask(&format!("connect {FAR_V4}")).unwrap();
        let (first, _) = proxy.accept(&instance);
        application.ask(&format!("reconnect {id} 198.51.100.9:443")).unwrap();
        let (_second, origin) = proxy.accept(&instance);
        assert_eq!(origin.unwrap().destination, "198.51.100.9:443".parse().unwrap());
        assert_eq!(application.ask(&format!("peer {id}")).unwrap(), "198.51.100.9:443");
        drop(first);
        // Its last destination is local, so getpeername must not show the one before.
        let direct = application.ask(&format!("reconnect {id} 127.0.0.1:{}", proxy.port));
        direct.unwrap();
        let peer = application.ask(&format!("peer {id}")).unwrap();
        assert_eq!(peer, format!("127.0.0.1:{}", proxy.port));
        let (_third, origin) = proxy.accept(&instance);
        assert_eq!(origin, None, "a connection that was not redirected has no origin");
    }

    fn a_process_outside_the_cgroup_is_untouched(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut stranger = Agent::stranger();
        let direct = stranger.ask(&format!("connect {OWN_V4}:{}", proxy.port)).unwrap();
        let (_stream, origin) = proxy.accept(&instance);
        assert_eq!(origin, None);
        let peer = stranger.ask(&format!("peer {direct}")).unwrap();
        assert_eq!(peer, format!("{OWN_V4}:{}", proxy.port));
        let far = stranger.ask(&format!("connect {FAR_V4}")).unwrap_err();
        assert!(!far.starts_with("ConnectionRefused"), "it leaves the host: {far}");
        assert_eq!(instance.counters(WORKLOAD).unwrap(), []);
        assert_eq!(instance.connections().unwrap(), []);
    }

    fn many_at_once_all_arrive_where_they_were_going(stage) {
        let proxy = Proxy::listen();
        let rules = proxy.rules();
        let instance = stage.enrolled(&rules);
        let origins = instance.origins();
        let mut applications: Vec<_> = (0..4).map(|_| stage.application()).collect();
        for (number, application) in applications.iter_mut().enumerate() {
            application.order(&format!("compare 198.51.{number}.0 500"));
        }
        let dialled = std::thread::spawn(move || {
            applications.iter_mut().map(Agent::answer).collect::<Result<Vec<_>, _>>()
        });
        // The proxy tells each connection where it was going; meanwhile the rules are switched and
        // the daemon replaced.
        proxy.v4.set_nonblocking(true).unwrap();
        let mut accepted = 0;
        let mut daemon = Some(instance);
        while !dialled.is_finished() {
            match proxy.v4.accept() {
                Ok((mut stream, _)) => {
                    let origin = origins.origin(stream.as_fd()).unwrap().expect("an origin");
                    stream.write_all(origin.destination.to_string().as_bytes()).unwrap();
                    accepted += 1;
                    if accepted % 100 == 0 {
                        daemon.as_ref().unwrap().set_rules(WORKLOAD, &rules, accepted).unwrap();
                    }
                    if accepted % 700 == 0 {
                        drop(daemon.take());
                        daemon = Some(stage.enrolled(&rules));
                    }
                }
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
            }
        }
        assert_eq!(dialled.join().unwrap(), Ok(vec!["500".to_owned(); 4]));
        let instance = daemon.unwrap();
        assert_counted(&instance, "egress redirected matched", 2000);
        stage.wait_empty("FLOWS");
        stage.wait_empty("CONNECTIONS");
    }

    fn datagrams_are_left_alone(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&RedirectRules { ipv6: true, ..proxy.rules() });
        let mut application = stage.application();
        for to in [FAR_V4, FAR_V6] {
            assert_eq!(application.ask(&format!("datagram {to}")).unwrap(), to);
        }
        assert_eq!(instance.counters(WORKLOAD).unwrap(), []);
    }

    fn nothing_is_left_of_flows(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut application = stage.application();
        for _ in 0..20 {
            let id = application.ask(&format!("connect {FAR_V4}")).unwrap();
            let (mut stream, _) = proxy.accept(&instance);
            stream.write_all(b"x").unwrap();
            application.ask(&format!("receive {id} 1")).unwrap();
            application.ask(&format!("close {id}")).unwrap();
        }
        stage.wait_empty("FLOWS");
        stage.wait_empty("CONNECTIONS");
        // Nobody takes these over: their listener has gone.
        let port = proxy.port;
        drop(proxy);
        let listener = std::net::TcpListener::bind(("0.0.0.0", port)).unwrap();
        drop(listener);
        for _ in 0..20 {
            let refusal = application.ask(&format!("connect {FAR_V4}")).unwrap_err();
            assert!(refusal.starts_with("ConnectionRefused"), "{refusal}");
        }
        stage.wait_empty("FLOWS");
        stage.wait_empty("CONNECTIONS");
    }

    fn a_flow_that_nobody_accepts_ends_with_its_socket(stage) {
        // The handshake ends in the listener's queue, which belongs to no proxy: its socket was
        // made by a stranger, so no program of ours takes the flow.
        let mut stranger = Agent::stranger();
        let said = stranger.ask("listen 0.0.0.0:0").unwrap();
        let port: u16 = said.rsplit(':').next().unwrap().parse().unwrap();
        let rules = RedirectRules { egress_port: port, ..RedirectRules::default() };
        let _instance = stage.enrolled(&rules);
        let mut application = stage.application();
        let id = application.ask(&format!("connect {FAR_V4}")).unwrap();
        assert_eq!(stage.entries("FLOWS"), 1);
        application.ask(&format!("reset {id}")).unwrap();
        stage.wait_empty("FLOWS");
    }
}
