use aya::maps::MapError;

use super::{PASSES, distinct};

fn read(keys: impl IntoIterator<Item = u32>) -> impl Iterator<Item = Result<(u32, u32), MapError>> {
    // Later values are newer.
    (0..).zip(keys).map(|(at, key)| Ok((key, at)))
}

#[test]
fn an_entry_that_is_read_again_is_there_once_with_its_last_value() {
    // The kernel began anew after the second.
    let mut found: Vec<_> = distinct(read([7, 8, 7, 8, 9]))
        .unwrap()
        .into_iter()
        .collect();
    found.sort_unstable();
    assert_eq!(found, [(7, 2), (8, 3), (9, 4)]);
}

#[test]
fn a_map_that_never_stands_still_is_read_to_an_end() {
    let endless = read((0..10).cycle());
    let mut looked = 0;
    let found = distinct(endless.inspect(|_| looked += 1)).unwrap();
    assert_eq!(found.len(), 10);
    assert!(looked <= 10 * (PASSES + 1) + 1, "{looked}");
}

#[test]
fn an_entry_that_has_gone_is_left_out_and_any_other_error_is_one() {
    let gone = [Ok((1, ())), Err(MapError::KeyNotFound), Ok((2, ()))];
    assert_eq!(distinct(gone.into_iter()).unwrap().len(), 2);
    let failed = [
        Ok((1, ())),
        Err(MapError::OutOfBounds {
            index: 1,
            max_entries: 1,
        }),
    ];
    assert!(distinct(failed.into_iter()).is_err());
}
