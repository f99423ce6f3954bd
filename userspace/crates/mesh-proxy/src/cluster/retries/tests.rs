use super::*;

#[test]
fn no_more_are_under_way_than_may_be() {
    let retries = Retries::new(2);
    let (first, second) = (retries.begin(), retries.begin());
    assert!(first.is_some() && second.is_some());
    assert!(retries.begin().is_none());
    drop(first);
    assert!(retries.begin().is_some());
    assert!(Retries::new(0).begin().is_none());
}
