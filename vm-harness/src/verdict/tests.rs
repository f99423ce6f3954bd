//! Answers as a guest writes them, through a serial port that ends lines with CR LF.

use super::*;

#[test]
fn a_guest_that_proved_everything_passes() {
    let verdict = read("kernel 6.1.0\r\nok one\r\nnoise\r\nok two\r\nend\r\n");
    assert!(verdict.passed());
    assert_eq!(verdict.to_string(), "passed: 2 proved, 0 failed on 6.1.0");
}

#[test]
fn a_failure_a_panic_and_silence_do_not_pass() {
    for (answers, words) in [
        (
            "kernel 6.1\nok one\nnot ok two: refused\nend\n",
            "FAILED: 1 proved, 1 failed on 6.1",
        ),
        ("kernel 6.1\nok one\n", "stopped before its end"),
        ("end\n", "FAILED: 0 proved"),
        ("", "unknown kernel"),
    ] {
        let verdict = read(answers);
        assert!(!verdict.passed(), "{answers:?}");
        assert!(verdict.to_string().contains(words), "{verdict}");
    }
}
