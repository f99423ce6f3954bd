use super::of_instance;

#[test]
fn an_instance_has_the_same_unique_local_prefix_every_time() {
    let targets = of_instance("default");
    assert_eq!(targets, of_instance("default"));
    assert_eq!(targets.prefix_len(), 64);
    assert!(targets.network().is_unique_local());
    assert_eq!(targets.network().octets()[0], 0xfd);
    // Written down, because pins of an earlier version may hold its routes.
    assert_eq!(targets.to_string(), "fdf6:6236:a665:fef3::/64");
}

#[test]
fn instances_have_prefixes_of_their_own() {
    assert_ne!(of_instance("default"), of_instance("other"));
}
