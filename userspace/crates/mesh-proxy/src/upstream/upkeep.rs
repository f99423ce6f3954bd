//! The work on connections that no request waits for: those to come are made, those of the past are
//! closed. It is done bit by bit, each after an answer, when as a rule there is nothing else to do. Done
//! at once, where all endpoints of a service are replaced, it would hold up every request of the worker.

use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    pin::pin,
    rc::Rc,
    time::Duration,
};

use rustix::thread::sched_yield;
use tokio::{
    sync::Notify,
    task::yield_now,
    time::{Instant, sleep},
};

use super::{host::Spent, pool::Pool};

/// Two steps are so far apart where answers come faster.
const APART: Duration = Duration::from_millis(1);

/// Nothing is put off for longer where no answers come.
const PATIENCE: Duration = Duration::from_millis(5);

/// Connections are closed in at most so many steps.
const CLOSING_STEPS: usize = 1000;

/// What is to be done for one pool.
#[derive(Default)]
pub(super) struct Upkeep {
    /// Hosts that get a connection ahead of requests.
    wanted: RefCell<Vec<SocketAddr>>,
    spent: RefCell<Vec<Spent>>,
    /// How many are closed in a step.
    closes: Cell<usize>,
    answered: Notify,
    /// Whether its task runs.
    is_at_work: Cell<bool>,
}

impl Upkeep {
    /// A host is to have a connection.
    pub(super) fn want(&self, address: SocketAddr) {
        self.wanted.borrow_mut().push(address);
    }

    /// Connections are to be closed.
    pub(super) fn spend(&self, spent: Vec<Spent>) {
        let mut all = self.spent.borrow_mut();
        all.extend(spent);
        self.closes.set(all.len().div_ceil(CLOSING_STEPS));
    }

    fn is_done(&self) -> bool {
        self.wanted.borrow().is_empty() && self.spent.borrow().is_empty()
    }

    fn close_some(&self) {
        let mut spent = self.spent.borrow_mut();
        let left = spent.len().saturating_sub(self.closes.get());
        let closed = spent.split_off(left);
        drop(spent);
        drop(closed);
    }
}

impl Pool {
    /// A request has its answer.
    pub(super) fn answered(self: &Rc<Self>) {
        self.keep_up();
        if self.upkeep.is_at_work.get() {
            self.upkeep.answered.notify_one();
        }
    }

    /// Sees to it that what is to be done gets done.
    pub(super) fn keep_up(self: &Rc<Self>) {
        let upkeep = &self.upkeep;
        if upkeep.is_done() || upkeep.is_at_work.replace(true) {
            return;
        }
        let pool = Rc::downgrade(self);
        tokio::task::spawn_local(async move {
            let mut patience = pin!(sleep(PATIENCE));
            let mut last = Instant::now();
            while let Some(pool) = pool.upgrade() {
                if pool.upkeep.is_done() {
                    pool.upkeep.is_at_work.set(false);
                    return;
                }
                tokio::select! {
                    () = pool.upkeep.answered.notified() => {
                        if last.elapsed() < APART {
                            continue;
                        }
                        // It is to be sent, and who waits for it on this processor to have it, before.
                        yield_now().await;
                        sched_yield();
                    }
                    () = &mut patience => {}
                }
                last = Instant::now();
                // To put it off is nothing, where to begin another one wakes the worker.
                patience.as_mut().reset(last + PATIENCE);
                for address in pool.upkeep.wanted.take() {
                    pool.connect_ahead(address);
                }
                pool.upkeep.close_some();
            }
        });
    }
}

#[cfg(test)]
mod tests;
