use std::{collections::BTreeSet, net::IpAddr};

use ipnet::IpNet;
use proptest::prelude::*;

use super::{Prefixes, address_in};

fn nets(texts: &[&str]) -> BTreeSet<IpNet> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn found(prefix: &str, all: &[&str]) -> Option<String> {
    address_in(prefix.parse().unwrap(), &nets(all)).map(|address| address.to_string())
}

#[test]
fn a_prefix_stands_for_what_no_longer_one_has() {
    assert_eq!(found("10.0.0.0/8", &["10.0.0.0/8"]).unwrap(), "10.0.0.0");
    let nested = ["10.0.0.0/8", "10.0.0.0/16", "10.0.3.0/24", "10.1.0.0/16"];
    assert_eq!(found("10.0.0.0/8", &nested).unwrap(), "10.2.0.0");
    assert_eq!(found("10.0.0.0/16", &nested).unwrap(), "10.0.0.0");
    let covered = ["10.0.0.0/24", "10.0.0.0/25", "10.0.0.128/25"];
    assert_eq!(found("10.0.0.0/24", &covered), None);
    let to_the_end = ["255.0.0.0/8", "255.0.0.0/9", "255.128.0.0/9"];
    assert_eq!(found("255.0.0.0/8", &to_the_end), None);
    assert_eq!(
        found("ffff::/16", &["ffff::/16", "ffff::/17", "ffff:8000::/17"]),
        None
    );
}

#[test]
fn everything_is_stood_for_by_an_ordinary_address() {
    let all = Prefixes::default().all;
    let of = |prefix: &str| address_in(prefix.parse().unwrap(), &all).unwrap();
    assert_eq!(of("0.0.0.0/0"), "1.0.0.0".parse::<IpAddr>().unwrap());
    assert_eq!(of("::/0"), "2000::".parse::<IpAddr>().unwrap());
    assert_eq!(of("fc00::/7"), "fc00::".parse::<IpAddr>().unwrap());
}

fn prefix() -> impl Strategy<Value = IpNet> {
    // Few addresses, so that prefixes nest.
    let address = prop_oneof![Just(0_u8), Just(1), Just(128), Just(255)];
    (prop::array::uniform4(address), 0..=32_u8)
        .prop_map(|(octets, length)| IpNet::new(IpAddr::from(octets), length).unwrap().trunc())
}

proptest! {
    #[test]
    fn the_address_is_the_prefix_s_own(
        prefix in prefix(),
        others in prop::collection::btree_set(prefix(), 0..12),
    ) {
        let mut all = others;
        all.insert(prefix);
        let longest = |address: IpAddr| {
            all.iter()
                .filter(|other| other.contains(&address))
                .max_by_key(|other| other.prefix_len())
                .copied()
        };
        if let Some(address) = address_in(prefix, &all) {
            prop_assert_eq!(longest(address), Some(prefix));
        } else {
            // Every address is in a longer one: so are the ends of every other prefix in it.
            for other in all.iter().filter(|other| prefix.contains(*other)) {
                prop_assert_ne!(longest(other.network()), Some(prefix));
                prop_assert_ne!(longest(other.broadcast()), Some(prefix));
            }
        }
    }
}
