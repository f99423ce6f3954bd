use super::*;

fn takes(address: &str, v6_only: bool, to: &str) -> bool {
    let listener = Listener {
        address: address.parse().unwrap(),
        v6_only,
        inode: 0,
    };
    listener.takes(to.parse().unwrap())
}

#[test]
fn a_wildcard_takes_every_address_of_its_family_and_of_ipv4_unless_it_is_for_ipv6_alone() {
    assert!(takes("0.0.0.0:15001", false, "127.4.5.6:15001"));
    assert!(!takes("0.0.0.0:15001", false, "127.4.5.6:15002"));
    assert!(!takes("0.0.0.0:15001", false, "[::1]:15001"));
    assert!(takes("[::]:15001", false, "127.4.5.6:15001"));
    assert!(!takes("[::]:15001", true, "127.4.5.6:15001"));
    assert!(takes("[::]:15001", true, "[::1]:15001"));
    assert!(takes("127.0.0.1:80", false, "127.0.0.1:80"));
    assert!(takes("127.0.0.1:80", false, "[::ffff:127.0.0.1]:80"));
    assert!(!takes("127.0.0.1:80", false, "127.0.0.2:80"));
}
