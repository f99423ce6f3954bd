//! The first bytes of a connection where TLS towards AWS endpoints is told apart by the server's name:
//! read until they tell, and kept for whoever serves the connection.

use std::{future::Future, io, time::Duration};

use bytes::BytesMut;
use mesh_detect::{ClientHello, MAX_CLIENT_HELLO, client_hello};
use mesh_route::aws;
use tokio::{
    io::AsyncReadExt,
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};

/// How long a client may take to tell (Envoy's default `listener_filters_timeout`).
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// How long a client may be silent before its server has the word, where bytes of any kind have one.
const GRACE: Duration = Duration::from_millis(100);

/// What is read at once; a hello is seldom longer.
const READ: usize = 4096;

/// Who is to wait for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstWord {
    /// The client has it, or there is nothing to serve.
    Client,
    /// It may be the server's.
    Either,
}

/// What a client has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// TLS towards an AWS endpoint.
    Aws,
    /// Nothing that tells, and the patience is over.
    Late,
    /// Nothing, so that it is for the server to speak.
    Nothing,
    /// Anything else.
    Other,
    /// A hello that is too long or too old.
    Unfit,
}

/// What was read ahead of a connection.
#[derive(Debug, Default)]
pub(crate) struct Opening {
    read: BytesMut,
    /// The client has finished.
    is_over: bool,
}

impl Opening {
    /// Hears a client until it is clear what it says.
    pub(crate) async fn hear(
        &mut self,
        client: &mut TcpStream,
        first: FirstWord,
    ) -> io::Result<Heard> {
        let deadline = Instant::now() + PATIENCE;
        let hearing = async {
            if first == FirstWord::Either {
                match timeout(GRACE, self.read(client)).await {
                    Ok(read) => read?,
                    Err(_) => return Ok(Heard::Nothing),
                }
                if self.read.is_empty() {
                    return Ok(Heard::Nothing);
                }
            }
            self.until_clear(client).await
        };
        let heard = timeout_at(deadline, hearing).await;
        heard.unwrap_or(Ok(Heard::Late))
    }

    /// Whether the client, silent so far, calls an AWS endpoint before the server has spoken.
    pub(crate) async fn turns_to_aws(
        &mut self,
        client: &mut TcpStream,
        server_speaks: impl Future,
    ) -> io::Result<bool> {
        tokio::select! {
            biased;
            _ = server_speaks => Ok(false),
            heard = timeout(PATIENCE, self.until_clear(client)) => match heard {
                Ok(heard) => Ok(heard? == Heard::Aws),
                Err(_) => Ok(false),
            },
        }
    }

    /// What has been read, for whoever serves the connection.
    pub(crate) fn into_bytes(self) -> BytesMut {
        self.read
    }

    /// Nothing is lost when this is dropped.
    async fn until_clear(&mut self, client: &mut TcpStream) -> io::Result<Heard> {
        loop {
            let looked_at = &self.read[..self.read.len().min(MAX_CLIENT_HELLO)];
            match client_hello(looked_at) {
                ClientHello::Whole(Some(name)) if aws::is_endpoint(&name) => return Ok(Heard::Aws),
                ClientHello::Absent | ClientHello::Whole(_) => return Ok(Heard::Other),
                ClientHello::TooOld => return Ok(Heard::Unfit),
                ClientHello::NeedMore if looked_at.len() == MAX_CLIENT_HELLO => {
                    return Ok(Heard::Unfit);
                }
                ClientHello::NeedMore if self.is_over => return Ok(Heard::Other),
                ClientHello::NeedMore => self.read(client).await?,
            }
        }
    }

    async fn read(&mut self, client: &mut TcpStream) -> io::Result<()> {
        self.read.reserve(READ);
        self.is_over = client.read_buf(&mut self.read).await? == 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
