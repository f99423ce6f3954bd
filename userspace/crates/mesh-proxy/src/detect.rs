//! Reads the first bytes of a connection whose port speaks HTTP, to tell HTTP/1 from HTTP/2.

use std::io;

use bytes::{Bytes, BytesMut};
use mesh_detect::{Detection, detect};
use tokio::{io::AsyncReadExt, net::TcpStream};

/// What is read at once; a request's header is seldom longer.
const FIRST_READ: usize = 4096;

/// Which HTTP a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HttpVersion {
    Http1,
    Http2,
}

/// Whoever begins so speaks HTTP/2 or nothing: Envoy decides by these bytes.
const PREFACE_BEGIN: &[u8] = b"PRI * HTTP/2";

/// Tells the version and gives back what it read; none if the client closed without a word, or spoils
/// the preface of HTTP/2, which no answer of HTTP/1 would tell it. What is neither is left to the
/// HTTP/1 reader, which answers 400 as Envoy's does.
pub(crate) async fn http_version(
    stream: &mut TcpStream,
) -> io::Result<Option<(HttpVersion, Bytes)>> {
    let mut read = BytesMut::with_capacity(FIRST_READ);
    loop {
        if stream.read_buf(&mut read).await? == 0 {
            let cut_short = !read.is_empty();
            return Ok(cut_short.then(|| (HttpVersion::Http1, read.freeze())));
        }
        let version = match detect(&read) {
            Detection::Http1 if read.starts_with(PREFACE_BEGIN) => return Ok(None),
            Detection::Http1 | Detection::Opaque | Detection::Tls => HttpVersion::Http1,
            Detection::Http2 => HttpVersion::Http2,
            Detection::NeedMore => continue,
        };
        return Ok(Some((version, read.freeze())));
    }
}
