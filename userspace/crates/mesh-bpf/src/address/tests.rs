use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use proptest::prelude::*;

use super::{from_words, network_from_words, network_to_words, to_words};

/// Networks of v4-mapped addresses are left out: they come back as those of IPv4.
fn networks() -> impl Strategy<Value = IpNet> {
    prop_oneof![
        (any::<std::net::Ipv4Addr>(), 0..=32_u8)
            .prop_map(|(address, length)| IpNet::V4(Ipv4Net::new(address, length).unwrap())),
        (any::<std::net::Ipv6Addr>(), 0..=128_u8)
            .prop_filter("v4-mapped", |(address, _)| address
                .to_ipv4_mapped()
                .is_none())
            .prop_map(|(address, length)| IpNet::V6(Ipv6Net::new(address, length).unwrap())),
    ]
}

proptest! {
    #[test]
    fn addresses_come_back_in_canonical_form(address: IpAddr) {
        prop_assert_eq!(from_words(to_words(address)), address.to_canonical());
    }

    #[test]
    fn networks_come_back_without_host_bits(network in networks()) {
        let (address, length) = network_to_words(network);
        prop_assert_eq!(network_from_words(address, length), Some(network.trunc()));
    }
}
