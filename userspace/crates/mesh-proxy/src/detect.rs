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

/// What TLS begins with (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 22;

/// Tells the version and gives back what was read; none if the client closed without a word, or spoils
/// the preface of HTTP/2, which no answer of HTTP/1 would tell it. What is neither is left to the
/// HTTP/1 reader, which answers 400 as Envoy's does. `read` is what was read already.
pub(crate) async fn http_version(
    stream: &mut TcpStream,
    mut read: BytesMut,
) -> io::Result<Option<(HttpVersion, Bytes)>> {
    loop {
        let version = match detect(&read) {
            Detection::Http1 if read.starts_with(PREFACE_BEGIN) => return Ok(None),
            Detection::Http1 | Detection::Opaque | Detection::Tls => HttpVersion::Http1,
            Detection::Http2 => HttpVersion::Http2,
            // Whatever follows, it is no HTTP.
            Detection::NeedMore if read.starts_with(&[TLS_HANDSHAKE]) => HttpVersion::Http1,
            Detection::NeedMore => {
                read.reserve(FIRST_READ);
                if stream.read_buf(&mut read).await? > 0 {
                    continue;
                }
                if read.is_empty() {
                    return Ok(None);
                }
                HttpVersion::Http1
            }
        };
        return Ok(Some((version, read.freeze())));
    }
}
