use super::*;

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

#[test]
fn a_try_no_shorter_than_the_request_has_no_time_of_its_own() {
    assert_eq!(per_try(Some(ms(5)), Some(ms(6))), Some(ms(5)));
    assert_eq!(per_try(Some(ms(6)), Some(ms(6))), None);
    assert_eq!(per_try(Some(ms(7)), Some(ms(6))), None);
    assert_eq!(per_try(Some(ms(7)), None), Some(ms(7)));
    assert_eq!(per_try(None, Some(ms(6))), None);
}

#[test]
fn an_endpoint_is_told_the_shorter_of_both_times() {
    let (try_, request) = (Some(ms(100)), Some(ms(1000)));
    assert_eq!(expected(try_, request, ms(0)), Some(ms(100)));
    assert_eq!(expected(try_, request, ms(950)), Some(ms(50)));
    assert_eq!(expected(None, request, ms(950)), Some(ms(50)));
    assert_eq!(expected(try_, None, ms(5000)), Some(ms(100)));
    assert_eq!(expected(None, None, ms(5000)), None);
}

#[test]
fn a_request_that_is_out_of_time_is_not_told_that_it_has_for_ever() {
    for elapsed in [1000, 5000] {
        assert_eq!(expected(None, Some(ms(1000)), ms(elapsed)), Some(ms(1)));
    }
}

#[test]
fn parts_of_a_millisecond_that_have_passed_do_not_count() {
    let elapsed = Duration::from_micros(1999);
    assert_eq!(expected(None, Some(ms(10)), elapsed), Some(ms(9)));
}
