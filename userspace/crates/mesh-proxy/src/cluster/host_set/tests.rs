use super::{super::host::Unfit, *};

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], 80))
}

fn addresses(last: &[u8]) -> Vec<SocketAddr> {
    last.iter().map(|last| address(*last)).collect()
}

fn set(membership: Membership, last: &[u8]) -> HostSet {
    HostSet::empty(membership, Rules::default()).answered(&addresses(last))
}

#[test]
fn a_host_stays_the_same_while_its_address_does() {
    let before = set(Membership::Each, &[1, 2, 3]);
    before.all()[2].set(Unfit::Ejected, true);
    let after = before.answered(&addresses(&[3, 4, 1]));
    assert!(Arc::ptr_eq(&after.all()[0], &before.all()[2]));
    assert!(Arc::ptr_eq(&after.all()[2], &before.all()[0]));
    let fit: Vec<_> = after.fit().iter().map(|host| host.address()).collect();
    assert_eq!(fit, addresses(&[4, 1]));
    // Gone and come again it is another one.
    let again = after.answered(&[]).answered(&addresses(&[3]));
    assert!(again.all()[0].is_fit());
}

#[test]
fn the_one_host_of_a_load_balancer_goes_where_its_name_goes() {
    let before = set(Membership::Logical, &[1, 2]);
    let after = before.answered(&addresses(&[3, 1]));
    assert_eq!(after.all().len(), 1);
    assert!(Arc::ptr_eq(&after.all()[0], &before.all()[0]));
    assert_eq!(after.all()[0].address(), address(3));
    assert_eq!(after.addresses()[0], address(3));
    assert!(after.knows(address(1)) && !after.knows(address(2)));
    assert!(after.answered(&[]).all().is_empty());
}

#[test]
fn all_hosts_are_used_when_fewer_than_half_are_fit() {
    for (all, unfit, is_in_panic) in [
        (0, 0, false),
        (1, 0, false),
        (1, 1, true),
        (2, 1, false),
        (3, 1, false),
        (3, 2, true),
        (4, 2, false),
        (4, 3, true),
        (100, 50, false),
        (100, 51, true),
    ] {
        let last: Vec<u8> = (1..=all).collect();
        let set = set(Membership::Each, &last);
        for host in &set.all()[..unfit] {
            assert!(host.set(Unfit::FailedCheck, true));
        }
        let judged = set.judged();
        assert_eq!(judged.is_in_panic(), is_in_panic, "{unfit} of {all}");
        let usable = if is_in_panic {
            all.into()
        } else {
            usize::from(all) - unfit
        };
        assert_eq!(judged.usable().len(), usable, "{unfit} of {all}");
    }
}

#[test]
fn who_asked_to_be_left_alone_makes_the_others_no_fewer() {
    for (all, withdrawn, unfit, usable) in [
        (2, 1, 0, 1),
        (3, 2, 0, 1),
        (4, 3, 0, 1),
        // One of two is half, one of three is not.
        (3, 1, 1, 1),
        (4, 1, 2, 4),
        // There is nobody else.
        (1, 1, 0, 1),
        (3, 3, 0, 3),
        (3, 2, 1, 3),
    ] {
        let last: Vec<u8> = (1..=all).collect();
        let set = set(Membership::Each, &last);
        for (index, host) in set.all()[..withdrawn + unfit].iter().enumerate() {
            host.withdraw(index < withdrawn);
            host.set(Unfit::FailedCheck, true);
        }
        assert_eq!(
            set.judged().usable().len(),
            usable,
            "{withdrawn} of {all}, {unfit}"
        );
        // They stay so when there are others.
        let more: Vec<u8> = (1..=all + 8).collect();
        let after = set.answered(&addresses(&more));
        assert_eq!(
            after.usable().len(),
            usize::from(all) + 8 - withdrawn - unfit
        );
    }
}

#[test]
fn a_host_is_fit_when_no_reason_is_left() {
    let set = set(Membership::Each, &[1]);
    let host = &set.all()[0];
    assert!(host.set(Unfit::FailedCheck, true));
    assert!(!host.set(Unfit::FailedCheck, true));
    assert!(host.set(Unfit::Ejected, true));
    assert!(host.set(Unfit::FailedCheck, false));
    assert!(!host.is_fit());
    assert!(host.set(Unfit::Ejected, false));
    assert!(host.is_fit());
    assert!(!host.set(Unfit::Ejected, false));
}

#[test]
fn the_order_of_an_answer_makes_no_other_set() {
    let set = set(Membership::Each, &[1, 2, 3]);
    assert!(set.has_exactly(&addresses(&[3, 1, 2])));
    assert!(!set.has_exactly(&addresses(&[1, 2])));
    assert!(!set.has_exactly(&addresses(&[1, 2, 4])));
}

#[test]
fn a_host_that_is_to_be_checked_is_unfit_until_it_was() {
    let rules = Rules {
        is_checked: true,
        ..Rules::default()
    };
    for membership in [Membership::Each, Membership::Logical] {
        let set = HostSet::empty(membership, rules).answered(&addresses(&[1]));
        assert!(set.fit().is_empty());
        assert!(set.all()[0].set(Unfit::Unchecked, false));
        assert_eq!(set.judged().fit().len(), 1);
    }
}

#[test]
fn a_host_that_left_stays_while_it_passes_its_checks() {
    let rules = Rules {
        is_checked: true,
        ..Rules::default()
    };
    let before = HostSet::empty(Membership::Each, rules).answered(&addresses(&[1, 2, 3, 4]));
    for host in &before.all()[..3] {
        host.set(Unfit::Unchecked, false);
    }
    before.all()[2].set(Unfit::FailedCheck, true);
    // 2 passes, 3 fails, 4 was not checked yet.
    let after = before.answered(&addresses(&[5, 1]));
    assert_eq!(after.addresses(), addresses(&[5, 1, 2]));
    assert_eq!(after.left(), addresses(&[2]));
    assert!(after.knows(address(2)) && !after.knows(address(3)));
    assert_eq!(after.fit().len(), 2);
    // It comes back as itself, or goes with its next failure.
    let back = after.answered(&addresses(&[2, 1]));
    assert!(Arc::ptr_eq(&back.all()[0], &before.all()[1]));
    assert!(back.left().is_empty());
    before.all()[1].set(Unfit::FailedCheck, true);
    assert_eq!(after.judged().addresses(), addresses(&[5, 1]));
}
