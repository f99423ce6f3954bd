//! The number of a request. Envoy notes in it whether the request is traced, which it is even without
//! a tracer: the digit of a UUID's version is 9 then, or b if a client says that it traces.

use http::{HeaderMap, HeaderName, HeaderValue, header::Entry};

const X_CLIENT_TRACE_ID: HeaderName = HeaderName::from_static("x-client-trace-id");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Characters of a UUID (RFC 9562, section 4).
const LENGTH: usize = 36;
/// Where the version is among them.
const VERSION: usize = 14;
/// By how many digits in front Envoy decides whether a request is traced.
const DECISIVE: usize = 8;
/// Versions that say why a request is traced: a service or a client forced it, or chance.
const TRACED: &[u8] = b"a9b";

/// Gives a request a number, unless it has one. A UUID that does not say so yet is told that the
/// request is traced, as a client will see that compares. `random` is asked for 128 bits where they are
/// needed.
pub fn identify(headers: &mut HeaderMap, random: impl FnOnce() -> u128) {
    let is_known = match headers.get(&X_REQUEST_ID) {
        Some(number) if is_final(number.as_bytes()) => return,
        number => number.is_some_and(|number| !number.is_empty()),
    };
    let version = if headers.contains_key(&X_CLIENT_TRACE_ID) {
        b'b'
    } else {
        b'9'
    };
    match headers.entry(X_REQUEST_ID) {
        Entry::Occupied(mut number) if is_known => {
            let mut text = [0; LENGTH];
            text.copy_from_slice(number.get().as_bytes());
            text[VERSION] = version;
            number.insert(value(&text));
        }
        Entry::Occupied(mut empty) => {
            empty.insert(uuid(random(), version));
        }
        Entry::Vacant(vacant) => {
            vacant.insert(uuid(random(), version));
        }
    }
}

/// Whether a number stays as it is: one that is no UUID, or one that says that it is traced.
fn is_final(number: &[u8]) -> bool {
    let is_uuid = number.len() == LENGTH && number[..DECISIVE].iter().all(u8::is_ascii_hexdigit);
    if is_uuid {
        TRACED.contains(&number[VERSION])
    } else {
        !number.is_empty()
    }
}

/// A UUID of chance (RFC 9562, section 5.4) but for its version.
fn uuid(random: u128, version: u8) -> HeaderValue {
    const VARIANT: u128 = 0b10 << 62;
    const KEEP: u128 = !(0b11 << 62);
    let bits = (random & KEEP) | VARIANT;
    let mut text = [b'-'; LENGTH];
    let places = (0..LENGTH).filter(|place| ![8, 13, 18, 23].contains(place));
    for (place, nibble) in places.zip((0..32).rev()) {
        let digit = usize::try_from((bits >> (4 * nibble)) & 0xf).expect("four bits fit");
        text[place] = b"0123456789abcdef"[digit];
    }
    text[VERSION] = version;
    value(&text)
}

fn value(text: &[u8]) -> HeaderValue {
    HeaderValue::from_bytes(text).expect("what is a value but for one digit is a value")
}
