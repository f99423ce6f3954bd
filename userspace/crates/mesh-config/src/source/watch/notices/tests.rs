use std::{fs, path::PathBuf};

use super::*;
use crate::source::directory::Directory;

fn followed(path: &Path) -> Notices {
    let mut directory = Directory::new(path);
    directory.read().expect("readable");
    let mut notices = Notices::new().expect("a queue");
    assert!(notices.follow(path, directory.directories()));
    assert!(
        !notices.follow(path, directory.directories()),
        "nothing new"
    );
    notices
}

fn drained(notices: &mut Notices) -> Touched {
    let mut touched = Touched::default();
    notices.drain(&mut touched).expect("a queue");
    touched
}

#[tokio::test]
async fn a_queue_that_overflows_means_that_everything_is_looked_at() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut notices = followed(directory.path());
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").expect("a limit");
    let limit: usize = limit.trim().parse().expect("a number");
    let [one, other] = [".one", ".other"].map(|name| directory.path().join(name));
    fs::write(&one, "").expect("a file");
    // Two events each, of files that are no documents.
    for _ in 0..=limit / 4 {
        fs::rename(&one, &other).expect("renamed");
        fs::rename(&other, &one).expect("renamed");
    }
    fs::write(directory.path().join("a.json"), "lost").expect("a file");
    let touched = drained(&mut notices);
    assert!(touched.whole);
    assert!(touched.files.is_empty(), "its own event was lost");
}

#[tokio::test]
async fn a_file_is_being_written_until_it_is_closed() {
    use std::io::Write;
    let directory = tempfile::tempdir().expect("a directory");
    let mut notices = followed(directory.path());
    let mut file = fs::File::create(directory.path().join("a.json")).expect("a file");
    file.write_all(b"{").expect("written");
    let touched = drained(&mut notices);
    assert_eq!(touched.writing, ["a.json".to_owned()].into());
    drop(file);
    let mut touched = touched;
    notices.drain(&mut touched).expect("a queue");
    assert_eq!(touched.writing, BTreeSet::new());
    assert_eq!(touched.files, ["a.json".to_owned()].into());
    assert!(!touched.whole);
}

#[tokio::test]
async fn drafts_and_the_reading_of_files_are_no_changes() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("a.json"), "{}").expect("a file");
    let mut notices = followed(directory.path());
    fs::read(directory.path().join("a.json")).expect("read");
    fs::write(directory.path().join(".a.json.swp"), "{}").expect("a draft");
    fs::write(directory.path().join("README.md"), "{}").expect("no document");
    fs::create_dir(directory.path().join(".git")).expect("a hidden directory");
    assert!(drained(&mut notices).is_empty());
}

#[tokio::test]
async fn a_directory_that_is_moved_is_known_by_its_new_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| -> PathBuf { directory.path().join(name) };
    fs::create_dir(at("one")).expect("a directory");
    let mut notices = followed(directory.path());
    fs::rename(at("one"), at("two")).expect("renamed");
    assert!(drained(&mut notices).whole);
    let mut read = Directory::new(directory.path());
    read.read().expect("readable");
    assert!(notices.follow(directory.path(), read.directories()));
    fs::write(at("two/a.json"), "{}").expect("a file");
    let touched = drained(&mut notices);
    assert_eq!(touched.files, ["two/a.json".to_owned()].into());
}
