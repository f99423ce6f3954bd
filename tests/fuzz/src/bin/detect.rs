//! The first bytes of connections: a verdict never changes, and comes in time.
#![no_main]

use mesh_detect::{ClientHello, Detection, ENOUGH, client_hello, detect};

/// As many beginnings of an input are looked at for a hello.
const BEGINNINGS: usize = 512;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut verdict = Detection::NeedMore;
    for end in 0..=bytes.len().min(2 * ENOUGH) {
        let next = detect(&bytes[..end]);
        assert!(verdict == Detection::NeedMore || next == verdict, "{end}");
        assert!(next != Detection::NeedMore || end < ENOUGH, "{end}");
        verdict = next;
    }
    if verdict != Detection::NeedMore {
        assert_eq!(detect(bytes), verdict);
    }
    look_for_a_hello(bytes);
    if let Some((&size, body)) = bytes.split_first() {
        cut_a_hello(body, usize::from(size) + 1);
    }
});

fn look_for_a_hello(bytes: &[u8]) {
    let mut verdict = ClientHello::NeedMore;
    for end in 0..=bytes.len().min(BEGINNINGS) {
        let next = client_hello(&bytes[..end]);
        assert!(verdict == ClientHello::NeedMore || next == verdict, "{end}");
        verdict = next;
    }
    let whole = client_hello(bytes);
    assert!(verdict == ClientHello::NeedMore || whole == verdict);
    if let ClientHello::Whole(Some(name)) = whole {
        assert!((1..=255).contains(&name.len()) && !name.contains(&0));
    }
}

/// Whatever the body of a hello holds: the records that it comes in do not matter.
fn cut_a_hello(body: &[u8], size: usize) {
    let length = body.len().min(0xffff).to_be_bytes();
    let [.., high, low] = length;
    let message = [&[1, 0, high, low][..], body].concat();
    let in_records = |size: usize| -> Vec<u8> {
        let record = |part: &[u8]| {
            let [.., high, low] = part.len().to_be_bytes();
            [&[22, 3, 1, high, low][..], part].concat()
        };
        message.chunks(size).flat_map(record).collect()
    };
    let (cut, joined) = (in_records(size), in_records(1 << 14));
    look_for_a_hello(&cut);
    assert_eq!(client_hello(&cut), client_hello(&joined));
}
