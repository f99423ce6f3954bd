//! Going back to a generation that was in force, how long that holds, and its end.

use super::*;

#[test]
fn a_rollback_holds_until_the_documents_change() {
    let (scene, mut running) = three();
    running.roll_back(None).expect("2 is kept");
    assert_eq!(running.state(), (4, 8002, Some(2)));
    running.take();
    assert_eq!(running.state(), (4, 8002, Some(2)), "nothing has changed");
    scene.write("b.json", &node("b", "8003"));
    running.take();
    assert_eq!(running.state(), (5, 8003, None));
}

#[test]
fn a_rollback_holds_over_restarts() {
    let (scene, mut running) = three();
    running.roll_back(Some(1)).expect("1 is kept");
    assert_eq!(scene.start().state(), (4, 8001, Some(1)));
    let mut running = scene.start();
    assert_eq!(running.state(), (4, 8001, Some(1)));
    scene.listen(8004);
    running.take();
    assert_eq!(running.state(), (5, 8004, None));
}

#[test]
fn a_change_while_the_daemon_is_down_ends_a_rollback() {
    let (scene, mut running) = three();
    running.roll_back(None).expect("2 is kept");
    scene.listen(8004);
    assert_eq!(scene.start().state(), (5, 8004, None));
}

#[test]
fn a_bad_change_leaves_a_rollback_as_it_is_also_over_a_restart() {
    let (scene, mut running) = three();
    running.roll_back(None).expect("2 is kept");
    scene.write("a.json", "{");
    running.take();
    assert_eq!(running.state(), (4, 8002, Some(2)));
    assert!(!running.problems().is_empty());
    let mut running = scene.start();
    assert_eq!(running.state(), (4, 8002, Some(2)));
    assert!(!running.problems().is_empty());
    scene.listen(8003);
    running.take();
    assert_eq!(running.state(), (4, 8002, Some(2)), "still set aside");
    assert_eq!(running.problems(), Vec::<String>::new());
}

#[test]
fn each_rollback_goes_further_back_and_a_number_goes_anywhere() {
    let (_scene, mut running) = three();
    running.roll_back(None).expect("2 is kept");
    running.roll_back(None).expect("1 is kept");
    assert_eq!(running.state(), (5, 8001, Some(1)));
    let error = running.roll_back(None).expect_err("the first");
    assert_eq!(
        error,
        "no generation before 1 is kept; kept are 5, 4, 3, 2, 1"
    );
    running.roll_back(Some(4)).expect("4 is kept");
    assert_eq!(running.state(), (6, 8002, Some(2)), "4 was back to 2");
    running.roll_back(Some(3)).expect("3 is kept");
    assert_eq!(
        running.state(),
        (7, 8003, None),
        "the directory holds these documents"
    );
}

#[test]
fn a_release_takes_what_the_directory_holds() {
    let (scene, mut running) = three();
    let error = running.configuration.release().expect_err("not held");
    assert_eq!(error.to_string(), "nothing is rolled back");
    running.roll_back(None).expect("2 is kept");
    let fresh = running.configuration.release().expect("good documents");
    running.configuration.persist();
    assert!(fresh.is_some());
    assert_eq!(running.state(), (5, 8003, None));
    assert_eq!(scene.start().state(), (5, 8003, None));
}

#[test]
fn a_release_to_bad_documents_is_refused_with_their_problems() {
    let (scene, mut running) = three();
    running.roll_back(None).expect("2 is kept");
    scene.listen(0);
    running.take();
    let error = running.configuration.release().expect_err("port 0");
    let error = format!("{error:#}");
    assert!(
        error.contains("the rollback to generation 2 goes on") && error.contains("a.json:"),
        "{error}"
    );
    assert_eq!(running.state(), (4, 8002, Some(2)));
}

#[test]
fn a_generation_that_is_not_kept_is_refused_with_those_that_are() {
    let (scene, mut running) = three();
    let error = running.roll_back(Some(9)).expect_err("unknown");
    assert_eq!(error, "generation 9 is not kept; kept are 3, 2, 1");
    let error = running.roll_back(Some(3)).expect_err("in force");
    assert_eq!(error, "generation 3 is in force already");
    scene.tear(1);
    let error = running.roll_back(Some(1)).expect_err("torn");
    assert!(
        error.starts_with("generation 1 cannot be used; nothing has changed: ")
            && error.contains("00000001.json.lz4 is damaged"),
        "{error}"
    );
    assert_eq!(running.state(), (3, 8003, None));
}

#[test]
fn a_generation_that_does_not_apply_any_more_is_refused_with_its_problems() {
    let mut scene = Scene::new();
    scene.flags = vec!["--var", "PORT=8001"];
    scene.write("a.json", &node("a", "$PORT"));
    assert_eq!(scene.start().state(), (1, 8001, None));
    scene.flags.clear();
    scene.listen(8002);
    let mut running = scene.start();
    let error = running.roll_back(None).expect_err("no value");
    assert!(
        error.starts_with("generation 1 does not apply any more; nothing has changed: a.json:")
            && error.contains("`PORT` has no value"),
        "{error}"
    );
    assert_eq!(running.state(), (2, 8002, None));
}

#[test]
fn a_damaged_rollback_is_made_up_for_by_what_it_went_back_to() {
    let (scene, mut running) = three();
    running.roll_back(None).expect("2 is kept");
    running.roll_back(Some(1)).expect("1 is kept");
    scene.tear(5);
    assert_eq!(scene.start().state(), (4, 8002, Some(2)));
}

#[test]
fn a_rollback_that_cannot_go_on_never_turns_into_what_was_set_aside() {
    let mut scene = Scene::new();
    scene.flags = vec!["--var", "PORT=8001"];
    scene.write("a.json", &node("a", "$PORT"));
    let mut running = scene.start();
    scene.listen(8002);
    running.take();
    running.roll_back(None).expect("1 is kept");
    assert_eq!(running.state(), (3, 8001, Some(1)));
    scene.flags.clear();
    let error = scene
        .try_start()
        .map(|_| ())
        .expect_err("PORT has no value");
    let error = format!("{error:#}");
    assert!(
        error.contains("is set aside by a rollback; change it"),
        "{error}"
    );
    scene.listen(8003);
    assert_eq!(scene.start().state(), (4, 8003, None));
}
