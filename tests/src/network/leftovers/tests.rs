use super::pid_in;

#[test]
fn tells_a_run_from_one_of_its_hosts() {
    assert_eq!(pid_in("4711"), Some(4711));
    assert_eq!(pid_in("4711-2"), Some(4711));
    assert_eq!(pid_in("4711-serviceA"), None);
    assert_eq!(pid_in("4711-2-serviceA"), None);
    assert_eq!(pid_in("s"), None);
}
