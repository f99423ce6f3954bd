mod pieces;
mod targets;

use super::*;

fn decode(text: &[u8]) -> Result<RequestHead, RequestError> {
    let mut buffer = BytesMut::from(text);
    RequestDecoder::default()
        .decode(&mut buffer)
        .map(|head| head.expect("a whole head"))
}

/// A request with this line and these further fields.
fn request(line: &str, fields: &str) -> Vec<u8> {
    format!("{line}\r\nHost: b.local\r\n{fields}\r\n").into_bytes()
}

fn refusal(text: &[u8]) -> RequestError {
    match decode(text) {
        Ok(head) => panic!("{:?} is {head:?}", String::from_utf8_lossy(text)),
        Err(error) => error,
    }
}

#[test]
fn a_head_is_read_into_its_parts() {
    let head = decode(
        b"\r\nPOST /a?b HTTP/1.1\r\nHOST: b.local\r\nX-B: 1\r\nX-a:\t2 \r\nx-b:\r\n\
          Content-Length: 3\r\nConnection: Keep-Alive, CLOSE\r\nExpect: 100-Continue\r\n\r\n",
    )
    .unwrap();
    assert_eq!(head.parts.method, Method::POST);
    assert_eq!(head.parts.uri, "/a?b");
    let fields: Vec<(&str, &[u8])> = head
        .parts
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    assert_eq!(
        fields[..4],
        [
            ("host", &b"b.local"[..]),
            ("x-b", b"1"),
            ("x-b", b""),
            ("x-a", b"2"),
        ]
    );
    assert_eq!(head.body, Framing::Length(3));
    assert!(!head.keep_alive && head.expects_continue && !head.asks_upgrade);
}

#[test]
fn lines_that_are_odd_and_clear_are_read() {
    for text in [
        &b"GET / HTTP/1.1\nHost: b.local\nX: a b\n\n"[..],
        b"GET \t /  HTTP/1.1 \r\nHost: b.local\r\nX: a\r\n b\r\n\r\n",
        b"\n\r\n\nGET / HTTP/1.1\r\nHost: b.local\r\nX:\r\n a  \r\n \r\n\tb\r\n\r\n",
    ] {
        let head = decode(text).unwrap();
        assert_eq!(head.parts.uri, "/");
        let value = head.parts.headers["x"].to_str().unwrap();
        let words: Vec<&str> = value.split_ascii_whitespace().collect();
        assert_eq!(words, ["a", "b"]);
        assert_eq!(value.trim_ascii(), value);
    }
    for value in [&b"\xe9"[..], b"a\tb", b""] {
        let text = [
            b"GET / HTTP/1.1\r\nHost: x\r\nX_!#$%&'*+-.^`|~: ",
            value,
            b"\r\n\r\n",
        ]
        .concat();
        let head = decode(&text).unwrap();
        assert_eq!(head.parts.headers["x_!#$%&'*+-.^`|~"].as_bytes(), value);
    }
}

#[test]
fn lines_that_are_none_are_refused() {
    for line in [
        " GET / HTTP/1.1",
        "GET",
        "GET ",
        "get / HTTP/1.1",
        "M-SEARCH / HTTP/1.1",
        "G@T / HTTP/1.1",
        "GET /a b HTTP/1.1",
        "GET / HTTP/1.10",
        "GET / HTTP/1",
        "GET / http/1.1",
        "GET / HTTP/1.1x",
        "PRI * HTTP/2",
        "",
    ] {
        if !line.is_empty() {
            assert_eq!(
                refusal(&request(line, "")),
                RequestError::Syntax,
                "{line:?}"
            );
        }
    }
    for field in [
        "X A: v",
        "X\tA: v",
        "X-A : v",
        ": v",
        "X@A: v",
        "X\rA: v",
        "X\0A: v",
        "é: v",
        "no colon",
        "X: \0",
        "X: a\x01b",
        "X: a\x7fb",
        "X: a\rb",
        "X: a\r",
        ":x: y",
    ] {
        let text = request("GET / HTTP/1.1", &format!("{field}\r\n"));
        assert_eq!(refusal(&text), RequestError::Syntax, "{field:?}");
    }
    assert_eq!(
        refusal(b"GET / HTTP/1.1\r\n X: a\r\n\r\n"),
        RequestError::Syntax
    );
    assert_eq!(
        refusal(b"\x16\x03\x01\x02\0\x01\r\n\r\n"),
        RequestError::Syntax
    );
}

#[test]
fn blanks_and_control_characters_before_a_line_are_refused_at_once() {
    let decode = |begun: &[u8]| RequestDecoder::default().decode(&mut BytesMut::from(begun));
    for begun in [&b"\x16\x03\x01"[..], b" ", b"\t", b"\r\n\0"] {
        let decoded = decode(begun);
        assert!(matches!(decoded, Err(RequestError::Syntax)), "{decoded:?}");
    }
    for begun in [&b"\r"[..], b"\r\n\r", b"\rx", b"g", b"\x7f", b"\x80"] {
        let decoded = decode(begun);
        assert!(matches!(decoded, Ok(None)), "{decoded:?}");
    }
}

#[test]
fn a_line_without_a_version_is_refused_before_anything_follows() {
    let of = |text: &[u8]| {
        RequestDecoder::default()
            .decode(&mut BytesMut::from(text))
            .map(|_| ())
    };
    for text in ["GET /\r\n", "GET / \n", "\r\nGET /x\r\nHost: b.local\r\n"] {
        assert_eq!(of(text.as_bytes()), Err(RequestError::Version), "{text:?}");
    }
    for text in ["GET / HTTP/1.0\r\n", "GET\r\n", "GET /", "GET / a b\r\n"] {
        assert_eq!(of(text.as_bytes()), Ok(()), "{text:?}");
    }
    assert_eq!(of(b"GET HTTP/1.1\r\n"), Err(RequestError::Target));
    assert_eq!(of(b"get /\r\n"), Err(RequestError::Syntax));
}

#[test]
fn other_versions_are_told_from_what_is_none() {
    for line in [
        "GET / HTTP/1.0",
        "GET / HTTP/0.9",
        "GET / HTTP/1.2",
        "GET / HTTP/2.0",
        "GET /",
    ] {
        assert_eq!(refusal(&request(line, "")), RequestError::Version, "{line}");
    }
    assert_eq!(refusal(b"GET / HTTP/1.0\r\n\r\n"), RequestError::Version);
    assert_eq!(
        refusal(&request("GET / HTTP/1.0", "a b: c\r\n")),
        RequestError::Syntax
    );
    assert_eq!(
        refusal(&request("GET foo HTTP/1.0", "")),
        RequestError::Target
    );
}

#[test]
fn the_length_of_a_body_is_clear_or_the_request_refused() {
    let post = |fields: &str| request("POST / HTTP/1.1", fields);
    for (fields, framing) in [
        ("", Framing::None),
        ("Content-Length: 0\r\n", Framing::None),
        ("Content-Length:\t003 \r\n", Framing::Length(3)),
        (
            "Content-Length: 18446744073709551615\r\n",
            Framing::Length(u64::MAX),
        ),
        ("Transfer-Encoding: Chunked \r\n", Framing::Chunked),
        ("Transfer-Encoding:\r\n chunked\r\n", Framing::Chunked),
    ] {
        assert_eq!(decode(&post(fields)).unwrap().body, framing, "{fields}");
    }
    for value in [
        "",
        "+3",
        "-3",
        "0x3",
        "3a",
        "3, 3",
        "3 3",
        "18446744073709551616",
    ] {
        let text = post(&format!("Content-Length: {value}\r\n"));
        assert_eq!(refusal(&text), RequestError::Length, "{value}");
    }
    for fields in [
        "Content-Length: 3\r\nContent-Length: 3\r\n",
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
    ] {
        assert_eq!(refusal(&post(fields)), RequestError::Length, "{fields}");
    }
    for value in [
        "",
        "gzip",
        "identity",
        "gzip, chunked",
        "chunked, chunked",
        "chunked;q=1",
        "chunked,",
    ] {
        let text = post(&format!("Transfer-Encoding: {value}\r\n"));
        assert_eq!(refusal(&text), RequestError::TransferCoding, "{value}");
    }
    let twice = "Transfer-Encoding: chunked\r\n".repeat(2);
    assert_eq!(refusal(&post(&twice)), RequestError::TransferCoding);
    let connect = |fields| refusal(&request("CONNECT b.local:80 HTTP/1.1", fields));
    assert_eq!(connect("Content-Length: 3\r\n"), RequestError::Body);
    assert_eq!(
        connect("Transfer-Encoding: chunked\r\n"),
        RequestError::TransferCoding
    );
}

#[test]
fn one_host_or_none_is_taken() {
    let with = |hosts: &[&str]| {
        let lines: Vec<String> = hosts
            .iter()
            .map(|host| format!("Host: {host}\r\n"))
            .collect();
        let lines = lines.concat();
        decode(format!("GET / HTTP/1.1\r\n{lines}\r\n").as_bytes())
    };
    for hosts in [
        &[][..],
        &[""],
        &["b.local"],
        &["B_1.local:80"],
        &["[::1]:80"],
        &["a@b"],
    ] {
        assert!(with(hosts).is_ok(), "{hosts:?}");
    }
    for hosts in [
        &["b.local", "b.local"][..],
        &["b.local, b.local"],
        &["b local"],
        &["b/"],
        &["b?"],
        &["b#"],
        &["b\\"],
        &["b\"c"],
        &["bé"],
        &["b\tc"],
    ] {
        assert_eq!(
            with(hosts).unwrap_err(),
            RequestError::Authority,
            "{hosts:?}"
        );
    }
}

#[test]
fn connection_takes_no_field_away_that_is_not_the_clients() {
    for name in [
        "x-forwarded-for",
        "X-Forwarded-Host",
        "x-forwarded-proto",
        ":path",
    ] {
        let text = request("GET / HTTP/1.1", &format!("Connection: a, {name}\r\n"));
        assert_eq!(refusal(&text), RequestError::ConnectionField, "{name}");
    }
    let head = decode(&request("GET / HTTP/1.1", "Connection: Host\r\n")).unwrap();
    assert!(!head.parts.headers.contains_key("host"));
    let old = decode(&request("GET / HTTP/1.1", "Proxy-Connection: close\r\n")).unwrap();
    assert!(!old.keep_alive);
}

#[test]
fn an_upgrade_is_asked_for_by_two_fields() {
    for (fields, asks) in [
        ("Connection: Upgrade\r\nUpgrade: websocket\r\n", true),
        ("Connection: keep-alive, upgrade\r\nUpgrade: foo\r\n", true),
        ("Upgrade: websocket\r\n", false),
        ("Connection: Upgrade\r\n", false),
        (
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: H2C\r\n",
            false,
        ),
    ] {
        let head = decode(&request("GET / HTTP/1.1", fields)).unwrap();
        assert_eq!(head.asks_upgrade, asks, "{fields}");
    }
    let to = |protocol: &str| {
        let fields = format!("Connection: Upgrade\r\nUpgrade: {protocol}\r\nContent-Length: 3\r\n");
        request("POST / HTTP/1.1", &fields)
    };
    assert_eq!(refusal(&to("WebSocket")), RequestError::Body);
    assert!(decode(&to("foo")).unwrap().asks_upgrade);
}

#[test]
fn heads_are_as_long_as_envoys() {
    let field = |length| request("GET / HTTP/1.1", &format!("X: {}\r\n", "a".repeat(length)));
    assert!(decode(&field(59 * 1024)).is_ok());
    assert_eq!(refusal(&field(60 * 1024)), RequestError::TooLarge);
    let endless = [&b"GET /"[..], &vec![b'a'; 61 * 1024]].concat();
    assert_eq!(refusal(&endless), RequestError::TooLarge);
    let fields = |count| request("GET / HTTP/1.1", &"X: a\r\n".repeat(count));
    assert!(decode(&fields(99)).is_ok());
    assert_eq!(refusal(&fields(100)), RequestError::TooLarge);
    // What follows a head is none of it.
    let behind = [&request("GET / HTTP/1.1", "")[..], &vec![b'a'; 100 * 1024]].concat();
    assert!(decode(&behind).is_ok());
}
