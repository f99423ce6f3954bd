//! What comes for a workload, from a host beside the stage.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    os::fd::AsFd as _,
    time::Duration,
};

use mesh_bpf::{Direction, Instance, Verdict};
use mesh_model::redirect::{OnProxyDown, RedirectRules};
use tests::wait;

use crate::stage::{Agent, OWN_V4, OWN_V6, Proxy, Stage, WORKLOAD, assert_counted, plays};

const APP_PORT: u16 = 8080;

/// The proxy, the application that listens beside it, and a client on another host.
struct Ingress {
    proxy: Proxy,
    instance: Instance,
    application: Agent,
    listeners: [String; 2],
    client: Agent,
}

fn set_up(stage: &Stage, on_proxy_down: OnProxyDown) -> Ingress {
    let proxy = Proxy::listen();
    let rules = RedirectRules {
        ipv6: true,
        app_ports: [APP_PORT].into(),
        on_proxy_down,
        ..proxy.rules()
    };
    let instance = stage.enrolled(&rules);
    instance
        .steer_ingress(WORKLOAD, proxy.v4.as_fd(), Some(proxy.v6.as_fd()))
        .unwrap();
    let mut application = stage.application();
    let listeners = ["0.0.0.0", "[::]"].map(|any| {
        let said = application
            .ask(&format!("listen {any}:{APP_PORT}"))
            .unwrap();
        said.split(' ').next().unwrap().to_owned()
    });
    let client = Agent::neighbour();
    Ingress {
        proxy,
        instance,
        application,
        listeners,
        client,
    }
}

fn own(address: &str) -> String {
    let address = if address.contains(':') {
        format!("[{address}]")
    } else {
        address.to_owned()
    };
    format!("{address}:{APP_PORT}")
}

plays! {
    fn remote_connections_to_app_ports_go_to_the_proxy(stage) {
        let mut it = set_up(stage, OnProxyDown::Refuse);
        for (address, client) in [(OWN_V4, "192.0.2.2"), (OWN_V6, "2001:db8::2")] {
            let to: SocketAddr = own(address).parse().unwrap();
            it.client.ask(&format!("connect {to}")).unwrap();
            let (stream, origin) = if to.is_ipv4() {
                it.proxy.accept(&it.instance)
            } else {
                it.proxy.accept_v6(&it.instance)
            };
            assert_eq!(origin, None, "nothing was redirected on the way");
            assert_eq!(stream.local_addr().unwrap(), to, "the real address is kept");
            assert_eq!(stream.peer_addr().unwrap().ip().to_string(), client);
        }
        assert_counted(&it.instance, "ingress redirected matched", 2);
    }

    fn local_connections_reach_the_application(stage) {
        let mut it = set_up(stage, OnProxyDown::Refuse);
        // The proxy's own, by loopback and by the host's real addresses.
        for address in ["127.0.0.1", OWN_V4, "::1", OWN_V6] {
            let to: SocketAddr = own(address).parse().unwrap();
            let listener = if to.is_ipv4() { &it.listeners[0] } else { &it.listeners[1] };
            let upstream = TcpStream::connect(to).unwrap();
            it.application.ask(&format!("accept {listener}")).unwrap();
            drop(upstream);
        }
        // An application that calls itself.
        let mut other = stage.application();
        other.ask(&format!("connect {}", own(OWN_V4))).unwrap();
        it.application.ask(&format!("accept {}", it.listeners[0])).unwrap();
        assert_counted(&it.instance, "ingress direct local-source", 5);
    }

    fn other_ports_are_as_without_us(stage) {
        let mut it = set_up(stage, OnProxyDown::Refuse);
        let closed = it.client.ask(&format!("connect {OWN_V4}:8081")).unwrap_err();
        assert!(closed.starts_with("ConnectionRefused"), "{closed}");
        let said = it.application.ask(&format!("listen {OWN_V4}:8082")).unwrap();
        let listener = said.split(' ').next().unwrap().to_owned();
        it.client.ask(&format!("connect {OWN_V4}:8082")).unwrap();
        it.application.ask(&format!("accept {listener}")).unwrap();
        assert_counted(&it.instance, "ingress direct port-not-listed", 1);
    }

    fn refused_without_the_proxy(stage) {
        let mut it = set_up(stage, OnProxyDown::Refuse);
        let Ingress { proxy, instance, client, .. } = &mut it;
        instance.rest(WORKLOAD).unwrap();
        let refusal = client.ask(&format!("connect {}", own(OWN_V4))).unwrap_err();
        assert!(refusal.starts_with("ConnectionRefused"), "{refusal}");
        instance.beat(WORKLOAD).unwrap();
        client.ask(&format!("connect {}", own(OWN_V4))).unwrap();
        proxy.accept(instance);
        // Listening sockets that are closed leave the map by themselves.
        let gone = std::mem::replace(proxy, Proxy::listen());
        drop(gone);
        let refusal = client.ask(&format!("connect {}", own(OWN_V4))).unwrap_err();
        assert!(refusal.starts_with("ConnectionRefused"), "{refusal}");
        let refusal = client.ask(&format!("connect {}", own(OWN_V6))).unwrap_err();
        assert!(refusal.starts_with("ConnectionRefused"), "{refusal}");
    }

    fn bypassed_without_the_proxy(stage) {
        let mut it = set_up(stage, OnProxyDown::Bypass);
        it.instance.rest(WORKLOAD).unwrap();
        it.client.ask(&format!("connect {}", own(OWN_V4))).unwrap();
        it.application.ask(&format!("accept {}", it.listeners[0])).unwrap();
        assert_counted(&it.instance, "ingress direct proxy-silent", 1);
        it.instance.beat(WORKLOAD).unwrap();
        drop(it.proxy);
        it.client.ask(&format!("connect {}", own(OWN_V6))).unwrap();
        it.application.ask(&format!("accept {}", it.listeners[1])).unwrap();
        assert_counted(&it.instance, "ingress direct proxy-absent", 1);
    }

    fn one_socket_stands_for_its_group(stage) {
        let proxy = Proxy::listen();
        let rules = RedirectRules { app_ports: [APP_PORT].into(), ..proxy.rules() };
        let instance = stage.enrolled(&rules);
        let group: Vec<_> = (0..4).map(|_| reuseport(stage)).collect();
        instance.steer_ingress(WORKLOAD, group[0].as_fd(), None).unwrap();
        let mut client = Agent::neighbour();
        for _ in 0..64 {
            client.ask(&format!("connect {}", own(OWN_V4))).unwrap();
        }
        let mut took = 0;
        let mut all = 0;
        for listener in &group {
            listener.set_nonblocking(true).unwrap();
            let mine = std::iter::from_fn(|| listener.accept().ok()).count();
            took += usize::from(mine > 0);
            all += mine;
        }
        assert_eq!(all, 64);
        assert!(took > 1, "the group shares");
    }

    fn another_program_that_chose_a_socket_before_is_overruled(stage) {
        let first = set_up(stage, OnProxyDown::Refuse);
        // The programs of another workload, behind those of the first on the same hook.
        let proxy = Proxy::listen();
        let rules = RedirectRules { app_ports: [APP_PORT].into(), ..proxy.rules() };
        let cgroup = stage.workload_cgroup.with_extension("second");
        mesh_bpf::cgroup::create(&cgroup).unwrap();
        let second = mesh_bpf::WorkloadSpec {
            id: WORKLOAD + 1,
            name: "second".to_owned(),
            cgroup: cgroup.clone(),
            ..stage.spec()
        };
        let local = mesh_bpf::local::networks().unwrap();
        let Ingress { instance, mut client, .. } = first;
        let enrolled = instance.enrol(&second, &rules, 1, &local);
        instance.steer_ingress(WORKLOAD + 1, proxy.v4.as_fd(), None).unwrap();
        let connected = client.ask(&format!("connect {}", own(OWN_V4)));
        let refused = instance.counters(WORKLOAD + 1).unwrap();
        instance.release(WORKLOAD + 1).unwrap();
        std::fs::remove_dir(&cgroup).unwrap();
        enrolled.unwrap();
        connected.unwrap();
        assert!(refused.iter().all(|counter| counter.verdict != Verdict::Refused), "{refused:?}");
        proxy.accept(&instance);
    }

    fn a_released_workload_takes_its_connections_itself(stage) {
        let mut it = set_up(stage, OnProxyDown::Refuse);
        it.instance.release(WORKLOAD).unwrap();
        it.client.ask(&format!("connect {}", own(OWN_V4))).unwrap();
        it.application.ask(&format!("accept {}", it.listeners[0])).unwrap();
        // Who has the number next does not inherit the proxy's sockets.
        let rules = RedirectRules { app_ports: [APP_PORT].into(), ..it.proxy.rules() };
        let local = mesh_bpf::local::networks().unwrap();
        it.instance.enrol(&stage.spec(), &rules, 2, &local).unwrap();
        it.instance.beat(WORKLOAD).unwrap();
        let refusal = it.client.ask(&format!("connect {}", own(OWN_V4))).unwrap_err();
        assert!(refusal.starts_with("ConnectionRefused"), "{refusal}");
    }

    fn steered_connections_are_listed_and_counted(stage) {
        let mut it = set_up(stage, OnProxyDown::Refuse);
        let id = it.client.ask(&format!("connect {}", own(OWN_V4))).unwrap();
        let (mut stream, _) = it.proxy.accept(&it.instance);
        it.client.ask(&format!("send {id} 1000")).unwrap();
        stream.read_exact(&mut [0; 1000]).unwrap();
        stream.write_all(&[0; 77]).unwrap();
        it.client.ask(&format!("receive {id} 77")).unwrap();
        let record = wait::until("the acknowledgement to be counted", || {
            let live = it.instance.connections().unwrap();
            Ok(live.into_iter().find(|record| record.bytes_sent == Some(77)))
        })
        .unwrap();
        assert_eq!(record.direction, Direction::Ingress);
        assert_eq!(record.verdict, Verdict::Redirected);
        assert_eq!(record.workload, WORKLOAD);
        assert_eq!(record.local, own(OWN_V4).parse().unwrap());
        assert_eq!(record.remote.ip().to_string(), "192.0.2.2");
        assert_eq!(record.bytes_received, Some(1000));
        assert_eq!(record.uid, None);
        let mut closed = it.instance.closed().unwrap();
        drop(stream);
        it.client.ask(&format!("close {id}")).unwrap();
        let record = wait::until("the closing record", || {
            Ok(closed.next_record()?.filter(|closed| closed.record.cookie == record.cookie))
        })
        .unwrap();
        assert_eq!(record.record.bytes_sent, Some(77));
        assert_eq!(record.record.bytes_received, Some(1000));
        assert!(record.record.age > Duration::ZERO);
    }
}

/// A listening socket of a group, whose port nobody dials.
fn reuseport(_stage: &Stage) -> std::net::TcpListener {
    use socket2::{Domain, Socket, Type};
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_reuse_port(true).unwrap();
    socket
        .bind(&SocketAddr::from(([0, 0, 0, 0], 15000)).into())
        .unwrap();
    socket.listen(128).unwrap();
    socket.into()
}
