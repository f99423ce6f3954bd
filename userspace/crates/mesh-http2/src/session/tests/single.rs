//! Single ends fed with frames: what is refused, and how.

use std::task::Poll;

use bytes::BytesMut;
use http::Method;
use proptest::prelude::*;

use super::{End, cx};
use crate::{
    connection::Connection,
    frame::{self, PREFACE, Reason},
    hpack::encoder,
    stream::Broken,
};

/// A server that has had settings and, if so, a request whose body is to come.
pub(super) fn server(asked: bool) -> End {
    let mut end = End::new(Connection::server());
    end.input.extend_from_slice(PREFACE);
    frame::put(&mut end.input, frame::SETTINGS, 0, 0, &[]);
    if asked {
        frame::put(
            &mut end.input,
            frame::HEADERS,
            frame::END_HEADERS,
            1,
            &head(None),
        );
    }
    end
}

pub(super) fn head(length: Option<&str>) -> BytesMut {
    let mut block = BytesMut::new();
    encoder::method(&mut block, &Method::POST);
    encoder::scheme(&mut block, "http");
    encoder::path(&mut block, b"/");
    encoder::authority(&mut block, b"a.local");
    if let Some(length) = length {
        encoder::field(&mut block, "content-length", length.as_bytes());
    }
    block
}

/// Type, flags, stream, payload, and what `GOAWAY` says of it.
type Refused = (u8, u8, u32, &'static [u8], Option<Reason>);

#[test]
fn frames_out_of_place_are_told_as_envoy_tells_them() {
    let silent = None;
    let size = Some(Reason::FRAME_SIZE_ERROR);
    let protocol = Some(Reason::PROTOCOL_ERROR);
    let frames: [Refused; 16] = [
        (frame::PING, 0, 0, &[0; 7], size),
        (frame::PING, 0, 1, &[0; 8], silent),
        (frame::SETTINGS, 0, 1, &[], silent),
        (frame::SETTINGS, 0, 0, &[0; 5], size),
        (frame::SETTINGS, 0, 0, &[0, 4, 0x80, 0, 0, 0], silent),
        (frame::SETTINGS, 0, 0, &[0, 5, 0, 0, 0, 100], silent),
        (frame::WINDOW_UPDATE, 0, 0, &[0; 4], silent),
        (
            frame::WINDOW_UPDATE,
            0,
            0,
            &[0x7f, 0xff, 0xff, 0xff],
            silent,
        ),
        (frame::WINDOW_UPDATE, 0, 9, &[0, 0, 0, 1], silent),
        (frame::RST_STREAM, 0, 9, &[0; 4], silent),
        (frame::RST_STREAM, 0, 1, &[0; 3], size),
        (frame::GOAWAY, 0, 0, &[0; 7], size),
        (frame::PUSH_PROMISE, 4, 1, &[0; 4], silent),
        (frame::CONTINUATION, 4, 1, &[0x82], protocol),
        (frame::DATA, 0, 3, b"abc", protocol),
        (
            frame::HEADERS,
            frame::END_HEADERS,
            3,
            &[0xfe],
            Some(Reason::COMPRESSION_ERROR),
        ),
    ];
    for (kind, flags, stream, payload, told) in frames {
        let mut end = server(true);
        frame::put(&mut end.input, kind, flags, stream, payload);
        let fault = end.take().expect_err("a fault");
        assert_eq!(fault.told, told, "type {kind} on {stream}: {payload:?}");
    }
}

#[test]
fn a_body_of_another_length_resets_its_stream_alone() {
    for (length, ends) in [("2", false), ("9", true)] {
        let mut end = server(false);
        let flags = frame::END_HEADERS;
        frame::put(
            &mut end.input,
            frame::HEADERS,
            flags,
            1,
            &head(Some(length)),
        );
        let stream = end.take().expect("a request").pop().expect("a stream");
        frame::put(&mut end.input, frame::DATA, u8::from(ends), 1, b"abc");
        end.take().expect("no fault");
        assert!(matches!(
            stream.poll_broken(&cx()),
            Poll::Ready(Broken::Length)
        ));
    }
}

#[test]
fn data_behind_the_end_is_a_fault_while_the_stream_is_there() {
    let mut end = server(true);
    frame::put(&mut end.input, frame::DATA, frame::END_STREAM, 1, b"abc");
    let streams = end.take().expect("a request");
    frame::put(&mut end.input, frame::DATA, 0, 1, b"abc");
    let fault = end.take().expect_err("a fault");
    assert_eq!(fault.told, Some(Reason::STREAM_CLOSED));
    drop(streams);
}

#[test]
fn floods_end_the_connection() {
    let calm = Some(Reason::ENHANCE_YOUR_CALM);
    // Pings whose answers are not taken.
    let mut end = server(false);
    for _ in 0..1001 {
        frame::put(&mut end.input, frame::PING, 0, 0, &[0; 8]);
    }
    assert_eq!(end.take().expect_err("a fault").told, calm);
    // Empty pieces of a body.
    let mut end = server(true);
    for _ in 0..20 {
        frame::put(&mut end.input, frame::DATA, 0, 1, b"");
    }
    assert_eq!(end.take().expect_err("a fault").told, calm);
    // Requests that are given up at once.
    let mut end = server(false);
    let flood = (0..600).map(|number| 2 * number + 1).find_map(|id| {
        frame::put(
            &mut end.input,
            frame::HEADERS,
            frame::END_HEADERS,
            id,
            &head(None),
        );
        frame::put(&mut end.input, frame::RST_STREAM, 0, id, &[0, 0, 0, 8]);
        end.take().err()
    });
    assert_eq!(flood.expect("a fault").told, calm);
    // Requests that break a rule of their stream at once, so that this end gives them up.
    let mut end = server(false);
    let flood = (0..600).map(|number| 2 * number + 1).find_map(|id| {
        let flags = frame::END_HEADERS | frame::END_STREAM;
        frame::put(&mut end.input, frame::HEADERS, flags, id, &head(None));
        let most = frame::MOST.to_be_bytes();
        frame::put(&mut end.input, frame::WINDOW_UPDATE, 0, id, &most);
        end.sent(usize::MAX);
        end.take().err()
    });
    assert_eq!(flood.expect("a fault").told, calm);
    // Settings for every stream, over and over.
    let mut end = server(false);
    let again = [0, 4, 0, 0, 0, 1].repeat(33);
    frame::put(&mut end.input, frame::SETTINGS, 0, 0, &again);
    assert_eq!(end.take().expect_err("a fault").told, calm);
    // A header block without an end.
    let mut end = server(false);
    frame::put(&mut end.input, frame::HEADERS, 0, 1, &[0x82]);
    for _ in 0..10 {
        frame::put(&mut end.input, frame::CONTINUATION, 0, 1, &[0x82]);
    }
    assert_eq!(end.take().expect_err("a fault").told, None);
}

#[test]
fn more_streams_than_are_allowed_are_refused() {
    let mut end = server(false);
    for number in 0..1025 {
        let flags = frame::END_HEADERS | frame::END_STREAM;
        frame::put(
            &mut end.input,
            frame::HEADERS,
            flags,
            2 * number + 1,
            &head(None),
        );
    }
    let streams = end.take().expect("requests");
    assert_eq!(streams.len(), 1024);
    let refused = [
        &[0, 0, 4, frame::RST_STREAM, 0][..],
        &2049_u32.to_be_bytes(),
        &[0, 0, 0, 7],
    ];
    assert!(end.sent(usize::MAX).ends_with(&refused.concat()));
}

#[test]
fn a_peer_may_send_no_more_than_its_window() {
    let mut end = server(true);
    let streams = end.take().expect("a request");
    let fault = (0..65).find_map(|_| {
        frame::put(&mut end.input, frame::DATA, 0, 1, &[0; 16_384]);
        end.take().err()
    });
    let told = fault.expect("a fault").told;
    assert_eq!(told, Some(Reason::FLOW_CONTROL_ERROR));
    drop(streams);
}

proptest! {
    #[test]
    fn any_bytes_are_taken_or_refused(
        frames in prop::collection::vec(
            (0_u8..12, any::<u8>(), 0_u32..6, prop::collection::vec(any::<u8>(), 0..40)),
            0..20,
        )
    ) {
        for mut end in [server(true), End::new(Connection::client())] {
            for (kind, flags, stream, payload) in &frames {
                frame::put(&mut end.input, *kind, *flags, *stream, payload);
            }
            if let Err(fault) = end.take() {
                end.connection.fail(fault);
                prop_assert!(end.connection.is_over());
            }
        }
    }
}
