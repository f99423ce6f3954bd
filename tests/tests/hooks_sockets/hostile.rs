//! Peers that mean harm, and sockets that are not what they seem, on steered ports.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    os::fd::AsFd as _,
    path::Path,
};

use mesh_bpf::Instance;
use mesh_model::redirect::RedirectRules;
use socket2::{Domain, Protocol, Socket, Type};
use tests::{capability, links, wait};

use crate::stage::{Agent, OWN_V4, OWN_V6, Proxy, Stage, WORKLOAD, assert_counted, inside, plays};

const APP_PORT: u16 = 8080;
/// More addresses of the stage's own.
const SECOND_V4: &str = "192.0.2.3";
const SECOND_V6: &str = "2001:db8::3";

fn steered(stage: &Stage) -> (Proxy, Instance) {
    let proxy = Proxy::listen();
    let rules = RedirectRules {
        ipv6: true,
        app_ports: [APP_PORT].into(),
        ..proxy.rules()
    };
    let instance = stage.enrolled(&rules);
    instance
        .steer_ingress(WORKLOAD, proxy.v4.as_fd(), Some(proxy.v6.as_fd()))
        .unwrap();
    (proxy, instance)
}

/// A socket of a namespace that begins to connect from an address.
fn connecting(netns: &Path, from: SocketAddr, to: SocketAddr) -> Socket {
    inside(netns, || {
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, None).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket.bind(&from.into()).unwrap();
        let begun = socket.connect(&to.into()).unwrap_err();
        assert_eq!(begun.raw_os_error(), Some(libc::EINPROGRESS));
        socket
    })
}

/// Whether a socket in SYN-SENT of a process's namespace has sent its SYN again: nobody answers.
fn has_sent_again(pid: u32) -> bool {
    const SYN_SENT: &str = "02";
    ["tcp", "tcp6"].iter().any(|family| {
        let table = fs::read_to_string(format!("/proc/{pid}/net/{family}")).unwrap();
        table.lines().skip(1).any(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            fields[3] == SYN_SENT && fields[6] != "00000000"
        })
    })
}

/// Makes the kernel answer every SYN by a cookie, as under a flood: no state is kept of it.
fn answer_by_cookies() {
    fs::write("/proc/sys/net/ipv4/tcp_syncookies", "2").unwrap();
}

plays! {
    fn a_peer_that_claims_an_address_of_the_host_gets_nowhere(stage) {
        for second in ["192.0.2.3/24", "2001:db8::3/64"] {
            links::add_address("own0", second.parse().unwrap()).unwrap();
        }
        let (proxy, instance) = steered(stage);
        let mut application = stage.application();
        let mut client = Agent::neighbour();
        let netns = client.netns();
        for (own, second, mask) in [(OWN_V4, SECOND_V4, 32), (OWN_V6, SECOND_V6, 128)] {
            let socket = |ip: &str, port| SocketAddr::new(ip.parse().unwrap(), port);
            let to = socket(second, APP_PORT);
            let listening = application.ask(&format!("listen {to}")).unwrap();
            let listener = listening.split(' ').next().unwrap();
            // As itself it gets to the proxy, and learns where the host is.
            client.ask(&format!("connect {to}")).unwrap();
            if to.is_ipv4() {
                proxy.accept(&instance);
            } else {
                proxy.accept_v6(&instance);
            }
            client.ask(&format!("address lo {own}/{mask}")).unwrap();
            let _spoofed = connecting(&netns, socket(own, 0), to);
            wait::until_true("no answer", || Ok(has_sent_again(client.pid()))).unwrap();
            // What the application accepts is what came from the host itself.
            let genuine = TcpStream::connect(to).unwrap();
            let accepted = application.ask(&format!("accept {listener}")).unwrap();
            let peer = accepted.split(' ').nth(1).unwrap();
            assert_eq!(peer, genuine.local_addr().unwrap().to_string());
        }
        assert_counted(&instance, "ingress direct local-source", 2);
        assert_counted(&instance, "ingress redirected matched", 2);
    }

    fn syn_cookies_on_a_steered_listener(stage) {
        answer_by_cookies();
        let (proxy, instance) = steered(stage);
        let mut client = Agent::neighbour();
        for own in [OWN_V4, OWN_V6] {
            let to = SocketAddr::new(own.parse().unwrap(), APP_PORT);
            for _ in 0..20 {
                client.ask(&format!("connect {to}")).unwrap();
                let (stream, origin) = if to.is_ipv4() {
                    proxy.accept(&instance)
                } else {
                    proxy.accept_v6(&instance)
                };
                assert_eq!(origin, None);
                assert_eq!(stream.local_addr().unwrap(), to);
            }
        }
        assert_counted(&instance, "ingress redirected matched", 40);
        let netstat = fs::read_to_string("/proc/self/net/netstat").unwrap();
        assert!(count(&netstat, "SyncookiesRecv") >= 40, "cookies were used: {netstat}");
    }

    fn a_redirected_connection_under_syn_cookies(stage) {
        answer_by_cookies();
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut application = stage.application();
        for port in 80..100 {
            let to = format!("198.51.100.7:{port}");
            application.ask(&format!("connect {to}")).unwrap();
            let (_stream, origin) = proxy.accept(&instance);
            assert_eq!(origin.unwrap().destination, to.parse().unwrap());
        }
        stage.wait_empty("FLOWS");
    }

    fn multipath_tcp_comes_to_the_proxy_as_tcp(stage) {
        if !capability::multipath_tcp() {
            return;
        }
        let (proxy, instance) = steered(stage);
        let to = SocketAddr::new(OWN_V4.parse().unwrap(), APP_PORT);
        // The application takes Multipath TCP itself: its peers are the proxy and the host.
        let mut application = stage.application();
        let listening = application.ask(&format!("listen {to} mptcp")).unwrap();
        let listener = listening.split(' ').next().unwrap();
        let mut client = Agent::neighbour();
        client.ask(&format!("connect {to} mptcp")).unwrap();
        let (stream, _) = proxy.accept(&instance);
        assert_eq!(stream.local_addr().unwrap(), to);
        let upstream = TcpStream::connect(to).unwrap();
        let accepted = application.ask(&format!("accept {listener}")).unwrap();
        let peer = accepted.split(' ').nth(1).unwrap();
        assert_eq!(peer, upstream.local_addr().unwrap().to_string());
        assert_counted(&instance, "ingress redirected matched", 1);
        // The kernel steers to plain TCP sockets alone, and says so before a connection is lost.
        let multipath = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::MPTCP)).unwrap();
        multipath.listen(8).unwrap();
        let refused = instance.steer_ingress(WORKLOAD, multipath.as_fd(), None).unwrap_err();
        assert!(matches!(refused, mesh_bpf::BpfError::Map { map: "LISTENERS", .. }), "{refused}");
    }
}

/// A counter of `/proc/net/netstat`: a line of names, then one of numbers.
fn count(netstat: &str, name: &str) -> u64 {
    let lines: Vec<&str> = netstat.lines().collect();
    lines
        .chunks_exact(2)
        .find_map(|pair| {
            let mut columns = pair[0].split_whitespace().zip(pair[1].split_whitespace());
            columns.find(|(column, _)| *column == name)
        })
        .map_or(0, |(_, value)| value.parse().unwrap())
}
