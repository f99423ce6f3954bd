use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use proptest::prelude::*;

use super::{Field, HpackError, Name, decoder::Decoder, encoder, huffman};

fn field(name: Name, value: &str) -> Field {
    let value = HeaderValue::from_str(value).expect("a value");
    Field { name, value }
}

fn hex(text: &str) -> Bytes {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let bytes = digits.chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).expect("digits");
        u8::from_str_radix(pair, 16).expect("two digits")
    });
    bytes.collect()
}

#[test]
fn the_examples_of_the_rfc_decode() {
    // RFC 7541, appendix C.4: three requests on one connection.
    let blocks = [
        "828684418cf1e3c2e5f23a6ba0ab90f4ff",
        "828684be5886a8eb10649cbf",
        "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
    ];
    let www = || field(Name::Authority, "www.example.com");
    let own = |name: &'static str| Name::Field(HeaderName::from_static(name));
    let expected = [
        vec![
            field(Name::Method, "GET"),
            field(Name::Scheme, "http"),
            field(Name::Path, "/"),
            www(),
        ],
        vec![
            field(Name::Method, "GET"),
            field(Name::Scheme, "http"),
            field(Name::Path, "/"),
            www(),
            field(own("cache-control"), "no-cache"),
        ],
        vec![
            field(Name::Method, "GET"),
            field(Name::Scheme, "https"),
            field(Name::Path, "/index.html"),
            www(),
            field(own("custom-key"), "custom-value"),
        ],
    ];
    let mut decoder = Decoder::default();
    for (block, expected) in blocks.into_iter().zip(expected) {
        assert_eq!(decoder.decode(hex(block)), Ok(expected));
    }
}

#[test]
fn rare_symbols_and_padding_decode() {
    // "\u{1}" has a code of 23 bits, "ÿ" (as one byte) one of 26.
    assert_eq!(huffman::decode(&hex("ffffb1")), Ok(vec![1]));
    assert_eq!(huffman::decode(&hex("fffffbbf")), Ok(vec![0xff]));
    assert_eq!(huffman::decode(&[]), Ok(Vec::new()));
    // A whole byte of padding, padding of zeros, and the end within the text.
    for text in ["1fff", "18", "fffffffc"] {
        assert_eq!(
            huffman::decode(&hex(text)),
            Err(HpackError::Compression),
            "{text}"
        );
    }
}

#[test]
fn what_is_no_field_is_refused() {
    for (block, error) in [
        ("0003412d410131", HpackError::Malformed),
        ("00000131", HpackError::Malformed),
        ("0003782d610100", HpackError::Malformed),
        ("00043a6f64640131", HpackError::Malformed),
        ("ffffffff", HpackError::Compression),
        ("fe", HpackError::Compression),
        ("80", HpackError::Compression),
        ("0003782d", HpackError::Compression),
        // A size behind a field, and one that was not offered.
        ("8220", HpackError::Compression),
        ("3fe21f", HpackError::Compression),
    ] {
        assert_eq!(Decoder::default().decode(hex(block)), Err(error), "{block}");
    }
}

#[test]
fn a_list_of_small_references_to_a_large_entry_is_too_large() {
    let mut block = BytesMut::from(&hex("4003782d61")[..]);
    block.extend_from_slice(&hex("7f8117"));
    block.extend_from_slice(&[b'v'; 3072]);
    block.extend_from_slice(&[0xbe; 30]);
    assert_eq!(
        Decoder::default().decode(block.freeze()),
        Err(HpackError::TooLarge)
    );
}

fn name() -> impl Strategy<Value = HeaderName> {
    prop_oneof![
        "[a-z][a-z0-9-]{0,20}",
        Just("content-length".to_owned()),
        Just("www-authenticate".to_owned()),
    ]
    .prop_map(|name| HeaderName::try_from(name).expect("a name"))
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_the_same(
        all in prop::collection::vec((name(), "[ -~]{0,200}"), 0..20),
        status in 100_u16..600,
        path in "/[a-z]{0,300}",
    ) {
        let mut headers = HeaderMap::new();
        for (name, value) in &all {
            headers.append(name, HeaderValue::from_str(value).expect("a value"));
        }
        let status = StatusCode::from_u16(status).expect("a status");
        let mut block = BytesMut::new();
        encoder::no_table(&mut block);
        encoder::method(&mut block, &Method::PATCH);
        encoder::path(&mut block, path.as_bytes());
        encoder::status(&mut block, status);
        encoder::fields(&mut block, &headers);
        let decoded = Decoder::default().decode(block.freeze()).expect("a block");
        prop_assert_eq!(&decoded[0], &field(Name::Method, "PATCH"));
        prop_assert_eq!(&decoded[1], &field(Name::Path, &path));
        prop_assert_eq!(&decoded[2], &field(Name::Status, status.as_str()));
        let mut again = HeaderMap::new();
        for one in &decoded[3..] {
            let Name::Field(name) = &one.name else { panic!("a pseudo header") };
            again.append(name, one.value.clone());
        }
        prop_assert_eq!(again, headers);
    }

    #[test]
    fn any_bytes_decode_or_are_refused(blocks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..5)) {
        let mut decoder = Decoder::default();
        for block in blocks {
            if decoder.decode(Bytes::from(block)).is_err() {
                break;
            }
        }
    }
}
