use ebpf_abi::{
    Address, EXTERNAL_PROXY, LOOPBACK_V6, POLICY_BYPASS, POLICY_ENABLED, POLICY_IPV6, Policy,
    SWITCH_AS_CONFIGURED, SWITCH_OFF, SWITCH_ON,
    verdict::{
        DIRECT, LOCAL_SOURCE, PORT_NOT_LISTED, PROXY_ABSENT, PROXY_SILENT, REDIRECTED, REFUSED,
    },
};
use proptest::prelude::*;

use super::{Lookups, carry_out, decide};
use crate::{Decision, address::mapped, ruling::Ruled};

#[derive(Clone, Copy, Debug)]
struct Facts {
    listed: bool,
    local: bool,
    silent: bool,
    switched: u32,
}

impl Lookups for Facts {
    fn switched(&self) -> u32 {
        self.switched
    }

    fn is_app_port(&self, _: u16) -> bool {
        self.listed
    }

    fn is_local(&self, _: &Address) -> bool {
        self.local
    }

    fn proxy_is_silent(&self) -> bool {
        self.silent
    }
}

const FAR_V4: Address = mapped(0xc633_6407_u32.to_be());
const FAR_V6: Address = [0x2001_0db8_u32.to_be(), 0, 0, 7_u32.to_be()];

fn policy(flags: u32) -> Policy {
    Policy {
        flags,
        ..Policy::default()
    }
}

proptest! {
    #[test]
    fn exactly_remote_connections_to_app_ports_are_steered(
        listed: bool,
        local: bool,
        silent: bool,
        enabled: bool,
        ipv6: bool,
        bypass: bool,
        external: bool,
        over_v6: bool,
        switched in SWITCH_AS_CONFIGURED..=SWITCH_OFF,
    ) {
        let flag = |holds: bool, flag| if holds { flag } else { 0 };
        let policy = policy(
            flag(enabled, POLICY_ENABLED)
                | flag(ipv6, POLICY_IPV6)
                | flag(bypass, POLICY_BYPASS)
                | flag(external, EXTERNAL_PROXY),
        );
        let remote = if over_v6 { FAR_V6 } else { FAR_V4 };
        let decision = decide(&policy, &remote, 80, &Facts { listed, local, silent, switched });
        let is_on = switched == SWITCH_ON || (switched != SWITCH_OFF && enabled);
        let is_for_proxy = listed && is_on && !local && (ipv6 || !over_v6);
        let is_up = external || !silent;
        let expected = match (is_for_proxy, is_up) {
            (false, _) => DIRECT,
            (true, true) => REDIRECTED,
            (true, false) if bypass => DIRECT,
            (true, false) => REFUSED,
        };
        prop_assert_eq!(decision.verdict, expected);
    }
}

#[test]
fn the_proxy_s_own_connections_reach_the_application() {
    let facts = Facts {
        listed: true,
        local: false,
        silent: false,
        switched: SWITCH_AS_CONFIGURED,
    };
    for remote in [mapped(0x7f00_0001_u32.to_be()), LOOPBACK_V6] {
        let decision = decide(&policy(POLICY_ENABLED | POLICY_IPV6), &remote, 80, &facts);
        assert_eq!((decision.verdict, decision.reason), (DIRECT, LOCAL_SOURCE));
    }
}

#[test]
fn other_ports_are_left_alone_whatever_the_proxy_does() {
    let facts = Facts {
        listed: false,
        local: false,
        silent: true,
        switched: SWITCH_AS_CONFIGURED,
    };
    let decision = decide(&policy(POLICY_ENABLED), &FAR_V4, 81, &facts);
    assert_eq!(
        (decision.verdict, decision.reason),
        (DIRECT, PORT_NOT_LISTED)
    );
}

#[test]
fn a_missing_socket_follows_the_mode() {
    let missing = |flags| {
        let settled = Ruled {
            decision: Decision::redirected(),
            policy: 1,
            flags: POLICY_ENABLED | flags,
        };
        carry_out(settled, || false).decision
    };
    assert_eq!(missing(0), Decision::refused(PROXY_ABSENT));
    assert_eq!(missing(POLICY_BYPASS), Decision::direct(PROXY_ABSENT));
    assert_eq!(missing(EXTERNAL_PROXY), Decision::refused(PROXY_ABSENT));
    let facts = Facts {
        listed: true,
        local: false,
        silent: true,
        switched: SWITCH_AS_CONFIGURED,
    };
    assert_eq!(
        decide(&policy(POLICY_ENABLED), &FAR_V4, 80, &facts).reason,
        PROXY_SILENT
    );
}
