//! One end of a connection, as who reads and writes its socket sees it.

use std::{
    cell::{Ref, RefCell},
    io::IoSlice,
    rc::Rc,
    task::{Context, Waker},
};

use bytes::BytesMut;

pub use crate::session::{Fault, send::RequestFields};
use crate::{
    head::RequestHead,
    session::{Role, Session, receive},
    stream::Stream,
};

/// What was taken from what came.
#[derive(Debug)]
pub enum Taken {
    /// A frame that concerns streams that are there, or none.
    Frame,
    /// Nothing: the next frame is not whole.
    More,
    /// A request, and the stream that it came on.
    Request(Box<RequestHead>, Stream),
}

/// One end of a connection. Clones are of the same end.
#[derive(Clone, Debug)]
pub struct Connection(Rc<RefCell<Session>>);

impl Connection {
    /// The end that is asked.
    #[must_use]
    pub fn server() -> Self {
        Self(Rc::new(RefCell::new(Session::new(Role::Server))))
    }

    /// The end that asks.
    #[must_use]
    pub fn client() -> Self {
        Self(Rc::new(RefCell::new(Session::new(Role::Client))))
    }

    /// Takes one frame from what came.
    ///
    /// # Errors
    /// The peer broke the protocol, and the connection is to [fail](Self::fail).
    pub fn take(&self, input: &mut BytesMut) -> Result<Taken, Fault> {
        let taken = self.0.borrow_mut().take(input)?;
        Ok(match taken {
            receive::Taken::Frame => Taken::Frame,
            receive::Taken::More => Taken::More,
            receive::Taken::Request(id, head) => Taken::Request(head, Stream::of(&self.0, id)),
        })
    }

    /// Ends all streams because of what the peer did. The socket is to be closed when what is to go
    /// is gone.
    pub fn fail(&self, fault: Fault) {
        self.0.borrow_mut().fail(fault);
    }

    /// Calls with what is to go; none while there is nothing.
    pub fn outgoing<T>(&self, write: impl FnOnce(&[IoSlice<'_>]) -> T) -> Option<T> {
        const PIECES: usize = 32;
        let session: Ref<'_, Session> = self.0.borrow();
        if session.out.is_empty() {
            return None;
        }
        let mut slices = [IoSlice::new(&[]); PIECES];
        let count = session.out.slices(&mut slices);
        Some(write(&slices[..count]))
    }

    /// So many bytes are gone.
    pub fn written(&self, bytes: usize) {
        self.0.borrow_mut().written(bytes);
    }

    /// The task that is to be woken when there is something to go, or nothing left to wait for.
    pub fn serve_by(&self, cx: &Context<'_>) {
        let task: &Waker = cx.waker();
        self.0.borrow_mut().serve_by(task);
    }

    /// The socket is at its end.
    pub fn close(&self) {
        self.0.borrow_mut().close();
    }

    /// Ends in order: no streams are opened any more, those that there are go on. A server tells its
    /// peer.
    pub fn leave(&self) {
        self.0.borrow_mut().leave();
    }

    /// Bytes that are still to go before the socket may be closed; none while there is more to do. One
    /// of the two left in order and the last stream ended, or all is over.
    #[must_use]
    pub fn left(&self) -> Option<usize> {
        self.0.borrow().left()
    }

    /// Whether the connection is gone or to be closed.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.borrow().is_over()
    }

    /// Whether no more streams can be opened, ever.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.0.borrow().is_leaving()
    }

    /// How many streams a client may have open; 0 where it may open no more.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.0.borrow().limit()
    }

    /// Sends the head of a request, with which a stream begins; none where the [limit](Self::limit) is
    /// 0.
    #[must_use]
    pub fn request(&self, request: &RequestFields<'_>, ends: bool) -> Option<Stream> {
        let mut session = self.0.borrow_mut();
        if session.limit() == 0 {
            return None;
        }
        let id = session.send_request(request, ends);
        drop(session);
        Some(Stream::of(&self.0, id))
    }
}
