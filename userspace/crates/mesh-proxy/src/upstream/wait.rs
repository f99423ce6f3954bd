//! A request that waits for a connection, and what it is told.

use std::{
    cell::{Cell, RefCell},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use mesh_pool::{Permit, Ticket};

use super::{connect::ConnectError, host::Host, lease::Leased};

/// What came for a request that waits.
type Came = Result<Leased, NotConnected>;

/// No connection could be made.
pub(super) struct NotConnected {
    pub(super) error: ConnectError,
    /// The request counts as one that waits until this is dropped.
    pub(super) pending: Permit,
}

/// Where a request that waits is told what came for it.
#[derive(Default)]
pub(super) struct Slot {
    came: Cell<Option<Came>>,
    waker: RefCell<Option<Waker>>,
}

impl Slot {
    pub(super) fn tell(&self, came: Came) {
        self.came.set(Some(came));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// A request that waits. It leaves the queue when it is dropped, and what had come for it is for others.
pub(super) struct Wait {
    host: Rc<Host>,
    ticket: Ticket,
    slot: Rc<Slot>,
}

impl Wait {
    pub(super) fn new(host: Rc<Host>, ticket: Ticket, slot: Rc<Slot>) -> Self {
        Self { host, ticket, slot }
    }
}

impl Future for Wait {
    type Output = Came;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Came> {
        if let Some(came) = self.slot.came.take() {
            return Poll::Ready(came);
        }
        self.slot.waker.replace(Some(cx.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.host.leave(self.ticket);
        if let Some(Ok(Leased { lease, .. })) = self.slot.came.take() {
            lease.give_back();
        }
    }
}
