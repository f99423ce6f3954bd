use super::*;

fn whole(bytes: &[u8], kind: Kind) -> Message {
    match read(bytes, kind, false) {
        Read::Whole(message, used) => {
            assert_eq!(used, bytes.len());
            message
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_chunked_answer_has_its_body_and_its_trailers() {
    let bytes =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-t: 1\r\n\r\n";
    let message = whole(bytes, Kind::Answer);
    assert_eq!(message.body, b"abc");
    assert_eq!(message.trailers, [("x-t".to_owned(), "1".to_owned())]);
    for cut in 1..bytes.len() {
        let part = read(&bytes[..cut], Kind::Answer, false);
        assert!(matches!(part, Read::Partial(_)), "{cut}: {part:?}");
    }
}

#[test]
fn an_answer_without_framing_ends_with_its_connection() {
    let bytes = b"HTTP/1.1 200 OK\r\n\r\nabc";
    assert!(matches!(read(bytes, Kind::Answer, false), Read::Partial(_)));
    let Read::Whole(message, 22) = read(bytes, Kind::Answer, true) else {
        panic!("no message");
    };
    assert_eq!(
        (message.framing, &message.body[..]),
        (Framing::Close, &b"abc"[..])
    );
}

#[test]
fn answers_without_a_body_end_with_their_head() {
    for status in ["100 Continue", "204 No Content", "304 Not Modified"] {
        let bytes = format!("HTTP/1.1 {status}\r\ncontent-length: 5\r\n\r\n");
        assert_eq!(whole(bytes.as_bytes(), Kind::Answer).framing, Framing::None);
    }
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";
    assert_eq!(whole(head, Kind::AnswerToHead).framing, Framing::None);
}

#[test]
fn what_is_not_certain_is_a_fault() {
    for bytes in [
        "GET / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n",
        "GET / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\ncontent-length: +1\r\n\r\n",
        "GET / HTTP/2.0\r\n\r\n",
        "GET / HTTP/1.1\r\na b: c\r\n\r\n",
        "GET / HTTP/1.1\r\na: c\n b\r\n\r\n",
        "GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nx\r\n",
    ] {
        let read = read(bytes.as_bytes(), Kind::Request, false);
        assert!(matches!(read, Read::Fault(_)), "{bytes:?}: {read:?}");
    }
}
