use ebpf_abi::LINK_LOCAL;

use super::own_addresses;
use crate::{address::from_words, local::LocalNetwork};

fn local(network: &str, interface: u32) -> LocalNetwork {
    LocalNetwork {
        network: network.parse().unwrap(),
        interface,
    }
}

#[test]
fn an_interface_is_reached_by_an_address_of_its_own() {
    let own = own_addresses(&[
        local("127.0.0.0/8", 1),
        local("127.0.0.1/32", 1),
        local("10.0.0.5/32", 2),
        local("10.0.0.6/32", 2),
        local("2001:db8::5/128", 2),
        local("fe80::/128", 2),
        local("fe80::1/128", 3),
        local("fe80::2/128", 3),
        local("192.0.2.1/32", 0),
    ]);
    let own: Vec<(u32, u32, String)> = own
        .into_iter()
        .map(|((interface, family), address)| (interface, family, from_words(address).to_string()))
        .collect();
    let expected = [
        (0, LINK_LOCAL, "fe80::1"),
        (1, 4, "127.0.0.1"),
        (2, 4, "10.0.0.5"),
        (2, 6, "2001:db8::5"),
        (3, LINK_LOCAL, "fe80::1"),
    ];
    let expected =
        expected.map(|(interface, family, address)| (interface, family, address.to_owned()));
    assert_eq!(
        own, expected,
        "no networks, nothing without an interface but the only link"
    );
}

#[test]
fn a_link_is_not_known_among_several() {
    let own = own_addresses(&[local("fe80::1/128", 3), local("fe80::2/128", 4)]);
    let keys: Vec<(u32, u32)> = own.into_keys().collect();
    assert_eq!(keys, [(3, LINK_LOCAL), (4, LINK_LOCAL)]);
}
