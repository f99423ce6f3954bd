use super::*;

#[test]
fn a_slip_of_the_finger_is_recognised() {
    assert_eq!(
        closest("portMaping", ["port", "portMapping", "tls"]),
        Some("portMapping")
    );
    assert_eq!(
        closest("SERVICEB", ["serviceA", "serviceB"]),
        Some("serviceB")
    );
    assert_eq!(closest("colour", ["port", "portMapping", "tls"]), None);
}

#[test]
fn nearest_names_come_first_and_few_are_listed() {
    let many = ["a", "b", "c", "d", "serviceB", "serviceA"];
    let listed = listed("serviceC", many).expect("there are names");
    assert!(listed.starts_with("`serviceA`, `serviceB`, "), "{listed}");
    assert_eq!(listed.matches('`').count(), 2 * SHOWN);
    assert_eq!(super::listed("x", []), None);
}
