use std::fs;

use mesh_config::source::generations::Generations;

use super::{ENROLMENTS, ENROLMENTS_DRAFT, of_workload, remove};

#[test]
fn what_is_kept_goes_and_what_is_of_others_stays() {
    let parent = tempfile::tempdir().unwrap();
    let state_dir = parent.path().join("state");
    assert!(!remove(&state_dir).unwrap(), "nothing is there");
    let fill = || {
        let of_workload = of_workload(&state_dir, "web");
        for directory in [&state_dir, &of_workload] {
            let generations = Generations::in_directory(directory);
            fs::create_dir_all(generations.path()).unwrap();
            fs::write(generations.path().join("1"), "").unwrap();
        }
        for file in [ENROLMENTS, ENROLMENTS_DRAFT] {
            fs::write(state_dir.join(file), "{}").unwrap();
        }
    };
    fill();
    assert!(remove(&state_dir).unwrap());
    assert!(!state_dir.exists());
    fill();
    let of_others = state_dir.join("database");
    fs::write(&of_others, "").unwrap();
    assert!(remove(&state_dir).unwrap());
    let left: Vec<_> = fs::read_dir(&state_dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(left, [of_others]);
}
