//! Each way in which a socket can connect: all of them are redirected.

use std::{fs, io::Read as _};

use mesh_bpf::Instance;
use mesh_model::redirect::{OnProxyDown, RedirectRules};
use tests::{links, wait};

use crate::stage::{Agent, FAR_V4, FAR_V6, OWN_V4, Proxy, Stage, WORKLOAD, assert_counted, plays};

fn both(stage: &Stage, proxy: &Proxy) -> Instance {
    stage.enrolled(&RedirectRules {
        ipv6: true,
        ..proxy.rules()
    })
}

/// Fast open without cookies, on both ends and on every listener (`ip-sysctl.rst`, `tcp_fastopen`):
/// data goes with the first SYN.
fn open_fast() {
    fs::write("/proc/sys/net/ipv4/tcp_fastopen", "1543").unwrap();
}

/// How many connections came with data in their SYN.
fn came_with_data() -> u64 {
    let statistics = fs::read_to_string("/proc/thread-self/net/netstat").unwrap();
    let mut lines = statistics
        .lines()
        .filter(|line| line.starts_with("TcpExt:"));
    let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
    let place = names
        .split_whitespace()
        .position(|name| name == "TCPFastOpenPassive")
        .unwrap();
    values
        .split_whitespace()
        .nth(place)
        .unwrap()
        .parse()
        .unwrap()
}

/// That what was dialled shows on both sides.
fn assert_named(instance: &Instance, proxy: &Proxy, application: &mut Agent, id: &str, to: &str) {
    let (_stream, origin) = if to.starts_with('[') {
        proxy.accept_v6(instance)
    } else {
        proxy.accept(instance)
    };
    assert_eq!(origin.unwrap().destination, to.parse().unwrap());
    assert_eq!(application.ask(&format!("peer {id}")).unwrap(), to);
}

plays! {
    fn fast_open_by_sending_is_redirected_with_its_data(stage) {
        open_fast();
        let proxy = Proxy::listen();
        let instance = both(stage, &proxy);
        let mut application = stage.application();
        for (number, to) in [FAR_V4, FAR_V6].into_iter().enumerate() {
            let id = application.ask(&format!("connect {to} early")).unwrap();
            let (mut stream, origin) = if number == 0 {
                proxy.accept(&instance)
            } else {
                proxy.accept_v6(&instance)
            };
            assert_eq!(origin.unwrap().destination, to.parse().unwrap());
            let mut early = [0; 5];
            stream.read_exact(&mut early).unwrap();
            assert_eq!(&early, b"early");
            assert_eq!(application.ask(&format!("peer {id}")).unwrap(), to);
            assert_eq!(came_with_data(), number as u64 + 1);
        }
    }

    fn fast_open_by_option_is_redirected_with_its_data(stage) {
        open_fast();
        let proxy = Proxy::listen();
        let instance = both(stage, &proxy);
        let mut application = stage.application();
        for (number, to) in [FAR_V4, FAR_V6].into_iter().enumerate() {
            let id = application.ask(&format!("connect {to} fastopen")).unwrap();
            // Nothing is sent before there is something to send.
            application.ask(&format!("send {id} 7")).unwrap();
            let (mut stream, origin) = if number == 0 {
                proxy.accept(&instance)
            } else {
                proxy.accept_v6(&instance)
            };
            assert_eq!(origin.unwrap().destination, to.parse().unwrap());
            stream.read_exact(&mut [0; 7]).unwrap();
            assert_eq!(application.ask(&format!("peer {id}")).unwrap(), to);
            assert_eq!(came_with_data(), number as u64 + 1);
        }
    }

    fn io_uring_is_redirected(stage) {
        let proxy = Proxy::listen();
        let instance = both(stage, &proxy);
        let mut application = stage.application();
        for to in [FAR_V4, FAR_V6] {
            let id = application.ask(&format!("connect {to} ring")).unwrap();
            assert_named(&instance, &proxy, &mut application, &id, to);
        }
    }

    fn a_socket_inherited_over_fork_is_redirected_and_shared(stage) {
        let proxy = Proxy::listen();
        let instance = both(stage, &proxy);
        let mut application = stage.application();
        let id = application.ask("make").unwrap();
        // The child connects it and ends; what it dialled shows in the parent.
        application.ask(&format!("lend {id} {FAR_V4}")).unwrap();
        assert_named(&instance, &proxy, &mut application, &id, FAR_V4);
        let shown = application.ask(&format!("local {id}")).unwrap();
        assert!(shown.starts_with(OWN_V4), "{shown}");
    }

    fn a_socket_of_ipv6_alone_is_redirected(stage) {
        let proxy = Proxy::listen();
        let instance = both(stage, &proxy);
        let mut application = stage.application();
        let id = application.ask(&format!("connect {FAR_V6} v6only")).unwrap();
        assert_named(&instance, &proxy, &mut application, &id, FAR_V6);
    }

    fn a_link_local_address_keeps_its_scope(stage) {
        let proxy = Proxy::listen();
        let instance = both(stage, &proxy);
        // The other end of the wire goes away, so one link is left.
        let _neighbour = Agent::neighbour();
        let own = wait::until("a link-local address", || {
            let networks = mesh_bpf::local::networks()?;
            let own = networks.into_iter().find(|one| {
                matches!(one.network.addr(), std::net::IpAddr::V6(six)
                    if six.is_unicast_link_local() && six.segments()[4..] != [0; 4])
            });
            Ok(own)
        }).unwrap();
        instance.refresh_network(WORKLOAD).unwrap();
        let mut application = stage.application();
        let to = format!("[fe80::77%{}]:80", own.interface);
        for order in [to.clone(), format!("{to} device=own0")] {
            let id = application.ask(&format!("connect {order}")).unwrap();
            let (_stream, origin) = proxy.accept_v6(&instance);
            assert_eq!(origin.unwrap().destination, to.parse().unwrap(), "{order}");
            assert_eq!(application.ask(&format!("peer {id}")).unwrap(), to, "{order}");
            let shown = application.ask(&format!("local {id}")).unwrap();
            let expected = format!("[{}%{}]:", own.network.addr(), own.interface);
            assert!(shown.starts_with(&expected), "{order}: {shown}");
        }
    }

    fn a_link_local_address_of_an_unknown_link_follows_the_mode(stage) {
        let proxy = Proxy::listen();
        let instance = both(stage, &proxy);
        wait::until_true("two link-local addresses", || {
            let networks = mesh_bpf::local::networks()?.into_iter();
            let link_local = networks.filter(|one| {
                one.network.prefix_len() == 128
                    && matches!(one.network.addr(), std::net::IpAddr::V6(six)
                        if six.is_unicast_link_local() && six.segments()[4..] != [0; 4])
            });
            Ok(link_local.count() == 2)
        }).unwrap();
        instance.refresh_network(WORKLOAD).unwrap();
        let mut application = stage.application();
        let refusal = application.ask("connect [fe80::77%2]:80").unwrap_err();
        assert!(refusal.starts_with("ConnectionRefused"), "{refusal}");
        assert_counted(&instance, "egress refused link-unknown", 1);
        let open = RedirectRules {
            ipv6: true,
            on_proxy_down: OnProxyDown::Bypass,
            ..proxy.rules()
        };
        instance.set_rules(WORKLOAD, &open, 2).unwrap();
        application.ask("attempt [fe80::77%2]:80").unwrap();
        assert_counted(&instance, "egress direct link-unknown", 1);
        // One that is bound says which link it means.
        let to = format!("[fe80::77%{}]:80", links::index_of("own0").unwrap());
        let id = application.ask(&format!("connect {to} device=own0")).unwrap();
        assert_named(&instance, &proxy, &mut application, &id, &to);
    }

    fn a_socket_used_again_for_what_is_ignored_has_no_origin_and_no_name(stage) {
        let proxy = Proxy::listen();
        let mut rules = proxy.rules();
        rules.ipv6 = true;
        let (mut neighbour, port) = listening();
        rules.ignored_ports.insert(port);
        let instance = stage.enrolled(&rules);
        let mut application = stage.application();
        let id = application.ask(&format!("connect {FAR_V4}")).unwrap();
        let _first = proxy.accept(&instance);
        let to = format!("192.0.2.2:{port}");
        application.ask(&format!("reconnect {id} {to}")).unwrap();
        let reached = neighbour.ask("accept 0").unwrap();
        assert!(reached.contains(OWN_V4), "the neighbour itself: {reached}");
        assert_eq!(application.ask(&format!("peer {id}")).unwrap(), to);
        let connections = instance.connections().unwrap();
        let direct = connections.iter().find(|one| one.remote.port() == port).unwrap();
        assert_eq!(direct.reason, "ignored-port");
    }
}

/// A neighbour that listens, and its port.
fn listening() -> (Agent, u16) {
    let mut neighbour = Agent::neighbour();
    let said = neighbour.ask("listen 0.0.0.0:0").unwrap();
    let port = said.rsplit(':').next().unwrap().parse().unwrap();
    (neighbour, port)
}
