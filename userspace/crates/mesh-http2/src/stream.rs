//! One request and its answer, as who relays them sees it.

use std::{
    cell::RefCell,
    rc::Rc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

pub use crate::session::slot::Broken;
use crate::{
    frame::Reason,
    head::AnswerHead,
    session::{Session, slot::Slot},
};

/// A handle of a stream. The last one that is dropped before the stream's end resets it: without an
/// error where only the client's half is open, which nobody reads any more, else with
/// [`Reason::INTERNAL_ERROR`].
#[derive(Debug)]
pub struct Stream {
    session: Rc<RefCell<Session>>,
    id: u32,
}

impl Clone for Stream {
    fn clone(&self) -> Self {
        Self::of(&self.session, self.id)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut session = self.session.borrow_mut();
        if let Some(slot) = session.streams.get_mut(&self.id) {
            slot.handles -= 1;
            if slot.handles == 0 {
                session.forget(self.id);
            }
        }
    }
}

impl Stream {
    pub(crate) fn of(session: &Rc<RefCell<Session>>, id: u32) -> Self {
        if let Some(slot) = session.borrow_mut().streams.get_mut(&id) {
            slot.handles += 1;
        }
        Self {
            session: Rc::clone(session),
            id,
        }
    }

    /// The head of the answer.
    ///
    /// # Errors
    /// The stream is over without one.
    pub fn poll_answer(&self, cx: &Context<'_>) -> Poll<Result<AnswerHead, Broken>> {
        self.with(|slot| {
            if let Some(answer) = slot.answer.take() {
                return Poll::Ready(Ok(answer));
            }
            if let Some(broken) = slot.broken {
                return Poll::Ready(Err(broken));
            }
            slot.reader.set(cx);
            Poll::Pending
        })
        .unwrap_or(Poll::Ready(Err(Broken::Closed)))
    }

    /// The next piece of the body; none at its end. The peer may send more for what was taken.
    ///
    /// # Errors
    /// The stream is over before its end.
    pub fn poll_data(&self, cx: &Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        let mut session = self.session.borrow_mut();
        let session = &mut *session;
        let Some(slot) = session.streams.get_mut(&self.id) else {
            return Poll::Ready(Some(Err(Broken::Closed)));
        };
        if let Some(data) = slot.queue.pop() {
            let more = slot.recv.give(data.len());
            let more = more.filter(|_| !slot.recv_end && slot.broken.is_none());
            session.give_back(data.len());
            if let Some(more) = more {
                session.send_window_update(self.id, more);
            }
            return Poll::Ready(Some(Ok(data)));
        }
        if slot.recv_end {
            return Poll::Ready(None);
        }
        if let Some(broken) = slot.broken {
            return Poll::Ready(Some(Err(broken)));
        }
        slot.reader.set(cx);
        Poll::Pending
    }

    /// What stands behind the body, once that is at its end.
    #[must_use]
    pub fn take_trailers(&self) -> Option<HeaderMap> {
        self.with(|slot| slot.trailers.take()).flatten()
    }

    /// Whether an interim answer came before the answer, if that did.
    #[must_use]
    pub fn has_interim(&self) -> bool {
        self.with(|slot| slot.has_interim).unwrap_or(false)
    }

    /// Whether nothing more comes.
    #[must_use]
    pub fn is_end(&self) -> bool {
        self.with(|slot| slot.recv_end && slot.queue.len() == 0 && slot.trailers.is_none())
            .unwrap_or(true)
    }

    /// Whether the peer has sent all, be it taken or not.
    #[must_use]
    pub fn has_come(&self) -> bool {
        self.with(|slot| slot.recv_end).unwrap_or(true)
    }

    /// Bytes of the body that have come, be they taken or not.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.with(|slot| slot.received).unwrap_or(0)
    }

    /// Resolves when the stream is over before its end.
    pub fn poll_broken(&self, cx: &Context<'_>) -> Poll<Broken> {
        self.with(|slot| {
            if let Some(broken) = slot.broken {
                return Poll::Ready(broken);
            }
            slot.watcher.set(cx);
            Poll::Pending
        })
        .unwrap_or(Poll::Ready(Broken::Closed))
    }

    /// Resolves when the socket has taken so much that a head or trailers may follow. Nobody has to wait
    /// for that; but what is put behind the rest is kept until it is gone.
    pub fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        let mut session = self.session.borrow_mut();
        if session.room_for(self.id) {
            return Poll::Ready(());
        }
        match session.streams.get_mut(&self.id) {
            Some(slot) => {
                slot.writer.set(cx);
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }

    /// Sends the head of the answer, or of an interim one.
    pub fn answer(&self, status: StatusCode, headers: &HeaderMap, ends: bool) {
        self.unless_over(|session, id| session.send_answer(id, status, headers, ends));
    }

    /// Sends as much of some data as the windows and the socket let through; done when it is all of
    /// it, and the end with it.
    ///
    /// # Errors
    /// The stream is over.
    pub fn poll_send(
        &self,
        cx: &Context<'_>,
        data: &mut Bytes,
        ends: bool,
    ) -> Poll<Result<(), Broken>> {
        let mut session = self.session.borrow_mut();
        let broken = session
            .streams
            .get(&self.id)
            .map_or(Some(Broken::Closed), |slot| slot.broken);
        if let Some(broken) = broken {
            return Poll::Ready(Err(broken));
        }
        if session.send_data(self.id, data, ends) {
            return Poll::Ready(Ok(()));
        }
        if let Some(slot) = session.streams.get_mut(&self.id) {
            slot.writer.set(cx);
        }
        Poll::Pending
    }

    /// Ends this half with trailers.
    pub fn send_trailers(&self, trailers: &HeaderMap) {
        self.unless_over(|session, id| session.send_trailers(id, trailers));
    }

    /// Ends both halves.
    pub fn reset(&self, reason: Reason) {
        self.unless_over(|session, id| {
            if let Some(slot) = session.streams.get_mut(&id) {
                if slot.recv_end && slot.send_end {
                    return;
                }
                slot.break_off(Broken::ResetHere);
            }
            session.send_reset(id, reason);
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut Slot) -> T) -> Option<T> {
        self.session.borrow_mut().streams.get_mut(&self.id).map(act)
    }

    fn unless_over(&self, act: impl FnOnce(&mut Session, u32)) {
        let mut session = self.session.borrow_mut();
        let slot = session.streams.get(&self.id);
        if slot.is_some_and(|slot| slot.broken.is_none()) {
            act(&mut session, self.id);
        }
    }
}
