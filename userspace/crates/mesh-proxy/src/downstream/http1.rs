//! Serves one HTTP/1 connection of a client: request by request, in the order in which they come.

use std::{
    future::{Future, poll_fn},
    io,
    pin::pin,
    rc::Rc,
    task::Poll,
};

use bytes::Bytes;
use http::{Method, Request, Response};
use mesh_http1::{
    encode,
    request::{RequestError, RequestHead},
};
use tokio::net::TcpStream;

use super::{
    exchange::Exchange,
    http::{Answered, HttpConnection, answer},
    request::{DownstreamBody, Inbound, Next},
};
use crate::{
    access_log::Record,
    delayed_close::DelayedClose,
    http1::{
        date::with_date,
        sending::{Outbox, Sending, Unsent},
    },
    relay::response_body::{BrokenAnswer, ResponseBody},
    reply::{self, Failure, Form},
};

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A request that asks for another protocol carries this in its extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AsksUpgrade;

/// A request whose target had a fragment carries it in its extensions.
#[derive(Clone, Debug)]
pub(crate) struct Fragment(pub(crate) Bytes);

/// Why a connection ends.
enum End {
    /// The client knows it, or is gone.
    Clean,
    /// The client may still be sending.
    Early,
}

/// Serves a connection until it ends. `ahead` is what detection read.
///
/// # Errors
/// The client went away in the middle.
pub(crate) async fn serve(
    connection: &Rc<HttpConnection>,
    stream: TcpStream,
    ahead: Bytes,
) -> io::Result<()> {
    let inbound = Inbound::new(connection, stream, ahead);
    let mut outbox = Outbox::default();
    loop {
        let end = match inbound.next().await {
            Next::Request(head) => exchange(connection, &inbound, &mut outbox, *head).await?,
            Next::Refused(error) => Some(refuse(connection, &inbound, &mut outbox, error).await?),
            Next::Closed => return Ok(()),
        };
        match end {
            None => {}
            Some(End::Clean) => return inbound.wire().shut_down().await,
            Some(End::Early) => {
                inbound.close_gently().await;
                return Ok(());
            }
        }
    }
}

/// Answers one request; whether the connection ends with it.
async fn exchange(
    connection: &Rc<HttpConnection>,
    inbound: &Rc<Inbound>,
    outbox: &mut Outbox,
    head: RequestHead,
) -> io::Result<Option<End>> {
    let to_head = head.parts.method == Method::HEAD;
    let RequestHead {
        mut parts,
        fragment,
        body,
        keep_alive,
        asks_upgrade,
        expects_continue,
    } = head;
    if expects_continue {
        outbox.head().extend_from_slice(CONTINUE);
        poll_fn(|cx| outbox.poll_flush(inbound.wire(), cx)).await?;
    }
    if asks_upgrade {
        parts.extensions.insert(AsksUpgrade);
    }
    if let Some(fragment) = fragment {
        parts.extensions.insert(Fragment(fragment));
    }
    let body = DownstreamBody::Http1(inbound.begin_body(body));
    let answered = {
        let mut answering = pin!(answer(connection, Request::from_parts(parts, body)));
        poll_fn(|cx| {
            let answered = answering.as_mut().poll(cx);
            // Whoever is gone gets no answer, even if there is one.
            if inbound.poll_gone(cx).is_ready() {
                return Poll::Ready(None);
            }
            answered.map(Some)
        })
        .await
    };
    let Some(Answered { response, is_last }) = answered else {
        return Err(io::ErrorKind::ConnectionReset.into());
    };
    // What an answer overtakes is not waited for: the connection cannot be used any more.
    let is_early = !inbound.is_body_through();
    let is_upgraded = matches!(response.body(), ResponseBody::Upgraded(_));
    let close = !keep_alive || is_last || is_early || asks_upgrade || connection.is_closing();
    let written = write(inbound, outbox, response, to_head, close && !is_upgraded).await?;
    Ok(match written {
        Written::Whole if !close => None,
        // Whoever asked for the end sends nothing more.
        Written::Whole if !keep_alive && !is_early && !asks_upgrade => Some(End::Clean),
        Written::Whole | Written::Broken => Some(End::Early),
    })
}

enum Written {
    Whole,
    /// It broke off, which the client is to see.
    Broken,
}

async fn write(
    inbound: &Rc<Inbound>,
    outbox: &mut Outbox,
    response: Response<ResponseBody>,
    to_head: bool,
    close: bool,
) -> io::Result<Written> {
    let (parts, body) = response.into_parts();
    let mut out = std::mem::take(outbox);
    let outgoing = with_date(|date| {
        let answer = encode::Answer {
            to_head,
            has_body: !hyper::body::Body::is_end_stream(&body),
            close,
            date,
        };
        encode::response(out.head(), parts.status, &parts.headers, answer)
    });
    if let ResponseBody::Upgraded(tunnel) = body {
        poll_fn(|cx| out.poll_flush(inbound.wire(), cx)).await?;
        tunnel.run(inbound.wire(), inbound.take_inlet()).await;
        return Ok(Written::Broken);
    }
    let mut sending = Sending::new(out, outgoing, body);
    match sent(inbound, &mut sending, close).await {
        Ok(()) => {
            *outbox = sending.into_outbox();
            Ok(Written::Whole)
        }
        Err(Unsent::Connection(error)) => Err(error),
        Err(error @ (Unsent::Body(_) | Unsent::Length)) => {
            tracing::debug!(%error, "an answer broke off");
            Ok(Written::Broken)
        }
    }
}

/// Sends an answer for as long as the client takes it, and as it may take.
async fn sent(
    inbound: &Rc<Inbound>,
    sending: &mut Sending<ResponseBody>,
    close: bool,
) -> Result<(), Unsent<BrokenAnswer>> {
    let mut delayed_close = DelayedClose::default();
    poll_fn(|cx| {
        let before = sending.left();
        let sent = sending.poll(inbound.wire(), cx);
        if sent.is_ready() {
            return sent;
        }
        if inbound.poll_ended(cx).is_ready() {
            let gone = io::ErrorKind::ConnectionReset.into();
            return Poll::Ready(Err(Unsent::Connection(gone)));
        }
        if let Some(body) = sending.held()
            && let Poll::Ready(broken) = body.poll_expired(cx)
        {
            return Poll::Ready(Err(Unsent::Body(broken)));
        }
        let left = sending.left();
        if left != before {
            delayed_close.moved();
        }
        if close && left.is_some() && delayed_close.poll(cx).is_ready() {
            let late = io::ErrorKind::TimedOut.into();
            return Poll::Ready(Err(Unsent::Connection(late)));
        }
        Poll::Pending
    })
    .await
}

/// Answers what is no request.
async fn refuse(
    connection: &Rc<HttpConnection>,
    inbound: &Rc<Inbound>,
    outbox: &mut Outbox,
    error: RequestError,
) -> io::Result<End> {
    // By these words the User Guide has operators find what is no HTTP.
    tracing::debug!(target: "http", "dispatch error: http/1.1 protocol error: {error}");
    let failure = Failure::Malformed(error);
    let failed = failure.into();
    let mut exchange = Exchange::begin(connection);
    let generation = connection.worker.generation();
    let (worker, place) = (&connection.worker, connection.place);
    exchange.record(Record::of_malformed(worker, &generation.shared, place));
    drop(generation);
    exchange.fails(failure.reason(), None);
    let response = reply::answer(failed, Form::default());
    exchange.note(|record| record.failed(failed, &response));
    exchange.finish();
    connection.stats.downstream_cx_protocol_error.increment();
    connection.answered(response.status());
    write(inbound, outbox, response, false, true).await?;
    Ok(End::Early)
}
