//! Child cgroups of the v2 hierarchy, wherever it is mounted.
//!
//! Programs are only ever attached to these; the root of the hierarchy is left alone, because what
//! is attached there changes the connections of the whole machine.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};

use crate::wait;

/// Where the v2 hierarchy is mounted: `/sys/fs/cgroup`, or beside the v1 controllers.
pub fn mount_point() -> Result<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").context("cannot read mountinfo")?;
    mounts
        .lines()
        .find_map(v2_mount_point)
        .context("no cgroup v2 hierarchy is mounted; mount -t cgroup2 none /sys/fs/cgroup/unified")
}

/// The mount point of a mountinfo line (`proc_pid_mountinfo(5)`) if it is the whole v2 hierarchy.
fn v2_mount_point(line: &str) -> Option<PathBuf> {
    let (mount, file_system) = line.split_once(" - ")?;
    if file_system.split(' ').next() != Some("cgroup2") {
        return None;
    }
    mount.split(' ').nth(4).map(PathBuf::from)
}

/// A cgroup of our own. Dropping it kills its members and removes it.
#[derive(Debug)]
pub struct Cgroup {
    path: PathBuf,
    kept: bool,
}

impl Cgroup {
    /// Makes a child of the hierarchy's root.
    pub fn create(name: &str) -> Result<Self> {
        Self::at(mount_point()?.join(name))
    }

    /// Makes a child of this cgroup. It has to be dropped first.
    pub fn child(&self, name: &str) -> Result<Self> {
        Self::at(self.path.join(name))
    }

    fn at(path: PathBuf) -> Result<Self> {
        fs::create_dir(&path).with_context(|| format!("cannot make cgroup {}", path.display()))?;
        Ok(Self { path, kept: false })
    }

    /// Its directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file that takes the process ids of new members.
    pub fn procs(&self) -> PathBuf {
        self.path.join("cgroup.procs")
    }

    /// Leaves it in place when this guard is dropped.
    pub fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        if let Err(error) = remove_tree(&self.path) {
            eprintln!("{error:#}");
        }
    }
}

/// Kills every process below a cgroup directory and removes the directory.
pub fn remove_tree(path: &Path) -> Result<()> {
    let what = format!("removal of {}", path.display());
    wait::until_true(what, || {
        kill_members(path)?;
        Ok(remove_directories(path))
    })
}

/// The processes of a cgroup, without those of its children.
pub fn members(path: &Path) -> Result<Vec<Pid>> {
    let procs = path.join("cgroup.procs");
    let list = match fs::read_to_string(&procs) {
        Ok(list) => list,
        // The cgroup went away between two looks at it: it has no members.
        Err(_) if !path.exists() => return Ok(Vec::new()),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", procs.display()));
        }
    };
    Ok(list
        .lines()
        .filter_map(|line| line.trim().parse().ok().and_then(Pid::from_raw))
        .collect())
}

fn kill_members(path: &Path) -> Result<()> {
    for pid in members(path)? {
        // A process that has ended since is what we want: the error says nothing else.
        let _ = kill_process(pid, Signal::KILL);
    }
    for child in children(path) {
        kill_members(&child)?;
    }
    Ok(())
}

/// Whether the directories are all gone. The kernel refuses while a dying process is a member.
fn remove_directories(path: &Path) -> bool {
    for child in children(path) {
        remove_directories(&child);
    }
    fs::remove_dir(path).is_ok() || !path.exists()
}

fn children(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(path) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

#[cfg(test)]
mod tests;
