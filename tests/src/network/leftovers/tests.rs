use super::is_run;

#[test]
fn tells_a_run_from_other_names() {
    assert!(is_run("4711"));
    assert!(is_run("4711-2"));
    assert!(!is_run("4711-serviceA"));
    assert!(!is_run("4711-2-serviceA"));
    assert!(!is_run("s"));
    assert!(!is_run(""));
}
