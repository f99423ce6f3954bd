mod model;

use proptest::{collection::vec, prelude::*};

use super::*;

#[test]
fn known_openings() {
    let openings: [(&[u8], Detection); 14] = [
        (b"", Detection::NeedMore),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Detection::Http2),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r", Detection::NeedMore),
        (b"PRI * HTTP/1.1\r\n", Detection::Http1),
        (b"GET / HTTP/1.1\r\n", Detection::Http1),
        (b"\r\nGET / HTTP/1.1\r\n", Detection::Http1),
        (b"GE", Detection::NeedMore),
        (b" GET / HTTP/1.1\r\n", Detection::Opaque),
        (b"\x16\x03\x01\x02\x00\x01", Detection::Tls),
        (b"\x16\x03\x01\x02\x00", Detection::NeedMore),
        (b"\x16\x03\x01\x02\x00\x02", Detection::Opaque),
        (b"\x16\x02", Detection::Opaque),
        (b"\x00\x00\x00\x00", Detection::Opaque),
        (b"220 mail.example ESMTP", Detection::Http1),
    ];
    for (bytes, expected) in openings {
        assert_eq!(detect(bytes), expected, "{:?}", bytes.escape_ascii());
    }
}

/// Bytes that come near to a protocol's opening, cut and changed at random.
fn opening() -> impl Strategy<Value = Vec<u8>> {
    let stems = prop_oneof![
        Just(HTTP2_PREFACE.to_vec()),
        Just(b"GET /index.html HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
        Just(b"\r\nPROPFIND / HTTP/1.1\r\n".to_vec()),
        Just(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec()),
        vec(any::<u8>(), 0..64),
        vec(b'A'..=b'Z', 0..64),
    ];
    (
        stems,
        any::<prop::sample::Index>(),
        any::<Option<u8>>(),
        0usize..80,
    )
        .prop_map(|(mut bytes, place, change, length)| {
            if let Some(change) = change
                && !bytes.is_empty()
            {
                let place = place.index(bytes.len());
                bytes[place] = change;
            }
            bytes.truncate(length);
            bytes
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn the_verdict_is_that_of_the_openings_written_out(first in opening()) {
        prop_assert_eq!(detect(&first), model::detect(&first), "{}", first.escape_ascii());
    }

    #[test]
    fn every_beginning_is_judged_as_the_openings_written_out_judge_it(
        crlf in any::<bool>(),
        method in "[A-Z!~.]{0,40}",
        rest in "[ /\r\n]{0,3}",
    ) {
        let line = format!("{}{method}{rest}", if crlf { "\r\n" } else { "" });
        for end in 0..=line.len() {
            let first = &line.as_bytes()[..end];
            prop_assert_eq!(detect(first), model::detect(first), "{}", first.escape_ascii());
        }
    }

    #[test]
    fn more_bytes_never_change_a_verdict(first in opening(), more in vec(any::<u8>(), 0..64)) {
        let verdict = detect(&first);
        let longer: Vec<u8> = first.iter().chain(&more).copied().collect();
        if verdict != Detection::NeedMore {
            prop_assert_eq!(detect(&longer), verdict);
        }
    }

    #[test]
    fn enough_is_enough(first in vec(any::<u8>(), ENOUGH..2 * ENOUGH), token in any::<bool>()) {
        let first: Vec<u8> =
            if token { first.iter().map(|byte| b'a' + byte % 26).collect() } else { first };
        prop_assert_ne!(detect(&first), Detection::NeedMore);
    }

    #[test]
    fn http2_is_the_preface_and_nothing_else(first in opening()) {
        prop_assert_eq!(detect(&first) == Detection::Http2, first.starts_with(HTTP2_PREFACE));
    }

    #[test]
    fn every_registered_method_is_http1(
        method in "(GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|UPDATEREDIRECTREF|M-SEARCH)",
        path in "/[a-z/]{0,20}",
    ) {
        let line = format!("{method} {path} HTTP/1.1\r\n");
        prop_assert_eq!(detect(line.as_bytes()), Detection::Http1);
    }
}
