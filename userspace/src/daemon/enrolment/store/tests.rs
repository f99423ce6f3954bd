use std::{os::unix::fs::PermissionsExt, path::Path};

use super::*;

fn store(directory: &Path) -> Store {
    Store {
        path: directory.join("state").join("enrolments.json"),
        written: None,
        failed: None,
    }
}

#[test]
fn what_is_kept_is_read_again_and_a_damaged_file_is_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = store(directory.path());
    assert_eq!(store.read(), Kept::default());
    let mut enrolment = Enrolment::new("shop", "/c");
    enrolment.resource = Some("mesh/m/virtualNode/n".parse().expect("a resource"));
    let kept = Kept {
        requests: vec![enrolment],
        file: vec![Enrolment::new("b", "/d")],
    };
    let again = kept.clone();
    store.keep(kept).expect("written");
    assert_eq!(store.read(), again);
    let mode = fs::metadata(&store.path).expect("a file").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600, "environments may hold secrets");
    fs::write(&store.path, "{").expect("written");
    assert_eq!(store.read(), Kept::default());
}

#[test]
fn what_could_not_be_kept_is_kept_when_it_can_be() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = store(directory.path());
    let kept = Kept {
        requests: vec![Enrolment::new("shop", "/c")],
        file: Vec::new(),
    };
    let in_the_way = directory.path().join("state");
    fs::write(&in_the_way, "").expect("written");
    store.keep(kept.clone()).expect_err("no directory");
    assert!(!store.is_due(), "not at once");
    fs::remove_file(&in_the_way).expect("removed");
    store.keep(kept.clone()).expect("kept");
    assert_eq!(store.read(), kept);
    assert!(store.is_due());
    fs::remove_file(&store.path).expect("removed");
    store.keep(kept).expect("nothing has changed");
    assert!(!store.path.exists(), "and nothing was written");
}
