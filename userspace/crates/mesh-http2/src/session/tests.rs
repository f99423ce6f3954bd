//! Two ends, joined back to back, and single ends fed with frames.

mod bounds;
mod joined;
mod single;

use std::{
    io::IoSlice,
    task::{Context, Waker},
};

use bytes::BytesMut;
use http::{HeaderMap, Method, Uri};

use crate::{
    connection::{Connection, Fault, RequestFields, Taken},
    stream::Stream,
};

fn cx() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// One end with what came for it.
struct End {
    connection: Connection,
    input: BytesMut,
}

impl End {
    fn new(connection: Connection) -> Self {
        Self {
            connection,
            input: BytesMut::new(),
        }
    }

    /// Takes what came; the requests in it.
    fn take(&mut self) -> Result<Vec<Stream>, Fault> {
        let mut streams = Vec::new();
        loop {
            match self.connection.take(&mut self.input)? {
                Taken::Frame => {}
                Taken::More => return Ok(streams),
                Taken::Request(_, stream) => streams.push(stream),
            }
        }
    }

    fn sent(&self, at_most: usize) -> Vec<u8> {
        let gather = |slices: &[IoSlice<'_>]| {
            let all: Vec<&[u8]> = slices.iter().map(|slice| &**slice).collect();
            all.concat()
        };
        let mut bytes = self.connection.outgoing(gather).unwrap_or_default();
        bytes.truncate(at_most);
        self.connection.written(bytes.len());
        bytes
    }
}

struct Pair {
    client: End,
    server: End,
    asked: Vec<Stream>,
}

impl Pair {
    fn new() -> Self {
        let mut pair = Self {
            client: End::new(Connection::client()),
            server: End::new(Connection::server()),
            asked: Vec::new(),
        };
        pair.pass(usize::MAX);
        pair
    }

    /// Moves bytes, so many at most at a time, until none are left.
    fn pass(&mut self, at_most: usize) {
        loop {
            let there = self.client.sent(at_most);
            let back = self.server.sent(at_most);
            if there.is_empty() && back.is_empty() {
                return;
            }
            self.server.input.extend_from_slice(&there);
            self.client.input.extend_from_slice(&back);
            self.asked.extend(self.server.take().expect("frames"));
            assert!(self.client.take().expect("frames").is_empty());
        }
    }

    fn request(&self, ends: bool) -> Stream {
        let fields = RequestFields {
            method: &Method::POST,
            uri: &Uri::from_static("http://a.local/x"),
            scheme: "http",
            headers: &HeaderMap::new(),
        };
        self.client.connection.request(&fields, ends).expect("room")
    }
}
