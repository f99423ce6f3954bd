//! `SO_ORIGINAL_DST`, as netfilter answers it, for a proxy that knows nothing of us.

use std::{
    net::{Ipv6Addr, SocketAddr, TcpStream},
    os::fd::AsFd as _,
};

use mesh_bpf::Instance;
use mesh_model::redirect::RedirectRules;
use socket2::{Domain, SockRef, Socket, Type};
use tests::syscall;

use crate::stage::{Agent, FAR_V4, FAR_V6, OWN_V4, OWN_V6, Proxy, Stage, WORKLOAD, plays};

/// How many bytes the kernel says it wrote to a buffer of that many, or its error.
fn ask(stream: &TcpStream, level: i32, name: i32, bytes: usize) -> Result<usize, i32> {
    syscall::option_length(stream, level, name, bytes)
        .map_err(|error| error.raw_os_error().unwrap())
}

/// `SO_ORIGINAL_DST`, which libc has for neither level by this name.
const SO_ORIGINAL_DST: i32 = 80;

/// An application, and the proxy that gets its connections of both families.
struct Scene {
    proxy: Proxy,
    instance: Instance,
    application: Agent,
}

impl Scene {
    fn begin(stage: &Stage) -> Self {
        let proxy = Proxy::listen();
        let rules = RedirectRules {
            ipv6: true,
            ..proxy.rules()
        };
        Self {
            instance: stage.enrolled(&rules),
            application: stage.application(),
            proxy,
        }
    }

    /// The proxy's end of a connection that the application makes.
    fn accepted(&mut self, to: &str) -> TcpStream {
        self.application.ask(&format!("connect {to}")).unwrap();
        let (stream, _) = match to.parse().unwrap() {
            SocketAddr::V4(_) => self.proxy.accept(&self.instance),
            SocketAddr::V6(_) => self.proxy.accept_v6(&self.instance),
        };
        stream
    }

    /// The same of a connection to the proxy itself, which is not redirected.
    fn direct(&mut self) -> TcpStream {
        self.accepted(&format!("127.0.0.1:{}", self.proxy.port))
    }
}

plays! {
    fn v4(stage) {
        let mut scene = Scene::begin(stage);
        let stream = scene.accepted(FAR_V4);
        let said = SockRef::from(&stream).original_dst_v4().unwrap();
        assert_eq!(said.as_socket(), Some(FAR_V4.parse().unwrap()));
    }

    fn v6(stage) {
        let mut scene = Scene::begin(stage);
        let stream = scene.accepted(FAR_V6);
        let said = SockRef::from(&stream).original_dst_v6().unwrap();
        assert_eq!(said.as_socket(), Some(FAR_V6.parse().unwrap()));
    }

    fn a_connection_that_was_not_redirected_has_none(stage) {
        let mut scene = Scene::begin(stage);
        let stream = scene.direct();
        let said = SockRef::from(&stream).original_dst_v4().unwrap_err();
        // What it is depends on the kernel having connection tracking.
        let missing = [libc::ENOENT, libc::ENOPROTOOPT];
        assert!(missing.contains(&said.raw_os_error().unwrap()), "{said}");
    }

    fn a_buffer_that_is_too_short_is_the_kernel_s_business(stage) {
        let mut scene = Scene::begin(stage);
        let (redirected, direct) = (scene.accepted(FAR_V4), scene.direct());
        for bytes in [0, 8, 15] {
            let without = ask(&direct, libc::SOL_IP, SO_ORIGINAL_DST, bytes);
            let with = ask(&redirected, libc::SOL_IP, SO_ORIGINAL_DST, bytes);
            assert_eq!(with, without, "{bytes} bytes");
            assert!(with.is_err());
        }
        assert_eq!(ask(&redirected, libc::SOL_IP, SO_ORIGINAL_DST, 16), Ok(16));
        assert_eq!(ask(&redirected, libc::SOL_IP, SO_ORIGINAL_DST, 128), Ok(16));
        assert_eq!(ask(&redirected, libc::SOL_IPV6, SO_ORIGINAL_DST, 28), Ok(28));
    }

    fn other_options_are_untouched(stage) {
        let mut scene = Scene::begin(stage);
        let stream = scene.accepted(FAR_V4);
        let socket = SockRef::from(&stream);
        socket.set_tcp_nodelay(true).unwrap();
        assert!(socket.tcp_nodelay().unwrap());
        socket.set_ttl_v4(42).unwrap();
        assert_eq!(socket.ttl_v4().unwrap(), 42);
        assert!(socket.take_error().unwrap().is_none());
        assert!(socket.recv_buffer_size().unwrap() > 0);
        let info = ask(&stream, libc::IPPROTO_TCP, libc::TCP_INFO, 8192).unwrap();
        assert!(info > 100, "TCP_INFO is as long as ever: {info}");
        assert_eq!(ask(&stream, libc::SOL_SOCKET, SO_ORIGINAL_DST, 16), Err(libc::ENOPROTOOPT));
    }

    fn a_steered_connection_s_is_the_address_that_its_peer_dialled(stage) {
        let proxy = Proxy::listen();
        let rules = RedirectRules { ipv6: true, app_ports: [8080].into(), ..proxy.rules() };
        let instance = stage.enrolled(&rules);
        instance.steer_ingress(WORKLOAD, proxy.v4.as_fd(), Some(proxy.v6.as_fd())).unwrap();
        let mut client = Agent::neighbour();
        client.ask(&format!("connect {OWN_V4}:8080")).unwrap();
        let (stream, origin) = proxy.accept(&instance);
        assert_eq!(origin, None, "nothing was redirected");
        let said = SockRef::from(&stream).original_dst_v4().unwrap();
        assert_eq!(said.as_socket(), Some(format!("{OWN_V4}:8080").parse().unwrap()));
        // As the kernel says without us: by connection tracking, or because there is none.
        let short = ask(&stream, libc::SOL_IP, SO_ORIGINAL_DST, 15).unwrap_err();
        assert!([libc::EINVAL, libc::ENOPROTOOPT].contains(&short), "{short}");
        client.ask(&format!("connect [{OWN_V6}]:8080")).unwrap();
        let (stream, _) = proxy.accept_v6(&instance);
        let said = SockRef::from(&stream).original_dst_v6().unwrap();
        assert_eq!(said.as_socket(), Some(format!("[{OWN_V6}]:8080").parse().unwrap()));
        // Of an IPv6 destination there is no IPv4 form.
        let v4 = ask(&stream, libc::SOL_IP, SO_ORIGINAL_DST, 16).unwrap_err();
        assert!([libc::ENOENT, libc::ENOPROTOOPT].contains(&v4), "{v4}");
    }

    fn an_ipv6_listener_that_takes_ipv4_answers_at_both_levels(stage) {
        let listener = Socket::new(Domain::IPV6, Type::STREAM, None).unwrap();
        listener.set_only_v6(false).unwrap();
        listener.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)).into()).unwrap();
        listener.listen(8).unwrap();
        let port = listener.local_addr().unwrap().as_socket().unwrap().port();
        let _instance = stage.enrolled(&RedirectRules { egress_port: port, ..RedirectRules::default() });
        let mut application = stage.application();
        application.ask(&format!("connect {FAR_V4}")).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        let to: SocketAddr = FAR_V4.parse().unwrap();
        assert_eq!(accepted.original_dst_v4().unwrap().as_socket(), Some(to));
        let mapped = accepted.original_dst_v6().unwrap().as_socket().unwrap();
        assert_eq!((mapped.ip().to_canonical(), mapped.port()), (to.ip(), to.port()));
    }

    fn options_longer_than_a_page_are_untouched(stage) {
        let mut scene = Scene::begin(stage);
        let (redirected, direct) = (scene.accepted(FAR_V4), scene.direct());
        for (level, name) in [
            (libc::IPPROTO_TCP, libc::TCP_INFO),
            (libc::IPPROTO_TCP, libc::TCP_CONGESTION),
            (libc::SOL_SOCKET, libc::SO_RCVBUF),
            (libc::SOL_SOCKET, libc::SO_PEERCRED),
            (libc::SOL_IP, libc::IP_OPTIONS),
            (libc::SOL_IP, 0x7fff),
        ] {
            for bytes in [0, 1, 4, 4096, 4097, 70_000] {
                let with = ask(&redirected, level, name, bytes);
                let without = ask(&direct, level, name, bytes);
                assert_eq!(with, without, "level {level}, option {name}, {bytes} bytes");
            }
        }
    }
}
