//! Bytes over a connection, as many as a test wants.

use std::io::{self, ErrorKind, Read as _, Write as _};

use anyhow::Result;
use socket2::Socket;

const CHUNK: usize = 16 * 1024;

pub(super) fn send(mut socket: &Socket, bytes: usize) -> Result<String> {
    let chunk = [b'x'; CHUNK];
    let mut left = bytes;
    while left > 0 {
        let now = left.min(CHUNK);
        socket.write_all(&chunk[..now])?;
        left -= now;
    }
    Ok(bytes.to_string())
}

/// Sends until nothing more fits, and says how many bytes did.
pub(super) fn fill(mut socket: &Socket) -> Result<String> {
    socket.set_nonblocking(true)?;
    let mut all = 0;
    loop {
        match socket.write(&[b'x'; CHUNK]) {
            Ok(now) => all += now,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error.into()),
        }
    }
    socket.set_nonblocking(false)?;
    Ok(all.to_string())
}

pub(super) fn receive(mut socket: &Socket, bytes: usize) -> Result<String> {
    let mut chunk = [0; CHUNK];
    let mut left = bytes;
    while left > 0 {
        let now = socket.read(&mut chunk[..left.min(CHUNK)])?;
        if now == 0 {
            return Err(io::Error::from(ErrorKind::UnexpectedEof).into());
        }
        left -= now;
    }
    Ok(bytes.to_string())
}

/// Reads to the end and says how many bytes came.
pub(super) fn drain(mut socket: &Socket) -> Result<String> {
    let mut chunk = [0; CHUNK];
    let mut all = 0;
    loop {
        match socket.read(&mut chunk)? {
            0 => return Ok(all.to_string()),
            now => all += now,
        }
    }
}
