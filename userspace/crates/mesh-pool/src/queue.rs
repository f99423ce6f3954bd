//! The requests of one worker that wait for a connection to one host, and how many connections there are:
//! the rules of Envoy's connection pools (`ConnPoolImplBase`).

use std::collections::VecDeque;

use crate::{Limits, Permit};

/// The requests that wait, the longest waiting first. Whoever has it tells it what becomes of the
/// connections.
#[derive(Debug)]
pub struct Queue<W> {
    limits: Limits,
    waiting: VecDeque<Waiting<W>>,
    next: Ticket,
    /// Connections, those that are being made too.
    connections: usize,
    /// Requests that the connections which are being made will take.
    coming: usize,
}

/// Tells a request that waits from all others of its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

#[derive(Debug)]
struct Waiting<W> {
    ticket: Ticket,
    waiter: W,
    permit: Permit,
}

/// Whether another connection is to be made.
#[derive(Debug)]
pub enum Connect {
    /// It is. It counts until the permit is dropped.
    Begin(Permit),
    /// It is though the cluster has as many as it may: the host has none, and nobody would ever serve
    /// those who wait for it.
    BeginAbove(Permit),
    /// It is not: there are as many as there may be.
    Refused,
    /// It is not: enough are on their way.
    Needless,
}

impl<W> Queue<W> {
    /// A host without a connection.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            waiting: VecDeque::new(),
            next: Ticket(0),
            connections: 0,
            coming: 0,
        }
    }

    /// A request begins to wait, where no connection is free for it; none where as many wait as may.
    pub fn join(&mut self, waiter: W) -> Option<Ticket> {
        let permit = self.limits.pending.take()?;
        let ticket = self.next;
        self.next = Ticket(ticket.0 + 1);
        self.waiting.push_back(Waiting {
            ticket,
            waiter,
            permit,
        });
        Some(ticket)
    }

    /// A request waits no longer; none if it did not wait any more.
    pub fn leave(&mut self, ticket: Ticket) -> Option<W> {
        let at = self.waiting.binary_search_by_key(&ticket, |one| one.ticket);
        Some(self.waiting.remove(at.ok()?)?.waiter)
    }

    /// Whose turn it is to get a connection that is free.
    pub fn pop(&mut self) -> Option<W> {
        Some(self.waiting.pop_front()?.waiter)
    }

    /// All who wait, in their order.
    #[cfg(test)]
    pub(crate) fn waiters(&self) -> impl Iterator<Item = &W> {
        self.waiting.iter().map(|one| &one.waiter)
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether another connection is to be made, one that takes `room` requests at a time. Where it is, it
    /// counts as begun.
    pub fn connect(&mut self, room: usize) -> Connect {
        if self.waiting.len() <= self.coming {
            return Connect::Needless;
        }
        let within = self.limits.connections.take();
        if within.is_none() && self.connections > 0 {
            return Connect::Refused;
        }
        self.connections += 1;
        self.coming += room;
        match within {
            Some(permit) => Connect::Begin(permit),
            None => Connect::BeginAbove(self.limits.connections.exceed()),
        }
    }

    /// Whether a connection is to be made before a request asks for one, one that takes `room` requests
    /// at a time: the first to the host, and only where connections are not limited, as it must not take
    /// the place of one that a request needs. Where it is, it counts as begun.
    pub fn connect_ahead(&mut self, room: usize) -> Option<Permit> {
        if self.connections > 0 || self.limits.connections.is_set() {
            return None;
        }
        let permit = self.limits.connections.take()?;
        self.connections += 1;
        self.coming += room;
        Some(permit)
    }

    /// A connection that takes `room` requests has been made, or could not be made.
    pub fn arrived(&mut self, room: usize) {
        self.coming -= room;
    }

    /// Takes out all who wait: where one connection cannot be made, the requests for it are told. Each
    /// counts as one that waits until its permit is dropped.
    pub fn take_all(&mut self) -> Vec<(W, Permit)> {
        let all = self.waiting.drain(..);
        all.map(|one| (one.waiter, one.permit)).collect()
    }

    /// A connection is gone, one that could not be made too.
    pub fn closed(&mut self) {
        self.connections -= 1;
    }

    /// How many connections there are, those that are being made too.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections
    }
}

#[cfg(test)]
mod tests;
