use super::*;

#[test]
fn a_count_that_is_not_known_is_a_dash() {
    let connection = Connection {
        direction: "egress".to_owned(),
        remote: "10.0.0.2:80".to_owned(),
        verdict: "redirected".to_owned(),
        bytes_sent: Some(120),
        ..Connection::default()
    };
    let table = Table(std::slice::from_ref(&connection)).to_string();
    let row = table.lines().nth(1).expect("a row below the heading");
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert!(
        cells.contains(&"10.0.0.2:80") && cells.contains(&"120"),
        "{row}"
    );
    assert_eq!(
        cells.iter().filter(|cell| **cell == "-").count(),
        4,
        "{row}"
    );
}
