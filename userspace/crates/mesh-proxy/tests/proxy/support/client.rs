//! Clients: HTTP of both versions over a given connection.

use bytes::Bytes;
use http::{HeaderMap, Request, Response, Version};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpStream, task::JoinHandle};

use super::within;

pub(crate) type Body = BoxBody<Bytes, hyper::Error>;

/// One connection of a client.
pub(crate) enum Client {
    Http1(http1::SendRequest<Body>),
    Http2(http2::SendRequest<Body>),
}

impl Client {
    pub(crate) async fn open(stream: TcpStream, version: Version) -> Self {
        Self::open_watched(stream, version).await.0
    }

    /// Also gives the task that ends when the connection does.
    pub(crate) async fn open_watched(
        stream: TcpStream,
        version: Version,
    ) -> (Self, JoinHandle<hyper::Result<()>>) {
        let io = TokioIo::new(stream);
        if version == Version::HTTP_2 {
            let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
            (Self::Http2(sender), tokio::spawn(connection))
        } else {
            let (sender, connection) = http1::handshake(io).await.unwrap();
            (Self::Http1(sender), tokio::spawn(connection))
        }
    }

    /// Sends a request whose target is `http://HOST/PATH` in the form of the version.
    pub(crate) async fn send(
        &mut self,
        request: Request<Body>,
    ) -> hyper::Result<Response<Incoming>> {
        let sending = async {
            match self {
                Self::Http1(sender) => {
                    sender.ready().await?;
                    sender.send_request(origin_form(request)).await
                }
                Self::Http2(sender) => {
                    sender.ready().await?;
                    sender.send_request(request).await
                }
            }
        };
        within("an answer", sending).await
    }

    pub(crate) async fn get(&mut self, url: &str) -> hyper::Result<Answer> {
        Answer::read(self.send(get(url)).await?).await
    }

    /// A further handle of an HTTP/2 connection.
    pub(crate) fn another(&self) -> Self {
        match self {
            Self::Http1(_) => panic!("HTTP/1 carries one request at a time"),
            Self::Http2(sender) => Self::Http2(sender.clone()),
        }
    }
}

fn origin_form(mut request: Request<Body>) -> Request<Body> {
    let uri = request.uri().clone();
    let authority = uri.authority().expect("a URL").as_str();
    request
        .headers_mut()
        .insert("host", authority.parse().unwrap());
    let path = uri.path_and_query().expect("a path").as_str();
    *request.uri_mut() = path.parse().unwrap();
    request
}

pub(crate) fn get(url: &str) -> Request<Body> {
    Request::get(url).body(whole("")).unwrap()
}

pub(crate) fn post(url: &str, body: impl Into<Bytes>) -> Request<Body> {
    Request::post(url).body(whole(body)).unwrap()
}

pub(crate) fn whole(body: impl Into<Bytes>) -> Body {
    Full::new(body.into())
        .map_err(|never| match never {})
        .boxed()
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: HeaderMap,
}

impl Answer {
    pub(crate) async fn read(response: Response<Incoming>) -> hyper::Result<Self> {
        let (parts, body) = response.into_parts();
        let collected = within("the end of the answer", body.collect()).await?;
        let trailers = collected.trailers().cloned().unwrap_or_default();
        Ok(Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: collected.to_bytes(),
            trailers,
        })
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}
