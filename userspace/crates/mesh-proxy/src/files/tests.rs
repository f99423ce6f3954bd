use std::{fs, io::Write, os::unix::fs::symlink};

use super::*;

#[test]
fn a_link_does_not_lead_out_of_the_root() {
    let directory = tempfile::tempdir().expect("a directory");
    let outside = directory.path().join("secret");
    fs::write(&outside, "host").expect("written");
    let root = directory.path().join("root");
    fs::create_dir_all(root.join("etc")).expect("made");
    symlink(&outside, root.join("etc/absolute")).expect("linked");
    symlink("../../secret", root.join("etc/relative")).expect("linked");
    symlink("/etc/hosts", root.join("etc/inside")).expect("linked");
    fs::write(root.join("etc/hosts"), "own").expect("written");
    let files = Files {
        root: Some(root.clone()),
        standard_output: None,
    };
    for link in ["/etc/absolute", "/etc/relative"] {
        files.read(Path::new(link)).expect_err(link);
        let opened = files.appender(link)(Path::new(link));
        // The directories that the link names are not in the root, and are not made.
        if let Ok(mut file) = opened {
            file.write_all(b"line").expect("written");
        }
        assert_eq!(fs::read(&outside).expect("read"), b"host", "{link}");
    }
    assert_eq!(files.read(Path::new("/etc/inside")).expect("read"), b"own");
    files.read(Path::new("/etc")).expect_err("a directory");
}

#[test]
fn standard_output_goes_where_the_workloads_does() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = directory.path().join("log");
    let files = Files {
        root: Some(directory.path().join("root")),
        standard_output: Some(log.clone()),
    };
    assert!(!files.is_own_output("/dev/stdout"));
    let mut file = files.appender("/dev/stdout")(Path::new("/dev/stdout")).expect("opened");
    file.write_all(b"line").expect("written");
    assert_eq!(fs::read(log).expect("read"), b"line");
    assert!(Files::default().is_own_output("/dev/stdout"));
}
