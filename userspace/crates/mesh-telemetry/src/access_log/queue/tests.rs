use std::{fs, io::Read, path::Path, process::Command};

use super::*;

const SOON: Duration = Duration::from_mins(1);

fn queue(path: &Path) -> (Queue, Arc<AccessLogStats>) {
    let stats = Arc::new(AccessLogStats::default());
    let path = path.to_str().expect("text");
    let queue = Queue::start(path, Arc::clone(&stats)).expect("a thread");
    (queue, stats)
}

#[test]
fn lines_are_appended_in_their_order() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("access.log");
    fs::write(&path, "before\n").expect("a file");
    let (queue, stats) = queue(&path);
    for line in ["one\n", "two\n"] {
        queue.push(line.into());
    }
    assert!(queue.flush(SOON));
    assert_eq!(
        fs::read_to_string(&path).expect("the file"),
        "before\none\ntwo\n"
    );
    assert_eq!(stats.lines_written.value(), 2);
}

#[test]
fn a_file_that_was_moved_away_is_made_anew() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("access.log");
    let (queue, stats) = queue(&path);
    for (line, rotated) in [("one\n", "access.log.1"), ("two\n", "access.log.2")] {
        queue.push(line.into());
        assert!(queue.flush(SOON));
        let rotated = directory.path().join(rotated);
        fs::rename(&path, &rotated).expect("a rotation");
        assert_eq!(fs::read_to_string(rotated).expect("the file"), line);
    }
    assert_eq!(stats.lines_written.value(), 2);
}

#[test]
fn a_file_is_opened_anew_where_that_is_asked_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("access.log");
    let (queue, _) = queue(&path);
    queue.push("one\n".into());
    assert!(queue.flush(SOON));
    let open = || {
        let own = fs::read_dir("/proc/self/fd").expect("descriptors");
        let links = own.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        links.filter(|link| *link == path).count()
    };
    assert_eq!(open(), 1);
    queue.reopen();
    assert!(queue.flush(SOON));
    assert_eq!(open(), 0, "a file that nothing is written to is let go");
    queue.push("two\n".into());
    assert!(queue.flush(SOON));
    assert_eq!(fs::read_to_string(&path).expect("the file"), "one\ntwo\n");
}

#[test]
fn a_full_disk_is_counted_and_holds_nobody_up() {
    let (queue, stats) = queue(Path::new("/dev/full"));
    for _ in 0..3 {
        queue.push("one\n".into());
    }
    assert!(queue.flush(SOON));
    assert_eq!(stats.lines_failed.value(), 3);
    assert_eq!(stats.lines_written.value(), 0);
}

#[test]
fn a_file_that_another_name_stands_for_is_made_anew_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("access.log");
    let stats = Arc::new(AccessLogStats::default());
    let queue = Queue::start_at("/dev/stdout", path.clone(), stats).expect("a thread");
    for rotated in ["access.log.1", "access.log.2"] {
        queue.push("line\n".into());
        assert!(queue.flush(SOON));
        fs::rename(&path, directory.path().join(rotated)).expect("a rotation");
    }
}

#[test]
fn a_file_that_cannot_be_written_is_counted_and_holds_nobody_up() {
    let directory = tempfile::tempdir().expect("a directory");
    let (queue, stats) = queue(&directory.path().join("missing/access.log"));
    queue.push("one\n".into());
    assert!(queue.flush(SOON));
    assert_eq!(stats.lines_failed.value(), 1);
}

#[test]
fn a_reader_that_does_not_read_makes_lines_drop_and_nobody_wait() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("pipe");
    let made = Command::new("mkfifo").arg(&path).status();
    assert!(made.expect("mkfifo(1)").success());
    // Both ends, so that opening it waits for nobody; nothing is read yet.
    let mut pipe = OpenOptions::new()
        .read(true)
        .write(true)
        .open(&path)
        .expect("the pipe");
    let (queue, stats) = queue(&path);
    let line = vec![b'x'; 1024];
    let pushed = 2 * MAXIMUM_LINES as u64;
    for _ in 0..pushed {
        queue.push(line.clone());
    }
    let dropped = stats.lines_dropped.value();
    assert!(dropped > 0);
    let kept = usize::try_from(pushed - dropped).expect("it fits") * line.len();
    let reader = thread::spawn(move || {
        let mut read = vec![0; kept];
        pipe.read_exact(&mut read)
    });
    assert!(queue.flush(SOON));
    reader.join().expect("no panic").expect("every line");
    assert_eq!(stats.lines_written.value(), pushed - dropped);
}
