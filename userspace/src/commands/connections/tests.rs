use super::{row::Row, table::Table};

/// A connection as the tests of this command have it.
pub(super) fn row(cookie: u64) -> Row {
    Row {
        workload: "web".to_owned(),
        cookie,
        direction: "egress".to_owned(),
        local: "10.0.0.1:40000".parse().expect("an address"),
        remote: "10.0.0.2:80".parse().expect("an address"),
        verdict: "redirected".to_owned(),
        reason: "matched".to_owned(),
        uid: Some(1000),
        gid: Some(1000),
        age_ms: Some(1500),
        bytes_sent: Some(120),
        bytes_received: Some(3400),
        rtt_us: Some(55),
        retransmits: Some(0),
    }
}

#[test]
fn a_count_that_is_not_known_is_a_dash() {
    let rows = [Row {
        bytes_received: None,
        rtt_us: None,
        ..row(1)
    }];
    let table = Table(&rows).to_string();
    let line = table.lines().nth(1).expect("a line below the heading");
    let cells: Vec<&str> = line.split_whitespace().collect();
    assert!(
        cells.contains(&"10.0.0.2:80") && cells.contains(&"120"),
        "{line}"
    );
    assert_eq!(
        cells.iter().filter(|cell| **cell == "-").count(),
        2,
        "{line}"
    );
}

#[test]
fn columns_are_as_wide_as_what_is_in_them() {
    let rows = [Row {
        remote: "[2001:db8:1:2:3:4:5:6]:65535".parse().expect("an address"),
        ..row(1)
    }];
    let table = Table(&rows).to_string();
    let place = |line: usize, text: &str| table.lines().nth(line).and_then(|line| line.find(text));
    assert_eq!(place(0, "VERDICT"), place(1, "redirected"), "{table}");
}
