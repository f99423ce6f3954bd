//! Two ends joined back to back: what one sends comes whole to the other.

use std::task::Poll;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use proptest::prelude::*;

use super::{Pair, cx};
use crate::{
    frame::{self, Reason},
    stream::{Broken, Stream},
};

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
        prop_assert_eq!(pair.client.connection.left(), None);
        pair.client.connection.leave();
        prop_assert_eq!(pair.client.connection.left(), Some(0));
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
    assert_eq!(pair.server.connection.left(), None);
    for stream in pair.asked.drain(..) {
        stream.answer(StatusCode::OK, &HeaderMap::new(), true);
    }
    pair.pass(usize::MAX);
    for stream in [before, meanwhile] {
        assert!(matches!(stream.poll_answer(&cx()), Poll::Ready(Ok(_))));
    }
    assert_eq!(pair.server.connection.left(), Some(0));
    assert_eq!(pair.client.connection.left(), Some(0));
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
