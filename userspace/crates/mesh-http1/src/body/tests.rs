use proptest::{collection::vec, prelude::*};

use super::*;

/// Decodes what comes in these pieces; the data, what is left, and how it ended.
fn decode<'a>(
    framing: Framing,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<u8>, Vec<u8>, Result<(), BodyError>) {
    let mut decoder = BodyDecoder::new(framing);
    let (mut buffer, mut data) = (BytesMut::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut buffer) {
                Ok(Some(some)) => data.extend_from_slice(&some),
                Ok(None) => break,
                Err(error) => return (data, buffer.to_vec(), Err(error)),
            }
        }
    }
    let ended = if decoder.is_end() {
        Ok(())
    } else {
        decoder.close()
    };
    (data, buffer.to_vec(), ended)
}

/// A body in chunks, read in the simplest way that there is; none if it is not whole or none.
fn naive(mut text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut data = Vec::new();
    loop {
        let end = text.windows(2).position(|two| two == b"\r\n")?;
        let line = String::from_utf8_lossy(&text[..end]);
        text = &text[end + 2..];
        let (size, extension) = line.split_once(';').unwrap_or((&line, ""));
        let size = size.trim_end_matches([' ', '\t']);
        if extension
            .bytes()
            .any(|byte| byte.is_ascii_control() && byte != b'\t')
            || !size.bytes().all(|digit| digit.is_ascii_hexdigit())
        {
            return None;
        }
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            break;
        }
        data.extend_from_slice(text.get(..size)?);
        text = text.get(size..)?.strip_prefix(b"\r\n")?;
    }
    let mut fields: Vec<Vec<u8>> = Vec::new();
    loop {
        let end = text.iter().position(|byte| *byte == b'\n')?;
        let line = text[..end].strip_suffix(b"\r").unwrap_or(&text[..end]);
        text = &text[end + 1..];
        match (line, fields.last_mut()) {
            ([], _) => break,
            ([b' ' | b'\t', ..], Some(folded)) => folded.extend_from_slice(line),
            _ => fields.push(line.to_vec()),
        }
    }
    for field in fields {
        let colon = field.iter().position(|byte| *byte == b':')?;
        http::HeaderName::from_bytes(&field[..colon]).ok()?;
        http::HeaderValue::from_bytes(&field[colon + 1..]).ok()?;
    }
    Some((data, text))
}

/// Bodies in chunks, most of them right.
fn chunked() -> impl Strategy<Value = Vec<u8>> {
    let chunk = (vec(any::<u8>(), 1..40), "(;[a-z=\" ]{0,5})?", "0{0,2}").prop_map(
        |(data, extension, zeros)| {
            let mut chunk = format!("{zeros}{:x}{extension}\r\n", data.len()).into_bytes();
            chunk.extend(data);
            chunk.extend(b"\r\n");
            chunk
        },
    );
    let trailers = "(x-[a-z]: [a-z]{0,3}\r?\n([ \t][a-z:]{0,2}\r?\n)?){0,2}\r?\n";
    let change = prop_oneof![
        3 => Just(None),
        1 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(Some),
    ];
    (vec(chunk, 0..5), trailers, "[a-z]{0,4}", change).prop_map(
        |(chunks, trailers, behind, change)| {
            let mut text = chunks.concat();
            text.extend(format!("0\r\n{trailers}{behind}").into_bytes());
            if let Some((place, byte)) = change {
                let place = place.index(text.len());
                text[place] = byte;
            }
            text
        },
    )
}

proptest! {
    #[test]
    fn chunks_are_read_as_by_a_naive_reader(text in chunked()) {
        let (data, rest, ended) = decode(Framing::Chunked, [&text[..]]);
        match naive(&text) {
            Some(expected) => {
                prop_assert_eq!(ended, Ok(()));
                prop_assert_eq!((data, &rest[..]), expected);
            }
            None => prop_assert!(ended.is_err()),
        }
    }

    #[test]
    fn it_does_not_matter_how_the_bytes_come(text in chunked(), length in 0..60u64) {
        for framing in [Framing::Chunked, Framing::Length(length), Framing::UntilClose] {
            let whole = decode(framing, [&text[..]]);
            let single = decode(framing, text.chunks(1));
            prop_assert_eq!(&whole.0, &single.0);
            prop_assert_eq!(whole.2, single.2);
            for split in 0..text.len() {
                let halves = decode(framing, [&text[..split], &text[split..]]);
                prop_assert_eq!((&whole.0, whole.2), (&halves.0, halves.2));
                if whole.2.is_ok() {
                    prop_assert_eq!(&whole.1, &halves.1);
                }
            }
        }
    }

    #[test]
    fn a_length_takes_so_much_and_leaves_the_rest(text in vec(any::<u8>(), 0..50), length in 0..60usize) {
        let (data, rest, ended) = decode(Framing::Length(length as u64), [&text[..]]);
        prop_assert_eq!([data, rest].concat(), text.clone());
        prop_assert_eq!(ended.is_ok(), text.len() >= length);
    }
}

#[test]
fn what_two_readers_could_take_for_two_things_is_refused() {
    for text in [
        "3\nabc\r\n0\r\n\r\n",
        "3;a\nabc\r\n0\r\n\r\n",
        "3\r\nabc\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "3;a\x01\r\nabc\r\n0\r\n\r\n",
        " 3\r\nabc\r\n0\r\n\r\n",
        "0x3\r\nabc\r\n0\r\n\r\n",
        "+3\r\nabc\r\n0\r\n\r\n",
        "\r\nabc\r\n0\r\n\r\n",
        "3 4\r\nabc\r\n0\r\n\r\n",
        "3\rabc\r\n0\r\n\r\n",
        "10000000000000000\r\nabc",
        "0\r\nX T: 1\r\n\r\n",
        "0\r\nX-T : 1\r\n\r\n",
    ] {
        let (_, _, ended) = decode(Framing::Chunked, [text.as_bytes()]);
        assert_eq!(ended, Err(BodyError::Syntax), "{text:?}");
    }
}

#[test]
fn what_is_odd_and_clear_is_read() {
    for text in [
        "3 \r\nabc\r\n0\r\n\r\n",
        "3 ;a=b\t;c=\"d\"\r\nabc\r\n0;x\r\n\r\n",
        "0000000000000000000003\r\nabc\r\n000\r\n\r\n",
        "3\r\nabc\r\n0\r\nX-T: 1\r\nContent-Length: 1\r\n\r\n",
        "3\r\nabc\r\n0\r\nX: a\r\n b\r\n\r\n",
    ] {
        let (data, rest, ended) = decode(Framing::Chunked, [text.as_bytes()]);
        assert_eq!(
            (&data[..], &rest[..], ended),
            (&b"abc"[..], &b""[..], Ok(())),
            "{text:?}"
        );
    }
    let whole = decode(Framing::Chunked, [&b"ffffffffffffffff\r\nabc"[..]]);
    assert_eq!(whole.2, Err(BodyError::Incomplete));
}

#[test]
fn nothing_is_kept_without_a_limit() {
    let extension = format!("3;{}", "a".repeat(MAX_PADDING + 1));
    let zeros = "0".repeat(MAX_PADDING + 2);
    for text in [extension, zeros] {
        let (_, _, ended) = decode(Framing::Chunked, [text.as_bytes()]);
        assert_eq!(ended, Err(BodyError::Syntax));
    }
    let trailer = format!("0\r\nx: {}", "a".repeat(MAX_TRAILERS));
    let many = format!("0\r\n{}\r\n", "x: a\r\n".repeat(101));
    for text in [trailer, many] {
        let (_, _, ended) = decode(Framing::Chunked, [text.as_bytes()]);
        assert_eq!(ended, Err(BodyError::TooLarge));
    }
}

#[test]
fn the_end_is_seen_with_the_last_data() {
    let mut decoder = BodyDecoder::new(Framing::Chunked);
    let mut buffer = BytesMut::from(&b"3\r\nabc\r\n0\r\n\r\n"[..]);
    assert_eq!(decoder.decode(&mut buffer).unwrap().unwrap(), "abc");
    assert!(decoder.is_end());
}
