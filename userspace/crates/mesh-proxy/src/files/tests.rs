use std::{
    fs,
    io::Write,
    os::unix::fs::{MetadataExt, symlink},
};

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
        let opened = files.log(link).open();
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
    let mut file = files.log("/dev/stdout").open().expect("opened");
    file.write_all(b"line").expect("written");
    assert_eq!(fs::read(log).expect("read"), b"line");
    assert!(Files::default().is_own_output("/dev/stdout"));
}

#[test]
fn a_file_that_would_fill_the_memory_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("hosts");
    let file = File::create(&path).expect("made");
    file.set_len(READ_LIMIT).expect("grown");
    assert!(Files::default().read(&path).is_ok());
    file.set_len(1 << 40).expect("grown");
    let refused = Files::default().read(&path).expect_err("too large");
    assert_eq!(
        refused.to_string(),
        format!("{} is larger than 1 MiB: make it shorter", path.display())
    );
}

#[test]
fn a_log_below_the_root_is_known_by_what_is_there_now() {
    let directory = tempfile::tempdir().expect("a directory");
    let files = Files {
        root: Some(directory.path().to_owned()),
        standard_output: None,
    };
    let log = files.log("/access.log");
    let file = log.open().expect("made");
    let number = |metadata: io::Result<Metadata>| metadata.map(|there| there.ino());
    let before = number(file.metadata()).expect("looked at");
    assert_eq!(number(log.metadata()).expect("there"), before);
    fs::rename(
        directory.path().join("access.log"),
        directory.path().join("access.log.1"),
    )
    .expect("rotated");
    let gone = log.metadata().expect_err("nothing is there");
    assert_eq!(gone.kind(), io::ErrorKind::NotFound);
    assert_ne!(
        number(log.open().expect("made").metadata()).expect("there"),
        before
    );
}
