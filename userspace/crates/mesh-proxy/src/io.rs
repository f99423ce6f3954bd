//! A socket that counts its bytes and can give back bytes that detection has read.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// Where the bytes of a socket are counted.
pub(crate) trait ByteCount: Unpin + 'static {
    /// Bytes that came from the peer.
    fn received(&self, bytes: u64);
    /// Bytes that the kernel took for the peer.
    fn sent(&self, bytes: u64);
}

/// A socket whose bytes are counted. What detection read ahead comes first.
pub(crate) struct Metered<C> {
    stream: TcpStream,
    ahead: Bytes,
    count: C,
}

impl<C: ByteCount> Metered<C> {
    /// `ahead` was read from the socket already and counts as received now.
    pub(crate) fn new(stream: TcpStream, ahead: Bytes, count: C) -> Self {
        count.received(ahead.len() as u64);
        Self {
            stream,
            ahead,
            count,
        }
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// The socket itself, from which nothing was read ahead.
    pub(crate) fn into_stream(self) -> TcpStream {
        debug_assert!(self.ahead.is_empty());
        self.stream
    }
}

impl<C: ByteCount> AsyncRead for Metered<C> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.ahead.has_remaining() {
            let taken = this.ahead.split_to(this.ahead.len().min(buf.remaining()));
            buf.put_slice(&taken);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        this.count.received((buf.filled().len() - before) as u64);
        Poll::Ready(Ok(()))
    }
}

impl<C: ByteCount> AsyncWrite for Metered<C> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.stream).poll_write(cx, buf))?;
        this.count.sent(written as u64);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // The kernel takes one piece by a shorter way than a list of one.
        if let [piece] = bufs {
            return self.poll_write(cx, piece);
        }
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.stream).poll_write_vectored(cx, bufs))?;
        this.count.sent(written as u64);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl ByteCount for std::sync::Arc<mesh_telemetry::scope::ClusterStats> {
    fn received(&self, bytes: u64) {
        self.upstream_cx_rx_bytes_total.add(bytes);
    }

    fn sent(&self, bytes: u64) {
        self.upstream_cx_tx_bytes_total.add(bytes);
    }
}

impl ByteCount for std::sync::Arc<mesh_telemetry::scope::TcpStats> {
    fn received(&self, bytes: u64) {
        self.downstream_cx_rx_bytes_total.add(bytes);
    }

    fn sent(&self, bytes: u64) {
        self.downstream_cx_tx_bytes_total.add(bytes);
    }
}

/// Closes a connection with RST, so that the peer knows at once and nothing lingers.
pub(crate) fn reset(stream: TcpStream) {
    // A socket that cannot be told is closed with FIN instead, which refuses it just as well.
    let _ = stream.set_zero_linger();
    drop(stream);
}
