//! What is in force after a start, over good documents, bad ones and damaged generations.

use super::*;

#[test]
fn a_restart_over_the_same_documents_has_the_same_number() {
    let (scene, _running) = three();
    let again = scene.start();
    assert_eq!(again.state(), (3, 8003, None));
    assert!(!again.configuration.in_force().from_last_good);
}

#[test]
fn a_restart_over_bad_documents_runs_the_last_good_ones() {
    let (scene, mut running) = three();
    scene.listen(0);
    running.take();
    assert_eq!(running.state(), (3, 8003, None));
    let mut again = scene.start();
    assert_eq!(again.state(), (3, 8003, None));
    assert!(again.configuration.in_force().from_last_good);
    assert!(
        again.problems()[0].contains("a.json:"),
        "{:?}",
        again.problems()
    );
    scene.listen(8003);
    again.take();
    assert_eq!(again.state(), (3, 8003, None));
    assert!(!again.configuration.in_force().from_last_good);
}

#[test]
fn a_directory_that_is_gone_at_the_start_is_bad_documents() {
    let (scene, _running) = three();
    fs::rename(scene.at("mesh"), scene.at("away")).expect("renamed");
    let again = scene.start();
    assert_eq!(again.state(), (3, 8003, None));
    assert!(
        again.problems()[0].contains("cannot read"),
        "{:?}",
        again.problems()
    );
}

#[test]
fn a_change_that_means_nothing_here_keeps_the_number_and_is_kept() {
    let (scene, mut running) = three();
    scene.write("b.json", &node("b", "9000"));
    running.take();
    assert_eq!(running.state(), (3, 8003, None));
    scene.write("c.json", "{");
    let again = scene.start();
    assert_eq!(again.state(), (3, 8003, None));
    let names: Vec<&str> = (again.configuration.documents.files.iter())
        .map(|file| file.name.as_str())
        .collect();
    assert_eq!(names, ["a.json", "b.json"]);
}

#[test]
fn a_damaged_generation_is_named_and_the_one_before_runs() {
    let (scene, _running) = three();
    scene.tear(3);
    scene.listen(0);
    let again = scene.start();
    assert_eq!(again.state(), (2, 8002, None));
    let troubles = again.configuration.lock().unkept.clone();
    assert!(
        troubles.len() == 1 && troubles[0].contains("00000003.json.lz4 is damaged"),
        "{troubles:?}"
    );
    scene.listen(8005);
    let next = scene.start();
    assert_eq!(next.state(), (4, 8005, None), "no number is given twice");
}

#[test]
fn without_any_good_documents_every_reason_is_said() {
    let (scene, _running) = three();
    for generation in 1..=3 {
        scene.tear(generation);
    }
    scene.listen(0);
    let error = scene.try_start().map(|_| ()).expect_err("nothing to run");
    let error = format!("{error:#}");
    for reason in ["a.json:", "00000001", "00000002", "00000003"] {
        assert!(error.contains(reason), "{reason}: {error}");
    }
}

#[test]
fn a_disk_that_keeps_nothing_costs_no_traffic_and_is_said() {
    let scene = Scene::new();
    fs::write(scene.at("state"), "a file in the way").expect("a file");
    scene.listen(8001);
    let mut running = scene.start();
    assert_eq!(running.state(), (1, 8001, None));
    let troubles = running.configuration.lock().unkept.clone();
    assert!(troubles[0].contains("cannot keep"), "{troubles:?}");
    fs::remove_file(scene.at("state")).expect("removed");
    running.take();
    assert_eq!(running.configuration.lock().unkept, Vec::<String>::new());
    assert_eq!(scene.start().state(), (1, 8001, None));
}
