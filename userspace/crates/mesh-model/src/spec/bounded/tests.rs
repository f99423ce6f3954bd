use proptest::prelude::*;

use super::*;

#[test]
fn text_counts_characters_not_bytes() {
    assert!(Text::<1, 2>::try_from("äö".to_owned()).is_ok());
    assert_eq!(Text::<1, 2>::try_from("äöü".to_owned()), Err(OutOfBounds));
    assert_eq!(Text::<1, 2>::try_from(String::new()), Err(OutOfBounds));
}

#[test]
fn ports_begin_at_one() {
    assert_eq!(Port::try_from(0), Err(OutOfBounds));
    assert_eq!(Port::try_from(65_536), Err(OutOfBounds));
    assert_eq!(Port::try_from(-1), Err(OutOfBounds));
    assert_eq!(Port::try_from(1).map(u16::from), Ok(1));
    assert_eq!(Port::try_from(65_535).map(u16::from), Ok(65_535));
}

#[test]
fn items_are_counted() {
    assert_eq!(Items::<u8, 1, 2>::try_from(vec![]), Err(OutOfBounds));
    assert_eq!(
        Items::<u8, 1, 2>::try_from(vec![1, 2]).as_deref(),
        Ok(&[1, 2][..])
    );
    assert_eq!(Items::<u8, 1, 2>::try_from(vec![1, 2, 3]), Err(OutOfBounds));
}

proptest! {
    #[test]
    fn a_number_is_taken_exactly_within_its_bounds(number: i64) {
        prop_assert_eq!(Number::<0, 100>::try_from(number).is_ok(), (0..=100).contains(&number));
        prop_assert_eq!(
            Number::<-50, 50>::try_from(number % 100).map(i64::from).ok(),
            Some(number % 100).filter(|number| (-50..=50).contains(number))
        );
    }
}
