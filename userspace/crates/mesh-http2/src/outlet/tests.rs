use std::io::IoSlice;

use bytes::Bytes;
use proptest::prelude::*;

use super::Outlet;

fn all(outlet: &Outlet) -> Vec<u8> {
    let mut slices = [IoSlice::new(&[]); 64];
    let count = outlet.slices(&mut slices);
    let slices: Vec<&[u8]> = slices[..count].iter().map(|slice| &**slice).collect();
    slices.concat()
}

proptest! {
    #[test]
    fn bytes_leave_in_the_order_in_which_they_came(
        pieces in prop::collection::vec((0_usize..9000, any::<bool>(), 0_usize..6000), 1..20)
    ) {
        let mut outlet = Outlet::default();
        let mut expected = Vec::new();
        for (number, (length, is_body, taken)) in pieces.into_iter().enumerate() {
            let piece = vec![u8::try_from(number).unwrap_or_default(); length];
            expected.extend_from_slice(&piece);
            if is_body {
                outlet.push(Bytes::from(piece));
            } else {
                outlet.write(|tail| tail.extend_from_slice(&piece));
            }
            let taken = taken.min(expected.len());
            outlet.advance(taken);
            expected.drain(..taken);
            prop_assert_eq!(outlet.len(), expected.len());
            prop_assert_eq!(all(&outlet), &expected[..]);
        }
    }
}
