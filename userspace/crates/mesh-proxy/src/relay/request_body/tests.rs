use std::{future::poll_fn, pin::pin, task::Waker};

use http_body_util::{BodyExt, Channel};
use proptest::{collection::vec, prelude::*};

use super::*;

const KEEP: Keep = Keep::LITTLE;

type Incoming = Channel<Bytes, std::io::Error>;

/// Frames of a body, some of them longer than what is kept together.
fn frames() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let length = prop_oneof![9 => 1..100usize, 1 => Just(KEEP.bytes / 2)];
    vec(
        length.prop_flat_map(|length| vec(any::<u8>(), length)),
        1..8,
    )
}

/// A body whose frames are all there, and that of the request that has it.
fn whole(frames: &[Vec<u8>]) -> RequestBody<Incoming> {
    let (mut sender, channel) = Channel::new(frames.len() + 1);
    for frame in frames {
        let sent = sender.try_send(Frame::data(Bytes::from(frame.clone())));
        assert!(sent.is_ok(), "the channel has room for all");
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", "1".parse().unwrap());
    assert!(sender.try_send(Frame::trailers(trailers)).is_ok());
    RequestBody::new(channel, &Clock::start(None, None), KEEP)
}

/// Takes so many frames, none of which has to be waited for.
fn take(body: &mut RequestBody<Incoming>, count: usize) {
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..count {
        let frame = Pin::new(&mut *body).poll_frame(&mut cx);
        assert!(frame.is_ready());
    }
}

fn read(body: RequestBody<Incoming>) -> (Vec<u8>, bool) {
    let mut collecting = pin!(body.collect());
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(collected) = collecting.as_mut().poll(&mut cx) else {
        panic!("every frame is there already");
    };
    let collected = collected.expect("a body that does not break");
    let has_trailers = collected.trailers().is_some();
    (collected.to_bytes().to_vec(), has_trailers)
}

proptest! {
    #[test]
    fn each_sending_is_whole_or_is_not_made(
        frames in frames(),
        taken in vec(0..8usize, 0..4),
        last in 0..8usize,
    ) {
        let total: usize = frames.iter().map(Vec::len).sum();
        let mut body = whole(&frames);
        let replay = body.replay();
        for count in taken {
            take(&mut body, count.min(frames.len()));
            let Some(again) = replay.again() else {
                prop_assert!(total > KEEP.bytes);
                break;
            };
            body = again;
            prop_assert!(body.size_hint().lower() <= total as u64);
        }
        // An answer may begin while the last sending is anywhere.
        let mut before = Vec::new();
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..last {
            if let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut body).poll_frame(&mut cx)
                && let Ok(data) = frame.into_data()
            {
                before.extend(data);
            }
        }
        replay.settle();
        prop_assert!(replay.again().is_none());
        let (after, _) = read(body);
        let sent = [before, after].concat();
        // What was taken by a sending that was not superseded is not sent by it twice.
        prop_assert!(frames.concat().ends_with(&sent));
        if total <= KEEP.bytes {
            prop_assert_eq!(sent.len(), total);
        }
    }
}

#[test]
fn trailers_are_sent_again() {
    let frames = [b"some".to_vec(), b"thing".to_vec()];
    let mut body = whole(&frames);
    let replay = body.replay();
    take(&mut body, 3);
    let again = replay.again().expect("a short body");
    assert_eq!(read(again), (b"something".to_vec(), true));
}

#[tokio::test]
async fn an_earlier_sending_takes_nothing_from_a_later_one() {
    let mut first = whole(&[b"some".to_vec(), b"thing".to_vec()]);
    let replay = first.replay();
    take(&mut first, 1);
    let again = replay.again().expect("a short body");
    let frame = poll_fn(|cx| Pin::new(&mut first).poll_frame(cx)).await;
    assert!(matches!(frame, Some(Err(BrokenRequest::Superseded))));
    assert_eq!(read(again).0, b"something");
}

#[test]
fn a_body_that_broke_off_is_not_sent_again() {
    let (mut sender, channel) = Incoming::new(1);
    assert!(
        sender
            .try_send(Frame::data(Bytes::from_static(b"some")))
            .is_ok()
    );
    sender.abort(std::io::ErrorKind::ConnectionReset.into());
    let mut body = RequestBody::new(channel, &Clock::start(None, None), KEEP);
    let replay = body.replay();
    let mut cx = Context::from_waker(Waker::noop());
    let broken = std::iter::repeat_with(|| Pin::new(&mut body).poll_frame(&mut cx))
        .take(2)
        .any(|frame| matches!(frame, Poll::Ready(Some(Err(_)))));
    assert!(broken);
    assert!(replay.again().is_none());
}

#[test]
fn a_body_in_more_pieces_than_are_kept_is_sent_once() {
    for (pieces, is_kept) in [(KEEP.pieces, true), (KEEP.pieces + 1, false)] {
        let mut body = whole(&vec![vec![b'x']; pieces]);
        let replay = body.replay();
        take(&mut body, pieces);
        assert_eq!(replay.again().is_some(), is_kept, "{pieces} pieces");
    }
}

/// A body in pieces of one buffer each, of which a part is data.
fn in_buffers(pieces: usize, buffer: usize, length: usize) -> (RequestBody<Incoming>, Vec<Bytes>) {
    let (mut sender, channel) = Channel::new(pieces);
    let buffers: Vec<_> = (0..pieces)
        .map(|_| Bytes::from(vec![b'x'; buffer]))
        .collect();
    for buffer in &buffers {
        let sent = sender.try_send(Frame::data(buffer.slice(..length)));
        assert!(sent.is_ok(), "the channel has room for all");
    }
    let body = RequestBody::new(channel, &Clock::start(None, None), KEEP);
    (body, buffers)
}

#[test]
fn a_small_piece_does_not_hold_the_buffer_that_it_came_in() {
    for (length, is_let_go) in [(1, true), (COPIED - 1, true), (COPIED, false)] {
        let (mut body, buffers) = in_buffers(3, 2 * COPIED, length);
        let replay = body.replay();
        take(&mut body, 3);
        assert!(replay.is_possible());
        let let_go = buffers.iter().all(Bytes::is_unique);
        assert_eq!(let_go, is_let_go, "{length} bytes");
    }
}

#[test]
fn what_is_settled_keeps_only_what_has_still_to_be_sent() {
    let (mut body, buffers) = in_buffers(3, COPIED, COPIED);
    let replay = body.replay();
    take(&mut body, 3);
    let mut again = replay.again().expect("a short body");
    take(&mut again, 1);
    assert!(!buffers.iter().any(Bytes::is_unique));
    replay.settle();
    let let_go: Vec<_> = buffers.iter().map(Bytes::is_unique).collect();
    assert_eq!(let_go, [true, false, false]);
    take(&mut again, 1);
    assert!(buffers[1].is_unique());
    assert_eq!(again.size_hint().lower(), COPIED as u64);
}
