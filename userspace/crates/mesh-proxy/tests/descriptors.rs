//! A process without descriptors. Alone in its file: the limit is that of the whole process.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroUsize,
    os::fd::{AsRawFd, BorrowedFd},
    sync::Arc,
    time::{Duration, Instant},
};

use mesh_model::{origin::Origin, snapshot::Snapshot};
use mesh_proxy::{Listeners, OriginSource, Proxy, ProxySettings, Unwell};
use mesh_telemetry::Registry;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{io::AsyncReadExt, net::TcpSocket};

const WITHIN: Duration = Duration::from_millis(400);
const DEADLINE: Duration = Duration::from_mins(1);

struct NoOrigins;

impl OriginSource for NoOrigins {
    fn origin(&self, _: BorrowedFd<'_>) -> io::Result<Option<Origin>> {
        Ok(None)
    }
}

async fn pulse_until(proxy: &Proxy, wanted: impl Fn(&Result<(), Unwell>) -> bool) {
    let begun = Instant::now();
    loop {
        let pulse = proxy.pulse(WITHIN);
        if wanted(&pulse) {
            return;
        }
        assert!(begun.elapsed() < DEADLINE, "still {pulse:?}");
        tokio::time::sleep(WITHIN / 8).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_proxy_without_descriptors_is_unwell_until_it_has_some() {
    let mut settings = ProxySettings::new("test");
    settings.workers = NonZeroUsize::MIN;
    settings.egress_port = 0;
    settings.ingress_port = 0;
    let listeners = Listeners::bind(&settings).unwrap();
    let egress = SocketAddr::from((Ipv4Addr::LOCALHOST, listeners.egress_port()));
    let registry = Arc::new(Registry::new("test", 1));
    let resource = "mesh/apps/virtualNode/serviceA".parse().unwrap();
    let snapshot = Arc::new(Snapshot::empty(resource));
    let origins = Arc::new(NoOrigins);
    let proxy = Proxy::start(listeners, &settings, snapshot, origins, registry).unwrap();
    tokio::time::timeout(DEADLINE, proxy.ready()).await.unwrap();
    pulse_until(&proxy, Result::is_ok).await;

    // Made now: a socket that exists needs no descriptor to connect.
    let socket = TcpSocket::new_v4().unwrap();
    let limit = getrlimit(Resource::Nofile);
    let first_free = rustix::io::dup(&socket).unwrap();
    let none_left = u64::try_from(first_free.as_raw_fd()).unwrap();
    drop(first_free);
    let lowered = Rlimit {
        current: Some(none_left),
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, lowered).unwrap();
    let mut stream = socket.connect(egress).await.unwrap();
    pulse_until(&proxy, |pulse| matches!(pulse, Err(Unwell::Starved { .. }))).await;
    setrlimit(Resource::Nofile, limit).unwrap();
    pulse_until(&proxy, Result::is_ok).await;
    // It was accepted, and refused for coming from nowhere.
    let read = tokio::time::timeout(DEADLINE, stream.read(&mut [0; 1])).await;
    let error = read.unwrap().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}
