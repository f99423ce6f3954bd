//! A decision under the policy in force, while policies may be switched.

use ebpf_abi::{
    Policy,
    verdict::{NO_RULES, RULES_IN_MOTION},
};

use crate::Decision;

/// How often a decision is begun again because the rules were switched meanwhile.
const ATTEMPTS: u32 = 3;

/// A decision and the policy that it was taken under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ruled {
    /// What was decided.
    pub decision: Decision,
    /// The policy's index; 0 for none.
    pub policy: u32,
    /// The policy's flags; 0 for none.
    pub flags: u32,
}

/// Decides under the policy in force, as a whole: if it was switched while it was read, what was
/// read may be of two policies or half removed, and the decision is taken again. So `under`, which
/// gets the policy's index and has none for one that has gone, must do nothing but look.
#[inline(always)]
pub fn settle<'a>(
    in_force: impl Fn() -> u32,
    policy: impl Fn(u32) -> Option<&'a Policy>,
    under: impl Fn(u32, &'a Policy) -> Decision,
) -> Ruled {
    for _ in 0..ATTEMPTS {
        let index = in_force();
        if index == 0 {
            return Ruled {
                decision: Decision::direct(NO_RULES),
                policy: 0,
                flags: 0,
            };
        }
        let Some(policy) = policy(index) else {
            continue;
        };
        let decision = under(index, policy);
        let flags = policy.flags;
        if in_force() == index {
            return Ruled {
                decision,
                policy: index,
                flags,
            };
        }
    }
    Ruled {
        decision: Decision::refused(RULES_IN_MOTION),
        policy: 0,
        flags: 0,
    }
}

#[cfg(test)]
mod tests;
