//! A server of HTTP/1 and HTTP/2 that is as good as it is told, and drains as servers do: it stops
//! listening, ends what is under way, and tells its clients to come back elsewhere.

use std::{
    convert::Infallible, future::Future, io, net::SocketAddr, pin::Pin, rc::Rc, str::FromStr,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use http_body_util::BodyExt as _;
use hyper::{
    Request, Response,
    body::Incoming,
    header::CONTENT_LENGTH,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tests::faults::Protocol;
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinSet,
    time::sleep,
};

use super::{ANSWER, LATE, LocalExecutor, RECEIVED, SLOW, pieces::Pieces};

/// How long what is asked for takes that takes a while.
const A_WHILE: Duration = Duration::from_millis(20);

/// How good a server is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Manner {
    Good,
    /// It answers after a time.
    Slow(Duration),
    /// It begins to answer, and stops in the middle.
    Stalled,
    /// It resets its connections once it is asked.
    Resetting,
    /// It accepts, and does nothing else.
    HalfDead,
}

impl FromStr for Manner {
    type Err = anyhow::Error;

    fn from_str(word: &str) -> Result<Self> {
        Ok(match word.split_once('=').unwrap_or((word, "")) {
            ("good", "") => Self::Good,
            ("slow", time) => Self::Slow(Duration::from_millis(time.parse().context("slow=MS")?)),
            ("stalled", "") => Self::Stalled,
            ("resetting", "") => Self::Resetting,
            ("half-dead", "") => Self::HalfDead,
            _ => bail!("`{word}` is no manner of a server"),
        })
    }
}

struct Server {
    name: String,
    manner: Manner,
    drains: watch::Receiver<bool>,
}

/// Serves until SIGTERM, and then until the last connection has ended.
pub(super) async fn run(
    name: String,
    manner: Manner,
    places: &[(Protocol, SocketAddr)],
) -> Result<()> {
    let (drain, drains) = watch::channel(false);
    let server = Rc::new(Server {
        name,
        manner,
        drains,
    });
    let mut listening = JoinSet::new();
    for (protocol, address) in places {
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("cannot listen on {address}"))?;
        listening.spawn_local(Rc::clone(&server).accept(*protocol, listener));
    }
    let mut terminated = signal(SignalKind::terminate()).context("no signals")?;
    terminated.recv().await;
    drain.send_replace(true);
    while let Some(ended) = listening.join_next().await {
        ended.context("a listener panicked")??;
    }
    Ok(())
}

impl Server {
    /// Takes connections until the server drains, those too that were made by then, and ends with the
    /// last of them.
    async fn accept(self: Rc<Self>, protocol: Protocol, listener: TcpListener) -> Result<()> {
        let mut connections = JoinSet::new();
        let mut drains = self.drains.clone();
        loop {
            tokio::select! {
                biased;
                _ = drains.wait_for(|drains| *drains) => break,
                accepted = listener.accept() => {
                    let (stream, _) = accepted.context("cannot accept")?;
                    connections.spawn_local(Rc::clone(&self).serve(protocol, stream));
                }
                Some(_) = connections.join_next() => {}
            }
        }
        let listener = listener.into_std()?;
        loop {
            match listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(true)?;
                    let stream = TcpStream::from_std(stream)?;
                    connections.spawn_local(Rc::clone(&self).serve(protocol, stream));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error).context("cannot accept"),
            }
        }
        drop(listener);
        while connections.join_next().await.is_some() {}
        Ok(())
    }

    async fn serve(self: Rc<Self>, protocol: Protocol, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let mut drains = self.drains.clone();
        match self.manner {
            Manner::HalfDead => {
                let _ = drains.wait_for(|drains| *drains).await;
                return;
            }
            Manner::Resetting => {
                // Not before it is asked: until then it would be one that cannot be connected to.
                let _ = stream.peek(&mut [0]).await;
                let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
                return;
            }
            Manner::Good | Manner::Slow(_) | Manner::Stalled => {}
        }
        let service = service_fn(move |request| Rc::clone(&self).answer(request));
        let io = TokioIo::new(stream);
        // How a connection ends is its client's to tell.
        let _ = match protocol {
            Protocol::Http => {
                let mut connection = http1::Builder::new().serve_connection(io, service);
                let connection = Pin::new(&mut connection);
                drive(connection, drains, http1::Connection::graceful_shutdown).await
            }
            Protocol::Http2 => {
                let builder = http2::Builder::new(LocalExecutor);
                let connection = builder.serve_connection(io, service);
                let connection = std::pin::pin!(connection);
                drive(connection, drains, http2::Connection::graceful_shutdown).await
            }
        };
    }

    async fn answer(
        self: Rc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Pieces>, Infallible> {
        let path = request.uri().path().to_owned();
        let received = request.into_body().collect().await;
        let received = received.map_or(0, |body| body.to_bytes().len());
        match self.manner {
            Manner::Slow(time) => sleep(time).await,
            _ if path == LATE => sleep(A_WHILE).await,
            _ => {}
        }
        let body = match self.manner {
            Manner::Stalled => Pieces::stalled(),
            _ if path == SLOW => Pieces::two(A_WHILE),
            _ => Pieces::whole(),
        };
        let answer = Response::builder()
            .header(ANSWER, &self.name)
            .header(RECEIVED, received)
            .header(CONTENT_LENGTH, body.length());
        Ok(answer.body(body).expect("a name is a value of a field"))
    }
}

/// Runs a connection to its end, gracefully once the server drains.
async fn drive<C: Future>(
    mut connection: Pin<&mut C>,
    mut drains: watch::Receiver<bool>,
    end: impl Fn(Pin<&mut C>),
) -> C::Output {
    tokio::select! {
        ended = connection.as_mut() => return ended,
        _ = drains.wait_for(|drains| *drains) => {}
    }
    end(connection.as_mut());
    connection.await
}
