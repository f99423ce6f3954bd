use std::net::Ipv4Addr;

use tokio::{io::AsyncWriteExt, net::TcpListener};

use super::*;

/// What is heard of a client that says this and is silent from then on, and after how long.
fn heard(first: FirstWord, said: &[u8]) -> (Heard, Duration) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let to = listener.local_addr().unwrap();
        let mut client = TcpStream::connect(to).await.unwrap();
        let (mut accepted, _) = listener.accept().await.unwrap();
        client.write_all(said).await.unwrap();
        if !said.is_empty() {
            accepted.readable().await.unwrap();
        }
        let began = Instant::now();
        let heard = Opening::default().hear(&mut accepted, first).await;
        (heard.unwrap(), began.elapsed())
    })
}

#[test]
fn a_client_that_does_not_tell_is_late_after_15_s() {
    let limit = Duration::from_secs(15);
    assert_eq!(heard(FirstWord::Client, b"").0, Heard::Late);
    for first in [FirstWord::Client, FirstWord::Either] {
        let (heard, after) = heard(first, b"\x16\x03\x01\x02");
        assert_eq!(heard, Heard::Late);
        assert!((limit..2 * limit).contains(&after), "{after:?}");
    }
}

#[test]
fn a_silent_client_leaves_the_word_to_a_server_that_may_have_it() {
    let (heard, after) = heard(FirstWord::Either, b"");
    assert_eq!(heard, Heard::Nothing);
    assert!(after < Duration::from_secs(1), "{after:?}");
}

#[test]
fn what_is_no_tls_is_heard_at_once() {
    for first in [FirstWord::Client, FirstWord::Either] {
        let (heard, after) = heard(first, b"GET");
        assert_eq!((heard, after), (Heard::Other, Duration::ZERO));
    }
}
