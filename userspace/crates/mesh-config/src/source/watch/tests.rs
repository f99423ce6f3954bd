use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use tokio::time::timeout;

use super::*;

/// How long a change may take to be seen on a busy machine before the test fails.
const DEADLINE: Duration = Duration::from_secs(30);

struct Watched {
    directory: TempDir,
    watch: Watch,
}

impl Watched {
    fn start(prepare: impl FnOnce(&Path)) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        prepare(directory.path());
        let watch = watch(directory.path());
        Self { directory, watch }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    async fn until(&mut self, wanted: impl Fn(&DocumentSet) -> bool) {
        let seen = async { while !wanted(&self.watch.changed().await.expect("readable")) {} };
        timeout(DEADLINE, seen).await.expect("the change is seen");
    }
}

fn watch(path: &Path) -> Watch {
    let mut directory = Directory::new(path);
    directory.read().expect("readable");
    Watch::start(directory)
}

fn text(set: &DocumentSet) -> Option<&str> {
    set.files.first().map(|file| &*file.text)
}

#[tokio::test]
async fn a_file_that_appears_changes_and_goes_is_seen() {
    let mut watched = Watched::start(|_| {});
    let path = watched.path("a.json");
    fs::write(&path, "1").expect("a file");
    watched.until(|set| text(set) == Some("1")).await;
    fs::write(&path, "2").expect("a file");
    watched.until(|set| text(set) == Some("2")).await;
    fs::remove_file(&path).expect("removed");
    watched.until(|set| set.files.is_empty()).await;
}

#[tokio::test]
async fn a_draft_renamed_into_place_is_seen() {
    let mut watched = Watched::start(|path| fs::write(path.join("a.json"), "1").expect("a file"));
    fs::write(watched.path(".a.json.swp"), "2").expect("a file");
    fs::rename(watched.path(".a.json.swp"), watched.path("a.json")).expect("renamed");
    watched.until(|set| text(set) == Some("2")).await;
}

#[tokio::test]
async fn the_swap_of_a_mounted_config_map_is_seen() {
    let mut watched = Watched::start(|path| {
        for version in ["..1", "..2"] {
            fs::create_dir(path.join(version)).expect("a version");
            fs::write(path.join(version).join("a.json"), version).expect("a file");
        }
        symlink("..1", path.join("..data")).expect("a link");
        symlink("..data/a.json", path.join("a.json")).expect("a link");
    });
    symlink("..2", watched.path("..data_tmp")).expect("a link");
    fs::rename(watched.path("..data_tmp"), watched.path("..data")).expect("renamed");
    watched.until(|set| text(set) == Some("..2")).await;
}

#[tokio::test]
async fn what_is_not_notified_is_noticed() {
    let mut watched = Watched::start(|path| {
        for version in ["one", "two"] {
            fs::create_dir(path.join(version)).expect("a version");
            fs::write(path.join(version).join("a.json"), version).expect("a file");
        }
        symlink("one", path.join("current")).expect("a link");
    });
    let current = watched.path("current");
    watched.watch = watch(&current);
    // The watch is on the directory that the link led to, which nobody touches.
    symlink("two", watched.path("next")).expect("a link");
    fs::rename(watched.path("next"), &current).expect("renamed");
    watched.until(|set| text(set) == Some("two")).await;
    // And it has moved on with the link.
    fs::write(watched.path("two/a.json"), "three").expect("a file");
    watched.until(|set| text(set) == Some("three")).await;
}

#[tokio::test]
async fn a_change_before_the_first_call_is_not_lost() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("a.json"), "new").expect("a file");
    let mut watch = Watch::start(Directory::new(directory.path()));
    let set = timeout(DEADLINE, watch.changed())
        .await
        .expect("in time")
        .expect("readable");
    assert_eq!(text(&set), Some("new"));
}

#[tokio::test]
async fn a_directory_that_goes_is_reported_once_and_its_return_is_seen() {
    let mut watched = Watched::start(|path| {
        fs::create_dir(path.join("docs")).expect("a directory");
        fs::write(path.join("docs/a.json"), "1").expect("a file");
    });
    let docs = watched.path("docs");
    watched.watch = watch(&docs);
    fs::rename(&docs, watched.path("away")).expect("renamed");
    let gone = timeout(DEADLINE, watched.watch.changed())
        .await
        .expect("in time");
    assert!(matches!(gone, Err(SourceError::Read { .. })), "{gone:?}");
    fs::rename(watched.path("away"), &docs).expect("renamed back");
    fs::write(docs.join("a.json"), "2").expect("a file");
    watched.until(|set| text(set) == Some("2")).await;
}

#[tokio::test]
async fn a_directory_that_is_replaced_by_another_is_followed() {
    let mut watched = Watched::start(|path| {
        for version in ["docs", "next"] {
            fs::create_dir(path.join(version)).expect("a directory");
            fs::write(path.join(version).join("a.json"), version).expect("a file");
        }
    });
    let docs = watched.path("docs");
    watched.watch = watch(&docs);
    fs::rename(&docs, watched.path("old")).expect("renamed");
    fs::rename(watched.path("next"), &docs).expect("renamed");
    let seen = async {
        // Between the two renames there was no directory, which may have been seen.
        while watched.watch.changed().await.ok().as_ref().and_then(text) != Some("next") {}
    };
    timeout(DEADLINE, seen).await.expect("the change is seen");
    fs::write(docs.join("a.json"), "after").expect("a file");
    watched.until(|set| text(set) == Some("after")).await;
}

#[tokio::test]
async fn files_of_directories_that_come_later_are_seen() {
    let mut watched = Watched::start(|_| {});
    fs::create_dir_all(watched.path("one/two")).expect("directories");
    fs::write(watched.path("one/two/a.json"), "1").expect("a file");
    watched.until(|set| text(set) == Some("1")).await;
    fs::write(watched.path("one/two/a.json"), "2").expect("a file");
    watched.until(|set| text(set) == Some("2")).await;
    fs::rename(watched.path("one"), watched.path("uno")).expect("renamed");
    watched
        .until(|set| set.files[0].name == "uno/two/a.json")
        .await;
    fs::write(watched.path("uno/two/a.json"), "3").expect("a file");
    watched.until(|set| text(set) == Some("3")).await;
}

#[tokio::test]
async fn a_file_written_in_halves_is_handed_over_whole() {
    let mut watched = Watched::start(|path| fs::write(path.join("a.yaml"), "old").expect("a file"));
    let mut file = File::create(watched.path("a.yaml")).expect("a file");
    file.write_all(b"first: 1\n").expect("written");
    // Longer than the quiet that ends a burst: what holds the file back is its writer.
    let early = timeout(QUIET * 8, watched.watch.changed()).await;
    assert!(early.is_err(), "half a file was handed over: {early:?}");
    file.write_all(b"second: 2\n").expect("written");
    drop(file);
    let set = timeout(DEADLINE, watched.watch.changed())
        .await
        .expect("in time");
    assert_eq!(text(&set.expect("readable")), Some("first: 1\nsecond: 2\n"));
}

#[tokio::test]
async fn a_file_that_is_half_written_holds_back_itself_alone() {
    let mut watched = Watched::start(|path| {
        for name in ["a.yaml", "b.yaml"] {
            fs::write(path.join(name), "old").expect("a file");
        }
    });
    let texts = |set: &DocumentSet| -> Vec<String> {
        let texts = set.files.iter().map(|file| file.text.to_string());
        texts.collect()
    };
    let mut file = File::create(watched.path("a.yaml")).expect("emptied");
    file.write_all(b"first: 1\n").expect("written");
    fs::write(watched.path("b.yaml"), "new").expect("a file");
    let set = timeout(DEADLINE, watched.watch.changed()).await;
    let set = set.expect("in time").expect("readable");
    assert_eq!(texts(&set), ["old", "new"]);
    file.write_all(b"second: 2\n").expect("written");
    drop(file);
    let set = timeout(DEADLINE, watched.watch.changed()).await;
    let set = set.expect("in time").expect("readable");
    assert_eq!(texts(&set), ["first: 1\nsecond: 2\n", "new"]);
}

#[tokio::test]
async fn a_writer_that_never_closes_its_file_does_not_hold_it_back_for_ever() {
    let mut watched = Watched::start(|_| {});
    let mut file = File::create(watched.path("a.yaml")).expect("a file");
    file.write_all(b"kept open").expect("written");
    watched.until(|set| text(set) == Some("kept open")).await;
}

#[tokio::test]
async fn what_did_not_change_is_the_same_file_in_the_next_set() {
    let mut watched = Watched::start(|path| {
        fs::write(path.join("a.json"), "a").expect("a file");
        fs::write(path.join("b.json"), "b").expect("a file");
    });
    let before = watched.watch.seen.clone();
    fs::write(watched.path("b.json"), "new").expect("a file");
    let seen = timeout(DEADLINE, watched.watch.changed())
        .await
        .expect("in time");
    let after = seen.expect("readable");
    assert!(Arc::ptr_eq(&before.files[0], &after.files[0]));
    assert_eq!(&*after.files[1].text, "new");
}

#[tokio::test]
async fn after_a_thousand_changes_the_last_state_of_every_file_is_seen() {
    let mut watched = Watched::start(|_| {});
    let path = watched.directory.path().to_owned();
    let writer = std::thread::spawn(move || {
        for number in 0..1000 {
            let name = format!("{}.json", number % 10);
            fs::write(path.join(name), number.to_string()).expect("a file");
        }
    });
    watched
        .until(|set| {
            let texts = set.files.iter().map(|file| &*file.text);
            texts.eq((990..1000)
                .map(|number| number.to_string())
                .collect::<Vec<_>>())
        })
        .await;
    writer.join().expect("all is written");
}

#[tokio::test]
async fn steady_writes_do_not_put_off_reading_for_ever() {
    let mut watched = Watched::start(|_| {});
    let path = watched.path("a.json");
    let writer = tokio::spawn(async move {
        let mut pace = tokio::time::interval(Duration::from_millis(5));
        for number in 0_u32.. {
            fs::write(&path, format!("{number} {number}")).expect("a file");
            pace.tick().await;
        }
    });
    for _ in 0..3 {
        let set = timeout(DEADLINE, watched.watch.changed())
            .await
            .expect("in time");
        let set = set.expect("readable");
        let halves = text(&set).and_then(|text| text.split_once(' '));
        assert!(halves.is_some_and(|(one, other)| one == other), "{set:?}");
    }
    assert!(
        !writer.is_finished(),
        "it was read while the writes went on"
    );
    writer.abort();
}
