//! The first bytes of connections: a verdict never changes, and comes in time.
#![no_main]

use mesh_detect::{Detection, ENOUGH, detect};

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
});
