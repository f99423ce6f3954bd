//! The connection of a prober of HTTP, and the probe by HTTP itself.

use std::net::SocketAddr;

use http::{HeaderValue, Request, Response, StatusCode, Uri, header, uri::Authority};
use http_body_util::BodyExt as _;
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::task::AbortHandle;

use super::{Failure, IMMEDIATE_FAILURE, Question, USER_AGENT, connect};

/// An open connection to one endpoint; it closes when this is dropped.
#[derive(Debug)]
pub(super) struct Client {
    address: SocketAddr,
    sender: Sender,
    task: AbortHandle,
}

#[derive(Debug)]
enum Sender {
    Http1(http1::SendRequest<Question>),
    Http2(http2::SendRequest<Question>),
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Client {
    pub(super) async fn connect(to: SocketAddr, is_http2: bool) -> Result<Self, Failure> {
        let io = TokioIo::new(connect(to).await?);
        // How a connection ends, its requests hear.
        let (sender, task) = if is_http2 {
            let handshake = http2::handshake(TokioExecutor::new(), io).await;
            let (sender, connection) = handshake.map_err(Failure::Broken)?;
            let task = tokio::spawn(async move { drop(connection.await) });
            (Sender::Http2(sender), task)
        } else {
            let (sender, connection) = http1::handshake(io).await.map_err(Failure::Broken)?;
            let task = tokio::spawn(async move { drop(connection.await) });
            (Sender::Http1(sender), task)
        };
        Ok(Self {
            address: to,
            sender,
            task: task.abort_handle(),
        })
    }

    /// Whether another request to that address may take this connection.
    pub(super) async fn serves(&mut self, address: SocketAddr) -> bool {
        // What was read last may have to be noticed first.
        let is_open = match &mut self.sender {
            Sender::Http1(sender) => sender.ready().await.is_ok(),
            Sender::Http2(sender) => sender.ready().await.is_ok(),
        };
        self.address == address && is_open
    }

    /// Sends a request that has its URI, and names the prober.
    pub(super) async fn send(
        &mut self,
        mut request: Request<Question>,
    ) -> Result<Response<Incoming>, Failure> {
        let agent = HeaderValue::from_static(USER_AGENT);
        match &mut self.sender {
            Sender::Http1(sender) => {
                let host = request.uri().authority().map(Authority::as_str);
                let host = HeaderValue::from_str(host.unwrap_or_default());
                let path = request.uri().path_and_query().cloned();
                if let (Ok(host), Some(path)) = (host, path) {
                    request.headers_mut().insert(header::HOST, host);
                    *request.uri_mut() = Uri::from(path);
                }
                request.headers_mut().insert(header::USER_AGENT, agent);
                sender.send_request(request).await
            }
            Sender::Http2(sender) => {
                request.headers_mut().insert(header::USER_AGENT, agent);
                sender.send_request(request).await
            }
        }
        .map_err(Failure::Broken)
    }

    /// Asks for a resource, which is to be there with the status 200, and reads it to its end.
    pub(super) async fn get(&mut self, uri: Uri) -> Result<(), Failure> {
        let request = Request::get(uri).body(Question::default());
        let response = self.send(request.map_err(Failure::Path)?).await?;
        let (parts, mut body) = response.into_parts();
        while let Some(frame) = body.frame().await {
            frame.map_err(Failure::Broken)?;
        }
        if parts.status == StatusCode::OK {
            Ok(())
        } else if parts.headers.contains_key(IMMEDIATE_FAILURE) {
            Err(Failure::Withdrawn(parts.status))
        } else {
            Err(Failure::Status(parts.status))
        }
    }
}
