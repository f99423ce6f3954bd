use super::{Counts, parse};

#[test]
fn reads_connections_and_requests() {
    let page = "Active connections: 1 \nserver accepts handled requests\n 16 16 31 \nReading: 0";
    let counts = Counts {
        connections: 16,
        requests: 31,
    };
    assert_eq!(parse(page), Some(counts));
    assert_eq!(parse("<html>"), None);
}
