//! A body in pieces with a wait between them, or one that never goes on.

use std::{
    convert::Infallible,
    future::Future as _,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::body::{Body, Bytes, Frame};
use tokio::time::{Sleep, sleep};

/// What each piece is.
const PIECE: &[u8] = &[b'x'; 32];

/// The body of an answer.
pub(super) struct Pieces {
    left: usize,
    wait: Wait,
}

/// What comes before the last piece.
enum Wait {
    Nothing,
    Time(Pin<Box<Sleep>>),
    Forever,
}

impl Pieces {
    /// All at once.
    pub(super) fn whole() -> Self {
        Self {
            left: 1,
            wait: Wait::Nothing,
        }
    }

    /// One piece, a wait, and another.
    pub(super) fn two(wait: Duration) -> Self {
        Self {
            left: 2,
            wait: Wait::Time(Box::pin(sleep(wait))),
        }
    }

    /// One piece, and another that never comes.
    pub(super) fn stalled() -> Self {
        Self {
            left: 2,
            wait: Wait::Forever,
        }
    }

    /// The length of all of it, in bytes.
    pub(super) fn length(&self) -> usize {
        self.left * PIECE.len()
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        if self.left == 1 {
            match &mut self.wait {
                Wait::Nothing => {}
                Wait::Time(time) => ready!(time.as_mut().poll(cx)),
                Wait::Forever => return Poll::Pending,
            }
        }
        self.left -= 1;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(PIECE)))))
    }
}
