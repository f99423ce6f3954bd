//! `SO_ORIGINAL_DST`, as netfilter answers it, for a proxy that knows nothing of us.

#![expect(
    unsafe_code,
    reason = "no safe form of getsockopt(2) takes a buffer of the wrong size"
)]

use std::{io, net::TcpStream, os::fd::AsRawFd as _};

use mesh_model::redirect::RedirectRules;
use socket2::SockRef;

use crate::stage::{FAR_V4, FAR_V6, Proxy, plays};

/// Asks with a buffer of that many bytes; how many the kernel says it wrote, or its error.
fn ask(stream: &TcpStream, level: i32, name: i32, bytes: usize) -> Result<usize, i32> {
    let mut buffer = vec![0_u8; bytes];
    let mut length = libc::socklen_t::try_from(bytes).unwrap();
    // SAFETY: the buffer is as long as said.
    let result = unsafe {
        let buffer = buffer.as_mut_ptr().cast();
        libc::getsockopt(stream.as_raw_fd(), level, name, buffer, &raw mut length)
    };
    if result == 0 {
        Ok(usize::try_from(length).unwrap())
    } else {
        Err(io::Error::last_os_error().raw_os_error().unwrap())
    }
}

/// `SO_ORIGINAL_DST`, which libc has for neither level by this name.
const SO_ORIGINAL_DST: i32 = 80;

plays! {
    fn v4(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut application = stage.application();
        application.ask(&format!("connect {FAR_V4}")).unwrap();
        let (stream, _) = proxy.accept(&instance);
        let said = SockRef::from(&stream).original_dst_v4().unwrap();
        assert_eq!(said.as_socket(), Some(FAR_V4.parse().unwrap()));
    }

    fn v6(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&RedirectRules { ipv6: true, ..proxy.rules() });
        let mut application = stage.application();
        application.ask(&format!("connect {FAR_V6}")).unwrap();
        let (stream, _) = proxy.accept_v6(&instance);
        let said = SockRef::from(&stream).original_dst_v6().unwrap();
        assert_eq!(said.as_socket(), Some(FAR_V6.parse().unwrap()));
    }

    fn a_connection_that_was_not_redirected_has_none(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut application = stage.application();
        application.ask(&format!("connect 127.0.0.1:{}", proxy.port)).unwrap();
        let (stream, _) = proxy.accept(&instance);
        let said = SockRef::from(&stream).original_dst_v4().unwrap_err();
        // What it is depends on the kernel having connection tracking.
        let missing = [libc::ENOENT, libc::ENOPROTOOPT];
        assert!(missing.contains(&said.raw_os_error().unwrap()), "{said}");
    }

    fn a_buffer_that_is_too_short_is_the_kernel_s_business(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut application = stage.application();
        application.ask(&format!("connect {FAR_V4}")).unwrap();
        let (redirected, _) = proxy.accept(&instance);
        application.ask(&format!("connect 127.0.0.1:{}", proxy.port)).unwrap();
        let (direct, _) = proxy.accept(&instance);
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
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut application = stage.application();
        application.ask(&format!("connect {FAR_V4}")).unwrap();
        let (stream, _) = proxy.accept(&instance);
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
}
