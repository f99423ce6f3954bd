extern crate std;

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    vec::Vec,
};

use ebpf_abi::{
    Address, EXTERNAL_PROXY, IGNORED_GID, IGNORED_UID, POLICY_BYPASS, POLICY_ENABLED, POLICY_IPV6,
    Policy, SWITCH_AS_CONFIGURED, SWITCH_OFF, SWITCH_ON,
    verdict::{DIRECT, LOCAL_DESTINATION, MATCHED, REDIRECTED, REFUSED},
};
use proptest::prelude::*;

use super::{Attempt, Lookups, decide};

/// The rules as an operator thinks of them.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[derive(Clone, Debug)]
struct Rules {
    enabled: bool,
    ipv6: bool,
    bypass: bool,
    external: bool,
    uid: Option<u32>,
    gid: Option<u32>,
    ports: BTreeSet<u16>,
    networks: Vec<(IpAddr, u8)>,
    local: BTreeSet<IpAddr>,
    one_link: bool,
    loopback: bool,
    listens: bool,
    silent: bool,
    switched: u32,
}

fn words(address: IpAddr) -> Address {
    let octets = match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    };
    core::array::from_fn(|word| {
        u32::from_ne_bytes(core::array::from_fn(|byte| octets[word * 4 + byte]))
    })
}

fn standard(address: &Address) -> IpAddr {
    let mut octets = [0; 16];
    for (place, word) in octets.chunks_mut(4).zip(address) {
        place.copy_from_slice(&word.to_ne_bytes());
    }
    IpAddr::from(octets).to_canonical()
}

fn contains(network: IpAddr, length: u8, address: IpAddr) -> bool {
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let (network, address) = (u32::from(network), u32::from(address));
            (network ^ address)
                .checked_shr(32 - u32::from(length))
                .unwrap_or(0)
                == 0
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            let (network, address) = (u128::from(network), u128::from(address));
            (network ^ address)
                .checked_shr(128 - u32::from(length))
                .unwrap_or(0)
                == 0
        }
        _ => false,
    }
}

impl Lookups for Rules {
    fn switched(&self) -> u32 {
        self.switched
    }

    fn is_local(&self, address: &Address) -> bool {
        self.local.contains(&standard(address))
    }

    fn ignores_port(&self, port: u16) -> bool {
        self.ports.contains(&port)
    }

    fn ignores_network(&self, address: &Address) -> bool {
        let address = standard(address);
        self.networks
            .iter()
            .any(|&(network, length)| contains(network, length, address))
    }

    fn knows_link(&self, _: &Address) -> bool {
        self.one_link
    }

    fn loopback_is_down(&self) -> bool {
        !self.loopback
    }

    fn proxy_listens(&self, _: &Attempt, _: u16) -> bool {
        self.listens
    }

    fn proxy_is_silent(&self) -> bool {
        self.silent
    }
}

impl Rules {
    fn policy(&self) -> Policy {
        let flag = |holds: bool, flag| if holds { flag } else { 0 };
        Policy {
            flags: flag(self.enabled, POLICY_ENABLED)
                | flag(self.ipv6, POLICY_IPV6)
                | flag(self.bypass, POLICY_BYPASS)
                | flag(self.external, EXTERNAL_PROXY)
                | flag(self.uid.is_some(), IGNORED_UID)
                | flag(self.gid.is_some(), IGNORED_GID),
            ignored_uid: self.uid.unwrap_or(0),
            ignored_gid: self.gid.unwrap_or(0),
            egress_port: 15001,
            ..Policy::default()
        }
    }

    /// The guide's script, rule by rule: any that matches leaves the connection alone.
    fn is_left_alone(&self, to: IpAddr, port: u16, uid: u32, gid: u32) -> bool {
        let is_on = match self.switched {
            SWITCH_ON => true,
            SWITCH_OFF => false,
            _ => self.enabled,
        };
        let rules = [
            !is_on,
            to.is_ipv6() && !self.ipv6,
            to.is_loopback() || to.is_unspecified() || self.local.contains(&to),
            self.uid == Some(uid),
            self.gid == Some(gid),
            self.ports.contains(&port),
            self.networks
                .iter()
                .any(|&(network, length)| contains(network, length, to)),
        ];
        rules.contains(&true)
    }

    fn expected(&self, to: IpAddr, port: u16, uid: u32, gid: u32) -> u32 {
        let is_of_a_link = matches!(to, IpAddr::V6(six) if six.is_unicast_link_local());
        let is_up = self.loopback
            && self.listens
            && (self.external || !self.silent)
            && (self.one_link || !is_of_a_link);
        if self.is_left_alone(to, port, uid, gid) {
            DIRECT
        } else if is_up {
            REDIRECTED
        } else if self.bypass {
            DIRECT
        } else {
            REFUSED
        }
    }
}

/// Addresses that meet each other often.
fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        (0..4_u8, 0..4_u8).prop_map(|(a, b)| IpAddr::V4(Ipv4Addr::new(10, 0, a, b))),
        (0..4_u16).prop_map(|last| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last))),
        (0..4_u16).prop_map(|last| IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, last))),
        Just(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        Just(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        Just(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
    ]
}

fn network() -> impl Strategy<Value = (IpAddr, u8)> {
    (address(), 0..=32_u8).prop_map(|(network, short)| match network {
        IpAddr::V4(_) => (network, short),
        IpAddr::V6(_) => (network, 96 + short),
    })
}

prop_compose! {
    fn rules()(
        flags in any::<[bool; 8]>(),
        uid in proptest::option::of(0..3_u32),
        gid in proptest::option::of(0..3_u32),
        ports in proptest::collection::btree_set(1..6_u16, 0..3),
        networks in proptest::collection::vec(network(), 0..3),
        local in proptest::collection::btree_set(address(), 0..3),
        switched in prop_oneof![Just(SWITCH_AS_CONFIGURED), Just(SWITCH_ON), Just(SWITCH_OFF)],
    ) -> Rules {
        let [enabled, ipv6, bypass, external, one_link, loopback, listens, silent] = flags;
        Rules {
            enabled, ipv6, bypass, external, uid, gid, ports, networks, local, one_link, loopback,
            listens, silent, switched,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn verdicts_are_those_of_the_script(
        rules in rules(),
        to in address(),
        port in 1..6_u16,
        uid in 0..3_u32,
        gid in 0..3_u32,
    ) {
        let attempt = Attempt { address: words(to), port, uid, gid };
        let decision = decide(&rules.policy(), &attempt, &rules);
        prop_assert_eq!(decision.verdict, rules.expected(to, port, uid, gid));
        prop_assert_eq!(decision.verdict == REDIRECTED, decision.reason == MATCHED);
    }

    #[test]
    fn the_host_itself_is_never_redirected(mut rules in rules(), last in any::<[u8; 3]>()) {
        rules.switched = SWITCH_ON;
        let [b, c, d] = last;
        let address = words(IpAddr::from([127, b, c, d]));
        let attempt = Attempt { address, port: 80, uid: 0, gid: 0 };
        let decision = decide(&rules.policy(), &attempt, &rules);
        prop_assert_eq!((decision.verdict, decision.reason), (DIRECT, LOCAL_DESTINATION));
    }
}
