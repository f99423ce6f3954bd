//! The open HTTP connections of one worker to one cluster, by address. HTTP/1 connections are here
//! while they are idle, HTTP/2 connections while they take streams.

use std::{
    cell::RefCell,
    collections::HashMap,
    future::poll_fn,
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use mesh_telemetry::scope::ClusterStats;
use tokio::sync::watch;

use super::{connect::ConnectError, http1::Connection, http2::Http2Connection};

/// An idle connection is closed after this long (Envoy's default `idle_timeout` of a cluster).
const IDLE_LIMIT: Duration = Duration::from_hours(1);

/// The open connections of one worker to one cluster.
pub(crate) struct Pool {
    pub(crate) stats: Arc<ClusterStats>,
    hosts: RefCell<HashMap<SocketAddr, Host>>,
    /// The task that sees idle connections close; none before its first turn.
    watcher: RefCell<Option<Waker>>,
}

/// The open connections to one address.
#[derive(Default)]
struct Host {
    idle: Vec<Idle>,
    http2: Vec<Rc<Http2Connection>>,
    /// The HTTP/2 connection that is being made, for all who want one.
    connecting: Option<Connecting>,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

impl Idle {
    fn is_spoilt(&self, cx: &mut Context<'_>) -> bool {
        self.connection.poll_spoilt(cx).is_ready()
    }
}

/// Hears how an HTTP/2 connect went; none until it went some way.
pub(crate) type Connecting = watch::Receiver<Option<Result<(), ConnectError>>>;
/// Tells them.
type Teller = watch::Sender<Option<Result<(), ConnectError>>>;

impl Pool {
    /// Makes a pool, and starts the task that sees its idle connections close.
    pub(crate) fn start(stats: Arc<ClusterStats>) -> Rc<Self> {
        let pool = Rc::new(Self {
            stats,
            hosts: RefCell::default(),
            watcher: RefCell::default(),
        });
        let watched = Rc::downgrade(&pool);
        tokio::task::spawn_local(poll_fn(move |cx| {
            let Some(pool) = watched.upgrade() else {
                return Poll::Ready(());
            };
            pool.watcher.replace(Some(cx.waker().clone()));
            for host in pool.hosts.borrow_mut().values_mut() {
                host.idle.retain(|idle| !idle.is_spoilt(cx));
            }
            Poll::Pending
        }));
        pool
    }

    /// Takes an idle HTTP/1 connection to one of these addresses, the latest used first: it is the
    /// least likely to be closed by its peer.
    pub(crate) fn take_idle(&self, addresses: &[SocketAddr]) -> Option<Connection> {
        let mut hosts = self.hosts.borrow_mut();
        let mut cx = Context::from_waker(Waker::noop());
        addresses.iter().find_map(|address| {
            let host = hosts.get_mut(address)?;
            while let Some(idle) = host.idle.pop() {
                if !idle.is_spoilt(&mut cx) {
                    return Some(idle.connection);
                }
            }
            None
        })
    }

    /// Keeps an HTTP/1 connection for the next request, unless it is at its end.
    pub(crate) fn put_idle(&self, connection: Connection) {
        let address = connection.address;
        let idle = Idle {
            connection,
            since: Instant::now(),
        };
        let watcher = self.watcher.borrow();
        let waker = watcher.as_ref().unwrap_or(Waker::noop());
        if !idle.is_spoilt(&mut Context::from_waker(waker)) {
            let mut hosts = self.hosts.borrow_mut();
            hosts.entry(address).or_default().idle.push(idle);
        }
    }

    /// An HTTP/2 connection to one of these addresses that takes one more stream, the latest first:
    /// endpoints end connections after some number of streams, and refuse what comes then.
    pub(crate) fn open_http2(&self, addresses: &[SocketAddr]) -> Option<Rc<Http2Connection>> {
        let mut hosts = self.hosts.borrow_mut();
        addresses.iter().find_map(|address| {
            let host = hosts.get_mut(address)?;
            host.http2.retain(|connection| !connection.is_closed());
            let with_room = host.http2.iter().rev().find(|one| one.has_room());
            with_room.map(Rc::clone)
        })
    }

    /// The connect under way to an address, or the sender with which the caller shall begin one.
    pub(crate) fn join_connect(&self, address: SocketAddr) -> (Connecting, Option<Teller>) {
        let mut hosts = self.hosts.borrow_mut();
        let host = hosts.entry(address).or_default();
        if let Some(connecting) = &host.connecting {
            return (connecting.clone(), None);
        }
        let (sender, receiver) = watch::channel(None);
        host.connecting = Some(receiver.clone());
        (receiver, Some(sender))
    }

    /// Ends a connect that [`Self::join_connect`] began, with a connection where it went well.
    pub(crate) fn connect_done(&self, address: SocketAddr, made: Option<Rc<Http2Connection>>) {
        let mut hosts = self.hosts.borrow_mut();
        let host = hosts.entry(address).or_default();
        host.connecting = None;
        host.http2.extend(made);
    }

    /// Takes an HTTP/2 connection out, so that it gets no further streams.
    pub(crate) fn retire_http2(&self, connection: &Rc<Http2Connection>) {
        for host in self.hosts.borrow_mut().values_mut() {
            host.http2.retain(|other| !Rc::ptr_eq(other, connection));
        }
    }

    /// Lets go of connections to addresses that are not to be kept, of closed ones and of those
    /// that idled too long. An HTTP/2 connection that is let go ends with its last stream.
    pub(crate) fn tidy(&self, keep: impl Fn(SocketAddr) -> bool) {
        self.hosts.borrow_mut().retain(|address, host| {
            if !keep(*address) {
                host.idle.clear();
                host.http2.clear();
            }
            host.idle.retain(|idle| {
                let stale = idle.since.elapsed() > IDLE_LIMIT;
                if stale {
                    self.stats.upstream_cx_idle_timeout.increment();
                }
                !stale
            });
            host.http2.retain(|connection| {
                let stale = connection.idle_for().is_some_and(|idle| idle > IDLE_LIMIT);
                if stale {
                    self.stats.upstream_cx_idle_timeout.increment();
                }
                !stale && !connection.is_closed()
            });
            !host.idle.is_empty() || !host.http2.is_empty() || host.connecting.is_some()
        });
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // It ends when there is nothing to watch.
        if let Some(watcher) = self.watcher.take() {
            watcher.wake();
        }
    }
}
