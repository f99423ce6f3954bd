//! The time of one request: the route's request timeout, which runs from the end of the request to
//! the end of the answer, and its idle timeout, which any movement begins anew (Envoy's route
//! `timeout` and `idle_timeout`).

use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

/// Which time ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expired {
    /// Nothing moved for the idle timeout.
    Idle,
    /// The answer was not through within the request timeout.
    Request,
}

/// What the request's body tells and the waiting for the answer reads.
#[derive(Debug)]
pub(crate) struct Clock {
    request: Cell<Option<Duration>>,
    idle: Option<Duration>,
    request_ended: Cell<Option<Instant>>,
    request_bytes: Cell<u64>,
    moved: Cell<Instant>,
    waiting: RefCell<Option<Waker>>,
}

impl Clock {
    pub(crate) fn start(request: Option<Duration>, idle: Option<Duration>) -> Rc<Self> {
        Rc::new(Self {
            request: Cell::new(request),
            idle,
            request_ended: Cell::new(None),
            request_bytes: Cell::new(0),
            moved: Cell::new(Instant::now()),
            waiting: RefCell::new(None),
        })
    }

    /// Something was relayed, either way.
    pub(crate) fn moved(&self) {
        if self.idle.is_some() {
            self.moved.set(Instant::now());
        }
    }

    /// So much of the request's body was read.
    pub(crate) fn request_read(&self, bytes: usize) {
        self.request_bytes
            .set(self.request_bytes.get() + bytes as u64);
    }

    /// Bytes of the request's body so far.
    pub(crate) fn request_bytes(&self) -> u64 {
        self.request_bytes.get()
    }

    /// The request is through; the request timeout runs from here.
    pub(crate) fn request_ended(&self) {
        if self.request_ended.get().is_none() {
            self.request_ended.set(Some(Instant::now()));
            if let Some(waiting) = self.waiting.take() {
                waiting.wake();
            }
        }
    }

    /// The answer is through; nothing but the idle timeout is left.
    pub(crate) fn answered(&self) {
        self.request.set(None);
    }

    /// Whether the request is through.
    pub(crate) fn has_request_ended(&self) -> bool {
        self.request_ended.get().is_some()
    }

    /// How long ago the request was through; no time while it is not.
    pub(crate) fn since_request(&self) -> Duration {
        let ended = self.request_ended.get();
        ended.map_or(Duration::ZERO, |ended| ended.elapsed())
    }

    /// Runs an attempt until it is done, or its time is over: that runs from now, and not before the end
    /// of the request, and no longer once the attempt `has_begun_to_answer`. Who waits for the [`Expiry`]
    /// of this clock in the same task is woken then.
    pub(crate) async fn within_try<F: Future>(
        &self,
        limit: Option<Duration>,
        has_begun_to_answer: impl Fn() -> bool,
        attempt: F,
    ) -> Option<F::Output> {
        let Some(limit) = limit else {
            return Some(attempt.await);
        };
        let mut attempt = pin!(attempt);
        let begun = Instant::now();
        let mut sleep: Option<Pin<Box<Sleep>>> = None;
        poll_fn(|cx| {
            if let Poll::Ready(output) = attempt.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            let ended = self.request_ended.get();
            let Some(moment) = ended.and_then(|ended| ended.max(begun).checked_add(limit)) else {
                return Poll::Pending;
            };
            if has_begun_to_answer() {
                return Poll::Pending;
            }
            let sleep = sleep.get_or_insert_with(|| Box::pin(sleep_until(moment)));
            sleep.as_mut().poll(cx).map(|()| None)
        })
        .await
    }

    /// The next moment at which a time may have run out, and which.
    fn next(&self) -> Option<(Instant, Expired)> {
        let request = self
            .request_ended
            .get()
            .zip(self.request.get())
            .and_then(|(ended, limit)| after(ended, limit, Expired::Request));
        let idle = self
            .idle
            .and_then(|limit| after(self.moved.get(), limit, Expired::Idle));
        match (request, idle) {
            (Some(request), Some(idle)) => Some(if request.0 <= idle.0 { request } else { idle }),
            (request, idle) => request.or(idle),
        }
    }
}

/// When a time runs out; never, if that is further off than the clock reaches: documents may say
/// any number of seconds.
fn after(begun: Instant, limit: Duration, which: Expired) -> Option<(Instant, Expired)> {
    Some((begun.checked_add(limit)?, which))
}

/// Waits for a [`Clock`] to run out.
pub(crate) struct Expiry {
    clock: Rc<Clock>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Expiry {
    pub(crate) fn of(clock: &Rc<Clock>) -> Self {
        Self {
            clock: Rc::clone(clock),
            sleep: None,
        }
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<Expired> {
        if self.clock.request_ended.get().is_none() {
            *self.clock.waiting.borrow_mut() = Some(cx.waker().clone());
        }
        loop {
            let Some((moment, which)) = self.clock.next() else {
                return Poll::Pending;
            };
            let sleep = self
                .sleep
                .get_or_insert_with(|| Box::pin(sleep_until(moment)));
            // The timer is moved only when it must ring earlier; one that rings too early because
            // something moved meanwhile is set again then, which is rarer than movement.
            if moment < sleep.deadline() {
                sleep.as_mut().reset(moment);
            }
            match sleep.as_mut().poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) if moment <= Instant::now() => return Poll::Ready(which),
                Poll::Ready(()) => sleep.as_mut().reset(moment),
            }
        }
    }

    /// Runs a future until it is done or the time is over.
    pub(crate) async fn within<F: Future>(&mut self, future: F) -> Result<F::Output, Expired> {
        let mut future = pin!(future);
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending => self.poll_expired(cx).map(Err),
        })
        .await
    }
}

#[cfg(test)]
mod tests;
