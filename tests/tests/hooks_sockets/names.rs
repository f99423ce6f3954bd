//! What getpeername and getsockname tell a workload, and what the proxy is told of it.

use std::net::{IpAddr, SocketAddr};

use mesh_bpf::{Instance, local};
use mesh_model::redirect::RedirectRules;
use tests::{
    capability,
    links::{self, routing},
    wait,
};

use crate::stage::{Agent, FAR_V4, FAR_V6, OWN_V4, OWN_V6, Proxy, Stage, WORKLOAD, plays};

/// Both families redirected.
fn both(stage: &Stage, proxy: &Proxy) -> Instance {
    stage.enrolled(&RedirectRules {
        ipv6: true,
        ..proxy.rules()
    })
}

/// Dials, and says what getsockname shows; it must be what the proxy and the list of connections
/// have, and its port the real one.
fn source(proxy: &Proxy, instance: &Instance, application: &mut Agent, order: &str) -> IpAddr {
    let id = application.ask(&format!("connect {order}")).unwrap();
    let is_v6 = order.starts_with('[');
    let (stream, origin) = if is_v6 {
        proxy.accept_v6(instance)
    } else {
        proxy.accept(instance)
    };
    let shown: SocketAddr = application
        .ask(&format!("local {id}"))
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(shown.port(), stream.peer_addr().unwrap().port());
    let shown = SocketAddr::new(shown.ip().to_canonical(), shown.port());
    assert_eq!(origin.unwrap().source, shown);
    let connections = instance.connections().unwrap();
    assert!(
        connections
            .iter()
            .any(|connection| connection.local == shown),
        "{shown}: {connections:?}"
    );
    application.ask(&format!("close {id}")).unwrap();
    shown.ip()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

plays! {
    fn getsockname_shows_the_address_that_routing_would_have_chosen(stage) {
        let proxy = Proxy::listen();
        let instance = both(stage, &proxy);
        let mut application = stage.application();
        assert_eq!(source(&proxy, &instance, &mut application, FAR_V4), ip(OWN_V4));
        assert_eq!(source(&proxy, &instance, &mut application, FAR_V6), ip(OWN_V6));
        let id = application.ask(&format!("connect {FAR_V4} v6")).unwrap();
        let (stream, origin) = proxy.accept(&instance);
        let port = stream.peer_addr().unwrap().port();
        let shown = application.ask(&format!("local {id}")).unwrap();
        assert_eq!(shown, format!("[::ffff:{OWN_V4}]:{port}"));
        assert_eq!(origin.unwrap().source, SocketAddr::new(ip(OWN_V4), port));
    }

    fn a_bound_socket_shows_its_own_address(stage) {
        let proxy = Proxy::listen();
        let instance = both(stage, &proxy);
        let mut application = stage.application();
        // Bound to a port or an interface alone, routing decides.
        for (order, own) in [
            (format!("{FAR_V4} from=0.0.0.0:40001"), OWN_V4),
            (format!("{FAR_V4} device=own0"), OWN_V4),
            (format!("{FAR_V6} from=[::]:40001"), OWN_V6),
            (format!("{FAR_V6} device=own0"), OWN_V6),
        ] {
            assert_eq!(source(&proxy, &instance, &mut application, &order), ip(own), "{order}");
        }
        links::add_address("own0", "192.0.2.9/24".parse().unwrap()).unwrap();
        links::add_address("own0", "2001:db8::9/64".parse().unwrap()).unwrap();
        for (order, own) in [
            (format!("{FAR_V4} from=192.0.2.9:0"), "192.0.2.9"),
            (format!("{FAR_V4} from=127.0.0.1:0"), "127.0.0.1"),
            (format!("{FAR_V6} from=[2001:db8::9]:0"), "2001:db8::9"),
            (format!("{FAR_V6} from=[::1]:0"), "::1"),
        ] {
            assert_eq!(source(&proxy, &instance, &mut application, &order), ip(own), "{order}");
        }
    }

    fn routes_and_rules_by_destination_decide_the_source(stage) {
        for network in ["192.0.2.9/24", "192.0.2.10/24", "2001:db8::9/64", "2001:db8::10/64"] {
            links::add_address("own0", network.parse().unwrap()).unwrap();
        }
        routing::add_route("198.51.100.0/25".parse().unwrap(), "own0", ip("192.0.2.9")).unwrap();
        routing::add_rule("198.51.100.128/25".parse().unwrap(), "own0", ip("192.0.2.10")).unwrap();
        routing::add_route("2001:db8:2::/64".parse().unwrap(), "own0", ip("2001:db8::9")).unwrap();
        routing::add_rule("2001:db8:3::/64".parse().unwrap(), "own0", ip("2001:db8::10")).unwrap();
        let proxy = Proxy::listen();
        let instance = both(stage, &proxy);
        let mut application = stage.application();
        for (to, own) in [
            ("198.51.100.7:80", "192.0.2.9"),
            ("198.51.100.200:80", "192.0.2.10"),
            ("203.0.113.1:80", OWN_V4),
            ("[2001:db8:2::7]:80", "2001:db8::9"),
            ("[2001:db8:3::7]:80", "2001:db8::10"),
        ] {
            // The kernel's own answer, by a socket that is never redirected.
            assert_eq!(application.ask(&format!("route {to}")).unwrap(), own);
            assert_eq!(source(&proxy, &instance, &mut application, to), ip(own), "{to}");
        }
    }

    fn a_changed_route_changes_the_source_without_a_poll(stage) {
        let proxy = Proxy::listen();
        let instance = std::sync::Arc::new(both(stage, &proxy));
        let followed = std::sync::Arc::clone(&instance);
        let _watch = local::watch(None, move || followed.refresh_network(WORKLOAD).unwrap()).unwrap();
        let mut application = stage.application();
        assert_eq!(source(&proxy, &instance, &mut application, FAR_V4), ip(OWN_V4));
        links::add_address("own0", "192.0.2.9/24".parse().unwrap()).unwrap();
        routing::add_route("198.51.100.0/24".parse().unwrap(), "own0", ip("192.0.2.9")).unwrap();
        let changed = std::time::Instant::now();
        wait::until_true("the new source", || {
            Ok(source(&proxy, &instance, &mut application, FAR_V4) == ip("192.0.2.9"))
        }).unwrap();
        // The slow look of every 30 s has nothing to do with it.
        assert!(changed.elapsed() < std::time::Duration::from_secs(15));
        // An address that came is local at once, too.
        let id = application.ask(&format!("connect 192.0.2.9:{}", proxy.port)).unwrap();
        let (_stream, origin) = proxy.accept(&instance);
        assert_eq!(origin, None, "{id} was left alone");
    }

    fn names_end_with_the_connection(stage) {
        let proxy = Proxy::listen();
        let instance = both(stage, &proxy);
        let mut application = stage.application();
        let id = application.ask(&format!("connect {FAR_V4}")).unwrap();
        let _accepted = proxy.accept(&instance);
        // Disconnected and used anew to listen: its address is what it is bound to.
        application.ask(&format!("disconnect {id}")).unwrap();
        assert!(application.ask(&format!("local {id}")).unwrap().starts_with("0.0.0.0:"));
        let peer = application.ask(&format!("peer {id}")).unwrap_err();
        assert!(peer.starts_with("NotConnected"), "{peer}");
        application.ask(&format!("serve {id}")).unwrap();
        assert!(application.ask(&format!("local {id}")).unwrap().starts_with("0.0.0.0:"));
        // A peer that resets does not take the name away, as it would not without redirection.
        let id = application.ask(&format!("connect {FAR_V4}")).unwrap();
        let (stream, _) = proxy.accept(&instance);
        socket2::SockRef::from(&stream).set_linger(Some(std::time::Duration::ZERO)).unwrap();
        drop(stream);
        application.ask(&format!("receive {id} 1")).unwrap_err();
        let shown = application.ask(&format!("local {id}")).unwrap();
        assert!(shown.starts_with(OWN_V4), "{shown}");
    }

    fn direct_connections_keep_their_names(stage) {
        let proxy = Proxy::listen();
        let instance = both(stage, &proxy);
        let mut application = stage.application();
        for to in [format!("{OWN_V4}:{}", proxy.port), format!("127.0.0.1:{}", proxy.port)] {
            let id = application.ask(&format!("connect {to}")).unwrap();
            let (stream, origin) = proxy.accept(&instance);
            assert_eq!(origin, None);
            assert_eq!(application.ask(&format!("peer {id}")).unwrap(), to);
            let shown = application.ask(&format!("local {id}")).unwrap();
            assert_eq!(shown, stream.peer_addr().unwrap().to_string());
        }
    }

    fn multipath_tcp_shows_what_was_dialled(stage) {
        if !capability::multipath_tcp() {
            return;
        }
        let proxy = Proxy::listen();
        let instance = both(stage, &proxy);
        let mut application = stage.application();
        for (to, own) in [(FAR_V4, OWN_V4), (FAR_V6, OWN_V6)] {
            let id = application.ask(&format!("connect {to} mptcp")).unwrap();
            let (stream, origin) = if own == OWN_V4 {
                proxy.accept(&instance)
            } else {
                proxy.accept_v6(&instance)
            };
            let port = stream.peer_addr().unwrap().port();
            let source = SocketAddr::new(ip(own), port);
            assert_eq!(origin.unwrap().source, source);
            assert_eq!(application.ask(&format!("peer {id}")).unwrap(), to);
            assert_eq!(application.ask(&format!("local {id}")).unwrap(), source.to_string());
        }
        // Used again for what is left alone.
        let id = application.ask(&format!("connect {FAR_V4} mptcp")).unwrap();
        let _accepted = proxy.accept(&instance);
        let direct = format!("127.0.0.1:{}", proxy.port);
        application.ask(&format!("reconnect {id} {direct}")).unwrap();
        assert_eq!(application.ask(&format!("peer {id}")).unwrap(), direct);
        assert!(application.ask(&format!("local {id}")).unwrap().starts_with("127.0.0.1:"));
    }
}
