use super::*;

fn set(text: &str) -> DocumentSet {
    DocumentSet {
        files: vec![SourceFile::new("mesh.json", text)],
        ..DocumentSet::default()
    }
}

#[test]
fn what_is_kept_comes_back() {
    let state = tempfile::tempdir().expect("a directory");
    let last_good = LastGood::in_directory(&state.path().join("not/there/yet"));
    assert_eq!(last_good.load().expect("no file is no error"), None);
    last_good.keep(&set("{\"a\": \"ü\\n\"}")).expect("kept");
    last_good.keep(&set("{}")).expect("kept over the old");
    assert_eq!(last_good.load().expect("readable"), Some(set("{}")));
    let left: Vec<_> = fs::read_dir(last_good.path().parent().expect("a parent"))
        .expect("readable")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(left, ["last-good.json"], "no draft is left behind");
}

#[test]
fn a_damaged_file_is_an_error_that_names_it() {
    let state = tempfile::tempdir().expect("a directory");
    let last_good = LastGood::in_directory(state.path());
    fs::write(last_good.path(), "{\"files\": [").expect("a file");
    let error = last_good.load().expect_err("damaged").to_string();
    assert!(error.contains("last-good.json"), "{error}");
}
