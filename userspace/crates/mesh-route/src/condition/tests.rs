use super::*;

#[test]
fn integers_are_read_as_envoy_reads_them() {
    for (text, number) in [("0010", 10), ("+12", 12), ("-3", -3), (" 7 ", 7), ("0", 0)] {
        assert_eq!(integer(text.as_bytes()), Some(number), "{text}");
    }
    for text in ["", "10.5", "9223372036854775808", "1 2", "0x10", "+", "1,2"] {
        assert_eq!(integer(text.as_bytes()), None, "{text}");
    }
    assert_eq!(integer(b"\xff"), None);
}
