//! Opaque bytes both ways between two sockets, each direction ending by itself.

use std::{
    cell::{Cell, RefCell},
    io,
    net::Shutdown,
    time::Duration,
};

use bytes::Bytes;
use socket2::SockRef;
use tokio::{
    io::Interest,
    net::TcpStream,
    task::yield_now,
    time::{Instant, sleep_until},
};

use crate::io::ByteCount;

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;

/// Bytes after which the worker's other connections have their turn.
const TURN: usize = 8 * CHUNK;

thread_local! {
    /// What is being moved. A connection in which nothing moves has no buffer of its own.
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; CHUNK].into_boxed_slice());
}

/// How a relay ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// One of the two broke off, and the other was told in the same way.
    Broken(Broken),
    /// Its time was over.
    Cut,
    /// Nothing moved for the idle timeout.
    Idle,
    /// Both were through.
    Through,
}

/// Who broke off, and how.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) by: Side,
    pub(crate) error: io::Error,
}

/// One of the two that a relay is between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Endpoint,
}

/// The socket of one side, and what moved through it.
pub(crate) struct End<C> {
    side: Side,
    stream: TcpStream,
    /// Was read from the socket before, and is still to go on.
    ahead: Cell<Bytes>,
    count: C,
    received: Cell<u64>,
    sent: Cell<u64>,
    moved: Cell<Instant>,
}

impl<C: ByteCount> End<C> {
    /// `ahead` was read from the socket already.
    pub(crate) fn new(side: Side, stream: TcpStream, ahead: Bytes, count: C) -> Self {
        Self {
            side,
            stream,
            ahead: Cell::new(ahead),
            count,
            received: Cell::new(0),
            sent: Cell::new(0),
            moved: Cell::new(Instant::now()),
        }
    }

    /// Bytes that came from it.
    pub(crate) fn received(&self) -> u64 {
        self.received.get()
    }

    /// Bytes that went to it.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.get()
    }

    fn read(&self, buffer: &mut [u8]) -> Result<Option<usize>, Broken> {
        let read = self.unless_it_blocks(self.stream.try_read(buffer))?;
        if let Some(bytes @ 1..) = read {
            self.note_received(bytes);
        }
        Ok(read)
    }

    fn take_ahead(&self) -> Bytes {
        let ahead = self.ahead.take();
        if !ahead.is_empty() {
            self.note_received(ahead.len());
        }
        ahead
    }

    fn note_received(&self, bytes: usize) {
        self.count.received(bytes as u64);
        self.received.set(self.received.get() + bytes as u64);
        self.moved.set(Instant::now());
    }

    fn write(&self, bytes: &[u8]) -> Result<usize, Broken> {
        let written = self.unless_it_blocks(self.stream.try_write(bytes))?;
        let written = written.unwrap_or(0);
        if written > 0 {
            self.count.sent(written as u64);
            self.sent.set(self.sent.get() + written as u64);
            self.moved.set(Instant::now());
        }
        Ok(written)
    }

    async fn write_all(&self, mut bytes: &[u8]) -> Result<(), Broken> {
        while !bytes.is_empty() {
            let writable = self.stream.writable().await;
            writable.map_err(|error| self.broken(error))?;
            bytes = &bytes[self.write(bytes)?..];
        }
        Ok(())
    }

    /// Says that nothing more will come.
    fn finish(&self) -> Result<(), Broken> {
        let shut = SockRef::from(&self.stream).shutdown(Shutdown::Write);
        shut.map_err(|error| self.broken(error))
    }

    /// Resolves when the peer resets a connection whose last byte was read already: no read is left
    /// that would tell.
    async fn reset(&self) -> Broken {
        let error = match self.stream.ready(Interest::ERROR).await {
            Ok(_) => self.stream.take_error().unwrap_or_else(Some),
            Err(error) => Some(error),
        };
        match error {
            Some(error) => self.broken(error),
            // A write has had the error, and tells.
            None => std::future::pending().await,
        }
    }

    fn broken(&self, error: io::Error) -> Broken {
        Broken {
            by: self.side,
            error,
        }
    }

    fn unless_it_blocks<T>(&self, done: io::Result<T>) -> Result<Option<T>, Broken> {
        match done {
            Ok(done) => Ok(Some(done)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(self.broken(error)),
        }
    }
}

/// Relays until both directions are through, one side breaks off or nothing moved for too long.
pub(crate) async fn relay<A: ByteCount, B: ByteCount>(
    client: &End<A>,
    endpoint: &End<B>,
    idle: Option<Duration>,
    cut: impl Future<Output = ()>,
) -> Ended {
    let still = still_for(|| client.moved.get().max(endpoint.moved.get()), idle);
    let mut sockets = Sockets {
        streams: [&client.stream, &endpoint.stream],
        is_torn: true,
    };
    let ended = tokio::select! {
        done = both_ways(client, endpoint) => done.map_or_else(Ended::Broken, |()| Ended::Through),
        () = still => Ended::Idle,
        () = cut => Ended::Cut,
    };
    sockets.is_torn = matches!(ended, Ended::Broken(_) | Ended::Cut);
    ended
}

/// The sockets of a relay, which is torn, too, if it is dropped before it has ended. Closing a torn one
/// resets both: the side that is still there must not take the stream for a whole one.
struct Sockets<'a> {
    streams: [&'a TcpStream; 2],
    is_torn: bool,
}

impl Drop for Sockets<'_> {
    fn drop(&mut self) {
        if self.is_torn {
            for stream in self.streams {
                let _ = stream.set_zero_linger();
            }
        }
    }
}

async fn both_ways<A: ByteCount, B: ByteCount>(
    client: &End<A>,
    endpoint: &End<B>,
) -> Result<(), Broken> {
    let mut there = std::pin::pin!(pump(client, endpoint));
    let mut back = std::pin::pin!(pump(endpoint, client));
    tokio::select! {
        done = &mut there => {
            done?;
            tokio::select! {
                done = back => done,
                broken = client.reset() => Err(broken),
            }
        }
        done = &mut back => {
            done?;
            tokio::select! {
                done = there => done,
                broken = endpoint.reset() => Err(broken),
            }
        }
    }
}

/// Moves bytes one way until there are no more.
async fn pump<A: ByteCount, B: ByteCount>(from: &End<A>, to: &End<B>) -> Result<(), Broken> {
    to.write_all(&from.take_ahead()).await?;
    let mut turn = 0;
    loop {
        let readable = from.stream.readable().await;
        readable.map_err(|error| from.broken(error))?;
        let passed = BUFFER.with_borrow_mut(|buffer| pass(from, to, buffer))?;
        let Some((bytes, rest)) = passed else {
            continue;
        };
        if bytes == 0 {
            return to.finish();
        }
        to.write_all(&rest).await?;
        turn += bytes;
        if turn >= TURN {
            turn = 0;
            yield_now().await;
        }
    }
}

/// Reads once, and writes as much of it as goes; how much was read, and what of it is left. None if
/// there was nothing to read.
fn pass<A: ByteCount, B: ByteCount>(
    from: &End<A>,
    to: &End<B>,
    buffer: &mut [u8],
) -> Result<Option<(usize, Vec<u8>)>, Broken> {
    let Some(bytes) = from.read(buffer)? else {
        return Ok(None);
    };
    if bytes == 0 {
        return Ok(Some((0, Vec::new())));
    }
    let written = to.write(&buffer[..bytes])?;
    Ok(Some((bytes, buffer[written..bytes].to_vec())))
}

async fn still_for(moved: impl Fn() -> Instant, idle: Option<Duration>) {
    let Some(idle) = idle else {
        return std::future::pending().await;
    };
    loop {
        // Further off than the clock reaches is never: documents may say any number of seconds.
        let Some(moment) = moved().checked_add(idle) else {
            return std::future::pending().await;
        };
        if moment <= Instant::now() {
            return;
        }
        sleep_until(moment).await;
    }
}
