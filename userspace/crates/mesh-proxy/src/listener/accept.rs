//! The accept loops of a worker.

use std::{io, rc::Rc, sync::Arc, time::Duration};

use mesh_telemetry::{Shard, scope::ListenerStats};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::{Direction, Pair, WorkerListeners};
use crate::{connection, worker::Worker};

/// How long to wait when the process or the kernel has no room for another connection: those that
/// are open must end first.
const NO_ROOM_WAIT: Duration = Duration::from_millis(50);

/// One listening socket, as its connections see it.
pub(crate) struct ListenerContext {
    pub(crate) direction: Direction,
    /// The socket's own port: a connection to it was dialled, not steered here.
    pub(crate) port: u16,
    pub(crate) stats: Arc<ListenerStats>,
}

/// Starts the accept loops; each ends when the worker drains and its queue is empty.
pub(crate) fn start(worker: &Rc<Worker>, listeners: WorkerListeners) -> Vec<JoinHandle<()>> {
    let sockets = |pair: Pair| [Some(pair.v4), pair.v6].into_iter().flatten();
    let egress = sockets(listeners.egress).map(|socket| (Direction::Egress, socket));
    let ingress = sockets(listeners.ingress).map(|socket| (Direction::Ingress, socket));
    egress
        .chain(ingress)
        .map(|(direction, socket)| {
            let worker = Rc::clone(worker);
            tokio::task::spawn_local(async move {
                if let Err(error) = accept(&worker, direction, socket).await {
                    tracing::error!(?direction, %error, "a listening socket is of no use any more");
                }
            })
        })
        .collect()
}

async fn accept(
    worker: &Rc<Worker>,
    direction: Direction,
    socket: std::net::TcpListener,
) -> io::Result<()> {
    let address = socket.local_addr()?;
    // Envoy writes `listener.[__]_15001` for `[::]:15001`.
    let name = address.to_string().replace(':', "_");
    let context = Rc::new(ListenerContext {
        direction,
        port: address.port(),
        stats: worker.stats.listener(&name, Shard::Worker(worker.index)),
    });
    let listener = TcpListener::from_std(socket)?;
    let mut draining = std::pin::pin!(worker.draining());
    loop {
        tokio::select! {
            () = &mut draining => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => connection::start(worker, &context, stream, peer),
                Err(error) => pause_for(&error).await,
            },
        }
    }
    // Their handshakes are done: these clients believe to be connected.
    let socket = listener.into_std()?;
    loop {
        match socket.accept() {
            Ok((stream, peer)) => {
                stream.set_nonblocking(true)?;
                connection::start(worker, &context, TcpStream::from_std(stream)?, peer);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => pause_for(&error).await,
        }
    }
}

/// An error of `accept(2)` is that of one connection, which is gone, or lack of room.
async fn pause_for(error: &io::Error) {
    let is_of_one = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    );
    if !is_of_one {
        tracing::warn!(%error, "cannot accept; raise the limit of open files if this goes on");
        tokio::time::sleep(NO_ROOM_WAIT).await;
    }
}
