extern crate std;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ebpf_abi::Address;
use proptest::prelude::*;

use super::{
    is_always_local, is_link_local, is_unspecified, is_v4, loopback_for, mapped, target_in,
};

fn words(v6: Ipv6Addr) -> Address {
    let octets = v6.octets();
    core::array::from_fn(|word| {
        u32::from_ne_bytes(core::array::from_fn(|byte| octets[word * 4 + byte]))
    })
}

fn octets(address: Address) -> Ipv6Addr {
    let mut octets = [0; 16];
    for (place, word) in octets.chunks_mut(4).zip(address) {
        place.copy_from_slice(&word.to_ne_bytes());
    }
    octets.into()
}

fn v4(address: Ipv4Addr) -> Address {
    mapped(u32::from_ne_bytes(address.octets()))
}

#[test]
fn mapped_addresses_are_those_of_the_standard_library() {
    let address = Ipv4Addr::new(10, 1, 2, 3);
    assert_eq!(v4(address), words(address.to_ipv6_mapped()));
}

proptest! {
    #[test]
    fn v4_is_told_as_the_standard_library_tells_it(v6 in any::<Ipv6Addr>(), four in any::<Ipv4Addr>()) {
        prop_assert_eq!(is_v4(&words(v6)), v6.to_ipv4_mapped().is_some());
        prop_assert!(is_v4(&v4(four)));
    }

    #[test]
    fn what_the_standard_library_calls_local_is_local(
        address in prop_oneof![
            any::<IpAddr>(),
            any::<[u8; 3]>().prop_map(|[b, c, d]| IpAddr::from([127, b, c, d])),
            Just(IpAddr::from([0, 0, 0, 0])),
            Just(IpAddr::from(Ipv6Addr::LOCALHOST)),
            Just(IpAddr::from(Ipv6Addr::UNSPECIFIED)),
        ]
    ) {
        let canonical = address.to_canonical();
        let expected = canonical.is_loopback() || canonical.is_unspecified();
        let given = match address {
            IpAddr::V4(four) => v4(four),
            IpAddr::V6(six) => words(six),
        };
        prop_assert_eq!(is_always_local(&given), expected);
    }

    #[test]
    fn link_local_and_unspecified_are_those_of_the_standard_library(
        address in prop_oneof![
            any::<Ipv6Addr>(),
            (0xfe00..=0xffff_u16, any::<u128>()).prop_map(|(first, rest)| {
                Ipv6Addr::from(u128::from(first) << 112 | rest >> 16)
            }),
            Just(Ipv6Addr::UNSPECIFIED),
            Just(Ipv6Addr::LOCALHOST),
        ]
    ) {
        prop_assert_eq!(is_link_local(&words(address)), address.is_unicast_link_local());
        prop_assert_eq!(is_unspecified(&words(address)), address.is_unspecified());
    }

    #[test]
    fn ipv6_targets_are_hosts_of_their_prefix(six in any::<Ipv6Addr>(), port: u16) {
        let prefix = words(Ipv6Addr::new(0xfd12, 0x3456, 0x789a, 0xbcde, 0, 0, 0, 0));
        let target = octets(target_in([prefix[0], prefix[1]], &words(six), port));
        prop_assert_eq!(&target.segments()[..4], &[0xfd12, 0x3456, 0x789a, 0xbcde]);
        prop_assert_ne!(&target.segments()[4..], &[0, 0, 0, 0]);
    }

    #[test]
    fn targets_are_loopback_host_addresses(four in any::<Ipv4Addr>(), port: u16) {
        let target = octets(loopback_for(&v4(four), port)).to_ipv4_mapped();
        let Some(target) = target else { return Err(TestCaseError::fail("not IPv4")) };
        prop_assert!(target.is_loopback());
        prop_assert!((1..=254).contains(&target.octets()[3]));
    }
}

#[test]
fn neighbouring_ipv6_destinations_never_share_a_target() {
    let mut targets = std::collections::BTreeSet::new();
    for host in 0..256_u128 {
        for port in 80..96 {
            for shift in [0, 16, 64, 112] {
                let six = Ipv6Addr::from(0x2001_0db8_u128 << 96 ^ host << shift);
                targets.insert((target_in([0xfd, 0], &words(six), port), six, port));
            }
        }
    }
    let distinct: std::collections::BTreeSet<Address> =
        targets.iter().map(|(target, ..)| *target).collect();
    assert_eq!(distinct.len(), targets.len());
}

#[test]
fn neighbouring_destinations_get_targets_of_their_own() {
    let destinations = (0..=255).flat_map(|last| (80..84).map(move |port| (last, port)));
    let targets: std::collections::BTreeSet<Address> = destinations
        .map(|(last, port)| loopback_for(&v4(Ipv4Addr::new(10, 0, 0, last)), port))
        .collect();
    assert!(targets.len() > 1020, "{}", targets.len());
}
