use super::*;

const GET: Asked = Asked {
    head: false,
    upgrade: false,
};
const HEAD: Asked = Asked {
    head: true,
    upgrade: false,
};

fn decode(text: &str, asked: Asked) -> Result<ResponseHead, ResponseError> {
    let mut buffer = BytesMut::from(text);
    ResponseDecoder::default()
        .decode(&mut buffer, asked)
        .map(|head| head.expect("a whole head"))
}

#[test]
fn the_status_line_is_read_as_envoy_does() {
    for (line, status) in [
        ("HTTP/1.1 200 OK", 200),
        ("HTTP/1.1 200", 200),
        ("HTTP/1.1\t 404  Very\tFine", 404),
        ("HTTP/1.1 999 \u{e9}", 999),
    ] {
        let head = decode(&format!("{line}\r\n\r\n"), GET).unwrap();
        assert_eq!(head.parts.status.as_u16(), status, "{line}");
    }
    for line in [
        "HTTP/1.1 99 X",
        "HTTP/1.1 1000 X",
        "HTTP/1.1 abc",
        "HTTP/1.1 20",
        "HTTP/1.1 +20",
        "HTTP/1.1 000 X",
        "HTTP/1.1 200 a\x01b",
        "http/1.1 200 OK",
        "ICY 200 OK",
        "HTTP/1.1200 OK",
        "HTTP/1.1",
        "",
        "220 mail.example ESMTP",
    ] {
        let refused = decode(&format!("{line}\r\n\r\n"), GET);
        assert_eq!(refused.unwrap_err(), ResponseError::Syntax, "{line:?}");
    }
}

#[test]
fn the_length_of_a_body_is_clear_or_the_answer_none() {
    use Framing::{Chunked, Length, None, UntilClose};
    let of = |status: u16, fields: &str, asked| {
        decode(&format!("HTTP/1.1 {status} X\r\n{fields}\r\n"), asked).map(|head| head.body)
    };
    let (two, chunked) = ("Content-Length: 2\r\n", "Transfer-Encoding: chunked\r\n");
    for (status, fields, asked, body) in [
        (200, two, GET, Length(2)),
        (200, "Content-Length: 0\r\n", GET, None),
        (200, chunked, GET, Chunked),
        (200, "", GET, UntilClose),
        (200, two, HEAD, None),
        (200, chunked, HEAD, None),
        (200, "", HEAD, None),
        (304, two, GET, None),
        (304, chunked, GET, None),
        (204, "", GET, None),
        (204, "Content-Length: 0\r\n", GET, None),
    ] {
        assert_eq!(of(status, fields, asked), Ok(body), "{status} {fields}");
    }
    for (status, fields) in [
        (204, two),
        (103, two),
        (200, "Content-Length: 2\r\nContent-Length: 2\r\n"),
        (200, "Content-Length: 2, 2\r\n"),
        (200, "Content-Length: a\r\n"),
        (200, "Content-Length:\r\n"),
        (200, "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"),
    ] {
        assert_eq!(
            of(status, fields, GET),
            Err(ResponseError::Length),
            "{status} {fields}"
        );
    }
    for (status, fields) in [
        (204, chunked),
        (200, "Transfer-Encoding: gzip\r\n"),
        (200, "Transfer-Encoding: gzip, chunked\r\n"),
        (200, "Transfer-Encoding: identity\r\n"),
    ] {
        assert_eq!(
            of(status, fields, GET),
            Err(ResponseError::TransferCoding),
            "{status} {fields}"
        );
    }
}

#[test]
fn interim_answers_are_passed_over() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    let head = decode(&format!("{interim}HTTP/1.1 200 OK\r\n\r\n"), GET).unwrap();
    assert_eq!(head.parts.status, 200);
    assert!(head.parts.headers.is_empty());
}

#[test]
fn an_interim_answer_is_remembered() {
    let mut decoder = ResponseDecoder::default();
    let mut buffer = BytesMut::from("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 2");
    assert!(!decoder.has_interim());
    assert!(decoder.decode(&mut buffer, GET).unwrap().is_none());
    assert!(decoder.has_interim());
}

#[test]
fn the_protocol_changes_for_who_asked_alone() {
    let text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
    assert_eq!(decode(text, GET).unwrap_err(), ResponseError::Unasked);
    let asked = Asked {
        upgrade: true,
        ..GET
    };
    assert_eq!(decode(text, asked).unwrap().parts.status, 101);
}

#[test]
fn a_connection_is_kept_where_both_may_go_on() {
    for (text, kept) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", true),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n",
            false,
        ),
        ("HTTP/1.1 200 OK\r\n\r\n", false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n", false),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: Keep-Alive\r\n\r\n",
            true,
        ),
        ("HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\n", false),
        ("HTTP/1.1 204 X\r\n\r\n", true),
    ] {
        assert_eq!(decode(text, GET).unwrap().keep_alive, kept, "{text}");
    }
}

#[test]
fn heads_are_as_long_as_envoys() {
    let of = |length| format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "a".repeat(length));
    assert!(decode(&of(79 * 1024), GET).is_ok());
    assert_eq!(
        decode(&of(80 * 1024), GET).unwrap_err(),
        ResponseError::TooLarge
    );
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: a\r\n".repeat(101));
    assert_eq!(decode(&many, GET).unwrap_err(), ResponseError::TooLarge);
}
