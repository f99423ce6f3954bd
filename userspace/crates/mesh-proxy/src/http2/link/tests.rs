use std::{future::poll_fn, time::Duration};

use bytes::{BufMut, BytesMut};
use mesh_http2::frame::PREFACE;
use tokio::{
    net::{TcpListener, TcpStream},
    time::Instant,
};

use super::*;

struct Uncounted;

impl ByteCount for Uncounted {
    fn received(&self, _: u64) {}
    fn sent(&self, _: u64) {}
}

const PING: u8 = 6;
const GOAWAY: u8 = 7;

fn frame(out: &mut BytesMut, kind: u8, flags: u8, payload: &[u8]) {
    out.put_uint(payload.len() as u64, 3);
    out.put_slice(&[kind, flags, 0, 0, 0, 0]);
    out.put_slice(payload);
}

/// A socket that takes no more, and its peer, which reads nothing.
async fn full_socket() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let peer = TcpStream::connect(address).await.unwrap();
    let (socket, _) = listener.accept().await.unwrap();
    socket.writable().await.unwrap();
    while socket.try_write(&[0; 16 * 1024]).is_ok() {}
    (socket, peer)
}

/// How long a connection lasts whose peer reads nothing. `sent` is what came from it.
async fn lasts(end: Connection, sent: BytesMut) -> (Ended, Duration) {
    let (socket, _peer) = full_socket().await;
    let socket = Metered::new(socket, Bytes::new(), Uncounted);
    let mut link = Link::new(socket, sent.freeze(), end);
    let begun = Instant::now();
    let ended = poll_fn(|cx| link.poll(cx, |_, _| ())).await;
    link.close(ended).await;
    (ended, begun.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_given_up_however_its_connection_ends() {
    let mut greeting = BytesMut::from(PREFACE);
    frame(&mut greeting, 4, 0, &[]);
    let after = |more: &dyn Fn(&mut BytesMut)| {
        let mut sent = greeting.clone();
        more(&mut sent);
        sent
    };
    let left = || {
        let end = Connection::server();
        end.leave();
        end
    };
    let gone = || {
        let end = Connection::client();
        end.leave();
        end
    };
    let settings = greeting.clone().split_off(PREFACE.len());
    for (how, end, sent) in [
        (
            "the peer breaks the protocol",
            Connection::server(),
            after(&|sent| frame(sent, PING, 0, b"short")),
        ),
        (
            "the peer floods",
            Connection::server(),
            after(&|sent| (0..1001).for_each(|_| frame(sent, PING, 0, &[0; 8]))),
        ),
        (
            "the server drains or was idle",
            left(),
            after(&|sent| frame(sent, PING, 1, b"ferromsh")),
        ),
        ("the client was idle", gone(), BytesMut::new()),
        ("the server leaves", Connection::client(), {
            let mut sent = settings;
            frame(&mut sent, GOAWAY, 0, &[0; 8]);
            sent
        }),
    ] {
        let (ended, lasted) = lasts(end, sent).await;
        assert_eq!(ended, Ended::Gone, "{how}");
        let late = lasted.checked_sub(DELAYED_CLOSE).expect(how);
        assert!(late <= Duration::from_millis(5), "{how}: {late:?}");
    }
}

#[tokio::test]
async fn no_stream_outlives_its_socket() {
    let (socket, _peer) = full_socket().await;
    let end = Connection::client();
    let socket = Metered::new(socket, Bytes::new(), Uncounted);
    let link = Link::new(socket, Bytes::new(), end.clone());
    assert!(!end.is_over());
    drop(link);
    assert!(end.is_over());
}
