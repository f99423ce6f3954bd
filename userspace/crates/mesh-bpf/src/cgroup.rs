//! The cgroup v2 hierarchy, wherever it is mounted.

use std::path::{Path, PathBuf};

use crate::BpfError;

/// Where the v2 hierarchy is mounted: `/sys/fs/cgroup`, or beside the v1 controllers.
pub fn mount_point() -> Result<PathBuf, BpfError> {
    unimplemented!()
}

/// The directory of a process's v2 cgroup; none for the caller's own.
pub fn of_process(pid: Option<u32>) -> Result<PathBuf, BpfError> {
    unimplemented!()
}

/// The kernel's id of a cgroup: the inode of its directory.
pub fn id(cgroup: &Path) -> Result<u64, BpfError> {
    unimplemented!()
}

/// Whether a cgroup is another one or below it.
pub fn is_inside(cgroup: &Path, of: &Path) -> Result<bool, BpfError> {
    unimplemented!()
}

/// Makes a cgroup directory, or finds it made.
pub fn create(cgroup: &Path) -> Result<(), BpfError> {
    unimplemented!()
}

/// Moves the calling process into a cgroup, all threads of it. Sockets made before stay where they
/// were made.
pub fn enter(cgroup: &Path) -> Result<(), BpfError> {
    unimplemented!()
}
