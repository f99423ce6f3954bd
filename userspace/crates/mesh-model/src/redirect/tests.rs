use super::port_ranges;

#[test]
fn neighbours_are_one_range() {
    assert_eq!(port_ranges([]), [""; 0]);
    assert_eq!(port_ranges([22]), ["22"]);
    assert_eq!(port_ranges([22, 80, 81, 443]), ["22", "80-81", "443"]);
    assert_eq!(port_ranges(1..=u16::MAX), ["1-65535"]);
}
