use super::*;

#[test]
fn the_daemons_own_namespace_has_no_path_however_it_is_named() {
    let own = Namespace::open(None).expect("its own");
    let by_path = Namespace::open(Some(Path::new("/proc/self/ns/net"))).expect("its own");
    assert_eq!(own.id(), by_path.id());
    assert_eq!(by_path.path(), None);
    assert!(by_path.is_there());
    assert_eq!(by_path.inside(|| 7).expect("entered"), 7);
}

#[test]
fn what_is_not_there_is_named_with_its_mend() {
    let error = Namespace::open(Some(Path::new("/nowhere"))).expect_err("not there");
    let text = format!("{error:#}");
    assert!(
        text.contains("/nowhere") && text.contains("/run/netns/NAME"),
        "{text}"
    );
}
