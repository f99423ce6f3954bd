use super::*;

#[test]
fn rows_of_the_table_are_entries() {
    let document = "# Parity\n\n| Case | Field | Why |\n|---|---|---|\n| `http1/a` | `client.1` | stricter |\n";
    let entries = read(document).unwrap();
    assert_eq!(entries.len(), 1);
    assert!(entries[0].covers("http1/a", "client.1.line"));
    assert!(entries[0].covers("http1/a", "client.1"));
    assert!(!entries[0].covers("http1/a", "client.11.line"));
    assert!(!entries[0].covers("http1/b", "client.1.line"));
}

#[test]
fn a_row_without_a_reason_is_refused() {
    assert!(read("| `http1/a` | `client.1` |  |\n").is_err());
    assert!(read("| `http1/a` | client.1 | because |\n").is_err());
}

#[test]
fn the_same_difference_twice_is_refused() {
    let row = "| `http1/a` | `client.1` | stricter |\n";
    assert!(read(&row.repeat(2)).is_err());
}

#[test]
fn more_differences_than_allowed_are_refused() {
    let rows = (0..=MOST).map(|n| format!("| `http1/{n}` | `client.1` | stricter |\n"));
    assert!(read(&rows.collect::<String>()).is_err());
}

#[test]
fn the_document_of_the_repository_is_read() {
    let path = crate::capability::repository().join("docs/parity.md");
    read(&std::fs::read_to_string(path).unwrap()).unwrap();
}
