//! What one stream, or one end, can do to the others: memory, turns, and the last `GOAWAY`.

use std::{
    sync::{Arc, Mutex},
    task::{Context, Poll, Wake, Waker},
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Uri, header};

use super::{
    End, Pair, cx,
    single::{head, server},
};
use crate::{
    connection::{Fault, RequestFields},
    frame::{self, Reason},
    stream::{Broken, Stream},
};

/// Wakes nobody, and notes who would have been.
#[derive(Clone)]
struct Noted {
    number: usize,
    woken: Arc<Mutex<Vec<usize>>>,
}

impl Wake for Noted {
    fn wake(self: Arc<Self>) {
        self.woken.lock().expect("a list").push(self.number);
    }
}

/// A waker that notes `number`, and where it does.
fn noted(number: usize) -> (Arc<Mutex<Vec<usize>>>, Waker) {
    let woken = Arc::new(Mutex::new(Vec::new()));
    let note = Noted {
        number,
        woken: Arc::clone(&woken),
    };
    (woken, Arc::new(note).into())
}

/// Streams of a server whose client takes anything, and the wakers of their tasks.
fn greedy(windows: &[u32]) -> (End, Vec<Stream>) {
    let mut end = server(false);
    frame::put(&mut end.input, frame::WINDOW_UPDATE, 0, 0, &[0x7f, 0, 0, 0]);
    for (number, window) in windows.iter().enumerate() {
        let [a, b, c, d] = window.to_be_bytes();
        let settings = [0, 4, a, b, c, d];
        if number == 0 {
            frame::put(&mut end.input, frame::SETTINGS, 0, 0, &settings);
        }
        let id = u32::try_from(2 * number + 1).expect("a number");
        let flags = frame::END_HEADERS | frame::END_STREAM;
        frame::put(&mut end.input, frame::HEADERS, flags, id, &head(None));
    }
    let streams = end.take().expect("requests");
    end.sent(usize::MAX);
    (end, streams)
}

#[test]
fn streams_that_fill_the_socket_have_their_turns() {
    const MORE: usize = 1 << 20;
    let (end, streams) = greedy(&[frame::MOST; 3]);
    let woken = Arc::new(Mutex::new(vec![0, 1, 2]));
    let mut bodies = [(); 3].map(|()| Bytes::from(vec![0; MORE]));
    for _ in 0..9 {
        for number in std::mem::take(&mut *woken.lock().expect("a list")) {
            let woken = Arc::clone(&woken);
            let waker = Arc::new(Noted { number, woken }).into();
            let cx = Context::from_waker(&waker);
            let sent = streams[number].poll_send(&cx, &mut bodies[number], false);
            assert!(sent.is_pending());
        }
        end.sent(usize::MAX);
    }
    let sent = bodies.map(|body| MORE - body.len());
    assert!(sent[0] > 0);
    assert_eq!(sent, [sent[0]; 3]);
}

#[test]
fn a_stream_whose_own_window_is_closed_is_woken_by_that_alone() {
    let (mut end, streams) = greedy(&[0]);
    let (woken, waker) = noted(1);
    let cx = Context::from_waker(&waker);
    let mut body = Bytes::from_static(b"body");
    assert!(streams[0].poll_send(&cx, &mut body, true).is_pending());
    frame::put(&mut end.input, frame::PING, 0, 0, &[0; 8]);
    end.take().expect("a frame");
    end.sent(usize::MAX);
    assert!(woken.lock().expect("a list").is_empty());
    frame::put(&mut end.input, frame::SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 9]);
    end.take().expect("a frame");
    assert_eq!(*woken.lock().expect("a list"), [1]);
    assert!(streams[0].poll_send(&cx, &mut body, true).is_ready());
}

#[test]
fn a_head_can_wait_for_room() {
    let (end, streams) = greedy(&[frame::MOST; 2]);
    let mut body = Bytes::from(vec![0; 1 << 20]);
    assert!(streams[0].poll_room(&cx()).is_ready());
    assert!(streams[0].poll_send(&cx(), &mut body, true).is_pending());
    let (woken, waker) = noted(1);
    let cx = Context::from_waker(&waker);
    assert!(streams[1].poll_room(&cx).is_pending());
    end.sent(usize::MAX);
    assert_eq!(*woken.lock().expect("a list"), [1]);
    assert!(streams[1].poll_room(&cx).is_ready());
}

#[test]
fn a_peer_that_takes_nothing_is_sent_no_more_requests() {
    let pair = Pair::new();
    let long = HeaderValue::from_str(&"v".repeat(10_000)).expect("a value");
    let headers = HeaderMap::from_iter([(header::COOKIE, long)]);
    let fields = RequestFields {
        method: &Method::GET,
        uri: &Uri::from_static("http://a.local/x"),
        scheme: "http",
        headers: &headers,
    };
    let client = &pair.client.connection;
    // Each is given up at once, as when its time is over.
    let sent = (0..1000).take_while(|_| client.request(&fields, true).is_some());
    let sent = sent.count();
    assert!((300..500).contains(&sent), "{sent}");
    assert!(client.is_leaving());
}

#[test]
fn a_small_piece_keeps_nothing_else() {
    for (length, is_own) in [(100, true), (10_000, false)] {
        let mut end = server(true);
        frame::put(&mut end.input, frame::DATA, 0, 1, &vec![0; length]);
        frame::put(&mut end.input, frame::PING, 1, 0, &[0; 8]);
        let stream = end.take().expect("a request").pop().expect("a stream");
        let Poll::Ready(Some(Ok(data))) = stream.poll_data(&cx()) else {
            panic!("no data");
        };
        assert_eq!(data.len(), length);
        assert_eq!(data.is_unique(), is_own);
    }
}

#[test]
fn what_comes_behind_the_last_goaway_is_passed_over() {
    let mut end = server(true);
    let goaway = |last: u32| [last.to_be_bytes(), [0; 4]].concat();
    end.sent(usize::MAX);
    end.connection.leave();
    let mut told = BytesMut::new();
    frame::put(&mut told, frame::GOAWAY, 0, 0, &goaway(frame::MOST));
    frame::put(&mut told, frame::PING, 0, 0, b"ferromsh");
    assert_eq!(end.sent(usize::MAX), told);
    frame::put(&mut end.input, frame::PING, frame::ACK, 0, b"ferromsh");
    let streams = end.take().expect("a request");
    let mut told = BytesMut::new();
    frame::put(&mut told, frame::GOAWAY, 0, 0, &goaway(1));
    assert!(
        end.sent(usize::MAX).ends_with(&told),
        "the last that it saw"
    );
    // A client may have sent both before it heard.
    frame::put(
        &mut end.input,
        frame::HEADERS,
        frame::END_HEADERS,
        3,
        &head(None),
    );
    frame::put(&mut end.input, frame::DATA, 0, 3, b"abc");
    frame::put(&mut end.input, frame::RST_STREAM, 0, 3, &[0; 4]);
    assert!(end.take().expect("no fault").is_empty());
    assert!(streams[0].poll_broken(&cx()).is_pending());
    // No later one takes back what the last has said.
    end.sent(usize::MAX);
    end.connection.fail(Fault::told(Reason::PROTOCOL_ERROR));
    let last = [1_u32.to_be_bytes(), 1_u32.to_be_bytes()].concat();
    assert!(end.sent(usize::MAX).ends_with(&last));
}

#[test]
fn more_fields_than_envoy_takes_reset_their_stream_alone() {
    for fields in [100, 101, 60_000] {
        let mut end = server(true);
        // `a:`, to be kept, and then again and again.
        let block = [&[0x40, 1, b'a', 0][..], &vec![0xbe; fields - 1]].concat();
        let mut parts = block.chunks(frame::MAX_PAYLOAD);
        let first = parts.next().expect("a part");
        let ends = frame::END_STREAM;
        frame::put(&mut end.input, frame::HEADERS, ends, 1, first);
        for part in parts.chain([&[][..]]) {
            let flags = if part.is_empty() {
                frame::END_HEADERS
            } else {
                0
            };
            frame::put(&mut end.input, frame::CONTINUATION, flags, 1, part);
        }
        let stream = end.take().expect("a request").pop().expect("a stream");
        let reset = Poll::Ready(Broken::Reset(Reason::INTERNAL_ERROR));
        assert_eq!(stream.poll_broken(&cx()) == reset, fields > 100, "{fields}");
    }
}
