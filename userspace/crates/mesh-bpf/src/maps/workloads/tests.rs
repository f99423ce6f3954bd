use proptest::prelude::*;

use super::{padded, unpadded};

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
