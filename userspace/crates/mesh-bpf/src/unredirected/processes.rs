//! Which processes of some cgroups hold which sockets, and in which namespaces they are.

use std::{
    collections::{HashMap, HashSet},
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use crate::{BpfError, cgroup};

/// Sockets that are looked at: the application of one workload has fewer.
const MOST_SOCKETS: usize = 1 << 20;
/// Network namespaces of processes that are looked into beside the workload's own.
const MOST_NAMESPACES: usize = 64;

/// A process that holds a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) pid: u32,
    pub(super) command: String,
}

/// What the processes of a workload hold.
#[derive(Debug, Default)]
pub(super) struct Holders {
    /// By the number of the socket, its first holder.
    pub(super) by_inode: HashMap<u32, Holder>,
    /// One file of each network namespace that a process is in.
    pub(super) namespaces: Vec<PathBuf>,
    /// There was more than is looked at.
    pub(super) truncated: bool,
}

/// Looks at every process of these cgroups. One that ends meanwhile is left out. The threads of a
/// process are taken to share their descriptors.
pub(super) fn holders<'a>(cgroups: impl Iterator<Item = &'a Path>) -> Result<Holders, BpfError> {
    let mut holders = Holders::default();
    let mut namespaces = HashSet::new();
    for directory in cgroups {
        for pid in cgroup::members(directory)? {
            if holders.by_inode.len() >= MOST_SOCKETS {
                holders.truncated = true;
                return Ok(holders);
            }
            add_sockets(pid, &mut holders.by_inode);
            let netns = PathBuf::from(format!("/proc/{pid}/ns/net"));
            let Ok(file) = fs::metadata(&netns) else {
                continue;
            };
            if namespaces.insert((file.dev(), file.ino())) {
                if namespaces.len() > MOST_NAMESPACES {
                    holders.truncated = true;
                } else {
                    holders.namespaces.push(netns);
                }
            }
        }
    }
    Ok(holders)
}

/// One file of each network namespace that a process of these cgroups is in.
pub(super) fn namespaces<'a>(cgroups: impl Iterator<Item = &'a Path>) -> Vec<PathBuf> {
    let mut found = HashMap::new();
    for pid in cgroups.flat_map(|cgroup| cgroup::members(cgroup).unwrap_or_default()) {
        let netns = PathBuf::from(format!("/proc/{pid}/ns/net"));
        if let Ok(file) = fs::metadata(&netns)
            && found.len() < MOST_NAMESPACES
        {
            found.entry((file.dev(), file.ino())).or_insert(netns);
        }
    }
    found.into_values().collect()
}

fn add_sockets(pid: u32, by_inode: &mut HashMap<u32, Holder>) {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return;
    };
    let mut command = None;
    for descriptor in descriptors.flatten() {
        let Some(inode) = socket_inode(&descriptor.path()) else {
            continue;
        };
        by_inode.entry(inode).or_insert_with(|| Holder {
            pid,
            command: command.get_or_insert_with(|| name(pid)).clone(),
        });
    }
}

/// The number in `socket:[12345]`.
pub(crate) fn socket_inode(descriptor: &Path) -> Option<u32> {
    let target = fs::read_link(descriptor).ok()?;
    let target = target.to_str()?;
    target
        .strip_prefix("socket:[")?
        .strip_suffix(']')?
        .parse()
        .ok()
}

fn name(pid: u32) -> String {
    let comm = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    comm.trim_end().to_owned()
}
