//! Upstream servers: HTTP of either version with a handler, or bare TCP.

use std::{
    convert::Infallible,
    future::Future,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

pub(crate) type Reply = Response<BoxBody<Bytes, Infallible>>;

/// A server; it ends when this is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    counts: Arc<Counts>,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct Counts {
    connections: AtomicUsize,
    requests: AtomicUsize,
}

impl Server {
    /// Serves bare TCP.
    pub(crate) async fn tcp<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        Self::tcp_on(listener, serve)
    }

    pub(crate) fn tcp_on<F>(
        listener: TcpListener,
        serve: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::start(listener, Arc::default(), serve)
    }

    /// Says so much to each connection, and ends it.
    pub(crate) async fn saying(words: &'static str) -> Self {
        Self::tcp(move |mut stream| async move {
            let _ = stream.write_all(words.as_bytes()).await;
        })
        .await
    }

    fn start<F>(
        listener: TcpListener,
        counts: Arc<Counts>,
        serve: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        let counted = Arc::clone(&counts);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                counted.connections.fetch_add(1, Ordering::SeqCst);
                stream.set_nodelay(true).unwrap();
                connections.spawn(serve(stream));
            }
        });
        Self {
            address,
            counts,
            _tasks: tasks,
        }
    }

    /// Serves HTTP of one version.
    pub(crate) async fn http<F>(
        version: Version,
        handle: impl Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        Self::http_on(listener, version, handle)
    }

    pub(crate) fn http_on<F>(
        listener: TcpListener,
        version: Version,
        handle: impl Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        let counts = Arc::new(Counts::default());
        let counted = Arc::clone(&counts);
        Self::start(listener, counts, move |stream| {
            let (handle, counted) = (handle.clone(), Arc::clone(&counted));
            let service = service_fn(move |request| {
                counted.requests.fetch_add(1, Ordering::SeqCst);
                let answering = handle(request);
                async move { Ok::<_, Infallible>(answering.await) }
            });
            async move {
                let io = TokioIo::new(stream);
                // A client that goes away in the middle is part of some tests.
                if version == Version::HTTP_2 {
                    let builder = http2::Builder::new(TokioExecutor::new());
                    let _ = builder.serve_connection(io, service).await;
                } else {
                    let _ = http1::Builder::new().serve_connection(io, service).await;
                }
            }
        })
    }

    /// Takes requests of HTTP, and never answers one.
    pub(crate) async fn silent(version: Version) -> Self {
        Self::http(version, |_| std::future::pending()).await
    }

    pub(crate) fn connections(&self) -> usize {
        self.counts.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn requests(&self) -> usize {
        self.counts.requests.load(Ordering::SeqCst)
    }
}

/// A reply in one piece.
pub(crate) fn text(text: impl Into<Bytes>) -> Reply {
    Response::new(Full::new(text.into()).boxed())
}

/// Gives opaque bytes back as they come, until the client is through or goes away.
pub(crate) async fn echo_bytes(mut stream: TcpStream) {
    let (mut reader, mut writer) = stream.split();
    let _ = tokio::io::copy(&mut reader, &mut writer).await;
}

/// Replies with the request's body and, in `x-…` fields, what the server saw of the request.
pub(crate) async fn echo(request: Request<Incoming>) -> Reply {
    let (parts, body) = request.into_parts();
    let collected = body.collect().await.expect("the whole request");
    let trailers = collected.trailers().cloned();
    let mut reply = text(collected.to_bytes());
    let fields = reply.headers_mut();
    let authority = parts
        .uri
        .authority()
        .map(|authority| authority.as_str().to_owned());
    let host = parts
        .headers
        .get("host")
        .map(|host| host.to_str().unwrap().to_owned());
    fields.insert(
        "x-host",
        authority.or(host).unwrap_or_default().parse().unwrap(),
    );
    fields.insert("x-version", format!("{:?}", parts.version).parse().unwrap());
    let path = parts.uri.path_and_query().unwrap().as_str();
    fields.insert("x-target", path.parse().unwrap());
    for (name, value) in &parts.headers {
        fields.append(
            http::HeaderName::from_bytes(format!("saw-{name}").as_bytes()).unwrap(),
            value.clone(),
        );
    }
    for (name, value) in trailers.iter().flatten() {
        fields.append(
            http::HeaderName::from_bytes(format!("trailed-{name}").as_bytes()).unwrap(),
            value.clone(),
        );
    }
    reply
}
