use std::path::PathBuf;

use super::v2_mount_point;

#[test]
fn finds_the_v2_hierarchy_beside_v1_controllers() {
    let line = "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw";
    assert_eq!(
        v2_mount_point(line),
        Some(PathBuf::from("/sys/fs/cgroup/unified"))
    );
}

#[test]
fn takes_no_v1_controller_for_it() {
    let line = "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu";
    assert_eq!(v2_mount_point(line), None);
}

#[test]
fn steps_over_optional_fields() {
    let line = "25 1 0:22 / /sys/fs/cgroup rw shared:4 master:1 - cgroup2 cgroup2 rw,nsdelegate";
    assert_eq!(v2_mount_point(line), Some(PathBuf::from("/sys/fs/cgroup")));
}
