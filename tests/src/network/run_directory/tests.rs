use super::{RunDirectory, is_alive, path_of};

#[test]
fn a_run_is_alive_for_as_long_as_its_lock_is_held() {
    let id = format!("unit{}", std::process::id());
    assert!(!is_alive(&id));
    let mut directory = RunDirectory::create(&id).expect("a directory");
    assert!(is_alive(&id));
    directory.keep();
    drop(directory);
    assert!(path_of(&id).is_dir());
    assert!(!is_alive(&id));
    std::fs::remove_dir_all(path_of(&id)).expect("the directory was kept");
}
