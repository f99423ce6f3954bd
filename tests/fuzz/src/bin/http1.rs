//! HTTP/1 as peers send it: requests, answers and their bodies. It must not matter how the bytes come,
//! and what was read must be read again from what is written of it.
#![no_main]

use bytes::BytesMut;
use mesh_http1::{
    Framing,
    body::{BodyDecoder, BodyError},
    encode,
    request::{RequestDecoder, RequestHead},
    response::{Asked, ResponseDecoder},
};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((split, bytes)) = input.split_first() else {
        return;
    };
    let split = usize::from(*split).min(bytes.len());
    let asked = Asked {
        head: split % 2 == 1,
        upgrade: split % 3 == 1,
    };
    let whole = requests(&[bytes]);
    assert_eq!(whole, requests(&[&bytes[..split], &bytes[split..]]));
    assert_eq!(
        answers(&[bytes], asked),
        answers(&[&bytes[..split], &bytes[split..]], asked)
    );
});

/// What there is in a connection's bytes, as text.
fn requests(pieces: &[&[u8]]) -> Vec<String> {
    let mut found = Vec::new();
    let mut buffer = BytesMut::new();
    let mut heads = RequestDecoder::default();
    let mut body: Option<(BodyDecoder, Vec<u8>)> = None;
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            if let Some((decoder, data)) = &mut body {
                match drain(decoder, data, &mut buffer) {
                    Ok(true) => found.push(format!("{data:?}")),
                    Ok(false) => break,
                    Err(error) => {
                        found.push(format!("{data:?} {error:?}"));
                        return found;
                    }
                }
                body = None;
            }
            match heads.decode(&mut buffer) {
                Ok(None) => break,
                Ok(Some(head)) => {
                    found.push(format!("{head:?}"));
                    check_again(&head);
                    body = Some((BodyDecoder::new(head.body), Vec::new()));
                }
                Err(error) => {
                    found.push(format!("{error:?}"));
                    return found;
                }
            }
        }
    }
    found
}

fn answers(pieces: &[&[u8]], asked: Asked) -> Vec<String> {
    let mut buffer = BytesMut::new();
    let mut heads = ResponseDecoder::default();
    let mut body: Option<BodyDecoder> = None;
    let (mut found, mut data) = (Vec::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        if body.is_none() {
            match heads.decode(&mut buffer, asked) {
                Ok(None) => continue,
                Ok(Some(head)) => {
                    found.push(format!("{head:?}"));
                    body = Some(BodyDecoder::new(head.body));
                }
                Err(error) => return vec![format!("{error:?}")],
            }
        }
        if let Some(decoder) = &mut body
            && let Err(error) = drain(decoder, &mut data, &mut buffer)
        {
            found.push(format!("{error:?}"));
            break;
        }
    }
    found.push(format!("{data:?}"));
    found
}

/// Takes what there is; whether the body is through.
fn drain(
    decoder: &mut BodyDecoder,
    data: &mut Vec<u8>,
    buffer: &mut BytesMut,
) -> Result<bool, BodyError> {
    while let Some(some) = decoder.decode(buffer)? {
        data.extend_from_slice(&some);
    }
    Ok(decoder.is_end())
}

fn check_again(head: &RequestHead) {
    let path = head.parts.uri.path_and_query();
    // No request for a query alone is sent on.
    let Some(path) = path.filter(|path| !path.as_str().starts_with('?')) else {
        return;
    };
    let mut out = BytesMut::new();
    let parts = &head.parts;
    let has_body = head.body != Framing::None;
    encode::request(
        &mut out,
        &parts.method,
        path.as_str(),
        &parts.headers,
        has_body,
    );
    let again = RequestDecoder::default().decode(&mut out);
    match again {
        Ok(Some(again)) => {
            assert_eq!(again.body, head.body);
            assert_eq!(again.parts.method, parts.method);
            assert_eq!(again.parts.uri.path_and_query(), Some(path));
        }
        // Fields that the proxy adds may make a head too large that was just within the limit.
        Ok(None) => panic!("half a head"),
        Err(error) => assert_eq!(error, mesh_http1::request::RequestError::TooLarge),
    }
}
