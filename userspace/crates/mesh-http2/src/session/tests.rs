//! Two ends, joined back to back, and single ends fed with frames.

use std::{
    io::IoSlice,
    task::{Context, Poll, Waker},
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use proptest::prelude::*;

use crate::{
    connection::{Connection, Fault, RequestFields, Taken},
    frame::{self, PREFACE, Reason},
    hpack::encoder,
    stream::{Broken, Stream},
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

/// Moves a body from one handle to the other; the trailers are read last.
fn carry(pair: &mut Pair, from: &Stream, to: &Stream, body: &[u8], at_most: usize) -> Vec<u8> {
    let mut rest = Bytes::copy_from_slice(body);
    let mut received = Vec::new();
    let mut is_sent = false;
    loop {
        if !is_sent {
            is_sent = from.poll_send(&cx(), &mut rest, true).is_ready();
        }
        pair.pass(at_most);
        loop {
            match to.poll_data(&cx()) {
                Poll::Pending => break,
                Poll::Ready(None) => return received,
                Poll::Ready(Some(data)) => received.extend_from_slice(&data.expect("data")),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn bodies_of_any_length_arrive_whole_both_ways(
        there in 0_usize..3_000_000,
        back in 0_usize..3_000_000,
        at_most in prop_oneof![Just(usize::MAX), 100_usize..100_000],
    ) {
        let mut pair = Pair::new();
        let asks = pair.request(false);
        pair.pass(at_most);
        let answers = pair.asked.pop().expect("a request");
        let body: Vec<u8> = (0..there).map(|at| at.to_le_bytes()[0]).collect();
        prop_assert_eq!(carry(&mut pair, &asks, &answers, &body, at_most), body);
        answers.answer(StatusCode::OK, &HeaderMap::new(), false);
        let body: Vec<u8> = (0..back).map(|at| at.to_le_bytes()[1]).collect();
        prop_assert_eq!(carry(&mut pair, &answers, &asks, &body, at_most), body);
        drop((asks, answers));
        prop_assert!(!pair.client.connection.is_through());
        pair.client.connection.leave();
        prop_assert!(pair.client.connection.is_through());
    }
}

#[test]
fn who_reads_slowly_holds_who_sends_and_no_other_stream() {
    let mut pair = Pair::new();
    let slow = pair.request(false);
    let mut body = Bytes::from(vec![0; 3 << 20]);
    for _ in 0..100 {
        assert!(slow.poll_send(&cx(), &mut body, true).is_pending());
        pair.pass(usize::MAX);
    }
    assert_eq!(body.len(), 2 << 20, "the window of a stream");
    let other = pair.request(false);
    assert!(
        other
            .poll_send(&cx(), &mut Bytes::from_static(b"x"), true)
            .is_ready()
    );
    pair.pass(usize::MAX);
    assert!(pair.asked[1].has_come());
}

#[test]
fn heads_longer_than_a_frame_and_trailers_arrive() {
    let mut pair = Pair::new();
    let asks = pair.request(true);
    pair.pass(usize::MAX);
    let answers = pair.asked.pop().expect("a request");
    let mut headers = HeaderMap::new();
    let long = HeaderValue::from_str(&"v".repeat(50_000)).expect("a value");
    headers.insert("x-long", long.clone());
    answers.answer(StatusCode::OK, &headers, false);
    answers.send_trailers(&headers);
    pair.pass(7);
    let Poll::Ready(Ok(head)) = asks.poll_answer(&cx()) else {
        panic!("no answer");
    };
    assert_eq!(
        (head.status, &head.headers["x-long"]),
        (StatusCode::OK, &long)
    );
    assert!(matches!(asks.poll_data(&cx()), Poll::Ready(None)));
    assert_eq!(asks.take_trailers().expect("trailers"), headers);
    assert!(asks.is_end());
}

#[test]
fn the_last_handle_that_goes_resets_what_is_not_at_its_end() {
    let mut pair = Pair::new();
    let [first, second, third] = [(); 3].map(|()| pair.request(false));
    pair.pass(usize::MAX);
    drop(first);
    pair.asked[2].answer(StatusCode::OK, &HeaderMap::new(), true);
    let early = pair.asked.pop();
    drop(early);
    pair.pass(usize::MAX);
    let reset = |stream: &Stream| match stream.poll_broken(&cx()) {
        Poll::Ready(Broken::Reset(reason)) => Some(reason),
        _ => None,
    };
    assert_eq!(reset(&pair.asked[0]), Some(Reason::INTERNAL_ERROR));
    assert_eq!(reset(&pair.asked[1]), None);
    assert_eq!(reset(&third), Some(Reason::NO_ERROR));
    assert_eq!(reset(&second), None);
}

#[test]
fn a_server_that_leaves_serves_what_comes_meanwhile() {
    let mut pair = Pair::new();
    let before = pair.request(true);
    pair.server.connection.leave();
    let meanwhile = pair.request(true);
    pair.pass(usize::MAX);
    assert_eq!(pair.asked.len(), 2);
    assert!(pair.client.connection.is_leaving());
    assert!(!pair.server.connection.is_through());
    for stream in pair.asked.drain(..) {
        stream.answer(StatusCode::OK, &HeaderMap::new(), true);
    }
    pair.pass(usize::MAX);
    for stream in [before, meanwhile] {
        assert!(matches!(stream.poll_answer(&cx()), Poll::Ready(Ok(_))));
    }
    assert!(pair.server.connection.is_through());
    assert!(pair.client.connection.is_through());
}

#[test]
fn streams_that_a_server_did_not_look_at_are_unseen() {
    let mut pair = Pair::new();
    let [seen, unseen] = [(); 2].map(|()| pair.request(true));
    let goaway = [1_u32.to_be_bytes(), [0; 4]].concat();
    frame::put(&mut pair.client.input, frame::GOAWAY, 0, 0, &goaway);
    pair.client.take().expect("a frame");
    assert!(seen.poll_broken(&cx()).is_pending());
    assert!(matches!(
        unseen.poll_broken(&cx()),
        Poll::Ready(Broken::Unseen)
    ));
    pair.client.connection.close();
    assert!(matches!(
        seen.poll_broken(&cx()),
        Poll::Ready(Broken::Closed)
    ));
}

/// A server that has had settings and, if so, a request whose body is to come.
fn server(asked: bool) -> End {
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

fn head(length: Option<&str>) -> BytesMut {
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
