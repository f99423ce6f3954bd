//! HTTP/1 connections to endpoints: one request at a time, back into the pool after the answer.

use std::{
    cell::Cell,
    future::poll_fn,
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use http::{request, response};
use hyper::body::Body;
use mesh_http1::{
    body::{BodyDecoder, BodyError},
    encode,
    response::{Asked, ResponseDecoder, ResponseHead},
};
use mesh_telemetry::scope::ClusterStats;
use thiserror::Error;
use tokio::task::JoinHandle;

use super::{
    connect::{Open, Upstream},
    era::Era,
    host::Host,
    lost::{Interim, Loss},
};
use crate::{
    fault::{self, Whose},
    http1::{
        sending::{Outbox, Sending, Unsent},
        wire::{Inlet, Wire},
    },
    relay::request_body::RequestBody,
    reply::Failure,
};

/// An open connection to an endpoint.
pub(crate) struct Connection {
    pub(crate) address: SocketAddr,
    pub(super) era: Era,
    wire: Wire<Arc<ClusterStats>>,
    inlet: Inlet,
    _open: Open,
}

impl Connection {
    pub(super) fn new(address: SocketAddr, era: Era, socket: Upstream, open: Open) -> Self {
        Self {
            address,
            era,
            wire: Wire::new(socket),
            inlet: Inlet::new(BytesMut::new()),
            _open: open,
        }
    }

    /// Whether an idle connection is at its end. If not, the task is woken when it is.
    pub(crate) fn poll_spoilt(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.wire.poll_spoilt(cx)
    }

    pub(crate) fn wire(&self) -> &Wire<Arc<ClusterStats>> {
        &self.wire
    }

    /// What was read and not taken yet.
    pub(crate) fn take_inlet(&mut self) -> Inlet {
        std::mem::replace(&mut self.inlet, Inlet::new(BytesMut::new()))
    }
}

/// A connection that carries one request: back into the pool when the answer is through, closed if
/// it is dropped before.
pub(crate) struct Http1Lease {
    pub(crate) connection: Connection,
    host: Rc<Host>,
}

/// How a connection lost a request.
#[derive(Debug)]
pub(crate) struct Lost {
    pub(crate) loss: Loss,
    /// Nothing of it was written.
    pub(crate) is_unsent: bool,
}

impl Http1Lease {
    pub(super) fn new(connection: Connection, host: &Rc<Host>) -> Self {
        Self {
            connection,
            host: Rc::clone(host),
        }
    }

    /// Nothing is sent: others may have it.
    pub(super) fn give_back(self) {
        self.host.offer(self.connection, true);
    }

    /// Sends a request and returns the beginning of its answer, which may come before the request is
    /// through.
    pub(crate) async fn send(
        mut self,
        parts: &request::Parts,
        body: RequestBody,
        asked: Asked,
        interim: &Interim,
    ) -> Result<(response::Parts, Http1Answer), Lost> {
        let path = parts.uri.path_and_query();
        let path = path.map_or("/", |path| path.as_str());
        let mut outbox = Outbox::default();
        let (method, has_body) = (&parts.method, !body.is_end_stream());
        let outgoing = encode::request(outbox.head(), method, path, &parts.headers, has_body);
        let mut request = Outbound {
            sending: Sending::new(outbox, outgoing, body),
            state: SendState::UnderWay,
        };
        let mut decoder = ResponseDecoder::default();
        let head = poll_fn(|cx| {
            request.poll(&self.connection.wire, cx)?;
            let head = poll_head(&mut self.connection, &mut decoder, asked, cx);
            interim.came(decoder.has_interim());
            head.map_err(|loss| request.lost(loss))
        })
        .await?;
        let ResponseHead {
            parts,
            body,
            keep_alive,
        } = head;
        // An endpoint that was asked for another protocol may take what follows for one.
        let keep_alive = keep_alive && !asked.upgrade;
        let rest = match request.state {
            SendState::Through => Rest::None,
            SendState::Broken => Rest::Lost,
            SendState::UnderWay => Rest::start(&self.connection, request.sending),
        };
        let answer = Http1Answer {
            connection: self.connection,
            host: self.host,
            body: BodyDecoder::new(body),
            keep_alive,
            rest,
        };
        Ok((parts, answer))
    }
}

/// A request on its way out, until its answer begins.
struct Outbound {
    sending: Sending<RequestBody>,
    state: SendState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum SendState {
    UnderWay,
    Through,
    /// The endpoint takes no more; it may have answered all the same.
    Broken,
}

impl Outbound {
    fn poll(&mut self, wire: &Wire<Arc<ClusterStats>>, cx: &mut Context<'_>) -> Result<(), Lost> {
        if self.state != SendState::UnderWay {
            return Ok(());
        }
        self.state = match self.sending.poll(wire, cx) {
            Poll::Pending => SendState::UnderWay,
            Poll::Ready(Ok(())) => SendState::Through,
            Poll::Ready(Err(Unsent::Connection(_))) => SendState::Broken,
            // The client broke its request off, or it is sent again elsewhere.
            Poll::Ready(Err(Unsent::Body(_) | Unsent::Length)) => {
                return Err(self.lost(Loss::Final(Failure::ProtocolError)));
            }
        };
        Ok(())
    }

    fn lost(&self, loss: Loss) -> Lost {
        Lost {
            loss,
            is_unsent: !self.sending.has_written(),
        }
    }
}

fn poll_head(
    connection: &mut Connection,
    decoder: &mut ResponseDecoder,
    asked: Asked,
    cx: &mut Context<'_>,
) -> Poll<Result<ResponseHead, Loss>> {
    let Connection { wire, inlet, .. } = connection;
    loop {
        match decoder.decode(&mut inlet.buffer, asked) {
            Ok(Some(head)) => return Poll::Ready(Ok(head)),
            Ok(None) => {}
            Err(error) => {
                tracing::debug!(%error, "an endpoint answered with what is no answer");
                return Poll::Ready(Err(Loss::Final(Failure::ProtocolError)));
            }
        }
        if !matches!(ready!(wire.poll_read(cx, inlet)), Ok(1..)) {
            // Half an answer is another thing than none.
            return Poll::Ready(Err(if !inlet.buffer.is_empty() {
                Loss::Final(Failure::ProtocolError)
            } else if decoder.has_interim() {
                Loss::Final(Failure::AnswerAbandoned)
            } else {
                Loss::Closed
            }));
        }
    }
}

/// What is left of a request when its answer begins.
enum Rest {
    None,
    /// It goes on in a task of its own, which ends with this: an answer that is through makes an end
    /// of its request.
    UnderWay {
        task: JoinHandle<()>,
        is_through: Rc<Cell<bool>>,
    },
    Lost,
}

impl Rest {
    fn start(connection: &Connection, mut sending: Sending<RequestBody>) -> Self {
        let is_through = Rc::new(Cell::new(false));
        let (wire, through) = (connection.wire.clone(), Rc::clone(&is_through));
        let whose = Whose::Endpoint(connection.address);
        let task = tokio::task::spawn_local(async move {
            let sending = poll_fn(|cx| sending.poll(&wire, cx));
            let sent = fault::contain(whose, sending).await;
            through.set(matches!(sent, Ok(Ok(()))));
        });
        Self::UnderWay { task, is_through }
    }

    fn is_through(&self) -> bool {
        match self {
            Self::None => true,
            Self::UnderWay { is_through, .. } => is_through.get(),
            Self::Lost => false,
        }
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        if let Self::UnderWay { task, .. } = self {
            task.abort();
        }
    }
}

/// Why an answer broke off.
#[derive(Debug, Error)]
#[error("the endpoint's answer ended before its end")]
pub(crate) struct Cut(#[source] BodyError);

/// The body of an answer, with the connection that it comes over.
pub(crate) struct Http1Answer {
    connection: Connection,
    host: Rc<Host>,
    body: BodyDecoder,
    keep_alive: bool,
    rest: Rest,
}

impl Http1Answer {
    /// The answer is through: the connection may serve again if all that belongs to it was written
    /// and read, and nothing else.
    pub(crate) fn release(self) {
        let is_clean = self.keep_alive
            && self.body.is_end()
            && self.rest.is_through()
            && self.connection.inlet.buffer.is_empty();
        if is_clean {
            self.host.offer(self.connection, true);
        }
    }

    /// The connection, which speaks another protocol from here on.
    pub(crate) fn into_connection(self) -> Connection {
        self.connection
    }

    pub(crate) fn is_end(&self) -> bool {
        self.body.is_end()
    }

    pub(crate) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Cut>>> {
        let Connection { wire, inlet, .. } = &mut self.connection;
        loop {
            match self.body.decode(&mut inlet.buffer) {
                Ok(Some(data)) => return Poll::Ready(Some(Ok(data))),
                Ok(None) if self.body.is_end() => return Poll::Ready(None),
                Ok(None) => {}
                Err(error) => return Poll::Ready(Some(Err(Cut(error)))),
            }
            match ready!(wire.poll_read(cx, inlet)) {
                Ok(1..) => {}
                Ok(_) => {
                    let ended = self.body.close();
                    return Poll::Ready(ended.err().map(|error| Err(Cut(error))));
                }
                // A body that ends with the connection is whole only if that ends in order (RFC 9112,
                // section 8).
                Err(_) => return Poll::Ready(Some(Err(Cut(BodyError::Incomplete)))),
            }
        }
    }
}
