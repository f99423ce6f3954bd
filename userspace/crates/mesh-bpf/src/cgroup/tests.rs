use std::path::PathBuf;

use super::v2_mount_point;

#[test]
fn the_unified_hierarchy_is_found_wherever_it_is() {
    let unified = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
    assert_eq!(
        v2_mount_point(unified),
        Some(PathBuf::from("/sys/fs/cgroup"))
    );
    let hybrid = "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n\
                  41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw\n";
    assert_eq!(
        v2_mount_point(hybrid),
        Some(PathBuf::from("/sys/fs/cgroup/unified"))
    );
}

#[test]
fn the_whole_hierarchy_is_preferred_to_a_part() {
    let both = "41 31 0:38 /kubepods /mnt/part rw - cgroup2 cgroup2 rw\n\
                42 31 0:38 / /mnt/with\\040space rw - cgroup2 cgroup2 rw\n";
    assert_eq!(v2_mount_point(both), Some(PathBuf::from("/mnt/with space")));
}

#[test]
fn version_one_alone_is_none() {
    let v1 = "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n";
    assert_eq!(v2_mount_point(v1), None);
}
