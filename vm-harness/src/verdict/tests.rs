//! Answers as a guest writes them, through a serial port that ends lines with CR LF.

use super::*;

#[test]
fn a_guest_that_proved_everything_passes() {
    let verdict = read("kernel 6.1.0\r\nok one\r\nnoise\r\nok two\r\nend\r\n");
    assert!(verdict.passed());
    assert_eq!(verdict.to_string(), "2 passed, 0 failed on 6.1.0");
}

#[test]
fn a_failure_a_panic_and_silence_do_not_pass() {
    for (answers, words) in [
        (
            "kernel 6.1\nok one\nnot ok two: refused\nend\n",
            "1 passed, 1 failed on 6.1",
        ),
        ("kernel 6.1\nok one\n", "stopped before its end"),
        ("end\n", "0 passed"),
        ("", "unknown kernel"),
    ] {
        let verdict = read(answers);
        assert!(!verdict.passed(), "{answers:?}");
        assert!(verdict.to_string().contains(words), "{verdict}");
    }
}

#[test]
fn what_a_kernel_lacks_is_no_failure_and_is_told() {
    let verdict = read("kernel 5.10\nok one\nlacks two: Multipath TCP\nend\n");
    assert!(verdict.passed());
    assert_eq!(
        verdict.to_string(),
        "1 passed, 0 failed, 1 not possible on 5.10"
    );
    let nothing = read("kernel 5.10\nlacks two: Multipath TCP\nend\n");
    assert!(!nothing.passed());
}
