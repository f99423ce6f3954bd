use super::count_of;

#[test]
fn counts_whole_names_only() {
    let counts = "    747 serviceB\n    253 serviceBv2\n      1 serviceB is gone\n";
    assert_eq!(count_of(counts, "serviceB"), 747);
    assert_eq!(count_of(counts, "serviceBv2"), 253);
    assert_eq!(count_of(counts, "service"), 0);
}
