//! Whether anything is redirected at all.

use ebpf_abi::{
    POLICY_ENABLED, Policy, SWITCH_OFF, SWITCH_ON,
    verdict::{DISABLED, SWITCHED_OFF},
};

/// Why nothing is redirected; none if it is. What an operator switched holds before the rules.
#[inline(always)]
pub(crate) fn off(policy: &Policy, switch: u32) -> Option<u32> {
    if switch == SWITCH_OFF {
        Some(SWITCHED_OFF)
    } else if policy.flags & POLICY_ENABLED == 0 && switch != SWITCH_ON {
        Some(DISABLED)
    } else {
        None
    }
}
