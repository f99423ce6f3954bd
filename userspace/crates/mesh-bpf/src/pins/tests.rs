use std::{fs, path::Path};

use super::{Pins, is_instance_name, names, remove, remove_directory, versions};

#[test]
fn names_of_instances_are_names_of_directories() {
    for name in ["default", "a", "A-1_b", &"x".repeat(63)] {
        assert!(is_instance_name(name), "{name}");
    }
    for name in [
        "",
        ".",
        "..",
        "a.b",
        "a/b",
        "a b",
        "\u{e9}",
        &"x".repeat(64),
    ] {
        assert!(!is_instance_name(name), "{name}");
    }
}

#[test]
fn versions_are_told_by_their_directories() {
    let bpffs = tempfile::tempdir().unwrap();
    assert!(versions(bpffs.path(), "one").unwrap().is_empty());
    let pins = Pins::new(bpffs.path(), "one");
    fs::create_dir_all(pins.maps()).unwrap();
    fs::create_dir_all(pins.root().with_file_name("v7")).unwrap();
    fs::create_dir_all(pins.root().with_file_name("other")).unwrap();
    assert_eq!(
        versions(bpffs.path(), "one").unwrap(),
        [ebpf_abi::ABI_VERSION, 7]
    );
}

#[test]
fn what_is_not_there_is_removed_already() {
    let nowhere = Path::new("/no/such/directory");
    remove(nowhere).unwrap();
    assert!(!remove_directory(nowhere).unwrap());
    assert!(names(nowhere).unwrap().is_empty());
}
