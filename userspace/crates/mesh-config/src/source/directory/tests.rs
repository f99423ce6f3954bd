use std::os::unix::fs::symlink;

use super::*;

fn names(set: &DocumentSet) -> Vec<&str> {
    set.files.iter().map(|file| file.name.as_str()).collect()
}

#[test]
fn reads_json_files_by_name_and_leaves_the_rest() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| directory.path().join(name);
    fs::create_dir(at("more")).expect("a subdirectory");
    for name in [
        "b.json",
        "a.json",
        "more/c.JSON",
        "README.md",
        ".hidden.json",
        "a.json~",
        "mesh.yaml",
    ] {
        fs::write(at(name), name).expect("a file");
    }
    let set = read_directory(directory.path()).expect("readable");
    assert_eq!(names(&set), ["a.json", "b.json", "more/c.JSON"]);
    assert_eq!(&*set.files[0].text, "a.json");
    assert_eq!(set.unreadable, []);
    let [left_out] = &set.left_out[..] else {
        panic!("one: {:?}", set.left_out)
    };
    assert_eq!(
        left_out.to_string(),
        "mesh.yaml: left out: YAML is not read yet, AWS CLI input JSON is"
    );
}

#[test]
fn reads_a_mounted_config_map_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let version = directory.path().join("..2026_01_01");
    fs::create_dir(&version).expect("a version");
    fs::write(version.join("mesh.json"), "{}").expect("a file");
    symlink("..2026_01_01", directory.path().join("..data")).expect("a link");
    symlink("..data/mesh.json", directory.path().join("mesh.json")).expect("a link");
    assert_eq!(
        names(&read_directory(directory.path()).expect("readable")),
        ["mesh.json"]
    );
}

#[test]
fn a_file_that_is_no_text_is_a_problem_of_the_set() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("bad.json"), [0xff, 0xfe]).expect("a file");
    fs::write(directory.path().join("good.json"), "\u{feff}{}").expect("a file");
    let set = read_directory(directory.path()).expect("readable");
    assert_eq!(names(&set), ["good.json"]);
    assert_eq!(
        &*set.files[0].text, "{}",
        "a byte order mark is no part of the text"
    );
    let [problem] = &set.unreadable[..] else {
        panic!("one problem: {:?}", set.unreadable)
    };
    assert_eq!(problem.place.file.as_deref(), Some("bad.json"));
}

#[test]
fn a_file_over_the_limit_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = File::create(directory.path().join("huge.json")).expect("a file");
    file.set_len(MAX_FILE + 1).expect("a sparse file");
    let set = read_directory(directory.path()).expect("readable");
    assert!(
        set.unreadable[0].message.contains("16 MiB"),
        "{}",
        set.unreadable[0]
    );
}

#[test]
fn a_directory_that_is_not_there_is_an_error() {
    let error = read_directory(Path::new("/nonexistent/documents")).expect_err("nothing there");
    assert_eq!(error.to_string(), "cannot read /nonexistent/documents");
}

#[test]
fn single_files_are_read_whatever_their_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("mesh.txt");
    fs::write(&path, "{}").expect("a file");
    let set = read_paths(&[path]).expect("readable");
    assert_eq!(set.files.len(), 1);
}
