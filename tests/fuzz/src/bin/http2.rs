//! HTTP/2 as peers send it, to either end: frames of any kind, and bytes that are none. It must not
//! matter how the bytes come.
#![no_main]

use std::{
    io::IoSlice,
    task::{Context, Poll, Waker},
};

use bytes::BytesMut;
use http::{HeaderMap, Method, StatusCode, Uri};
use mesh_http2::{
    connection::{Connection, RequestFields, Taken},
    frame::PREFACE,
    stream::Stream,
};

/// The kind, the flags, the stream and the payload of a frame.
type Frame<'a> = (u8, u8, u8, &'a [u8]);
type Input<'a> = (bool, bool, u16, Vec<Frame<'a>>, &'a [u8]);

/// A request by the static table: GET, http, /, and the host that stands behind.
const HEAD: &[u8] = b"\x82\x86\x84\x41\x01a";

fn put(bytes: &mut Vec<u8>, (kind, flags, stream, payload): Frame<'_>) {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&length.to_be_bytes()[1..]);
    bytes.extend_from_slice(&[kind, flags, 0, 0, 0, stream]);
    bytes.extend_from_slice(payload);
}

fn bytes(input: &Input<'_>) -> Vec<u8> {
    let (is_server, _, _, frames, raw) = input;
    let mut bytes = if *is_server {
        PREFACE.to_vec()
    } else {
        Vec::new()
    };
    put(&mut bytes, (4, 0, 0, &[]));
    if *is_server {
        // The first stream is open, with a body that is to come.
        put(&mut bytes, (1, 4, 1, HEAD));
    }
    for frame in frames {
        put(&mut bytes, *frame);
    }
    bytes.extend_from_slice(raw);
    bytes
}

/// All that can be seen of one end to which the pieces came.
fn seen(is_server: bool, answers: bool, pieces: &[&[u8]]) -> Vec<String> {
    let connection = if is_server {
        Connection::server()
    } else {
        Connection::client()
    };
    let mut streams: Vec<Stream> = Vec::new();
    if !is_server {
        let asked = RequestFields {
            method: &Method::GET,
            uri: &Uri::from_static("/"),
            scheme: "http",
            headers: &HeaderMap::new(),
        };
        streams.extend(connection.request(&asked, false));
    }
    let mut found = Vec::new();
    let mut input = BytesMut::new();
    for piece in pieces {
        input.extend_from_slice(piece);
        if connection.is_over() {
            break;
        }
        loop {
            match connection.take(&mut input) {
                Ok(Taken::Frame) => {}
                Ok(Taken::More) => break,
                Ok(Taken::Request(head, stream)) => {
                    found.push(format!("{head:?}"));
                    if answers {
                        stream.answer(StatusCode::OK, &HeaderMap::new(), true);
                    }
                    streams.push(stream);
                }
                Err(fault) => {
                    found.push(format!("{fault:?}"));
                    connection.fail(fault);
                    break;
                }
            }
        }
    }
    let cx = Context::from_waker(Waker::noop());
    for stream in &streams {
        if !is_server && let Poll::Ready(answer) = stream.poll_answer(&cx) {
            found.push(format!("{answer:?}"));
        }
        while let Poll::Ready(Some(data)) = stream.poll_data(&cx) {
            found.push(format!("{data:?}"));
            if data.is_err() {
                break;
            }
        }
        found.push(format!("{:?}", stream.take_trailers()));
    }
    drop(streams);
    let gather = |slices: &[IoSlice<'_>]| {
        let all: Vec<&[u8]> = slices.iter().map(|slice| &**slice).collect();
        (all.concat().len(), format!("{all:?}"))
    };
    while let Some((length, sent)) = connection.outgoing(gather) {
        found.push(sent);
        connection.written(length);
    }
    connection.close();
    assert!(connection.is_over());
    found
}

libfuzzer_sys::fuzz_target!(|input: Input<'_>| {
    let bytes = bytes(&input);
    let (is_server, answers, split, ..) = input;
    let split = usize::from(split).min(bytes.len());
    let whole = seen(is_server, answers, &[&bytes]);
    let parts = seen(is_server, answers, &[&bytes[..split], &bytes[split..]]);
    assert_eq!(whole, parts);
});
