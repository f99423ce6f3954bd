//! HTTP/1 connections to endpoints: one request at a time, back into the pool after the answer.

use std::{net::SocketAddr, rc::Rc, sync::Arc};

use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;

use super::{
    LocalCluster,
    connect::{ConnectError, connect},
    pool::Pool,
};
use crate::{
    fault::{self, Whose},
    relay::request_body::RequestBody,
};

/// Sends requests over one connection.
pub(crate) type Sender = SendRequest<RequestBody>;

/// A connection that carries one request: back into the pool when the answer is through, closed if
/// it is dropped before.
pub(crate) struct Http1Lease {
    pub(crate) sender: Sender,
    pub(crate) address: SocketAddr,
    pool: Rc<Pool>,
}

impl Http1Lease {
    /// Takes an idle connection.
    pub(crate) fn idle(cluster: &LocalCluster, addresses: &[SocketAddr]) -> Option<Self> {
        let (address, sender) = cluster.pool.take_idle(addresses)?;
        Some(Self {
            sender,
            address,
            pool: Rc::clone(&cluster.pool),
        })
    }

    /// Makes a connection.
    pub(crate) async fn fresh(
        cluster: &LocalCluster,
        address: SocketAddr,
    ) -> Result<Self, ConnectError> {
        let limit = cluster.config.connect_timeout;
        let (stream, open) = connect(address, limit, &cluster.stats).await?;
        cluster.stats.upstream_cx_http1_total.increment();
        let (sender, connection) = Builder::new()
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|source| ConnectError::Handshake {
                address,
                source: Arc::new(source),
            })?;
        fault::spawn(Whose::Endpoint(address), async move {
            // How it ended was told to the request that it carried; idle ones just end.
            let _ = connection.await;
            drop(open);
        });
        Ok(Self {
            sender,
            address,
            pool: Rc::clone(&cluster.pool),
        })
    }

    /// The answer is through: the connection may serve again, once the request is too.
    pub(crate) fn give_back(mut self) {
        if self.sender.is_closed() {
            return;
        }
        if self.sender.is_ready() {
            self.pool.put_idle(self.address, self.sender);
            return;
        }
        fault::spawn(Whose::Endpoint(self.address), async move {
            if self.sender.ready().await.is_ok() {
                self.pool.put_idle(self.address, self.sender);
            }
        });
    }
}
