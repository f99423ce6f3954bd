use super::*;

#[test]
fn waits_stay_below_a_bound_that_doubles() {
    let mut back_off = BackOff::default();
    // One below a multiple of every bound.
    let greatest = 200 * 250 * 9 - 1;
    let waits: Vec<u128> = (0..6)
        .map(|_| back_off.next(greatest).as_millis())
        .collect();
    assert_eq!(waits, [24, 49, 99, 199, 249, 249]);
    assert_eq!(BackOff::default().next(0), Duration::ZERO);
}
