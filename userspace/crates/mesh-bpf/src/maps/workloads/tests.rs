use proptest::prelude::*;

use super::{Enrolled, padded, unpadded};

proptest! {
    #[test]
    fn what_fits_comes_back(name in "[^\0]{0,20}") {
        let bytes = padded::<64>(name.as_bytes());
        let kept = name.len().min(63);
        prop_assert_eq!(unpadded(&bytes), &name.as_bytes()[..kept]);
    }

    #[test]
    fn what_does_not_fit_is_cut_and_still_ends(name in "[a-z]{60,90}") {
        let bytes = padded::<64>(name.as_bytes());
        prop_assert_eq!(unpadded(&bytes), &name.as_bytes()[..name.len().min(63)]);
        prop_assert_eq!(bytes[63], 0);
    }
}

#[test]
fn a_path_that_named_another_namespace_does_not_join_two() {
    let enrolled = |path: Option<&str>, netns_cookie| Enrolled {
        id: 0,
        name: String::new(),
        cgroup: "/sys/fs/cgroup/shop".into(),
        netns: path.map(Into::into),
        netns_cookie,
    };
    let share = |one: (Option<&str>, u64), other: (Option<&str>, u64)| {
        enrolled(one.0, one.1).shares_netns(&enrolled(other.0, other.1))
    };
    let shop = Some("/run/netns/shop");
    assert!(!share((shop, 1), (shop, 2)), "it was made anew");
    assert!(share((shop, 1), (Some("/proc/7/ns/net"), 1)));
    // Where the kernel does not tell, or did not when one was enrolled.
    assert!(share((shop, 0), (shop, 2)));
    assert!(share((None, 0), (None, 0)));
    assert!(!share((shop, 0), (None, 0)));
}
