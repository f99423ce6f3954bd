use super::*;

fn wanted(name: &str, by: EnrolledBy) -> Wanted {
    let mut enrolment = Enrolment::new(name, "/c");
    enrolment.resource = Some("mesh/m/virtualNode/n".parse().expect("a resource"));
    Wanted::enrolled(enrolment, by, &Settings::example()).expect("good")
}

#[test]
fn of_two_that_name_one_workload_the_first_has_it_and_the_other_is_told() {
    let mut set = Set::default();
    let all = [
        wanted("web", EnrolledBy::File),
        wanted("shop", EnrolledBy::Request),
        wanted("web", EnrolledBy::Request),
    ];
    let clashes = want(&mut set, all.into_iter());
    assert_eq!(set.wanted["web"].by, EnrolledBy::File);
    assert_eq!(set.wanted["shop"].by, EnrolledBy::Request);
    assert_eq!(clashes.len(), 1);
    for word in ["`web`", "workload add", "enrolment file", "set aside"] {
        assert!(clashes[0].contains(word), "no {word} in: {}", clashes[0]);
    }
}

#[test]
fn the_file_takes_no_name_of_another_while_the_daemon_runs() {
    let mut set = Set::default();
    want(&mut set, [wanted("web", EnrolledBy::Request)].into_iter());
    let of_file = vec![wanted("web", EnrolledBy::File)];
    replace_file(&mut set, of_file, Path::new("/f")).expect_err("taken");
    assert_eq!(set.wanted["web"].by, EnrolledBy::Request);
}
