use super::*;

#[test]
fn what_is_kept_is_read_again_and_a_damaged_file_is_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = Store {
        path: directory.path().join("state").join("enrolments.json"),
    };
    assert_eq!(store.read(), Kept::default());
    let mut enrolment = Enrolment::new("shop", "/c");
    enrolment.resource = Some("mesh/m/virtualNode/n".parse().expect("a resource"));
    let kept = Kept {
        requests: vec![enrolment],
        file: vec![Enrolment::new("b", "/d")],
    };
    store.write(&kept).expect("written");
    assert_eq!(store.read(), kept);
    fs::write(&store.path, "{").expect("written");
    assert_eq!(store.read(), Kept::default());
}
