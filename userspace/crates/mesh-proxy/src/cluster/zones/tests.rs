use super::*;

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], 80))
}

fn located(found: &[(u8, Option<&str>)]) -> Located {
    let found = found.iter();
    found.map(|(last, zone)| (address(*last), *zone)).collect()
}

#[test]
fn each_endpoint_is_there_once_with_its_zone() {
    let located = located(&[
        (3, Some("a")),
        (1, None),
        (3, Some("b")),
        (2, Some(" b ")),
        (4, Some(" ")),
    ]);
    assert_eq!(located.endpoints, [3, 1, 2, 4].map(address));
    let zones = [3, 1, 2, 4].map(|last| located.zones.of(address(last)));
    assert_eq!(zones, [Some("a"), None, Some("b"), None]);
    assert_eq!(located.zones.names(), BTreeSet::from(["a", "b"]));
}

#[test]
fn those_that_stay_keep_the_zones_that_they_had() {
    let before = located(&[(1, Some("a")), (2, Some("a")), (3, None)]).zones;
    let after = located(&[(1, Some("b"))]).zones;
    let both = after.and_those_of(&[1, 2, 3].map(address), &before);
    let zones = [1, 2, 3].map(|last| both.of(address(last)));
    assert_eq!(zones, [Some("b"), Some("a"), None]);
}
