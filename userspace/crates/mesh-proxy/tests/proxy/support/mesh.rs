//! A proxy under test, with a pretended kernel in front of it.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    num::NonZeroUsize,
    os::fd::BorrowedFd,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use mesh_model::{origin::Origin, snapshot::Snapshot};
use mesh_proxy::{Drained, Listeners, OriginSource, Proxy, ProxySettings};
use mesh_telemetry::{Registry, server::ServerState};
use socket2::SockRef;
use tokio::net::{TcpSocket, TcpStream};

use super::within;

/// A destination of which the kernel does not say what it was.
pub(crate) const UNKNOWN_PORT: u16 = 8;
/// A destination that makes the proxy panic.
pub(crate) const PANIC_PORT: u16 = 9;

/// A destination that makes the proxy wait, until the guard of [`Mesh::hold_up`] goes.
pub(crate) const HANG_PORT: u16 = 10;

/// Where connections were going, by the address that they come from.
#[derive(Default)]
struct PretendedKernel {
    destinations: Mutex<HashMap<SocketAddr, SocketAddr>>,
    held_up: Mutex<()>,
}

impl OriginSource for PretendedKernel {
    fn origin(&self, socket: BorrowedFd<'_>) -> io::Result<Option<Origin>> {
        let peer = SockRef::from(&socket).peer_addr()?.as_socket();
        let destinations = self.destinations.lock().unwrap();
        let destination = peer.and_then(|peer| destinations.get(&peer).copied());
        drop(destinations);
        match destination.map(|destination| destination.port()) {
            Some(PANIC_PORT) => panic!("as the test asked for"),
            Some(HANG_PORT) => drop(self.held_up.lock().unwrap()),
            Some(UNKNOWN_PORT) => return Err(io::ErrorKind::PermissionDenied.into()),
            _ => {}
        }
        Ok(destination.zip(peer).map(|(destination, source)| Origin {
            destination,
            source,
            workload: 1,
            socket_cookie: 0,
        }))
    }
}

/// A proxy under test.
pub(crate) struct Mesh {
    pub(crate) proxy: Proxy,
    pub(crate) egress: SocketAddr,
    pub(crate) ingress: SocketAddr,
    kernel: Arc<PretendedKernel>,
    stats: Arc<Registry>,
}

impl Mesh {
    pub(crate) async fn start(snapshot: Arc<Snapshot>) -> Self {
        Self::start_with(snapshot, |_| {}).await
    }

    /// A mesh that drains for so long at the most.
    pub(crate) async fn start_with_drain(snapshot: Arc<Snapshot>, drain: Duration) -> Self {
        Self::start_with(snapshot, |settings| settings.drain = drain).await
    }

    pub(crate) async fn start_with(
        snapshot: Arc<Snapshot>,
        set: impl FnOnce(&mut ProxySettings),
    ) -> Self {
        let mut settings = ProxySettings::new("test");
        settings.workers = NonZeroUsize::new(2).unwrap();
        settings.egress_port = 0;
        settings.ingress_port = 0;
        settings.dns_refresh = Duration::from_millis(20);
        settings.drain = super::DEADLINE;
        set(&mut settings);
        let listeners = Listeners::bind(&settings).expect("ports of the kernel's choice");
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (egress, ingress) = (
            local(listeners.egress_port()),
            local(listeners.ingress_port()),
        );
        let kernel = Arc::new(PretendedKernel::default());
        let stats = Arc::new(Registry::new("test", settings.workers.get()));
        let origins = Arc::clone(&kernel) as Arc<dyn OriginSource>;
        let proxy = Proxy::start(listeners, &settings, snapshot, origins, Arc::clone(&stats))
            .expect("threads to start");
        within("ready", proxy.ready()).await;
        Self {
            proxy,
            egress,
            ingress,
            kernel,
            stats,
        }
    }

    /// Connects as an application whose connection to `destination` is redirected.
    pub(crate) async fn dial(&self, destination: SocketAddr) -> TcpStream {
        self.dialler()
            .dial(destination)
            .await
            .expect("the egress listener accepts")
    }

    /// What dials on after the mesh was given away.
    pub(crate) fn dialler(&self) -> Dialler {
        Dialler {
            kernel: Arc::clone(&self.kernel),
            egress: self.egress,
        }
    }

    /// Has a worker that serves a connection to [`HANG_PORT`] wait until the guard goes.
    pub(crate) fn hold_up(&self) -> MutexGuard<'_, ()> {
        self.kernel.held_up.lock().unwrap()
    }

    /// What tells the proxy's state after the mesh was given away.
    pub(crate) fn state(&self) -> impl Fn() -> ServerState + use<> {
        let stats = Arc::clone(&self.stats);
        move || stats.state()
    }

    /// What tells statistics after the mesh was given away.
    pub(crate) fn stats(&self) -> impl Fn(&str) -> u64 + use<> {
        let stats = Arc::clone(&self.stats);
        move |name| number(&stats, name)
    }

    /// Drains the proxy to its end, and ends it.
    pub(crate) async fn drain(self) -> Drained {
        self.proxy.drain().await
    }

    /// Connects to port 80 of some address: what answers is decided by port and Host.
    pub(crate) async fn dial_80(&self) -> TcpStream {
        self.dial(SocketAddr::from(([192, 0, 2, 1], 80))).await
    }

    /// A statistic by its whole name; 0 if it is not there.
    pub(crate) fn stat(&self, name: &str) -> u64 {
        number(&self.stats, name)
    }
}

fn number(stats: &Registry, name: &str) -> u64 {
    let samples = stats.samples();
    let sample = samples.iter().find(|sample| sample.name() == name);
    sample.map_or(0, mesh_telemetry::render::Sample::number)
}

/// Connects as an application whose connections are redirected.
#[derive(Clone)]
pub(crate) struct Dialler {
    kernel: Arc<PretendedKernel>,
    egress: SocketAddr,
}

impl Dialler {
    pub(crate) async fn dial(&self, destination: SocketAddr) -> io::Result<TcpStream> {
        let (socket, from, to) = if destination.is_ipv4() {
            (
                TcpSocket::new_v4()?,
                IpAddr::from(Ipv4Addr::LOCALHOST),
                self.egress,
            )
        } else {
            let egress = (Ipv6Addr::LOCALHOST, self.egress.port()).into();
            (
                TcpSocket::new_v6()?,
                IpAddr::from(Ipv6Addr::LOCALHOST),
                egress,
            )
        };
        socket.bind((from, 0).into())?;
        let from = socket.local_addr()?;
        self.kernel
            .destinations
            .lock()
            .unwrap()
            .insert(from, destination);
        let stream = socket.connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}
