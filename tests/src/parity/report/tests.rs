use super::{
    super::{
        case::{Case, Client, Target},
        compare::Difference,
    },
    *,
};

fn outcome(fields: &[(&str, Option<usize>)]) -> Outcome {
    let target = Target::Service(80, "web.apps.local".to_owned());
    let differences = fields.iter().map(|(field, listed)| Difference {
        field: (*field).to_owned(),
        envoy: Some("1".to_owned()),
        ferromesh: None,
        listed: *listed,
    });
    Outcome {
        case: Case::new(Bullet::Http1, "a", target, Client::Tcp(Vec::new())),
        differences: differences.collect(),
    }
}

fn entry() -> Entry {
    Entry {
        case: "http1/a".to_owned(),
        field: "client.1".to_owned(),
        reason: "stricter".to_owned(),
    }
}

#[test]
fn an_unlisted_difference_fails() {
    assert!(print(&[outcome(&[])], &[], None).unwrap());
    assert!(!print(&[outcome(&[("client.1.line", None)])], &[], None).unwrap());
}

#[test]
fn a_listed_difference_passes_and_what_else_differs_fails() {
    let listed = ("client.1.line", Some(0));
    assert!(print(&[outcome(&[listed])], &[entry()], None).unwrap());
    assert!(
        !print(
            &[outcome(&[listed, ("client.end", None)])],
            &[entry()],
            None
        )
        .unwrap()
    );
}

#[test]
fn an_entry_that_no_longer_differs_fails() {
    assert!(!print(&[outcome(&[])], &[entry()], None).unwrap());
}

#[test]
fn an_entry_of_a_case_that_did_not_run_is_not_judged() {
    let mut other = outcome(&[]);
    other.case.name = "b".to_owned();
    assert!(print(&[other], &[entry()], None).unwrap());
}
