//! The accept loops of a worker.

use std::{io, net::SocketAddr, pin::pin, rc::Rc, sync::Arc, time::Duration};

use mesh_telemetry::{Shard, scope::ListenerStats};
use rustix::io::Errno;
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, yield_now},
    time::sleep,
};

use super::{Direction, Pair, WorkerListeners};
use crate::{connection, io::reset, worker::Worker};

/// How long to wait when the process or the kernel has no room for another connection: those that
/// are open must end first.
const NO_ROOM_WAIT: Duration = Duration::from_millis(50);
/// Connections that are accepted before those that are open have their turn again.
const ACCEPTS_A_TURN: usize = 16;

/// For how long a worker that drains still accepts. Whoever was sent here a moment before may be
/// anywhere between the decision and the end of its handshake, and a busy machine takes its time for
/// that; a socket that closes meanwhile resets it.
const LAST_HANDSHAKES: Duration = Duration::from_millis(500);

/// One listening socket, as its connections see it.
pub(crate) struct ListenerContext {
    pub(crate) direction: Direction,
    /// The socket's own port: a connection to it was dialled, not steered here.
    pub(crate) port: u16,
    pub(crate) stats: Arc<ListenerStats>,
}

/// Starts the accept loops; each ends when the worker drains, the last handshakes have had their time
/// and its queue is empty.
pub(crate) fn start(worker: &Rc<Worker>, listeners: WorkerListeners) -> Vec<JoinHandle<()>> {
    let sockets = |pair: Pair| [Some(pair.v4), pair.v6].into_iter().flatten();
    let egress = sockets(listeners.egress).map(|socket| (Direction::Egress, socket));
    let ingress = sockets(listeners.ingress).map(|socket| (Direction::Ingress, socket));
    egress
        .chain(ingress)
        .map(|(direction, socket)| {
            let accepting = Rc::clone(worker);
            worker.spawn_vital(async move {
                if let Err(error) = accept(&accepting, direction, socket).await {
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
    let mut ending = pin!(async {
        worker.draining().await;
        sleep(LAST_HANDSHAKES).await;
    });
    let mut accepts = 0;
    loop {
        tokio::select! {
            () = &mut ending => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => begin(worker, &context, stream, peer),
                Err(error) => pause_for(worker, &error).await,
            },
        }
        accepts += 1;
        if accepts % ACCEPTS_A_TURN == 0 {
            yield_now().await;
        }
    }
    // Their handshakes are done: these clients believe to be connected.
    let socket = listener.into_std()?;
    loop {
        match socket.accept() {
            Ok((stream, peer)) => {
                stream.set_nonblocking(true)?;
                begin(worker, &context, TcpStream::from_std(stream)?, peer);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => pause_for(worker, &error).await,
        }
    }
}

fn begin(worker: &Rc<Worker>, context: &Rc<ListenerContext>, stream: TcpStream, peer: SocketAddr) {
    worker.vitals.note_room();
    if worker.is_full() {
        context.stats.downstream_cx_total.increment();
        context.stats.downstream_cx_overflow.increment();
        reset(stream);
        return;
    }
    connection::start(worker, context, stream, peer);
}

/// An error of `accept(2)` is that of one connection, which is gone, or lack of room. In the second
/// case it is tried again and again: where the mode then keeps connections away, no other sign tells
/// that there is room again.
async fn pause_for(worker: &Worker, error: &io::Error) {
    let of_one = [Errno::CONNABORTED, Errno::CONNRESET, Errno::INTR];
    if Errno::from_io_error(error).is_some_and(|error| of_one.contains(&error)) {
        return;
    }
    worker.vitals.note_lack(error);
    if let Some(untold) = worker.warnings.speak() {
        tracing::warn!(%error, untold, "cannot accept; raise the limit of open files if this goes on");
    }
    sleep(NO_ROOM_WAIT).await;
}
