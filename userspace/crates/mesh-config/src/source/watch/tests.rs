use std::{fs, os::unix::fs::symlink};

use tempfile::TempDir;

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
        let seen = read_directory(directory.path()).expect("readable");
        let watch = Watch::start(directory.path(), seen).expect("a watch");
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
    let seen = read_directory(&current).expect("readable");
    watched.watch = Watch::start(&current, seen).expect("a watch");
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
    let mut watch = Watch::start(directory.path(), DocumentSet::default()).expect("a watch");
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
    watched.watch = Watch::start(&docs, read_directory(&docs).expect("readable")).expect("a watch");
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
async fn steady_writes_do_not_put_off_reading_for_ever() {
    let mut watched = Watched::start(|_| {});
    let path = watched.path("a.json");
    let writer = tokio::spawn(async move {
        let mut pace = tokio::time::interval(Duration::from_millis(5));
        for number in 0_u32.. {
            fs::write(&path, number.to_string()).expect("a file");
            pace.tick().await;
        }
    });
    watched
        .until(|set| text(set).is_some_and(|text| !text.is_empty()))
        .await;
    assert!(
        !writer.is_finished(),
        "it was read while the writes went on"
    );
    writer.abort();
}
