//! Where requests go, by which protocol, and the connections that are open there.

use std::{cell::RefCell, net::SocketAddr};

use anyhow::{Context as _, Result};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Response,
    body::{Bytes, Incoming},
    client::conn::{http1, http2},
    header::HOST,
};
use hyper_util::rt::TokioIo;
use tests::faults::{Outcome, Protocol};
use tokio::{net::TcpStream, sync::Mutex};

use super::super::{ANSWER, LocalExecutor, RECEIVED};

/// What a POST sends.
const BODY: &[u8] = &[b'y'; 1000];

type Body = Full<Bytes>;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) path: &'static str,
    pub(super) is_post: bool,
}

impl Request {
    fn sends(self) -> &'static [u8] {
        if self.is_post { BODY } else { b"" }
    }

    fn body(self) -> Body {
        Body::from(self.sends())
    }
}

/// A service, and the connections to it.
pub(super) struct Target {
    /// As the report calls it.
    pub(super) label: String,
    address: SocketAddr,
    host: String,
    protocol: Protocol,
    /// Connections of HTTP/1 without a request.
    idle: RefCell<Vec<http1::SendRequest<Body>>>,
    /// The connection of HTTP/2 that takes requests.
    shared: Mutex<Option<http2::SendRequest<Body>>>,
}

/// An answer, and what of an HTTP/1 connection is there again behind it.
type Answered = (Response<Incoming>, Option<http1::SendRequest<Body>>);

impl Target {
    /// `http|http2=ADDRESS:PORT/HOST`
    pub(super) fn parse(word: &str) -> Result<Self> {
        let (protocol, place) = word.split_once('=').context("PROTOCOL=ADDRESS:PORT/HOST")?;
        let (address, host) = place.split_once('/').context("ADDRESS:PORT/HOST")?;
        Ok(Self {
            label: host.to_owned(),
            address: address.parse().context("ADDRESS:PORT")?,
            host: host.to_owned(),
            protocol: protocol.parse()?,
            idle: RefCell::default(),
            shared: Mutex::default(),
        })
    }

    /// Sends a request and reads its answer to the end.
    pub(super) async fn send(&self, request: Request) -> Outcome {
        let sent = request.sends().len();
        let answered = match self.protocol {
            Protocol::Http => self.by_http1(request).await,
            Protocol::Http2 => self.by_http2(request).await,
        };
        let (answer, connection) = match answered {
            Ok(answered) => answered,
            Err(error) => return Outcome::None(format!("{error:#}")),
        };
        let status = answer.status().as_u16();
        let field = |name| {
            let value = answer.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let (server, received) = (field(ANSWER), field(RECEIVED));
        let Ok(body) = answer.into_body().collect().await else {
            return Outcome::Torn(status);
        };
        if let Some(mut connection) = connection
            && connection.ready().await.is_ok()
        {
            self.idle.borrow_mut().push(connection);
        }
        match server {
            Some(name) if received == Some(sent.to_string()) => Outcome::Answered(status, name),
            Some(name) => Outcome::None(format!("{name} has read {received:?} of {sent} bytes")),
            None => {
                let text = body.to_bytes();
                Outcome::Answered(status, String::from_utf8_lossy(&text).into_owned())
            }
        }
    }

    async fn by_http1(&self, request: Request) -> Result<Answered> {
        let head = self.head(request).header(HOST, &self.host);
        let request = head.body(request.body())?;
        let mut sender = if let Some(idle) = self.take_idle() {
            idle
        } else {
            let stream = self.connect().await?;
            let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
            // How it ends is seen by its requests.
            tokio::task::spawn_local(async move { drop(connection.await) });
            sender
        };
        let answer = sender.send_request(request).await?;
        Ok((answer, Some(sender)))
    }

    fn take_idle(&self) -> Option<http1::SendRequest<Body>> {
        let mut idle = self.idle.borrow_mut();
        std::iter::from_fn(|| idle.pop()).find(http1::SendRequest::is_ready)
    }

    async fn by_http2(&self, request: Request) -> Result<Answered> {
        let request = self.head(request).body(request.body())?;
        let mut sender = {
            let mut shared = self.shared.lock().await;
            if let Some(open) = shared.as_ref().filter(|open| !open.is_closed()) {
                open.clone()
            } else {
                let io = TokioIo::new(self.connect().await?);
                let (sender, connection) = http2::handshake(LocalExecutor, io).await?;
                tokio::task::spawn_local(async move { drop(connection.await) });
                shared.insert(sender).clone()
            }
        };
        sender.ready().await?;
        let answer = sender.send_request(request).await?;
        Ok((answer, None))
    }

    async fn connect(&self) -> Result<TcpStream> {
        let stream = TcpStream::connect(self.address).await;
        let stream = stream.context("cannot connect")?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn head(&self, request: Request) -> hyper::http::request::Builder {
        let method = if request.is_post {
            Method::POST
        } else {
            Method::GET
        };
        let uri = match self.protocol {
            Protocol::Http => request.path.to_owned(),
            Protocol::Http2 => format!("http://{}{}", self.host, request.path),
        };
        hyper::Request::builder().method(method).uri(uri)
    }
}
