use super::{super::cases, *};

#[test]
fn a_sample_is_of_every_bullet_and_of_nothing_that_is_not_yet() {
    let sample = of(cases::all(), 200);
    assert!((100..=250).contains(&sample.len()), "{}", sample.len());
    for bullet in Bullet::ALL {
        assert!(sample.iter().any(|case| case.bullet == bullet), "{bullet}");
    }
    for case in &sample {
        assert_eq!(not_yet(&case.full_name()), None);
    }
}

#[test]
fn each_name_that_is_not_yet_is_that_of_a_case_and_has_a_reason() {
    let names: Vec<String> = cases::all().iter().map(Case::full_name).collect();
    let wanted = NOT_YET
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    for line in wanted {
        let is_known = names.iter().any(|name| match line.strip_suffix('*') {
            Some(begin) => name.starts_with(begin),
            None => name == line,
        });
        assert!(is_known, "{line} is no case");
        let name = line.trim_end_matches('*');
        assert!(
            not_yet(name).is_some_and(|reason| !reason.is_empty()),
            "{line}"
        );
    }
}
