//! Sends one health check to one endpoint, as Envoy's health checkers do, and says what came of it.

mod grpc;
mod http;

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use ::http::{StatusCode, Uri, uri::Authority};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame};
use mesh_health::active::Outcome;
use mesh_model::snapshot::{HealthCheck, Protocol};
use thiserror::Error;
use tokio::net::TcpStream;

use self::http::Client;
use super::checks::IMMEDIATE_FAILURE;

/// What the probes of HTTP and gRPC call themselves.
const USER_AGENT: &str = "Envoy/HC";
/// The one method of gRPC's health checking protocol that a probe calls.
const GRPC_CHECK: &str = "/grpc.health.v1.Health/Check";

/// Why a probe failed.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error("status {}", .0.as_u16())]
    Status(StatusCode),
    /// The same, with the wish to be left alone.
    #[error("status {} with {IMMEDIATE_FAILURE}", .0.as_u16())]
    Withdrawn(StatusCode),
    /// What a service of gRPC answered instead of `SERVING`.
    #[error("{0}")]
    NotServing(String),
    #[error("no connection")]
    Connect(#[source] io::Error),
    #[error("no whole answer")]
    Broken(#[source] hyper::Error),
    #[error("no answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// The documents name a path that no request can have.
    #[error("no request can be made of its path")]
    Path(#[source] ::http::Error),
}

impl Failure {
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Status(_) | Self::NotServing(_) => Outcome::Denied,
            Self::Connect(_) | Self::Broken(_) | Self::Path(_) => Outcome::Unreachable,
            Self::Withdrawn(_) => Outcome::Withdrawn,
            Self::TimedOut(_) => Outcome::TimedOut,
        }
    }
}

/// Probes one endpoint again and again, over one connection for as long as that lasts.
#[derive(Debug)]
pub(crate) struct Prober {
    check: HealthCheck,
    /// The name of the cluster, which the probes have for their host.
    name: String,
    client: Option<Client>,
}

impl Prober {
    pub(crate) fn new(cluster: &str, check: &HealthCheck) -> Self {
        Self {
            check: check.clone(),
            name: cluster.to_owned(),
            client: None,
        }
    }

    /// Sends a probe.
    pub(crate) async fn probe(&mut self, to: SocketAddr) -> Result<(), Failure> {
        let limit = self.check.timeout;
        let outcome = tokio::time::timeout(limit, self.ask(to)).await;
        if outcome.is_err() {
            self.client = None;
        }
        outcome.unwrap_or(Err(Failure::TimedOut(limit)))
    }

    async fn ask(&mut self, to: SocketAddr) -> Result<(), Failure> {
        match self.check.protocol {
            Protocol::Tcp => connect(to).await.map(drop),
            Protocol::Http | Protocol::Http2 => {
                let path = self.check.path.as_deref().unwrap_or("/");
                let uri = self.uri(to, path).map_err(Failure::Path)?;
                self.client(to).await?.get(uri).await
            }
            Protocol::Grpc => {
                let uri = self.uri(to, GRPC_CHECK).map_err(Failure::Path)?;
                let limit = self.check.timeout;
                grpc::check(self.client(to).await?, uri, limit).await
            }
        }
    }

    /// Where a probe goes; an endpoint of a cluster whose name no request can bear is asked for by its
    /// address.
    fn uri(&self, to: SocketAddr, path: &str) -> Result<Uri, ::http::Error> {
        let host = Authority::try_from(self.name.as_str());
        let host = host.or_else(|_| Authority::try_from(to.to_string()))?;
        Uri::builder()
            .scheme("http")
            .authority(host)
            .path_and_query(path)
            .build()
    }

    /// The open connection, or a new one.
    async fn client(&mut self, to: SocketAddr) -> Result<&mut Client, Failure> {
        let is_usable = match &mut self.client {
            Some(client) => client.serves(to).await,
            None => false,
        };
        let client = match self.client.take() {
            Some(client) if is_usable => client,
            _ => Client::connect(to, self.check.protocol.is_http2()).await?,
        };
        Ok(self.client.insert(client))
    }
}

async fn connect(to: SocketAddr) -> Result<TcpStream, Failure> {
    let stream = TcpStream::connect(to).await.map_err(Failure::Connect)?;
    stream.set_nodelay(true).map_err(Failure::Connect)?;
    Ok(stream)
}

/// The body of a probe. It does not say how long it is: Envoy's does not.
#[derive(Debug, Default)]
struct Question(Full<Bytes>);

impl Body for Question {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }
}

#[cfg(test)]
mod tests;
