use super::*;
use crate::commands::check::finding::Level;

const HYBRID: &str = "\
31 24 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
32 24 0:28 / /sys/fs/cgroup/net_cls,net_prio rw - cgroup cgroup rw,net_cls,net_prio
33 24 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
";

#[test]
fn network_controllers_of_v1_matter_before_linux_5_16() {
    let old = network_controllers(HYBRID, Some((5, 10))).unwrap();
    assert_eq!(old.level, Level::Warning, "{old:?}");
    assert!(old.fact.contains("/sys/fs/cgroup/net_cls,net_prio"));
    let new = network_controllers(HYBRID, Some((5, 16))).unwrap();
    assert_eq!(new.level, Level::Ok, "{new:?}");
}

#[test]
fn other_controllers_of_v1_do_not() {
    let others: String = HYBRID
        .lines()
        .filter(|line| !line.contains("net_cls"))
        .fold(String::new(), |all, line| all + line + "\n");
    assert_eq!(network_controllers(&others, Some((5, 10))), None);
}
