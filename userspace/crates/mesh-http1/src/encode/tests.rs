use http::{HeaderName, HeaderValue};
use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    Framing,
    request::RequestDecoder,
    response::{Asked, ResponseDecoder},
};

const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

fn map(fields: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        (name, HeaderValue::from_str(value).unwrap())
    };
    fields.iter().map(pair).collect()
}

fn text(out: &BytesMut) -> &str {
    std::str::from_utf8(out).unwrap()
}

#[test]
fn requests_say_how_long_they_are() {
    for (method, fields, has_body, framing, outgoing) in [
        (Method::GET, &[][..], false, "", Outgoing::None),
        (
            Method::POST,
            &[],
            false,
            "content-length: 0\r\n",
            Outgoing::None,
        ),
        (
            Method::OPTIONS,
            &[],
            false,
            "content-length: 0\r\n",
            Outgoing::None,
        ),
        (Method::DELETE, &[], false, "", Outgoing::None),
        (
            Method::GET,
            &[],
            true,
            "transfer-encoding: chunked\r\n",
            Outgoing::Chunked,
        ),
        (
            Method::POST,
            &[("content-length", "3")],
            true,
            "content-length: 3\r\n",
            Outgoing::Length(3),
        ),
        (
            Method::GET,
            &[("content-length", "0")],
            false,
            "content-length: 0\r\n",
            Outgoing::Length(0),
        ),
    ] {
        let mut out = BytesMut::new();
        let is = request(&mut out, &method, "/x", &map(fields), has_body);
        assert_eq!(text(&out), format!("{method} /x HTTP/1.1\r\n{framing}\r\n"));
        assert_eq!(is, outgoing);
    }
}

#[test]
fn answers_say_how_long_they_are() {
    let length = &[("content-length", "3")][..];
    let (chunked, empty) = ("transfer-encoding: chunked\r\n", "content-length: 0\r\n");
    for (status, fields, to_head, has_body, framing, outgoing) in [
        (200, &[][..], false, true, chunked, Outgoing::Chunked),
        (200, &[], false, false, empty, Outgoing::None),
        (
            200,
            length,
            false,
            true,
            "content-length: 3\r\n",
            Outgoing::Length(3),
        ),
        (
            200,
            length,
            true,
            false,
            "content-length: 3\r\n",
            Outgoing::None,
        ),
        (200, &[], true, false, chunked, Outgoing::None),
        (304, &[], false, false, "", Outgoing::None),
        (
            304,
            length,
            false,
            false,
            "content-length: 3\r\n",
            Outgoing::None,
        ),
        (204, length, false, false, "", Outgoing::None),
        (101, &[], false, false, "", Outgoing::None),
    ] {
        let mut out = BytesMut::new();
        let answer = Answer {
            to_head,
            has_body,
            close: false,
            date: DATE,
        };
        let headers = map(fields);
        let is = response(
            &mut out,
            StatusCode::from_u16(status).unwrap(),
            &headers,
            answer,
        );
        let (_, fields) = text(&out).split_once("\r\n").unwrap();
        let fields = fields.replace(&format!("date: {DATE}\r\n"), "");
        assert_eq!(fields, format!("{framing}\r\n"), "{status}");
        assert_eq!(is, outgoing, "{status}");
    }
}

#[test]
fn an_answer_closes_and_keeps_its_own_date() {
    let mut out = BytesMut::new();
    let answer = Answer {
        to_head: false,
        has_body: false,
        close: true,
        date: DATE,
    };
    response(
        &mut out,
        StatusCode::from_u16(599).unwrap(),
        &map(&[("date", "then")]),
        answer,
    );
    let expected = "HTTP/1.1 599 Last Unassigned Server Error Code\r\ndate: then\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(text(&out), expected);
}

#[test]
fn reasons_are_those_that_envoy_gives() {
    for (status, expected) in [
        (200, "OK"),
        (204, "No Content"),
        (418, "Unknown"),
        (431, "Request Header Fields Too Large"),
        (503, "Service Unavailable"),
        (599, "Last Unassigned Server Error Code"),
        (999, "Unknown"),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(reason(status), expected, "{status}");
    }
}

fn headers() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let value = vec(prop_oneof![b'!'..=b'~', Just(0xe9u8)], 0..6);
    vec(("x-[a-z]{1,3}", value), 0..8)
}

fn decoded(fields: &[(String, Vec<u8>)]) -> HeaderMap {
    let pair = |(name, value): &(String, Vec<u8>)| {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        (name, HeaderValue::from_bytes(value).unwrap())
    };
    fields.iter().map(pair).collect()
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(fields in headers(), body in proptest::option::of(vec(any::<u8>(), 1..50)), is_long in any::<bool>()) {
        let mut headers = decoded(&fields);
        if let (Some(body), true) = (&body, is_long) {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        let expected = match (&body, is_long) {
            (None, _) => Framing::None,
            (Some(body), true) => Framing::Length(body.len() as u64),
            (Some(_), false) => Framing::Chunked,
        };
        let mut out = BytesMut::new();
        request(&mut out, &Method::PUT, "/a?b", &headers, body.is_some());
        let head = RequestDecoder::default().decode(&mut out).unwrap().unwrap();
        prop_assert!(out.is_empty());
        prop_assert_eq!(head.body, expected);
        let mut read = head.parts.headers;
        if !is_long || body.is_none() {
            read.remove(header::CONTENT_LENGTH);
            read.remove(header::TRANSFER_ENCODING);
        }
        prop_assert_eq!(&read, &headers);

        let answer = Answer { to_head: false, has_body: body.is_some(), close: false, date: DATE };
        response(&mut out, StatusCode::OK, &headers, answer);
        let head = ResponseDecoder::default().decode(&mut out, Asked::by(&Method::GET)).unwrap().unwrap();
        prop_assert_eq!(head.body, expected);
        prop_assert!(head.keep_alive);
    }

    #[test]
    fn chunks_are_read_again(pieces in vec(vec(any::<u8>(), 1..300), 0..5)) {
        let mut out = BytesMut::new();
        for piece in &pieces {
            chunk_size(&mut out, piece.len());
            out.put_slice(piece);
            out.put_slice(CHUNK_END);
        }
        out.put_slice(LAST_CHUNK);
        let mut decoder = crate::body::BodyDecoder::new(Framing::Chunked);
        let mut data = Vec::new();
        while let Some(some) = decoder.decode(&mut out).unwrap() {
            data.extend_from_slice(&some);
        }
        prop_assert!(decoder.is_end() && out.is_empty());
        prop_assert_eq!(data, pieces.concat());
    }
}
