use core::cell::Cell;

use ebpf_abi::{
    POLICY_BYPASS, Policy,
    verdict::{DIRECT, NO_RULES, PROXY_ABSENT, REDIRECTED, REFUSED, RULES_IN_MOTION},
};

use super::{Ruled, settle};
use crate::{Decision, ingress::carry_out};

/// What was in force at each look, and policies of which those with an even index redirect.
struct Switched<'a> {
    in_force: &'a [u32],
    looks: Cell<usize>,
    flags: u32,
}

impl<'a> Switched<'a> {
    fn new(in_force: &'a [u32], flags: u32) -> Self {
        let looks = Cell::new(0);
        Self {
            in_force,
            looks,
            flags,
        }
    }

    fn settle(&self) -> Ruled {
        let policy = Policy {
            flags: self.flags,
            ..Policy::default()
        };
        let in_force = || {
            let look = self.looks.get();
            self.looks.set(look + 1);
            self.in_force[look.min(self.in_force.len() - 1)]
        };
        let decide = |index: u32, _: &Policy| match index % 2 {
            0 => Decision::redirected(),
            _ => Decision::direct(NO_RULES),
        };
        // Odd hundreds were removed before they could be read.
        settle(in_force, |index| (index < 100).then_some(&policy), decide)
    }
}

/// How often a socket was chosen, and what became of the SYN.
fn carried_out(switched: &Switched<'_>, takes: bool) -> (u32, Decision) {
    let chosen = Cell::new(0);
    let ruled = carry_out(switched.settle(), || {
        chosen.set(chosen.get() + 1);
        takes
    });
    (chosen.get(), ruled.decision)
}

#[test]
fn a_decision_that_is_taken_again_chooses_a_socket_once() {
    let twice = Switched::new(&[2, 4, 4, 4], 0);
    assert_eq!(carried_out(&twice, true), (1, Decision::redirected()));
    assert_eq!(twice.looks.get(), 4, "it was taken again");
}

#[test]
fn a_decision_that_is_taken_again_and_otherwise_chooses_no_socket() {
    let otherwise = Switched::new(&[2, 3, 3, 3], 0);
    let (chosen, decision) = carried_out(&otherwise, true);
    assert_eq!((chosen, decision.verdict), (0, DIRECT));
}

#[test]
fn rules_that_never_stand_still_choose_no_socket() {
    let motion = Switched::new(&[2, 4, 6, 8, 10, 12], 0);
    let (chosen, decision) = carried_out(&motion, true);
    assert_eq!(chosen, 0);
    assert_eq!(decision, Decision::refused(RULES_IN_MOTION));
}

#[test]
fn a_policy_that_has_gone_is_looked_for_again() {
    let gone = Switched::new(&[100, 2, 2], 7);
    let ruled = gone.settle();
    assert_eq!((ruled.policy, ruled.flags), (2, 7));
    assert_eq!(ruled.decision.verdict, REDIRECTED);
}

#[test]
fn without_rules_nothing_is_redirected() {
    let none = Switched::new(&[0], POLICY_BYPASS).settle();
    assert_eq!((none.policy, none.flags), (0, 0));
    assert_eq!(none.decision, Decision::direct(NO_RULES));
}

#[test]
fn a_missing_socket_follows_the_mode_of_the_policy_that_decided() {
    let refused = carried_out(&Switched::new(&[2], 0), false);
    assert_eq!(refused, (1, Decision::refused(PROXY_ABSENT)));
    let bypassed = carried_out(&Switched::new(&[2], POLICY_BYPASS), false);
    assert_eq!(bypassed, (1, Decision::direct(PROXY_ABSENT)));
    assert_ne!(refused.1.verdict, DIRECT);
    assert_eq!(refused.1.verdict, REFUSED);
}
