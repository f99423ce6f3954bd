//! The connections of one worker to one host, and the requests that wait for one. HTTP/1 connections are
//! here while they are idle, HTTP/2 connections while they take streams.
//!
//! A request that finds no connection free joins the queue, and the first that is free is for whoever waits
//! longest: the one that was begun for it or another. No connection is dropped while the state is borrowed,
//! as its end is told to the queue.

use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    rc::{Rc, Weak},
    task::{Context, Waker},
    time::{Duration, Instant},
};

use mesh_pool::{Connect, Permit, Queue, Ticket};

use super::{
    connect::{ConnectError, Open, Upstream, connect},
    era::{Era, Eras},
    http1::{Connection, Http1Lease},
    http2::{Http2Connection, Http2Lease},
    lease::{Lease, Leased},
    pool::Terms,
    wait::{NotConnected, Slot, Wait},
};
use crate::fault::{self, Whose};

/// An idle connection is closed after this long (Envoy's default `idle_timeout` of a cluster).
const IDLE_LIMIT: Duration = Duration::from_hours(1);

/// How many requests at a time a connection that is being made will take. Of HTTP/2 nobody knows before it
/// is there, and one is made after the other.
const HTTP1_ROOM: usize = 1;
const HTTP2_ROOM: usize = u32::MAX as usize;

/// One host as one worker knows it.
pub(crate) struct Host {
    terms: Rc<Terms>,
    /// Where the next connection goes.
    address: Cell<SocketAddr>,
    pub(super) eras: Eras,
    /// Those who wait may need another connection.
    looks_again: Cell<bool>,
    state: RefCell<State>,
}

struct State {
    idle: Vec<Idle>,
    http2: Vec<Rc<Http2Connection>>,
    queue: Queue<Rc<Slot>>,
}

/// A connection that nobody is to have any more. It ends with this, or with its last stream.
pub(super) enum Spent {
    Http1 { _connection: Connection },
    Http2 { _connection: Rc<Http2Connection> },
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

/// The place of a connection among those of its cluster and its host, until it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    /// None where connections are not pooled.
    host: Weak<Host>,
    permit: Option<Permit>,
}

impl Seat {
    /// One of a connection that is nobody's but its client's.
    pub(crate) fn unpooled(permit: Permit) -> Self {
        Self {
            host: Weak::new(),
            permit: Some(permit),
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.permit = None;
        if let Some(host) = self.host.upgrade() {
            host.state.borrow_mut().queue.closed();
            host.look_again();
        }
    }
}

impl Host {
    pub(super) fn new(terms: &Rc<Terms>, address: SocketAddr) -> Rc<Self> {
        Rc::new(Self {
            terms: Rc::clone(terms),
            address: Cell::new(address),
            eras: Eras::default(),
            looks_again: Cell::new(false),
            state: RefCell::new(State {
                idle: Vec::new(),
                http2: Vec::new(),
                queue: Queue::new(terms.limits.clone()),
            }),
        })
    }

    /// Takes a free connection to one of these addresses, or a stream of one; the first address comes
    /// first.
    pub(super) fn take_free(self: &Rc<Self>, addresses: &[SocketAddr]) -> Option<Lease> {
        let mut addresses = addresses.iter();
        addresses.find_map(|address| self.take(|other| other == *address))
    }

    /// Waits for a connection, and has one made to this address if none is on its way; none where as many
    /// requests wait as may.
    pub(super) fn wait(self: &Rc<Self>, address: SocketAddr) -> Option<Wait> {
        let slot = Rc::<Slot>::default();
        let ticket = self.state.borrow_mut().queue.join(Rc::clone(&slot));
        let Some(ticket) = ticket else {
            self.terms.stats.upstream_rq_pending_overflow.increment();
            return None;
        };
        self.address.set(address);
        if self.connect_if_needed() == Room::Taken {
            // A request that would rather have a new connection has what there is.
            self.serve(true);
        }
        Some(Wait::new(Rc::clone(self), ticket, slot))
    }

    /// Waits no longer.
    pub(super) fn leave(&self, ticket: Ticket) {
        self.state.borrow_mut().queue.leave(ticket);
    }

    fn take(self: &Rc<Self>, is_wanted: impl Fn(SocketAddr) -> bool) -> Option<Lease> {
        if self.terms.is_http2 {
            let connection = self.with_room(is_wanted)?;
            Some(Lease::Http2(Http2Lease::new(connection, self)))
        } else {
            let connection = self.take_idle(is_wanted)?;
            Some(Lease::Http1(Http1Lease::new(connection, self)))
        }
    }

    /// The idle connection that was used last: it is the least likely to be closed by its peer.
    fn take_idle(&self, is_wanted: impl Fn(SocketAddr) -> bool) -> Option<Connection> {
        let mut spoilt = Vec::new();
        let mut cx = Context::from_waker(Waker::noop());
        let era = self.eras.now();
        let mut state = self.state.borrow_mut();
        let is_wanted =
            |Idle { connection, .. }: &Idle| connection.era == era && is_wanted(connection.address);
        while let Some(at) = state.idle.iter().rposition(is_wanted) {
            let idle = state.idle.remove(at);
            if !idle.is_spoilt(&mut cx) {
                return Some(idle.connection);
            }
            spoilt.push(idle);
        }
        None
    }

    /// An HTTP/2 connection that takes one more stream, the latest first: endpoints end connections after
    /// some number of streams, and refuse what comes then.
    fn with_room(&self, is_wanted: impl Fn(SocketAddr) -> bool) -> Option<Rc<Http2Connection>> {
        let era = self.eras.now();
        let mut state = self.state.borrow_mut();
        state.http2.retain(|connection| !connection.is_closed());
        let mut latest_first = state.http2.iter().rev();
        let is_wanted = |one: &&Rc<Http2Connection>| one.era == era && is_wanted(one.address);
        let free = latest_first.find(|one| is_wanted(one) && one.has_room());
        free.map(Rc::clone)
    }

    /// An HTTP/1 connection is free: for whoever waits longest, else for the next request, unless it is at
    /// its end.
    pub(super) fn offer(self: &Rc<Self>, connection: Connection, is_reused: bool) {
        if connection.era != self.eras.now() {
            return;
        }
        let idle = Idle {
            connection,
            since: Instant::now(),
        };
        let is_spoilt = {
            let watcher = self.terms.watcher.borrow();
            let waker = watcher.as_ref().unwrap_or(Waker::noop());
            idle.is_spoilt(&mut Context::from_waker(waker))
        };
        if is_spoilt {
            return;
        }
        let mut state = self.state.borrow_mut();
        let Some(first) = state.queue.pop() else {
            state.idle.push(idle);
            return;
        };
        drop(state);
        let lease = Lease::Http1(Http1Lease::new(idle.connection, self));
        first.tell(Ok(Leased { lease, is_reused }));
        self.look_again();
    }

    /// An HTTP/2 stream has ended: whoever waits longest may have another one.
    pub(super) fn stream_ended(self: &Rc<Self>) {
        if !self.state.borrow().queue.is_empty() {
            self.serve(true);
            self.look_again();
        }
    }

    /// Gives what is free to those who wait.
    fn serve(self: &Rc<Self>, is_reused: bool) {
        while !self.state.borrow().queue.is_empty() {
            let Some(lease) = self.take(|_| true) else {
                return;
            };
            let first = self.state.borrow_mut().queue.pop();
            if let Some(first) = first {
                first.tell(Ok(Leased { lease, is_reused }));
            }
        }
    }

    /// Begins a connection before a request needs it, if there is none.
    pub(super) fn connect_ahead(self: &Rc<Self>) {
        let permit = self.state.borrow_mut().queue.connect_ahead(self.room());
        if let Some(permit) = permit {
            self.begin(permit);
        }
    }

    /// Begins the connections that those who wait need.
    fn connect_if_needed(self: &Rc<Self>) -> Room {
        loop {
            let decided = self.state.borrow_mut().queue.connect(self.room());
            match decided {
                Connect::Begin(permit) => self.begin(permit),
                Connect::BeginAbove(permit) => {
                    self.terms.stats.upstream_cx_overflow.increment();
                    self.begin(permit);
                    return Room::Left;
                }
                Connect::Needless => return Room::Left,
                Connect::Refused => {
                    self.terms.stats.upstream_cx_overflow.increment();
                    return Room::Taken;
                }
            }
        }
    }

    fn room(&self) -> usize {
        if self.terms.is_http2 {
            HTTP2_ROOM
        } else {
            HTTP1_ROOM
        }
    }

    /// Connects in a task of its own: the request that it was begun for may go away or be served by another
    /// connection.
    fn begin(self: &Rc<Self>, permit: Permit) {
        let seat = Seat {
            host: Rc::downgrade(self),
            permit: Some(permit),
        };
        let (host, address) = (Rc::clone(self), self.address.get());
        tokio::task::spawn_local(async move {
            let connecting = connect(address, host.terms.connect_timeout, &host.terms.stats);
            let made = fault::contain(Whose::Endpoint(address), connecting).await;
            let made = made.unwrap_or(Err(ConnectError::Fault));
            host.state.borrow_mut().queue.arrived(host.room());
            match made {
                Ok((socket, open)) => host.connected(address, socket, open.taking(seat)),
                Err(error) => {
                    let all = host.state.borrow_mut().queue.take_all();
                    for (waiting, pending) in all {
                        let error = error.clone();
                        waiting.tell(Err(NotConnected { error, pending }));
                    }
                }
            }
        });
    }

    fn connected(self: &Rc<Self>, address: SocketAddr, socket: Upstream, open: Open) {
        let stats = &self.terms.stats;
        if self.terms.is_http2 {
            stats.upstream_cx_http2_total.increment();
            let connection = Http2Connection::start(address, self.eras.now(), socket, open);
            self.state.borrow_mut().http2.push(connection);
            self.serve(false);
            self.connect_if_needed();
        } else {
            stats.upstream_cx_http1_total.increment();
            self.offer(
                Connection::new(address, self.eras.now(), socket, open),
                false,
            );
        }
    }

    /// Has those who wait looked after in the pool's own task. What has a connection end may be the end of
    /// the worker, in which nothing is begun.
    fn look_again(&self) {
        if self.state.borrow().queue.is_empty() {
            return;
        }
        self.looks_again.set(true);
        if let Some(watcher) = &*self.terms.watcher.borrow() {
            watcher.wake_by_ref();
        }
    }

    /// The turn of the pool's own task: closes idle connections that are at their end, and begins others
    /// for those who wait.
    pub(super) fn watch(self: &Rc<Self>, cx: &mut Context<'_>) {
        let mut state = self.state.borrow_mut();
        let spoilt = state.idle.extract_if(.., |idle| idle.is_spoilt(cx));
        let spoilt: Vec<Idle> = spoilt.collect();
        drop(state);
        drop(spoilt);
        if self.looks_again.take() {
            self.connect_if_needed();
        }
    }

    /// Takes an HTTP/2 connection out, so that it gets no further streams.
    pub(super) fn retire_http2(&self, connection: &Rc<Http2Connection>) {
        let http2 = &mut self.state.borrow_mut().http2;
        http2.retain(|other| !Rc::ptr_eq(other, connection));
    }

    /// Takes out connections to addresses that are not to be kept or from before the host became unfit, closed
    /// ones and those that idled too long.
    pub(super) fn tidy(&self, keep: impl Fn(SocketAddr) -> bool, spent: &mut Vec<Spent>) {
        let is_stale = |idle: Duration| {
            let is_stale = idle > IDLE_LIMIT;
            if is_stale {
                self.terms.stats.upstream_cx_idle_timeout.increment();
            }
            is_stale
        };
        let era = self.eras.now();
        let keep = |address, made: Era| made == era && keep(address);
        let mut state = self.state.borrow_mut();
        let idle = state.idle.extract_if(.., |Idle { connection, since }| {
            !keep(connection.address, connection.era) || is_stale(since.elapsed())
        });
        spent.extend(idle.map(|idle| Spent::Http1 {
            _connection: idle.connection,
        }));
        let http2 = state.http2.extract_if(.., |connection| {
            !keep(connection.address, connection.era)
                || connection.is_closed()
                || connection.idle_for().is_some_and(is_stale)
        });
        spent.extend(http2.map(|connection| Spent::Http2 {
            _connection: connection,
        }));
    }

    /// Whether there are connections, or requests that wait for one.
    pub(super) fn is_used(&self) -> bool {
        let state = self.state.borrow();
        state.queue.connections() > 0 || !state.queue.is_empty()
    }
}

/// Whether a cluster may have more connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    Left,
    Taken,
}
