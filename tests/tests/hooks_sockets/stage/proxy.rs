//! The proxy, which the test plays itself.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream},
    os::fd::AsFd as _,
};

use mesh_bpf::Instance;
use mesh_model::{origin::Origin, redirect::RedirectRules};
use tests::wait;

/// The proxy's listening sockets, played by the test.
pub(crate) struct Proxy {
    pub(crate) v4: TcpListener,
    pub(crate) v6: TcpListener,
    pub(crate) port: u16,
}

impl Proxy {
    pub(crate) fn listen() -> Self {
        Self::listen_on(0)
    }

    /// On a port, or 0 for a free one.
    pub(crate) fn listen_on(port: u16) -> Self {
        let v4 = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap();
        let port = v4.local_addr().unwrap().port();
        let v6 = socket2::Socket::new(socket2::Domain::IPV6, socket2::Type::STREAM, None).unwrap();
        v6.set_only_v6(true).unwrap();
        v6.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)).into())
            .unwrap();
        v6.listen(128).unwrap();
        Self {
            v4,
            v6: v6.into(),
            port,
        }
    }

    /// Rules that send egress here.
    pub(crate) fn rules(&self) -> RedirectRules {
        RedirectRules {
            egress_port: self.port,
            ingress_port: self.port,
            ..RedirectRules::default()
        }
    }

    /// Accepts one IPv4 connection and says where it was going.
    pub(crate) fn accept(&self, instance: &Instance) -> (TcpStream, Option<Origin>) {
        accept(&self.v4, instance)
    }

    pub(crate) fn accept_v6(&self, instance: &Instance) -> (TcpStream, Option<Origin>) {
        accept(&self.v6, instance)
    }
}

fn accept(listener: &TcpListener, instance: &Instance) -> (TcpStream, Option<Origin>) {
    listener.set_nonblocking(true).unwrap();
    let (stream, _) = wait::until("a connection to accept", || match listener.accept() {
        Ok(accepted) => Ok(Some(accepted)),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error.into()),
    })
    .unwrap();
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(wait::DEADLINE)).unwrap();
    let origin = instance.origins().origin(stream.as_fd()).unwrap();
    (stream, origin)
}
